import { and, eq, getTableColumns } from 'drizzle-orm';
import type { ChangeOf, Effects, Entity, Plan, Rows } from '../core/model.ts';
import type { Database, Statement } from './database.ts';
import type { JournalEntry } from './journal.ts';
import type { Row, Schema } from './schema.ts';
import { createInsert, hole, type Insert, template } from './writes.ts';

/** The one writer of users and what hangs under them. */
export interface Apply {
  /**
   * The plan's rows, its journal entry and one outbox row per platform (where its effects say anything), all or none.
   * A plan without changes writes nothing. Throws `Conflict` where the plan is stale, `Unavailable`, `Unstorable`.
   */
  apply(plan: Plan, entry: JournalEntry, deliveries: { platform: string }[], now: Date): Promise<void>;
}

type AnyChange = ChangeOf<Entity>;

export function createApply(db: Database): Apply {
  const insert = createInsert(db);
  const edit = createEdits(db);

  return {
    async apply(plan, entry, deliveries, now) {
      if (plan.changes.length === 0) return;
      refuseStray(plan, entry);
      const waiting = says(plan.effects) ? deliveries.map(({ platform }) => outboxRow(plan, platform, now)) : [];
      await db.batch([...rowStatements(plan.changes as AnyChange[], insert, edit), ...insert('journal', [entry]), ...insert('outbox', waiting)]);
    },
  };
}

/** In the plan's order; neighbours that are new rows of one table become one statement. */
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

/** How a stored row is found again. The user's version is part of its key: a stale plan finds nothing. */
const KEYS: { [E in Entity]: (keyof Rows[E] & string)[] } = {
  user: ['tenantId', 'id', 'version'],
  identity: ['tenantId', 'source', 'subject', 'userId'],
  grant: ['tenantId', 'userId', 'target', 'source', 'rule'],
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
  const fills = { user: made('user'), identity: made('identity'), grant: made('grant') };
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

const says = ({ gained, lost, status }: Effects): boolean => gained.length > 0 || lost.length > 0 || status !== undefined;

const outboxRow = (plan: Plan, platform: string, now: Date): Row<'outbox'> => ({
  id: `${plan.id}:${platform}`,
  tenantId: plan.tenantId,
  userId: plan.userId,
  platform,
  planId: plan.id,
  effects: plan.effects,
  attempts: 0,
  dueAt: now,
  claimedBy: null,
  claimedUntil: null,
  failedReason: null,
  createdAt: now,
});
