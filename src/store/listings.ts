import { and, asc, count, eq, gt, lte, ne, or, sql } from 'drizzle-orm';
import { grantKey, identityKey, type User } from '../core/model.ts';
import { foldKey } from '../core/profile.ts';
import type { Database } from './database.ts';
import { found } from './failures.ts';
import { by } from './order.ts';
import type { Paging, People } from './people.ts';

/** The part of `People` that lists, counts and searches: for console, CLI and remap; no sign-in waits for it. */
export function createListings({ query: q, tables: { user, identity, grant } }: Database): Omit<People, 'candidates' | 'state'> {
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
    const [first, last] = [users[0]?.id, users.at(-1)?.id];
    if (first === undefined || last === undefined) return { states: [], next };
    const within = (t: typeof identity | typeof grant) => and(eq(t.tenantId, tenantId), sql`${t.userId} >= ${first}`, lte(t.userId, last));
    const identities = grouped((await q.select().from(identity).where(within(identity))).sort(by(identityKey)));
    const grants = grouped((await q.select().from(grant).where(within(grant))).sort(by(grantKey)));
    return { states: users.map((u) => ({ user: u, identities: identities.get(u.id) ?? [], grants: grants.get(u.id) ?? [] })), next };
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

  const counts = async (tenantId: string) => {
    const byStatus = await q.select({ status: user.status, n: count() }).from(user).where(eq(user.tenantId, tenantId)).groupBy(user.status);
    const [held] = await q.select({ n: count() }).from(grant).where(eq(grant.tenantId, tenantId));
    const live = byStatus.filter(({ status }) => status !== 'deleted');
    const active = live.find(({ status }) => status === 'active')?.n ?? 0;
    return { users: live.reduce((sum, { n }) => sum + n, 0), active, grants: held?.n ?? 0 };
  };

  return {
    find: (tenantId, term) => found(null, () => find(tenantId, term)),
    page: (tenantId, options) => found({ users: [], next: null }, () => rows(tenantId, options)),
    states,
    counts,
  };
}

function grouped<T extends { userId: string }>(rows: T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.userId);
    if (group) group.push(row);
    else groups.set(row.userId, [row]);
  }
  return groups;
}
