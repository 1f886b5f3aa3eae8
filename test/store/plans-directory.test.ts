/** On SQLite, which plans without statistics: what is read of one group, one resource's log or a page costs what it brings, however large the tenant is. */
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

  async function plansOf(read: () => Promise<unknown>): Promise<string[]> {
    texts.clear();
    await read();
    const selects = [...texts].filter((sql) => sql.startsWith('select'));
    expect(selects).not.toEqual([]);
    const explain = (sql: string) =>
      raw.prepare(`explain query plan ${sql}`).all(...Array.from(sql.matchAll(/\?/g), () => 1)) as { detail: string }[];
    return selects.flatMap((sql) => explain(sql).map(({ detail }) => detail));
  }

  it('members of a group are read through the group, and a page is not sorted', async () => {
    for (const after of [null, 'u']) {
      const plans = await plansOf(() => store.groups.members('t', 'g', { after, limit: 5 }));
      expect(plans[0]).toMatch(/^SEARCH membership USING COVERING INDEX membership_by_group \(tenant_id=\? AND group_id=\?/);
      expect(plans.filter((plan) => plan.includes('TEMP B-TREE'))).toEqual([]);
    }
    expect(await plansOf(() => store.groups.memberIds('t', 'g', 'manual'))).toEqual([
      'SEARCH membership USING INDEX membership_by_group (tenant_id=? AND group_id=?)',
    ]);
  });

  it('the sync log is read in its index’s order, and that of one resource or request through its own index', async () => {
    const log = (filter: object) => plansOf(() => store.journal.syncLog('t', { limit: 5, ...filter }));
    expect(await log({})).toEqual(['SEARCH journal USING INDEX journal_by_cause (tenant_id=? AND cause=?)']);
    expect((await log({ before: 'x' }))[0]).toMatch(/journal_by_cause \(tenant_id=\? AND cause=\?/);
    expect(await log({ resourceId: 'u' })).toEqual(['SEARCH journal USING INDEX journal_by_resource (tenant_id=? AND resource_id=?)']);
    expect(await log({ reference: 'r' })).toEqual(['SEARCH journal USING INDEX journal_by_reference (tenant_id=? AND reference=?)']);
    const span = await log({ since: NOW, until: later(1) });
    expect(span[0]).toMatch(/^SEARCH journal USING INDEX journal_by_(cause|time) \(.*at>\? AND at<\?\)$/);
  });
});
