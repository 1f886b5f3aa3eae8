/** Two gateways on one database deliver the same queue: between them everybody is delivered once, and the platform's limit is kept by both together. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from '@jest/globals';
import { effects } from '../../../fixtures/sample-platform/faults.ts';
import { type SamplePlatform, startSamplePlatform } from '../../../fixtures/sample-platform/sample-platform.ts';
import { provision } from '../../../src/flows/provision.ts';
import { assertion } from '../../core/world.ts';
import { describeWith, redisUrl } from '../../services.ts';
import { postgres, sqliteFile } from '../../store/backends.ts';
import { type Child, startScript } from '../../store/spawn.ts';
import { environment, freePort, startGateway, type TestGateway } from '../gateway.ts';
import { company, SECRETS } from '../scim/world.ts';
import { SCHOOL, secretsOf, tenantParts } from './school.ts';

const CHILD = fileURLToPath(new URL('./gateway-child.ts', import.meta.url));
const PEOPLE = 60;

for (const [name, backend, redis] of [
  ['SQLite', sqliteFile, undefined],
  ['PostgreSQL and Redis', postgres, redisUrl],
] as const)
  describeWith(redis ? 'redis' : backend.needs, `two gateways on ${name}`, () => {
    let platform: SamplePlatform;
    let gateway: TestGateway;
    let child: Child | undefined;
    let drop = async () => {};
    afterEach(async () => {
      child?.process.kill('SIGKILL');
      await child?.ended;
      await gateway?.close();
      await platform?.close();
      await drop();
    });

    it('double no effect, and both take part', async () => {
      const place = await backend.make();
      drop = place.drop;
      platform = await startSamplePlatform({ school: SCHOOL, limits: { perMinute: null } });
      const over = tenantParts(platform, { limits: { perMinute: 1000, concurrent: 4 } });
      const tenants = { acme: company({ provisioning: { initialMode: 'jit' }, groups: {}, ...over }) };
      const files = { ...SECRETS, ...secretsOf(platform) };
      gateway = await startGateway({ tenants, files, database: place.url, ...(redis && { redis }) });
      const { flow, tenants: live, store, database } = gateway.house;
      const env = environment(await freePort(), gateway.folder.path, { database: place.url, ...(redis && { redis }) });
      child = startScript(CHILD, [JSON.stringify(env), '0']);
      await child.ready;
      platform.faults.add({ effect: effects.slow(100) });
      for (let i = 0; i < PEOPLE; i++)
        await provision(flow, {
          live: live.get('acme')!,
          intent: assertion('oidc', `p${i}`, { groups: ['Sales'] }),
          lookup: { by: 'assertion', source: 'connection:oidc', subject: `p${i}`, emailKey: `p${i}@acme.example` },
          actor: 'connection:oidc',
          reference: null,
        });
      const workers = new Set<string>();
      while ((await store.outbox.waiting('acme')) > 0) {
        for (const { claimedBy } of await database.query.select().from(database.tables.outbox))
          if (claimedBy !== null) workers.add(claimedBy.replace(/:\d+$/, ''));
        await sleep(10);
      }
      expect(workers.size).toBe(2);
      expect(platform.school.users.size).toBe(PEOPLE);
      const posts = platform.calls
        .filter(({ method, status }) => method === 'POST' && status === 201)
        .map(({ path }) => path.replace(/\/\d+/g, '/:id'));
      const counts = Object.fromEntries(
        [...new Set(posts)].map((path) => [path.replace('/api/public/v1', ''), posts.filter((one) => one === path).length]),
      );
      expect(counts).toEqual({ '/users': PEOPLE, '/bundles/:id/enrollments': PEOPLE, '/group_users': PEOPLE });
      expect(platform.calls.filter(({ status }) => status !== null && status >= 400 && status !== 404)).toEqual([]);
      for (const user of platform.school.users.values()) expect(platform.school.usable(user.id)).toMatchObject({ bundles: ['sales'] });
    }, 120_000);
  });
