/** A long request of a directory is in nobody's way: others are answered before it ends. On SQLite, where every statement is at once. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { GROUP, USER } from './client.ts';
import { type ScimWorld, startWorld } from './world.ts';

const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
let world: ScimWorld;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.close());

/** How often somebody else was answered while `work` went on. */
async function answeredDuring<T>(work: Promise<T>): Promise<{ done: T; answered: number }> {
  let [ended, answered] = [false, 0];
  const watched = work.finally(() => {
    ended = true;
  });
  while (!ended) {
    expect((await fetch(`${world.gateway.baseUrl}/healthz`)).status).toBe(200);
    if (!ended) answered++;
  }
  return { done: await watched, answered };
}

const ids: string[] = [];

it('a Bulk request of many operations', async () => {
  const Operations = Array.from({ length: 400 }, (_, i) => ({
    method: 'POST',
    path: '/Users',
    bulkId: `b${i}`,
    data: { schemas: [USER], userName: `p${i}@acme.example` },
  }));
  const { done, answered } = await answeredDuring(world.client.post('/Bulk', { schemas: [BULK], Operations }));
  const results = done.body.Operations as { status: string; location: string }[];
  expect(results.filter(({ status }) => status === '201')).toHaveLength(400);
  ids.push(...results.map(({ location }) => location.slice(location.lastIndexOf('/') + 1)));
  expect(answered).toBeGreaterThan(20);
}, 60_000);

it('a group of many members', async () => {
  const members = ids.map((value) => ({ value }));
  const { done, answered } = await answeredDuring(world.client.post('/Groups', { schemas: [GROUP], displayName: 'Sales', members }));
  expect(done.status).toBe(201);
  expect(answered).toBeGreaterThan(2);
});
