/** diff: the rows that differ, each with a reason; and replay, its inverse. */
import { isDeepStrictEqual } from 'node:util';
import type { Linked } from './link.ts';
import {
  type Change,
  type Effects,
  type Grant,
  grantKey,
  type Identity,
  identityKey,
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
  /** Whether a person asked for it. */
  manual: boolean;
}

/** User first: its row is the lock for everything below it, so any change below moves its version (DESIGN §3.1). */
export function diff(difference: Difference): Change[] {
  const { before, after } = difference;
  const below = [...identityChanges(difference), ...grantChanges(difference)];
  if (isDeepStrictEqual(before?.user, after.user) && below.length === 0) return [];
  const moved = { ...after.user, version: (before?.user.version ?? 0) + 1 };
  return [{ entity: 'user', before: before?.user ?? null, after: moved, reason: userReason(difference) }, ...below];
}

function userReason({ before, after, by, manual }: Difference): Reason {
  if (manual) return 'manual';
  if (!before) return 'first-sign-in';
  if (before.user.status !== 'locked' && after.user.status === 'locked') return 'locked-by-provider';
  if (before.user.status === 'locked' && after.user.status === 'active') return 'unlocked-by-provider';
  if (by === 'email') return 'linked-by-email';
  return isDeepStrictEqual(before.user, after.user) ? 'below-changed' : 'asserted';
}

function identityChanges({ before, after, by }: Difference): Change[] {
  const reason = (old: Identity | null): Reason => (old ? 'asserted' : by === 'email' ? 'linked-by-email' : 'first-sign-in');
  return differing(before?.identities ?? [], after.identities, identityKey).map(
    (d): Change => ({ entity: 'identity', ...d, reason: reason(d.before) }),
  );
}

function grantChanges({ before, after }: Difference): Change[] {
  const reason = (old: Grant | null, now: Grant | null): Reason =>
    (now ?? old)?.source === 'manual' ? 'manual' : now ? 'rule-matched' : 'rule-no-longer-matches';
  return differing(before?.grants ?? [], after.grants, grantKey).map((d): Change => ({ entity: 'grant', ...d, reason: reason(d.before, d.after) }));
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
  return from === after.user.status ? effects : { ...effects, status: { from, to: after.user.status } };
}

/** What a user is enrolled in: the targets that at least one grant names. */
export const targetsOf = (state: UserState | null): Set<Target> => new Set(state?.grants.map((g) => g.target));

/** What a plan leaves behind. The store must agree with this; its suite checks that it does. */
export function replay(before: UserState | null, { changes }: Pick<Plan, 'changes'>): UserState | null {
  let user: User | null = before?.user ?? null;
  const identities = new Map((before?.identities ?? []).map((i) => [identityKey(i), i]));
  const grants = new Map((before?.grants ?? []).map((g) => [grantKey(g), g]));
  for (const change of changes) {
    if (change.entity === 'user') user = change.after;
    else if (change.entity === 'identity') put(identities, identityKey, change);
    else put(grants, grantKey, change);
  }
  return user && { user, identities: [...identities.values()], grants: [...grants.values()] };
}

function put<T>(rows: Map<string, T>, key: (row: T) => string, { before, after }: { before: T | null; after: T | null }): void {
  if (after) rows.set(key(after), after);
  else if (before) rows.delete(key(before));
}
