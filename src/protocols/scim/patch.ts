/** PATCH requests (RFC 7644 §3.5.2): the message read before anybody is looked for. patch-user.ts and patch-group.ts carry it out. */
import { invalidSyntax, invalidValue, noTarget, ScimError } from './error.ts';
import { isObject, keyed } from './own.ts';
import { type Path, parsePath } from './path.ts';

export interface Operation {
  /** Counted from 1: errors name it. */
  number: number;
  op: 'add' | 'replace' | 'remove';
  /** Null: the value's keys are paths. */
  path: Path | null;
  value: unknown;
}

export const MOST_OPERATIONS = 1000;

/** Throws 400: invalidSyntax, invalidPath, invalidValue, noTarget; tooMany beyond 1,000 operations. Keys of the message and words of `op` in any case. */
export function readPatch(body: unknown): Operation[] {
  if (!isObject(body)) throw invalidSyntax('a PATCH request is a JSON object with Operations');
  const schemas = keyed(body, 'schemas');
  if (schemas !== undefined && schemas !== null && !(Array.isArray(schemas) && schemas.every((one) => typeof one === 'string')))
    throw invalidSyntax('schemas: a list of strings expected');
  const operations = keyed(body, 'operations');
  if (!Array.isArray(operations) || operations.length === 0) throw invalidSyntax('Operations: a list with at least one operation expected');
  if (operations.length > MOST_OPERATIONS) throw new ScimError(400, 'tooMany', `Operations: at most ${MOST_OPERATIONS} in one request`);
  const read = operations.map((one: unknown, index) => inOperation(index + 1, () => readOperation(one, index + 1)));
  // Each key of a value without a path is a path of its own.
  const steps = read.reduce((sum, { path, value }) => sum + (path === null && isObject(value) ? Object.keys(value).length : 1), 0);
  if (steps > MOST_OPERATIONS) throw new ScimError(400, 'tooMany', `Operations: at most ${MOST_OPERATIONS} paths in one request`);
  return read;
}

/** Names the operation in whatever error comes out of `work`. */
export function inOperation<T>(number: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof ScimError ? new ScimError(error.status, error.scimType, `operation ${number}: ${error.message}`) : error;
  }
}

function readOperation(one: unknown, number: number): Operation {
  if (!isObject(one)) throw invalidSyntax('a JSON object expected');
  const op = opOf(keyed(one, 'op'));
  const path = pathOf(keyed(one, 'path'));
  const value = keyed(one, 'value');
  if (op === 'remove' && path === null) throw noTarget('remove needs a path');
  if (op !== 'remove' && value === undefined) throw invalidValue(`${op} needs a value`);
  if (path === null && !isObject(value)) throw invalidValue(`${op} without a path needs an object of attributes as its value`);
  return { number, op, path, value };
}

function opOf(value: unknown): Operation['op'] {
  const op = typeof value === 'string' ? value.toLowerCase() : '';
  if (op !== 'add' && op !== 'replace' && op !== 'remove') throw invalidSyntax('op: add, replace or remove expected');
  return op;
}

function pathOf(value: unknown): Path | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw invalidSyntax('path: a string expected');
  return parsePath(value);
}
