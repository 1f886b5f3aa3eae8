/** SQLite chooses its query plans without statistics: what is read at every sign-in must never walk through a tenant's rows. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type Sqlite from 'better-sqlite3';
import type { Database } from '../../src/store/database.ts';
import type { Then } from '../../src/store/ledger.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore, type Store } from '../../src/store/store.ts';
import { creation, entry, later, NOW, person, write } from './makers.ts';

const LANE = { tenantId: 't', platform: 'p' };
const WHO = { ...LANE, userId: 'u' };
const FAILED = { code: 'upstream', reason: 'r' };

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
    const { people, journal, outbox, ledger, platforms, keys, vault, metadata } = store;
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
    await outbox.one(WHO);
    await outbox.ofUser('t', 'u');
    await outbox.claimOne(WHO, { worker: 'w', now: NOW, until: later(1) });
    await outbox.enqueue([{ ...WHO, id: 'i', place: 1, look: false }], NOW);
    const row = (await outbox.claimOne(WHO, { worker: 'w', now: NOW, until: later(1) }))!;
    await outbox.release(row, 'w', { dueAt: NOW, failed: null });
    await outbox.retry(row, 'w', { dueAt: NOW, failed: FAILED });
    await outbox.bury(row, 'w', { dueAt: NOW, failed: FAILED });
    await outbox.revive({ ...WHO }, NOW);
    await outbox.claimOne(WHO, { worker: 'w', now: NOW, until: later(1) });
    const { wanted } = (await outbox.one(WHO))!;
    const then: Then = { kind: 'again', dueAt: NOW };
    const given = { kind: 'course' as const, id: 'c', name: 'C', state: 'give-by-hand' as const, targets: null };
    const account = { accountId: 'a', profile: null, privileged: 0, lookedAt: null };
    await ledger.write({ ...row, wanted }, 'w', { account, put: [given], drop: [given], then, now: NOW });
    await ledger.of(WHO);
    await ledger.owner(LANE, 'a');
    await ledger.tick({ ...WHO, ...given, since: NOW }, NOW);
    await ledger.tick({ ...WHO, ...given, state: 'take-by-hand', since: NOW }, NOW);
    await ledger.task({ ...WHO, kind: 'course', id: 'c' });
    await platforms.get(LANE);
    await platforms.standing(LANE);
    await platforms.advance(LANE, { from: 'a', to: 'b' }, NOW);
    await keys.byHash('h');
    await vault.get('t', 'p');
    await metadata.get('t', 'c');
    const plans = [...texts].filter((sql) => /^(select|update|delete)/.test(sql)).map((sql) => ({ sql, plan: explain(sql) }));
    expect(plans.length).toBeGreaterThan(12);
    const walks = plans.filter(({ plan }) => plan.some((line) => /^SCAN \w+(?! CONSTANT)/.test(line) || /\(tenant_id=\?\)$/.test(line)));
    // A page of users is a walk, by definition.
    expect(walks.filter(({ sql }) => !/from "app_user" where .* order by "app_user"."id" asc limit/.test(sql))).toEqual([]);
  });

  it('who is next, and who has what, is read along an index and never sorted, however many there are', async () => {
    const { outbox, ledger, platforms } = store;
    const page = { after: 'u', limit: 5 };
    const claim = await plansOf(() => outbox.claim(LANE, { worker: 'w', limit: 5, now: NOW, until: later(1) }));
    expect(claim).toEqual([
      'SEARCH outbox USING INDEX sqlite_autoindex_outbox_1 (tenant_id=? AND platform=? AND user_id=?)',
      'LIST SUBQUERY 1',
      'SEARCH outbox USING INDEX outbox_by_turn (tenant_id=? AND platform=? AND place<?)',
    ]);
    const reads: [string, () => Promise<unknown>, RegExp][] = [
      ['people', () => ledger.people(LANE, page), /sqlite_autoindex_platform_account_1 \(tenant_id=\? AND platform=\? AND user_id>\?\)/],
      [
        'usersWith',
        () => ledger.usersWith(LANE, { ...page, state: 'queued' }),
        /platform_given_by_state \(tenant_id=\? AND state=\? AND platform=\? AND user_id>\?\)/,
      ],
      ['holders', () => platforms.holders('t', 'bundle:b', page), /enrolment_grant_by_target \(tenant_id=\? AND target=\? AND user_id>\?\)/],
      [
        'the first page of holders',
        () => platforms.holders('t', 'bundle:b', { ...page, after: null }),
        /enrolment_grant_by_target \(tenant_id=\? AND target=\?\)/,
      ],
    ];
    for (const [what, read, index] of reads) {
      const plans = await plansOf(read);
      expect([what, plans.length, plans[0]]).toEqual([what, 1, expect.stringMatching(index)]);
    }
    // Both are few, and sorted: tasks by their age, and by platform and target what a platform does not know.
    for (const read of [() => ledger.tasks('t', { after: null, limit: 5 }), () => ledger.unknown('t')])
      expect((await plansOf(read))[0]).toMatch(/platform_given_by_state \(tenant_id=\? AND state=\?\)/);
  });

  it('from lane to lane it is one step along the index', async () => {
    await store.outbox.enqueue([{ ...WHO, id: 'i', place: 1, look: false }], NOW);
    expect(await plansOf(() => store.outbox.lanes())).toEqual([
      // Without a condition a scan of an index is its first entry: there is a limit of one, and no sort.
      'SCAN outbox USING COVERING INDEX outbox_by_turn',
      'SEARCH outbox USING COVERING INDEX outbox_by_turn (tenant_id=? AND platform>?)',
      'SEARCH outbox USING COVERING INDEX outbox_by_turn (tenant_id>?)',
    ]);
    expect([...texts].every((sql) => sql.includes('limit ?'))).toBe(true);
  });

  it('whoever is erased is found under every table by name', async () => {
    const before = person('erased', { tenantId: 't', status: 'suspended' });
    await store.apply.apply([write(creation('erased', before))], NOW);
    const plans = await plansOf(() => store.upkeep.erase(before.user, entry('erased', { tenantId: 't' })));
    expect(plans.filter((line) => line.startsWith('SEARCH')).length).toBeGreaterThan(8);
    expect(plans.filter((line) => /^SCAN (?!CONSTANT)/.test(line) || (/\(tenant_id=\?\)$/.test(line) && !line.includes('headcount')))).toEqual([]);
  });

  async function plansOf(work: () => Promise<unknown>): Promise<string[]> {
    texts.clear();
    await work();
    const mine = [...texts].filter((sql) => /^(select|update|delete)/.test(sql));
    expect(mine).not.toEqual([]);
    return mine.flatMap(explain);
  }

  const explain = (sql: string): string[] =>
    (raw.prepare(`explain query plan ${sql}`).all(...Array.from(sql.matchAll(/\?/g), () => 1)) as { detail: string }[]).map((row) => row.detail);
});
