import { beforeAll, expect, it } from '@jest/globals';
import { creation, later, NOW, person, write } from './makers.ts';
import type { World } from './suite.ts';

export function outboxPromises(world: World): void {
  const tenantId = 'outbox';
  const ROWS = 60;
  const until = later(60_000);

  beforeAll(async () => {
    const { outbox } = world.db.tables;
    await world.db.query.delete(outbox); // what the promises before this one left
    for (let i = 0; i < ROWS; i++) {
      const plan = creation(`outbox-${i}`, person(`outbox-${i}`, { tenantId }));
      await world.store.apply.apply([write(plan)], later(i));
    }
  });

  it('nothing is due before its time', async () => {
    expect(await world.store.outbox.claim('early', 10, later(-1), until)).toEqual([]);
    expect(await world.store.outbox.waiting()).toBe(ROWS);
    expect([await world.store.outbox.waiting(tenantId), await world.store.outbox.waiting('other')]).toEqual([ROWS, 0]);
  });

  it('eight workers together claim every row once', async () => {
    const claimed: string[] = [];
    for (let round = 0; round < 60 && claimed.length < ROWS; round++) {
      const got = await Promise.all(Array.from({ length: 8 }, (_, w) => world.store.outbox.claim(`w${w}`, 5, later(1000), until)));
      claimed.push(...got.flat().map((row) => row.id));
    }
    expect(claimed).toHaveLength(ROWS);
    expect(new Set(claimed).size).toBe(ROWS);
  });

  it('a claim that ran out can be taken by another, and the first then changes nothing', async () => {
    const expired = later(60_000);
    const [row] = await world.store.outbox.claim('second', 1, expired, later(120_000));
    expect(row).toMatchObject({
      tenantId,
      userId: 'outbox-0',
      platform: 'lms',
      planId: 'outbox-0',
      claimedBy: 'second',
      attempts: 0,
      dueAt: NOW,
      effects: { gained: ['bundle:basics', 'collection:more'], lost: [], status: { from: null, to: 'active' } },
    });
    await world.store.outbox.done(row!, 'first');
    await world.store.outbox.retry(row!, 'first', expired, 'too late');
    expect(await world.store.outbox.waiting()).toBe(ROWS);
    await world.store.outbox.done(row!, 'second');
    expect(await world.store.outbox.waiting()).toBe(ROWS - 1);
  });

  it('a row given back is free again from its new time, one attempt more', async () => {
    const expired = later(60_000);
    const [row] = await world.store.outbox.claim('third', 1, expired, later(120_000));
    await world.store.outbox.retry(row!, 'third', later(500_000), 'platform answered 500');
    const rest = await world.store.outbox.claim('fourth', ROWS, expired, later(400_000));
    expect(rest).toHaveLength(ROWS - 2);
    const again = await world.store.outbox.claim('fifth', ROWS, later(500_000), later(600_000));
    const mine = again.find((r) => r.id === row!.id);
    expect(mine).toMatchObject({ attempts: 1, failedReason: 'platform answered 500', claimedBy: 'fifth' });
  });
}
