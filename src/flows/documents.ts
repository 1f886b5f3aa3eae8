/**
 * documents: a tenant's document, planned for everybody and brought into force. Where it comes from (a file of the tenant folder, an edit) is for others:
 * apply-tenants.ts, workbench.ts.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Mapping, Rule } from '../core/mapping.ts';
import { diffRules, isEmpty, type MappingDiff } from '../core/mapping-diff.ts';
import type { Connection, Limits, Tenant } from '../core/tenant.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { Publication, PublicationKey } from '../store/publications.ts';
import type { Store } from '../store/store.ts';
import type { MappingVersion, TenantRow } from '../store/tenants.ts';
import { provedByAnother } from './domains.ts';
import { lineOf } from './line.ts';
import { planShifts, type Shift } from './meanings.ts';
import { type Walked, walkOutlook } from './outlook.ts';
import { enabledOf } from './platforms.ts';
import type { PublishDeps } from './publish.ts';
import { type Suspicion, suspicionsOf } from './suspicions.ts';
import { liveOf, type ParseTenant } from './tenants.ts';

export interface DocumentDeps extends PublishDeps {
  store: Pick<Store, 'people' | 'apply' | 'tenants' | 'domains' | 'publications' | 'journal' | 'outbox' | 'platforms'>;
  parse: ParseTenant;
  /** Names this process among those that walk publications. */
  worker: string;
}

export interface ListDiff {
  added: string[];
  removed: string[];
  changed: string[];
}

/** What a document would do to a tenant that is here, people included. */
export interface DocumentPlan {
  tenantId: string;
  text: string;
  tenant: Tenant;
  connections: ListDiff;
  rules: MappingDiff;
  /** The tenant as it was planned on. */
  row: TenantRow;
  people: Walked;
  suspicions: Suspicion[];
  /** Targets that would be something else at a platform, for whoever has them already. */
  shifts: Shift[];
  /** Platforms that are switched on, or new: they have heard of nothing lately. */
  switchedOn: string[];
  /** Connections that would trust another provider under the same id. */
  otherProvider: string[];
  /** Belongs to this tenant, this document, what is in force, and what becomes of each person. */
  digest: string;
}

/** Writes nothing. */
export async function planDocument(
  deps: DocumentDeps,
  { row, text, tenant, onProgress }: { row: TenantRow; text: string; tenant: Tenant; onProgress?: (done: number, all: number) => void },
): Promise<DocumentPlan> {
  const parsed = deps.parse(row.document, row.id);
  // What is in force here, where this node cannot read it (any more): its last good one.
  const before = parsed.ok ? parsed.tenant : (deps.tenants.get(row.id)?.tenant ?? null);
  const [newest] = await deps.store.publications.list(row.id, 1);
  const rules = diffRules(before?.mapping.rules ?? [], tenant.mapping.rules);
  const live = liveOf({ ...row, brake: null }, withVersion(tenant, row, rules));
  // A document does not lift the limit under which it comes into force.
  const limits = stricter(tenant.provisioning.limits, before?.provisioning.limits ?? DEFAULT_LIMITS);
  const people = await walkOutlook(deps, live, { limits, ...(onProgress && { onProgress }) });
  const shifts = await planShifts(deps, { before, tenant, limits });
  return {
    tenantId: row.id,
    text,
    tenant,
    connections: listDiff<Connection>(before?.connections ?? [], tenant.connections, (c) => c),
    rules,
    row,
    people,
    suspicions: suspicionsOf({ tenant, mode: row.mode }, before, people),
    shifts,
    switchedOn: enabledOf(tenant).filter((id) => !before || !enabledOf(before).includes(id)),
    otherProvider: before ? providersMoved(before, tenant) : tenant.connections.map(({ id }) => id),
    digest: digestOf(
      JSON.stringify([row.id, row.digest, row.mappingVersion, newest?.revision, digestOf(text), people.overLimit, people.outcome, shifts]),
    ),
  };
}

const stricter = ({ removals: a }: Limits, { removals: b }: Limits): Limits => ({
  removals: { share: Math.min(a.share, b.share), atLeast: Math.min(a.atLeast, b.atLeast) },
});
/** Where nothing readable was in force. */
const DEFAULT_LIMITS: Limits = { removals: { share: 0.1, atLeast: 10 } };

export const otherProvider = (id: string, command: string): string =>
  `connection ${id} would trust another provider: people are known by (connection, subject), so the new provider's subjects would be taken for the old one's people. Give it a connection id of its own; an operator can insist with: ${command}`;

/** What a tenant vouches for cannot be what another has proved (FEATURES D3). */
export async function takenDomains(deps: DocumentDeps, { id, domains }: Tenant): Promise<string[]> {
  const taken: string[] = [];
  for (const domain of domains) if (await provedByAnother(deps, id, domain)) taken.push(`another organisation has proved that ${domain} is its own`);
  return taken;
}

export interface Writing {
  actor: string;
  origin: 'file' | 'edit';
  comment: string | null;
  allowRemovals: boolean;
}

/** From here on it is in force on every node; what becomes of people is the publication's. Throws `Conflict` where the tenant has moved since it was planned. */
export async function writeDocument(
  deps: DocumentDeps,
  { tenantId, text, tenant, row, rules, connections, people, switchedOn }: DocumentPlan,
  { actor, origin, comment, allowRemovals }: Writing,
): Promise<PublicationKey> {
  const now = deps.now();
  const version = row.mappingVersion + (isEmpty(rules) ? 0 : 1);
  const revision = row.revision + 1;
  const brake = people.overLimit && !allowRemovals ? ('limit' as const) : null;
  const none = { done: 0, changed: 0, gaining: 0, losing: 0, holding: 0, claimedBy: null, claimedUntil: null };
  const publication: Publication = {
    ...none,
    tenantId,
    revision,
    mappingVersion: version,
    actor,
    comment,
    brake,
    state: 'running',
    cursor: '',
    people: people.outlook.people,
    startedAt: now,
    updatedAt: now,
  };
  const digest = digestOf(text);
  // Before the document is in force: whoever looks after them under it begins with everybody, whatever happened while they were off.
  for (const platform of switchedOn) await deps.store.platforms.refill({ tenantId, platform }, now);
  await deps.store.tenants.update(
    {
      id: tenantId,
      expectRevision: row.revision,
      document: text,
      digest,
      origin,
      fileDigest: origin === 'file' ? digest : row.fileDigest,
      mapping: isEmpty(rules) ? null : mappingVersion(tenant, { version, text, author: actor, comment, now }),
      publication,
      now,
    },
    entry(deps, {
      tenantId,
      actor,
      version,
      detail: { connections, rules, origin, brake, overLimit: people.overLimit, allowRemovals, ...(comment !== null && { comment }) },
    }),
  );
  return { tenantId, revision };
}

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

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

/** Where a rule stands in its file is no part of its meaning. */
const meaning = ({ line: _, ...rule }: Rule): unknown => rule;

export function listDiff<T extends { id: string }>(before: T[], after: T[], content: (row: T) => unknown): ListDiff {
  const old = new Map(before.map((row) => [row.id, row]));
  const now = new Map(after.map((row) => [row.id, row]));
  const both = after.filter((row) => old.has(row.id));
  return {
    added: after.filter((row) => !old.has(row.id)).map((row) => row.id),
    removed: before.filter((row) => !now.has(row.id)).map((row) => row.id),
    changed: both.filter((row) => !isDeepStrictEqual(content(row), content(old.get(row.id) as T))).map((row) => row.id),
  };
}

const withVersion = (tenant: Tenant, row: TenantRow, rules: MappingDiff): Tenant => ({
  ...tenant,
  mapping: { ...tenant.mapping, version: row.mappingVersion + (isEmpty(rules) ? 0 : 1) },
});

export const mappingVersion = (
  { id, mapping }: Tenant,
  { version, text, author, comment, now }: { version: number; text: string; author: string; comment: string | null; now: Date },
): MappingVersion => ({
  tenantId: id,
  version,
  digest: digestOf(JSON.stringify(mapping.rules.map(meaning))),
  document: mapping.rules satisfies Mapping['rules'],
  text,
  author,
  comment,
  createdAt: now,
});

export const entry = (
  deps: DocumentDeps,
  { tenantId, actor, version, detail }: { tenantId: string; actor: string; version: number; detail: Record<string, unknown> },
): JournalEntry => lineOf(deps, { tenantId, actor, cause: 'apply', code: null, mappingVersion: version, detail });
