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
  if (after.user.status !== 'deleted') refuseTaken(candidates, before?.user ?? null, after.user);
  const made: Plan = {
    id: world.newId(),
    tenantId: world.tenant.id,
    userId: after.user.id,
    intent: intent.kind,
    mappingVersion: world.tenant.mapping.version,
    changes: diff({ before, after, by: linked.by, intent: intent.kind, now: world.now }),
    groups: after.groups,
    held: [],
    effects: effectsOf(before, after),
  };
  return guard(made, before, braked);
}

/** A name or an e-mail that another user has is never taken, and never silently shared. No e-mail is nobody's. */
export function refuseTaken({ byEmail }: Pick<Candidates, 'byEmail'>, before: User | null, after: User): void {
  const others = byEmail.filter(({ user }) => user.id !== after.id).map(({ user }) => user);
  const moved = (key: 'emailKey' | 'userNameKey' | 'externalId') => before?.status === 'deleted' || before?.[key] !== after[key];
  const taken = (key: 'emailKey' | 'userNameKey' | 'externalId') => moved(key) && !!after[key] && others.some((user) => user[key] === after[key]);
  if (taken('userNameKey')) throw new Refusal('email-in-use', 'plan/user-name-in-use', 'another user has this userName');
  if (taken('externalId')) throw new Refusal('external-id-in-use', 'plan/external-id-in-use', 'another user has this externalId');
  if (taken('emailKey')) throw new Refusal('email-in-use', 'plan/email-in-use', 'another user has this e-mail');
}
