/**
 * A directory of 2,000 people and 60 groups: synced once it is there, synced again it plans nothing, and a gateway that is killed ten times
 * on the way ends where one that was not does, because the client tries again.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from '../../../src/store/store.ts';
import { sqliteFile } from '../../store/backends.ts';
import { environment, freePort, type TenantFolder, tenantFolder } from '../gateway.ts';
import { spawnGateway } from '../process.ts';
import { type Answer, createClient, ENTERPRISE, GROUP, type ScimClient, USER } from './client.ts';
import { basePath, beside, company, type ScimWorld, SECRETS, startWorld, tokenBeside } from './world.ts';

const USERS = 2000;
const GROUPS = 60;
const AT_ONCE = 8;
const KILLS = 10;
/** Members that one PATCH adds: more than the gateway writes in one transaction, so that one can be cut off half way. */
const CHUNK = 120;

interface Entry {
  userName: string;
  [attribute: string]: unknown;
}
const people: Entry[] = Array.from({ length: USERS }, (_, i) => ({
  schemas: [USER, ENTERPRISE],
  externalId: `dir-${i}`,
  userName: `p${i}@acme.example`,
  displayName: `Person ${i}`,
  name: { givenName: 'Person', familyName: `${i}` },
  emails: [{ value: `p${i}@acme.example`, type: 'work', primary: true }],
  active: i % 17 !== 0,
  [ENTERPRISE]: { employeeNumber: `${i}`, department: `D${i % 7}` },
}));
/** Everyone is in two, or in one twice. */
const groups = Array.from({ length: GROUPS }, (_, g) => ({
  displayName: g % 5 === 0 ? `Sales ${g}` : `Team ${g}`,
  externalId: `grp-${g}`,
  members: people.filter((_person, i) => [i % GROUPS, (i * 13 + 5) % GROUPS].includes(g)).map(({ userName }) => userName),
}));

/** Sends, and sends again where the gateway went away meanwhile. `afterWrite` hears of every write that was answered. */
interface Line {
  send(request: (client: ScimClient) => Promise<Answer>): Promise<Answer>;
  afterWrite(): void;
}

/** What a directory does in a cycle: looks each object up, creates what is not there and says the whole of what is. */
async function sync(line: Line): Promise<void> {
  const ids = new Map<string, string>();
  await eachOf(people, async (person) => {
    ids.set(person.userName, await ensured(line, { kind: 'Users', filter: `userName eq "${person.userName}"`, body: person }));
  });
  await eachOf(groups, async ({ displayName, externalId, members }) => {
    const body = { schemas: [GROUP], displayName, externalId };
    const id = await ensured(line, { kind: 'Groups', filter: `displayName eq "${displayName}"`, body });
    for (let from = 0; from < members.length; from += CHUNK) {
      const value = members.slice(from, from + CHUNK).map((userName) => ({ value: ids.get(userName)! }));
      const { status } = await line.send((client) => client.patch(`/Groups/${id}?excludedAttributes=members`, { op: 'Add', path: 'members', value }));
      if (status !== 200 && status !== 204) throw new Error(`PATCH of ${displayName}: ${status}`);
      line.afterWrite();
    }
  });
}

interface Thing {
  kind: 'Users' | 'Groups';
  filter: string;
  body: Record<string, unknown>;
}
/** The id of what is there afterwards. A user that is there is said whole; a group's name and id are, without members. */
async function ensured(line: Line, { kind, filter, body }: Thing): Promise<string> {
  const more = kind === 'Groups' ? '&excludedAttributes=members' : '';
  for (let tries = 0; tries < 5; tries++) {
    const found = await line.send((client) => client.find(kind, filter, more));
    if (found.status !== 200 || found.body.totalResults > 1) throw new Error(`${filter}: ${found.status} ${found.text}`);
    const known = found.body.Resources[0];
    const { status, body: made } = await line.send((client) =>
      !known
        ? client.post(`/${kind}`, body)
        : kind === 'Users'
          ? client.put(`/Users/${known.id}`, body)
          : client.patch(`/Groups/${known.id}?excludedAttributes=members`, {
              op: 'replace',
              value: { displayName: body['displayName'], externalId: body['externalId'] },
            }),
    );
    if (status === 200 || status === 201) {
      line.afterWrite();
      return made.id;
    }
    // The answer was lost and not the user: look again.
    if (status !== 409) throw new Error(`${filter}: ${status} ${JSON.stringify(made)}`);
  }
  throw new Error(`${filter} is neither there nor can it be created`);
}

async function eachOf<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const waiting = [...all];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await work(one);
    }),
  );
}

/** Everything that there is, without ids, times and versions. */
async function worldOf(store: Store): Promise<object> {
  const users: object[] = [];
  for (let after: string | null = null, more = true; more; ) {
    const { states, next } = await store.people.states('acme', { after, limit: 500 });
    for (const { user, identities, grants, memberships, groups: named } of states) {
      const names = new Map(named.map((group) => [group.id, `${group.displayName} ${group.externalId}`]));
      const { id: _id, version: _version, createdAt: _created, updatedAt: _updated, statusSince: _since, ...kept } = user;
      users.push({
        ...kept,
        facts: identities.map(({ source, facts }) => ({ source, facts })),
        grants: grants.map(({ target, rule, source }) => `${target} ${rule} ${source}`).sort(),
        groups: memberships.map(({ groupId, source }) => `${names.get(groupId)} ${source}`).sort(),
      });
    }
    after = next;
    more = next !== null;
  }
  return users.toSorted((a, b) => ((a as Entry).userName < (b as Entry).userName ? -1 : 1));
}

async function groupsOf(client: ScimClient): Promise<string[]> {
  const { body } = await client.get('/Groups?count=200&excludedAttributes=members');
  return body.Resources.map(({ displayName, externalId }) => `${displayName} ${externalId}`).sort();
}

describe('a directory of 2,000 people and 60 groups', () => {
  let world: ScimWorld;
  let whole: object;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world?.close());
  const straight = (): Line => ({ send: (request) => request(world.client), afterWrite: () => {} });

  it('is there after one cycle, and enrolled', async () => {
    await sync(straight());
    await world.gateway.settled();
    const { store } = world.gateway.house;
    expect(await store.people.counts('acme')).toMatchObject({ users: USERS, active: people.filter(({ active }) => active).length });
    expect(await groupsOf(world.client)).toEqual(groups.map(({ displayName, externalId }) => `${displayName} ${externalId}`).sort());
    whole = await worldOf(store);
    const sales = new Set(groups.filter(({ displayName }) => displayName.startsWith('Sales')).flatMap(({ members }) => members));
    const enrolled = (whole as { userName: string; grants: string[] }[]).filter(({ grants }) =>
      grants.some((grant) => grant.startsWith('bundle:sales ')),
    );
    expect(new Set(enrolled.map(({ userName }) => userName))).toEqual(sales);
  }, 120_000);

  it('the second cycle plans nothing: not a row moves, and every line is SKIPPED', async () => {
    const rows = withoutLastUse(await world.gateway.snapshot());
    const { database } = world.gateway.house;
    const count = async () => {
      const lines = await database.query.select({ outcome: database.tables.journal.outcome }).from(database.tables.journal);
      const of = (outcome: string) => lines.filter((line) => line.outcome === outcome).length;
      return { SUCCESS: of('SUCCESS'), FAILED: of('FAILED'), SKIPPED: of('SKIPPED') };
    };
    const before = await count();
    await sync(straight());
    await world.gateway.settled();
    expect(withoutLastUse(await world.gateway.snapshot())).toBe(rows);
    const after = await count();
    expect({ SUCCESS: after.SUCCESS, FAILED: after.FAILED }).toEqual({ SUCCESS: before.SUCCESS, FAILED: before.FAILED });
    expect(after.SKIPPED - before.SKIPPED).toBeGreaterThanOrEqual(USERS + GROUPS);
  }, 120_000);

  describe('on a gateway that is killed ten times', () => {
    let folder: TenantFolder;
    let place: { url: string; drop: () => Promise<void> };
    let gateway: Mortal;
    let env: Record<string, string>;
    beforeAll(async () => {
      place = await sqliteFile.make();
      folder = tenantFolder({ tenants: { acme: company() }, files: SECRETS });
      env = environment(await freePort(), folder.path, { database: place.url, env: { MATRICULA_SECRET: randomBytes(32).toString('base64') } });
      gateway = mortal(env);
      await gateway.up();
    }, 60_000);
    afterAll(async () => {
      await gateway?.stop();
      folder?.remove();
      await place?.drop();
    });

    it('the client’s next try goes on, and the end is the same', async () => {
      const client = createClient(gateway.url + basePath('acme'), await tokenBeside(env));
      let writes = 0;
      const line: Line = {
        async send(request) {
          for (;;) {
            await gateway.up();
            try {
              return await request(client);
            } catch (error) {
              if (!gateway.isGone(error)) throw error;
            }
          }
        },
        afterWrite() {
          // Six times among the people, four among the memberships; seven other requests are somewhere on their way then.
          const [usersEach, groupsEach] = [Math.floor(USERS / 6.5), 18];
          const due = writes < USERS ? writes % usersEach === usersEach - 1 : (writes - USERS) % groupsEach === groupsEach - 1;
          writes++;
          if (due && gateway.kills() < KILLS) gateway.kill();
        },
      };
      await sync(line);
      await gateway.up();
      expect(gateway.kills()).toBe(KILLS);
      expect(await beside(env, ({ store }) => worldOf(store))).toEqual(whole);
      expect(await groupsOf(client)).toEqual(await groupsOf(world.client));
    }, 240_000);
  });
});

/** When a token was last used is no state of anybody. */
const withoutLastUse = (snapshot: string): string =>
  JSON.stringify(
    (JSON.parse(snapshot) as [string, string[]][]).filter(([table]) => !['apiKey', 'scimExchange', 'outbox'].includes(table)),
    null,
    1,
  );

interface Mortal {
  url: string;
  /** Resolves when it listens (again). */
  up(): Promise<void>;
  /** SIGKILL, and another one is started. */
  kill(): void;
  kills(): number;
  /** Whether this is what a client sees of a gateway that was killed. */
  isGone(error: unknown): boolean;
  stop(): Promise<void>;
}

function mortal(env: Record<string, string>): Mortal {
  let node = spawnGateway(env);
  let up = node.ready;
  let kills = 0;
  const again = async () => {
    node.signal('SIGKILL');
    expect(await node.ended).toBe('SIGKILL');
    node = spawnGateway(env);
    await node.ready;
  };
  return {
    url: node.url,
    up: () => up,
    kill() {
      kills++;
      up = up.then(again);
    },
    kills: () => kills,
    isGone: (error) => ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(String((error as { code?: unknown }).code)),
    async stop() {
      await up;
      await node.stop();
    },
  };
}
