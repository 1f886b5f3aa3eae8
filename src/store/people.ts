import { and, desc, eq, getTableColumns, inArray, isNull, ne, or, sql } from 'drizzle-orm';
import type { Candidates, Lookup } from '../core/intent.ts';
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
  type User,
  type UserState,
} from '../core/model.ts';
import type { Database } from './database.ts';
import { found, guarded } from './failures.ts';
import { createListings } from './listings.ts';
import { by } from './order.ts';

export interface Paging {
  /** The last id of the page before; null = from the start. */
  after: string | null;
  limit: number;
}

/** Reads users and all that hangs under them. Writes nothing; another tenant's rows are never found. */
export interface People {
  /** Deleted users are not found by e-mail or name; `bySubject` is whoever the identity points to. At most ten by e-mail. */
  candidates(tenantId: string, lookup: Lookup): Promise<Candidates>;
  state(tenantId: string, userId: string): Promise<UserState | null>;
  /** Of at most 200 ids, in order of id; a handful of statements. Who is not there is left out. */
  many(tenantId: string, userIds: readonly string[]): Promise<UserState[]>;
  /** By id: displayed name, or userName where there is none. Live users only. */
  names(tenantId: string, userIds: readonly string[]): Promise<Map<string, string>>;
  /** By id, userName or e-mail, in this order; the deleted by id only. */
  find(tenantId: string, term: string): Promise<User | null>;
  /** In order of id. `search`: part of userName or e-mail, whatever its case. */
  page(tenantId: string, options: Paging & { search?: string }): Promise<{ users: User[]; next: string | null }>;
  /** In order of id, deleted users included; three statements a page. */
  states(tenantId: string, options: Paging): Promise<{ states: UserState[]; next: string | null }>;
  /** Deleted users are not counted; `active` are those who may sign in. */
  counts(tenantId: string): Promise<{ users: number; active: number; grants: number }>;
  /** Two numbers from one row: what a licence is measured by at every creation. */
  headcount(tenantId: string): Promise<{ users: number; active: number }>;
  /** What is held (core/guard), with whom it is of; in order of user. */
  held(tenantId: string, paging: Paging): Promise<{ changes: HeldOf[]; next: string | null }>;
  heldCounts(tenantId: string): Promise<HeldCounts>;
  /** Ids of users of whom anything is held, in order. */
  heldPeople(tenantId: string, paging: Paging & { cause?: HeldChange['cause'] }): Promise<string[]>;
  byUserName(tenantId: string, userName: string): Promise<UserState | null>;
}

/** `newest`: with `changes` it says whether what is held is still the same. */
export interface HeldCounts {
  people: number;
  changes: number;
  newest: Date | null;
}
export type HeldOf = HeldChange & { person: Pick<User, 'id' | 'userName' | 'email'> };

const BY_EMAIL = 10;

export function createPeople(db: Database): People {
  const read = prepareReads(db);

  /**
   * The user row is read first, always: should someone write between two reads, the rows below are newer than the version in hand
   * and the write that follows is refused. The other way round an old row could pass under a new version.
   */
  const below = async (user: User): Promise<UserState> => {
    const { tenantId, id } = user;
    const [identities, grants, joined, held] = await Promise.all([
      read.identities(tenantId, id),
      read.grants(tenantId, id),
      read.memberships(tenantId, id),
      read.held(tenantId, id),
    ]);
    return { user, identities, grants, ...joined, held };
  };
  const state = (tenantId: string, userId: string) =>
    found(null, async () => {
      const user = await read.user(tenantId, userId);
      return user && below(user);
    });

  const restorable = async (tenantId: string, { restoreKeys, ...names }: Extract<Lookup, { by: 'resource' }>): Promise<Candidates> => {
    const [others, tombstone] = await Promise.all([read.byNames(tenantId, names), read.tombstone(tenantId, restoreKeys)]);
    return { bySubject: tombstone && (await below(tombstone)), byEmail: await Promise.all(others.map(below)) };
  };

  const candidates = async (tenantId: string, lookup: Lookup): Promise<Candidates> => {
    if (lookup.by === 'user') return { bySubject: await state(tenantId, lookup.userId), byEmail: [] };
    if (lookup.by === 'resource') return restorable(tenantId, lookup);
    const { emailKey } = lookup;
    const named = lookup.by === 'name' ? lookup.userNameKey : emailKey;
    const [subject, others] = await Promise.all([
      lookup.by === 'assertion' ? read.bySubject(tenantId, lookup.source, lookup.subject) : null,
      emailKey === null || named === null ? [] : read.byName(tenantId, emailKey, named),
    ]);
    // One person is nearly always found both ways: their rows are read once.
    const bySubject = subject && (await below(subject));
    const byEmail = await Promise.all(others.map((user) => (user.id === subject?.id ? (bySubject as UserState) : below(user))));
    return { bySubject: bySubject ?? madeMeanwhile(byEmail, lookup), byEmail };
  };

  return guarded<People>({
    candidates: (tenantId, lookup) => found({ bySubject: null, byEmail: [] }, () => candidates(tenantId, lookup)),
    state,
    many: (tenantId, userIds) => found([], () => read.many(tenantId, userIds)),
    names: (tenantId, userIds) => found(new Map(), () => read.names(tenantId, userIds)),
    ...createListings(db, read.belowMany),
  });
}

/** The two reads are not of one moment: whom another process made between them is found by e-mail only, and is the subject all the same. */
const madeMeanwhile = (byEmail: UserState[], lookup: Lookup): UserState | null =>
  (lookup.by === 'assertion' &&
    byEmail.find(({ identities }) => identities.some(({ source, subject }) => source === lookup.source && subject === lookup.subject))) ||
  null;

/** What hangs under these users, read for all of them at once. */
export type BelowMany = (tenantId: string, users: User[]) => Promise<UserState[]>;

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
  /** What hangs under these users, who are in order of id: three statements for all of them. */
  const belowMany: BelowMany = async (tenantId, users) => {
    if (users.length === 0) return [];
    const ids = users.map(({ id }) => id);
    const under = (column: typeof identity.userId | typeof grant.userId | typeof membership.userId) => inArray(column as typeof identity.userId, ids);
    const [hs, is, gs, ms] = await Promise.all([
      q
        .select()
        .from(held)
        .where(and(eq(held.tenantId, tenantId), inArray(held.userId, ids))),
      q
        .select()
        .from(identity)
        .where(and(eq(identity.tenantId, tenantId), under(identity.userId))),
      q
        .select()
        .from(grant)
        .where(and(eq(grant.tenantId, tenantId), under(grant.userId))),
      q
        .select({ membership, group: names })
        .from(membership)
        .innerJoin(group, and(eq(group.tenantId, membership.tenantId), eq(group.id, membership.groupId)))
        .where(and(eq(membership.tenantId, tenantId), under(membership.userId))),
    ]);
    const [identitiesOf, grantsOf] = [grouped(is.sort(by(identityKey)), (i) => i.userId), grouped(gs.sort(by(grantKey)), (g) => g.userId)];
    const heldsOf = grouped(hs.sort(by(heldKey)), (h) => h.userId);
    const joinedOf = grouped(ms, (m) => m.membership.userId);
    return users.map((one) => ({
      user: one,
      identities: identitiesOf.get(one.id) ?? [],
      grants: grantsOf.get(one.id) ?? [],
      ...joined(joinedOf.get(one.id) ?? []),
      held: heldsOf.get(one.id) ?? [],
    }));
  };
  const some = (tenantId: string, ids: readonly string[]) => and(eq(user.tenantId, tenantId), inArray(user.id, [...ids]));
  return {
    byNames,
    tombstone,
    belowMany,
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
