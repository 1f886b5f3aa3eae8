import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { liteColumns } from './columns.ts';
import { Conflict, type Database, type Statement, Unavailable } from './database.ts';
import { asStoreError, guarded, miscounted } from './failures.ts';
import { createKvRows } from './kv-rows.ts';
import { type Applied, MIGRATION_TABLE, pendingMigrations, readMigrations, refusePending } from './migrations.ts';
import { defineSchema } from './schema.ts';
import { refuseUnstorable } from './storable.ts';

const BUSY_MS = 5000;
/** Prepared statements kept. Texts come from templates, so there are about a hundred; the bound is for what nobody foresaw. */
const PREPARED = 500;

/** `path` is a file, or `:memory:`. Throws `Unavailable` where it cannot be opened. */
export async function openSqlite(path: string, { migrate }: { migrate: boolean }): Promise<Database> {
  const raw = await connect(path);
  try {
    if (migrate) migrateSqlite(raw);
    else refusePending(pendingMigrations(readMigrations('sqlite'), appliedTo(raw)));
    return database(raw, path === ':memory:' ? raw : await connect(path, 'NORMAL'));
  } catch (error) {
    raw.close();
    throw asStoreError(error);
  }
}

/** `brief` is the same file, for what lives shortly. */
function database(raw: Sqlite.Database, brief: Sqlite.Database): Database {
  const tables = defineSchema(liteColumns);
  const query = queryOn(raw);
  const prepare = preparer(raw);
  const write = raw.transaction((statements: Statement[]) => {
    for (const statement of statements) {
      const prepared = prepare(statement.sql);
      const rows = prepared.reader ? prepared.all(...statement.params).length : prepared.run(...statement.params).changes;
      if (statement.expect !== undefined && rows !== statement.expect) throw miscounted(rows, statement);
    }
  });
  return {
    dialect: 'sqlite',
    tables,
    query,
    kv: createKvRows({ query: brief === raw ? query : queryOn(brief), tables }),
    ...guarded({
      async batch(statements: Statement[]) {
        for (const { params } of statements) refuseUnstorable(params);
        write.immediate(statements);
      },
      async ping() {
        prepare('select 1').get();
      },
      async close() {
        brief.close();
        raw.close();
      },
    }),
  };
}

const queryOn = (raw: Sqlite.Database) => drizzle(raw) as unknown as Database['query'];

function preparer(raw: Sqlite.Database): (sql: string) => Sqlite.Statement {
  const kept = new Map<string, Sqlite.Statement>();
  return (sql) => {
    let statement = kept.get(sql);
    if (!statement) {
      statement = raw.prepare(sql);
      const [oldest] = kept.keys();
      if (kept.size >= PREPARED && oldest !== undefined) kept.delete(oldest);
      kept.set(sql, statement);
    }
    return statement;
  };
}

/**
 * FULL: a commit that was acknowledged survives a power cut. NORMAL is for the rows of kv, of which a sign-in writes eight: they survive the end of
 * the process, and a power cut takes at most what was written after the last FULL commit. The line in the sign-in log is one, so what a
 * finished sign-in has used up stays used up.
 */
type Synchronous = 'FULL' | 'NORMAL';

async function connect(path: string, synchronous: Synchronous = 'FULL'): Promise<Sqlite.Database> {
  try {
    if (path !== ':memory:') createPrivate(path);
    const raw = new Sqlite(path, { timeout: BUSY_MS });
    await pragmas(raw, synchronous);
    return raw;
  } catch (error) {
    throw asStoreError(error);
  }
}

/** The folder for its owner only, and the file too; SQLite gives `-wal` and `-shm` the file's own mode. Existing ones are left as they are. */
function createPrivate(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw new Unavailable(`the database file cannot be made: ${(error as NodeJS.ErrnoException).code}`);
  }
}

async function pragmas(raw: Sqlite.Database, synchronous: Synchronous): Promise<void> {
  // The switch to WAL does not wait for other processes that are opening the file at the same moment, so we do.
  for (const deadline = Date.now() + BUSY_MS; ; await sleep(20)) {
    try {
      raw.pragma('journal_mode = WAL');
      break;
    } catch (error) {
      if (!(asStoreError(error) instanceof Conflict) || Date.now() > deadline) throw error;
    }
  }
  raw.pragma(`synchronous = ${synchronous}`);
  raw.pragma('foreign_keys = ON');
}

/** Applies what is missing, in one exclusive transaction: several processes may start at once. The names applied. */
export function migrateSqlite(raw: Sqlite.Database): string[] {
  const all = readMigrations('sqlite');
  // Usually there is nothing to do, and then nobody is made to wait.
  if (pendingMigrations(all, appliedTo(raw)).length === 0) return [];
  const run = raw.transaction(() => {
    raw.exec(MIGRATION_TABLE);
    const pending = pendingMigrations(all, appliedTo(raw));
    const remember = raw.prepare('insert into schema_migration (name, digest, applied_at) values (?, ?, ?)');
    for (const { name, digest, statements } of pending) {
      for (const statement of statements) raw.exec(statement);
      remember.run(name, digest, new Date().toISOString());
    }
    const broken = raw.pragma('foreign_key_check') as unknown[];
    if (broken.length > 0) throw new Error(`a migration would leave ${broken.length} row(s) without what they refer to`);
    return pending.map((m) => m.name);
  });
  // Rebuilding a table drops the old one; with foreign keys on that would delete what refers to it. Cannot be set inside a transaction.
  raw.pragma('foreign_keys = OFF');
  try {
    return run.exclusive();
  } finally {
    raw.pragma('foreign_keys = ON');
  }
}

function appliedTo(raw: Sqlite.Database): Applied[] {
  const there = raw.prepare("select 1 from sqlite_master where type = 'table' and name = 'schema_migration'").get();
  return there ? (raw.prepare('select name, digest from schema_migration').all() as Applied[]) : [];
}

/** For `matricula migrate`. */
export async function migrateSqliteFile(path: string): Promise<string[]> {
  const raw = await connect(path);
  try {
    return migrateSqlite(raw);
  } catch (error) {
    throw asStoreError(error);
  } finally {
    raw.close();
  }
}
