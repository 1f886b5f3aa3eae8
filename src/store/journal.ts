import { and, desc, eq, gte, inArray, lte, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { found, guarded } from './failures.ts';
import type { Action, Outcome } from './schema.ts';
import { createInsert } from './writes.ts';

/** One line of the append-only record: who did what to what, and how it came out. */
export interface JournalEntry {
  /** Sorts in order of creation. */
  id: string;
  tenantId: string;
  at: Date;
  /** `connection:<id>`, `cli`, `key:<prefix>`, … */
  actor: string;
  /** The intent's kind, or another action's name. */
  cause: string;
  /** What a directory asked for; null on every other line. */
  action: Action | null;
  resourceType: string;
  resourceId: string | null;
  outcome: Outcome;
  code: string | null;
  /** What the person was shown. */
  reference: string | null;
  mappingVersion: number | null;
  /** Plain JSON. Never a secret, a token or a whole message. */
  detail: Record<string, unknown>;
}

/** One attempt to sign in. */
export interface SignInEntry {
  id: string;
  tenantId: string;
  connectionId: string | null;
  userId: string | null;
  at: Date;
  outcome: 'SUCCESS' | 'FAILED';
  code: string | null;
  /** A refusal's `check`. */
  check: string | null;
  reference: string;
  detail: Record<string, unknown>;
}

export interface JournalFilter {
  resourceId?: string;
  outcome?: Outcome;
  reference?: string;
  since?: Date;
  /** The id of the last line of the page before. */
  before?: string;
  limit: number;
}

export interface SyncLogFilter extends JournalFilter {
  action?: Action;
  resourceType?: string;
  until?: Date;
}

export interface SignInFilter {
  userId?: string;
  reference?: string;
  limit: number;
}

/** Causes of what a directory does. */
const DIRECTORY = ['resource', 'group'] as const;

/** Both logs. Entries of applied plans are written by apply.ts, in the plan's own transaction. */
export interface Journal {
  append(entry: JournalEntry): Promise<void>;
  /** Newest first. */
  list(tenantId: string, filter: JournalFilter): Promise<JournalEntry[]>;
  /** What the directory did (causes `resource` and `group`), newest first. */
  syncLog(tenantId: string, filter: SyncLogFilter): Promise<JournalEntry[]>;
  appendSignIn(entry: SignInEntry): Promise<void>;
  /** Newest first. */
  signIns(tenantId: string, filter: SignInFilter): Promise<SignInEntry[]>;
  /** Both lines of a refused sign-in, or neither. */
  refused(entry: JournalEntry, signIn: SignInEntry): Promise<void>;
}

export function createJournal(db: Database): Journal {
  const { journal, signIn } = db.tables;
  const insert = createInsert(db);
  const newest = async (tenantId: string, filter: SyncLogFilter, causes: readonly string[] = []): Promise<JournalEntry[]> => {
    const { resourceId, outcome, reference, since, before, limit, action, resourceType, until } = filter;
    const last = sql`(select ${journal.at}, ${journal.id} from ${journal} where ${and(eq(journal.tenantId, tenantId), eq(journal.id, before ?? ''))})`;
    return await db.query
      .select()
      .from(journal)
      .where(
        and(
          eq(journal.tenantId, tenantId),
          causes.length === 0 ? undefined : causes.length === 1 ? eq(journal.cause, causes[0]!) : inArray(journal.cause, [...causes]),
          resourceId === undefined ? undefined : eq(journal.resourceId, resourceId),
          outcome === undefined ? undefined : eq(journal.outcome, outcome),
          reference === undefined ? undefined : eq(journal.reference, reference),
          action === undefined ? undefined : eq(journal.action, action),
          resourceType === undefined ? undefined : eq(journal.resourceType, resourceType),
          since === undefined ? undefined : gte(journal.at, since),
          until === undefined ? undefined : lte(journal.at, until),
          before === undefined ? undefined : sql`(${journal.at}, ${journal.id}) < ${last}`,
        ),
      )
      .orderBy(desc(journal.at), desc(journal.id))
      .limit(limit);
  };
  /**
   * Two reads in the index's own order: a database sorts everything where one statement asks for either cause. The lines of one resource or request
   * are few, and have indexes of their own, which SQLite takes only where the cause is no single value.
   */
  const syncLog = async (tenantId: string, filter: SyncLogFilter): Promise<JournalEntry[]> => {
    if (filter.resourceId !== undefined || filter.reference !== undefined) return newest(tenantId, filter, DIRECTORY);
    const lines = (await Promise.all(DIRECTORY.map((cause) => newest(tenantId, filter, [cause])))).flat();
    return lines.sort((a, b) => b.at.getTime() - a.at.getTime() || (a.id < b.id ? 1 : -1)).slice(0, filter.limit);
  };

  const signIns = async (tenantId: string, { userId, reference, limit }: SignInFilter): Promise<SignInEntry[]> => {
    return await db.query
      .select()
      .from(signIn)
      .where(
        and(
          eq(signIn.tenantId, tenantId),
          userId === undefined ? undefined : eq(signIn.userId, userId),
          reference === undefined ? undefined : eq(signIn.reference, reference),
        ),
      )
      .orderBy(desc(signIn.at), desc(signIn.id))
      .limit(limit);
  };

  return guarded<Journal>({
    append: (entry) => db.batch(insert('journal', [entry])),
    appendSignIn: (entry) => db.batch(insert('signIn', [entry])),
    refused: (entry, attempt) => db.batch([...insert('journal', [entry]), ...insert('signIn', [attempt])]),
    list: (tenantId, filter) => found([], () => newest(tenantId, filter)),
    syncLog: (tenantId, filter) => found([], () => syncLog(tenantId, filter)),
    signIns: (tenantId, filter) => found([], () => signIns(tenantId, filter)),
  });
}
