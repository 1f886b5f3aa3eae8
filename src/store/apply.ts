import { and, eq, getTableColumns, sql } from 'drizzle-orm';
import type { ChangeOf, Effects, Entity, Membership, Plan, Rows, User } from '../core/model.ts';
import type { SearchValue } from '../core/search.ts';
import { type Bound, createBound } from './bound.ts';
import { Conflict, type Database, type Statement, Vanished } from './database.ts';
import type { JournalEntry } from './journal.ts';
import { by } from './order.ts';
import { createWanted, type Place, type Wanted } from './outbox.ts';
import type { Row, Schema } from './schema.ts';
import { createInsert, hole, type Insert, template } from './writes.ts';

/** A plan and what is written with it. */
export interface Write {
  plan: Plan;
  entry: JournalEntry;
  deliveries: { platform: string; place: Place }[];
  /** Values by which the user is found no more, and from now on. */
  search: { gone: SearchValue[]; come: SearchValue[] };
  /** How many may be active; null = as many as like. The count is taken in the same transaction: two that race for one seat cannot both have it. */
  seats: number | null;
  /** The tenant as it was when this was planned: a mode, a mapping or a licence that has changed since is not gone by. Null: whatever the tenant is. */
  bound: Bound | null;
}

/** The one writer of users and what hangs under them. */
export interface Apply {
  /**
   * Of each plan its rows, its journal entry and its platforms' rows in the outbox (where its effects say anything): all of all of them, or none.
   * The plans are of different users of one tenant; one without changes writes nothing. Throws `Conflict` where a plan is stale,
   * `TenantMoved` where the tenant is, `Vanished` where a group is gone, `Unavailable`, `Unstorable`.
   */
  apply(writes: Write[], now: Date): Promise<void>;
}

type AnyChange = ChangeOf<Entity>;

export function createApply(db: Database): Apply {
  const insert = createInsert(db);
  const edit = createEdits(db);
  const beside = createBeside(db);
  const stands = createBound(db);
  const wanted = createWanted(db);

  return {
    async apply(writes, now) {
      const some = writes.filter(({ plan }) => plan.changes.length > 0).sort(by(({ plan }) => plan.userId));
      if (some.length === 0) return;
      for (const { plan, entry } of some) refuseStray(plan, entry);
      if (some.some(({ plan }) => plan.tenantId !== some[0]!.plan.tenantId)) throw new Error('plans that are applied together must be of one tenant');
      const changes = some.flatMap(({ plan }) => plan.changes as AnyChange[]);
      const users = changes.filter(({ entity }) => entity === 'user');
      // Rows that others may want, too, are taken in one order by everybody: users by id, groups by id, and last the count that all creations share.
      await db.batch([
        ...boundsOf(some).flatMap(stands),
        ...rowStatements(users, insert, edit),
        ...beside.touchGroups(changes, now),
        ...rowStatements(below(changes), insert, edit),
        ...some.flatMap(({ plan, search }) => beside.forget(plan, search.gone)),
        ...beside.remember(some),
        ...insert(
          'journal',
          some.map(({ entry }) => entry),
        ),
        ...wanted(some.flatMap(wantedOf), now),
        ...beside.count(some[0]!.plan.tenantId, users as ChangeOf<'user'>[], seatsOf(some)),
      ]);
    },
  };
}

/** Writes of one batch are of one tenant at one moment. */
const boundsOf = (writes: Write[]): Bound[] => [writes[0]?.bound ?? null].filter((bound) => bound !== null);
const seatsOf = (writes: Write[]): number | null => writes[0]?.seats ?? null;

const ORDER: Entity[] = ['identity', 'membership', 'grant', 'held'];

/** By kind of row, so that new rows of many plans become few statements. */
const below = (changes: AnyChange[]): AnyChange[] =>
  ORDER.flatMap((entity) => {
    const mine = changes.filter((change) => change.entity === entity);
    return [...mine.filter(({ before }) => before !== null), ...mine.filter(({ before }) => before === null)];
  });

/** Neighbours that are new rows of one table become one statement. */
function rowStatements(changes: AnyChange[], insert: Insert, edit: (change: AnyChange) => Statement): Statement[] {
  const statements: Statement[] = [];
  for (let i = 0; i < changes.length; ) {
    const { entity, before } = changes[i]!;
    let end = i + 1;
    if (before === null) while (changes[end]?.entity === entity && changes[end]!.before === null) end++;
    const run = changes.slice(i, end);
    if (before === null) statements.push(...insert(entity, run.map((change) => change.after) as Row<Entity>[]));
    else statements.push(edit(changes[i]!));
    i = end;
  }
  return statements;
}

/** What is kept in step with users and is nobody's own row: group versions, the search index, the headcount. */
function createBeside(db: Database) {
  const { query: q, tables } = db;
  const { group, searchValue, headcount } = tables;
  const remember = createRemember(db);
  const touch = template(
    q
      .update(group)
      .set({ version: sql`${group.version} + 1`, updatedAt: hole(0, 'now') as never })
      .where(and(eq(group.tenantId, hole(0, 'tenantId')), eq(group.id, hole(0, 'id')))),
  );
  const forgetOne = template(
    q
      .delete(searchValue)
      .where(
        and(
          eq(searchValue.tenantId, hole(0, 'tenantId')),
          eq(searchValue.userId, hole(0, 'userId')),
          eq(searchValue.attribute, hole(0, 'attribute')),
          eq(searchValue.element, hole(0, 'element')),
        ),
      ),
  );
  return {
    /** Fails as `Vanished` where a group is gone. */
    touchGroups(changes: AnyChange[], now: Date): Statement[] {
      const members = changes.filter(({ entity }) => entity === 'membership').map(({ before, after }) => (after ?? before) as Membership);
      const groups = new Map(members.map(({ tenantId, groupId }) => [groupId, { tenantId, id: groupId, now }]));
      return [...groups.values()].sort(by(({ id }) => id)).map((row) => ({ ...touch([row]), otherwise: () => new Vanished(`group ${row.id}`) }));
    },
    // Nothing is expected of these: an index that went wrong is mended by the next write.
    forget: ({ tenantId, userId }: Plan, gone: SearchValue[]): Statement[] =>
      gone.map((value) => {
        const { sql: text, params } = forgetOne([{ tenantId, userId, ...value }]);
        return { sql: text, params };
      }),
    remember: (writes: Write[]): Statement[] =>
      remember(writes.flatMap(({ plan: { tenantId, userId }, search }) => search.come.map((value) => ({ tenantId, userId, ...value })))),
    /** Fails as `Conflict` where more would be active than there are seats. Who is active already is never in the way. */
    count(tenantId: string, users: ChangeOf<'user'>[], seats: number | null): Statement[] {
      const counted = (row: User | null, what: 'users' | 'active') =>
        row && (what === 'active' ? row.status === 'active' : row.status !== 'deleted') ? 1 : 0;
      const moved = (what: 'users' | 'active') => users.reduce((sum, { before, after }) => sum + counted(after, what) - counted(before, what), 0);
      const by = { users: moved('users'), active: moved('active') };
      if (by.users === 0 && by.active === 0) return [];
      // Where nobody was counted yet the row is new, and a condition on the old one says nothing.
      if (seats !== null && by.active > 0 && by.active > seats) throw new Conflict('more than there are seats');
      const { sql: text, params } = q
        .insert(headcount)
        .values({ tenantId, ...by })
        .onConflictDoUpdate({
          target: headcount.tenantId,
          set: { users: sql`${headcount.users} + ${by.users}`, active: sql`${headcount.active} + ${by.active}` },
          ...(seats !== null && by.active > 0 && { setWhere: sql`${headcount.active} + ${by.active} <= ${seats}` }),
        })
        .toSQL();
      return [{ sql: text, params, expect: 1 }];
    },
  };
}

const VALUES = 50;

/** Its text is made once for each number of rows. Used by search.ts, too, for users from before there was an index. */
export function createRemember({
  query: q,
  tables: { searchValue },
}: Pick<Database, 'query' | 'tables'>): (rows: Row<'searchValue'>[]) => Statement[] {
  const made = new Map<number, ReturnType<typeof template>>();
  const keys = Object.keys(getTableColumns(searchValue));
  const fillFor = (count: number) => {
    const known = made.get(count);
    if (known) return known;
    const values = Array.from({ length: count }, (_, i) => Object.fromEntries(keys.map((key) => [key, hole(i, key)])));
    const fill = template(
      q
        .insert(searchValue)
        .values(values as never)
        .onConflictDoUpdate({
          target: [searchValue.tenantId, searchValue.userId, searchValue.attribute, searchValue.element],
          set: { value: sql`excluded.value` },
        }),
    );
    made.set(count, fill);
    return fill;
  };
  return (all) => {
    // PostgreSQL does not touch one row twice in a statement; the last word counts.
    const rows = [...new Map(all.map((row) => [JSON.stringify([row.tenantId, row.userId, row.attribute, row.element]), row])).values()];
    const statements: Statement[] = [];
    for (let i = 0; i < rows.length; i += VALUES) {
      const part = rows.slice(i, i + VALUES);
      const { sql: text, params } = fillFor(part.length)(part);
      statements.push({ sql: text, params });
    }
    return statements;
  };
}

/** How a stored row is found again. The user's version is part of its key: a stale plan finds nothing. */
const KEYS: { [E in Entity]: (keyof Rows[E] & string)[] } = {
  user: ['tenantId', 'id', 'version'],
  identity: ['tenantId', 'source', 'subject', 'userId'],
  grant: ['tenantId', 'userId', 'target', 'source', 'rule'],
  membership: ['tenantId', 'userId', 'groupId', 'source'],
  held: ['tenantId', 'userId', 'what', 'target', 'source', 'rule'],
};

/** Updates and deletes, one row each, their texts made once. */
function createEdits({ query: q, tables }: Database): (change: AnyChange) => Statement {
  const made = (entity: Entity) => {
    const table = tables[entity] as Schema['user'];
    const columns = getTableColumns(table);
    const keys = KEYS[entity] as (keyof typeof columns)[];
    const where = and(...keys.map((key) => eq(columns[key], hole(0, key))));
    const values = Object.fromEntries(Object.keys(columns).map((key) => [key, hole(1, key)]));
    return {
      update: template(
        q
          .update(table)
          .set(values as never)
          .where(where),
      ),
      remove: template(q.delete(table).where(where)),
    };
  };
  const fills = { user: made('user'), identity: made('identity'), grant: made('grant'), membership: made('membership'), held: made('held') };
  return ({ entity, before, after }) => (after === null ? fills[entity].remove([before!]) : fills[entity].update([before!, after]));
}

/** The planner never makes such a plan. Should it, nothing of it is written: every row below is guarded by its own user's version only. */
function refuseStray({ tenantId, userId, changes }: Plan, entry: JournalEntry): void {
  const [first] = changes;
  if (first?.entity !== 'user' || first.after === null || first.after.version !== (first.before?.version ?? 0) + 1)
    throw new Error('a plan must begin with its user row, one version on');
  const stray = (changes as AnyChange[]).some(({ entity, before, after }) =>
    [before, after].some((row) => row !== null && (row.tenantId !== tenantId || ownerOf(entity, row) !== userId)),
  );
  if (stray || entry.tenantId !== tenantId) throw new Error('a plan must stay with one user of one tenant');
}

const ownerOf = (entity: Entity, row: Rows[Entity]): string => (entity === 'user' ? (row as Rows['user']).id : (row as Rows['grant']).userId);

const says = ({ gained, lost, status, profile }: Effects): boolean =>
  gained.length > 0 || lost.length > 0 || status !== undefined || profile === true;

const wantedOf = ({ plan: { id, tenantId, userId, effects }, deliveries }: Write): Wanted[] =>
  says(effects) ? deliveries.map(({ platform, place }) => ({ tenantId, platform, userId, id: `${id}:${platform}`, place, look: false })) : [];
