import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabaseKv } from '../../src/kv/database.ts';
import { storedKey } from '../../src/kv/kv.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { describeWith } from '../services.ts';
import { backends, type Place } from '../store/backends.ts';

for (const backend of backends) {
  describeWith(backend.needs, `the rows of kv on ${backend.name}`, () => {
    let place: Place;
    let db: Database;
    let at = Date.parse('2026-01-02T03:04:05.678Z');
    const now = () => new Date(at);
    beforeAll(async () => {
      place = await backend.make();
      db = await openDatabase(place.url);
    });
    afterAll(async () => {
      await db?.close();
      await place?.drop();
    });
    const rows = async () => (await db.query.select().from(db.tables.kv)).length;
    const fill = async (count: number) => {
      const row = (i: number) => ({ space: 'login', key: `k${i}`, value: 'x', expiresAt: new Date(at - 1) });
      for (let i = 0; i < count; i += 100) await db.query.insert(db.tables.kv).values(Array.from({ length: 100 }, (_, j) => row(i + j)));
    };

    it('that ran out are swept after a write, at most five hundred at a time, and no live one', async () => {
      const kv = createDatabaseKv(db, now);
      await kv.set('session', 'live', 'x', 3_600_000);
      await fill(1200);
      await kv.set('session', 'other', 'x', 3_600_000);
      await kv.close();
      expect(await rows()).toBe(1202); // not within the first minute
      for (const left of [702, 202, 2]) {
        at += 60_000;
        await kv.set('session', 'other', 'x', 3_600_000);
        await kv.close();
        expect(await rows()).toBe(left);
      }
      expect(await kv.get('session', 'live')).toBe('x');
    });

    it('hold no key that anyone could use', async () => {
      const kv = createDatabaseKv(db, now);
      await kv.set('session', 'a-session-id', 'x', 1000);
      const keys = (await db.query.select().from(db.tables.kv)).map((row) => row.key);
      expect(keys).toContain(storedKey('a-session-id'));
      expect(keys).not.toContain('a-session-id');
    });
  });
}

describe('a sweep that fails', () => {
  it('fails no request', async () => {
    let at = 0;
    const db = await openDatabase('sqlite::memory:');
    const broken: Database = { ...db, kv: { ...db.kv, purge: () => Promise.reject(new Error('no')) } };
    const kv = createDatabaseKv(broken, () => new Date(at));
    at = 120_000;
    await kv.set('session', 'a', 'x', 1000);
    await kv.close();
    expect(await kv.get('session', 'a')).toBe('x');
    await db.close();
  });
});
