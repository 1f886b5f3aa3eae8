import { and, asc, eq, gt, isNull, or, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { guarded } from './failures.ts';
import type { JournalEntry } from './journal.ts';
import type { Row } from './schema.ts';
import { createInsert } from './writes.ts';

/** A bearer key of the admin API (`tenantId` null = all tenants) or a directory's token. `hash` is a keyed hash, the key itself is stored nowhere. */
export type ApiKeyRow = Row<'apiKey'>;

export interface Keys {
  /** `entry`: a directory's tokens are journalled. */
  create(row: ApiKeyRow, entry?: JournalEntry): Promise<void>;
  /** Whatever its state: the caller looks at `kind`, `expiresAt` and `revokedAt`. */
  byHash(hash: string): Promise<ApiKeyRow | null>;
  get(id: string): Promise<ApiKeyRow | null>;
  /** Oldest first, revoked ones included. */
  list(kind: ApiKeyRow['kind'], tenantId?: string): Promise<ApiKeyRow[]>;
  /** The first revocation stays. */
  revoke(id: string, now: Date, entry?: JournalEntry): Promise<void>;
  /** A new one beside an old one, which ends at `oldEnds` at the latest. */
  rotate(row: ApiKeyRow, old: { id: string; ends: Date }, entry: JournalEntry): Promise<void>;
  /** Remembers when the key was last used. */
  touch(id: string, now: Date): Promise<void>;
}

export function createKeys(db: Database): Keys {
  const { query: q, tables } = db;
  const { apiKey } = tables;
  const insert = createInsert(db);
  const line = (entry: JournalEntry | undefined) => (entry ? insert('journal', [entry]) : []);
  // Every request of a directory asks this.
  const byHash = q
    .select()
    .from(apiKey)
    .where(eq(apiKey.hash, sql.placeholder('hash')))
    .prepare('keys_by_hash');
  const statement = (query: { toSQL(): { sql: string; params: unknown[] } }) => {
    const { sql: text, params } = query.toSQL();
    return { sql: text, params };
  };
  return guarded<Keys>({
    create: (row, entry) => db.batch([...insert('apiKey', [row]), ...line(entry)]),
    byHash: async (hash) => (await byHash.execute({ hash }))[0] ?? null,
    get: async (id) => (await q.select().from(apiKey).where(eq(apiKey.id, id)))[0] ?? null,
    list: async (kind, tenantId) =>
      await q
        .select()
        .from(apiKey)
        .where(and(eq(apiKey.kind, kind), tenantId === undefined ? undefined : eq(apiKey.tenantId, tenantId)))
        .orderBy(asc(apiKey.createdAt), asc(apiKey.id)),
    revoke(id, now, entry) {
      const where = and(eq(apiKey.id, id), isNull(apiKey.revokedAt));
      return db.batch([statement(q.update(apiKey).set({ revokedAt: now }).where(where)), ...line(entry)]);
    },
    rotate(row, { id, ends }, entry) {
      const where = and(eq(apiKey.id, id), or(isNull(apiKey.expiresAt), gt(apiKey.expiresAt, ends)));
      return db.batch([...insert('apiKey', [row]), statement(q.update(apiKey).set({ expiresAt: ends }).where(where)), ...line(entry)]);
    },
    touch: async (id, now) => void (await q.update(apiKey).set({ lastUsedAt: now }).where(eq(apiKey.id, id))),
  });
}

/** A key pair of the gateway: `sealed` is the private half as lib/secrets sealed it. */
export type VaultRow = Row<'vault'>;

export interface VaultStore {
  get(tenantId: string, purpose: string): Promise<VaultRow | null>;
  /** The row that is there afterwards: this one, or the winner's where two processes made one at the same time. */
  putIfAbsent(row: VaultRow): Promise<VaultRow>;
}

export function createVaultStore({ query: q, tables: { vault } }: Database): VaultStore {
  const get = async (tenantId: string, purpose: string) => {
    const here = and(eq(vault.tenantId, tenantId), eq(vault.purpose, purpose));
    return (await q.select().from(vault).where(here))[0] ?? null;
  };
  return guarded<VaultStore>({
    get,
    async putIfAbsent(row) {
      await q.insert(vault).values(row).onConflictDoNothing();
      const winner = await get(row.tenantId, row.purpose);
      if (!winner) throw new Error('a key pair vanished while it was made');
      return winner;
    },
  });
}
