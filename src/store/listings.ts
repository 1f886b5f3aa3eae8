import { and, asc, count, countDistinct, eq, gt, inArray, max, ne, or, sql } from 'drizzle-orm';
import type { HeldChange, User, UserState } from '../core/model.ts';
import { foldKey } from '../core/profile.ts';
import type { Database } from './database.ts';
import { found } from './failures.ts';
import type { Paging, People } from './people.ts';

/** The part of `People` that lists, counts and searches: for console, CLI and remap; no sign-in waits for it. */
export function createListings(
  { query: q, tables: { user, grant, headcount, held } }: Database,
  belowMany: (tenantId: string, users: User[]) => Promise<UserState[]>,
): Pick<People, 'find' | 'page' | 'states' | 'counts' | 'held' | 'headcount' | 'heldCounts' | 'heldPeople' | 'byUserName'> {
  const rows = async (tenantId: string, { after, limit, search }: Paging & { search?: string }) => {
    const from = after === null ? undefined : gt(user.id, after);
    const more = await q
      .select()
      .from(user)
      .where(and(eq(user.tenantId, tenantId), from, search ? matches(search) : undefined))
      .orderBy(asc(user.id))
      .limit(limit + 1);
    const users = more.slice(0, limit);
    return { users, next: more.length > limit ? users.at(-1)!.id : null };
  };
  /** On the folded keys, since `like` and `lower` mean different things to the two databases. */
  const matches = (search: string) => {
    const pattern = `%${foldKey(search.slice(0, 254)).replace(/[\\%_]/g, '\\$&')}%`;
    return sql`(${user.userNameKey} like ${pattern} escape '\\' or ${user.emailKey} like ${pattern} escape '\\')`;
  };

  const states = async (tenantId: string, paging: Paging) => {
    const { users, next } = await rows(tenantId, paging);
    return { states: await belowMany(tenantId, users), next };
  };

  const find = async (tenantId: string, term: string): Promise<User | null> => {
    const key = foldKey(term);
    const here = eq(user.tenantId, tenantId);
    const live = ne(user.status, 'deleted');
    const hits = await q
      .select()
      .from(user)
      .where(or(and(here, eq(user.id, term)), and(here, eq(user.userNameKey, key), live), and(here, eq(user.emailKey, key), live)));
    const rank = (u: User) => (u.id === term ? 0 : u.userNameKey === key ? 1 : 2);
    return hits.sort((a, b) => rank(a) - rank(b))[0] ?? null;
  };

  const headcountOf = async (tenantId: string) =>
    (await q.select({ users: headcount.users, active: headcount.active }).from(headcount).where(eq(headcount.tenantId, tenantId)))[0] ?? {
      users: 0,
      active: 0,
    };

  const counts = async (tenantId: string) => {
    const people = await headcountOf(tenantId);
    const [held] = await q.select({ n: count() }).from(grant).where(eq(grant.tenantId, tenantId));
    return { ...people, grants: held?.n ?? 0 };
  };

  const heldPeople = async (tenantId: string, { after, limit, cause }: Paging & { cause?: HeldChange['cause'] }): Promise<string[]> => {
    const rows = await q
      .select({ userId: held.userId })
      .from(held)
      .where(
        and(
          eq(held.tenantId, tenantId),
          cause === undefined ? undefined : eq(held.cause, cause),
          after === null ? undefined : gt(held.userId, after),
        ),
      )
      .groupBy(held.userId)
      .orderBy(asc(held.userId))
      .limit(limit);
    return rows.map(({ userId }) => userId);
  };
  /** Whole people, so that a page ends between two of them. */
  const heldChanges = async (tenantId: string, paging: Paging) => {
    const ids = await heldPeople(tenantId, paging);
    const states = await belowMany(tenantId, ids.length === 0 ? [] : await usersOf(tenantId, ids));
    const changes = states.flatMap(({ user: { id, userName, email }, held: of }) => of.map((one) => ({ ...one, person: { id, userName, email } })));
    return { changes, next: ids.length === paging.limit ? (ids.at(-1) ?? null) : null };
  };
  const usersOf = async (tenantId: string, ids: string[]) =>
    await q
      .select()
      .from(user)
      .where(and(eq(user.tenantId, tenantId), inArray(user.id, ids)))
      .orderBy(asc(user.id));
  const heldCounts = async (tenantId: string) => {
    const [row] = await q
      .select({ people: countDistinct(held.userId), changes: count(), newest: max(held.since) })
      .from(held)
      .where(eq(held.tenantId, tenantId));
    return { people: row?.people ?? 0, changes: row?.changes ?? 0, newest: row?.newest ?? null };
  };
  const byUserName = async (tenantId: string, userName: string) => {
    const rows = await q
      .select()
      .from(user)
      .where(and(eq(user.tenantId, tenantId), eq(user.userNameKey, foldKey(userName))));
    return (await belowMany(tenantId, rows))[0] ?? null;
  };

  return {
    headcount: headcountOf,
    held: heldChanges,
    heldCounts,
    heldPeople,
    byUserName: (tenantId, userName) => found(null, () => byUserName(tenantId, userName)),
    find: (tenantId, term) => found(null, () => find(tenantId, term)),
    page: (tenantId, options) => found({ users: [], next: null }, () => rows(tenantId, options)),
    states,
    counts,
  };
}
