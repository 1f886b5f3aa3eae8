import { and, asc, eq, exists, gt, inArray, isNotNull, isNull, ne, notExists, sql } from 'drizzle-orm';
import type { Group, GroupSource } from '../core/model.ts';
import { type Bound, createBound } from './bound.ts';
import { Conflict, type Database, type Statement, Vanished } from './database.ts';
import { found, guarded } from './failures.ts';
import type { JournalEntry } from './journal.ts';
import type { Paging } from './people.ts';
import { createInsert, type Insert } from './writes.ts';

export interface Member {
  userId: string;
  /** The name displayed, or the userName. */
  display: string;
}

/** Groups' own rows, and who is in them. Memberships are written by plans (apply.ts), never here. */
export interface Groups extends GroupWrites {
  /** The same writes, which throw `TenantMoved` where the tenant is at another revision by now. */
  under(bound: Bound): GroupWrites;
  get(tenantId: string, id: string): Promise<Group | null>;
  /** By folded name, oldest first, at most ten. */
  named(tenantId: string, displayNameKey: string): Promise<Group[]>;
  byExternalId(tenantId: string, externalId: string): Promise<Group[]>;
  page(tenantId: string, paging: Paging): Promise<{ groups: Group[]; next: string | null }>;
  /** Live users, each once, in order of id. */
  members(tenantId: string, groupId: string, paging: Paging): Promise<Member[]>;
  memberIds(tenantId: string, groupId: string, source: GroupSource): Promise<string[]>;
  /** Over all tenants, the longest owed first. */
  unsettled(limit: number): Promise<Group[]>;
  /** Its members have been concluded under this name; nothing happens where it was renamed since. */
  settle(group: Group): Promise<void>;
}

export interface GroupWrites {
  create(group: Group, entry: JournalEntry | null): Promise<void>;
  /** Its attributes, one version on. `only`: throws `Conflict` where it is not at this version any more; with null `Vanished` where it is gone. */
  update(after: Group, only: number | null, entry: JournalEntry | null): Promise<void>;
  /**
   * Where somebody put people in by hand, the group goes on as one made by hand, under `newId`, and its members are still to be concluded.
   * With `newId` null it goes for good, and with it what waits for deleted people to be restored.
   * Throws `Conflict` where the directory (or with null, anybody) has members in it, or it is gone.
   */
  remove(group: Pick<Group, 'tenantId' | 'id'>, entry: JournalEntry, newId: string | null, now: Date): Promise<void>;
}

/** `first` goes before each of them, in the same batch. */
function createWrites(db: Database, insert: Insert, first: readonly Statement[]): GroupWrites {
  const {
    query: q,
    tables: { group, membership, user },
  } = db;
  const batch = (statements: Statement[]) => db.batch([...first, ...statements]);
  const line = (entry: JournalEntry | null) => (entry ? insert('journal', [entry]) : []);
  const at = ({ tenantId, id }: Pick<Group, 'tenantId' | 'id'>) => and(eq(group.tenantId, tenantId), eq(group.id, id));
  const oneOn = sql`${group.version} + 1` as never;
  const expecting = (query: { toSQL(): { sql: string; params: unknown[] } }): Statement => {
    const { sql: text, params } = query.toSQL();
    return { sql: text, params, expect: 1 };
  };
  const within = ({ tenantId, id }: Pick<Group, 'tenantId' | 'id'>) =>
    q
      .select({ one: sql`1` })
      .from(membership)
      .where(and(eq(membership.tenantId, tenantId), eq(membership.groupId, id)));

  /** The tombstones move, so that no plan that restores one goes by a membership that is gone. */
  const forgetTombstones = ({ tenantId, id }: Pick<Group, 'tenantId' | 'id'>): Statement[] => {
    const here = and(eq(membership.tenantId, tenantId), eq(membership.groupId, id));
    const members = q.select({ id: membership.userId }).from(membership).where(here);
    const tombstones = and(eq(user.tenantId, tenantId), eq(user.status, 'deleted'), inArray(user.id, members));
    const moved = q
      .update(user)
      .set({ version: sql`${user.version} + 1` as never })
      .where(tombstones);
    const theirs = q.select({ id: user.id }).from(user).where(tombstones);
    return [moved, q.delete(membership).where(and(here, inArray(membership.userId, theirs)))].map((query) => {
      const { sql: text, params } = query.toSQL();
      return { sql: text, params };
    });
  };

  const remove: GroupWrites['remove'] = async (row, entry, newId, now) => {
    const empty = expecting(q.delete(group).where(and(at(row), notExists(within(row)))));
    if (newId === null) return batch([...forgetTombstones(row), empty, ...line(entry)]);
    try {
      await batch([empty, ...line(entry)]);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      // `since` keeps SQLite from the primary key, which holds all else and knows the tenant only.
      const byDirectory = q
        .select({ since: membership.since })
        .from(membership)
        .where(and(eq(membership.tenantId, row.tenantId), eq(membership.groupId, row.id), eq(membership.source, 'directory')));
      const local = { id: newId, source: 'manual' as const, externalId: null, version: oneOn, unsettledSince: now, updatedAt: now };
      const rest = and(at(row), notExists(byDirectory), exists(within(row)));
      await batch([expecting(q.update(group).set(local).where(rest)), ...line(entry)]);
    }
  };

  return guarded<GroupWrites>({
    create: (row, entry) => batch([...insert('group', [row]), ...line(entry)]),
    update(after, only, entry) {
      const where = and(at(after), only === null ? undefined : eq(group.version, only));
      const { version: _, ...attributes } = after;
      const moved = expecting(
        q
          .update(group)
          .set({ ...attributes, version: oneOn })
          .where(where),
      );
      return batch([only === null ? { ...moved, otherwise: () => new Vanished(`group ${after.id}`) } : moved, ...line(entry)]);
    },
    remove,
  });
}

export function createGroups(db: Database): Groups {
  const {
    query: q,
    tables: { group, membership, user },
  } = db;
  const select = () => q.select().from(group);
  const stands = createBound(db);
  const insert = createInsert(db);
  const reads = guarded<Omit<Groups, keyof GroupWrites | 'under'>>({
    get: (tenantId, id) => found(null, async () => (await select().where(and(eq(group.tenantId, tenantId), eq(group.id, id))))[0] ?? null),
    named: (tenantId, key) =>
      found(
        [],
        async () =>
          await select()
            .where(and(eq(group.tenantId, tenantId), eq(group.displayNameKey, key)))
            .orderBy(asc(group.createdAt), asc(group.id))
            .limit(10),
      ),
    byExternalId: (tenantId, externalId) =>
      found(
        [],
        async () =>
          await select()
            .where(and(eq(group.tenantId, tenantId), eq(group.externalId, externalId)))
            .limit(10),
      ),
    async page(tenantId, { after, limit }) {
      const more = await select()
        .where(and(eq(group.tenantId, tenantId), after === null ? undefined : gt(group.id, after)))
        .orderBy(asc(group.id))
        .limit(limit + 1);
      const groups = more.slice(0, limit);
      return { groups, next: more.length > limit ? groups.at(-1)!.id : null };
    },
    members: async (tenantId, groupId, { after, limit }) => {
      // Grouped by what the index is ordered by, so that a page ends where it is full: one of a large group costs what one of a small group does.
      const rows = await q
        .select({ userId: membership.userId, displayName: sql<string>`min(${user.displayName})`, userName: sql<string>`min(${user.userName})` })
        .from(membership)
        .innerJoin(user, and(eq(user.tenantId, membership.tenantId), eq(user.id, membership.userId)))
        .where(
          and(
            eq(membership.tenantId, tenantId),
            eq(membership.groupId, groupId),
            after === null ? undefined : gt(membership.userId, after),
            ne(user.status, 'deleted'),
            isNull(user.restoreKey),
          ),
        )
        .groupBy(membership.userId)
        .orderBy(asc(membership.userId))
        .limit(limit);
      return rows.map(({ userId, displayName, userName }) => ({ userId, display: displayName || userName }));
    },
    memberIds: async (tenantId, groupId, source) => {
      const rows = await q
        .select({ userId: membership.userId, since: membership.since })
        .from(membership)
        .where(and(eq(membership.tenantId, tenantId), eq(membership.groupId, groupId), eq(membership.source, source)))
        .orderBy(asc(membership.userId));
      return rows.map(({ userId }) => userId);
    },
    unsettled: async (limit) => await select().where(isNotNull(group.unsettledSince)).orderBy(asc(group.unsettledSince)).limit(limit),
    settle: async ({ tenantId, id, unsettledSince }) =>
      void (
        unsettledSince &&
        (await q
          .update(group)
          .set({ unsettledSince: null })
          .where(and(eq(group.tenantId, tenantId), eq(group.id, id), eq(group.unsettledSince, unsettledSince))))
      ),
  });
  return { ...reads, ...createWrites(db, insert, []), under: (bound) => createWrites(db, insert, stands(bound)) };
}
