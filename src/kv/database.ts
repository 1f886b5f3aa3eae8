import { Conflict, type Database, Unavailable } from '../store/database.ts';
import { type Kv, KvUnavailable, storedKey } from './kv.ts';

const PURGE_EVERY_MS = 60_000;
/** Where one sweep was not enough the next comes sooner: 500 rows a second outpace any sign-in page. */
const PURGE_AGAIN_MS = 1000;
const PURGE_ROWS = 500;

/**
 * kv on the database: nothing else to run, and right between processes. `now` is the process's clock; processes need clocks that
 * agree as well as the shortest time to live demands. Rows that ran out are swept a few at a time after writes.
 */
export function createDatabaseKv(db: Database, now: () => Date): Kv {
  const { kv } = db;
  const sweep = sweeper(db, now);
  const life = (ttlMs: number) => {
    const at = now();
    return { now: at, expiresAt: new Date(at.getTime() + ttlMs) };
  };
  /** A write: answered first, swept afterwards, so that no request waits for other requests' leftovers. */
  const written = async <T>(work: Promise<T>): Promise<T> => {
    const result = await answered(work);
    sweep.start();
    return result;
  };

  return {
    get: (space, key) => answered(kv.get(at(space, key), now())),
    set: (space, key, value, ttlMs) => written(kv.set(at(space, key), value, life(ttlMs).expiresAt)),
    add: (space, key, value, ttlMs) => written(kv.add(at(space, key), value, life(ttlMs))),
    take: (space, key) => answered(kv.take(at(space, key), now())),
    delete: (space, key) => answered(kv.delete(at(space, key))),
    async increment(space, key, ttlMs) {
      const span = life(ttlMs);
      const { count, expiresAt } = await written(kv.increment(at(space, key), span));
      return { count, resetInMs: expiresAt.getTime() - span.now.getTime() };
    },
    spend: (space, key, bucket) => written(kv.spend(at(space, key), { ...bucket, now: now() })),
    ping: () => answered(db.ping()),
    // The database is closed by whoever opened it.
    close: () => sweep.stop(),
  };
}

const at = (space: string, key: string) => ({ space, key: storedKey(key) });

/** A lock that was not had within the database's own limit is no answer either. */
async function answered<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Unavailable || error instanceof Conflict) throw new KvUnavailable(error.message);
    throw error;
  }
}

function sweeper({ kv }: Database, now: () => Date) {
  let due = now().getTime() + PURGE_EVERY_MS;
  let running: Promise<void> = Promise.resolve();
  const run = async () => {
    try {
      const removed = await kv.purge(now(), PURGE_ROWS);
      if (removed === PURGE_ROWS) due = now().getTime() + PURGE_AGAIN_MS;
    } catch {
      // The next sweep will do; whoever asked for something got it.
    }
  };
  return {
    start() {
      if (now().getTime() < due) return;
      due = now().getTime() + PURGE_EVERY_MS;
      running = run();
    },
    stop: () => running,
  };
}
