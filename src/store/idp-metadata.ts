import { and, eq, lte, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { guarded } from './failures.ts';
import type { Row } from './schema.ts';

/** The last good copy of one connection's metadata, with the address it came from: a copy from another address is no copy. */
export type IdpMetadataRow = Row<'idpMetadata'>;

export interface IdpMetadata {
  get(tenantId: string, connectionId: string): Promise<IdpMetadataRow | null>;
  /** Sets or replaces; an older copy never replaces a newer one. */
  put(row: IdpMetadataRow): Promise<void>;
}

export function createIdpMetadata({ query: q, tables: { idpMetadata: t } }: Database): IdpMetadata {
  return guarded<IdpMetadata>({
    async get(tenantId, connectionId) {
      const here = and(eq(t.tenantId, tenantId), eq(t.connectionId, connectionId));
      return (await q.select().from(t).where(here))[0] ?? null;
    },
    async put({ tenantId, connectionId, ...copy }) {
      await q
        .insert(t)
        .values({ tenantId, connectionId, ...copy })
        .onConflictDoUpdate({ target: [t.tenantId, t.connectionId], set: copy, setWhere: lte(t.fetchedAt, sql`excluded.fetched_at`) });
    },
  });
}
