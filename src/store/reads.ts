/** reads: users and what hangs under them, one by one and many at once. Used by people.ts and search.ts. */
import { and, desc, eq, getTableColumns, inArray, isNull, ne, or, sql } from 'drizzle-orm';
import {
  type Grant,
  type GroupNames,
  grantKey,
  type HeldChange,
  heldKey,
  type Identity,
  identityKey,
  type Membership,
  membershipKey,
  type Person,
  type User,
  type UserState,
} from '../core/model.ts';
import type { Database } from './database.ts';
import { by } from './order.ts';

const BY_EMAIL = 10;

/** What hangs under these users, read for all of them at once. */
export type BelowMany = (tenantId: string, users: User[]) => Promise<UserState[]>;
export type PersonsOf = (tenantId: string, users: User[]) => Promise<Person[]>;

/** The reads of every sign-in, prepared once: drizzle's building of a query costs as much as running it. */
export function prepareReads({ query: q, tables: { user, identity, grant, membership, group, held } }: Database) {
  const hole = sql.placeholder;
  const byId = q
    .select()
    .from(user)
    .where(and(eq(user.tenantId, hole('tenantId')), eq(user.id, hole('userId'))))
    .prepare('people_by_id');
  const bySubject = q
    .select(getTableColumns(user))
    .from(identity)
    .innerJoin(user, and(eq(user.tenantId, identity.tenantId), eq(user.id, identity.userId)))
    .where(and(eq(identity.tenantId, hole('tenantId')), eq(identity.source, hole('source')), eq(identity.subject, hole('subject'))))
    .prepare('people_by_subject');
  // Not ordered in SQL: SQLite would rather walk the tenant's rows in that order than search one index and sort three rows.
  // For the same reason the tenant stands in both branches of the `or`. (test/store/plans.test.ts watches over it.)
  const byName = q
    .select()
    .from(user)
    .where(
      and(
        or(
          and(eq(user.tenantId, hole('tenantId')), eq(user.emailKey, hole('emailKey'))),
          and(eq(user.tenantId, hole('tenantId')), eq(user.userNameKey, hole('userNameKey'))),
        ),
        ne(user.status, 'deleted'),
      ),
    )
    .limit(BY_EMAIL)
    .prepare('people_by_name');
  const names = { id: group.id, displayName: group.displayName, externalId: group.externalId };
  const memberships = q
    .select({ membership, group: names })
    .from(membership)
    .innerJoin(group, and(eq(group.tenantId, membership.tenantId), eq(group.id, membership.groupId)))
    .where(and(eq(membership.tenantId, hole('tenantId')), eq(membership.userId, hole('userId'))))
    .prepare('people_memberships');
  const identities = q
    .select()
    .from(identity)
    .where(and(eq(identity.tenantId, hole('tenantId')), eq(identity.userId, hole('userId'))))
    .prepare('people_identities');
  const heldOf = q
    .select()
    .from(held)
    .where(and(eq(held.tenantId, hole('tenantId')), eq(held.userId, hole('userId'))))
    .prepare('people_held');
  const grants = q
    .select()
    .from(grant)
    .where(and(eq(grant.tenantId, hole('tenantId')), eq(grant.userId, hole('userId'))))
    .prepare('people_grants');
  const byNames = async (
    tenantId: string,
    { userNameKey, emailKey, externalId }: { userNameKey: string; emailKey: string | null; externalId: string | null },
  ) => {
    const here = eq(user.tenantId, tenantId);
    const any = or(
      and(here, eq(user.userNameKey, userNameKey)),
      emailKey === null ? undefined : and(here, eq(user.emailKey, emailKey)),
      externalId === null ? undefined : and(here, eq(user.externalId, externalId)),
    );
    const rows = await q
      .select()
      .from(user)
      .where(and(any, ne(user.status, 'deleted')))
      .limit(BY_EMAIL);
    return rows.sort(by((u) => u.id));
  };
  const tombstone = async (tenantId: string, keys: readonly string[]): Promise<User | null> => {
    for (const key of keys) {
      const here = and(eq(user.tenantId, tenantId), eq(user.restoreKey, key));
      const [newest] = await q.select().from(user).where(here).orderBy(desc(user.updatedAt), desc(user.id)).limit(1);
      if (newest) return newest;
    }
    return null;
  };
  /** What a directory sees of these users: two statements for all of them. */
  const personsOf: PersonsOf = async (tenantId, users) => {
    if (users.length === 0) return [];
    const ids = users.map(({ id }) => id);
    const [is, ms] = await Promise.all([
      q
        .select()
        .from(identity)
        .where(and(eq(identity.tenantId, tenantId), inArray(identity.userId, ids))),
      q
        .select({ membership, group: names })
        .from(membership)
        .innerJoin(group, and(eq(group.tenantId, membership.tenantId), eq(group.id, membership.groupId)))
        .where(and(eq(membership.tenantId, tenantId), inArray(membership.userId, ids))),
    ]);
    const identitiesOf = grouped(is.sort(by(identityKey)), (i) => i.userId);
    const joinedOf = grouped(ms, (m) => m.membership.userId);
    return users.map((one) => ({ user: one, identities: identitiesOf.get(one.id) ?? [], ...joined(joinedOf.get(one.id) ?? []) }));
  };
  /** All that hangs under these users: two statements more. */
  const belowMany: BelowMany = async (tenantId, users) => {
    if (users.length === 0) return [];
    const ids = users.map(({ id }) => id);
    const [persons, hs, gs] = await Promise.all([
      personsOf(tenantId, users),
      q
        .select()
        .from(held)
        .where(and(eq(held.tenantId, tenantId), inArray(held.userId, ids))),
      q
        .select()
        .from(grant)
        .where(and(eq(grant.tenantId, tenantId), inArray(grant.userId, ids))),
    ]);
    const grantsOf = grouped(gs.sort(by(grantKey)), (g) => g.userId);
    const heldsOf = grouped(hs.sort(by(heldKey)), (h) => h.userId);
    return persons.map((one) => ({ ...one, grants: grantsOf.get(one.user.id) ?? [], held: heldsOf.get(one.user.id) ?? [] }));
  };
  const some = (tenantId: string, ids: readonly string[]) => and(eq(user.tenantId, tenantId), inArray(user.id, [...ids]));
  return {
    byNames,
    tombstone,
    belowMany,
    personsOf,
    many: async (tenantId: string, ids: readonly string[]) =>
      belowMany(tenantId, (await q.select().from(user).where(some(tenantId, ids))).sort(by((u) => u.id))),
    async names(tenantId: string, ids: readonly string[]) {
      const rows = await q
        .select({ id: user.id, displayName: user.displayName, userName: user.userName })
        .from(user)
        .where(and(some(tenantId, ids), ne(user.status, 'deleted'), isNull(user.restoreKey)));
      return new Map(rows.map(({ id, displayName, userName }) => [id, displayName || userName]));
    },
    held: async (tenantId: string, userId: string): Promise<HeldChange[]> => (await heldOf.execute({ tenantId, userId })).sort(by(heldKey)),
    memberships: async (tenantId: string, userId: string) => joined(await memberships.execute({ tenantId, userId })),
    user: async (tenantId: string, userId: string): Promise<User | null> => (await byId.execute({ tenantId, userId }))[0] ?? null,
    bySubject: async (tenantId: string, source: string, subject: string): Promise<User | null> =>
      (await bySubject.execute({ tenantId, source, subject }))[0] ?? null,
    byName: async (tenantId: string, emailKey: string, userNameKey: string): Promise<User[]> =>
      (await byName.execute({ tenantId, emailKey, userNameKey })).sort(by((u) => u.id)),
    identities: async (tenantId: string, userId: string): Promise<Identity[]> =>
      (await identities.execute({ tenantId, userId })).sort(by(identityKey)),
    grants: async (tenantId: string, userId: string): Promise<Grant[]> => (await grants.execute({ tenantId, userId })).sort(by(grantKey)),
  };
}

type Joined = { membership: Membership; group: GroupNames }[];

/** A person may be in one group twice, by the directory and by hand. */
const joined = (rows: Joined): Pick<UserState, 'memberships' | 'groups'> => ({
  memberships: rows.map(({ membership }) => membership).sort(by(membershipKey)),
  groups: [...new Map(rows.map(({ group }) => [group.id, group])).values()].sort(by(({ id }) => id)),
});

function grouped<T>(rows: T[], key: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group) group.push(row);
    else groups.set(key(row), [row]);
  }
  return groups;
}
