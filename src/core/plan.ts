/** plan = link · fold · derive · diff · guard: the whole decision, pure. A preview is this call; a run is this call and `store.apply`. */
import { derive } from './derive.ts';
import { diff, effectsOf } from './diff.ts';
import { fold } from './fold.ts';
import { type Brake, guard, stillHeld } from './guard.ts';
import type { Candidates, Intent } from './intent.ts';
import { link } from './link.ts';
import type { Plan, User, UserState } from './model.ts';
import { Refusal } from './refusal.ts';
import type { World } from './world.ts';

/**
 * Throws `Refusal` where the intent belongs to nobody or may not be followed; then nothing is to be changed. While a hand-over is going on everything but
 * what a person does by hand is braked; `released`: an operator said that it may happen.
 */
export function plan(candidates: Candidates, intent: Intent, world: World, released: Released = false): Plan {
  const linked = link(candidates, intent, world);
  const before = linked.state;
  const folded = fold(linked, intent, world);
  const derived = derive(folded, world);
  // Where nobody's facts count nothing was concluded.
  const guarded =
    derived === folded && before && folded.user.status === before.user.status
      ? { ...derived, held: stillHeld(folded) }
      : guard(before, derived, brakeOn(folded, intent, world, released), world);
  const after = dated(before, guarded, world);
  if (after.user.status !== 'deleted') refuseTaken(candidates, before?.user ?? null, after.user);
  refuseSeat(before?.user ?? null, after.user, world);
  return {
    id: world.newId(),
    tenantId: world.tenant.id,
    userId: after.user.id,
    intent: intent.kind,
    mappingVersion: world.tenant.mapping.version,
    changes: diff({ before, after, by: linked.by, intent: intent.kind, now: world.now }),
    groups: after.groups,
    held: after.held,
    effects: effectsOf(before, after),
  };
}

/** What an operator said may happen: all that is held, or only what a hand-over held. */
export type Released = boolean | 'hand-over';

/**
 * Beyond the limits everybody's losses wait for an operator; in a hand-over, too; where the lease says `hold`, those of whoever it ran out for. What waits
 * because of the limits goes on to wait when the brake is let go, and when a hand-over ends.
 */
function brakeOn({ user, held }: UserState, intent: Intent, { mode, phase, tenant, brake }: World, released: Released): Brake | null {
  if (released === true) return null;
  const byHand = brakeFor(intent);
  if (brake === 'limit') return { ...byHand, cause: 'limit' };
  if (phase === 'adopting' && released !== 'hand-over') return byHand;
  if (mode === 'jit' && user.lapsedAt !== null && tenant.provisioning.lease?.lapse === 'hold') return { ...byHand, cause: 'lease' };
  return held.some(({ cause }) => cause === 'limit') ? { ...byHand, cause: 'limit', fresh: false, only: 'limit' } : null;
}

function brakeFor(intent: Intent): Brake {
  const byHand = intent.kind === 'edit' || (intent.kind === 'group' && intent.by === 'manual');
  const status = !(intent.kind === 'edit' && intent.status !== undefined);
  return { cause: 'hand-over', fresh: !byHand, status, role: intent.kind !== 'keep', only: null };
}

function dated(before: UserState | null, after: UserState, { now }: World): UserState {
  if (before?.user.status === after.user.status) return after;
  return { ...after, user: { ...after.user, statusSince: now } };
}

/** Active users count; who is active already is never in the way of the licence. */
function refuseSeat(before: User | null, after: User, { seats }: World): void {
  if (seats === null || after.status !== 'active' || before?.status === 'active' || seats.active < seats.limit) return;
  throw new Refusal('seats-exhausted', 'plan/seats', `all ${seats.limit} seats are taken`);
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
