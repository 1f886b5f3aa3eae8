/** ledger: who a person is at a platform, and what we gave them there. Written by whoever has claimed the person's row of the outbox, and by nobody else. */
import { and, asc, count, eq, gt, inArray, sql } from 'drizzle-orm';
import type { Given, GivenState, Resource } from '../core/entitlement.ts';
import { Conflict, type Database, type Statement } from './database.ts';
import { guarded } from './failures.ts';
import { type OutboxKey, type OutboxRow, PLACE } from './outbox.ts';
import type { Row } from './schema.ts';
import { hole, template } from './writes.ts';

export type PlatformAccount = Row<'platformAccount'>;
export type PlatformGiven = Row<'platformGiven'>;
export type Known = Pick<PlatformAccount, 'accountId' | 'profile' | 'privileged' | 'lookedAt'>;

export interface LedgerChange {
  /** Null = unchanged. */
  account: Known | null;
  put: Given[];
  drop: Pick<Resource, 'kind' | 'id'>[];
}

/** What becomes of the row of the outbox: it stays claimed, is done, or comes again then to be looked after. */
export type Then = { kind: 'go-on' } | { kind: 'done' } | { kind: 'again'; dueAt: Date };

const BY_HAND: GivenState[] = ['give-by-hand', 'take-by-hand'];

export interface Ledger {
  of(key: OutboxKey): Promise<{ account: PlatformAccount | null; given: PlatformGiven[] }>;
  /** Another person who is this account. */
  owner(lane: Pick<OutboxKey, 'tenantId' | 'platform'>, accountId: string): Promise<string | null>;
  /** In one transaction. Throws `Conflict` where the claim has passed to another worker: nothing is written then. */
  write(row: OutboxRow, worker: string, change: LedgerChange & { then: Then; now: Date }): Promise<void>;
  /** By hand: what the platform cannot do by itself, and somebody is asked to. */
  tasks(tenantId: string, page: { after: PlatformGiven | null; limit: number }): Promise<PlatformGiven[]>;
  task(at: OutboxKey & Pick<Resource, 'kind' | 'id'>): Promise<PlatformGiven | null>;
  /** Somebody has done it. False where it was no task any more. */
  tick(task: PlatformGiven, now: Date): Promise<boolean>;
  /** Targets that the platform does not know, and how many people have them. */
  unknown(tenantId: string): Promise<{ platform: string; target: string; people: number }[]>;
  /** Whom the ledger has in these states, at one platform; by user id. */
  people(lane: Pick<OutboxKey, 'tenantId' | 'platform'>, page: { after: string | null; limit: number }): Promise<PlatformAccount[]>;
  /** People who were given something of this kind in this state. */
  usersWith(lane: Pick<OutboxKey, 'tenantId' | 'platform'>, what: { state: GivenState; after: string | null; limit: number }): Promise<string[]>;
  /** Everything that is known of one platform: it leads to another place now. */
  forget(lane: Pick<OutboxKey, 'tenantId' | 'platform'>): Promise<void>;
}

export function createLedger(db: Database): Ledger {
  const {
    query: q,
    tables: { outbox, platformAccount: account, platformGiven: given },
  } = db;
  const of = (t: typeof account | typeof given, { tenantId, platform, userId }: OutboxKey) =>
    and(eq(t.tenantId, tenantId), eq(t.platform, platform), eq(t.userId, userId));
  const inLane = (t: typeof account | typeof given, { tenantId, platform }: Pick<OutboxKey, 'tenantId' | 'platform'>) =>
    and(eq(t.tenantId, tenantId), eq(t.platform, platform));
  const statement = (query: { toSQL(): { sql: string; params: unknown[] } }, expect?: number): Statement => {
    const { sql: text, params } = query.toSQL();
    return { sql: text, params, ...(expect !== undefined && { expect }) };
  };
  const writes = createWrites(db);

  return guarded<Ledger>({
    async of(key) {
      const [known] = await q.select().from(account).where(of(account, key));
      return { account: known ?? null, given: await q.select().from(given).where(of(given, key)) };
    },
    async owner(lane, accountId) {
      const [found] = await q
        .select({ userId: account.userId })
        .from(account)
        .where(and(inLane(account, lane), eq(account.accountId, accountId)));
      return found?.userId ?? null;
    },
    write: (row, worker, change) => db.batch(writes(row, worker, change)),
    async tasks(tenantId, { after, limit }) {
      const beyond =
        after &&
        sql`(${given.since}, ${given.userId}, ${given.id}, ${given.kind}, ${given.platform}) > (${sql.param(after.since, given.since)}, ${after.userId}, ${after.id}, ${after.kind}, ${after.platform})`;
      return await q
        .select()
        .from(given)
        .where(and(eq(given.tenantId, tenantId), inArray(given.state, BY_HAND), beyond ?? undefined))
        .orderBy(asc(given.since), asc(given.userId), asc(given.id), asc(given.kind), asc(given.platform))
        .limit(limit);
    },
    async task({ kind, id, ...key }) {
      const [found] = await q
        .select()
        .from(given)
        .where(and(of(given, key), eq(given.kind, kind), eq(given.id, id), inArray(given.state, BY_HAND)));
      return found ?? null;
    },
    async tick(task, now) {
      const same = and(of(given, task), eq(given.kind, task.kind), eq(given.id, task.id), eq(given.state, task.state));
      const rows =
        task.state === 'take-by-hand'
          ? await q.delete(given).where(same).returning({ id: given.id })
          : await q.update(given).set({ state: 'given', since: now }).where(same).returning({ id: given.id });
      return rows.length === 1;
    },
    unknown: async (tenantId) =>
      (
        await q
          .select({ platform: given.platform, target: given.id, people: count() })
          .from(given)
          .where(and(eq(given.tenantId, tenantId), eq(given.state, 'unknown')))
          .groupBy(given.platform, given.id)
      ).sort((a, b) => (a.platform + a.target < b.platform + b.target ? -1 : 1)),
    people: async (lane, { after, limit }) =>
      await q
        .select()
        .from(account)
        .where(and(inLane(account, lane), after === null ? undefined : gt(account.userId, after)))
        .orderBy(asc(account.userId))
        .limit(limit),
    usersWith: async (lane, { state, after, limit }) =>
      (
        await q
          .select({ userId: given.userId })
          .from(given)
          .where(and(inLane(given, lane), eq(given.state, state), after === null ? undefined : gt(given.userId, after)))
          .groupBy(given.userId)
          .orderBy(asc(given.userId))
          .limit(limit)
      ).map(({ userId }) => userId),
    forget: (lane) =>
      db.batch([
        statement(q.delete(account).where(inLane(account, lane))),
        statement(q.delete(given).where(inLane(given, lane))),
        statement(q.delete(outbox).where(and(eq(outbox.tenantId, lane.tenantId), eq(outbox.platform, lane.platform)))),
      ]),
  });
}

/** The statements of one delivery, their texts made once. */
function createWrites({ query: q, tables: { outbox, platformAccount: account, platformGiven: given } }: Database) {
  const mine = and(
    eq(outbox.tenantId, hole(0, 'tenantId')),
    eq(outbox.platform, hole(0, 'platform')),
    eq(outbox.userId, hole(0, 'userId')),
    eq(outbox.claimedBy, hole(0, 'worker')),
  );
  const asWanted = and(mine, eq(outbox.wanted, hole(0, 'wanted')));
  // Touches the row, so that PostgreSQL holds it to the end of the batch.
  const fence = template(
    q
      .update(outbox)
      .set({ claimedBy: hole(0, 'worker') as never })
      .where(mine),
  );
  const done = template(q.delete(outbox).where(asWanted));
  // Free, and what failed before has been made good.
  const anew = {
    claimedBy: hole(0, 'nobody') as never,
    claimedUntil: hole(0, 'nobody') as never,
    attempts: hole(0, 'none') as never,
    failedCode: hole(0, 'nobody') as never,
    failedReason: hole(0, 'nobody') as never,
  };
  const again = template(
    q
      .update(outbox)
      .set({ ...anew, place: hole(0, 'place') as never, look: hole(0, 'look') as never, dueAt: hole(0, 'dueAt') as never })
      .where(asWanted),
  );
  const open = template(q.update(outbox).set(anew).where(mine));
  const all = (names: string[]) => Object.fromEntries(names.map((key) => [key, hole(0, key)])) as never;
  const know = template(
    q
      .insert(account)
      .values(all(['tenantId', 'platform', 'userId', 'accountId', 'profile', 'privileged', 'lookedAt', 'createdAt', 'updatedAt']))
      .onConflictDoUpdate({
        target: [account.tenantId, account.platform, account.userId],
        set: {
          accountId: sql`excluded.account_id`,
          profile: sql`excluded.profile`,
          privileged: sql`excluded.privileged`,
          lookedAt: sql`excluded.looked_at`,
          updatedAt: sql`excluded.updated_at`,
        },
      }),
  );
  const put = template(
    q
      .insert(given)
      .values(all(['tenantId', 'platform', 'userId', 'kind', 'id', 'name', 'state', 'since', 'targets']))
      .onConflictDoUpdate({
        target: [given.tenantId, given.platform, given.userId, given.kind, given.id],
        set: { name: sql`excluded.name`, state: sql`excluded.state`, since: sql`excluded.since`, targets: sql`excluded.targets` },
      }),
  );
  const drop = template(
    q
      .delete(given)
      .where(
        and(
          eq(given.tenantId, hole(0, 'tenantId')),
          eq(given.platform, hole(0, 'platform')),
          eq(given.userId, hole(0, 'userId')),
          eq(given.kind, hole(0, 'kind')),
          eq(given.id, hole(0, 'id')),
        ),
      ),
  );
  const unsure = ({ sql: text, params }: Statement): Statement => ({ sql: text, params });

  return (
    row: OutboxRow,
    worker: string,
    { account: known, put: come, drop: gone, then, now }: LedgerChange & { then: Then; now: Date },
  ): Statement[] => {
    const key = { tenantId: row.tenantId, platform: row.platform, userId: row.userId };
    const claim = { ...key, worker, wanted: row.wanted, none: 0 };
    return [
      { ...fence([claim], 1), otherwise: () => new Conflict('the claim of a delivery has passed to another worker') },
      ...(known ? [know([{ ...key, ...known, createdAt: now, updatedAt: now }])] : []),
      ...come.map(({ kind, id, name, state, targets }) => put([{ ...key, kind, id, name, state, since: now, targets }])),
      ...gone.map(({ kind, id }) => unsure(drop([{ ...key, kind, id }]))),
      ...(then.kind === 'done' ? [unsure(done([claim]))] : []),
      ...(then.kind === 'again' ? [unsure(again([{ ...claim, place: PLACE.lookAfter, look: 1, dueAt: then.dueAt }]))] : []),
      // Where more was planned meanwhile the row is there still, and free.
      ...(then.kind === 'go-on' ? [] : [unsure(open([claim]))]),
    ];
  };
}
