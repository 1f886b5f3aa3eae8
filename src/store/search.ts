import { and, asc, count, eq, gt, isNotNull, ne, type SQL } from 'drizzle-orm';
import type { Group, Person, User } from '../core/model.ts';
import type { SearchQuery, SearchValue, Where } from '../core/search.ts';
import { createRemember } from './apply.ts';
import type { Database } from './database.ts';
import { found, guarded } from './failures.ts';
import type { PersonsOf } from './reads.ts';
import { type Conditions, createConditions } from './search-conditions.ts';
import { createOrder } from './search-order.ts';

/** Users and groups by any attribute (core/search). Deleted users are never found, nor anybody of another tenant. */
export interface Search {
  users(tenantId: string, query: SearchQuery): Promise<{ people: Person[]; total: number | null }>;
  groups(tenantId: string, query: SearchQuery): Promise<{ groups: Group[]; total: number | null }>;
  /** In one transaction. */
  index(tenantId: string, people: readonly { userId: string; values: SearchValue[] }[]): Promise<void>;
}

export function createSearch(db: Database, personsOf: PersonsOf): Search {
  const { query: q, tables } = db;
  const { user, group, held, headcount } = tables;
  const conditions = createConditions(db);
  const order = createOrder(db);
  const remember = createRemember(db);

  const users: Search['users'] = async (tenantId, query) => {
    const where = and(eq(user.tenantId, tenantId), conditions.visible, conditionOf(conditions.users, tenantId, query.where));
    const total = query.count ? await totalUsers(tenantId, query.where, where) : null;
    if (query.limit === 0 || total === 0) return { people: [], total };
    const from = 'after' in query.from ? gt(user.id, query.from.after) : undefined;
    const sorted = query.sort ? [order.users(tenantId, query.sort), asc(user.id)] : [asc(user.id)];
    const page = q
      .select()
      .from(user)
      .where(and(where, from))
      .orderBy(...sorted)
      .limit(query.limit);
    const rows: User[] = await ('offset' in query.from && query.from.offset > 0 ? page.offset(query.from.offset) : page);
    return { people: await personsOf(tenantId, rows), total };
  };

  const totalUsers = async (tenantId: string, asked: Where | null, where: SQL | undefined): Promise<number> => {
    if (asked !== null) return (await q.select({ n: count() }).from(user).where(where))[0]?.n ?? 0;
    const [all] = await q.select({ n: headcount.users }).from(headcount).where(eq(headcount.tenantId, tenantId));
    // Whose deletion is held is counted there and shown to no directory. They are looked for among what is held: that is little, tombstones are many.
    const [veiled] = await q
      .select({ n: count() })
      .from(held)
      .innerJoin(user, and(eq(user.tenantId, held.tenantId), eq(user.id, held.userId)))
      .where(and(eq(held.tenantId, tenantId), eq(held.what, 'status'), ne(user.status, 'deleted'), isNotNull(user.restoreKey)));
    return (all?.n ?? 0) - (veiled?.n ?? 0);
  };

  const groups: Search['groups'] = async (tenantId, query) => {
    const where = and(eq(group.tenantId, tenantId), conditionOf(conditions.groups, tenantId, query.where));
    const total = query.count ? ((await q.select({ n: count() }).from(group).where(where))[0]?.n ?? 0) : null;
    if (query.limit === 0 || total === 0) return { groups: [], total };
    const from = 'after' in query.from ? gt(group.id, query.from.after) : undefined;
    const sorted = query.sort ? [order.groups(query.sort), asc(group.id)] : [asc(group.id)];
    const page = q
      .select()
      .from(group)
      .where(and(where, from))
      .orderBy(...sorted)
      .limit(query.limit);
    return { groups: await ('offset' in query.from && query.from.offset > 0 ? page.offset(query.from.offset) : page), total };
  };

  return guarded<Search>({
    users: (tenantId, query) => found({ people: [], total: query.count ? 0 : null }, () => users(tenantId, query)),
    groups: (tenantId, query) => found({ groups: [], total: query.count ? 0 : null }, () => groups(tenantId, query)),
    index: (tenantId, people) => db.batch(remember(people.flatMap(({ userId, values }) => values.map((value) => ({ tenantId, userId, ...value }))))),
  });
}

const conditionOf = (compile: Conditions['users'], tenantId: string, where: Where | null): SQL | undefined =>
  where === null ? undefined : compile(tenantId, where);
