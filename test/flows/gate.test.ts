import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NotCalled, TransientFailure } from '../../src/connectors/connector.ts';
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

  it('what was begun is ended before more is begun, of learners and of others', async () => {
    const { enter } = gate({ perMinute: null, concurrent: 1 });
    const begun = ['usual', 'learner'].map((name) => ({ name, urgent: name === 'learner', signal: new AbortController().signal }));
    for (const { signal, urgent } of begun) (await enter(signal, { counted: true, urgent }))();
    const leave = await enter(never, usual);
    const order: string[] = [];
    const wait = (name: string, signal: AbortSignal, urgent: boolean) =>
      enter(signal, { counted: true, urgent }).then((leaveIt) => {
        order.push(name);
        leaveIt();
      });
    const fresh = [false, true].map((urgent) => wait(urgent ? 'new learner' : 'new', new AbortController().signal, urgent));
    const again = begun.map(({ name, urgent, signal }) => wait(name, signal, urgent));
    leave();
    await Promise.all([...fresh, ...again]);
    expect(order).toEqual(['learner', 'new learner', 'usual', 'new']);
  });

  it('whoever leaves while the counter is away brings nobody down: who waits is told', async () => {
    const { enter } = gate({ perMinute: 60, concurrent: 1 });
    const leave = await enter(never, usual);
    const waiting = [enter(never, usual), enter(never, { counted: true, urgent: true })];
    const told = waiting.map((one) => one.then(() => 'let in').catch((error: unknown) => error));
    await kv.close();
    await database.close();
    leave();
    for (const one of await Promise.all(told)) expect(one).toBeInstanceOf(NotCalled);
    database = await openDatabase('sqlite::memory:');
    kv = createDatabaseKv(database, now);
  });

  it('whose time is over waits no longer, and takes nobody’s place', async () => {
    const { enter } = gate({ perMinute: null, concurrent: 1 });
    const leave = await enter(never, usual);
    const ending = new AbortController();
    const late = enter(ending.signal, usual);
    const next = enter(never, usual);
    ending.abort();
    await expect(late).rejects.toBeInstanceOf(TransientFailure);
    await expect(late).rejects.toBeInstanceOf(NotCalled);
    await expect(late).rejects.toMatchObject({ code: 'timeout', scope: 'platform', retryAfterMs: null });
    leave();
    expect(typeof (await next)).toBe('function');
    const over = AbortSignal.abort();
    await expect(enter(over, usual)).rejects.toMatchObject({ code: 'timeout' });
  });

  it('whoever had a turn before, and then no time, is told that it was too short', async () => {
    const { enter } = gate({ perMinute: null, concurrent: 1 });
    const ending = new AbortController();
    (await enter(ending.signal, usual))();
    const leave = await enter(never, usual);
    const late = enter(ending.signal, usual);
    const other = new AbortController();
    const never2 = enter(other.signal, usual);
    ending.abort();
    other.abort();
    await expect(late).rejects.toMatchObject({ begun: true });
    await expect(never2).rejects.toMatchObject({ begun: false });
    leave();
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
    const refused = { code: 'network', scope: 'platform', retryAfterMs: 2000 };
    for (const one of [enter(never, usual), enter(never, usual)]) {
      await expect(one).rejects.toBeInstanceOf(NotCalled);
      await expect(one).rejects.toMatchObject(refused);
    }
    database = await openDatabase('sqlite::memory:');
  });
});
