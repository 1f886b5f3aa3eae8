import { and, count, eq, inArray, isNull, lte, or } from 'drizzle-orm';
import { Conflict, type Database } from './database.ts';
import { asStoreError, guarded } from './failures.ts';
import type { Row } from './schema.ts';

/**
 * What one platform has to hear of one user. A worker is given the key (user, platform): it reads the present state and makes it so,
 * so that late, repeated or reordered rows do no harm. `effects` says what the plan changed, for people and for skipping.
 */
export type OutboxRow = Row<'outbox'>;

/** Delivery is at least once: a row leaves with `done`, or comes back when its claim runs out. */
export interface Outbox {
  /** Rows that are due and that nobody holds, for `worker` alone until `until`. Possibly none although some are due: ask again. */
  claim(worker: string, limit: number, now: Date, until: Date): Promise<OutboxRow[]>;
  /** Delivered. Nothing happens where the claim has passed to another worker meanwhile. */
  done(row: OutboxRow, worker: string): Promise<void>;
  /** Not delivered: free again from `dueAt`, one attempt more. Nothing happens where the claim has passed to another. */
  retry(row: OutboxRow, worker: string, dueAt: Date, reason: string): Promise<void>;
  /** What is not yet delivered of one user, the oldest first; at most a hundred. */
  ofUser(tenantId: string, userId: string): Promise<OutboxRow[]>;
  /** Rows not yet delivered, of one tenant or of all. */
  waiting(tenantId?: string): Promise<number>;
}

export function createOutbox({ query: q, tables: { outbox } }: Database): Outbox {
  const held = (row: OutboxRow, worker: string) => and(eq(outbox.id, row.id), eq(outbox.claimedBy, worker));
  return guarded<Outbox>({
    async claim(worker, limit, now, until) {
      const free = and(lte(outbox.dueAt, now), or(isNull(outbox.claimedUntil), lte(outbox.claimedUntil, now)));
      const due = q.select({ id: outbox.id }).from(outbox).where(free).orderBy(outbox.dueAt, outbox.id).limit(limit);
      try {
        // One statement, so it needs no transaction: PostgreSQL checks the outer condition again on the row that it has locked.
        return await q
          .update(outbox)
          .set({ claimedBy: worker, claimedUntil: until })
          .where(and(inArray(outbox.id, due), free))
          .returning();
      } catch (error) {
        // Two claimers that lock the same rows in opposite order: one is told of a deadlock and has claimed nothing.
        if (asStoreError(error) instanceof Conflict) return [];
        throw error;
      }
    },
    done: async (row, worker) => void (await q.delete(outbox).where(held(row, worker))),
    retry: async (row, worker, dueAt, reason) =>
      void (await q
        .update(outbox)
        .set({ attempts: row.attempts + 1, dueAt, claimedBy: null, claimedUntil: null, failedReason: reason })
        .where(held(row, worker))),
    ofUser: async (tenantId, userId) =>
      await q
        .select()
        .from(outbox)
        .where(and(eq(outbox.tenantId, tenantId), eq(outbox.userId, userId)))
        .orderBy(outbox.createdAt)
        .limit(100),
    async waiting(tenantId) {
      const [found] = await q
        .select({ n: count() })
        .from(outbox)
        .where(tenantId === undefined ? undefined : eq(outbox.tenantId, tenantId));
      return found?.n ?? 0;
    },
  });
}
