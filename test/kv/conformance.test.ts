import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabaseKv } from '../../src/kv/database.ts';
import { createRedisKv } from '../../src/kv/redis.ts';
import { openDatabase } from '../../src/store/open.ts';
import { redisUrl, uniqueName } from '../services.ts';
import { type Backend, postgres, sqliteFile } from '../store/backends.ts';
import { kvSuite } from './suite.ts';

for (const backend of [sqliteFile, postgres]) kvSuite({ name: backend.name, needs: backend.needs, open: () => onDatabase(backend) });
kvSuite({ name: 'Redis', needs: 'redis', open: onRedis });

async function onDatabase(backend: Backend) {
  const place = await backend.make();
  const [one, two] = [await openDatabase(place.url), await openDatabase(place.url)];
  let at = Date.parse('2026-01-02T03:04:05.678Z');
  const now = () => new Date(at);
  const [kv, other] = [createDatabaseKv(one, now), createDatabaseKv(two, now)];
  const pass = async (ms: number) => {
    at += ms;
  };
  const close = async () => {
    await Promise.all([kv.close(), other.close()]);
    await Promise.all([one.close(), two.close()]);
    await place.drop();
  };
  return { kv, other, pass, close };
}

async function onRedis() {
  const prefix = `${uniqueName('matricula-test')}:`;
  const [kv, other] = [createRedisKv(redisUrl, { prefix }), createRedisKv(redisUrl, { prefix })];
  const close = async () => {
    await Promise.all([kv.close(), other.close()]);
  };
  return { kv, other, pass: (ms: number) => sleep(ms), close };
}
