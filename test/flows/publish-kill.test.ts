/**
 * A publication to many people, whose process is killed with SIGKILL again and again: the next goes on, everybody ends as if nothing had happened, and
 * the learning platform hears of nobody twice. PUBLISH_PEOPLE and PUBLISH_KILLS for other numbers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { replay, targetsOf } from '../../src/core/diff.ts';
import { plan } from '../../src/core/plan.ts';
import { type ApplyTenantsDeps, takeIn } from '../../src/flows/apply-tenants.ts';
import { TOGETHER } from '../../src/flows/provision.ts';
import { runPublication } from '../../src/flows/publish.ts';
import { createWorkbench } from '../../src/flows/workbench.ts';
import type { Write } from '../../src/store/apply.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { assertion, NOW } from '../core/world.ts';
import { describeWith } from '../services.ts';
import { type Place, postgres, sqliteFile } from '../store/backends.ts';
import { entryOf } from '../store/makers.ts';
import { startScript } from '../store/spawn.ts';
import { depsOf, tenantOf } from './publish-world.ts';

const KILLS = Number(process.env['PUBLISH_KILLS'] ?? 10);
const CHILD = fileURLToPath(new URL('./publish-child.ts', import.meta.url));
/** No worker keeps a publication longer than this without a word. */
const AHEAD_MS = 60_000;

for (const [backend, people] of [
  [sqliteFile, Number(process.env['PUBLISH_PEOPLE'] ?? 20_000)],
  [postgres, Number(process.env['PUBLISH_PEOPLE'] ?? 4_000)],
] as const)
  describeWith(backend.needs, `a publication to ${people} people on ${backend.name}`, () => {
    let place: Place;
    let database: Database;
    let deps: ApplyTenantsDeps;
    beforeEach(async () => {
      place = await backend.make();
      database = await openDatabase(place.url);
      deps = depsOf(database, 'parent');
    });
    afterEach(async () => {
      await database?.close();
      await place?.drop();
    });

    it(`killed ${KILLS} times ends as one that was left alone`, async () => {
      const file = { tenantId: 'acme', file: 'acme.yaml', text: 'one', parsed: { ok: true, tenant: tenantOf('one') } } as const;
      await takeIn(deps, file, { actor: 'test', allowRemovals: false });
      await populate(deps, people);
      const workbench = createWorkbench(
        { ...deps, withRulesOf: (document) => document, foreignParts: () => [], planPlatforms: async () => [] },
        'whole',
      );
      const { digest, ...foreseen } = await workbench.plan('acme', 'two');
      const sales = Math.ceil(people / 2);
      expect(foreseen.people).toMatchObject({ all: people, gaining: sales, losing: sales });
      const publication = await workbench.publish({ tenantId: 'acme', document: 'two', digest, comment: null, actor: 'test', allowRemovals: false });
      for (let kill = 1; kill <= KILLS; kill++) {
        const child = startScript(CHILD, [place.url, `child-${kill}`, String(kill * AHEAD_MS)]);
        await child.first;
        await sleep(Math.random() * 150);
        child.process.kill('SIGKILL');
        expect([await child.ended, child.complaint()]).toEqual(['SIGKILL', '']);
      }
      const middle = (await deps.store.publications.get(publication))!;
      expect(middle).toMatchObject({ state: 'running' });
      expect(middle.done).toBeGreaterThan(0);
      const last = depsOf(database, 'last', (KILLS + 1) * AHEAD_MS);
      const done = await runPublication(last, publication, 'last');
      expect(done.state).toBe('done');
      await expectEverybody(database, deps, people);
    }, 600_000);
  });

/** Every second is in Sales, every fifth in Board, the others in nothing. */
const groupsOf = (i: number): string[] => [...(i % 2 === 0 ? ['Sales'] : []), ...(i % 5 === 0 ? ['Board'] : [])];

async function populate({ store, newId }: ApplyTenantsDeps, people: number): Promise<void> {
  const world = { tenant: tenantOf('one'), mode: 'jit' as const, phase: null, seats: null, brake: null, now: NOW, newId };
  for (let i = 0; i < people; i += TOGETHER) {
    const writes = Array.from({ length: Math.min(TOGETHER, people - i) }, (_, n): Write => {
      const made = plan({ bySubject: null, byEmail: [] }, assertion('sso', `p${i + n}`, { groups: groupsOf(i + n) }), world);
      return { plan: made, entry: entryOf(made), deliveries: [], search: { gone: [], come: [] }, seats: null, bound: null };
    });
    expect(replay(null, writes[0]!.plan)).not.toBeNull();
    await store.apply.apply(writes, NOW);
  }
}

async function expectEverybody({ query, tables }: Database, { store }: ApplyTenantsDeps, people: number): Promise<void> {
  let seen = 0;
  for (let after: string | null = null; ; ) {
    const page: Awaited<ReturnType<typeof store.people.states>> = await store.people.states('acme', { after, limit: 500 });
    for (const state of page.states) {
      const i = Number(state.identities[0]!.subject.slice(1));
      const groups = groupsOf(i);
      const expected = [...(groups.includes('Sales') ? ['bundle:two'] : []), ...(groups.includes('Board') ? ['collection:board'] : [])];
      // One version for having come, and one for the publication where it changed anything: nobody was written twice.
      expect([i, [...targetsOf(state)].sort(), state.user.version]).toEqual([i, expected, groups.includes('Sales') ? 2 : 1]);
      seen++;
    }
    if (page.next === null) break;
    after = page.next;
  }
  expect(seen).toBe(people);
  const { userId, platform, wanted } = tables.outbox;
  const deliveries = await query.select({ userId, platform, wanted }).from(tables.outbox);
  expect([deliveries.length, new Set(deliveries.map((row) => row.userId)).size]).toEqual([Math.ceil(people / 2), Math.ceil(people / 2)]);
  // One plan each: nobody's platform is told of a second.
  expect(deliveries.filter((row) => row.platform !== 'lms' || row.wanted !== 1)).toEqual([]);
}
