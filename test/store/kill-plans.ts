/** The plans that the killed process applies, and what the database must hold of them. */
import type { Plan, UserState } from '../../src/core/model.ts';
import type { Database } from '../../src/store/database.ts';
import type { JournalEntry } from '../../src/store/journal.ts';
import type { Store } from '../../src/store/store.ts';
import { creation, edit, entryOf, grant, person } from './makers.ts';

interface Step {
  plan: Plan;
  entry: JournalEntry;
  version: number;
  /** The user after it. */
  state: UserState;
}

/** One user's two plans: made with identity and grants, then edited: a grant goes, two come. */
export function plansOf(tenantId: string, n: number): [Step, Step] {
  const id = `${tenantId}-${n}`;
  const first = person(id, { tenantId });
  const made = creation(`${id}-1`, first);
  const come = [grant(first.user, 'group:a', { source: 'manual', rule: '' }), grant(first.user, 'group:b', { source: 'manual', rule: '' })];
  const edited = edit(`${id}-2`, first, { moved: { title: 'Dr' }, gone: [first.grants[0]!], come });
  const second = {
    user: { ...first.user, title: 'Dr', version: 2 },
    identities: first.identities,
    grants: [first.grants[1]!, ...come],
    memberships: [],
    groups: [],
    held: [],
  };
  return [
    { plan: made, entry: entryOf(made), version: 1, state: first },
    { plan: edited, entry: entryOf(edited), version: 2, state: second },
  ];
}

/** All that the database holds of one tenant. */
export async function heldOf(db: Database, store: Store, tenantId: string) {
  const { states } = await store.people.states(tenantId, { after: null, limit: 100_000 });
  const journal = (await store.journal.list(tenantId, { limit: 100_000 })).map((e) => e.id).sort();
  const { outbox, identity, grant: grants } = db.tables;
  const waiting = (await db.query.select().from(outbox)).filter((r) => r.tenantId === tenantId).map((r) => `${r.userId} ${r.platform} ${r.wanted}`);
  const rows = async (t: typeof identity | typeof grants) =>
    (await db.query.select({ tenantId: t.tenantId }).from(t)).filter((r) => r.tenantId === tenantId).length;
  return { states, journal, outbox: waiting.sort(), identities: await rows(identity), grants: await rows(grants) };
}

/** What must be held where exactly these versions were reached: every plan up to them whole, no other row. */
export function expectedOf(tenantId: string, reached: Map<string, number>) {
  const steps = [...reached].flatMap(([id, version]) => plansOf(tenantId, Number(id.slice(tenantId.length + 1))).slice(0, version));
  const states = [...reached].map(([id, version]) => plansOf(tenantId, Number(id.slice(tenantId.length + 1)))[version === 1 ? 0 : 1].state);
  return {
    states,
    journal: steps.map((s) => s.entry.id).sort(),
    // One row per person and platform, however many plans: it says how many.
    outbox: [...reached].flatMap(([id, version]) => [`${id} lms ${version}`, `${id} webhook ${version}`]).sort(),
    identities: states.reduce((sum, s) => sum + s.identities.length, 0),
    grants: states.reduce((sum, s) => sum + s.grants.length, 0),
  };
}
