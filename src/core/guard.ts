/** guard: what must not happen without an operator. On one plan it holds what takes away; `exceeds` is the measure over many. */
import { targetsOf } from './diff.ts';
import { type Grant, type HeldChange, heldKey, isBelow, type User, type UserState } from './model.ts';
import type { Limits } from './tenant.ts';
import type { World } from './world.ts';

/** Why a plan may not take anything away, and how far that goes; null = it may. */
export interface Brake {
  cause: HeldChange['cause'];
  /** False for what a person does by hand: what was held stays held, and what the hand itself takes goes. */
  fresh: boolean;
  /** False where a person says by hand what the status is. */
  status: boolean;
  /** False where what is held is given by hand instead: a role comes from rules only. */
  role: boolean;
  /** Where nothing fresh is held: for what reason that must have been held before. Null = whatever it was. */
  only: HeldChange['cause'] | null;
}

/**
 * The state with what it would take away put back, and each of those written down as held. A grant goes where another gives the same target: that takes
 * nothing away. Held is concluded anew at every plan, so what is no longer to happen is no longer held; what still is keeps its age.
 */
export function guard(before: UserState | null, after: UserState, brake: Brake | null, { now }: Pick<World, 'now'>): UserState {
  if (brake === null || !before) return { ...after, held: [] };
  const known = brake.only === null ? before.held : before.held.filter(({ cause }) => cause === brake.only);
  const { tenantId, id: userId } = after.user;
  const change = (what: HeldChange['what'], of: Partial<HeldChange>): HeldChange => {
    const held: HeldChange = { tenantId, userId, what, target: '', source: '', rule: '', value: '', cause: brake.cause, since: now, ...of };
    return known.find((one) => heldKey(one) === heldKey(held) && one.value === held.value) ?? held;
  };
  const may = (held: HeldChange): boolean => brake.fresh || known.some((one) => heldKey(one) === heldKey(held));
  const grants = lostGrants(before, after)
    .map((grant) => ({ grant, held: change('grant', { target: grant.target, source: grant.source, rule: grant.rule }) }))
    .filter(({ held }) => may(held));
  const status =
    brake.status && before.user.status === 'active' && after.user.status !== 'active' ? change('status', { value: after.user.status }) : null;
  const role = brake.role && isBelow(after.user.role, before.user.role) ? change('role', { value: after.user.role }) : null;
  const kept = [status, role].filter((held) => held !== null && may(held)) as HeldChange[];
  const puts = (held: HeldChange | null) => held !== null && kept.includes(held);
  return {
    ...after,
    user: { ...(puts(status) ? withStatus(before.user, after.user) : after.user), role: puts(role) ? before.user.role : after.user.role },
    grants: [...after.grants, ...grants.map(({ grant }) => grant)],
    held: [...grants.map(({ held }) => held), ...kept],
  };
}

function lostGrants(before: UserState, after: UserState): Grant[] {
  const has = targetsOf(after);
  return before.grants.filter((grant) => grant.source !== 'manual' && !has.has(grant.target));
}

/** Where nothing is concluded (mode `manual`) nothing is lost, and what waits for an operator goes on to wait; a hand-over that was left is over. */
export const stillHeld = ({ held }: UserState): HeldChange[] => held.filter(({ cause }) => cause !== 'hand-over');

/** Whom the directory deleted keeps the name until an operator says so. */
function withStatus(before: User, after: User): User {
  const { status, statusSince, userNameKey, externalId } = before;
  return after.status === 'deleted' ? { ...after, status, statusSince, userNameKey, externalId } : { ...after, status, statusSince };
}

/** More people than the limit allows would lose an enrolment at once: `share` of all, but never fewer than `atLeast`. */
export function exceeds(losing: number, everyone: number, { removals }: Limits): boolean {
  return losing > Math.max(removals.atLeast, Math.floor(removals.share * everyone));
}
