/**
 * store: the only code that knows SQL. Owns the tables, the two backends (SQLite, PostgreSQL), migrations, and one reader or
 * writer per subject (people, apply, tenants, journal, outbox, keys, idp-metadata). Decides nothing: what is to be written was
 * planned by core. Only flows and app import it; kv imports this one file.
 */
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Schema } from './schema.ts';

/** One write, or a look that a write depends on, and, where given, how many rows it must touch or find. */
export interface Statement {
  sql: string;
  /** As the driver takes them. */
  params: unknown[];
  expect?: number;
  /** What a wrong count means; without it, `Conflict`. */
  otherwise?: () => Error;
}

/** What a backend is: something to read with, and one way to write. */
export interface Database {
  readonly dialect: 'sqlite' | 'postgres';
  readonly tables: Schema;
  /** Awaited drizzle queries mean the same on both dialects. Errors come raw: wrap what you export in `guarded`. */
  readonly query: Pick<NodePgDatabase, 'select' | 'insert' | 'update' | 'delete'>;
  /**
   * All statements, in order, in one transaction, or none of them.
   * Throws `Conflict`, what a statement says in `otherwise`, `Unavailable` or `Unstorable`. After `Unavailable` it is unknown whether the batch was written: the
   * connection may have gone between commit and answer. Every batch carries a version or a unique key, so doing it again is safe.
   */
  batch(statements: Statement[]): Promise<void>;
  /** The rows of `kv/database.ts`, which may not know SQL. */
  readonly kv: KvRows;
  /** Rejects with `Unavailable` when the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Each is one statement, hence atomic between processes. A row whose `expiresAt` is at or before `now` counts as absent. */
export interface KvRows {
  get(at: KvKey, now: Date): Promise<string | null>;
  set(at: KvKey, value: string, expiresAt: Date): Promise<void>;
  /** False where a live row was there. */
  add(at: KvKey, value: string, life: KvLife): Promise<boolean>;
  take(at: KvKey, now: Date): Promise<string | null>;
  delete(at: KvKey): Promise<void>;
  /** Counts up a live row and keeps its end; starts at 1 with `expiresAt` otherwise. */
  increment(at: KvKey, life: KvLife): Promise<{ count: number; expiresAt: Date }>;
  /** One permit of so many at once and one more after every interval, whole milliseconds: 0 = it was given, else so many milliseconds until there may be one. */
  spend(at: KvKey, bucket: KvBucket & { now: Date }): Promise<number>;
  /** Removes at most `limit` rows that ran out; how many were removed. */
  purge(now: Date, limit: number): Promise<number>;
}
export interface KvKey {
  space: string;
  key: string;
}
export interface KvBucket {
  intervalMs: number;
  burst: number;
}
export interface KvLife {
  now: Date;
  expiresAt: Date;
}

/** Someone else wrote first: nothing was written. Read again, plan again. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
}

/** The tenant is not any more as it was when this was planned: nothing was written. Read the tenant again, plan again. */
export class TenantMoved extends Conflict {}

/** What a write hangs under is not there any more: nothing was written, and nothing will be. */
export class Vanished extends Error {
  override readonly name = 'Vanished';
}

/** The database is away or cannot write now. Surfaces answer 503; it recovers by itself. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** Text that PostgreSQL cannot hold (U+0000, or a lone surrogate in JSON). Refused on both databases; core/profile cleans what people send. */
export class Unstorable extends Error {
  override readonly name = 'Unstorable';
}
