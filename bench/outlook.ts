/** What a mapping would do to everybody known: CPU for each person and the most memory that it takes, at two sizes. On SQLite in a file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plan } from '../src/core/plan.ts';
import { walkOutlook } from '../src/flows/outlook.ts';
import { newId } from '../src/lib/ids.ts';
import type { Write } from '../src/store/apply.ts';
import { openDatabase } from '../src/store/open.ts';
import { createStore, type Store } from '../src/store/store.ts';
import type { Cases } from './main.ts';
import { ownUsage } from './measure.ts';
import { person } from './people.ts';
import { assertionOf, sampleTenant, worldOf } from './planner.ts';

const TOGETHER = 200;
const RULES = 20;
const GROUPS = 5;

export const outlook: Cases = async (run) => {
  for (const people of [10_000, 100_000]) {
    const name = `mapping plan, ${people / 1000}k people`;
    if (!run.wanted(name)) continue;
    const folder = mkdtempSync(join(tmpdir(), 'matricula-bench-'));
    const database = await openDatabase(`sqlite:${join(folder, 'bench.db')}`);
    try {
      const store = createStore(database);
      const world = { ...worldOf(await sampleTenant(RULES)), newId: () => newId() };
      await load(store, world, people);
      // The first rule's people lose it.
      const tenant = { ...world.tenant, mapping: { version: 2, rules: world.tenant.mapping.rules.slice(1) } };
      const live = { tenant, mode: 'jit' as const, phase: null, seats: null, brake: null, revision: 1 };
      let peak = 0;
      const [before, began] = [await ownUsage(), performance.now()];
      const walked = await walkOutlook({ store, now: () => new Date(), newId: () => newId() }, live, {
        limits: tenant.provisioning.limits,
        onProgress: () => {
          peak = Math.max(peak, process.memoryUsage().rss);
        },
      });
      const seconds = (performance.now() - began) / 1000;
      const cpu = (await ownUsage()).cpuMs - before.cpuMs;
      run.print({
        name,
        seconds: Number(seconds.toFixed(2)),
        cpu_ms_per_op: Number((cpu / people).toFixed(4)),
        rss_mb: Math.round(before.rssMb),
        peak_mb: Math.round(peak / 1024 / 1024),
        losing: walked.outlook.losing,
        n: people,
      });
    } finally {
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }
};

async function load({ apply }: Store, world: ReturnType<typeof worldOf>, people: number): Promise<void> {
  for (let i = 0; i < people; i += TOGETHER) {
    const writes = Array.from({ length: TOGETHER }, (_, n): Write => {
      const made = plan({ bySubject: null, byEmail: [] }, assertionOf(person(`user${i + n}`, GROUPS)), world);
      const line = { id: made.id, tenantId: 'acme', at: world.now, actor: 'bench', cause: 'assertion', action: null, resourceType: 'User' };
      const entry = { ...line, resourceId: made.userId, outcome: 'SUCCESS' as const, code: null, reference: null, mappingVersion: 1, detail: {} };
      return { plan: made, entry, deliveries: [], search: { gone: [], come: [] }, seats: null, bound: null };
    });
    await apply.apply(writes, world.now);
  }
}
