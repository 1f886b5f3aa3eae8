/**
 * A hundred thousand random filters and PATCH bodies: nothing but an answer comes back, no prototype changes, and what a filter's SQL finds is what a plain
 * evaluation of the answered resources finds. `SCIM_FUZZ=n` for another number.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { answerDirectory } from '../../../src/flows/directory.ts';
import type { At, DirectoryDeps } from '../../../src/flows/directory-request.ts';
import { createTenantRegistry } from '../../../src/flows/tenants.ts';
import { newId } from '../../../src/lib/ids.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createVault } from '../../../src/lib/secrets.ts';
import { createTurns } from '../../../src/lib/turns.ts';
import { ScimError } from '../../../src/protocols/scim/error.ts';
import { matches } from '../../../src/protocols/scim/evaluate.ts';
import { parseFilter } from '../../../src/protocols/scim/filter.ts';
import { toUser } from '../../../src/protocols/scim/resource.ts';
import { ENTERPRISE, userResource } from '../../../src/protocols/scim/schema.ts';
import { compileFilter } from '../../../src/protocols/scim/where.ts';
import { openDatabase } from '../../../src/store/open.ts';
import { createStore, type Store } from '../../../src/store/store.ts';
import { makeTenant } from '../../core/world.ts';
import { describeWith } from '../../services.ts';
import { type Backend, type Place, postgres, sqliteMemory } from '../../store/backends.ts';
import { entry, mapping, tenantRow } from '../../store/makers.ts';

const RUNS = Number(process.env['SCIM_FUZZ'] ?? 100_000);

const CUSTOM = 'urn:acme:scim:2.0:User';
const SCHEMA = userResource({ [`${CUSTOM}:costCode`]: 'cost_code' });
const WORDS = ['a', 'A', 'ab', 'b', '%', '_', 'ä', 'Ä', '😀', '\uffee', 'work', 'home', 'x@acme.example', 'true', ' ', 'é', 'e\u0301'];
const text = fc.oneof(
  fc.constantFrom(...WORDS),
  fc.tuple(fc.constantFrom(...WORDS), fc.constantFrom(...WORDS)).map((two) => two.join('')),
);

const email = fc.record({ value: text, type: fc.constantFrom('work', 'home', 'other'), display: text }, { requiredKeys: [] });
const resource = fc.record(
  {
    displayName: text,
    title: text,
    nickName: text,
    profileUrl: text,
    name: fc.record({ givenName: text, familyName: text }, { requiredKeys: [] }),
    emails: fc.array(email, { maxLength: 3 }).map((list) => list.map((one, i) => (i === 0 ? { ...one, primary: true } : one))),
    phoneNumbers: fc.array(email, { maxLength: 2 }),
    addresses: fc.array(fc.record({ formatted: text, type: text }, { requiredKeys: [] }), { maxLength: 2 }),
    active: fc.boolean(),
    [ENTERPRISE]: fc.record({ department: text, employeeNumber: text, manager: fc.record({ value: text }) }, { requiredKeys: [] }),
    [CUSTOM]: fc.record({ costCode: text }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

const PATHS = [
  'userName',
  'USERNAME',
  'displayName',
  'title',
  'nickName',
  'profileUrl',
  'externalId',
  'id',
  'name.givenName',
  'name.familyName',
  'emails',
  'emails.value',
  'emails.type',
  'emails.display',
  'phoneNumbers.value',
  'addresses.formatted',
  'addresses.type',
  'active',
  'emails.primary',
  'schemas',
  'groups.value',
  'groups.display',
  'meta.created',
  'meta.lastModified',
  'meta.resourceType',
  `${ENTERPRISE}:department`,
  `${ENTERPRISE.toUpperCase()}:Department`,
  `${ENTERPRISE}:manager.value`,
  `${CUSTOM}:costCode`,
  'name',
  'nothing',
];
const DATES = ['2026-01-02T03:04:05.678Z', '2026-01-02T04:04:05.678+01:00', '2020-01-01T00:00:00Z', '2030-01-01T00:00:00Z'];
const literal = fc.oneof(
  { weight: 8, arbitrary: text.map((one) => JSON.stringify(one)) },
  { weight: 1, arbitrary: fc.constantFrom(...DATES).map((one) => JSON.stringify(one)) },
  { weight: 1, arbitrary: fc.constantFrom('true', 'false', 'null', '7', JSON.stringify(ENTERPRISE), '"User"', '"direct"') },
);
const operator = fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le', 'EQ', 'Co');
const comparison = (paths: readonly string[]) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constantFrom(...paths), operator, literal).map((three) => three.join(' ')) },
    { weight: 1, arbitrary: fc.constantFrom(...paths).map((path) => `${path} pr`) },
  );
const nested = (leaf: fc.Arbitrary<string>) =>
  fc.letrec<{ f: string }>((tie) => ({
    f: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      { weight: 3, arbitrary: leaf },
      { weight: 1, arbitrary: fc.tuple(tie('f'), fc.constantFrom('and', 'or', 'AND'), tie('f')).map((three) => `(${three.join(' ')})`) },
      { weight: 1, arbitrary: fc.tuple(tie('f'), fc.constantFrom('and', 'or'), tie('f')).map((three) => three.join(' ')) },
      { weight: 1, arbitrary: tie('f').map((f) => `not (${f})`) },
    ),
  })).f;
const inEmail = nested(comparison(['value', 'type', 'primary', 'display']));
const valuePath = fc
  .tuple(fc.constantFrom('emails', 'phoneNumbers', 'Emails'), inEmail, fc.constantFrom('', '', '.value eq "a"', '.type pr'))
  .map(([list, inner, rest]) => `${list}[${inner}]${rest}`);
const filter = nested(fc.oneof({ weight: 4, arbitrary: comparison(PATHS) }, { weight: 1, arbitrary: valuePath }));

/** Anything that a client may send, hostile names among it. */
const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'title',
  'name',
  'emails',
  'active',
  'name.givenName',
  ENTERPRISE,
  `${ENTERPRISE}:department`,
  'members',
];
/** `__proto__` as an own property, as JSON.parse makes it. */
const own = (entries: [string, unknown][]): unknown =>
  JSON.parse(`{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value) ?? 'null'}`).join(',')}}`);
const json = fc.letrec<{ j: unknown }>((tie) => ({
  j: fc.oneof(
    { maxDepth: 3 },
    { weight: 3, arbitrary: fc.oneof(text, fc.boolean(), fc.constant(null), fc.integer()) },
    { weight: 1, arbitrary: fc.array(tie('j'), { maxLength: 3 }) },
    { weight: 2, arbitrary: fc.array(fc.tuple(fc.constantFrom(...NAMES, 'value', 'type', 'primary'), tie('j')), { maxLength: 4 }).map(own) },
  ),
})).j;
const path = fc.oneof(
  fc.constantFrom(...PATHS, ...NAMES),
  valuePath,
  inEmail.map((inner) => `emails[${inner}].display`),
  fc.string({ maxLength: 20 }),
);
const operation = fc
  .record({ op: fc.constantFrom('add', 'Add', 'replace', 'Replace', 'remove', 'move'), path, value: json }, { requiredKeys: ['op'] })
  .map((one) => JSON.parse(JSON.stringify(one)) as object);
const patch = fc
  .array(operation, { minLength: 1, maxLength: 4 })
  .map((Operations) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations }));

interface Small {
  store: Store;
  ids: string[];
  ask(
    method: string,
    segments: string[],
    rest?: { query?: Record<string, string>; body?: unknown },
  ): Promise<{ status: number; body: Record<string, unknown> }>;
  close(): Promise<void>;
}

/** A tenant of some thirty people in a few groups, asked without HTTP. */
async function small(backend: Backend): Promise<Small> {
  const place: Place = await backend.make();
  const database = await openDatabase(place.url);
  const store = createStore(database);
  let moment = Date.parse('2026-01-02T03:04:05.678Z');
  const now = () => new Date(moment++);
  const tenants = createTenantRegistry({ store, parse: () => ({ ok: true, tenant }), log: silentLog });
  const deps: DirectoryDeps = {
    store,
    tenants,
    vault: createVault(Buffer.alloc(32, 7)),
    turns: createTurns(),
    now,
    newId: () => newId(moment),
  };
  const tenant = {
    ...makeTenant([]),
    scim: { fields: { [`${CUSTOM}:costCode`]: 'cost_code' }, groups: { sameName: 'allow' as const, matchLocal: true } },
  };
  await store.tenants.create(tenantRow('acme', { mode: 'scim', phase: 'live' }), mapping('acme', 1), entry('made'));
  const at: At = {
    live: { tenant, mode: 'scim', phase: 'live', seats: null, brake: null, revision: 1 },
    base: 'https://scim.example/v2',
    users: SCHEMA,
    holds: async () => true,
    allows: async () => null,
    actor: 'scim:test',
    reference: 'r',
  };
  const ask: Small['ask'] = async (method, segments, { query = {}, body } = {}) => {
    const answer = await answerDirectory(deps, at, { method, segments, query, body, ifMatch: undefined, ifNoneMatch: undefined });
    return { status: answer.status, body: (answer.body ?? {}) as Record<string, unknown> };
  };
  const ids: string[] = [];
  const people = fc.sample(resource, { numRuns: 24, seed: 20_261_126 });
  for (const [i, person] of people.entries()) {
    const { status, body } = await ask('POST', ['Users'], {
      body: { ...JSON.parse(JSON.stringify(person)), userName: `${WORDS[i % WORDS.length]}${i}` },
    });
    if (status === 201) ids.push(String(body['id']));
  }
  for (const [i, displayName] of ['a', 'Ä', 'work'].entries())
    await ask('POST', ['Groups'], { body: { displayName, members: ids.filter((_, n) => n % (i + 2) === 0).map((value) => ({ value })) } });
  return { store, ids, ask, close: () => database.close().then(() => place.drop()) };
}

/** What nothing may ever change. */
const prototypes = (): string =>
  JSON.stringify([Object.prototype, Array.prototype, String.prototype, Function.prototype].map((one) => Object.getOwnPropertyNames(one).sort()));

for (const [backend, share] of [
  [sqliteMemory, 1],
  [postgres, 0.02],
] as const) {
  describeWith(backend.needs, `random requests on ${backend.name}`, () => {
    let world: Small;
    beforeAll(async () => {
      world = await small(backend);
    });
    afterAll(() => world?.close());
    const untouched = prototypes();

    it(`a filter finds in SQL what a plain evaluation finds, ${RUNS * share * 0.3} times`, async () => {
      expect(world.ids.length).toBeGreaterThan(15);
      const people = (await world.store.people.states('acme', { after: null, limit: 200 })).states;
      const resources = people.map((person) => toUser(person, { base: 'https://scim.example/v2', schema: SCHEMA }));
      let compared = 0;
      await fc.assert(
        fc.asyncProperty(filter, async (asked) => {
          const found = await byEachWay(world, resources, asked);
          if (!found) return;
          compared++;
          // Compared by hand first, as below: a hundred thousand times `expect` takes longer than what is looked at.
          if (found.sql.join() !== found.plain.join()) expect({ asked, ids: found.sql }).toEqual({ asked, ids: found.plain });
        }),
        { numRuns: RUNS * share * 0.3 },
      );
      // Most are filters; the rest are refused as such.
      expect(compared).toBeGreaterThan(RUNS * share * 0.1);
      expect(prototypes()).toBe(untouched);
    }, 600_000);

    it(`a PATCH is answered and never more than refused, ${RUNS * share * 0.7} times`, async () => {
      let [done, refused, n] = [0, 0, 0];
      await fc.assert(
        fc.asyncProperty(patch, async (body) => {
          const id = world.ids[n++ % world.ids.length]!;
          const { status } = await world.ask('PATCH', ['Users', id], { body });
          if (![200, 400, 409].includes(status)) expect([200, 400, 409]).toContain(status);
          if (status === 200) done++;
          else refused++;
        }),
        { numRuns: RUNS * share * 0.7 },
      );
      expect(Math.min(done, refused)).toBeGreaterThan(RUNS * share * 0.005);
      expect(prototypes()).toBe(untouched);
    }, 600_000);
  });
}

async function byEachWay(world: Small, resources: Record<string, unknown>[], asked: string): Promise<{ sql: unknown[]; plain: unknown[] } | null> {
  try {
    const parsed = parseFilter(asked);
    const where = compileFilter(parsed, SCHEMA);
    const { people, total } = await world.store.search.users('acme', { where, sort: null, from: { offset: 0 }, limit: 200, count: true });
    if (total !== people.length) expect({ asked, total }).toEqual({ asked, total: people.length });
    const plain = resources.filter((one) => matches(parsed, one, SCHEMA)).map((one) => one['id']);
    return { sql: people.map(({ user }) => user.id), plain };
  } catch (error) {
    if (error instanceof ScimError && error.status === 400) return null;
    throw error;
  }
}
