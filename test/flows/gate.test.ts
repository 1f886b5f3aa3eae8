import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TransientFailure } from '../../src/connectors/connector.ts';
import { createTurnstile, type Turnstile } from '../../src/flows/gate.ts';
import { createDatabaseKv } from '../../src/kv/database.ts';
import type { Kv } from '../../src/kv/kv.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';

/** Long enough for whoever may pass to have passed. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 120));
const never = new AbortController().signal;
const usual = { counted: true, urgent: false };

describe('the gate before a platform', () => {
  let database: Database;
  let kv: Kv;
  let clock: number;
  const now = () => new Date(clock);
  const gate = (limits: { perMinute: number | null; concurrent: number }): Turnstile => createTurnstile({ kv, key: 'acme:school', limits, now });
  beforeEach(async () => {
    clock = Date.parse('2026-11-27T08:00:00Z');
    database = await openDatabase('sqlite::memory:');
    kv = createDatabaseKv(database, now);
  });
  afterEach(async () => {
    await kv.close();
    await database.close();
  });

  it('lets so many in at a time, and the next when one leaves', async () => {
    const { enter } = gate({ perMinute: null, concurrent: 2 });
    const [first] = await Promise.all([enter(never, usual), enter(never, usual)]);
    let third = false;
    void enter(never, usual).then(() => {
      third = true;
    });
    await settle();
    expect(third).toBe(false);
    first();
    first(); // leaving twice makes no room for two
    await settle();
    expect(third).toBe(true);
    let fourth = false;
    void enter(never, usual).then(() => {
      fourth = true;
    });
    await settle();
    expect(fourth).toBe(false);
  });

  it.each([120, 25, 12, 7, 1])('never lets more than %i through in any minute, over two processes; and does let them through', async (perMinute) => {
    const gates = [gate({ perMinute, concurrent: 1000 }), gate({ perMinute, concurrent: 1000 })];
    const passed: number[] = [];
    const stop = new AbortController();
    for (let i = 0; i < perMinute * 4; i++)
      gates[i % 2]!.enter(stop.signal, usual).then(
        () => void passed.push(clock),
        () => {},
      );
    for (let second = 0; second < 180; second += 5) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      clock += 5000;
    }
    stop.abort();
    await settle();
    for (const at of passed) expect(passed.filter((other) => other >= at && other < at + 60_000).length).toBeLessThanOrEqual(perMinute);
    expect(passed.length).toBeGreaterThanOrEqual(perMinute);
  });

  it('who is signing in passes before everybody who waits', async () => {
    const { enter } = gate({ perMinute: null, concurrent: 1 });
    const leave = await enter(never, usual);
    const order: string[] = [];
    const wait = (name: string, urgent: boolean) =>
      enter(never, { counted: true, urgent }).then((leaveIt) => {
        order.push(name);
        leaveIt();
      });
    const all = [wait('first', false), wait('second', false), wait('learner', true)];
    leave();
    await Promise.all(all);
    expect(order).toEqual(['learner', 'first', 'second']);
  });

  it('whose time is over waits no longer, and takes nobody’s place', async () => {
    const { enter } = gate({ perMinute: null, concurrent: 1 });
    const leave = await enter(never, usual);
    const ending = new AbortController();
    const late = enter(ending.signal, usual);
    const next = enter(never, usual);
    ending.abort();
    await expect(late).rejects.toBeInstanceOf(TransientFailure);
    await expect(late).rejects.toMatchObject({ code: 'timeout', scope: 'platform' });
    leave();
    expect(typeof (await next)).toBe('function');
    const over = AbortSignal.abort();
    await expect(enter(over, usual)).rejects.toMatchObject({ code: 'timeout' });
  });

  it('calls that the platform does not count wait for no permit', async () => {
    const { enter } = gate({ perMinute: 1, concurrent: 10 });
    (await enter(never, usual))();
    let passed = 0;
    const all = Array.from({ length: 5 }, () => enter(never, { counted: false, urgent: false }).then(() => passed++));
    const ending = new AbortController();
    const counted = enter(ending.signal, usual);
    await Promise.all(all);
    await settle();
    expect(passed).toBe(5);
    ending.abort();
    await expect(counted).rejects.toMatchObject({ code: 'timeout' });
  });

  it('lets nobody through uncounted while the counter is away', async () => {
    const { enter } = gate({ perMinute: 60, concurrent: 10 });
    await database.close();
    await expect(Promise.all([enter(never, usual), enter(never, usual)])).rejects.toMatchObject({ name: 'KvUnavailable' });
    database = await openDatabase('sqlite::memory:');
  });
});
