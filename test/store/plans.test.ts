/** SQLite chooses its query plans without statistics: what is read at every sign-in must never walk through a tenant's rows. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type Sqlite from 'better-sqlite3';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore, type Store } from '../../src/store/store.ts';
import { later, NOW } from './makers.ts';

describe('on SQLite', () => {
  let db: Database;
  let raw: Sqlite.Database;
  let store: Store;
  const texts = new Set<string>();
  beforeAll(async () => {
    db = await openDatabase('sqlite::memory:');
    raw = (db.query as unknown as { $client: Sqlite.Database }).$client;
    const prepare = raw.prepare.bind(raw);
    raw.prepare = ((sql: string) => {
      texts.add(sql);
      return prepare(sql);
    }) as typeof raw.prepare;
    store = createStore(db);
  });
  afterAll(() => db.close());

  it('every read for one person, key or reference searches an index by more than the tenant', async () => {
    const { people, journal, outbox, keys, vault, metadata } = store;
    await people.candidates('t', { by: 'assertion', source: 'directory', subject: 's', emailKey: 'e' });
    await people.candidates('t', { by: 'name', userNameKey: 'n', emailKey: 'e' });
    await people.candidates('t', { by: 'resource', userNameKey: 'n', emailKey: 'e', externalId: 'x', restoreKeys: ['name:n'] });
    await people.state('t', 'u');
    await people.many('t', ['u', 'v']);
    await people.names('t', ['u', 'v']);
    await people.find('t', 'x');
    await people.states('t', { after: null, limit: 5 });
    await journal.list('t', { resourceId: 'u', limit: 5 });
    await journal.list('t', { reference: 'r', limit: 5, before: 'x' });
    await journal.signIns('t', { userId: 'u', limit: 5 });
    await journal.signIns('t', { reference: 'r', limit: 5 });
    await outbox.claim('w', 5, NOW, later(1));
    await keys.byHash('h');
    await vault.get('t', 'p');
    await metadata.get('t', 'c');
    const plans = [...texts].filter((sql) => /^(select|update|delete)/.test(sql)).map((sql) => ({ sql, plan: explain(sql) }));
    expect(plans.length).toBeGreaterThan(12);
    const walks = plans.filter(({ plan }) => plan.some((line) => /^SCAN \w+(?! CONSTANT)/.test(line) || /\(tenant_id=\?\)$/.test(line)));
    // A page of users is a walk, by definition.
    expect(walks.filter(({ sql }) => !/from "app_user" where .* order by "app_user"."id" asc limit/.test(sql))).toEqual([]);
  });

  const explain = (sql: string): string[] =>
    (raw.prepare(`explain query plan ${sql}`).all(...Array.from(sql.matchAll(/\?/g), () => 1)) as { detail: string }[]).map((row) => row.detail);
});
