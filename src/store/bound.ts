/** bound: what is written for a tenant holds only while the tenant is as it was when that was decided (DESIGN §4). */
import { and, eq, sql } from 'drizzle-orm';
import { type Database, type Statement, TenantMoved } from './database.ts';
import { hole, template } from './writes.ts';

/** A tenant at one of its revisions. */
export interface Bound {
  tenantId: string;
  revision: number;
}

/**
 * Goes before what depends on it, in the same batch. On PostgreSQL the row is locked for share: a switch waits for what is under way, and what comes
 * after the switch finds another revision. SQLite writes one batch at a time anyway.
 */
export function createBound({ dialect, query, tables: { tenant } }: Pick<Database, 'dialect' | 'query' | 'tables'>): (bound: Bound) => Statement {
  const here = and(eq(tenant.id, hole(0, 'tenantId')), eq(tenant.revision, hole(0, 'revision')));
  const fill = template(query.select({ one: sql`1` }).from(tenant).where(here));
  return (bound) => {
    const { sql: text, ...rest } = fill([bound], 1);
    return {
      ...rest,
      sql: dialect === 'postgres' ? `${text} for share` : text,
      otherwise: () => new TenantMoved(`tenant ${bound.tenantId} is not at revision ${bound.revision} any more`),
    };
  };
}
