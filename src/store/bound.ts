/** bound: what is written for a tenant holds only while the tenant is as it was when that was decided (DESIGN §4). */
import { and, eq, sql } from 'drizzle-orm';
import { type Database, type Statement, TenantMoved } from './database.ts';
import { hole, template } from './writes.ts';

/** A tenant at one of its revisions. */
export interface Bound {
  tenantId: string;
  revision: number;
}

type Db = Pick<Database, 'dialect' | 'query' | 'tables'>;

/** Any number that no other lock of ours is made with. */
const SEED = 0x6d617472;

/**
 * PostgreSQL's queue for a tenant: who writes for it passes together, who moves it passes alone, and whoever comes after a mover waits behind it. A lock
 * on the row has no such queue: writers that keep coming would keep a switch waiting. SQLite writes one batch at a time anyway.
 */
const queue = ({ dialect }: Pick<Db, 'dialect'>, how: 'lock' | 'lock_shared', tenantId: string): Statement[] =>
  dialect === 'postgres' ? [{ sql: `select pg_advisory_xact_${how}(hashtextextended($1, ${SEED}))`, params: [tenantId] }] : [];

/** Go before what depends on it, in the same batch: a switch waits for what is under way, and what comes after the switch finds another revision. */
export function createBound(db: Db): (bound: Bound) => Statement[] {
  const { tenant } = db.tables;
  const here = and(eq(tenant.id, hole(0, 'tenantId')), eq(tenant.revision, hole(0, 'revision')));
  const fill = template(db.query.select({ one: sql`1` }).from(tenant).where(here));
  return (bound) => [
    ...queue(db, 'lock_shared', bound.tenantId),
    { ...fill([bound], 1), otherwise: () => new TenantMoved(`tenant ${bound.tenantId} is not at revision ${bound.revision} any more`) },
  ];
}

/** Goes before what moves a tenant to another revision. */
export const moving = (db: Pick<Db, 'dialect'>, tenantId: string): Statement[] => queue(db, 'lock', tenantId);
