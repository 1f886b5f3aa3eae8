/** The local catalogue keeps the contract: on a real store, where what is planned is what is delivered. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Person, Resource } from '../../src/connectors/connector.ts';
import { createLocalConnector, localLearnerOf } from '../../src/connectors/local.ts';
import { targetsOf } from '../../src/core/diff.ts';
import type { Intent, Lookup } from '../../src/core/intent.ts';
import { sourceOf, type Target } from '../../src/core/model.ts';
import { plan } from '../../src/core/plan.ts';
import { foldKey } from '../../src/core/profile.ts';
import { newId } from '../../src/lib/ids.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore } from '../../src/store/store.ts';
import { group, makeTenant, NOW, rule } from '../core/world.ts';
import { type Place, postgres, sqliteFile } from '../store/backends.ts';
import { entry, write } from '../store/makers.ts';
import { attemptOf, makePerson } from './people.ts';
import { connectorPromises, type Side } from './suite.ts';

const TARGETS: Target[] = ['bundle:sales-onboarding', 'collection:executive', 'group:cohort-7'];
const THINGS: Resource[] = TARGETS.map((id) => ({ kind: 'target', id, name: id.slice(id.indexOf(':') + 1) }));
/** Who is in a group named after a target is enrolled in it. */
const TENANT = makeTenant(TARGETS.map((target) => rule(`rule-${target}`, group(target), [target])));
const SOURCE = sourceOf('sso');

async function startStore(place: Pick<Place, 'url'>) {
  const database = await openDatabase(place.url);
  const store = createStore(database);
  // The connector has a way to the database of its own, so that it can be away while the rest goes on.
  let asked = await openDatabase(place.url);
  const connector = createLocalConnector({
    async read(userId) {
      const state = await createStore(asked).people.state(TENANT.id, userId);
      return state && localLearnerOf(state, TENANT.catalogue);
    },
  });

  /** As flows/provision does; a new user gets this id. */
  async function run(intent: Intent, lookup: Lookup, userId: string): Promise<void> {
    const candidates = await store.people.candidates(TENANT.id, lookup);
    const ids = candidates.bySubject ? [] : [userId];
    const world = { tenant: TENANT, mode: 'jit' as const, phase: null, seats: null, brake: null, now: NOW, newId: () => ids.pop() ?? newId() };
    const made = plan(candidates, intent, world);
    if (made.changes.length > 0) await store.apply.apply([write(made, { deliveries: [] })], NOW);
  }
  const signsIn = (person: Person, desired: Resource[]): Promise<void> => {
    const { userName, email, displayName, givenName, familyName, locale, timezone, title, active } = person;
    const profile = { userName, email, displayName, givenName, familyName, locale, timezone, title };
    const statement = { profile, fields: {}, groups: { said: 'listed' as const, groups: desired.map(({ id }) => id) }, claims: {}, active };
    return run(
      { kind: 'assertion', source: SOURCE, subject: person.id, statement, emailTrust: { trusted: true } },
      { by: 'assertion', source: SOURCE, subject: person.id, emailKey: foldKey(email) },
      person.id,
    );
  };
  const edit = (userId: string, change: Omit<Extract<Intent, { kind: 'edit' }>, 'kind'>) =>
    run({ kind: 'edit', ...change }, { by: 'user', userId }, userId);
  return {
    store,
    connector,
    signsIn,
    edit,
    async down() {
      await asked.close();
    },
    async up() {
      asked = await openDatabase(place.url);
    },
    async close() {
      await asked.close();
      await database.close();
    },
  };
}

const NO_WIRE = 'nothing is called over a wire';
const BY_PLANS = 'accounts here are made by plans only, and core/link says whose they are';

for (const backend of [sqliteFile, postgres]) {
  let place: Place | null = null;
  connectorPromises({
    name: `local, on ${backend.name}`,
    needs: backend.needs,
    lacks: { foreignAccount: BY_PLANS, makePrivileged: BY_PLANS, loseAnswer: NO_WIRE, answerNonsense: NO_WIRE },
    async make(): Promise<Side> {
      place ??= await backend.make();
      const local = await startStore(place);
      const { people, upkeep } = local.store;
      const never = () => Promise.reject(new Error('not to be had'));
      return {
        ...local,
        things: THINGS,
        secrets: [],
        person: makePerson,
        async attempt(key, person, desired) {
          await local.signsIn(person, desired);
          return attemptOf(key, person, desired);
        },
        async observe(accountId) {
          const state = await people.state(TENANT.id, accountId);
          if (!state) return null;
          const { email, givenName, familyName, status } = state.user;
          const resources = [...targetsOf(state)].map((id) => ({ kind: 'target' as const, id }));
          return { resources, profile: { email, givenName, familyName }, active: status === 'active' };
        },
        accounts: async () => (await people.counts(TENANT.id)).users,
        putByHand: (accountId, { id }) => local.edit(accountId, { grant: [id as Target] }),
        async removeAccount(accountId) {
          await local.edit(accountId, { status: 'deleted' });
          expect(await local.connector.read(accountId, THINGS, new AbortController().signal)).toBeNull();
          const { user } = (await people.state(TENANT.id, accountId))!;
          await upkeep.erase(user, entry(newId(), { tenantId: TENANT.id, resourceId: accountId }));
        },
        foreignAccount: never,
        makePrivileged: never,
        loseAnswer: never,
        answerNonsense: never,
      };
    },
    end: async () => place?.drop(),
  });
}

describe('the local catalogue', () => {
  let place: Place;
  beforeAll(async () => {
    place = await sqliteFile.make();
  });
  afterAll(() => place.drop());
  const [thing, another] = THINGS as [Resource, Resource];

  it('says that nothing is done which no plan has done, and that it is once one has', async () => {
    const local = await startStore(place);
    const { connector } = local;
    const person = makePerson();
    const attempt = attemptOf('k', person, [thing]);
    const operations = [
      { kind: 'add' as const, resource: thing },
      { kind: 'remove' as const, resource: another },
    ];
    const outcomes = async () => (await connector.apply({ id: person.id, held: null }, operations, attempt)).map(({ outcome }) => outcome);
    const notYet = expect.objectContaining({ name: 'TransientFailure', code: 'conflict', scope: 'person' });
    await expect(connector.upsert(null, attempt)).rejects.toEqual(notYet);
    expect(await outcomes()).toEqual([notYet, 'done']);
    await local.signsIn(person, [another]);
    expect(await outcomes()).toEqual([notYet, notYet]);
    await local.signsIn(person, [thing]);
    expect((await connector.upsert(null, attempt))!).toEqual({ account: { id: person.id, privileged: false }, created: false });
    expect(await outcomes()).toEqual(['done', 'done']);
    await local.close();
  });

  it('gives nothing to whom is not active, and has them no more once they are deleted', async () => {
    const local = await startStore(place);
    const person = makePerson();
    await local.signsIn(person, [thing]);
    const read = () => local.connector.read(person.id, THINGS, new AbortController().signal);
    expect(await read()).toMatchObject({ resources: [thing], active: true });
    await local.edit(person.id, { status: 'suspended' });
    expect(await read()).toMatchObject({ resources: [], active: false });
    await expect(local.connector.upsert(person.id, attemptOf('k', person, [thing]))).rejects.toMatchObject({ code: 'conflict' });
    await local.edit(person.id, { status: 'deleted' });
    expect(await read()).toBeNull();
    expect(await local.connector.find(person, new AbortController().signal)).toBeNull();
    await local.close();
  });
});
