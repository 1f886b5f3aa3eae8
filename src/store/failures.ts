/**
 * From what drivers throw to what callers may know. Drivers and drizzle quote parameters and rows in messages and properties;
 * none of that passes here: only the code and the names of constraint, table and column go on, so that no log can hold a person's data.
 */
import { DrizzleQueryError } from 'drizzle-orm/errors';
import { Conflict, type Statement, Unavailable, Unstorable, Vanished } from './database.ts';

interface DriverError extends Error {
  code?: string;
  severity?: string;
  syscall?: string;
  table?: string;
  constraint?: string;
}

/** unique_violation, foreign_key_violation (what a row refers to went meanwhile), serialization_failure, deadlock_detected, lock_not_available; SQLite's counterparts. */
const CONFLICT = /^(23503|23505|40001|40P01|55P03|SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY|ROWID|FOREIGNKEY)|SQLITE_BUSY.*|SQLITE_LOCKED.*)$/;
/** character_not_in_repertoire, untranslatable_character, invalid_text_representation (a lone surrogate in JSON). */
const UNSTORABLE = /^(22021|22P05|22P02)$/;
/** Connection classes, no resources, shutting down, cancelled, no such role or database, read-only after a fail-over, not taking connections; the file's disk. */
const UNAVAILABLE =
  /^(08...|53...|57...|58...|28...|3D000|25006|55000|SQLITE_(IOERR|CANTOPEN|FULL|READONLY|NOTADB|CORRUPT|NOMEM).*|E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH))$/;
/** What pg and better-sqlite3 say without a code. */
const GONE =
  /^(Connection terminated|Connection ended|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|The database connection is not open|The server does not support SSL)/;

/** The error that store throws in its place. Errors that no database made pass as they are. */
export function asStoreError(thrown: unknown): unknown {
  const error = driverError(thrown);
  if (!error) return thrown;
  const code = error.code ?? '';
  const what = describe(error);
  if (CONFLICT.test(code)) return new Conflict(what);
  if (UNSTORABLE.test(code)) return new Unstorable(what);
  if (isAway(error)) return new Unavailable(what);
  return new Error(`the database refused a statement: ${what}`);
}

/** A statement that touched or found another number of rows than it had to. */
export const miscounted = (rows: number, { expect, otherwise }: Pick<Statement, 'expect' | 'otherwise'>): Error =>
  otherwise?.() ?? new Conflict(`${rows} rows, expected ${expect}`);

/** The same functions, with `asStoreError` on whatever they reject with. */
export function guarded<T extends object>(functions: T): T {
  const wrap =
    (run: (...args: unknown[]) => Promise<unknown>) =>
    async (...args: unknown[]) => {
      try {
        return await run(...args);
      } catch (error) {
        throw asStoreError(error);
      }
    };
  return Object.fromEntries(Object.entries(functions).map(([name, run]) => [name, wrap(run)])) as T;
}

/** What a search by text from outside answers: `none` where the text is such that no row can hold it, whatever the database thinks of it. */
export async function found<T>(none: T, search: () => Promise<T>): Promise<T> {
  try {
    return await search();
  } catch (error) {
    if (asStoreError(error) instanceof Unstorable) return none;
    throw error;
  }
}

/** The innermost error that a driver made: drizzle wraps it in one that quotes every parameter. */
function driverError(thrown: unknown): DriverError | null {
  if (!isError(thrown) || thrown instanceof Conflict || thrown instanceof Unavailable || thrown instanceof Unstorable || thrown instanceof Vanished)
    return null;
  if (thrown instanceof DrizzleQueryError) return isError(thrown.cause) ? thrown.cause : new Error('a query failed');
  const { code, severity } = thrown as DriverError;
  const made = severity !== undefined || /^SQLITE_/.test(code ?? '') || isAway(thrown);
  return made ? thrown : null;
}

/** By shape: Node's own errors and a native addon's may be of another realm than ours. */
const isError = (thrown: unknown): thrown is DriverError =>
  typeof thrown === 'object' && thrown !== null && typeof (thrown as Error).message === 'string';

const isAway = ({ code, syscall, message }: DriverError): boolean =>
  UNAVAILABLE.test(code ?? '') || syscall === 'connect' || syscall === 'getaddrinfo' || GONE.test(message);

function describe({ code, message, table, constraint }: DriverError): string {
  // Classes 22 and 23 of PostgreSQL quote values in the message; everything else is about names and the connection.
  const text = /^2[23]/.test(code ?? '') ? (constraint ?? table ?? 'data') : message.split('\n', 1)[0];
  return code ? `${code} ${text}` : `${text}`;
}
