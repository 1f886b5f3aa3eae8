import { and, desc, eq, gte, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { found, guarded } from './failures.ts';
import type { Outcome } from './schema.ts';
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

export interface SignInFilter {
  userId?: string;
  reference?: string;
  limit: number;
}

/** Both logs. Entries of applied plans are written by apply.ts, in the plan's own transaction. */
export interface Journal {
  append(entry: JournalEntry): Promise<void>;
  /** Newest first. */
  list(tenantId: string, filter: JournalFilter): Promise<JournalEntry[]>;
  appendSignIn(entry: SignInEntry): Promise<void>;
  /** Newest first. */
  signIns(tenantId: string, filter: SignInFilter): Promise<SignInEntry[]>;
  /** Both lines of a refused sign-in, or neither. */
  refused(entry: JournalEntry, signIn: SignInEntry): Promise<void>;
}

export function createJournal(db: Database): Journal {
  const { journal, signIn } = db.tables;
  const insert = createInsert(db);
  const list = async (tenantId: string, { resourceId, outcome, reference, since, before, limit }: JournalFilter): Promise<JournalEntry[]> => {
    const last = sql`(select ${journal.at}, ${journal.id} from ${journal} where ${and(eq(journal.tenantId, tenantId), eq(journal.id, before ?? ''))})`;
    return await db.query
      .select()
      .from(journal)
      .where(
        and(
          eq(journal.tenantId, tenantId),
          resourceId === undefined ? undefined : eq(journal.resourceId, resourceId),
          outcome === undefined ? undefined : eq(journal.outcome, outcome),
          reference === undefined ? undefined : eq(journal.reference, reference),
          since === undefined ? undefined : gte(journal.at, since),
          before === undefined ? undefined : sql`(${journal.at}, ${journal.id}) < ${last}`,
        ),
      )
      .orderBy(desc(journal.at), desc(journal.id))
      .limit(limit);
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
    list: (tenantId, filter) => found([], () => list(tenantId, filter)),
    signIns: (tenantId, filter) => found([], () => signIns(tenantId, filter)),
  });
}
