/**
 * The school is away for an hour while people sign in, and the gateway is killed again and again: everybody signs in, nothing is lost and nothing is done
 * twice, and when the school is back people come in their turn, within what it allows. OUTAGE_PEOPLE for another number.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type OidcIdp, startOidcIdp } from '../../../fixtures/sample-idp/oidc-idp.ts';
import { type SamplePlatform, startSamplePlatform } from '../../../fixtures/sample-platform/sample-platform.ts';
import type { Database } from '../../../src/store/database.ts';
import { openDatabase } from '../../../src/store/open.ts';
import { createStore, type Store } from '../../../src/store/store.ts';
import { describeWith } from '../../services.ts';
import { type Place, postgres, sqliteFile } from '../../store/backends.ts';
import { type Child, startScript } from '../../store/spawn.ts';
import { environment, eventually, freePort, type TenantFolder, tenantFolder } from '../gateway.ts';
import { learner } from '../modes/operator.ts';
import { company, SECRETS } from '../scim/world.ts';
import { createVisitor } from '../visitor.ts';
import { SCHOOL, secretsOf, tenantParts } from './school.ts';

const CHILD = fileURLToPath(new URL('./gateway-child.ts', import.meta.url));
const HOUR_MS = 3_600_000;
const TOGETHER = 8;

/** `kills`: while people sign in, and as many while they are delivered. */
for (const { backend, people, kills: most } of [
  { backend: sqliteFile, people: Number(process.env['OUTAGE_PEOPLE'] ?? 500), kills: 5 },
  { backend: postgres, people: Number(process.env['OUTAGE_PEOPLE'] ?? 60), kills: 2 },
])
  describeWith(backend.needs, `a school that is away for an hour, ${people} learners, on ${backend.name}`, () => {
    let ahead = 0;
    let place: Place;
    let database: Database;
    let store: Store;
    let platform: SamplePlatform;
    let oidc: OidcIdp;
    let folder: TenantFolder;
    let env: Record<string, string>;
    let child: Child;

    const start = async () => {
      child = startScript(CHILD, [JSON.stringify(env), String(ahead)]);
      await child.ready;
    };
    const kill = async () => {
      child.process.kill('SIGKILL');
      expect(await child.ended).toBe('SIGKILL');
    };
    const pass = (ms: number) => {
      ahead += ms;
      child.process.stdin!.write(`${ahead}\n`);
    };

    beforeEach(async () => {
      place = await backend.make();
      platform = await startSamplePlatform({ school: SCHOOL, now: () => new Date(Date.now() + ahead) });
      const port = await freePort();
      const clients = [
        {
          clientId: 'acme',
          clientSecret: SECRETS['secrets/oidc'],
          redirectUris: [`http://127.0.0.1:${port}/t/acme/oidc/oidc/callback`],
          auth: 'client_secret_basic' as const,
        },
      ];
      oidc = await startOidcIdp({ people: Array.from({ length: people }, (_, i) => learner(`p${i}`, ['Sales'])), clients });
      const acme = company({
        provisioning: { initialMode: 'jit' },
        groups: {},
        ...tenantParts(platform, { limits: { perMinute: 120, concurrent: 1 } }),
      });
      for (const connection of acme.connections) connection.issuer = oidc.issuer;
      folder = tenantFolder({ tenants: { acme }, files: { ...SECRETS, ...secretsOf(platform) } });
      env = environment(port, folder.path, { database: place.url });
      await start();
      database = await openDatabase(place.url);
      store = createStore(database);
      await eventually(async () => (await store.platforms.get({ tenantId: 'acme', platform: 'school' }))?.entriesAt ?? null, 30_000);
    });
    afterEach(async () => {
      child?.process.kill('SIGKILL');
      await database?.close();
      await Promise.all([platform?.close(), oidc?.close()]);
      folder?.remove();
      await place?.drop();
    });

    /** Until it succeeds, as people do; to the door of the school and no further. */
    async function signsIn(i: number): Promise<void> {
      await eventually(async () => {
        const visitor = createVisitor(env['MATRICULA_BASE_URL']!, { stopAt: (url) => new URL(url).pathname === '/t/acme/go' });
        await visitor.byOidc(`p${i}@acme.example`);
        return (await visitor.me()).user.email === `p${i}@acme.example` || null;
      }, 60_000);
    }

    it(`is told of everybody once, in their turn and at its own pace, by a gateway that was killed ${2 * most} times`, async () => {
      platform.faults.down();
      const before = platform.calls.length;
      for (let round = 0; round < most; round++) {
        const mine = Array.from({ length: people }, (_, i) => i).filter((i) => i % most === round);
        const queue = [...mine];
        const half = queue.length / 2;
        const workers = Array.from({ length: TOGETHER }, async () => {
          for (let i = queue.shift(); i !== undefined; i = queue.shift()) await signsIn(i);
        });
        await eventually(async () => queue.length <= half || null, 120_000);
        await kill();
        await start();
        await Promise.all(workers);
      }
      // Somebody who goes on to the school now is told that their courses are being prepared.
      const visitor = createVisitor(env['MATRICULA_BASE_URL']!, { stopAt: (url) => /\/go\?.*since=/.test(url) });
      expect((await visitor.byOidc('p0@acme.example')).body).toMatch(/Preparing your courses/);
      for (let minutes = 0; minutes < 60; minutes += 10) {
        pass(HOUR_MS / 6);
        await sleep(150);
      }
      expect(platform.calls.slice(before).filter(({ status }) => status !== null)).toEqual([]);
      expect(await store.outbox.counts('acme')).toMatchObject([{ waiting: people, dead: 0 }]);
      const turns = (await database.query.select().from(database.tables.outbox)).sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());

      platform.faults.up();
      for (let kills = 0; (await store.outbox.waiting('acme')) > 0; ) {
        pass(1500);
        await sleep(25);
        if (platform.school.users.size < (people * (kills + 1)) / (most + 1) || kills === most) continue;
        await kill();
        kills++;
        await start();
      }

      // Everybody once, with all that the rules give.
      const { users } = platform.school;
      expect(users.size).toBe(people);
      for (const user of users.values()) {
        const { courses, bundles, groups } = platform.school.usable(user.id);
        expect([courses.toSorted(), bundles, groups.toSorted()]).toEqual([['closing', 'listening'], ['sales'], ['A cohort', 'Staff']]);
      }
      const done = (what: RegExp) => platform.calls.filter(({ method, path, status }) => what.test(`${method} ${path} ${status}`)).length;
      expect([done(/^POST \S+\/users 201$/), done(/^POST \S+\/bundles\/\d+\/enrollments 201$/), done(/^POST \S+\/group_users 201$/)]).toEqual([
        people,
        people,
        people,
      ]);
      expect(platform.calls.filter(({ status }) => status === 422 || status === 429)).toEqual([]);
      // No minute, wherever one begins to count, had more than it allows.
      const counted = platform.calls.filter((call) => call.counted).map(({ at }) => at.getTime());
      const next = counted.map((at, i) => (counted[i + 120] ?? Number.POSITIVE_INFINITY) - at);
      expect(Math.min(...next)).toBeGreaterThanOrEqual(60_000);
      // In the order in which they came: only whoever was being delivered when the gateway was killed came after their turn.
      const order = new Map(turns.map(({ userId }, i) => [userId, i]));
      const came = [...users.values()].sort((a, b) => a.id - b.id).map(({ externalId }) => order.get(externalId!)!);
      expect(outOfTurn(came)).toBeLessThanOrEqual(most);
      expect(await store.outbox.counts('acme')).toEqual([]);
    }, 400_000);
  });

/** How many would have to be taken out so that the others stand in order. */
function outOfTurn(numbers: number[]): number {
  const tails: number[] = [];
  for (const n of numbers) {
    const at = tails.findIndex((tail) => tail >= n);
    tails[at === -1 ? tails.length : at] = n;
  }
  return numbers.length - tails.length;
}
