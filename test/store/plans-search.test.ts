/** What directories ask all day is read through an index, whatever the size of the tenant, and a page takes the same statements whatever its length. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type Sqlite from 'better-sqlite3';
import type pg from 'pg';
import type { Comparison, SearchQuery, Where } from '../../src/core/search.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore, type Store } from '../../src/store/store.ts';
import { describeWith } from '../services.ts';
import { type Backend, type Place, postgres, sqliteMemory } from './backends.ts';
import { creation, group, membership, NOW, person, write } from './makers.ts';

const PEOPLE = 5000;

const is = (attribute: string, op: Comparison, value: string): Where => ({ kind: 'compare', attribute, op, value });
const all = (...of: Where[]): Where => ({ kind: 'all', of });
const any = (...of: Where[]): Where => ({ kind: 'any', of });

const mail = is('emails.value', 'eq', 'p77@x');
const work = is('emails.type', 'eq', 'work');
const ASKED: Record<string, Where> = {
  'id eq': is('id', 'eq', 'p77'),
  'userName eq': is('username', 'eq', 'p77'),
  'userName sw': is('username', 'sw', 'p777'),
  'externalId eq': is('externalid', 'eq', 'x77'),
  'displayName eq': is('displayname', 'eq', 'person 77'),
  'emails.value eq': mail,
  'emails.value sw': is('emails.value', 'sw', 'p777'),
  'emails[type eq and value eq]': { kind: 'element', attribute: 'emails', where: all(work, mail) },
  'a common value first, then a rare one': all(work, mail),
  'a rare value and ne': all(mail, is('displayname', 'ne', 'x')),
  'a rare value and not': all(mail, { kind: 'not', of: is('displayname', 'eq', 'x') }),
  'a rare value and a large group': all(is('groups.value', 'eq', 'g'), mail),
  'a rare value and an element': all(mail, { kind: 'element', attribute: 'emails', where: is('emails.type', 'ne', 'home') }),
  'a name or a value': any(is('username', 'eq', 'p77'), mail),
};

interface Watched {
  db: Database;
  store: Store;
  close(): Promise<void>;
  /** The plan's lines of every statement that `read` makes, each statement's in a list. */
  plansOf(read: () => Promise<unknown>): Promise<string[][]>;
}

async function watched(backend: Backend): Promise<Watched> {
  const place: Place = await backend.make();
  const db = await openDatabase(place.url);
  const seen: { text: string; params: unknown[] }[] = [];
  const explain = db.dialect === 'sqlite' ? watchSqlite(db, seen) : watchPostgres(db, seen);
  return {
    db,
    store: createStore(db),
    close: () => db.close().then(() => place.drop()),
    async plansOf(read) {
      seen.length = 0;
      await read();
      const statements = seen.filter(({ text }) => text.startsWith('select'));
      const plans: string[][] = [];
      for (const statement of statements) plans.push(await explain(statement.text, statement.params));
      return plans;
    },
  };
}

type Explain = (text: string, params: unknown[]) => Promise<string[]>;

/** By statistics of nothing, as in production: only the text decides. */
function watchSqlite(db: Database, seen: { text: string; params: unknown[] }[]): Explain {
  const raw = (db.query as unknown as { $client: Sqlite.Database }).$client;
  const prepare = raw.prepare.bind(raw);
  raw.prepare = ((text: string) => {
    seen.push({ text, params: [] });
    return prepare(text);
  }) as typeof raw.prepare;
  return async (text) =>
    (prepare(`explain query plan ${text}`).all(...Array.from(text.matchAll(/\?/g), () => 1)) as { detail: string }[]).map(({ detail }) => detail);
}

function watchPostgres(db: Database, seen: { text: string; params: unknown[] }[]): Explain {
  const pool = (db.query as unknown as { $client: pg.Pool }).$client;
  const query = pool.query.bind(pool) as (config: unknown, values?: unknown[]) => Promise<pg.QueryResult>;
  pool.query = ((config: string | { text: string }, values: unknown[] = []) => {
    seen.push({ text: typeof config === 'string' ? config : config.text, params: values });
    return query(config, values);
  }) as typeof pool.query;
  return async (text, params) => (await query(`explain ${text}`, params)).rows.map((row) => String(row['QUERY PLAN']));
}

/** Enough for PostgreSQL to prefer an index, counted. */
async function fill(db: Database): Promise<void> {
  const pool = (db.query as unknown as { $client: pg.Pool }).$client;
  const series = `generate_series(1, ${PEOPLE}) n`;
  const same =
    'email, email_key, display_name, given_name, family_name, locale, timezone, title, status, status_since, role, fields, version, created_at, updated_at';
  await pool.query(
    `insert into app_user (tenant_id, id, user_name, user_name_key, external_id, ${same}) select tenant_id, 'p' || n, 'p' || n, 'p' || n, 'x' || n, ${same} from app_user, ${series} where id = 'u0'`,
  );
  await pool.query(
    `insert into membership (tenant_id, user_id, group_id, source, since) select tenant_id, 'p' || n, group_id, source, since from membership, ${series} where user_id = 'u0'`,
  );
  await pool.query(
    `insert into identity (tenant_id, source, subject, user_id, facts, created_at) select tenant_id, source, 'p' || n, 'p' || n, facts, created_at from identity, ${series} where user_id = 'u0'`,
  );
  const value = (attribute: string, text: string) =>
    pool.query(
      `insert into user_value (tenant_id, user_id, attribute, element, value) select 't', 'p' || n, '${attribute}', 0, ${text} from ${series}`,
    );
  await value('emails.value', `'p' || n || '@x'`);
  await value('emails.type', `'work'`);
  await value('displayname', `'person ' || n`);
  await pool.query('analyze');
}

for (const [backend, walk] of [
  // By nothing but the tenant, by what nearly all have, or not by an index at all.
  [
    sqliteMemory,
    /^SCAN (?!CONSTANT)|\(tenant_id=\?\)$|\(tenant_id=\? AND restore_key=\?\)$|\(tenant_id=\? AND attribute=\?\)$|TEMP B-TREE FOR ORDER/,
  ],
  [postgres, /Seq Scan on (app_user|user_value|membership|identity)/],
] as const) {
  describeWith(backend.needs, `on ${backend.name}`, () => {
    let world: Watched;
    const ask = (over: Partial<SearchQuery>) =>
      world.store.search.users('t', { where: null, sort: null, from: { offset: 0 }, limit: 5, count: true, ...over });
    const walksOf = async (over: Partial<SearchQuery>) => (await world.plansOf(() => ask(over))).flat().filter((line) => walk.test(line));
    beforeAll(async () => {
      world = await watched(backend);
      await world.store.groups.create(group('g', { tenantId: 't' }), null);
      const people = Array.from({ length: 40 }, (_, i) => person(`u${i}`, { tenantId: 't' }));
      await world.store.apply.apply(
        people.map((one) => write(creation(one.user.id, { ...one, memberships: [membership(one.user, 'g')] }), { deliveries: [] })),
        NOW,
      );
      if (backend === postgres) await fill(world.db);
    });
    afterAll(() => world?.close());

    it.each(Object.entries(ASKED))('%s searches an index, page and total', async (_, where) => {
      expect(await walksOf({ where })).toEqual([]);
    });

    it('a first page and one after an id are read in the order of the index, and no more of it than they bring', async () => {
      for (const from of [{ offset: 0 }, { after: 'u2' }]) {
        const [page = []] = (await world.plansOf(() => ask({ from, count: false }))).filter((plan) => /app_user/.test(plan.join()));
        expect(page.join('\n')).toMatch(
          /^SEARCH app_user USING INDEX sqlite_autoindex_app_user_1|^Limit.*\n *-> {2}Index Scan using app_user_tenant_id_id_pk/,
        );
        expect(page.join('\n')).not.toMatch(/TEMP B-TREE|Sort/);
      }
    });

    it('sorting by userName goes along its index', async () => {
      for (const descending of [false, true]) {
        const plans = await world.plansOf(() => ask({ sort: { attribute: 'username', descending }, count: false }));
        expect(plans[0]!.join('\n')).toMatch(/app_user_by_user_name/);
        expect(plans[0]!.filter((line) => /TEMP B-TREE FOR ORDER BY$|^ *(->)? *Sort {2}/.test(line))).toEqual([]);
      }
    });

    it('one person’s groups are found from the person', async () => {
      const where = is('members.value', 'eq', 'u1');
      const plans = await world.plansOf(() => world.store.search.groups('t', { where, sort: null, from: { offset: 0 }, limit: 5, count: true }));
      for (const plan of plans) expect(plan.join()).toMatch(/\(tenant_id=\? AND user_id=\?|Index Cond: [^,]*user_id = 'u1'/);
      expect(plans.flat().filter((line) => /Seq Scan on (app_user|membership)|^SCAN/.test(line))).toEqual([]);
    });

    it('a page takes the same few statements, however long it is', async () => {
      const short = await world.plansOf(() => ask({ limit: 2 }));
      const long = await world.plansOf(() => ask({ limit: 40 }));
      expect((await ask({ limit: 40 })).people).toHaveLength(40);
      expect(long).toHaveLength(short.length);
      expect(long.length).toBeLessThanOrEqual(7);
      const ids = Array.from({ length: 40 }, (_, i) => `u${i}`);
      expect((await world.plansOf(() => world.store.people.many('t', ids))).length).toBeLessThanOrEqual(5);
    });
  });
}
