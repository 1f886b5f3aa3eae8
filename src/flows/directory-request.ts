/** directory-request: what a request of a directory is, what an answer is, and the lines that it leaves in the sync log. */
import { legible } from '../core/profile.ts';
import type { Vault } from '../lib/secrets.ts';
import { errorBody, type ScimError } from '../protocols/scim/error.ts';
import type { ResourceSchema } from '../protocols/scim/schema.ts';
import type { Store } from '../store/store.ts';
import type { ProvisionDeps } from './provision.ts';
import type { LiveTenant } from './tenants.ts';

export interface DirectoryDeps extends ProvisionDeps {
  store: Pick<Store, 'people' | 'apply' | 'search' | 'groups' | 'journal'>;
  vault: Vault;
}

/** Where a request arrived and on whose behalf. */
export interface At {
  live: LiveTenant;
  /** `https://…/api/v1/scim/acme/v2` */
  base: string;
  users: ResourceSchema;
  /** For the journal: `scim:<token prefix>`. */
  actor: string;
  reference: string;
}

export interface DirectoryRequest {
  method: string;
  /** Below the base, decoded: `['Users', '01hx…']`. */
  segments: readonly string[];
  query: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON; undefined where there is none. */
  body: unknown;
  ifMatch: string | undefined;
  ifNoneMatch: string | undefined;
}

export interface DirectoryAnswer {
  status: number;
  /** Null: no body. */
  body: object | null;
  headers: Record<string, string>;
  /** Whether anything was written; null where nothing was to be. */
  changed: boolean | null;
  /** Parts of the request that were left out, and why; for the sync log and the doctor. */
  ignored: string[];
}

export const failure = (error: ScimError): DirectoryAnswer => ({
  status: error.status,
  body: errorBody(error),
  headers: {},
  changed: null,
  ignored: [],
});

const ACTIONS = { POST: 'CREATE', PUT: 'UPDATE', PATCH: 'UPDATE', DELETE: 'DELETE' } as const;
export const actionOf = (method: string): 'CREATE' | 'UPDATE' | 'DELETE' => ACTIONS[method as keyof typeof ACTIONS] ?? 'UPDATE';

/** A line of the sync log that no plan writes: of a group's row, of what was skipped, of what failed. */
export interface SyncLine {
  method: string;
  resourceType: 'User' | 'Group';
  resourceId: string | null;
  outcome: 'SUCCESS' | 'SKIPPED' | 'FAILED';
  code: string;
  detail: Record<string, unknown>;
}

export const syncLine = (deps: Pick<DirectoryDeps, 'newId' | 'now'>, at: At, { method, resourceType, ...line }: SyncLine) => ({
  id: deps.newId(),
  tenantId: at.live.tenant.id,
  at: deps.now(),
  actor: at.actor,
  cause: resourceType === 'User' ? 'resource' : 'group',
  action: actionOf(method),
  resourceType,
  ...line,
  // Both quote the request.
  resourceId: line.resourceId === null ? null : legible(line.resourceId.slice(0, 64)),
  detail: legibleTexts(line.detail) as Record<string, unknown>,
  reference: at.reference,
  mappingVersion: at.live.tenant.mapping.version,
});

/** The same with every text legible. */
export const legibleTexts = (value: unknown): unknown => {
  if (typeof value === 'string') return legible(value);
  if (Array.isArray(value)) return value.map(legibleTexts);
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, legibleTexts(one)]))
    : value;
};

export const record = (deps: DirectoryDeps, at: At, line: SyncLine): Promise<void> => deps.store.journal.append(syncLine(deps, at, line));
