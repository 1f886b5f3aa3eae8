/** Redis away: every call is told so quickly, nothing is done late, and it works again by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Kv, KvUnavailable } from '../../src/kv/kv.ts';
import { createRedisKv } from '../../src/kv/redis.ts';
import { describeWith, redisUrl, uniqueName } from '../services.ts';
import { type Wire, wireTo } from '../store/proxy.ts';

describeWith('redis', 'Redis away', () => {
  const TTL = 60_000;
  let wire: Wire;
  let kv: Kv;
  beforeAll(async () => {
    const url = new URL(redisUrl);
    wire = await wireTo(url.hostname, Number(url.port));
    url.port = String(wire.port);
    kv = createRedisKv(url.href, { prefix: `${uniqueName('matricula-test')}:`, connectMs: 200, answerMs: 200 });
  });
  afterAll(async () => {
    await kv.close();
    await wire.cut();
  });
  const everyUse = () => [
    kv.get('login', 'k'),
    kv.set('login', 'k', 'v', TTL),
    kv.add('replay', 'k', 'v', TTL),
    kv.take('login', 'k'),
    kv.delete('login', 'k'),
    kv.increment('rate', 'k', TTL),
    kv.ping(),
  ];
  const refused = async (work: Promise<unknown>[]) => {
    const results = await Promise.allSettled(work);
    expect(results.map((r) => r.status === 'rejected' && r.reason instanceof KvUnavailable)).toEqual(work.map(() => true));
  };
  const back = async () => {
    for (let tries = 0; tries < 100; tries++) {
      const answered = await kv.ping().then(
        () => true,
        () => false,
      );
      if (answered) return;
      await sleep(20);
    }
    throw new Error('it never came back');
  };

  it('the first question waits for the connection', async () => {
    await kv.set('login', 'first', 'v', TTL);
    expect(await kv.get('login', 'first')).toBe('v');
  });

  it('a cut connection: all are told, many at once too, and nothing of it is done afterwards', async () => {
    await wire.cut();
    await refused(everyUse());
    await refused(Array.from({ length: 50 }, () => kv.increment('rate', 'late', TTL)));
    await refused([kv.add('replay', 'late', 'v', TTL)]);
    await wire.mend();
    await back();
    expect(await kv.add('replay', 'late', 'v', TTL)).toBe(true);
    expect(await kv.increment('rate', 'late', TTL)).toMatchObject({ count: 1 });
    expect(await kv.get('login', 'first')).toBe('v');
  });

  it('a connection that dies with questions on it: they are told, and are not asked again', async () => {
    wire.mute();
    const asked = Array.from({ length: 5 }, () => kv.increment('rate', 'dying', TTL));
    const told = refused(asked);
    await wire.cut();
    await told;
    await wire.mend();
    await back();
    expect(await kv.increment('rate', 'dying', TTL)).toMatchObject({ count: 1 });
  });

  it('a server that says nothing: all are told', async () => {
    wire.mute();
    await refused(everyUse());
    await wire.cut();
    await wire.mend();
    await back();
  });

  it('a server that was never there: all are told, and the message quotes no password', async () => {
    const none = createRedisKv('redis://someone:hunter2@127.0.0.1:1', { connectMs: 100 });
    const error = await none.get('login', 'k').catch((e: unknown) => e as Error);
    expect(error).toBeInstanceOf(KvUnavailable);
    expect(JSON.stringify([String(error), error, (error as Error).stack])).not.toContain('hunter2');
    await none.close();
  });

  it('a closed kv refuses and does not come back', async () => {
    const closed = createRedisKv(redisUrl);
    await closed.ping();
    await closed.close();
    await expect(closed.ping()).rejects.toBeInstanceOf(KvUnavailable);
  });
});
