/**
 * directory: what a SCIM client asks of a tenant, from a parsed request to an answer. Plain data in and out: it knows no HTTP library.
 * Users and memberships go the one way (flows/provision); a group's own row is written with its journal line.
 *
 * This file: which request goes where, and what an error becomes.
 */
import { Refusal } from '../core/refusal.ts';
import type { Vault } from '../lib/secrets.ts';
import { errorBody, ScimError, type ScimType } from '../protocols/scim/error.ts';
import { scimErrorOf } from '../protocols/scim/refusals.ts';
import type { ResourceSchema } from '../protocols/scim/schema.ts';
import type { Store } from '../store/store.ts';
import { answerBulk } from './directory-bulk.ts';
import { answerDiscovery } from './directory-discovery.ts';
import { answerGroup } from './directory-groups.ts';
import { answerSearch } from './directory-search.ts';
import { answerUser } from './directory-users.ts';
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

/** The methods of a place; null where there is none. */
export function methodsOf([first, second, ...more]: readonly string[]): string[] | null {
  if (more.length > 0 || first === undefined) return null;
  if (first === 'Users' || first === 'Groups') {
    if (second === undefined) return ['GET', 'POST'];
    return second === '.search' ? ['POST'] : ['GET', 'PUT', 'PATCH', 'DELETE'];
  }
  if (first === 'Schemas' || first === 'ResourceTypes') return ['GET'];
  if (second !== undefined) return first === 'Me' ? null : null;
  if (first === 'ServiceProviderConfig') return ['GET'];
  if (first === '.search' || first === 'Bulk') return ['POST'];
  return first === 'Me' ? ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] : null;
}

/** Rejects with faults only: whatever is wrong with the request is an answer. */
export async function answerDirectory(deps: DirectoryDeps, at: At, request: DirectoryRequest): Promise<DirectoryAnswer> {
  try {
    return await route(deps, at, request);
  } catch (error) {
    const known = error instanceof Refusal ? scimErrorOf(error) : error;
    if (!(known instanceof ScimError)) throw error;
    if (writes(request)) await recordFailure(deps, at, request, known);
    return failure(known);
  }
}

async function route(deps: DirectoryDeps, at: At, request: DirectoryRequest): Promise<DirectoryAnswer> {
  const [first, second] = request.segments;
  const methods = methodsOf(request.segments);
  if (!methods) throw new ScimError(404, null, 'There is no such endpoint');
  if (!methods.includes(request.method)) throw new ScimError(405, null, `${request.method} is not supported here`);
  if (first === 'Me') throw new ScimError(501, null, '/Me is not supported: a bearer token here is no user');
  if (first === 'Bulk') return answerBulk(deps, at, request, (one) => answerDirectory(deps, at, one));
  if (first === '.search' || second === '.search' || (second === undefined && request.method === 'GET' && (first === 'Users' || first === 'Groups')))
    return answerSearch(deps, at, request);
  if (first === 'Users') return answerUser(deps, at, request);
  return first === 'Groups' ? answerGroup(deps, at, request) : answerDiscovery(at, request);
}

/** What asks for a change, and so leaves a line in the sync log. A Bulk's operations leave their own. */
const writes = ({ method, segments }: DirectoryRequest): boolean =>
  method !== 'GET' && (segments[0] === 'Users' || segments[0] === 'Groups') && segments[1] !== '.search';

export const failure = (error: ScimError): DirectoryAnswer => ({
  status: error.status,
  body: errorBody(error),
  headers: {},
  changed: null,
  ignored: [],
});

/** For what goes wrong before there is a request: authentication, size, syntax. */
export const directoryFailure = (status: number, scimType: ScimType | null, detail: string): DirectoryAnswer =>
  failure(new ScimError(status, scimType, detail));

const ACTIONS = { POST: 'CREATE', PUT: 'UPDATE', PATCH: 'UPDATE', DELETE: 'DELETE' } as const;
export const actionOf = (method: string): 'CREATE' | 'UPDATE' | 'DELETE' => ACTIONS[method as keyof typeof ACTIONS] ?? 'UPDATE';

async function recordFailure(deps: DirectoryDeps, at: At, { method, segments }: DirectoryRequest, error: ScimError): Promise<void> {
  await record(deps, at, {
    method,
    resourceType: segments[0] === 'Groups' ? 'Group' : 'User',
    resourceId: segments[1] ?? null,
    outcome: 'FAILED',
    code: error.scimType ?? String(error.status),
    detail: { status: error.status, reason: error.message.slice(0, 500) },
  });
}

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
  resourceId: line.resourceId === null ? null : line.resourceId.slice(0, 64),
  reference: at.reference,
  mappingVersion: at.live.tenant.mapping.version,
});

export const record = (deps: DirectoryDeps, at: At, line: SyncLine): Promise<void> => deps.store.journal.append(syncLine(deps, at, line));
