import { and, desc, eq, lt, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { guarded } from './failures.ts';
import type { Row } from './schema.ts';
import { createInsert } from './writes.ts';

/** A request of a directory and what it was answered, without secrets (flows/doctor). */
export type ScimExchangeRow = Row<'scimExchange'>;

export interface Exchanges {
  /** In one transaction; of each tenant the newest `KEPT` remain. */
  append(rows: ScimExchangeRow[]): Promise<void>;
  /** What is older than this, of all tenants. */
  forget(before: Date): Promise<void>;
  /** Newest first. */
  list(tenantId: string, limit: number): Promise<ScimExchangeRow[]>;
}

export const KEPT = 200;

export function createExchanges(db: Database): Exchanges {
  const {
    query: q,
    tables: { scimExchange: t },
  } = db;
  const insert = createInsert(db);
  return guarded<Exchanges>({
    async append(rows) {
      const old = [...new Set(rows.map(({ tenantId }) => tenantId))].map((tenantId) => {
        const last = sql`(select ${t.id} from ${t} where ${t.tenantId} = ${tenantId} order by ${t.id} desc limit 1 offset ${KEPT - 1})`;
        const { sql: text, params } = q
          .delete(t)
          .where(and(eq(t.tenantId, tenantId), lt(t.id, last)))
          .toSQL();
        return { sql: text, params };
      });
      await db.batch([...insert('scimExchange', rows), ...old]);
    },
    forget: async (before) => void (await q.delete(t).where(lt(t.at, before))),
    list: async (tenantId, limit) => await q.select().from(t).where(eq(t.tenantId, tenantId)).orderBy(desc(t.at), desc(t.id)).limit(limit),
  });
}
