/** plan = link · fold · derive · diff · guard: the whole decision, pure. A preview is this call; a run is this call and `store.apply`. */
import { derive } from './derive.ts';
import { diff, effectsOf } from './diff.ts';
import { fold } from './fold.ts';
import { type Guard, guard } from './guard.ts';
import type { Candidates, Intent } from './intent.ts';
import { link } from './link.ts';
import type { Plan, User } from './model.ts';
import { Refusal } from './refusal.ts';
import type { World } from './world.ts';

/** Throws `Refusal` where the intent belongs to nobody or may not be followed; then nothing is to be changed. */
export function plan(candidates: Candidates, intent: Intent, world: World, braked: Guard = 'apply'): Plan {
  const linked = link(candidates, intent, world);
  const before = linked.state;
  const after = derive(fold(linked, intent, world), world);
  if (before?.user.status !== 'deleted') refuseTaken(candidates, before?.user ?? null, after.user);
  const made: Plan = {
    id: world.newId(),
    tenantId: world.tenant.id,
    userId: after.user.id,
    intent: intent.kind,
    mappingVersion: world.tenant.mapping.version,
    changes: diff({ before, after, by: linked.by, manual: intent.kind === 'edit' }),
    held: [],
    effects: effectsOf(before, after),
  };
  return guard(made, before, braked);
}

/** A name or an e-mail that another user has is never taken, and never silently shared. */
function refuseTaken(candidates: Candidates, before: User | null, after: User): void {
  if (before?.emailKey === after.emailKey && before.userNameKey === after.userNameKey) return;
  const taken = candidates.byEmail.some(
    ({ user }) => user.id !== after.id && (user.emailKey === after.emailKey || user.userNameKey === after.userNameKey),
  );
  if (taken) throw new Refusal('email-in-use', 'plan/email-in-use', 'the e-mail or userName belongs to another user');
}
