/** Every backend that the store's contract must hold for. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { postgresUrl, uniqueName } from '../services.ts';

export interface Place {
  url: string;
  drop: () => Promise<void>;
}
export interface Backend {
  name: string;
  needs: 'none' | 'postgres';
  /** An empty database of its own. */
  make: () => Promise<Place>;
}

export const sqliteMemory: Backend = {
  name: 'SQLite in memory',
  needs: 'none',
  make: async () => ({ url: 'sqlite::memory:', drop: async () => {} }),
};

export const sqliteFile: Backend = {
  name: 'SQLite file',
  needs: 'none',
  make: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'matricula-'));
    return { url: `sqlite:${join(folder, 'inner', 'test.db')}`, drop: async () => rmSync(folder, { recursive: true, force: true }) };
  },
};

export const postgres: Backend = {
  name: 'PostgreSQL',
  needs: 'postgres',
  make: async () => {
    const name = uniqueName('matricula_test');
    await administer(`create database ${name}`);
    await administer(`alter database ${name} set synchronous_commit = off`); // nobody pulls the server's plug: no need to wait for its disk
    return {
      url: Object.assign(new URL(postgresUrl), { pathname: `/${name}` }).href,
      drop: () => administer(`drop database if exists ${name} with (force)`),
    };
  },
};

export const backends = [sqliteMemory, sqliteFile, postgres];

/** One statement beside the one under test: on the server, not in the database. */
export async function administer(sql: string, params: unknown[] = []): Promise<void> {
  const client = new pg.Client(postgresUrl);
  await client.connect();
  try {
    await client.query(sql, params);
  } finally {
    await client.end();
  }
}
