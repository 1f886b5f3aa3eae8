import { beforeEach, expect, it } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { type OutboxKey, type OutboxRow, PLACE, type Wanted } from '../../src/store/outbox.ts';
import { creation, edit, entry, grant, later, mapping, NOW, person, tenantRow, write } from './makers.ts';
import type { World } from './suite.ts';

/** One row per (tenant, platform, user), claimed, freed, buried, revived. What ends a delivery is in suite-ledger.ts. */
export function outboxPromises(world: World): void {
  const lane = { tenantId: 'outbox', platform: 'lms' };
  const other = { tenantId: 'outbox-other', platform: 'lms' };
  const failed = { code: 'upstream', reason: 'the platform answered 500' };
  const dead = { dueAt: later(4), failed };
  const wanted = (userId: string, over: Partial<Wanted> = {}): Wanted => ({
    ...{ ...lane, userId, id: `${userId}:${over.platform ?? 'lms'}`, place: PLACE.change, look: false },
    ...over,
  });
  const put = (rows: Wanted[], ms = 0) => world.store.outbox.enqueue(rows, later(ms));
  const claim = (worker: string, { ms = 0, limit = 100, at = lane }: { ms?: number; limit?: number; at?: typeof lane } = {}) =>
    world.store.outbox.claim(at, { worker, limit, now: later(ms), until: later(ms + 60_000) });
  const one = async (userId: string, at = lane): Promise<OutboxRow> => (await world.store.outbox.one({ ...at, userId }))!;
  const names = (rows: OutboxRow[]) => rows.map(({ userId }) => userId);
  const all = async () => {
    const { outbox } = world.db.tables;
    return (await world.db.query.select().from(outbox).orderBy(outbox.tenantId, outbox.platform, outbox.userId)) as OutboxRow[];
  };

  beforeEach(async () => void (await world.db.query.delete(world.db.tables.outbox)));

  it('two plans of one person leave one row, which keeps its turn and says that there were two', async () => {
    const before = person('two-plans', { tenantId: lane.tenantId });
    const told = { deliveries: [{ platform: 'lms', place: PLACE.change }] };
    await world.store.apply.apply([write(creation('first', before), told)], NOW);
    await world.store.apply.apply([write(edit('second', before, { come: [grant(before.user, 'group:new')] }), told)], later(500));
    expect(await all()).toEqual([
      {
        ...{ ...lane, userId: 'two-plans', id: 'first:lms', wanted: 2, place: PLACE.change, look: 0, attempts: 0 },
        ...{ dueAt: later(500), createdAt: NOW, claimedBy: null, claimedUntil: null, failedCode: null, failedReason: null },
      },
    ]);
  });

  it('a sign-in gives a better place, and nothing a worse one', async () => {
    await put([wanted('u', { place: PLACE.lookAfter, look: true })]);
    const places = [];
    for (const place of [PLACE.change, PLACE.lookAfter, PLACE.signIn, PLACE.change, PLACE.lookAfter]) {
      await put([wanted('u', { place })], 1);
      places.push((await one('u')).place);
    }
    expect(places).toEqual([1, 1, 0, 0, 0]);
    // Whoever was to be looked at still is.
    expect(await one('u')).toMatchObject({ look: 1, wanted: 6, createdAt: NOW });
  });

  it('one person twice in what is put there together is one plan', async () => {
    await put([wanted('u'), wanted('u', { place: PLACE.signIn }), wanted('u', { platform: 'webhook' })]);
    expect((await all()).map(({ platform, wanted: n, place }) => [platform, n, place])).toEqual([
      ['lms', 1, 0],
      ['webhook', 1, 1],
    ]);
  });

  it('people come in the order place, since when, user; nothing is due before its time', async () => {
    await put([wanted('b'), wanted('a')], 10);
    await put([wanted('z')], 5);
    await put([wanted('looked', { place: PLACE.lookAfter })], 1);
    await put([wanted('second', { place: PLACE.signIn })], 20);
    await put([wanted('first', { place: PLACE.signIn })], 15);
    expect(await claim('early', { ms: 0 })).toEqual([]);
    expect(names(await claim('w', { ms: 100, limit: 2 }))).toEqual(['first', 'second']);
    expect(names(await claim('w', { ms: 100 }))).toEqual(['z', 'a', 'b', 'looked']);
    expect(await claim('w', { ms: 100 })).toEqual([]);
  });

  it('eight workers together claim every row once', async () => {
    await put(Array.from({ length: 60 }, (_, i) => wanted(`u${i}`)));
    const claimed: OutboxRow[] = [];
    for (let round = 0; round < 60 && claimed.length < 60; round++) {
      const got = await Promise.all(Array.from({ length: 8 }, (_, w) => claim(`w${w}`, { limit: 5 })));
      for (const [w, rows] of got.entries()) {
        expect(rows.length).toBeLessThanOrEqual(5);
        expect(rows.every(({ claimedBy }) => claimedBy === `w${w}`)).toBe(true);
        claimed.push(...rows);
      }
    }
    expect(claimed).toHaveLength(60);
    expect(new Set(names(claimed)).size).toBe(60);
  });

  it('of eight who want one person exactly one has them, where they are due, and never a dead letter', async () => {
    await put([wanted('v')], 1000);
    expect(await world.store.outbox.claimOne({ ...lane, userId: 'v' }, { worker: 'w', now: later(999), until: later(60_000) })).toBeNull();
    await put([wanted('u')]);
    const race = () =>
      Promise.all(
        Array.from({ length: 8 }, (_, w) =>
          world.store.outbox.claimOne({ ...lane, userId: 'u' }, { worker: `w${w}`, now: NOW, until: later(60_000) }),
        ),
      );
    const [row, ...more] = (await race()).filter((got) => got !== null);
    expect([row?.userId, more]).toEqual(['u', []]);
    expect(row).toEqual(await one('u'));
    expect((await race()).filter((got) => got !== null)).toEqual([]);
    await world.store.outbox.bury(row!, row!.claimedBy!, dead);
    expect((await race()).filter((got) => got !== null)).toEqual([]);
    expect(await world.store.outbox.claimOne({ ...lane, userId: 'nobody' }, { worker: 'w', now: NOW, until: later(1) })).toBeNull();
  });

  it('lanes are named once each, however many wait in them, and not where all are dead letters', async () => {
    expect(await world.store.outbox.lanes()).toEqual([]);
    const many = (at: typeof lane) => Array.from({ length: 300 }, (_, i) => wanted(`u${i}`, at));
    await put(many(lane));
    await put(many({ ...lane, platform: 'webhook' }));
    await put(many({ ...other, platform: 'a-lms' }));
    await put([
      wanted('u', { ...lane, platform: 'dead' }),
      wanted('u', { ...lane, platform: 'half-dead' }),
      wanted('v', { ...lane, platform: 'half-dead' }),
    ]);
    await put([wanted('u', { ...lane, platform: 'later' })], 1_000_000);
    for (const platform of ['dead', 'half-dead']) {
      const [row] = await claim('w', { at: { ...lane, platform }, limit: 1 });
      await world.store.outbox.bury(row!, 'w', dead);
    }
    expect(await world.store.outbox.lanes()).toEqual([
      { ...lane, platform: 'half-dead' },
      { ...lane, platform: 'later' },
      lane,
      { ...lane, platform: 'webhook' },
      { ...other, platform: 'a-lms' },
    ]);
  });

  it('a claim that ran out passes on, and the first worker then changes nothing', async () => {
    await put([wanted('u')]);
    const [first] = await claim('first');
    expect(await claim('second', { ms: 59_999 })).toEqual([]);
    const [second] = await claim('second', { ms: 60_000 });
    expect(second).toEqual({ ...first, claimedBy: 'second', claimedUntil: later(120_000) });
    await world.store.outbox.release(first!, 'first', { dueAt: later(9), failed });
    await world.store.outbox.retry(first!, 'first', { dueAt: later(9), failed });
    await world.store.outbox.bury(first!, 'first', dead);
    expect(await one('u')).toEqual(second);
  });

  it('a retry counts an attempt, a release does not, and both are free again from their time', async () => {
    await put([wanted('tried'), wanted('released'), wanted('quiet')]);
    const rows = new Map((await claim('w')).map((row) => [row.userId, row]));
    await world.store.outbox.retry(rows.get('tried')!, 'w', { dueAt: later(500), failed });
    await world.store.outbox.release(rows.get('released')!, 'w', { dueAt: later(400), failed: { code: 'timeout', reason: 'late' } });
    await world.store.outbox.release(rows.get('quiet')!, 'w', { dueAt: later(300), failed: null });
    const free = { claimedBy: null, claimedUntil: null };
    expect(await one('tried')).toMatchObject({ ...free, attempts: 1, dueAt: later(500), failedCode: 'upstream', failedReason: failed.reason });
    expect(await one('released')).toMatchObject({ ...free, attempts: 0, dueAt: later(400), failedCode: 'timeout', failedReason: 'late' });
    expect(await one('quiet')).toMatchObject({ ...free, attempts: 0, dueAt: later(300), failedCode: null });
    expect(names(await claim('w', { ms: 400 }))).toEqual(['quiet', 'released']);
    expect(names(await claim('w', { ms: 500 }))).toEqual(['tried']);
    await world.store.outbox.retry(await one('tried'), 'w', { dueAt: later(600), failed });
    expect((await one('tried')).attempts).toBe(2);
  });

  it('what is planned while an attempt goes wrong has attempts of its own, and is no dead letter', async () => {
    await put([wanted('retried'), wanted('buried')]);
    for (let i = 0; i < 3; i++) for (const row of await claim('w')) if (i < 2) await world.store.outbox.retry(row, 'w', { dueAt: NOW, failed });
    const [buried, retried] = [await one('buried'), await one('retried')];
    expect([buried.attempts, retried.attempts]).toEqual([2, 2]);
    await put([wanted('retried', { id: 'later-1' }), wanted('buried', { id: 'later-2', place: PLACE.signIn })], 50);
    await world.store.outbox.retry(retried, 'w', { dueAt: later(500), failed });
    await world.store.outbox.bury(buried, 'w', dead);
    expect(await one('retried')).toMatchObject({
      attempts: 0,
      wanted: 2,
      dueAt: later(50),
      claimedBy: null,
      failedCode: 'upstream',
      id: 'retried:lms',
    });
    expect(await one('buried')).toMatchObject({ attempts: 0, wanted: 2, place: PLACE.signIn, claimedBy: null, failedCode: 'upstream' });
    expect(names(await claim('w', { ms: 50 }))).toEqual(['buried', 'retried']);
  });

  it('a dead letter is not claimed and not waiting, until somebody revives it', async () => {
    await put([wanted('dead'), wanted('dead-too'), wanted('well')]);
    for (const row of await claim('w')) if (row.userId !== 'well') await world.store.outbox.bury(row, 'w', dead);
    expect(await one('dead')).toMatchObject({ place: PLACE.dead, attempts: 1, claimedBy: null, failedCode: 'upstream', failedReason: failed.reason });
    expect(names(await claim('w', { ms: 1_000_000 }))).toEqual(['well']);
    expect(await world.store.outbox.waiting(lane.tenantId)).toBe(1);
    expect(await world.store.outbox.revive({ ...lane, userId: 'well' }, later(5))).toBe(0);
    const comes = (ms: number) => world.store.outbox.revive({ ...lane, userId: 'dead' }, later(ms), { due: true });
    expect([await comes(3), await comes(4)]).toEqual([0, 1]);
    await world.store.outbox.bury((await claim('w', { ms: 4 }))[0]!, 'w', dead);
    expect(await world.store.outbox.revive({ ...lane, userId: 'dead' }, later(5))).toBe(1);
    expect(await one('dead')).toMatchObject({ place: PLACE.change, attempts: 0, dueAt: later(5), id: 'dead:lms', wanted: 1 });
    expect(await world.store.outbox.revive(lane, later(6))).toBe(1);
    expect(await world.store.outbox.revive(lane, later(7))).toBe(0);
    expect(names(await claim('w', { ms: 6 }))).toEqual(['dead', 'dead-too']);
  });

  it('another plan gives a dead letter another life: another id, no attempts, a change’s last turn', async () => {
    await put([wanted('dead')]);
    await world.store.outbox.bury((await claim('w'))[0]!, 'w', dead);
    await put([wanted('dead', { id: 'new-life', place: PLACE.lookAfter })], 700);
    expect(await one('dead')).toMatchObject({
      ...{ id: 'new-life', wanted: 2, place: PLACE.change, attempts: 0, dueAt: later(700), createdAt: later(700) },
      ...{ claimedBy: null, claimedUntil: null },
    });
    expect(names(await claim('w', { ms: 700 }))).toEqual(['dead']);
  });

  it('whom a claim passes over stays as they are', async () => {
    await put(['a', 'b', 'c', 'd'].map((id) => wanted(id)));
    const claimed = await world.store.outbox.claim(lane, { worker: 'w', limit: 2, now: NOW, until: later(60_000), except: ['a', 'c', 'nobody'] });
    expect(names(claimed)).toEqual(['b', 'd']);
    expect(names(await claim('w'))).toEqual(['a', 'c']);
  });

  it('who waits for a time is due when the platform answers again; who is only to be looked after is not', async () => {
    await put([wanted('signing-in', { place: PLACE.signIn }), wanted('changed'), wanted('looked', { place: PLACE.lookAfter })], 5000);
    await put([wanted('due')], 1);
    await put([wanted('tried')]);
    await world.store.outbox.retry((await claim('w'))[0]!, 'w', { dueAt: later(6000), failed });
    const due = async () => Object.fromEntries((await all()).map(({ userId, dueAt }) => [userId, dueAt]));
    await world.store.outbox.hasten(lane, later(10), 'untried');
    const hastened = { 'signing-in': later(10), changed: later(10), looked: later(5000), due: later(1) };
    expect(await due()).toEqual({ ...hastened, tried: later(6000) });
    await world.store.outbox.hasten(lane, later(11), 'all');
    expect(await due()).toEqual({ ...hastened, tried: later(11) });
  });

  it('a lane that nobody is to be delivered in any more is emptied, so many at once, and dead letters stay', async () => {
    await put([...['dead', 'u1', 'u2', 'u3'].map((id) => wanted(id)), wanted('u1', { platform: 'webhook' })]);
    await world.store.outbox.bury((await claim('w', { limit: 1 }))[0]!, 'w', dead);
    await world.store.tenants.create(
      tenantRow(lane.tenantId, { revision: 3 }),
      mapping(lane.tenantId, 1),
      entry('t-drop', { tenantId: lane.tenantId }),
    );
    const drop = (revision: number) => world.store.outbox.drop(lane, { revision, limit: 2 });
    // Not where the tenant has moved since.
    expect([await drop(2), await drop(4), await drop(3), await drop(3), await drop(3)]).toEqual([0, 0, 2, 1, 0]);
    const { tenant, mappingVersion } = world.db.tables;
    await world.db.query.delete(mappingVersion).where(eq(mappingVersion.tenantId, lane.tenantId));
    await world.db.query.delete(tenant).where(eq(tenant.id, lane.tenantId));
    expect((await all()).map(({ userId, platform }) => `${userId} ${platform}`).sort()).toEqual(['dead lms', 'u1 webhook']);
  });

  it('a thousand are put there at once', async () => {
    await put(Array.from({ length: 1000 }, (_, i) => wanted(`u${String(i).padStart(4, '0')}`)));
    expect(await world.store.outbox.waiting()).toBe(1000);
    await put(
      Array.from({ length: 1000 }, (_, i) => wanted(`u${String(i).padStart(4, '0')}`)),
      1,
    );
    const rows = await all();
    expect([rows.length, new Set(rows.map((row) => row.wanted))]).toEqual([1000, new Set([2])]);
    await put([]);
  });

  it('it is full with as many as that who wait, dead letters left out', async () => {
    await put(Array.from({ length: 5 }, (_, i) => wanted(`u${i}`)));
    await world.store.outbox.bury((await claim('w', { limit: 1 }))[0]!, 'w', dead);
    await put(Array.from({ length: 5 }, (_, i) => wanted(`u${i}`, { platform: 'webhook' })));
    const full = (limit: number) => world.store.outbox.isFull([{ ...lane, platform: 'none' }, lane], limit);
    expect([await full(1), await full(4), await full(5), await full(1000)]).toEqual([true, true, false, false]);
    expect(await world.store.outbox.isFull([other, { ...lane, platform: 'none' }], 1)).toBe(false);
  });

  it('it is listed whole, a page at a time, however many platforms hear of one plan', async () => {
    const platforms = ['lms', 'webhook', 'third'];
    const plans = ['a', 'b', 'c'].map((id) =>
      write(creation(`list-${id}`, person(`list-${id}`, { tenantId: lane.tenantId })), {
        deliveries: platforms.map((platform) => ({ platform, place: PLACE.change })),
      }),
    );
    await world.store.apply.apply(plans, NOW);
    const { outbox } = world.store;
    await outbox.bury((await claim('w', { limit: 1 }))[0]!, 'w', dead);
    const walk = async (filter: { platform?: string; dead?: boolean }) => {
      const seen: string[] = [];
      for (let after: string | null = null; ; ) {
        const page: OutboxRow[] = await outbox.list(lane.tenantId, { ...filter, after, limit: 2 });
        seen.push(...page.map(({ userId, platform }) => `${userId} ${platform}`));
        if (page.length < 2) return seen.sort();
        after = page.at(-1)!.id;
      }
    };
    const whole = ['a', 'b', 'c'].flatMap((id) => platforms.map((platform) => `list-${id} ${platform}`)).sort();
    expect(await walk({})).toEqual(whole);
    expect(await walk({ platform: 'third' })).toEqual(['list-a third', 'list-b third', 'list-c third']);
    expect(await walk({ dead: true })).toEqual(['list-a lms']);
    expect(await walk({ dead: false })).toEqual(whole.filter((row) => row !== 'list-a lms'));
    expect(await walk({ platform: 'lms', dead: false })).toEqual(['list-b lms', 'list-c lms']);
  });

  it('each platform’s rows are counted, with the one who waits longest', async () => {
    await put([wanted('a', { place: PLACE.lookAfter }), wanted('dead')], 7);
    await put([wanted('b', { place: PLACE.signIn })], 9);
    await put([wanted('only-dead', { platform: 'webhook' })], 3);
    for (const row of [...(await claim('w', { ms: 10 })), ...(await claim('w', { ms: 10, at: { ...lane, platform: 'webhook' } }))])
      if (row.userId.includes('dead')) await world.store.outbox.bury(row, 'w', dead);
    expect(await world.store.outbox.counts(lane.tenantId)).toEqual([
      { ...lane, waiting: 2, dead: 1, oldest: later(7) },
      { ...lane, platform: 'webhook', waiting: 0, dead: 1, oldest: null },
    ]);
  });

  it('what is asked or done of one tenant, platform or person leaves all others as they are', async () => {
    const { outbox } = world.store;
    const elsewhere: OutboxKey[] = [
      { ...other, userId: 'u' },
      { ...lane, platform: 'webhook', userId: 'u' },
      { ...lane, userId: 'v' },
    ];
    const prepare = async () => {
      await put([...elsewhere.map((key) => wanted(key.userId, { ...key, id: `${key.tenantId}-${key.platform}-${key.userId}` })), wanted('u')]);
    };
    const others = async () => (await all()).filter((row) => !(row.tenantId === lane.tenantId && row.platform === 'lms' && row.userId === 'u'));
    await prepare();
    const before = await others();
    expect(before).toHaveLength(3);
    const key = { ...lane, userId: 'u' };
    const claimed = () => outbox.claimOne(key, { worker: 'w', now: NOW, until: later(60_000) });
    await put([wanted('u', { place: PLACE.signIn })]);
    await outbox.release((await claimed())!, 'w', { dueAt: NOW, failed });
    await outbox.retry((await claimed())!, 'w', { dueAt: NOW, failed });
    await outbox.bury((await claimed())!, 'w', dead);
    expect(await others()).toEqual(before);
    expect((await outbox.ofUser(lane.tenantId, 'u')).map(({ platform }) => platform).sort()).toEqual(['lms', 'webhook']);
    expect(names(await outbox.ofUser(other.tenantId, 'u'))).toEqual(['u']);
    expect(await outbox.one({ ...other, platform: 'webhook', userId: 'u' })).toBeNull();
    expect(await outbox.list(other.tenantId, { after: null, limit: 10 })).toHaveLength(1);
    expect(await outbox.counts(other.tenantId)).toEqual([{ ...other, waiting: 1, dead: 0, oldest: NOW }]);
    expect([await outbox.waiting(), await outbox.waiting(lane.tenantId), await outbox.waiting(other.tenantId)]).toEqual([3, 2, 1]);
    // Claims of one lane, too, though the same person waits in another.
    await outbox.revive(lane, NOW);
    await outbox.hasten(lane, NOW, 'all');
    expect(names(await claim('lane', { limit: 10 }))).toEqual(['u', 'v']);
    expect((await all()).filter(({ claimedBy }) => claimedBy !== null).map(({ tenantId, platform }) => `${tenantId} ${platform}`)).toEqual([
      'outbox lms',
      'outbox lms',
    ]);
    await put([wanted('far', { ...other })], 9000);
    await outbox.bury((await outbox.claimOne({ ...other, userId: 'u' }, { worker: 'w', now: NOW, until: later(1) }))!, 'w', dead);
    expect(await outbox.revive(lane, NOW)).toBe(0);
    await outbox.hasten(lane, NOW, 'all');
    expect([(await one('u', other)).place, (await one('far', other)).dueAt]).toEqual([PLACE.dead, later(9000)]);
  });
}
