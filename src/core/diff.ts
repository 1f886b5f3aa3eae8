/** diff: the rows that differ, each with a reason; and replay, its inverse. */
import { isDeepStrictEqual } from 'node:util';
import type { Linked } from './link.ts';
import {
  type Change,
  type Effects,
  type Grant,
  grantKey,
  heldKey,
  type Identity,
  identityKey,
  type Membership,
  membershipKey,
  type Plan,
  type Reason,
  type Target,
  type User,
  type UserState,
} from './model.ts';

export interface Difference {
  before: UserState | null;
  after: UserState;
  by: Linked['by'];
  intent: Plan['intent'];
  now: Date;
}

/** User first: its row is the lock for everything below it, so any change below moves its version (DESIGN §3.1). */
export function diff(difference: Difference): Change[] {
  const { before, after, now } = difference;
  const below = [...identityChanges(difference), ...membershipChanges(difference), ...grantChanges(difference), ...heldChanges(difference)];
  if (isDeepStrictEqual(before?.user, after.user) && below.length === 0) return [];
  const moved = { ...after.user, version: (before?.user.version ?? 0) + 1, updatedAt: now };
  return [{ entity: 'user', before: before?.user ?? null, after: moved, reason: userReason(difference) }, ...below];
}

function userReason(difference: Difference): Reason {
  const { before, after, by, intent } = difference;
  if (intent === 'edit') return 'manual';
  if (intent === 'keep') return 'kept-by-hand';
  if (intent === 'lapse') return 'lapsed';
  if (intent === 'resource') return directoryReason(difference);
  if (!before) return 'first-sign-in';
  if (before.user.status !== 'locked' && after.user.status === 'locked') return 'locked-by-provider';
  if (before.user.status === 'locked' && after.user.status === 'active' && intent === 'assertion') return 'unlocked-by-provider';
  if (by === 'email') return 'linked-by-email';
  return isDeepStrictEqual(before.user, after.user) || intent !== 'assertion' ? 'below-changed' : 'asserted';
}

function directoryReason({ before, after }: Difference): Reason {
  if (!before) return 'created-by-directory';
  const [was, is] = [before.user.status, after.user.status];
  if (is === 'deleted') return 'deleted-by-directory';
  if (was === 'deleted') return 'restored-by-directory';
  if (was !== is && is === 'suspended') return 'suspended-by-directory';
  if (was === 'suspended' && is === 'active') return 'reactivated-by-directory';
  return before.identities.some((i) => i.source === 'directory') ? 'changed-by-directory' : 'adopted-by-directory';
}

function identityChanges({ before, after, by }: Difference): Change[] {
  const reason = (old: Identity | null, now: Identity | null): Reason => {
    if (now?.source === 'directory') return old ? 'changed-by-directory' : before ? 'adopted-by-directory' : 'created-by-directory';
    return old ? 'asserted' : by === 'email' ? 'linked-by-email' : 'first-sign-in';
  };
  return differing(before?.identities ?? [], after.identities, identityKey).map(
    (d): Change => ({ entity: 'identity', ...d, reason: reason(d.before, d.after) }),
  );
}

function membershipChanges({ before, after }: Difference): Change[] {
  return differing(before?.memberships ?? [], after.memberships, membershipKey).map(
    (d): Change => ({ entity: 'membership', ...d, reason: d.after ? 'joined-group' : 'left-group' }),
  );
}

function grantChanges({ before, after }: Difference): Change[] {
  const reason = (old: Grant | null, now: Grant | null): Reason =>
    (now ?? old)?.source === 'manual' ? 'manual' : now ? 'rule-matched' : 'rule-no-longer-matches';
  return differing(before?.grants ?? [], after.grants, grantKey).map((d): Change => ({ entity: 'grant', ...d, reason: reason(d.before, d.after) }));
}

function heldChanges({ before, after }: Difference): Change[] {
  return differing(before?.held ?? [], after.held, heldKey).map((d): Change => ({ entity: 'held', ...d, reason: d.after ? 'held' : 'held-no-more' }));
}

function differing<T>(before: T[], after: T[], key: (row: T) => string): { before: T | null; after: T | null }[] {
  const old = new Map(before.map((row) => [key(row), row]));
  const now = new Map(after.map((row) => [key(row), row]));
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .map((k) => ({ before: old.get(k) ?? null, after: now.get(k) ?? null }))
    .filter((d) => !isDeepStrictEqual(d.before, d.after));
}

/** Net targets and the change of status: what the learning platform has to hear of. */
export function effectsOf(before: UserState | null, after: UserState): Effects {
  const had = targetsOf(before);
  const has = targetsOf(after);
  const from = before?.user.status ?? null;
  const effects: Effects = { gained: [...has].filter((t) => !had.has(t)).sort(), lost: [...had].filter((t) => !has.has(t)).sort() };
  if (from !== after.user.status) effects.status = { from, to: after.user.status };
  if (before && TOLD.some((what) => !isDeepStrictEqual(before.user[what], after.user[what]))) effects.profile = true;
  return effects;
}

/** What learning platforms are told of a person, besides status and enrolments. */
const TOLD = [
  'userName',
  'email',
  'displayName',
  'givenName',
  'familyName',
  'locale',
  'timezone',
  'title',
  'role',
  'fields',
] as const satisfies (keyof User)[];

/** What a user is enrolled in: the targets that at least one grant names. */
export const targetsOf = (state: UserState | null): Set<Target> => new Set(state?.grants.map((g) => g.target));

/** What a plan leaves behind. The store must agree with this; its suite checks that it does. */
export function replay(before: UserState | null, { changes, groups }: Pick<Plan, 'changes' | 'groups'>): UserState | null {
  let user: User | null = before?.user ?? null;
  const identities = new Map((before?.identities ?? []).map((i) => [identityKey(i), i]));
  const grants = new Map((before?.grants ?? []).map((g) => [grantKey(g), g]));
  const memberships = new Map((before?.memberships ?? []).map((m) => [membershipKey(m), m]));
  const waiting = new Map((before?.held ?? []).map((h) => [heldKey(h), h]));
  for (const change of changes) {
    if (change.entity === 'user') user = change.after;
    else if (change.entity === 'identity') put(identities, identityKey, change);
    else if (change.entity === 'held') put(waiting, heldKey, change);
    else if (change.entity === 'membership') put(memberships, membershipKey, change);
    else put(grants, grantKey, change);
  }
  const joined = new Set([...memberships.values()].map((m: Membership) => m.groupId));
  const named = new Map([...(before?.groups ?? []), ...groups].map((g) => [g.id, g]));
  return (
    user && {
      user,
      identities: [...identities.values()],
      grants: [...grants.values()],
      memberships: [...memberships.values()],
      groups: [...named.values()].filter(({ id }) => joined.has(id)),
      held: [...waiting.values()],
    }
  );
}

function put<T>(rows: Map<string, T>, key: (row: T) => string, { before, after }: { before: T | null; after: T | null }): void {
  if (after) rows.set(key(after), after);
  else if (before) rows.delete(key(before));
}
