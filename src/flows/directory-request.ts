/** directory-request: what a request of a directory is, what an answer is, and the lines that it leaves in the sync log. */
import { legible } from '../core/profile.ts';
import { Refusal } from '../core/refusal.ts';
import type { Vault } from '../lib/secrets.ts';
import { errorBody, type ScimError } from '../protocols/scim/error.ts';
import { type ResourceSchema, userResource } from '../protocols/scim/schema.ts';
import { TenantMoved } from '../store/database.ts';
import type { GroupWrites } from '../store/groups.ts';
import type { Store } from '../store/store.ts';
import { type ProvisionDeps, standing } from './provision.ts';
import type { LiveTenant } from './tenants.ts';

export interface DirectoryDeps extends ProvisionDeps {
  store: Pick<Store, 'people' | 'apply' | 'search' | 'groups' | 'journal'>;
  vault: Vault;
}

/** Where a request arrived and on whose behalf. `live` and `users` follow the tenant where it moves while the request goes on (`goesOn`). */
export interface At {
  /** Known before the token was looked at: what is planned in it is not written any more once the token has ended with the mode. */
  live: LiveTenant;
  /** `https://…/api/v1/scim/acme/v2` */
  base: string;
  users: ResourceSchema;
  /** Whether the token with which the request came still holds. */
  holds(): Promise<boolean>;
  /** Whether this person may lose something by the directory now. */
  allows(userId: string): Promise<'limit' | null>;
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

/**
 * Who asks, for every plan of a request. It goes on in a tenant that has moved only where its token still holds: leaving `scim` ends all tokens in the
 * moment in which the tenant moves, so nothing of a request is written after that.
 */
export const askerOf = (at: At) => ({
  live: at.live,
  stands: (live: LiveTenant) => goesOn(at, live),
  allows: (userId: string) => at.allows(userId),
  actor: at.actor,
  reference: at.reference,
});

async function goesOn(at: At, live: LiveTenant): Promise<void> {
  if (live.mode !== 'scim' || !(await at.holds())) throw new Refusal('not-signed-in', 'directory/left', 'the token ended while the request went on');
  at.live = live;
  at.users = userResource(live.tenant.scim.fields);
}

/** How often a tenant may move during one write. */
const MOVES = 10;

/** Writes a group's own row, bound to the tenant as plans are. */
export async function writeGroup(deps: DirectoryDeps, at: At, write: (groups: GroupWrites) => Promise<void>): Promise<void> {
  for (let left = MOVES; ; left--) {
    const { tenant, revision } = await standing(deps, askerOf(at));
    try {
      return await write(deps.store.groups.under({ tenantId: tenant.id, revision }));
    } catch (error) {
      if (!(error instanceof TenantMoved) || left === 1) throw error;
      await deps.tenants.refresh();
    }
  }
}
