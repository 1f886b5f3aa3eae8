import { and, eq, getTableColumns, ne, or, sql } from 'drizzle-orm';
import type { Candidates, Lookup } from '../core/intent.ts';
import { type Grant, grantKey, type Identity, identityKey, type User, type UserState } from '../core/model.ts';
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
  /** By id, userName or e-mail, in this order; the deleted by id only. */
  find(tenantId: string, term: string): Promise<User | null>;
  /** In order of id. `search`: part of userName or e-mail, whatever its case. */
  page(tenantId: string, options: Paging & { search?: string }): Promise<{ users: User[]; next: string | null }>;
  /** In order of id, deleted users included; three statements a page. */
  states(tenantId: string, options: Paging): Promise<{ states: UserState[]; next: string | null }>;
  /** Deleted users are not counted; `active` are those who may sign in. */
  counts(tenantId: string): Promise<{ users: number; active: number; grants: number }>;
}

const BY_EMAIL = 10;

export function createPeople(db: Database): People {
  const read = prepareReads(db);

  /**
   * The user row is read first, always: should someone write between two reads, the rows below are newer than the version in hand
   * and the write that follows is refused. The other way round an old row could pass under a new version.
   */
  const below = async (user: User): Promise<UserState> => {
    const [identities, grants] = await Promise.all([read.identities(user.tenantId, user.id), read.grants(user.tenantId, user.id)]);
    return { user, identities, grants };
  };
  const state = (tenantId: string, userId: string) =>
    found(null, async () => {
      const user = await read.user(tenantId, userId);
      return user && below(user);
    });

  const candidates = async (tenantId: string, lookup: Lookup): Promise<Candidates> => {
    if (lookup.by === 'user') return { bySubject: await state(tenantId, lookup.userId), byEmail: [] };
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
    ...createListings(db),
  });
}

/** The two reads are not of one moment: whom another process made between them is found by e-mail only, and is the subject all the same. */
const madeMeanwhile = (byEmail: UserState[], lookup: Lookup): UserState | null =>
  (lookup.by === 'assertion' &&
    byEmail.find(({ identities }) => identities.some(({ source, subject }) => source === lookup.source && subject === lookup.subject))) ||
  null;

/** The reads of every sign-in, prepared once: drizzle's building of a query costs as much as running it. */
function prepareReads({ query: q, tables: { user, identity, grant } }: Database) {
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
  const identities = q
    .select()
    .from(identity)
    .where(and(eq(identity.tenantId, hole('tenantId')), eq(identity.userId, hole('userId'))))
    .prepare('people_identities');
  const grants = q
    .select()
    .from(grant)
    .where(and(eq(grant.tenantId, hole('tenantId')), eq(grant.userId, hole('userId'))))
    .prepare('people_grants');
  return {
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
