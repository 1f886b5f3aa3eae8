import { and, asc, count, desc, eq, gt, isNull, notExists, sql } from 'drizzle-orm';
import type { Rule } from '../core/mapping.ts';
import type { Phase } from '../core/mode.ts';
import type { Mode } from '../core/model.ts';
import { moving } from './bound.ts';
import type { Database, Statement } from './database.ts';
import { found, guarded } from './failures.ts';
import type { JournalEntry } from './journal.ts';
import type { HeldShown } from './people.ts';
import type { Publication } from './publications.ts';
import { createInsert } from './writes.ts';

/** A tenant as it stands in the database: its file as last applied, and its mode, which no file changes (DESIGN §4). */
export interface TenantRow {
  id: string;
  mode: Mode;
  /** In `scim` only. */
  phase: Phase | null;
  modeSince: Date;
  /** While adopting: the mode from which the hand-over began. */
  modeBefore: Mode | null;
  /** The licence's ceiling as an operator set it; null = what the tenant file says. */
  seats: number | null;
  /** The tenant file's YAML, and its SHA-256 in hex; another text while people are still being concluded under it (flows/apply-tenants). */
  document: string;
  digest: string;
  /** Where the document comes from, and the digest of the file that was taken in last. */
  origin: 'file' | 'edit';
  fileDigest: string;
  /** What anybody would lose is held, until the publication that would take away more than the limit has been concluded for everybody. */
  brake: 'limit' | null;
  /** From 1; moves with every change of the row. */
  revision: number;
  mappingVersion: number;
  createdAt: Date;
  updatedAt: Date;
}

/** One published state of a tenant's rules. Never changed, never deleted. */
export interface MappingVersion {
  tenantId: string;
  version: number;
  digest: string;
  document: Rule[];
  /** The tenant document; '' for versions from before documents were kept. */
  text: string;
  author: string;
  comment: string | null;
  createdAt: Date;
}

export interface TenantChange {
  id: string;
  expectRevision: number;
  document: string;
  digest: string;
  origin: 'file' | 'edit';
  fileDigest: string;
  /** Null: the rules are unchanged. */
  mapping: MappingVersion | null;
  /** The walk over everybody that follows. */
  publication: Publication;
  now: Date;
}

export interface ModeSet {
  id: string;
  expectRevision: number;
  mode: Mode;
  phase: Phase | null;
  modeSince: Date;
  modeBefore: Mode | null;
  revokeTokens: boolean;
  /** No more may be held than so many, and nothing newer (`newest` null: nothing at all). Null: whatever is held. */
  held: HeldShown | null;
  now: Date;
}

export interface Tenants {
  list(): Promise<TenantRow[]>;
  get(id: string): Promise<TenantRow | null>;
  /** Cheap: what a gateway polls to see that another process applied something. */
  revisions(): Promise<{ id: string; revision: number }[]>;
  /** Throws `Conflict` where the tenant exists. */
  create(row: TenantRow, mapping: MappingVersion, entry: JournalEntry): Promise<void>;
  /** Throws `Conflict` where the revision moved or the mapping version exists. */
  update(change: TenantChange, entry: JournalEntry): Promise<void>;
  /** In one transaction: the mode, with every living token of its directory where these are to end. Throws `Conflict` where the revision moved, or more is held. */
  setMode(change: ModeSet, entry: JournalEntry): Promise<void>;
  /** Null: what the tenant file says. Throws `Conflict` where the revision moved. */
  setSeats(change: { id: string; expectRevision: number; seats: number | null; now: Date }, entry: JournalEntry): Promise<void>;
  /** The file says what is in force: it is no edit any more. Nothing happens where something else is in force by now. */
  caughtUp(id: string, fileDigest: string): Promise<void>;
  /** Newest first. */
  mappingVersions(tenantId: string, limit: number): Promise<MappingVersion[]>;
  mapping(tenantId: string, version: number): Promise<MappingVersion | null>;
}

export function createTenants(db: Database): Tenants {
  const { query: q, tables } = db;
  const { tenant, mappingVersion, apiKey, held, publication: publicationTable } = tables;
  const insert = createInsert(db);
  /** Plans wait for their turn by then (bound.ts), so what is held does not move any more. */
  const asShown = (id: string, { changes, newest }: HeldShown): Statement => {
    const all = q.select({ n: count() }).from(held).where(eq(held.tenantId, id));
    const later = q
      .select({ one: sql`1` })
      .from(held)
      .where(and(eq(held.tenantId, id), newest ? gt(held.since, newest) : undefined));
    const asked = and(eq(tenant.id, id), sql`(${all}) <= ${changes}`, notExists(later));
    const { sql: text, params } = q.select({ id: tenant.id }).from(tenant).where(asked).toSQL();
    return { sql: text, params, expect: 1 };
  };
  const supersede = (id: string, now: Date): Statement => {
    const { sql: text, params } = q
      .update(publicationTable)
      .set({ state: 'superseded', updatedAt: now })
      .where(and(eq(publicationTable.tenantId, id), eq(publicationTable.state, 'running')))
      .toSQL();
    return { sql: text, params };
  };
  return guarded<Tenants>({
    list: async () => await q.select().from(tenant).orderBy(asc(tenant.id)),
    get: (id) => found(null, async () => (await q.select().from(tenant).where(eq(tenant.id, id)))[0] ?? null),
    revisions: async () => await q.select({ id: tenant.id, revision: tenant.revision }).from(tenant).orderBy(asc(tenant.id)),

    async create(row, mapping, entry) {
      refuseStray(row.id, mapping, entry);
      await db.batch([...insert('tenant', [row]), ...insert('mappingVersion', [mapping]), ...insert('journal', [entry])]);
    },

    async update({ id, expectRevision, document, digest, origin, fileDigest, mapping, publication, now }, entry) {
      refuseStray(id, mapping, entry);
      if (publication.tenantId !== id) throw new Error('a change of a tenant must stay with that tenant');
      const moved = { document, digest, origin, fileDigest, brake: publication.brake, revision: expectRevision + 1, updatedAt: now };
      const { sql, params } = q
        .update(tenant)
        .set(mapping ? { ...moved, mappingVersion: mapping.version } : moved)
        .where(and(eq(tenant.id, id), eq(tenant.revision, expectRevision)))
        .toSQL();
      const published = mapping ? insert('mappingVersion', [mapping]) : [];
      await db.batch([
        ...moving(db, id),
        { sql, params, expect: 1 },
        ...published,
        // Whoever was not concluded yet under the one before is concluded under this one.
        supersede(id, now),
        ...insert('publication', [publication]),
        ...insert('journal', [entry]),
      ]);
    },

    async setMode({ id, expectRevision, revokeTokens, held: shown, now, ...next }, entry) {
      if (entry.tenantId !== id) throw new Error('a change of a tenant must stay with that tenant');
      const moved = q
        .update(tenant)
        .set({ ...next, revision: expectRevision + 1, updatedAt: now })
        .where(and(eq(tenant.id, id), eq(tenant.revision, expectRevision)))
        .toSQL();
      const ended = q
        .update(apiKey)
        .set({ revokedAt: now })
        .where(and(eq(apiKey.tenantId, id), eq(apiKey.kind, 'scim'), isNull(apiKey.revokedAt)))
        .toSQL();
      await db.batch([
        ...moving(db, id),
        { sql: moved.sql, params: moved.params, expect: 1 },
        ...(shown ? [asShown(id, shown)] : []),
        ...(revokeTokens ? [{ sql: ended.sql, params: ended.params }] : []),
        ...insert('journal', [entry]),
      ]);
    },

    async setSeats({ id, expectRevision, seats, now }, entry) {
      const { sql, params } = q
        .update(tenant)
        .set({ seats, revision: expectRevision + 1, updatedAt: now })
        .where(and(eq(tenant.id, id), eq(tenant.revision, expectRevision)))
        .toSQL();
      await db.batch([...moving(db, id), { sql, params, expect: 1 }, ...insert('journal', [entry])]);
    },

    caughtUp: async (id, fileDigest) =>
      void (await q
        .update(tenant)
        .set({ origin: 'file', fileDigest })
        .where(and(eq(tenant.id, id), eq(tenant.origin, 'edit'), eq(tenant.digest, fileDigest)))),

    mappingVersions: async (tenantId, limit) =>
      await q.select().from(mappingVersion).where(eq(mappingVersion.tenantId, tenantId)).orderBy(desc(mappingVersion.version)).limit(limit),

    async mapping(tenantId, version) {
      const here = and(eq(mappingVersion.tenantId, tenantId), eq(mappingVersion.version, version));
      return (await q.select().from(mappingVersion).where(here))[0] ?? null;
    },
  });
}

function refuseStray(id: string, mapping: MappingVersion | null, entry: JournalEntry): void {
  if ((mapping && mapping.tenantId !== id) || entry.tenantId !== id) throw new Error('a change of a tenant must stay with that tenant');
}
