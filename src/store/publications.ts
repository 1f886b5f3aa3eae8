/** publications: how far everybody has been concluded under a document that was published, so that any node can go on. Started with the document (tenants.ts). */
import { and, asc, desc, eq, isNull, lte, or, sql } from 'drizzle-orm';
import { moving } from './bound.ts';
import { Conflict, type Database, type Statement } from './database.ts';
import { guarded } from './failures.ts';
import type { JournalEntry } from './journal.ts';
import type { Row } from './schema.ts';
import { createInsert } from './writes.ts';

export type Publication = Row<'publication'>;
export type PublicationKey = Pick<Publication, 'tenantId' | 'revision'>;
/** What a part of the walk adds. */
export type Progress = Pick<Publication, 'done' | 'changed' | 'gaining' | 'losing' | 'holding'>;

export interface Publications {
  /** Those that nobody works on, the oldest first. */
  waiting(now: Date, limit: number): Promise<Publication[]>;
  get(key: PublicationKey): Promise<Publication | null>;
  /** Newest first. */
  list(tenantId: string, limit: number): Promise<Publication[]>;
  /** False where somebody else works on it, or it does not go on any more. */
  claim(key: PublicationKey, claim: { by: string; until: Date; now: Date }): Promise<boolean>;
  /** So far by this worker, which keeps it until then. False where it does not go on any more, or another took it. */
  advance(key: PublicationKey, step: { by: string; until: Date; cursor: string; progress: Progress; now: Date }): Promise<boolean>;
  /** Everybody is done: the brake of the tenant is let go, where it is still at that document. False where it was not this worker's to end. */
  finish(key: PublicationKey, end: { by: string; now: Date }, entry: JournalEntry): Promise<boolean>;
  /** Whoever is not done yet stays as they are until their next sign-in. False where it does not go on any more. */
  cancel(key: PublicationKey, now: Date, entry: JournalEntry): Promise<boolean>;
}

export function createPublications(db: Database): Publications {
  const {
    query: q,
    tables: { publication, tenant },
  } = db;
  const insert = createInsert(db);
  const at = ({ tenantId, revision }: PublicationKey) => and(eq(publication.tenantId, tenantId), eq(publication.revision, revision));
  const running = eq(publication.state, 'running');
  const free = (now: Date) => or(isNull(publication.claimedUntil), lte(publication.claimedUntil, now));
  const statement = (query: { toSQL(): { sql: string; params: unknown[] } }): Statement => {
    const { sql: text, params } = query.toSQL();
    return { sql: text, params };
  };
  const touched = async (query: Promise<{ tenantId: string }[]>): Promise<boolean> => (await query).length === 1;
  const plus = (column: unknown, n: number) => sql`${column} + ${n}` as never;
  /** False where it is not as it has to be: somebody else has it, or ended it. */
  const whole = async (statements: Statement[]): Promise<boolean> => {
    try {
      await db.batch(statements);
      return true;
    } catch (error) {
      if (error instanceof Conflict) return false;
      throw error;
    }
  };
  const ended = async (key: PublicationKey): Promise<boolean> => (await one(key))?.state !== 'running';
  const one = async (key: PublicationKey): Promise<Publication | null> => (await q.select().from(publication).where(at(key)))[0] ?? null;

  return guarded<Publications>({
    waiting: async (now, limit) =>
      await q
        .select()
        .from(publication)
        .where(and(running, free(now)))
        .orderBy(asc(publication.startedAt))
        .limit(limit),
    get: one,
    list: async (tenantId, limit) =>
      await q.select().from(publication).where(eq(publication.tenantId, tenantId)).orderBy(desc(publication.revision)).limit(limit),
    claim: (key, { by, until, now }) =>
      touched(
        q
          .update(publication)
          .set({ claimedBy: by, claimedUntil: until })
          .where(and(at(key), running, free(now)))
          .returning({ tenantId: publication.tenantId }),
      ),
    advance: (key, { by, until, cursor, progress, now }) =>
      touched(
        q
          .update(publication)
          .set({
            cursor,
            claimedUntil: until,
            updatedAt: now,
            done: plus(publication.done, progress.done),
            changed: plus(publication.changed, progress.changed),
            gaining: plus(publication.gaining, progress.gaining),
            losing: plus(publication.losing, progress.losing),
            holding: plus(publication.holding, progress.holding),
          })
          .where(and(at(key), running, eq(publication.claimedBy, by)))
          .returning({ tenantId: publication.tenantId }),
      ),
    async finish(key, { by, now }, entry) {
      if (await ended(key)) return false;
      const done = q
        .update(publication)
        .set({ state: 'done', claimedBy: null, claimedUntil: null, updatedAt: now })
        .where(and(at(key), running, eq(publication.claimedBy, by)));
      // The revision moves with it, so that every node hears of it.
      const released = q
        .update(tenant)
        .set({ brake: null, revision: sql`${tenant.revision} + 1` as never, updatedAt: now })
        .where(and(eq(tenant.id, key.tenantId), eq(tenant.brake, 'limit')));
      return whole([...moving(db, key.tenantId), { ...statement(done), expect: 1 }, statement(released), ...insert('journal', [entry])]);
    },
    async cancel(key, now, entry) {
      if (await ended(key)) return false;
      const stopped = q
        .update(publication)
        .set({ state: 'cancelled', claimedBy: null, claimedUntil: null, updatedAt: now })
        .where(and(at(key), running));
      return whole([{ ...statement(stopped), expect: 1 }, ...insert('journal', [entry])]);
    },
  });
}
