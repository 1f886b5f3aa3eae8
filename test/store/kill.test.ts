/**
 * A process that is killed with SIGKILL while it writes leaves every plan whole or absent, and keeps every plan that it was told is
 * written. KILLS (default 12) is the number of kills per database; the long run is `KILLS=200 … npx jest test/store/kill.test.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore } from '../../src/store/store.ts';
import { describeWith } from '../services.ts';
import { type Place, postgres, sqliteFile } from './backends.ts';
import { expectedOf, heldOf } from './kill-plans.ts';
import { startChild } from './spawn.ts';

const KILLS = Number(process.env['KILLS'] ?? 12);
/** It dies at most this long after its first plan was acknowledged. */
const LIFE_MS = 60;

for (const backend of [sqliteFile, postgres]) {
  describeWith(backend.needs, `killed while writing to ${backend.name}`, () => {
    let place: Place;
    let db: Database;
    beforeAll(async () => {
      place = await backend.make();
      db = await openDatabase(place.url);
    });
    afterAll(async () => {
      await db?.close();
      await place?.drop();
    });

    it(
      `${KILLS} kills leave every plan whole or absent, and every acknowledged one whole`,
      async () => {
        const store = createStore(db);
        let plans = 0;
        for (let kill = 0; kill < KILLS; kill++) {
          const tenantId = `run${kill}`;
          const acknowledged = await dieAtRandom(place.url, tenantId);
          if (db.dialect === 'postgres') await abandoned(place.url);
          const held = await heldOf(db, store, tenantId);
          const reached = new Map(held.states.map(({ user }) => [user.id, user.version]));
          expect(held).toEqual(expectedOf(tenantId, reached));
          const lost = acknowledged.filter(([id, version]) => (reached.get(id) ?? 0) < version);
          expect(lost).toEqual([]);
          plans += held.journal.length;
        }
        expect(plans).toBeGreaterThanOrEqual(KILLS);
      },
      60_000 + KILLS * 10_000,
    );
  });
}

/** What the child was told is written before it died. */
async function dieAtRandom(url: string, tenantId: string): Promise<[string, number][]> {
  const child = startChild('apply', url, tenantId);
  await child.first;
  await sleep(Math.random() * LIFE_MS);
  child.process.kill('SIGKILL');
  expect([await child.ended, child.complaint()]).toEqual(['SIGKILL', '']);
  return child.lines
    .filter((line) => line.includes(' '))
    .map((line) => line.split(' '))
    .map(([id, version]) => [id!, Number(version)]);
}

/** Waits until the server has noticed that the dead child's connections are gone, so that nothing is still being decided. */
async function abandoned(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'watcher' });
  await client.connect();
  const busy = `select 1 from pg_stat_activity where datname = current_database() and application_name = 'matricula' and state <> 'idle'`;
  while ((await client.query(busy)).rowCount! > 0) await sleep(5);
  await client.end();
}
