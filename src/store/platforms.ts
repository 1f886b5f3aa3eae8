/** platforms: what is known of each learning platform of a tenant: which place it is, its catalogue as last read, whether it takes anything. */
import { and, asc, eq, getTableColumns, gt, isNull, lte, ne, or } from 'drizzle-orm';
import type { CatalogueEntry } from '../core/entitlement.ts';
import type { Meanings } from '../core/meaning.ts';
import type { Target } from '../core/model.ts';
import type { Database } from './database.ts';
import { guarded } from './failures.ts';
import type { Failed, Lane } from './outbox.ts';
import type { Row } from './schema.ts';

export type PlatformRow = Row<'platform'>;

/** Without what may be long. */
export type PlatformStanding = Omit<PlatformRow, 'entries' | 'meanings'>;

export interface Platforms {
  get(lane: Lane): Promise<PlatformRow | null>;
  standing(lane: Lane): Promise<PlatformStanding | null>;
  /** Of all tenants. */
  standings(): Promise<PlatformStanding[]>;
  ofTenant(tenantId: string): Promise<PlatformRow[]>;
  /** First seen; nothing where it is known. Everybody who is here is to be put into the outbox. */
  add(lane: Lane, place: string, now: Date): Promise<void>;
  entries(lane: Lane, entries: CatalogueEntry[], now: Date): Promise<void>;
  /** A document of this revision is about to be told: who knows an older one reads it first. False where a newer one was. */
  known(lane: Lane, revision: number, now: Date): Promise<boolean>;
  /** Whoever holds a target has been told what it is there now. */
  meant(lane: Lane, told: { meanings: Meanings; revision: number }, now: Date): Promise<void>;
  /** Everybody up to this one is in the outbox; null = all. False where another worker was there first. */
  advance(lane: Lane, step: { from: string; to: string | null }, now: Date): Promise<boolean>;
  /** Everybody is to be put into the outbox again: it was not told of what happened meanwhile. */
  refill(lane: Lane, now: Date): Promise<void>;
  halt(lane: Lane, failed: Failed, now: Date): Promise<void>;
  /** It does not answer, from now on unless it was so before. */
  away(lane: Lane, now: Date): Promise<void>;
  resume(lane: Lane, now: Date): Promise<void>;
  /** An operator says that it be tried at once, by every process. */
  retry(lane: Lane, now: Date): Promise<void>;
  /** People who are enrolled in this target; by user id. */
  holders(tenantId: string, target: Target, page: { after: string | null; limit: number }): Promise<string[]>;
  /** It leads elsewhere now: the ledger has been forgotten, everybody begins anew. */
  moved(lane: Lane, place: string, now: Date): Promise<void>;
}

export function createPlatforms({ query: q, tables: { platform: t, grant } }: Database): Platforms {
  const at = ({ tenantId, platform }: Lane) => and(eq(t.tenantId, tenantId), eq(t.platform, platform));
  const notNewer = (revision: number) => or(isNull(t.revision), lte(t.revision, revision));
  const running = { haltedAt: null, haltedCode: null, haltedReason: null, awayAt: null };
  const none = { entries: null, entriesAt: null, meanings: null, revision: null, cursor: '', retriedAt: null, ...running };
  const { entries: _entries, meanings: _meanings, ...short } = getTableColumns(t);
  return guarded<Platforms>({
    get: async (lane) => (await q.select().from(t).where(at(lane)))[0] ?? null,
    standing: async (lane) => (await q.select(short).from(t).where(at(lane)))[0] ?? null,
    standings: async () => await q.select(short).from(t),
    ofTenant: async (tenantId) => await q.select().from(t).where(eq(t.tenantId, tenantId)).orderBy(t.platform),
    add: async (lane, place, now) =>
      void (await q
        .insert(t)
        .values({ ...lane, place, ...none, createdAt: now, updatedAt: now })
        .onConflictDoNothing()),
    entries: async (lane, entries, now) => void (await q.update(t).set({ entries, entriesAt: now, updatedAt: now }).where(at(lane))),
    known: async (lane, revision, now) =>
      (
        await q
          .update(t)
          .set({ revision, updatedAt: now })
          .where(and(at(lane), notNewer(revision)))
          .returning({ platform: t.platform })
      ).length === 1,
    meant: async (lane, { meanings, revision }, now) =>
      void (await q
        .update(t)
        .set({ meanings, updatedAt: now })
        .where(and(at(lane), notNewer(revision)))),
    advance: async (lane, { from, to }, now) =>
      (
        await q
          .update(t)
          .set({ cursor: to, updatedAt: now })
          .where(and(at(lane), eq(t.cursor, from)))
          .returning({ platform: t.platform })
      ).length === 1,
    refill: async (lane, now) => void (await q.update(t).set({ cursor: '', updatedAt: now }).where(at(lane))),
    halt: async (lane, { code, reason }, now) =>
      void (await q.update(t).set({ haltedAt: now, haltedCode: code, haltedReason: reason, updatedAt: now }).where(at(lane))),
    away: async (lane, now) =>
      void (await q
        .update(t)
        .set({ awayAt: now, updatedAt: now })
        .where(and(at(lane), isNull(t.awayAt)))),
    resume: async (lane, now) =>
      void (await q
        .update(t)
        .set({ ...running, updatedAt: now })
        // Whoever said that they want no more is believed until an operator says otherwise.
        .where(and(at(lane), or(isNull(t.haltedCode), ne(t.haltedCode, 'gone'))))),
    retry: async (lane, now) =>
      void (await q
        .update(t)
        .set({ ...running, retriedAt: now, updatedAt: now })
        .where(at(lane))),
    holders: async (tenantId, target, { after, limit }) =>
      (
        await q
          .select({ userId: grant.userId })
          .from(grant)
          .where(and(eq(grant.tenantId, tenantId), eq(grant.target, target), after === null ? undefined : gt(grant.userId, after)))
          .groupBy(grant.userId)
          .orderBy(asc(grant.userId))
          .limit(limit)
      ).map(({ userId }) => userId),
    moved: async (lane, place, now) =>
      void (await q
        .update(t)
        .set({ place, ...none, updatedAt: now })
        .where(at(lane))),
  });
}
