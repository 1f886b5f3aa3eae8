/**
 * flows: the use-cases, where the rooms meet. The only place where protocols, store, kv and connectors are used together.
 * Knows nothing of HTTP, HTML or the command line. `http` and the entries (`app`, `cli`) use it.
 *
 * This file: the tenants as they are in force. The database holds what was last applied; every node polls its revisions.
 */

import type { Phase } from '../core/mode.ts';
import type { Mode } from '../core/model.ts';
import type { Connection, Tenant } from '../core/tenant.ts';
import type { Log } from '../lib/log.ts';
import type { Store } from '../store/store.ts';
import type { TenantRow } from '../store/tenants.ts';

export interface LiveTenant {
  tenant: Tenant;
  mode: Mode;
  /** In `scim` only. */
  phase: Phase | null;
  /** What an operator set, else what the file says; null = no ceiling. */
  seats: number | null;
  brake: 'limit' | null;
  revision: number;
  /** This node cannot read the document in force: `tenant` is what it read last, of that revision. */
  unreadable?: true;
  readRevision?: number;
}

/** A tenant file that is not in force, and why. The last good version stays. */
export interface TenantProblem {
  tenant: string;
  file: string;
  problems: string[];
}

/** How a document becomes a tenant; config's, handed in by the composition root. */
export type ParseTenant = (text: string, tenantId: string) => { ok: true; tenant: Tenant; warnings?: string[] } | { ok: false; problems: string[] };

export interface Tenants {
  get(id: string): LiveTenant | null;
  all(): LiveTenant[];
  /** Enabled connections that take this e-mail domain, over all tenants. */
  byDomain(domain: string): { tenant: Tenant; connection: Connection }[];
  problems(): TenantProblem[];
  /** Replaces what is known of files that could not be applied. What could not be read is read again at the next `refresh`. */
  report(problems: TenantProblem[]): void;
  /** Reads what moved since the last call. A document that cannot be read leaves the tenant as it was, and is read again when it moves. */
  refresh(): Promise<void>;
}

export const liveOf = (
  { mode, phase, seats, brake, revision }: Pick<TenantRow, 'mode' | 'phase' | 'seats' | 'brake' | 'revision'>,
  tenant: Tenant,
): LiveTenant => ({
  tenant,
  mode,
  phase,
  seats: seats ?? tenant.seats,
  brake,
  revision,
});

export function createTenantRegistry({ store, parse, log }: { store: Pick<Store, 'tenants'>; parse: ParseTenant; log: Log }): Tenants {
  const live = new Map<string, LiveTenant>();
  const unreadable = new Map<string, TenantProblem>();
  /** The revisions that were looked at, readable or not: to read and to log a broken document once is enough. */
  const seen = new Map<string, number>();
  let fileProblems: TenantProblem[] = [];

  function take(row: TenantRow): void {
    seen.set(row.id, row.revision);
    const parsed = parse(row.document, row.id);
    if (!parsed.ok) {
      unreadable.set(row.id, { tenant: row.id, file: `database, revision ${row.revision}`, problems: parsed.problems });
      log.error({ tenant: row.id, problems: parsed.problems }, 'the applied tenant document cannot be read; the last good one stays');
      const last = live.get(row.id);
      // The mode and the licence are no part of the document: they hold here, too.
      if (last) live.set(row.id, { ...liveOf(row, last.tenant), unreadable: true, readRevision: last.readRevision ?? last.revision });
      return;
    }
    unreadable.delete(row.id);
    const tenant = { ...parsed.tenant, mapping: { ...parsed.tenant.mapping, version: row.mappingVersion } };
    live.set(row.id, liveOf(row, tenant));
  }

  return {
    get: (id) => live.get(id) ?? null,
    all: () => [...live.values()],
    byDomain: (domain) =>
      [...live.values()].flatMap(({ tenant }) =>
        tenant.connections.filter((c) => c.enabled && c.domains.includes(domain)).map((connection) => ({ tenant, connection })),
      ),
    problems: () => [...fileProblems, ...unreadable.values()],
    report(problems) {
      fileProblems = problems;
      // Perhaps what was missing was a file beside it, and now it is there.
      for (const id of unreadable.keys()) seen.delete(id);
    },
    async refresh() {
      for (const { id, revision } of await store.tenants.revisions()) {
        if (seen.get(id) === revision) continue;
        const row = await store.tenants.get(id);
        if (row) take(row);
      }
    },
  };
}
