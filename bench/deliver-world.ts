/** What deliveries are measured in: databases that go afterwards, a tenant with two platforms, and its people, written by the product's own store. */
import { randomBytes, randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { testKey } from '../fixtures/saml/signer.ts';
import { parseTenantFile } from '../src/config/tenant-file.ts';
import { replay } from '../src/core/diff.ts';
import type { Intent } from '../src/core/intent.ts';
import { sourceOf, type UserState } from '../src/core/model.ts';
import { plan } from '../src/core/plan.ts';
import { digestOf, personOf } from '../src/flows/delivery.ts';
import { newId } from '../src/lib/ids.ts';
import { searchMoves } from '../src/protocols/scim/searchable.ts';
import type { Then } from '../src/store/ledger.ts';
import { openDatabase } from '../src/store/open.ts';
import { PLACE } from '../src/store/outbox.ts';
import { createStore, type Store } from '../src/store/store.ts';
import type { School } from './deliver-platform.ts';
import { type Person, person } from './people.ts';
import { assertionOf, worldOf } from './planner.ts';
import { samlConnections } from './saml-parties.ts';

const POSTGRES = process.env['TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

export type Dialect = 'sqlite' | 'postgres';
export interface Databases {
  /** Address of a new one: empty, or a copy of one that nobody has open. */
  make(from?: string): Promise<string>;
  /** The first rows are there: its planner looks at them. In production autovacuum sees to that; without it a full table is still planned as an empty one. */
  grown(url: string): Promise<void>;
  end(): Promise<void>;
}

/** Null where there is no such server. */
export async function databases(dialect: Dialect): Promise<Databases | null> {
  if (dialect === 'postgres') return (await administer('select 1').catch(() => null)) && onPostgres();
  const folder = mkdtempSync(join(tmpdir(), 'matricula-bench-'));
  let made = 0;
  return {
    async make(from) {
      const path = join(folder, `${++made}.db`);
      if (from !== undefined) cpSync(from.slice('sqlite:'.length), path);
      return `sqlite:${path}`;
    },
    grown: async () => {},
    end: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

function onPostgres(): Databases {
  const made: string[] = [];
  return {
    async make(from) {
      const name = `matricula_bench_${randomUUID().replaceAll('-', '').slice(0, 16)}`;
      await administer(`create database ${name}${from === undefined ? '' : ` template ${new URL(from).pathname.slice(1)}`}`);
      made.push(name);
      return Object.assign(new URL(POSTGRES), { pathname: `/${name}` }).href;
    },
    async grown(url) {
      await administer('analyze', url);
    },
    async end() {
      for (const name of made) await administer(`drop database if exists ${name} with (force)`);
    },
  };
}

async function administer(sql: string, url = POSTGRES): Promise<true> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
  return true;
}

/** What a gateway is started with. `hook`: a receiver of webhooks, or none. `limits` are the school's. */
export async function settingOf(school: School, hook: string | null, { perMinute, concurrent }: { perMinute: number; concurrent: number }) {
  const file = [
    'name: Acme',
    'domains: [acme.example]',
    'connections:',
    samlConnections(await testKey('Sample SAML provider')),
    'platforms:',
    `  - { id: school, kind: thinkific, subdomain: ${school.subdomain}, apiKey: env:SCHOOL_KEY, accessToken: env:SCHOOL_TOKEN, api: "${school.url}", site: "${school.url}", limits: { perMinute: ${perMinute}, concurrent: ${concurrent} } }`,
    ...(hook === null ? [] : [`  - { id: hooks, kind: webhook, url: "${hook}", secrets: [env:HOOK_SECRET] }`]),
    'handOffs:',
    '  - { id: school, kind: thinkific, platform: school }',
    'catalogue:',
    '  bundles:',
    '    - { slug: sales-onboarding, title: Sales onboarding }',
    '  groups:',
    '    - { slug: all-staff, title: All staff }',
    '    - { slug: contractors, title: Contractors }',
    'rules:',
    ...GIVEN.map((target, i) => `  - { id: rule-${i}, when: { group: ${groups[i]} }, enrol: ["${target}"] }`),
    '',
  ].join('\n');
  const secrets = { SCHOOL_KEY: school.apiKey, SCHOOL_TOKEN: school.accessToken, HOOK_SECRET, MATRICULA_SECRET };
  return { file, secrets };
}

const HOOK_SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const MATRICULA_SECRET = randomBytes(32).toString('base64');
const GIVEN = ['bundle:sales-onboarding', 'group:all-staff', 'group:contractors'];
const { groups } = person('any', GIVEN.length);

/** In three groups: a bundle and two groups of the school. */
export const learner = (id: string): Person => person(id, GIVEN.length);
/** In one group less. */
export const learnerLosing = (id: string): Person => person(id, GIVEN.length - 1);

export interface Population {
  store: Store;
  /** Plans their sign-ins, and writes them; nobody is told. States in the same order. */
  arrive(people: Person[], before?: UserState[]): Promise<UserState[]>;
  /** Puts them into the outbox, in this order. */
  tell(platform: string, userIds: string[]): Promise<void>;
  /** The ledger knows their account. */
  haveAccount(platform: string, who: { state: UserState; accountId: string }): Promise<void>;
  close(): Promise<void>;
}

const TOGETHER = 200;
const CONNECTION = 'assertion';

/** Platforms are known there already, so that nobody is told of who was here before them. */
export async function openPopulation(url: string, file: string): Promise<Population> {
  const database = await openDatabase(url);
  const store = createStore(database);
  const parsed = parseTenantFile(file, { file: 'acme.yaml', tenantId: 'acme', baseDir: '.' });
  if (!parsed.ok) throw new Error(parsed.problems.map((problem) => problem.message).join('\n'));
  const world = { ...worldOf(parsed.tenant), newId: () => newId() };

  const writeOf = (someone: Person, known: UserState | null) => {
    const intent = { ...assertionOf(someone), source: sourceOf(CONNECTION) } as Intent;
    const made = plan({ bySubject: known, byEmail: [] }, intent, { ...world, now: new Date() });
    const after = replay(known, made) ?? known!;
    const line = { cause: 'assertion', action: null, resourceType: 'User', resourceId: made.userId, outcome: 'SUCCESS' as const };
    const entry = {
      ...line,
      id: made.id,
      tenantId: 'acme',
      at: new Date(),
      actor: 'bench',
      code: null,
      reference: null,
      mappingVersion: 1,
      detail: {},
    };
    return { after, write: { plan: made, entry, deliveries: [], search: searchMoves(known, after), seats: null, bound: null } };
  };

  return {
    store,
    async arrive(people, before = []) {
      const states: UserState[] = [];
      for (let i = 0; i < people.length; i += TOGETHER) {
        const some = people.slice(i, i + TOGETHER).map((one, n) => writeOf(one, before[i + n] ?? null));
        await store.apply.apply(
          some.map(({ write }) => write),
          new Date(),
        );
        states.push(...some.map(({ after }) => after));
      }
      return states;
    },
    async tell(platform, userIds) {
      for (let i = 0; i < userIds.length; i += 1000) {
        const rows = userIds
          .slice(i, i + 1000)
          .map((userId) => ({ tenantId: 'acme', platform, userId, id: newId(), place: PLACE.change, look: false }));
        await store.outbox.enqueue(rows, new Date());
      }
    },
    async haveAccount(platform, { state, accountId }) {
      const key = { tenantId: 'acme', platform, userId: state.user.id };
      const now = new Date();
      await store.outbox.enqueue([{ ...key, id: newId(), place: PLACE.change, look: false }], now);
      const row = await store.outbox.claimOne(key, { worker: 'bench', now, until: new Date(now.getTime() + 60_000) });
      const then: Then = { kind: 'done' };
      const account = { accountId, profile: digestOf(personOf(state, parsed.tenant)), privileged: 0, lookedAt: now };
      await store.ledger.write(row!, 'bench', { account, put: [], drop: [], then, now });
    },
    close: () => database.close(),
  };
}

/** Everybody who is here has been told to it. */
export async function knowPlatform({ platforms }: Store, platform: string, place: string): Promise<void> {
  const lane = { tenantId: 'acme', platform };
  await platforms.add(lane, place, new Date());
  await platforms.advance(lane, { from: '', to: null }, new Date());
}

/** As flows/platforms has it: of the school, where it is and what it is called there. */
export const placeOfSchool = ({ url, subdomain }: School): string => `thinkific ${url} ${subdomain}`;
