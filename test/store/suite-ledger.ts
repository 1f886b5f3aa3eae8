import { beforeEach, expect, it } from '@jest/globals';
import type { Given, GivenState } from '../../src/core/entitlement.ts';
import { Conflict } from '../../src/store/database.ts';
import type { Known, LedgerChange, PlatformGiven, Then } from '../../src/store/ledger.ts';
import { type OutboxKey, type OutboxRow, PLACE } from '../../src/store/outbox.ts';
import { creation, entry, later, NOW, person, write } from './makers.ts';
import type { World } from './suite.ts';

/** What a platform has of whom, and how a delivery ends. */
export function ledgerPromises(world: World): void {
  const lane = { tenantId: 'ledger', platform: 'lms' };
  const failed = { code: 'upstream', reason: 'the platform answered 500' };
  const known = (accountId: string | null, over: Partial<Known> = {}): Known => ({
    accountId,
    profile: 'p1',
    privileged: 0,
    lookedAt: null,
    ...over,
  });
  const given = (id: string, state: GivenState = 'given', over: Partial<Given> = {}): Given => ({
    kind: 'course',
    id,
    name: `Course ${id}`,
    state,
    targets: null,
    ...over,
  });
  const change = (over: Partial<LedgerChange> = {}): LedgerChange => ({ account: null, put: [], drop: [], ...over });
  const key = (userId: string, at = lane): OutboxKey => ({ ...at, userId });
  /** Waits, and is claimed by `worker`. */
  async function claimed(userId: string, { worker = 'w', at = lane }: { worker?: string; at?: typeof lane } = {}): Promise<OutboxRow> {
    const row = { ...key(userId, at), id: `${at.tenantId}-${at.platform}-${userId}`, place: PLACE.change, look: false };
    await world.store.outbox.enqueue([row], NOW);
    return (await world.store.outbox.claimOne(row, { worker, now: NOW, until: later(60_000) }))!;
  }
  const wrote = (row: OutboxRow, what: Partial<LedgerChange>, then: Then = { kind: 'done' }, now = NOW) =>
    world.store.ledger.write(row, 'w', { ...change(what), then, now });
  const learn = async (userId: string, what: Partial<LedgerChange>, { at = lane, now = NOW }: { at?: typeof lane; now?: Date } = {}) =>
    wrote(await claimed(userId, { at }), what, { kind: 'done' }, now);
  const ids = (rows: { id: string }[]) => rows.map(({ id }) => id).sort();
  const givenTo = async (userId: string, at = lane) =>
    (await world.store.ledger.of(key(userId, at))).given.map(({ id, state }) => `${id} ${state}`).sort();
  const waitingFor = (userId: string) => world.store.outbox.one(key(userId));

  beforeEach(async () => {
    const { outbox, platformAccount, platformGiven } = world.db.tables;
    for (const table of [outbox, platformAccount, platformGiven]) await world.db.query.delete(table);
  });

  it('a delivery that is done leaves account and what was given, and the row is gone', async () => {
    const row = await claimed('u');
    await wrote(row, {
      account: known('acc-1', { lookedAt: later(3) }),
      put: [given('1'), given('2', 'queued', { kind: 'bundle', targets: ['bundle:sales'] })],
    });
    expect(await world.store.ledger.of(key('u'))).toEqual({
      account: { ...key('u'), accountId: 'acc-1', profile: 'p1', privileged: 0, lookedAt: later(3), createdAt: NOW, updatedAt: NOW },
      given: expect.arrayContaining([
        { ...key('u'), kind: 'course', id: '1', name: 'Course 1', state: 'given', since: NOW, targets: null },
        { ...key('u'), kind: 'bundle', id: '2', name: 'Course 2', state: 'queued', since: NOW, targets: ['bundle:sales'] },
      ]),
    });
    expect(await waitingFor('u')).toBeNull();
    expect(await world.store.ledger.of(key('nobody'))).toEqual({ account: null, given: [] });
  });

  it('what is written again is moved, what is dropped goes, and what is not named stays', async () => {
    await learn('u', { account: known('acc-1'), put: [given('1', 'giving'), given('2'), given('3')] });
    const change2 = { account: known('acc-2', { profile: 'p2', privileged: 1 }), put: [given('1', 'given', { name: 'Renamed' })] };
    await learn('u', { ...change2, drop: [given('2'), given('never')] }, { now: later(5) });
    const { account, given: rows } = await world.store.ledger.of(key('u'));
    expect(account).toMatchObject({ accountId: 'acc-2', profile: 'p2', privileged: 1, createdAt: NOW, updatedAt: later(5) });
    expect(rows.map(({ id, name, state, since }) => [id, name, state, since]).sort()).toEqual([
      ['1', 'Renamed', 'given', later(5)],
      ['3', 'Course 3', 'given', NOW],
    ]);
  });

  it('a delivery that goes on keeps its claim', async () => {
    const row = await claimed('u');
    await wrote(row, { put: [given('1', 'giving')] }, { kind: 'go-on' });
    expect(await waitingFor('u')).toEqual(row);
    expect(await givenTo('u')).toEqual(['1 giving']);
  });

  it('where a plan came meanwhile the row stays, free and with all that is wanted, and nothing of the old failure', async () => {
    await claimed('u');
    await world.store.outbox.retry((await waitingFor('u'))!, 'w', { dueAt: NOW, failed });
    const row = await claimed('u');
    await world.store.outbox.enqueue([{ ...key('u'), id: 'meanwhile', place: PLACE.signIn, look: false }], later(9));
    await wrote(row, { put: [given('1')] });
    expect(await waitingFor('u')).toEqual({
      ...{ ...row, wanted: row.wanted + 1, place: PLACE.signIn, attempts: 0, dueAt: later(9) },
      ...{ claimedBy: null, claimedUntil: null, failedCode: null, failedReason: null },
    });
    expect(await givenTo('u')).toEqual(['1 given']);
    const next = await world.store.outbox.claimOne(key('u'), { worker: 'w', now: later(9), until: later(99) });
    await wrote(next!, {});
    expect(await waitingFor('u')).toBeNull();
  });

  it('a delivery that comes again is looked at then, behind everybody else', async () => {
    await claimed('u');
    await world.store.outbox.retry((await waitingFor('u'))!, 'w', { dueAt: NOW, failed });
    const row = await world.store.outbox.claimOne(key('u'), { worker: 'w', now: NOW, until: later(60_000) });
    await wrote(row!, { put: [given('1', 'queued')] }, { kind: 'again', dueAt: later(5000) });
    expect(await waitingFor('u')).toEqual({
      ...{ ...row!, place: PLACE.lookAfter, look: 1, attempts: 0, dueAt: later(5000) },
      ...{ claimedBy: null, claimedUntil: null, failedCode: null, failedReason: null },
    });
    const at = (ms: number) => world.store.outbox.claim(lane, { worker: 'w', limit: 5, now: later(ms), until: later(ms + 1) });
    expect(await at(4999)).toEqual([]);
    expect(await at(5000)).toHaveLength(1);
  });

  it('a delivery that would come again comes at once where a plan came meanwhile', async () => {
    const row = await claimed('u');
    await world.store.outbox.enqueue([{ ...key('u'), id: 'meanwhile', place: PLACE.change, look: false }], later(9));
    await wrote(row, {}, { kind: 'again', dueAt: later(5000) });
    expect(await waitingFor('u')).toMatchObject({ place: PLACE.change, look: 0, dueAt: later(9), wanted: 2, claimedBy: null });
  });

  it('a worker whose claim has passed on writes nothing', async () => {
    const row = await claimed('u', { worker: 'first' });
    const second = await world.store.outbox.claimOne(key('u'), { worker: 'w', now: later(60_000), until: later(90_000) });
    const late = { ...change({ account: known('acc-1'), put: [given('1')] }), now: NOW };
    for (const then of [{ kind: 'done' }, { kind: 'go-on' }, { kind: 'again', dueAt: NOW }] as Then[])
      await expect(world.store.ledger.write(row, 'first', { ...late, then })).rejects.toBeInstanceOf(Conflict);
    expect(await world.store.ledger.of(key('u'))).toEqual({ account: null, given: [] });
    expect(await waitingFor('u')).toEqual(second);
    await wrote(second!, late);
    await expect(wrote(second!, { put: [given('2')] })).rejects.toBeInstanceOf(Conflict);
    expect(await givenTo('u')).toEqual(['1 given']);
  });

  it('two people are never one account of a platform, and then nothing of the delivery is written', async () => {
    await learn('u', { account: known('acc-1') });
    const row = await claimed('v');
    await expect(wrote(row, { account: known('acc-1'), put: [given('1')] })).rejects.toBeInstanceOf(Conflict);
    expect(await world.store.ledger.of(key('v'))).toEqual({ account: null, given: [] });
    expect(await waitingFor('v')).toEqual(row);
    await wrote(row, { account: known('acc-2') });
    // At another platform, and in another tenant, the same id is another account; not known yet is nobody's.
    for (const at of [
      { ...lane, platform: 'webhook' },
      { ...lane, tenantId: 'ledger-other' },
    ])
      await learn('v', { account: known('acc-1') }, { at });
    for (const userId of ['x', 'y']) await learn(userId, { account: known(null) });
    expect([await world.store.ledger.owner(lane, 'acc-1'), await world.store.ledger.owner(lane, 'acc-2')]).toEqual(['u', 'v']);
    expect(await world.store.ledger.owner({ ...lane, platform: 'webhook' }, 'acc-1')).toBe('v');
    expect(await world.store.ledger.owner(lane, 'acc-9')).toBeNull();
  });

  it('what is to be done by hand is listed whole, the oldest first, a page at a time', async () => {
    const ways: Given[] = [
      given('1', 'give-by-hand'),
      given('2', 'take-by-hand'),
      given('1', 'give-by-hand', { kind: 'group' }),
      given('9'),
      given('8', 'foreign'),
    ];
    for (const [i, userId] of ['late', 'b', 'a'].entries())
      for (const platform of ['lms', 'webhook']) await learn(userId, { put: ways }, { at: { ...lane, platform }, now: later(i === 0 ? 50 : 7) });
    await learn('a', { put: ways }, { at: { ...lane, tenantId: 'ledger-other' } });
    for (const limit of [1, 4, 5, 100]) {
      const seen: PlatformGiven[] = [];
      for (let after: PlatformGiven | null = null; ; ) {
        const page: PlatformGiven[] = await world.store.ledger.tasks(lane.tenantId, { after, limit });
        seen.push(...page);
        if (page.length < limit) break;
        after = page.at(-1)!;
      }
      expect(new Set(seen.map((row) => JSON.stringify(row))).size).toBe(18);
      expect(seen.map(({ userId }) => userId)).toEqual(['a', 'b', 'late'].flatMap((userId) => Array.from({ length: 6 }, () => userId)));
    }
  });

  it('what was given by hand is given, what was taken by hand is gone, and twice is too often', async () => {
    const { ledger } = world.store;
    await learn('u', { put: [given('1', 'give-by-hand'), given('2', 'take-by-hand'), given('3')] });
    const give = (await ledger.task({ ...key('u'), kind: 'course', id: '1' }))!;
    const take = (await ledger.task({ ...key('u'), kind: 'course', id: '2' }))!;
    expect([give.state, take.state]).toEqual(['give-by-hand', 'take-by-hand']);
    expect(await ledger.task({ ...key('u'), kind: 'course', id: '3' })).toBeNull();
    expect(await ledger.task({ ...key('u'), kind: 'group', id: '1' })).toBeNull();
    expect(await ledger.task({ ...key('v'), kind: 'course', id: '1' })).toBeNull();
    expect([await ledger.tick(give, later(5)), await ledger.tick(take, later(5))]).toEqual([true, true]);
    expect([await ledger.tick(give, later(6)), await ledger.tick(take, later(6))]).toEqual([false, false]);
    expect(await givenTo('u')).toEqual(['1 given', '3 given']);
    expect((await ledger.of(key('u'))).given.find(({ id }) => id === '1')?.since).toEqual(later(5));
    expect(await ledger.tasks(lane.tenantId, { after: null, limit: 5 })).toEqual([]);
  });

  it('a task that became another one meanwhile cannot be ticked off as it was', async () => {
    const { ledger } = world.store;
    await learn('u', { put: [given('1', 'give-by-hand')] });
    const give = (await ledger.task({ ...key('u'), kind: 'course', id: '1' }))!;
    await learn('u', { put: [given('1', 'take-by-hand')] });
    expect(await ledger.tick(give, later(5))).toBe(false);
    expect(await givenTo('u')).toEqual(['1 take-by-hand']);
  });

  it('targets that a platform does not know are counted by platform and target', async () => {
    const unknown = (id: string) => given(id, 'unknown', { kind: 'target' });
    for (const userId of ['u', 'v']) await learn(userId, { put: [unknown('bundle:b'), given('1')] });
    await learn('w', { put: [unknown('bundle:a')] });
    await learn('u', { put: [unknown('bundle:b')] }, { at: { ...lane, platform: 'a-lms' } });
    await learn('u', { put: [unknown('bundle:b')] }, { at: { ...lane, tenantId: 'ledger-other' } });
    expect(await world.store.ledger.unknown(lane.tenantId)).toEqual([
      { platform: 'a-lms', target: 'bundle:b', people: 1 },
      { platform: 'lms', target: 'bundle:a', people: 1 },
      { platform: 'lms', target: 'bundle:b', people: 2 },
    ]);
  });

  it('people and those with something in a state are paged by id, each once', async () => {
    const { ledger } = world.store;
    const users = Array.from({ length: 7 }, (_, i) => `u${i}`);
    for (const userId of users)
      await learn(userId, { account: known(`acc-${userId}`), put: [given('1', userId < 'u5' ? 'queued' : 'given'), given('2', 'queued')] });
    await learn('u00', { account: known('acc'), put: [given('1', 'queued')] }, { at: { ...lane, platform: 'webhook' } });
    await learn('u00', { account: known('acc'), put: [given('1', 'queued')] }, { at: { ...lane, tenantId: 'ledger-other' } });
    const walk = async (read: (after: string | null) => Promise<string[]>) => {
      const seen: string[] = [];
      for (let page = await read(null); page.length > 0; page = await read(page.at(-1)!)) seen.push(...page);
      return seen;
    };
    expect(await walk(async (after) => (await ledger.people(lane, { after, limit: 3 })).map(({ userId }) => userId))).toEqual(users);
    expect(await walk((after) => ledger.usersWith(lane, { state: 'queued', after, limit: 2 }))).toEqual(users);
    expect(await walk((after) => ledger.usersWith(lane, { state: 'given', after, limit: 2 }))).toEqual(['u5', 'u6']);
    expect(await walk((after) => ledger.usersWith(lane, { state: 'foreign', after, limit: 2 }))).toEqual([]);
  });

  it('a platform that is forgotten is, and no other', async () => {
    const others = [
      { ...lane, platform: 'webhook' },
      { ...lane, tenantId: 'ledger-other' },
    ];
    for (const at of [lane, ...others]) {
      await learn('u', { account: known('acc-1'), put: [given('1')] }, { at });
      await claimed('v', { at });
    }
    await world.store.ledger.forget(lane);
    expect(await world.store.ledger.of(key('u'))).toEqual({ account: null, given: [] });
    expect(await waitingFor('v')).toBeNull();
    for (const at of others) {
      expect([(await world.store.ledger.of(key('u', at))).account?.accountId, await givenTo('u', at)]).toEqual(['acc-1', ['1 given']]);
      expect(await world.store.outbox.one(key('v', at))).not.toBeNull();
    }
  });

  it('of who is erased neither ledger nor outbox keeps a row, and of others all', async () => {
    const gone = { tenantId: lane.tenantId, status: 'suspended' as const };
    const one = person('erased', gone);
    await world.store.apply.apply([write(creation('ledger-erased', one)), write(creation('ledger-stays', person('stays', gone)))], NOW);
    for (const userId of ['erased', 'stays'])
      for (const platform of ['lms', 'webhook']) {
        await learn(userId, { account: known(`acc-${userId}`), put: [given('1')] }, { at: { ...lane, platform } });
        await claimed(userId, { at: { ...lane, platform } });
      }
    // Somebody of the same id elsewhere.
    await learn('erased', { account: known('acc-1') }, { at: { ...lane, tenantId: 'ledger-other' } });
    await world.store.upkeep.erase(one.user, entry('ledger-erasure', { tenantId: lane.tenantId }));
    const { outbox, platformAccount, platformGiven } = world.db.tables;
    for (const table of [outbox, platformAccount, platformGiven]) {
      const rows = await world.db.query.select({ tenantId: table.tenantId, userId: table.userId, platform: table.platform }).from(table);
      const mine = rows.filter(({ tenantId }) => tenantId === lane.tenantId).map(({ userId, platform }) => `${userId} ${platform}`);
      expect(mine.sort()).toEqual(['stays lms', 'stays webhook']);
    }
    expect(await world.store.ledger.owner({ ...lane, tenantId: 'ledger-other' }, 'acc-1')).toBe('erased');
  });

  it('what is written of one person, platform or tenant is not seen in another', async () => {
    await learn('u', { account: known('acc-1'), put: [given('1', 'give-by-hand')] });
    for (const at of [
      { ...lane, platform: 'webhook' },
      { ...lane, tenantId: 'ledger-other' },
    ]) {
      const { ledger } = world.store;
      expect(await ledger.of(key('u', at))).toEqual({ account: null, given: [] });
      expect(await ledger.owner(at, 'acc-1')).toBeNull();
      expect(await ledger.people(at, { after: null, limit: 5 })).toEqual([]);
      expect(await ledger.usersWith(at, { state: 'give-by-hand', after: null, limit: 5 })).toEqual([]);
      const task = { ...(await ledger.task({ ...key('u'), kind: 'course', id: '1' }))!, ...at };
      expect([await ledger.task(task), await ledger.tick(task, NOW)]).toEqual([null, false]);
      // Drops go by the whole key.
      await learn('u', { drop: [given('1')] }, { at });
      await learn('v', { drop: [given('1')] });
    }
    expect(await world.store.ledger.tasks('ledger-other', { after: null, limit: 5 })).toEqual([]);
    expect(ids((await world.store.ledger.of(key('u'))).given)).toEqual(['1']);
  });
}
