/** Bulk (RFC 7644 §3.7): many operations in one request, each answered for itself; none undoes another. */
import { breathe } from '../lib/breathe.ts';
import { type BulkOperation, orderBulk, readBulk, resolveBulkIds, unresolvedIn } from '../protocols/scim/bulk.ts';
import { ScimError } from '../protocols/scim/error.ts';
import { type At, type DirectoryAnswer, type DirectoryRequest, failure } from './directory-request.ts';

const RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

type Answer = (request: DirectoryRequest) => Promise<DirectoryAnswer>;

export async function answerBulk(at: At, request: DirectoryRequest, answer: Answer): Promise<DirectoryAnswer> {
  const { operations, failOnErrors } = readBulk(request.body);
  const ids = new Map<string, string>();
  const results = new Map<number, object>();
  let errors = 0;
  let changed = false;
  const ignored: string[] = [];
  for (const { index, problem } of orderBulk(operations)) {
    const operation = operations[index]!;
    const reason = problem ?? unresolvedIn(operation, ids);
    const done = reason ? failure(reason) : await one(operation, ids, answer);
    changed ||= done.changed === true;
    ignored.push(...done.ignored.map((left) => `operation ${index + 1}: ${left}`));
    const location = locationOf(at, operation, done, ids);
    if (operation.bulkId !== null && location && operation.method === 'POST')
      ids.set(operation.bulkId, location.slice(location.lastIndexOf('/') + 1));
    results.set(index, resultOf(operation, done, location));
    await breathe();
    if (done.status >= 400) errors++;
    if (failOnErrors !== null && errors >= failOnErrors) break;
  }
  // In the order in which they were asked; those that were not come to are absent (§3.7.3).
  const Operations = [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
  return { status: 200, body: { schemas: [RESPONSE], Operations }, headers: {}, changed, ignored };
}

async function one({ method, path, data, version }: BulkOperation, ids: Map<string, string>, answer: Answer): Promise<DirectoryAnswer> {
  const resolved = resolveBulkIds(path, ids) as string;
  const [where = '', search] = resolved.split('?', 2);
  const segments = where.split('/').filter((part) => part !== '');
  if (segments[0] === 'Bulk' || segments.includes('.search'))
    return failure(new ScimError(400, 'invalidSyntax', 'a Bulk request holds no other and no search'));
  const query = Object.fromEntries(new URLSearchParams(search ?? ''));
  const body = data === undefined ? undefined : resolveBulkIds(data, ids);
  return answer({ method, segments, query, body, ifMatch: version ?? undefined, ifNoneMatch: undefined });
}

/** Of every operation but a POST that failed. */
function locationOf(at: At, { method, path }: BulkOperation, { status, headers }: DirectoryAnswer, ids: Map<string, string>): string | null {
  if (method === 'POST') return status < 400 ? (headers['Location'] ?? null) : null;
  return `${at.base}${String(resolveBulkIds(path, ids))}`;
}

const resultOf = ({ method, bulkId }: BulkOperation, { status, body, headers }: DirectoryAnswer, location: string | null): object => ({
  method,
  ...(bulkId !== null && { bulkId }),
  ...(location !== null && { location }),
  ...(headers['ETag'] !== undefined && { version: headers['ETag'] }),
  status: String(status),
  ...(status >= 400 && body && { response: body }),
});
