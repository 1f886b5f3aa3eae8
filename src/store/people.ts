import type { Candidates, Lookup } from '../core/intent.ts';
import type { HeldChange, User, UserState } from '../core/model.ts';
import type { Database } from './database.ts';
import { found, guarded } from './failures.ts';
import { createListings } from './listings.ts';
import { prepareReads } from './reads.ts';

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

/** `newest`: what comes to be held later is newer. */
export interface HeldCounts {
  people: number;
  changes: number;
  newest: Date | null;
}
/** Clocks of nodes differ: what is newer here may be older by its date, and is one more. */
export type HeldShown = Pick<HeldCounts, 'changes' | 'newest'>;
export type HeldOf = HeldChange & { person: Pick<User, 'id' | 'userName' | 'email'> };

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
