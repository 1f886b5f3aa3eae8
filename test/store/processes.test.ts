/** Several processes on one database. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { migrate, openDatabase } from '../../src/store/open.ts';
import { PLACE } from '../../src/store/outbox.ts';
import { createStore } from '../../src/store/store.ts';
import { describeWith } from '../services.ts';
import { type Place, postgres, sqliteFile } from './backends.ts';
import { creation, NOW, person, write } from './makers.ts';
import { startChild } from './spawn.ts';

for (const backend of [sqliteFile, postgres]) {
  describeWith(backend.needs, `several processes on ${backend.name}`, () => {
    let place: Place;
    beforeAll(async () => {
      place = await backend.make();
    });
    afterAll(() => place?.drop());

    it('may all start at once on an empty database: it is migrated once', async () => {
      const children = Array.from({ length: 3 }, () => startChild('open', place.url));
      await Promise.all(children.map((child) => child.ready));
      expect(await Promise.all(children.map((child) => child.ended))).toEqual([0, 0, 0]);
      expect(await migrate(place.url)).toEqual({ applied: [] });
    });

    it('claim every outbox row once between them', async () => {
      const db = await openDatabase(place.url);
      const { apply, outbox } = createStore(db);
      const ids = Array.from({ length: 40 }, (_, i) => `plan${i}`);
      for (const id of ids) {
        const plan = creation(id, person(id));
        await apply.apply([write(plan, { deliveries: ['a', 'b', 'c'].map((platform) => ({ platform, place: PLACE.change })) })], NOW);
      }
      const workers = ['one', 'two'].map((name) => startChild('claim', place.url, name));
      await Promise.all(workers.map((worker) => worker.ready));
      for (const worker of workers) worker.process.stdin!.write('go\n');
      expect(await Promise.all(workers.map((worker) => worker.ended))).toEqual([0, 0]);
      const claimed = workers.flatMap((worker) => worker.lines);
      expect(claimed.sort()).toEqual(ids.flatMap((id) => [`${id}:a`, `${id}:b`, `${id}:c`]).sort());
      expect(workers.map((worker) => worker.lines.length)).not.toContain(0);
      expect(await outbox.waiting()).toBe(120);
      await db.close();
    });
  });
}
