/**
 * directory: what a SCIM client asks of a tenant, from a parsed request to an answer. Plain data in and out: it knows no HTTP library.
 * Users and memberships go the one way (flows/provision); a group's own row is written with its journal line.
 *
 * This file: which request goes where, and what an error becomes.
 */
import { Refusal } from '../core/refusal.ts';
import { invalidValue, ScimError, type ScimType } from '../protocols/scim/error.ts';
import { isObject, keyed } from '../protocols/scim/own.ts';
import { scimErrorOf } from '../protocols/scim/refusals.ts';
import { Unstorable } from '../store/database.ts';
import { answerBulk } from './directory-bulk.ts';
import { answerDiscovery } from './directory-discovery.ts';
import { answerGroup } from './directory-groups.ts';
import { type At, type DirectoryAnswer, type DirectoryDeps, type DirectoryRequest, failure, record } from './directory-request.ts';
import { answerSearch } from './directory-search.ts';
import { answerUser } from './directory-users.ts';

/** The methods of a place; null where there is none. */
export function methodsOf([first, second, ...more]: readonly string[]): string[] | null {
  if (more.length > 0 || first === undefined) return null;
  if (first === 'Users' || first === 'Groups') {
    if (second === undefined) return ['GET', 'POST'];
    return second === '.search' ? ['POST'] : ['GET', 'PUT', 'PATCH', 'DELETE'];
  }
  if (first === 'Schemas' || first === 'ResourceTypes') return ['GET'];
  if (second !== undefined) return null;
  if (first === 'ServiceProviderConfig') return ['GET'];
  if (first === '.search' || first === 'Bulk') return ['POST'];
  return first === 'Me' ? ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] : null;
}

/** Rejects with faults only: whatever is wrong with the request is an answer. */
export async function answerDirectory(deps: DirectoryDeps, at: At, request: DirectoryRequest): Promise<DirectoryAnswer> {
  try {
    return await route(deps, at, request);
  } catch (error) {
    const known = expectedError(error);
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
  if (first === 'Bulk') return answerBulk(at, request, (one) => answerDirectory(deps, at, one));
  if (first === '.search' || second === '.search' || (second === undefined && request.method === 'GET' && (first === 'Users' || first === 'Groups')))
    return answerSearch(deps, at, request);
  if (first === 'Users') return answerUser(deps, at, request);
  return first === 'Groups' ? answerGroup(deps, at, request) : answerDiscovery(at, request);
}

/** Text that no database can hold is refused at the edge; should any come so far, it is the client's all the same. */
function expectedError(error: unknown): unknown {
  if (error instanceof Refusal) return scimErrorOf(error);
  return error instanceof Unstorable ? invalidValue('characters that are no text') : error;
}

/** What asks for a change, and so leaves a line in the sync log. A Bulk's operations leave their own. */
const writes = ({ method, segments }: DirectoryRequest): boolean =>
  method !== 'GET' && (segments[0] === 'Users' || segments[0] === 'Groups') && segments[1] !== '.search';

/** For what goes wrong before there is a request: authentication, size, syntax. */
export const directoryFailure = (status: number, scimType: ScimType | null, detail: string): DirectoryAnswer =>
  failure(new ScimError(status, scimType, detail));

function subjectOf(body: unknown): { subject?: string } {
  const userName = isObject(body) ? keyed(body, 'username') : undefined;
  return typeof userName === 'string' ? { subject: userName.slice(0, 254) } : {};
}

async function recordFailure(deps: DirectoryDeps, at: At, { method, segments, body }: DirectoryRequest, error: ScimError): Promise<void> {
  await record(deps, at, {
    method,
    resourceType: segments[0] === 'Groups' ? 'Group' : 'User',
    resourceId: segments[1] ?? null,
    outcome: 'FAILED',
    code: error.scimType ?? String(error.status),
    // Whom it was about, where nobody is here yet to be named by an id: without it no hand-over could say who is in conflict.
    detail: { status: error.status, reason: error.message.slice(0, 500), ...subjectOf(body) },
  });
}
