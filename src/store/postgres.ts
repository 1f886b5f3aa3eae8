import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { pgColumns } from './columns.ts';
import { type Database, type Statement, Unavailable } from './database.ts';
import { asStoreError, guarded, miscounted } from './failures.ts';
import { createKvRows } from './kv-rows.ts';
import { type Applied, MIGRATION_TABLE, pendingMigrations, readMigrations, refusePending } from './migrations.ts';
import { defineSchema } from './schema.ts';
import { refuseUnstorable } from './storable.ts';

const CONNECT_MS = 5000;
/** No statement of ours takes a tenth of this; what does is hanging on a dead network. */
const QUERY_MS = 15_000;
/** Any number that nobody else uses: the lock under which migrations run. */
const MIGRATION_LOCK = 0x6d617472;
/** Statement names kept; beyond them statements go unnamed. */
const NAMED = 500;

/**
 * Statements are prepared by name on each connection. A pooler between us and the server must keep up with that
 * (PgBouncer does in transaction mode since 1.21). Throws `Unavailable` where the server cannot be reached.
 */
export async function openPostgres(url: string, { migrate, poolSize }: { migrate: boolean; poolSize: number }): Promise<Database> {
  if (migrate) await migratePostgres(url);
  else refusePending(await pendingOn(url));
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    keepAlive: true,
    fallback_application_name: 'matricula',
  });
  // A connection that dies while nobody waits on it has nobody to tell; unheard, the event would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const tables = defineSchema(pgColumns);
  const query = drizzle(pool);
  const write = writer(pool);
  return {
    dialect: 'postgres',
    tables,
    query,
    kv: createKvRows({ query, tables }),
    ...guarded({
      batch: write,
      async ping() {
        await pool.query('select 1');
      },
      async close() {
        await pool.end();
      },
    }),
  };
}

function writer(pool: pg.Pool): Database['batch'] {
  const nameOf = namer();
  return async (statements) => {
    for (const { params } of statements) refuseUnstorable(params);
    const client = await pool.connect();
    try {
      await client.query('begin');
      for (const statement of statements) await run(client, statement, nameOf(statement.sql));
      await client.query('commit');
      client.release();
    } catch (error) {
      await abandon(client, error);
      throw error;
    }
  };
}

async function run(client: pg.ClientBase, statement: Statement, name: string | undefined): Promise<void> {
  const { sql, params, expect } = statement;
  const { rowCount } = await client.query({ text: sql, values: params, ...(name === undefined ? {} : { name }) });
  if (expect !== undefined && rowCount !== expect) throw miscounted(rowCount ?? 0, statement);
}

/** Rolls back; where the connection cannot even do that it is thrown away, which rolls back on the server's side. */
async function abandon(client: pg.PoolClient, error: unknown): Promise<void> {
  if (asStoreError(error) instanceof Unavailable) return client.release(true);
  try {
    await client.query('rollback');
    client.release();
  } catch {
    client.release(true);
  }
}

function namer(): (sql: string) => string | undefined {
  const names = new Map<string, string>();
  return (sql) => {
    if (!names.has(sql) && names.size < NAMED) names.set(sql, `w${names.size}`);
    return names.get(sql);
  };
}

/** Applies what is missing, in one transaction under an advisory lock: several nodes may start at once. The names applied. */
export function migratePostgres(url: string): Promise<string[]> {
  const all = readMigrations('postgres');
  return alone(url, async (client) => {
    // Usually there is nothing to do, and then nobody is made to wait.
    if ((await pendingFor(client)).length === 0) return [];
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await client.query(MIGRATION_TABLE);
    const pending = pendingMigrations(all, await appliedTo(client));
    for (const { name, digest, statements } of pending) {
      for (const statement of statements) await client.query(statement);
      await client.query('insert into schema_migration (name, digest, applied_at) values ($1, $2, $3)', [name, digest, new Date().toISOString()]);
    }
    await client.query('commit');
    return pending.map((m) => m.name);
  });
}

const pendingOn = (url: string) => alone(url, pendingFor);

async function pendingFor(client: pg.ClientBase) {
  const { rows } = await client.query("select to_regclass('schema_migration') is not null as there");
  return pendingMigrations(readMigrations('postgres'), rows[0].there ? await appliedTo(client) : []);
}

async function appliedTo(client: pg.ClientBase): Promise<Applied[]> {
  return (await client.query<Applied>('select name, digest from schema_migration')).rows;
}

/** On a connection of its own, without a limit on time: a migration of a large table takes what it takes. */
async function alone<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS, fallback_application_name: 'matricula-migrate' });
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw asStoreError(error);
  } finally {
    await client.end().catch(() => {});
  }
}
