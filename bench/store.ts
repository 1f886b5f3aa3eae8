/** The store alone: writing a first sign-in's plan, and the read that every sign-in begins with. Of PostgreSQL only this process's share is seen. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { replay } from '../src/core/diff.ts';
import { plan } from '../src/core/plan.ts';
import { foldKey } from '../src/core/profile.ts';
import { searchMoves } from '../src/protocols/scim/searchable.ts';
import { openDatabase } from '../src/store/open.ts';
import { createStore } from '../src/store/store.ts';
import type { Cases, Run } from './main.ts';
import { measure, oneByOne, ownUsage, timed } from './measure.ts';
import { type Person, person } from './people.ts';
import { assertionOf, sampleTenant, worldOf } from './planner.ts';

const POSTGRES = process.env['TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

export const store: Cases = async (run) => {
  const work = ['apply, first sign-in', 'candidates, repeat'] as const;
  const on = (place: string) => work.map((one) => `store ${place}: ${one}`).filter((name) => run.wanted(name));
  if (on('sqlite').length > 0) await onSqlite((url) => measureStore(run, url, 'sqlite'));
  if (on('postgres').length === 0) return;
  if (await answers()) await onPostgres((url) => measureStore(run, url, 'postgres'));
  else run.print({ name: 'store postgres', skipped: 'no PostgreSQL at TEST_POSTGRES_URL' });
};

async function measureStore(run: Run, url: string, place: string): Promise<void> {
  const database = await openDatabase(url);
  try {
    const people = createStore(database);
    const world = worldOf(await sampleTenant(20));
    let count = 0;
    const apply = async (someone: Person = person(`new-${++count}`, 50)) => {
      const { now } = world;
      const made = plan({ bySubject: null, byEmail: [] }, assertionOf(someone), world);
      const after = replay(null, made)!;
      const line = { resourceType: 'User', resourceId: made.userId, outcome: 'SUCCESS' as const, code: 'first-sign-in', reference: null };
      const entry = {
        id: made.id,
        tenantId: 'acme',
        at: now,
        actor: 'connection:both',
        cause: 'assertion',
        mappingVersion: 1,
        action: null,
        ...line,
      };
      return timed(() =>
        people.apply.apply(
          [
            {
              plan: made,
              entry: { ...entry, detail: { effects: made.effects } },
              deliveries: [{ platform: 'local', place: 0 }],
              search: searchMoves(null, after),
              seats: null,
              bound: null,
            },
          ],
          now,
        ),
      );
    };
    const known = person('known', 50);
    await apply(known);
    const lookup = { by: 'assertion', source: 'connection:both', subject: known.id, emailKey: foldKey(known.email) } as const;
    const read = () => timed(() => people.people.candidates('acme', lookup));
    const cases = [
      { name: `store ${place}: apply, first sign-in`, once: () => apply() },
      { name: `store ${place}: candidates, repeat`, once: read },
    ];
    for (const { name, once } of cases.filter((one) => run.wanted(one.name)))
      run.print({ name, ...(await measure({ n: run.count(300), usage: ownUsage, batch: oneByOne(once) }, 100)) });
  } finally {
    await database.close();
  }
}

async function onSqlite(work: (url: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'matricula-bench-'));
  try {
    await work(`sqlite:${join(folder, 'bench.db')}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In a database of its own, which goes afterwards. */
async function onPostgres(work: (url: string) => Promise<void>): Promise<void> {
  const name = `matricula_bench_${randomUUID().replaceAll('-', '').slice(0, 16)}`;
  await administer(`create database ${name}`);
  try {
    await work(Object.assign(new URL(POSTGRES), { pathname: `/${name}` }).href);
  } finally {
    await administer(`drop database if exists ${name} with (force)`);
  }
}

async function administer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: POSTGRES, connectionTimeoutMillis: 2000 });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

const answers = (): Promise<boolean> =>
  administer('select 1').then(
    () => true,
    () => false,
  );
