/** A plan over many people, and the walk after it, are in nobody's way: requests that come meanwhile are answered before they end. On SQLite, where every read is at once. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { plan } from '../../../src/core/plan.ts';
import type { Write } from '../../../src/store/apply.ts';
import { assertion } from '../../core/world.ts';
import { entryOf } from '../../store/makers.ts';
import { RULES } from '../modes/operator.ts';
import { type Bench, type Publication, startBench } from './bench.ts';

const PEOPLE = 6000;
const TOGETHER = 50;
let bench: Bench;

beforeAll(async () => {
  bench = await startBench();
  const { store, flow, tenants } = bench.operator.gateway.house;
  const { tenant, mode, phase } = tenants.get('acme')!;
  const world = { tenant, mode, phase, seats: null, brake: null, now: new Date(), newId: flow.newId };
  for (let i = 0; i < PEOPLE; i += TOGETHER) {
    const writes = Array.from({ length: TOGETHER }, (_, n): Write => {
      const made = plan({ bySubject: null, byEmail: [] }, assertion('oidc', `p${i + n}`, { groups: ['Sales'] }), world);
      return { plan: made, entry: entryOf(made), deliveries: [], search: { gone: [], come: [] }, seats: null, bound: null };
    });
    await store.apply.apply(writes, world.now);
  }
}, 60_000);
afterAll(() => bench?.operator.close());

const document = () => bench.document([{ ...RULES[0]!, enrol: ['bundle:sales', 'bundle:selling'] }, RULES[1]!]);

it('others are answered while it is planned', async () => {
  let ended = false;
  const planned = bench.plan(document()).finally(() => {
    ended = true;
  });
  let answered = 0;
  while (!ended) {
    expect((await fetch(`${bench.operator.gateway.baseUrl}/healthz`)).status).toBe(200);
    if (!ended) answered++;
  }
  expect(await planned).toMatchObject({ people: { all: PEOPLE, gaining: PEOPLE, losing: 0 } });
  // Thirty pages: between any two of them there is a turn for others.
  expect(answered).toBeGreaterThan(5);
});

it('and while everybody is concluded', async () => {
  const { revision } = await bench.publish(document());
  const seen = new Set<number>();
  for (let state = 'running'; state === 'running'; ) {
    const { body } = await bench.operator.get<{ publications: Publication[] }>('/mapping/publications');
    const found = body.publications.find((one) => one.revision === revision)!;
    state = found.state;
    if (found.done > 0 && found.done < PEOPLE) seen.add(found.done);
  }
  expect(await bench.done({ revision })).toMatchObject({ done: PEOPLE, gaining: PEOPLE });
  expect(seen.size).toBeGreaterThan(5);
}, 120_000);
