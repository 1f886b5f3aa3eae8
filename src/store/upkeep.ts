import { and, asc, count, eq, exists, gt, gte, inArray, isNotNull, isNull, like, lt, lte, ne, not, notExists, or, type SQL, sql } from 'drizzle-orm';
import { type GivenState, OURS } from '../core/entitlement.ts';
import type { User } from '../core/model.ts';
import type { Database, Statement } from './database.ts';
import { guarded } from './failures.ts';
import type { JournalEntry } from './journal.ts';
import type { Paging } from './people.ts';
import { createInsert } from './writes.ts';

/** What time does to people: whose access lapses, who is erased. Finds them, and erases; lapsing is a plan like any other. */
export interface Upkeep {
  /**
   * Deprovisioned before that moment, and not by hand; in order of id. Without those who still have something at one of these platforms that is to be taken
   * away, or of whom it has still to hear.
   */
  deprovisioned(tenantId: string, since: Deprovisioned, paging: Paging): Promise<User[]>;
  /** Active people whom sign-ins taught and who have not signed in since that moment; in order of id. `lapsed`: those only who lapsed already, or only the others. */
  absent(tenantId: string, since: Date, paging: Paging): Promise<User[]>;
  counts(tenantId: string, moments: { deprovisioned: Deprovisioned | null; absentSince: Date | null }): Promise<Due>;
  /** For good: the user and all that hangs under it. The journal keeps its lines, which name an id that is nobody's any more. Throws `Conflict` where it moved. */
  erase(user: User, entry: JournalEntry): Promise<void>;
}

export interface Due {
  deprovisioned: number;
  /** The same, and a platform has still to hear of it. */
  owing: number;
  absent: number;
}

export interface Deprovisioned {
  before: Date;
  platforms: string[];
}

const OWED: GivenState[] = [...OURS, 'take-by-hand'];

export function createUpkeep(db: Database): Upkeep {
  const { query: q, tables } = db;
  const { user, identity, grant, membership, held, searchValue, outbox, platform, platformAccount, platformGiven, headcount, signIn } = tables;
  const insert = createInsert(db);

  const deprovisioned = (tenantId: string, before: Date): SQL | undefined =>
    and(
      eq(user.tenantId, tenantId),
      or(eq(user.status, 'deleted'), and(eq(user.status, 'suspended'), isNull(user.barredAt))),
      lte(user.statusSince, before),
    );
  const owing = (platforms: string[]): SQL | undefined => {
    if (platforms.length === 0) return sql`1 = 0`;
    const of = (table: typeof outbox | typeof platformGiven | typeof platformAccount) =>
      and(eq(table.tenantId, user.tenantId), eq(table.userId, user.id), inArray(table.platform, platforms));
    const one = { one: sql`1` };
    const waits = q.select(one).from(outbox).where(of(outbox));
    const has = q
      .select(one)
      .from(platformGiven)
      .where(and(of(platformGiven), inArray(platformGiven.state, OWED)));
    // Of whom it has not heard since it was switched off.
    const behind = q
      .select(one)
      .from(platform)
      .where(and(eq(platform.tenantId, platformAccount.tenantId), eq(platform.platform, platformAccount.platform), isNotNull(platform.cursor)));
    const knows = q
      .select(one)
      .from(platformAccount)
      .where(and(of(platformAccount), isNotNull(platformAccount.accountId), exists(behind)));
    return or(exists(waits), exists(has), exists(knows));
  };
  const absent = (tenantId: string, since: Date): SQL | undefined => {
    const came = q
      .select({ one: sql`1` })
      .from(signIn)
      .where(and(eq(signIn.tenantId, user.tenantId), eq(signIn.userId, user.id), gte(signIn.at, since), eq(signIn.outcome, 'SUCCESS')));
    const taught = q
      .select({ one: sql`1` })
      .from(identity)
      .where(and(eq(identity.tenantId, user.tenantId), eq(identity.userId, user.id), like(identity.source, 'connection:%')));
    return and(
      eq(user.tenantId, tenantId),
      eq(user.status, 'active'),
      isNull(user.lapsedAt),
      lt(user.createdAt, since),
      exists(taught),
      notExists(came),
    );
  };
  const page = async (where: SQL | undefined, { after, limit }: Paging): Promise<User[]> =>
    await q
      .select()
      .from(user)
      .where(and(where, after === null ? undefined : gt(user.id, after)))
      .orderBy(asc(user.id))
      .limit(limit);
  const counted = async (where: SQL | undefined) => (await q.select({ n: count() }).from(user).where(where))[0]?.n ?? 0;

  return guarded<Upkeep>({
    deprovisioned: (tenantId, { before, platforms }, paging) => page(and(deprovisioned(tenantId, before), not(owing(platforms)!)), paging),
    absent: (tenantId, since, paging) => page(absent(tenantId, since), paging),
    counts: async (tenantId, { deprovisioned: gone, absentSince }) => ({
      deprovisioned: gone ? await counted(and(deprovisioned(tenantId, gone.before), not(owing(gone.platforms)!))) : 0,
      owing: gone ? await counted(and(deprovisioned(tenantId, gone.before), owing(gone.platforms))) : 0,
      absent: absentSince ? await counted(absent(tenantId, absentSince)) : 0,
    }),
    erase({ tenantId, id, version, status }, entry) {
      const under = [held, searchValue, grant, membership, identity, outbox, platformAccount, platformGiven].map((table) =>
        q
          .delete(table)
          .where(and(eq((table as typeof grant).tenantId, tenantId), eq((table as typeof grant).userId, id)))
          .toSQL(),
      );
      const here = and(eq(user.tenantId, tenantId), eq(user.id, id), eq(user.version, version), ne(user.status, 'active'));
      // The user's row is taken first, as by every plan, and goes last.
      const claimed = q
        .update(user)
        .set({ version: version + 1 })
        .where(here)
        .toSQL();
      const gone = q
        .delete(user)
        .where(and(eq(user.tenantId, tenantId), eq(user.id, id)))
        .toSQL();
      // A tombstone is not counted any more; whoever was suspended is.
      const fewer = q
        .update(headcount)
        .set({ users: sql`${headcount.users} - 1` as never })
        .where(eq(headcount.tenantId, tenantId))
        .toSQL();
      const statements: Statement[] = [
        { ...claimed, expect: 1 },
        ...under,
        { ...gone, expect: 1 },
        ...insert('journal', [entry]),
        ...(status === 'deleted' ? [] : [fewer]),
      ];
      return db.batch(statements.map(({ sql: text, params, expect }) => ({ sql: text, params, ...(expect !== undefined && { expect }) })));
    },
  });
}
