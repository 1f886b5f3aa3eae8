/** guard: what must not happen without an operator. `hold` is the brake on one plan, `exceeds` the measure over many. */

import { effectsOf, replay } from './diff.ts';
import type { Change, Plan, UserState } from './model.ts';
import type { Limits } from './tenant.ts';

export type Guard = 'apply' | 'hold-removals';

/** Moves grants that would go to `held` and leaves the rest of the plan as it was. */
export function guard(plan: Plan, before: UserState | null, mode: Guard): Plan {
  if (mode === 'apply') return plan;
  const held = plan.changes.filter(takesAway);
  if (held.length === 0) return plan;
  const left = plan.changes.filter((change) => !takesAway(change));
  const changes = left.every((change) => change.reason === 'below-changed') ? [] : left;
  const after = replay(before, { changes, groups: plan.groups });
  return { ...plan, changes, held: [...plan.held, ...held], effects: after ? effectsOf(before, after) : plan.effects };
}

const takesAway = (change: Change): boolean => change.entity === 'grant' && change.after === null && change.reason !== 'manual';

/** More people than the limit allows would lose an enrolment at once: `share` of all, but never fewer than `atLeast`. */
export function exceeds(losing: number, everyone: number, { removals }: Limits): boolean {
  return losing > Math.max(removals.atLeast, Math.floor(removals.share * everyone));
}
