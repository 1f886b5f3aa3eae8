/** apply: take tenant files into the database, from where every running gateway takes them. Planned first, always; a broken file changes nothing. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Mapping, Rule } from '../core/mapping.ts';
import type { Connection, Tenant } from '../core/tenant.ts';
import { Conflict } from '../store/database.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { Store } from '../store/store.ts';
import type { TenantRow } from '../store/tenants.ts';
import { provedByAnother } from './domains.ts';
import type { ProvisionDeps } from './provision.ts';
import { type RemapSummary, remap } from './remap.ts';
import { liveOf, type ParseTenant, type TenantProblem } from './tenants.ts';

export interface TenantFile {
  tenantId: string;
  file: string;
  text: string;
  parsed: { ok: true; tenant: Tenant } | { ok: false; problems: string[] };
}

export interface ApplyTenantsDeps extends ProvisionDeps {
  store: Pick<Store, 'people' | 'apply' | 'tenants' | 'domains'>;
  parse: ParseTenant;
}

export interface ListDiff {
  added: string[];
  removed: string[];
  changed: string[];
}

export type TenantChange =
  | { kind: 'unchanged'; tenantId: string; file: string }
  | { kind: 'broken'; tenantId: string; file: string; problems: string[] }
  | { kind: 'create'; tenantId: string; file: string; text: string; tenant: Tenant; connections: ListDiff; rules: ListDiff }
  | {
      kind: 'update';
      tenantId: string;
      file: string;
      text: string;
      tenant: Tenant;
      connections: ListDiff;
      rules: ListDiff;
      row: TenantRow;
      people: RemapSummary;
      /** Connections that would trust another provider under the same id. */
      otherProvider: string[];
    };

/** What taking these files in would do, people included. Writes nothing. */
export async function planTenants(deps: ApplyTenantsDeps, files: TenantFile[]): Promise<TenantChange[]> {
  const changes: TenantChange[] = [];
  for (const file of files) changes.push(await planTenant(deps, file));
  return changes;
}

async function planTenant(deps: ApplyTenantsDeps, { tenantId, file, text, parsed }: TenantFile): Promise<TenantChange> {
  if (!parsed.ok) return { kind: 'broken', tenantId, file, problems: parsed.problems };
  const { tenant } = parsed;
  const taken = await takenDomains(deps, tenant);
  if (taken.length > 0)
    return { kind: 'broken', tenantId, file, problems: taken.map((domain) => `${file}: another organisation has proved that ${domain} is its own`) };
  const row = await deps.store.tenants.get(tenantId);
  const base = { tenantId, file, text, tenant };
  if (!row) return { kind: 'create', ...base, ...differences(null, tenant) };
  if (row.digest === digestOf(text)) return { kind: 'unchanged', tenantId, file };
  const before = deps.parse(row.document, tenantId);
  const changed = differences(before.ok ? before.tenant : null, tenant);
  const people = await remap(deps, liveOf(row, withVersion(tenant, row, changed.rules)), { dryRun: true, actor: 'apply' });
  return { kind: 'update', ...base, ...changed, row, people, otherProvider: before.ok ? providersMoved(before.tenant, tenant) : [] };
}

/** What a tenant vouches for cannot be what another has proved (FEATURES D3). */
async function takenDomains(deps: ApplyTenantsDeps, { id, domains }: Tenant): Promise<string[]> {
  const taken: string[] = [];
  for (const domain of domains) if (await provedByAnother(deps, id, domain)) taken.push(domain);
  return taken;
}

export interface AppliedTenant {
  tenantId: string;
  file: string;
  outcome: 'created' | 'updated' | 'unchanged' | 'broken' | 'over-limit' | 'other-provider';
  problems: string[];
  /** What really happened to people, for an update. */
  people: RemapSummary | null;
}

/** Takes planned changes in. `Conflict` where another operator was quicker: plan again. */
export async function applyTenant(
  deps: ApplyTenantsDeps,
  change: TenantChange,
  options: { actor: string; allowRemovals: boolean; allowOtherProvider?: boolean },
): Promise<AppliedTenant> {
  const { tenantId, file } = change;
  if (change.kind === 'unchanged') return { tenantId, file, outcome: 'unchanged', problems: [], people: null };
  if (change.kind === 'broken') return { tenantId, file, outcome: 'broken', problems: change.problems, people: null };
  if (change.kind === 'create') {
    await createTenant(deps, change, options.actor);
    return { tenantId, file, outcome: 'created', problems: [], people: null };
  }
  if (change.otherProvider.length > 0 && !options.allowOtherProvider) {
    const problems = change.otherProvider.map(
      (id) =>
        `connection ${id} would trust another provider: people are known by (connection, subject), so the new provider's subjects would be taken for the old one's people. Give it a connection id of its own; an operator can insist with: matricula apply --yes --allow-other-provider`,
    );
    return { tenantId, file, outcome: 'other-provider', problems, people: null };
  }
  if (change.people.overLimit && !options.allowRemovals) {
    const { losing, people } = change.people;
    return {
      tenantId,
      file,
      outcome: 'over-limit',
      problems: [
        `${losing} of ${people} people would lose an enrolment, more than provisioning.limits.removals allows; an operator can insist with: matricula apply --yes --allow-removals`,
      ],
      people: null,
    };
  }
  const row = await updateTenant(deps, change, options.actor);
  const live = liveOf(row, { ...change.tenant, mapping: { ...change.tenant.mapping, version: row.mappingVersion } });
  const people = await remap(deps, live, { dryRun: false, actor: options.actor });
  await deps.store.tenants.settle(tenantId, row.revision, digestOf(change.text));
  return { tenantId, file, outcome: 'updated', problems: [], people };
}

/** Nodes that start together take the same files in; who comes second plans again and finds nothing left to do. */
const TRIES = 5;

/** Plans one file and takes it in at once. `Conflict` where others were quicker every time. */
export async function takeIn(deps: ApplyTenantsDeps, file: TenantFile, options: Parameters<typeof applyTenant>[2]): Promise<AppliedTenant> {
  for (let left = TRIES; ; left--) {
    const change = await planTenant(deps, file);
    try {
      return await applyTenant(deps, change, options);
    } catch (error) {
      if (!(error instanceof Conflict) || left === 1) throw error;
    }
  }
}

async function createTenant(
  deps: ApplyTenantsDeps,
  { tenantId, text, tenant }: Extract<TenantChange, { kind: 'create' }>,
  actor: string,
): Promise<void> {
  const now = deps.now();
  const row: TenantRow = {
    id: tenantId,
    mode: tenant.provisioning.initialMode,
    // Nobody is here yet whom a directory could take anything from.
    phase: tenant.provisioning.initialMode === 'scim' ? 'live' : null,
    modeSince: now,
    modeBefore: null,
    seats: null,
    document: text,
    digest: digestOf(text),
    revision: 1,
    mappingVersion: 1,
    createdAt: now,
    updatedAt: now,
  };
  await deps.store.tenants.create(
    row,
    mappingVersion(tenant, 1, actor, now),
    entry(deps, { tenantId, actor, version: 1, detail: { created: true, mode: row.mode } }),
  );
}

async function updateTenant(deps: ApplyTenantsDeps, change: Extract<TenantChange, { kind: 'update' }>, actor: string): Promise<TenantRow> {
  const { tenantId, text, tenant, row, rules, connections } = change;
  const now = deps.now();
  const moved = hasChanges(rules);
  const version = row.mappingVersion + (moved ? 1 : 0);
  const mapping = moved ? mappingVersion(tenant, version, actor, now) : null;
  // The file counts as taken in once everybody has been concluded under it: a process that dies before that leaves it to be taken in again.
  const digest = `unsettled:${digestOf(text)}`;
  await deps.store.tenants.update(
    { id: tenantId, expectRevision: row.revision, document: text, digest, mapping, now },
    entry(deps, { tenantId, actor, version, detail: { connections, rules } }),
  );
  return { ...row, document: text, digest, revision: row.revision + 1, mappingVersion: version, updatedAt: now };
}

/** What is not in force and why, for `/readyz`. */
export const problemsOf = (applied: AppliedTenant[]): TenantProblem[] =>
  applied.filter((one) => one.problems.length > 0).map(({ tenantId, file, problems }) => ({ tenant: tenantId, file, problems }));

export const hasChanges = ({ added, removed, changed }: ListDiff): boolean => added.length + removed.length + changed.length > 0;

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

function differences(before: Tenant | null, after: Tenant): { connections: ListDiff; rules: ListDiff } {
  return {
    connections: listDiff<Connection>(before?.connections ?? [], after.connections, (c) => c),
    rules: listDiff<Rule>(before?.mapping.rules ?? [], after.mapping.rules, meaning),
  };
}

/** Who a connection trusts, as far as the file says; SAML metadata at an address speaks for itself. */
const providerOf = (connection: Connection): string | null => (connection.protocol === 'oidc' ? connection.issuer : connection.idp.entityId);

function providersMoved(before: Tenant, after: Tenant): string[] {
  const old = new Map(before.connections.map((connection) => [connection.id, providerOf(connection)]));
  const moved = after.connections.filter((connection) => {
    const [was, is] = [old.get(connection.id) ?? null, providerOf(connection)];
    return was !== null && is !== null && was !== is;
  });
  return moved.map(({ id }) => id);
}

/** Tenants in force whose file is gone. Removing a file removes nobody: that is for an operator to decide. */
export async function withoutFile({ store }: Pick<ApplyTenantsDeps, 'store'>, files: Pick<TenantFile, 'tenantId'>[]): Promise<string[]> {
  const there = new Set(files.map(({ tenantId }) => tenantId));
  return (await store.tenants.revisions()).map(({ id }) => id).filter((id) => !there.has(id));
}

/** Where a rule stands in its file is no part of its meaning. */
const meaning = ({ line: _, ...rule }: Rule): unknown => rule;

function listDiff<T extends { id: string }>(before: T[], after: T[], content: (row: T) => unknown): ListDiff {
  const old = new Map(before.map((row) => [row.id, row]));
  const now = new Map(after.map((row) => [row.id, row]));
  const both = after.filter((row) => old.has(row.id));
  return {
    added: after.filter((row) => !old.has(row.id)).map((row) => row.id),
    removed: before.filter((row) => !now.has(row.id)).map((row) => row.id),
    changed: both.filter((row) => !isDeepStrictEqual(content(row), content(old.get(row.id) as T))).map((row) => row.id),
  };
}

const withVersion = (tenant: Tenant, row: TenantRow, rules: ListDiff): Tenant => ({
  ...tenant,
  mapping: { ...tenant.mapping, version: row.mappingVersion + (hasChanges(rules) ? 1 : 0) },
});

const mappingVersion = ({ id, mapping }: Tenant, version: number, author: string, now: Date) => ({
  tenantId: id,
  version,
  digest: digestOf(JSON.stringify(mapping.rules.map(meaning))),
  document: mapping.rules satisfies Mapping['rules'],
  author,
  comment: null,
  createdAt: now,
});

function entry(
  deps: ApplyTenantsDeps,
  { tenantId, actor, version, detail }: { tenantId: string; actor: string; version: number; detail: Record<string, unknown> },
): JournalEntry {
  return {
    id: deps.newId(),
    tenantId,
    at: deps.now(),
    actor,
    cause: 'apply',
    action: null,
    resourceType: 'Tenant',
    resourceId: tenantId,
    outcome: 'SUCCESS',
    code: null,
    reference: null,
    mappingVersion: version,
    detail,
  };
}
