import { and, asc, eq, isNotNull, isNull, lte, or } from 'drizzle-orm';
import type { Database } from './database.ts';
import { guarded } from './failures.ts';
import type { JournalEntry } from './journal.ts';
import type { Row } from './schema.ts';
import { createInsert } from './writes.ts';

/** A domain that a tenant asked for, and what came of it. `held` is the domain while it is verified: one tenant at a time. */
export type DomainRow = Row<'domain'>;

export interface Domains {
  list(tenantId: string): Promise<DomainRow[]>;
  get(tenantId: string, domain: string): Promise<DomainRow | null>;
  /** Who holds it, verified. */
  holder(domain: string): Promise<DomainRow | null>;
  /** Throws `Conflict` where the tenant asked for it already. */
  add(row: DomainRow, entry: JournalEntry): Promise<void>;
  /** What a check found. Throws `Conflict` where another tenant holds the domain, or this one has given it up. */
  checked(row: DomainRow, entry: JournalEntry | null): Promise<void>;
  remove(tenantId: string, domain: string, entry: JournalEntry): Promise<void>;
  /** Held ones that were last looked at, or last proved, so long ago, over all tenants. */
  due(before: { checked: Date; verified: Date }, limit: number): Promise<DomainRow[]>;
}

export function createDomains(db: Database): Domains {
  const {
    query: q,
    tables: { domain },
  } = db;
  const insert = createInsert(db);
  const here = (tenantId: string, name: string) => and(eq(domain.tenantId, tenantId), eq(domain.domain, name));
  return guarded<Domains>({
    list: async (tenantId) => await q.select().from(domain).where(eq(domain.tenantId, tenantId)).orderBy(asc(domain.domain)),
    get: async (tenantId, name) => (await q.select().from(domain).where(here(tenantId, name)))[0] ?? null,
    holder: async (name) => (await q.select().from(domain).where(eq(domain.held, name)))[0] ?? null,
    add: (row, entry) => db.batch([...insert('domain', [row]), ...insert('journal', [entry])]),
    async checked({ tenantId, domain: name, challenge, held, verifiedAt, checkedAt, failure }, entry) {
      const asked = and(here(tenantId, name), eq(domain.challenge, challenge));
      const { sql, params } = q.update(domain).set({ held, verifiedAt, checkedAt, failure }).where(asked).toSQL();
      await db.batch([{ sql, params, expect: 1 }, ...(entry ? insert('journal', [entry]) : [])]);
    },
    async remove(tenantId, name, entry) {
      const { sql, params } = q.delete(domain).where(here(tenantId, name)).toSQL();
      await db.batch([{ sql, params, expect: 1 }, ...insert('journal', [entry])]);
    },
    due: async (before, limit) =>
      await q
        .select()
        .from(domain)
        .where(
          and(isNotNull(domain.held), or(isNull(domain.checkedAt), lte(domain.checkedAt, before.checked), lte(domain.verifiedAt, before.verified))),
        )
        .orderBy(asc(domain.checkedAt))
        .limit(limit),
  });
}
