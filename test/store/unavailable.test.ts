/** A database that is away says so, whatever is asked, and works again by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import { createDatabaseKv } from '../../src/kv/database.ts';
import { KvUnavailable } from '../../src/kv/kv.ts';
import { type Database, Unavailable } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore, type Store } from '../../src/store/store.ts';
import { describeWith } from '../services.ts';
import { administer, type Place, postgres, sqliteFile } from './backends.ts';
import { creation, edit, entry, grant, later, NOW, person, write } from './makers.ts';
import { type Wire, wireTo } from './proxy.ts';

/** One of each kind of use. */
const uses = (
  db: Database,
  { people, apply, journal, outbox, ledger, platforms, keys, vault, metadata, tenants }: Store,
  id: string,
): Record<string, () => Promise<unknown>> => ({
  ping: () => db.ping(),
  read: () => people.state('acme', id),
  candidates: () => people.candidates('acme', { by: 'assertion', source: 'connection:x', subject: id, emailKey: 'x@example.com' }),
  apply: () => apply.apply([write(creation(id, person(id)))], NOW),
  append: () => journal.append(entry(`append-${id}`)),
  list: () => journal.list('acme', { limit: 1 }),
  enqueue: () => outbox.enqueue([{ tenantId: 'acme', platform: 'lms', userId: id, id, place: 1, look: false }], NOW),
  lanes: () => outbox.lanes(),
  claim: () => outbox.claim({ tenantId: 'acme', platform: 'lms' }, { worker: 'w', limit: 1, now: NOW, until: later(1) }),
  ledger: () => ledger.of({ tenantId: 'acme', platform: 'lms', userId: id }),
  platforms: () => platforms.ofTenant('acme'),
  keys: () => keys.list('api'),
  vault: () => vault.get('acme', 'x'),
  metadata: () => metadata.get('acme', 'x'),
  tenants: () => tenants.revisions(),
});

async function eventually<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Unavailable) || tries === 100) throw error;
      await sleep(20);
    }
  }
}

describeWith('postgres', 'PostgreSQL away', () => {
  let place: Place;
  let wire: Wire;
  let db: Database;
  let store: Store;
  let name: string;
  beforeAll(async () => {
    place = await postgres.make();
    const url = new URL(place.url);
    name = url.pathname.slice(1);
    wire = await wireTo(url.hostname, Number(url.port || 5432));
    db = await openDatabase(Object.assign(url, { hostname: '127.0.0.1', port: String(wire.port) }).href, { poolSize: 4 });
    store = createStore(db);
  });
  afterAll(async () => {
    await db?.close();
    await wire?.cut();
    await place?.drop();
  });
  const terminate = () => administer('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);

  it('connections that the server ends: whoever waits is told, and the next works', async () => {
    const slow = db.batch([{ sql: 'select pg_sleep(20)', params: [] }]);
    const told = expect(slow).rejects.toBeInstanceOf(Unavailable);
    await sleep(50);
    await terminate();
    await told;
    for (let round = 0; round < 5; round++) {
      const before = person(`ended${round}`);
      const plan = creation(`ended${round}`, before);
      await eventually(() => store.apply.apply([write(plan, { deliveries: [] })], NOW));
      const all = Promise.allSettled(
        Array.from({ length: 8 }, (_, i) =>
          store.apply.apply(
            [write(edit(`e${round}-${i}`, before, { come: [grant(before.user, `group:${i}`)] }), { entry: entry(`e${round}-${i}`), deliveries: [] })],
            NOW,
          ),
        ),
      );
      await terminate();
      await all;
      // Whatever became of the eight: at most one is there, and it is whole.
      const held = (await eventually(() => store.people.state('acme', `ended${round}`)))!;
      const lines = (await store.journal.list('acme', { limit: 500 })).filter((e) => e.id.startsWith(`e${round}-`));
      expect([held.user.version, held.grants.length]).toEqual(lines.length === 0 ? [1, 2] : [2, 3]);
      expect(lines.length).toBeLessThanOrEqual(1);
    }
  });

  it('a server that cannot be reached: every use is told so at once, and all work again when it is back', async () => {
    const kv = createDatabaseKv(db, () => NOW);
    await wire.cut();
    for (let round = 0; round < 2; round++) {
      for (const use of Object.values(uses(db, store, 'cut'))) await expect(use()).rejects.toBeInstanceOf(Unavailable);
      await expect(kv.get('login', 'k')).rejects.toBeInstanceOf(KvUnavailable);
      await expect(kv.increment('rate', 'k', 1000)).rejects.toBeInstanceOf(KvUnavailable);
      await expect(kv.ping()).rejects.toBeInstanceOf(KvUnavailable);
    }
    await wire.mend();
    for (const use of Object.values(uses(db, store, 'cut'))) await expect(use()).resolves.not.toThrow();
    expect(await kv.increment('rate', 'k', 1000)).toMatchObject({ count: 1 });
  });

  it('a database that takes no connections, and one that is not there, are unavailable, and the message quotes no password', async () => {
    await administer(`alter database ${name} with allow_connections false`);
    await terminate();
    await sleep(50);
    await expect(db.ping()).rejects.toBeInstanceOf(Unavailable);
    await administer(`alter database ${name} with allow_connections true`);
    await expect(eventually(() => db.ping())).resolves.toBeUndefined();
    await expect(openDatabase('postgres://someone:hunter2@127.0.0.1:1/none')).rejects.toBeInstanceOf(Unavailable);
    const error = await openDatabase('postgres://someone:hunter2@127.0.0.1:1/none').catch((e: unknown) => e);
    expect(JSON.stringify([String(error), error, (error as Error).stack])).not.toContain('hunter2');
  });
});

describe('a SQLite file away', () => {
  it('a full disk: writers are told, readers go on, and writing works again', async () => {
    const place = await sqliteFile.make();
    const db = await openDatabase(place.url);
    const store = createStore(db);
    const pragma = (text: string) => (db.query as unknown as { $client: Sqlite.Database }).$client.pragma(text, { simple: true });
    pragma(`max_page_count = ${pragma('page_count')}`);
    const huge = () => store.journal.append(entry('huge', { detail: { text: 'x'.repeat(1_000_000) } }));
    await expect(huge()).rejects.toBeInstanceOf(Unavailable);
    expect(await store.journal.list('acme', { limit: 5 })).toEqual([]);
    pragma('max_page_count = 1000000');
    await huge();
    expect(await store.journal.list('acme', { limit: 5 })).toHaveLength(1);
    await db.close();
    await expect(store.people.counts('acme')).rejects.toBeInstanceOf(Unavailable);
    await place.drop();
  });

  it('a place where no file can be: opening is told so', async () => {
    const place = await sqliteFile.make();
    await (await openDatabase(place.url)).close();
    await expect(openDatabase(`${place.url}/below/a/file.db`)).rejects.toBeInstanceOf(Unavailable);
    await expect(openDatabase(place.url.replace('/test.db', ''))).rejects.toBeInstanceOf(Unavailable);
    await place.drop();
  });

  it('a writer that holds the file longer than five seconds is a conflict, not a hang', async () => {
    const place = await sqliteFile.make();
    const db = await openDatabase(place.url);
    const other = new Sqlite(place.url.slice('sqlite:'.length));
    other.exec('begin immediate');
    await expect(createStore(db).journal.append(entry('waits'))).rejects.toMatchObject({ name: 'Conflict' });
    expect(await createStore(db).journal.list('acme', { limit: 1 })).toEqual([]);
    other.exec('rollback');
    other.close();
    await createStore(db).journal.append(entry('waits'));
    await db.close();
    await place.drop();
  });
});
