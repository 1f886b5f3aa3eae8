/** apply: take tenant files into the database, from where every running gateway takes them. Planned first, always; a broken file changes nothing. */
import { diffRules, type MappingDiff } from '../core/mapping-diff.ts';
import type { Connection, Tenant } from '../core/tenant.ts';
import { Conflict } from '../store/database.ts';
import type { Publication } from '../store/publications.ts';
import type { Store } from '../store/store.ts';
import type { TenantRow } from '../store/tenants.ts';
import {
  type DocumentDeps,
  type DocumentPlan,
  digestOf,
  entry,
  type ListDiff,
  listDiff,
  mappingVersion,
  otherProvider,
  planDocument,
  takenDomains,
  writeDocument,
} from './documents.ts';
import { overLimitAt } from './meanings.ts';
import { type OnProgress, runPublication, seeThrough } from './publish.ts';
import type { TenantProblem } from './tenants.ts';

export type ApplyTenantsDeps = DocumentDeps;

export interface TenantFile {
  tenantId: string;
  file: string;
  text: string;
  parsed: { ok: true; tenant: Tenant } | { ok: false; problems: string[] };
}

export type TenantChange =
  /** `edited`: what is in force was edited since, and the file has not changed; the edit stays. */
  | { kind: 'unchanged'; tenantId: string; file: string; digest: string; edited: boolean }
  | { kind: 'broken'; tenantId: string; file: string; problems: string[] }
  | { kind: 'create'; tenantId: string; file: string; text: string; tenant: Tenant; connections: ListDiff; rules: MappingDiff }
  /** `edited`: both were changed, the file and what is in force. */
  | { kind: 'update'; file: string; edited: boolean; tenantId: string; plan: DocumentPlan };

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
  if (taken.length > 0) return { kind: 'broken', tenantId, file, problems: taken.map((problem) => `${file}: ${problem}`) };
  const row = await deps.store.tenants.get(tenantId);
  if (!row) {
    const connections = listDiff<Connection>([], tenant.connections, (c) => c);
    return { kind: 'create', tenantId, file, text, tenant, connections, rules: diffRules([], tenant.mapping.rules) };
  }
  const digest = digestOf(text);
  // An edit that was taken back is none any more.
  const edited = row.origin === 'edit' && row.digest !== digest && row.digest !== row.fileDigest;
  if (row.digest === digest || (edited && row.fileDigest === digest)) return { kind: 'unchanged', tenantId, file, digest, edited };
  return { kind: 'update', tenantId, file, edited, plan: await planDocument(deps, { row, text, tenant }) };
}

export interface AppliedTenant {
  tenantId: string;
  file: string;
  outcome: 'created' | 'updated' | 'unchanged' | 'broken' | 'edited' | 'other-provider' | 'over-limit';
  problems: string[];
  /** How far everybody is concluded, for an update. */
  publication: Publication | null;
}

export interface ApplyOptions {
  actor: string;
  /** What is lost beyond the limits is not held. */
  allowRemovals: boolean;
  allowOtherProvider?: boolean;
  /** Why the file goes over an edit that was made since. */
  force?: string;
  onProgress?: OnProgress;
}

/** Takes planned changes in. `Conflict` where another operator was quicker: plan again. */
export async function applyTenant(deps: ApplyTenantsDeps, change: TenantChange, options: ApplyOptions): Promise<AppliedTenant> {
  const { tenantId, file } = change;
  const applied = (outcome: AppliedTenant['outcome'], more: Partial<AppliedTenant> = {}): AppliedTenant => ({
    tenantId,
    file,
    outcome,
    problems: [],
    publication: null,
    ...more,
  });
  if (change.kind === 'unchanged') {
    if (!change.edited) await deps.store.tenants.caughtUp(tenantId, change.digest);
    return applied('unchanged', { publication: await resume(deps, tenantId) });
  }
  if (change.kind === 'broken') return applied('broken', { problems: change.problems });
  if (change.kind === 'create') {
    await createTenant(deps, change, options.actor);
    return applied('created');
  }
  const { plan } = change;
  if (change.edited && options.force === undefined) return applied('edited', { problems: [EDITED] });
  if (plan.otherProvider.length > 0 && !options.allowOtherProvider)
    return applied('other-provider', { problems: plan.otherProvider.map((id) => otherProvider(id, 'matricula apply --yes --allow-other-provider')) });
  const over = options.allowRemovals ? null : overLimitAt(plan.shifts, 'matricula apply --yes --allow-removals');
  if (over !== null) return applied('over-limit', { problems: [over] });
  const key = await writeDocument(deps, plan, { ...options, origin: 'file', comment: options.force ?? null });
  return applied('updated', { publication: await seeThrough(deps, key, deps.worker, options.onProgress) });
}

const EDITED =
  'it was edited here since this file was taken in last, and the file has changed, too; take the edit over into the file (matricula map show), or insist: matricula apply --yes --force "why"';

/** A walk over everybody that a process left when it died. */
async function resume(deps: ApplyTenantsDeps, tenantId: string): Promise<Publication | null> {
  const [newest] = await deps.store.publications.list(tenantId, 1);
  return newest?.state === 'running' ? runPublication(deps, newest, deps.worker) : null;
}

/** Nodes that start together take the same files in; who comes second plans again and finds nothing left to do. */
const TRIES = 5;

/** Plans one file and takes it in at once. `Conflict` where others were quicker every time. */
export async function takeIn(deps: ApplyTenantsDeps, file: TenantFile, options: ApplyOptions): Promise<AppliedTenant> {
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
    origin: 'file',
    fileDigest: digestOf(text),
    brake: null,
    revision: 1,
    mappingVersion: 1,
    createdAt: now,
    updatedAt: now,
  };
  await deps.store.tenants.create(
    row,
    mappingVersion(tenant, { version: 1, text, author: actor, comment: null, now }),
    entry(deps, { tenantId, actor, version: 1, detail: { created: true, mode: row.mode } }),
  );
}

/** What is not in force and why, for `/readyz`. */
export const problemsOf = (applied: AppliedTenant[]): TenantProblem[] =>
  applied.filter((one) => one.problems.length > 0).map(({ tenantId, file, problems }) => ({ tenant: tenantId, file, problems }));

/** Tenants in force whose file is gone. Removing a file removes nobody: that is for an operator to decide. */
export async function withoutFile({ store }: { store: Pick<Store, 'tenants'> }, files: Pick<TenantFile, 'tenantId'>[]): Promise<string[]> {
  const there = new Set(files.map(({ tenantId }) => tenantId));
  return (await store.tenants.revisions()).map(({ id }) => id).filter((id) => !there.has(id));
}
