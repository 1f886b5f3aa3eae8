/** A million people in PostgreSQL: how long the database takes for what a directory asks first. The rows are copies of one that the product wrote. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Where } from '../src/core/search.ts';
import { openDatabase } from '../src/store/open.ts';
import { createStore } from '../src/store/store.ts';
import type { Run } from './main.ts';
import { measure, oneByOne, ownUsage, timed } from './measure.ts';
import { directoryWorld, loadPeople, nameOf } from './scim-people.ts';

const POSTGRES = process.env['TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const PEOPLE = 1_000_000;

export async function million(run: Run): Promise<void> {
  // Minutes of loading: never by chance.
  if (!process.argv.some((argument) => argument.includes('1M'))) return;
  const name = `matricula_bench_${randomUUID().slice(0, 8)}`;
  const admin = new pg.Client(POSTGRES);
  await admin.connect();
  await admin.query(`create database ${name}`);
  try {
    await measured(run, Object.assign(new URL(POSTGRES), { pathname: `/${name}` }).href);
  } finally {
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  }
}

async function measured(run: Run, url: string): Promise<void> {
  const database = await openDatabase(url);
  try {
    const world = await directoryWorld();
    const [pattern = ''] = await loadPeople(database, world, 1);
    await copies(url, pattern);
    const { search } = createStore(database);
    const query = { sort: null, from: { offset: 0 }, count: true };
    const userName = (): Where => ({
      kind: 'compare',
      attribute: 'username',
      op: 'eq',
      value: `${nameOf(1 + Math.floor(Math.random() * (PEOPLE - 1)))}@acme.example`,
    });
    const email = (): Where => ({
      kind: 'compare',
      attribute: 'emails.value',
      op: 'eq',
      value: `${nameOf(1 + Math.floor(Math.random() * (PEOPLE - 1)))}@acme.example`,
    });
    const found = async (where: Where | null, limit: number) => {
      const { people, total } = await search.users('acme', { ...query, where, limit });
      if (people.length !== (where ? 1 : limit) || total !== (where ? 1 : PEOPLE)) throw new Error(`${people.length} of ${total}`);
    };
    const cases = {
      'first page of 100, with the total': () => found(null, 100),
      'look-up by userName': () => found(userName(), 100),
      'look-up by e-mail': () => found(email(), 100),
    };
    // By the clock of who asks: statements, network and reading the rows.
    for (const [what, once] of Object.entries(cases))
      run.print({
        name: `scim 1M postgres: ${what}`,
        ...(await measure({ n: run.count(300), usage: ownUsage, batch: oneByOne(() => timed(once)) }, 50)),
      });
  } finally {
    await database.close();
  }
}

/** The product's own row, a million times under other names; the index of values and the count are what its plans would have left. */
async function copies(url: string, pattern: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  const old = nameOf(0);
  const fresh = `'user' || lpad(n::text, 7, '0')`;
  const id = `'${pattern.slice(0, 16)}' || lpad(n::text, 10, '0')`;
  const renamed = (column: string) => `replace(${column}, '${old}', ${fresh})`;
  const texts = (columns: string[], own: string[]) => columns.map((column) => (own.includes(column) ? renamed(column) : column)).join(', ');
  try {
    const columnsOf = async (table: string) =>
      (await client.query('select column_name from information_schema.columns where table_name = $1 order by ordinal_position', [table])).rows.map(
        ({ column_name }) => String(column_name),
      );
    const user = (await columnsOf('app_user')).filter((column) => column !== 'id');
    const named = ['user_name', 'user_name_key', 'email', 'email_key', 'display_name', 'family_name', 'external_id'];
    const series = `generate_series(1, ${PEOPLE - 1}) n`;
    await client.query(
      `insert into app_user (id, ${user.join(', ')}) select ${id}, ${texts(user, named)} from app_user, ${series} where id = '${pattern}'`,
    );
    await client.query(
      `insert into identity (tenant_id, source, subject, user_id, facts, created_at) select tenant_id, source, ${id}, ${id}, ${renamed('facts::text')}::jsonb, created_at from identity, ${series} where user_id = '${pattern}'`,
    );
    await client.query(
      `insert into user_value (tenant_id, user_id, attribute, element, value) select tenant_id, ${id}, attribute, element, ${renamed('value')} from user_value, ${series} where user_id = '${pattern}'`,
    );
    await client.query(`update headcount set users = ${PEOPLE}, active = ${PEOPLE}`);
    await client.query('analyze');
  } finally {
    await client.end();
  }
}
