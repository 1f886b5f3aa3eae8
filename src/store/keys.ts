import { and, asc, eq, isNull } from 'drizzle-orm';
import type { Database } from './database.ts';
import { guarded } from './failures.ts';
import type { Row } from './schema.ts';
import { createInsert } from './writes.ts';

/** A bearer key of the admin API. `tenantId` null = all tenants; `hash` is a keyed hash, the key itself is stored nowhere. */
export type ApiKeyRow = Row<'apiKey'>;

export interface Keys {
  create(row: ApiKeyRow): Promise<void>;
  /** Whatever its state: the caller looks at `expiresAt` and `revokedAt`. */
  byHash(hash: string): Promise<ApiKeyRow | null>;
  /** Oldest first, revoked ones included. */
  list(): Promise<ApiKeyRow[]>;
  /** The first revocation stays. */
  revoke(id: string, now: Date): Promise<void>;
  /** Remembers when the key was last used. */
  touch(id: string, now: Date): Promise<void>;
}

export function createKeys(db: Database): Keys {
  const { query: q, tables } = db;
  const { apiKey } = tables;
  const insert = createInsert(db);
  return guarded<Keys>({
    create: (row) => db.batch(insert('apiKey', [row])),
    byHash: async (hash) => (await q.select().from(apiKey).where(eq(apiKey.hash, hash)))[0] ?? null,
    list: async () => await q.select().from(apiKey).orderBy(asc(apiKey.createdAt), asc(apiKey.id)),
    revoke: async (id, now) =>
      void (await q
        .update(apiKey)
        .set({ revokedAt: now })
        .where(and(eq(apiKey.id, id), isNull(apiKey.revokedAt)))),
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
