/** outbox: of whom which platform has to hear. Rows are written with plans (apply.ts) or by hand; the ledger ends them (ledger.ts). */
import { and, asc, count, eq, exists, getTableColumns, gt, inArray, isNull, lt, lte, min, notInArray, or, type SQL, sql } from 'drizzle-orm';
import { Conflict, type Database, type Statement } from './database.ts';
import { asStoreError, guarded } from './failures.ts';
import { by } from './order.ts';
import type { Place, Row } from './schema.ts';
import { hole, template } from './writes.ts';

/**
 * A worker is given the key (person, platform): it reads the present state and makes it so, so that late, repeated or reordered rows do no harm. Plans that
 * come while one waits move the row's `wanted` and nothing else: they are delivered together.
 */
export type OutboxRow = Row<'outbox'>;
export type OutboxKey = Pick<OutboxRow, 'tenantId' | 'platform' | 'userId'>;
/** Everybody's turn at one platform of one tenant. */
export type Lane = Pick<OutboxRow, 'tenantId' | 'platform'>;
export type { Place };

/** In this order they are delivered; within one, in the order in which they came. */
export const PLACE = { signIn: 0, change: 1, lookAfter: 2, dead: 9 } as const satisfies Record<string, Place>;

export interface Wanted extends OutboxKey {
  /** Unique in the tenant; the row keeps its own where it waits already. */
  id: string;
  place: Place;
  look: boolean;
}
export interface Failed {
  code: string;
  reason: string;
}
export interface LaneCount extends Lane {
  waiting: number;
  dead: number;
  /** Since when the one who has waited longest waits. */
  oldest: Date | null;
}

/** Delivery is at least once: a row leaves when the ledger has it (ledger.ts), or comes back when its claim runs out. */
export interface Outbox {
  /** Lanes in which somebody waits, whether due or not; dead letters are not waiting. */
  lanes(): Promise<Lane[]>;
  /** Rows that are due and that nobody holds, for `worker` alone until `until`, whoever's turn is first. Possibly none although some are due: ask again. */
  claim(
    lane: Lane,
    claim: Claim & { limit: number /** Users who are passed over; a few hundred. */; except?: readonly string[] },
  ): Promise<OutboxRow[]>;
  /** One person's; null where it is not due, another has it, or it is a dead letter. */
  claimOne(key: OutboxKey, claim: Claim): Promise<OutboxRow | null>;
  /** Not delivered, and no fault of its own: free again from `dueAt`. Nothing happens where the claim has passed to another worker; so below. */
  release(row: OutboxRow, worker: string, free: { dueAt: Date; failed: Failed | null }): Promise<void>;
  /** The same, one attempt more. */
  retry(row: OutboxRow, worker: string, free: { dueAt: Date; failed: Failed }): Promise<void>;
  /** A dead letter: it waits for an operator, for another change of the same person, or from `dueAt` on for their coming. */
  bury(row: OutboxRow, worker: string, dead: { dueAt: Date; failed: Failed }): Promise<void>;
  /** Dead letters wait again; how many. `due`: only those that are. */
  revive(lane: Lane & { userId?: string }, now: Date, how?: { due: boolean }): Promise<number>;
  /** Who waits for a time is due. `untried`: only who has not been tried in vain; the others' pauses are their own. */
  hasten(lane: Lane, now: Date, which: 'all' | 'untried'): Promise<void>;
  /** At most 1,000 at once. */
  enqueue(rows: Wanted[], now: Date): Promise<void>;
  /**
   * Who waits there waits no more, dead letters stay; at most so many, and how many. Nothing happens where the tenant has moved since that revision: by now
   * there may be a reason to wait.
   */
  drop(lane: Lane, at: { revision: number; limit: number }): Promise<number>;
  /** What is not yet delivered of one person. */
  ofUser(tenantId: string, userId: string): Promise<OutboxRow[]>;
  one(key: OutboxKey): Promise<OutboxRow | null>;
  /** By id, which is nearly the order in which they came; `after` is the id of the last one before. */
  list(tenantId: string, page: { platform?: string; dead?: boolean; after: string | null; limit: number }): Promise<OutboxRow[]>;
  counts(tenantId: string): Promise<LaneCount[]>;
  /** Rows that wait, of one tenant or of all; dead letters do not. */
  waiting(tenantId?: string): Promise<number>;
  /** Whether at least so many wait in one of these: cheaper than to count them. */
  isFull(lanes: readonly Lane[], limit: number): Promise<boolean>;
}
interface Claim {
  worker: string;
  now: Date;
  until: Date;
}

export function createOutbox(db: Database): Outbox {
  const {
    query: q,
    tables: { outbox, tenant },
  } = db;
  const at = ({ tenantId, platform, userId }: OutboxKey) =>
    and(eq(outbox.tenantId, tenantId), eq(outbox.platform, platform), eq(outbox.userId, userId));
  const inLane = ({ tenantId, platform }: Lane) => and(eq(outbox.tenantId, tenantId), eq(outbox.platform, platform));
  const living = lt(outbox.place, PLACE.dead);
  const held = (row: OutboxRow, worker: string) => and(at(row), eq(outbox.claimedBy, worker));
  const unclaimed = (now: Date) => or(isNull(outbox.claimedUntil), lte(outbox.claimedUntil, now));
  const turn = [asc(outbox.place), asc(outbox.createdAt), asc(outbox.userId)];
  const wanted = createWanted(db);
  const free = (failed: Failed | null, dueAt: Date) => ({
    dueAt,
    claimedBy: null,
    claimedUntil: null,
    ...(failed && { failedCode: failed.code, failedReason: failed.reason }),
  });

  async function failing(row: OutboxRow, worker: string, then: Partial<OutboxRow>): Promise<void> {
    await q
      .update(outbox)
      .set(then)
      .where(and(held(row, worker), eq(outbox.wanted, row.wanted)));
    // Something was planned meanwhile: that has its own attempts, and its own time.
    const { failedCode, failedReason } = then;
    await q.update(outbox).set({ claimedBy: null, claimedUntil: null, failedCode, failedReason }).where(held(row, worker));
  }

  return guarded<Outbox>({
    async lanes() {
      // From lane to lane along the index: as many steps as there are lanes and tenants, however many wait in them.
      const next = async (beyond?: SQL) =>
        (
          await q
            .select({ tenantId: outbox.tenantId, platform: outbox.platform, place: outbox.place })
            .from(outbox)
            .where(beyond)
            .orderBy(asc(outbox.tenantId), asc(outbox.platform), asc(outbox.place))
            .limit(1)
        )[0];
      const lanes: Lane[] = [];
      for (let first = await next(); first; ) {
        const { tenantId, platform, place } = first;
        if (place < PLACE.dead) lanes.push({ tenantId, platform });
        first = (await next(and(eq(outbox.tenantId, tenantId), gt(outbox.platform, platform)))) ?? (await next(gt(outbox.tenantId, tenantId)));
      }
      return lanes;
    },
    async claim(lane, { worker, limit, now, until, except = [] }) {
      const passed = except.length > 0 ? notInArray(outbox.userId, [...except]) : undefined;
      const due = and(inLane(lane), living, lte(outbox.dueAt, now), unclaimed(now), passed);
      const first = q
        .select({ userId: outbox.userId })
        .from(outbox)
        .where(due)
        .orderBy(...turn)
        .limit(limit);
      // The same, in words that SQLite does not take for its index by turn: along that it would walk the whole lane for the few.
      const still = and(inLane(lane), sql`${outbox.place} + 0 < ${PLACE.dead}`, lte(outbox.dueAt, now), unclaimed(now));
      try {
        // One statement, so it needs no transaction: PostgreSQL checks the outer condition again on the row that it has locked.
        const rows = await q
          .update(outbox)
          .set({ claimedBy: worker, claimedUntil: until })
          .where(and(inArray(outbox.userId, first), still))
          .returning();
        return rows.sort(by(({ userId }) => userId)).sort((a, b) => a.place - b.place || a.createdAt.getTime() - b.createdAt.getTime());
      } catch (error) {
        // Two claimers that lock the same rows in opposite order: one is told of a deadlock and has claimed nothing.
        if (asStoreError(error) instanceof Conflict) return [];
        throw error;
      }
    },
    async claimOne(key, { worker, now, until }) {
      const [row] = await q
        .update(outbox)
        .set({ claimedBy: worker, claimedUntil: until })
        .where(and(at(key), living, lte(outbox.dueAt, now), unclaimed(now)))
        .returning();
      return row ?? null;
    },
    release: async (row, worker, { dueAt, failed }) => void (await q.update(outbox).set(free(failed, dueAt)).where(held(row, worker))),
    retry: (row, worker, { dueAt, failed }) => failing(row, worker, { ...free(failed, dueAt), attempts: row.attempts + 1 }),
    bury: (row, worker, { dueAt, failed }) => failing(row, worker, { ...free(failed, dueAt), attempts: row.attempts + 1, place: PLACE.dead }),
    async revive({ userId, ...lane }, now, { due } = { due: false }) {
      const rows = await q
        .update(outbox)
        .set({ place: PLACE.change, attempts: 0, dueAt: now, claimedBy: null, claimedUntil: null })
        .where(
          and(
            inLane(lane),
            eq(outbox.place, PLACE.dead),
            userId === undefined ? undefined : eq(outbox.userId, userId),
            due ? lte(outbox.dueAt, now) : undefined,
          ),
        )
        .returning({ userId: outbox.userId });
      return rows.length;
    },
    hasten: async (lane, now, which) =>
      void (await q
        .update(outbox)
        .set({ dueAt: now })
        .where(
          and(inLane(lane), lt(outbox.place, PLACE.lookAfter), gt(outbox.dueAt, now), which === 'untried' ? eq(outbox.attempts, 0) : undefined),
        )),
    enqueue: (rows, now) => db.batch(wanted(rows, now)),
    async drop(lane, { revision, limit }) {
      const some = q
        .select({ userId: outbox.userId })
        .from(outbox)
        .where(and(inLane(lane), living))
        .limit(limit);
      const still = q
        .select({ one: sql`1` })
        .from(tenant)
        .where(and(eq(tenant.id, lane.tenantId), eq(tenant.revision, revision)));
      const gone = await q
        .delete(outbox)
        .where(and(inLane(lane), living, inArray(outbox.userId, some), exists(still)))
        .returning({ userId: outbox.userId });
      return gone.length;
    },
    ofUser: async (tenantId, userId) =>
      await q
        .select()
        .from(outbox)
        .where(and(eq(outbox.tenantId, tenantId), eq(outbox.userId, userId)))
        .orderBy(outbox.createdAt)
        .limit(100),
    one: async (key) => (await q.select().from(outbox).where(at(key)))[0] ?? null,
    async list(tenantId, { platform, dead, after, limit }) {
      const all = and(
        eq(outbox.tenantId, tenantId),
        platform === undefined ? undefined : eq(outbox.platform, platform),
        dead === undefined ? undefined : dead ? eq(outbox.place, PLACE.dead) : living,
        after === null ? undefined : gt(outbox.id, after),
      );
      return await q.select().from(outbox).where(all).orderBy(asc(outbox.id)).limit(limit);
    },
    async counts(tenantId) {
      const rows = await q
        .select({ tenantId: outbox.tenantId, platform: outbox.platform, place: outbox.place, n: count(), oldest: min(outbox.createdAt) })
        .from(outbox)
        .where(eq(outbox.tenantId, tenantId))
        .groupBy(outbox.tenantId, outbox.platform, outbox.place);
      const lanes = new Map<string, LaneCount>();
      for (const { platform, place, n, oldest } of rows) {
        const lane = lanes.get(platform) ?? { tenantId, platform, waiting: 0, dead: 0, oldest: null };
        if (place === PLACE.dead) lane.dead += n;
        else {
          lane.waiting += n;
          if (oldest && (!lane.oldest || oldest < lane.oldest)) lane.oldest = oldest;
        }
        lanes.set(platform, lane);
      }
      return [...lanes.values()].sort(by(({ platform }) => platform));
    },
    async waiting(tenantId) {
      const [found] = await q
        .select({ n: count() })
        .from(outbox)
        .where(and(tenantId === undefined ? undefined : eq(outbox.tenantId, tenantId), living));
      return found?.n ?? 0;
    },
    async isFull(lanes, limit) {
      for (const lane of lanes) {
        const rows = await q
          .select({ one: sql`1` })
          .from(outbox)
          .where(and(inLane(lane), living))
          .limit(1)
          .offset(limit - 1);
        if (rows.length > 0) return true;
      }
      return false;
    },
  });
}

/** Rows of one statement. */
const PACK = 50;

/**
 * What puts rows there, for batches: a row that waits already has one plan more to deliver and keeps its turn, or gets a better one; a dead letter gets
 * another life under another id, and a change's turn at the latest: a change is what failed.
 */
export function createWanted({ query: q, tables: { outbox } }: Pick<Database, 'query' | 'tables'>): (rows: Wanted[], now: Date) => Statement[] {
  const [dead, change] = [PLACE.dead, PLACE.change].map((place) => sql.raw(String(place)));
  const isDead = sql`${outbox.place} = ${dead}`;
  const again = {
    id: sql`case when ${isDead} then excluded.id else ${outbox.id} end`,
    wanted: sql`${outbox.wanted} + ${sql.raw('1')}`,
    place: sql`case when ${isDead} and excluded.place > ${change} then ${change} when excluded.place < ${outbox.place} then excluded.place else ${outbox.place} end`,
    look: sql`case when excluded.look > ${outbox.look} then excluded.look else ${outbox.look} end`,
    attempts: sql`${sql.raw('0')}`,
    dueAt: sql`excluded.due_at`,
    createdAt: sql`case when ${isDead} then excluded.created_at else ${outbox.createdAt} end`,
  };
  const keys = Object.keys(getTableColumns(outbox));
  const made = new Map<number, ReturnType<typeof template>>();
  const fillFor = (rows: number) => {
    const known = made.get(rows);
    if (known) return known;
    const values = Array.from({ length: rows }, (_, i) => Object.fromEntries(keys.map((key) => [key, hole(i, key)])));
    const fill = template(
      q
        .insert(outbox)
        .values(values as never)
        .onConflictDoUpdate({ target: [outbox.tenantId, outbox.platform, outbox.userId], set: again }),
    );
    made.set(rows, fill);
    return fill;
  };
  return (rows, now) => {
    // PostgreSQL does not touch one row twice in a statement. In one order, so that two who put the same people there do not wait for each other.
    const some = [...new Map(rows.map((row) => [JSON.stringify([row.userId, row.tenantId, row.platform]), row])).entries()]
      .sort(by(([key]) => key))
      .map(([, { look, ...row }]) => ({ ...row, look: look ? 1 : 0, wanted: 1, attempts: 0, dueAt: now, createdAt: now }));
    const statements: Statement[] = [];
    for (let i = 0; i < some.length; i += PACK) {
      const part = some.slice(i, i + PACK);
      statements.push(fillFor(part.length)(part, part.length));
    }
    return statements;
  };
}
