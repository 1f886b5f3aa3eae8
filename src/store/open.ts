import type { Database } from './database.ts';
import { migratePostgres, openPostgres } from './postgres.ts';
import { migrateSqliteFile, openSqlite } from './sqlite.ts';

export interface OpenOptions {
  /** Apply waiting migrations (default). False: refuse to open a database that lacks some. */
  migrate?: boolean;
  /** Connections to PostgreSQL at most; default 10. */
  poolSize?: number;
}

/**
 * `sqlite:<path>`, `sqlite::memory:` or `postgres://…`. Creates the folder and file of a SQLite database, for the owner only.
 * Throws `Unavailable` where the database cannot be reached or opened.
 */
export async function openDatabase(url: string, { migrate = true, poolSize = 10 }: OpenOptions = {}): Promise<Database> {
  const place = parseDatabaseUrl(url);
  return place.dialect === 'sqlite' ? openSqlite(place.path, { migrate }) : openPostgres(place.url, { migrate, poolSize });
}

/** Applies waiting migrations and says which; safe to run from several processes at once. */
export async function migrate(url: string): Promise<{ applied: string[] }> {
  const place = parseDatabaseUrl(url);
  return { applied: await (place.dialect === 'sqlite' ? migrateSqliteFile(place.path) : migratePostgres(place.url)) };
}

type Place = { dialect: 'sqlite'; path: string } | { dialect: 'postgres'; url: string };

/** Never quotes the address: it may hold a password. */
export function parseDatabaseUrl(url: string): Place {
  if (url.startsWith('sqlite:') && url.length > 'sqlite:'.length) return { dialect: 'sqlite', path: url.slice('sqlite:'.length) };
  if (/^postgres(ql)?:\/\//.test(url)) return { dialect: 'postgres', url };
  throw new Error('a database address is sqlite:<path>, sqlite::memory: or postgres://…');
}
