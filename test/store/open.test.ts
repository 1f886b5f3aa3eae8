import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import { migrate, openDatabase } from '../../src/store/open.ts';
import { createStore } from '../../src/store/store.ts';
import { describeWith } from '../services.ts';
import { backends, type Place, postgres, sqliteFile } from './backends.ts';
import { creation, NOW, person, write } from './makers.ts';

for (const backend of backends.filter((b) => b !== backends[0])) {
  describeWith(backend.needs, `opening ${backend.name}`, () => {
    let place: Place;
    beforeAll(async () => {
      place = await backend.make();
    });
    afterAll(() => place?.drop());

    it('a process that may not migrate refuses an empty database and opens a migrated one', async () => {
      await expect(openDatabase(place.url, { migrate: false })).rejects.toThrow('matricula migrate');
      expect((await migrate(place.url)).applied[0]).toBe('0000_initial');
      expect(await migrate(place.url)).toEqual({ applied: [] });
      await (await openDatabase(place.url, { migrate: false })).close();
    });
  });
}

describe('a SQLite file', () => {
  let place: Place;
  let path: string;
  beforeAll(async () => {
    place = await sqliteFile.make();
    path = place.url.slice('sqlite:'.length);
  });
  afterAll(() => place.drop());

  it('is made for its owner only, folder, file and write-ahead log', async () => {
    const db = await openDatabase(place.url);
    const mode = (of: string) => (statSync(of).mode & 0o777).toString(8);
    expect([mode(dirname(path)), mode(path), mode(`${path}-wal`)]).toEqual(['700', '600', '600']);
    await db.close();
  });

  it('acknowledges only what is on the disk, and keeps foreign keys', async () => {
    const db = await openDatabase(place.url);
    const raw = (db.query as unknown as { $client: Sqlite.Database }).$client;
    const pragma = (name: string) => raw.pragma(name, { simple: true });
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys'), pragma('busy_timeout')]).toEqual(['wal', 2, 1, 5000]);
    await db.close();
  });

  it('holds what the process before it wrote', async () => {
    const plan = creation('kept', person('kept'));
    const first = await openDatabase(place.url);
    await createStore(first).apply.apply([write(plan, { deliveries: [] })], NOW);
    await first.close();
    const second = await openDatabase(place.url);
    expect(await createStore(second).people.state('acme', 'kept')).toEqual(person('kept'));
    await second.close();
  });

  it('whose migrations are not the ones we have is refused', async () => {
    const raw = new Sqlite(path);
    raw.exec("update schema_migration set digest = 'another'");
    raw.close();
    await expect(openDatabase(place.url)).rejects.toThrow('0000_initial differs');
  });
});

describe('database addresses', () => {
  it('of no known kind are refused without being quoted', async () => {
    for (const url of ['mysql://u:hunter2@h/d', 'sqlite:', '', 'hunter2'])
      await expect(openDatabase(url)).rejects.toThrow(/^a database address is sqlite:<path>, sqlite::memory: or postgres:\/\/…$/);
  });
});

describeWith('postgres', 'a PostgreSQL session in another time zone', () => {
  it('reads the same moments', async () => {
    const place = await postgres.make();
    for (const zone of ['Asia/Kolkata', 'America/St_Johns', 'Europe/Berlin']) {
      const db = await openDatabase(`${place.url}?options=-c%20TimeZone%3D${encodeURIComponent(zone)}`);
      const id = zone.replace(/\W/g, '').toLowerCase();
      const plan = creation(id, person(id));
      await createStore(db).apply.apply([write(plan, { deliveries: [] })], NOW);
      expect(await createStore(db).people.state('acme', id)).toEqual(person(id));
      await db.close();
    }
    await place.drop();
  });
});
