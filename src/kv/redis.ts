import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type Kv, KvUnavailable, storedKey } from './kv.ts';

export interface RedisKvOptions {
  /** Before every key. Default `matricula:`. */
  prefix?: string;
  /** How long a request waits for a connection that is being made, in milliseconds. Default 1000. */
  connectMs?: number;
  /** How long a request waits for an answer, in milliseconds. Default 2000. */
  answerMs?: number;
}

/** Counts up, and gives a key without an end its end: one step, so that no window stays open for ever. */
const INCREMENT = `
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}`;

/** The value is the moment until which all permits that were taken are paid for (GCRA), by the server's clock: one for all processes. */
const SPEND = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local interval = tonumber(ARGV[1])
local tolerance = interval * (tonumber(ARGV[2]) - 1)
local paid = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
if paid > now + tolerance then return paid - tolerance - now end
redis.call('SET', KEYS[1], string.format('%.0f', paid + interval), 'PX', string.format('%.0f', paid + interval - now))
return 0`;

/**
 * kv on Redis 6.2 or later, for several processes. While Redis is away every call rejects with `KvUnavailable` after `connectMs` at
 * most; the connection comes back by itself. No command is ever sent late or twice: what was not answered was perhaps done, and
 * says so by `KvUnavailable`.
 */
export function createRedisKv(url: string, { prefix = 'matricula:', connectMs = 1000, answerMs = 2000 }: RedisKvOptions = {}): Kv {
  const redis = connect(url, answerMs);
  const ready = gate(redis);
  const name = (space: string, key: string) => `${prefix}${space}:${storedKey(key)}`;
  const ask = async <T>(command: () => Promise<T>): Promise<T> => {
    try {
      if (redis.status !== 'ready') await ready(connectMs);
      return await command();
    } catch (error) {
      // Only the message: ioredis puts the command and its arguments on the error.
      throw new KvUnavailable(error instanceof Error ? error.message : 'no answer');
    }
  };

  return {
    get: (space, key) => ask(() => redis.get(name(space, key))),
    set: async (space, key, value, ttlMs) => void (await ask(() => redis.set(name(space, key), value, 'PX', whole(ttlMs)))),
    add: async (space, key, value, ttlMs) => (await ask(() => redis.set(name(space, key), value, 'PX', whole(ttlMs), 'NX'))) === 'OK',
    take: (space, key) => ask(() => redis.getdel(name(space, key))),
    delete: async (space, key) => void (await ask(() => redis.del(name(space, key)))),
    async increment(space, key, ttlMs) {
      const [count, resetInMs] = (await ask(() => redis.eval(INCREMENT, 1, name(space, key), whole(ttlMs)))) as [number, number];
      return { count, resetInMs };
    },
    spend: async (space, key, { intervalMs, burst }) => (await ask(() => redis.eval(SPEND, 1, name(space, key), whole(intervalMs), burst))) as number,
    ping: async () => void (await ask(() => redis.ping())),
    async close() {
      if (redis.status === 'ready') await redis.quit().catch(() => {});
      redis.disconnect();
    },
  };
}

function connect(url: string, answerMs: number): Redis {
  const redis = new Redis(url, {
    connectionName: 'matricula',
    connectTimeout: 5000,
    commandTimeout: answerMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 10), 2000) + Math.random() * 100,
    // A fail-over left this connection with a replica: leave it.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  // Every command reports for itself; an unheard event would be printed.
  redis.on('error', () => {});
  return redis;
}

/** Resolves when the connection is ready, rejects after `withinMs`. However many wait, the connection has one listener. */
function gate(redis: Redis): (withinMs: number) => Promise<void> {
  let opening: Promise<void> | null = null;
  const opened = () =>
    new Promise<void>((resolve) => {
      redis.once('ready', () => {
        opening = null;
        resolve();
      });
    });
  return async (withinMs) => {
    if (redis.status === 'end') throw new Error('the connection was closed');
    opening ??= opened();
    const late = new AbortController();
    const timeout = sleep(withinMs, undefined, { signal: late.signal }).then(
      () => Promise.reject(new Error('not connected')),
      () => {},
    );
    try {
      await Promise.race([opening, timeout]);
    } finally {
      late.abort();
    }
  };
}

const whole = (ttlMs: number): number => Math.max(1, Math.ceil(ttlMs));
