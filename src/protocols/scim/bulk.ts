/** Bulk (RFC 7644 §3.7): the request read, the order in which its operations can be done, and its references resolved. flows/directory-bulk does them. */
import { invalidSyntax, invalidValue, ScimError } from './error.ts';
import { isObject, keyed } from './own.ts';

export interface BulkOperation {
  method: string;
  path: string;
  bulkId: string | null;
  version: string | null;
  data: unknown;
  /** Why it cannot be done at all; the others go on. */
  problem: ScimError | null;
}

export const MOST_BULK_OPERATIONS = 1000;
const DEEPEST_DATA = 32;
const METHODS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Throws 400 invalidSyntax or invalidValue where the message as a whole is none, 413 beyond 1,000 operations. */
export function readBulk(body: unknown): { operations: BulkOperation[]; failOnErrors: number | null } {
  if (!isObject(body)) throw invalidSyntax('a Bulk request is a JSON object with Operations');
  const operations = keyed(body, 'operations');
  if (!Array.isArray(operations)) throw invalidSyntax('Operations: a list expected');
  if (operations.length > MOST_BULK_OPERATIONS)
    throw new ScimError(
      413,
      null,
      `Operations: ${operations.length} are more than this server takes in one request (maxOperations ${MOST_BULK_OPERATIONS})`,
    );
  const failOnErrors = keyed(body, 'failonerrors') ?? null;
  if (failOnErrors !== null && !(typeof failOnErrors === 'number' && Number.isInteger(failOnErrors) && failOnErrors >= 1))
    throw invalidValue('failOnErrors: a whole number from 1 on expected');
  const seen = new Set<string>();
  return { operations: operations.map((one: unknown) => readOperation(one, seen)), failOnErrors };
}

function readOperation(one: unknown, seen: Set<string>): BulkOperation {
  const object = isObject(one) ? one : {};
  const [method, path, bulkId, version] = ['method', 'path', 'bulkid', 'version'].map((name) => textOf(keyed(object, name)));
  const operation = {
    method: (method ?? '').toUpperCase(),
    path: path ?? '',
    bulkId: bulkId ?? null,
    version: version ?? null,
    data: keyed(object, 'data'),
  };
  const wrong = wrongIn(operation, seen);
  if (operation.method === 'POST' && operation.bulkId !== null) seen.add(operation.bulkId);
  return { ...operation, problem: wrong === null ? null : invalidSyntax(wrong) };
}

function wrongIn({ method, path, bulkId, data }: Omit<BulkOperation, 'problem'>, seen: ReadonlySet<string>): string | null {
  if (!METHODS.has(method)) return 'method: POST, PUT, PATCH or DELETE expected';
  if (!/^\/[^\p{Cc}\p{Surrogate}]*$/u.test(path)) return 'path: a path such as /Users expected';
  if (/^\/+bulk(\/|\?|$)/i.test(path)) return 'path: a Bulk request cannot hold another';
  if (method === 'POST' && (bulkId === null || bulkId === '')) return 'bulkId: needed for POST';
  if (method === 'POST' && seen.has(bulkId ?? '')) return `bulkId: ${bulkId} is taken by an operation before`;
  if (method !== 'DELETE' && !isObject(data)) return 'data: a JSON object expected';
  return deeperThan(data, DEEPEST_DATA) ? `data: nested deeper than ${DEEPEST_DATA}` : null;
}

/** One level after the other: what is sent may be as deep as its megabyte allows, a call stack is not. */
function deeperThan(value: unknown, most: number): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > most) return true;
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return false;
}

/**
 * The order in which operations can be done: as sent, but a POST that another refers to (`bulkId:x` in its path, or in its data as a value, at the
 * end of an address or in quotes) before that. `problem`: 409 where references go in a circle or what is referred to cannot be created,
 * 400 invalidValue where nothing has that bulkId.
 */
export function orderBulk(operations: readonly BulkOperation[]): { index: number; problem: ScimError | null }[] {
  const creates = new Map<string, number>();
  operations.forEach(({ method, bulkId, problem }, index) => {
    if (method === 'POST' && bulkId !== null && !creates.has(bulkId) && !problem) creates.set(bulkId, index);
  });
  const problems = new Map<number, ScimError | null>();
  const order: number[] = [];
  const open: number[] = [];
  const visit = (index: number): void => {
    if (problems.has(index)) return;
    open.push(index);
    problems.set(index, operations[index]!.problem);
    const found = operations[index]!.problem ? [] : referencesIn(operations[index]!);
    for (const id of found) {
      const needed = creates.get(id);
      if (needed === undefined) blame(index, invalidValue(`bulkId:${id}: no POST of this request creates it`));
      else if (open.includes(needed)) for (const one of open.slice(open.indexOf(needed))) blame(one, circular(id));
      else {
        visit(needed);
        if (problems.get(needed)) blame(index, new ScimError(409, null, `bulkId:${id}: could not be created`));
      }
    }
    open.pop();
    order.push(index);
  };
  const blame = (index: number, problem: ScimError): void => {
    if (!problems.get(index)) problems.set(index, problem);
  };
  operations.forEach((_, index) => {
    visit(index);
  });
  return order.map((index) => ({ index, problem: problems.get(index) ?? null }));
}

const circular = (id: string) => new ScimError(409, null, `bulkId:${id}: operations refer to one another in a circle`);

/** A whole value, or a part of an address or of a filter in quotes: `/Users/bulkId:x`, `members[value eq "bulkId:x"]`. */
const REFERENCE = /(?<=^|[/"])bulkId:([^/"?\s]+)/g;

function referencesIn({ path, data }: BulkOperation): Set<string> {
  const found = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value === 'string') for (const id of namedIn(value)) found.add(id);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk);
  };
  walk(path);
  walk(data);
  return found;
}

const namedIn = (text: string): string[] =>
  text.startsWith('bulkId:') ? [text.slice('bulkId:'.length)] : [...text.matchAll(REFERENCE)].map(([, id]) => id!);

/** The same with references replaced by the ids that were given; a reference to nothing created stays. */
export function resolveBulkIds(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') {
    const whole = value.startsWith('bulkId:') ? ids.get(value.slice('bulkId:'.length)) : undefined;
    return whole ?? value.replace(REFERENCE, (reference, id: string) => ids.get(id) ?? reference);
  }
  if (Array.isArray(value)) return value.map((one) => resolveBulkIds(one, ids));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolveBulkIds(one, ids)]));
}

/** What an operation refers to and nothing has created, because the POST before it failed: 409. Null: nothing. */
export function unresolvedIn(operation: BulkOperation, ids: ReadonlyMap<string, string>): ScimError | null {
  const missing = [...referencesIn(operation)].find((id) => !ids.has(id));
  return missing === undefined ? null : new ScimError(409, null, `bulkId:${missing}: could not be created`);
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
