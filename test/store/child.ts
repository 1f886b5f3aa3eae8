/**
 * A process of its own, for promises about several processes and about sudden death. It works on the URL it is given:
 *   apply <url> <tenant>   applies plans for ever and prints `<user> <version>` after each that was acknowledged
 *   claim <url> <worker>   after a line on stdin claims outbox rows of every lane until none is left, and prints their ids
 *   open <url>             opens (and migrates) the database
 * Each prints `ready` first.
 */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { openDatabase } from '../../src/store/open.ts';
import { PLACE } from '../../src/store/outbox.ts';
import { createStore, type Store } from '../../src/store/store.ts';
import { plansOf } from './kill-plans.ts';
import { later, NOW, write } from './makers.ts';

const [what, url, name] = process.argv.slice(2) as [string, string, string];
const say = (line: string) => process.stdout.write(`${line}\n`);

const db = await openDatabase(url);
const store = createStore(db);
say('ready');
if (what === 'apply') await applyForEver(store);
if (what === 'claim') await claimAll(store);
await db.close();

async function applyForEver({ apply }: Store): Promise<never> {
  for (let n = 0; ; n++) {
    for (const { plan, entry, version } of plansOf(name, n)) {
      await apply.apply([write(plan, { entry, deliveries: ['lms', 'webhook'].map((platform) => ({ platform, place: PLACE.signIn })) })], NOW);
      say(`${plan.userId} ${version}`);
    }
  }
}

async function claimAll({ outbox }: Store): Promise<void> {
  await once(process.stdin, 'data');
  for (let empty = 0; empty < 3; ) {
    let claimed = 0;
    for (const lane of await outbox.lanes()) {
      const rows = await outbox.claim(lane, { worker: name, limit: 3, now: NOW, until: later(60_000) });
      claimed += rows.length;
      for (const { id } of rows) say(id);
      await setTimeout(20); // so that each worker finds something left, however busy the machine
    }
    empty = claimed === 0 ? empty + 1 : 0;
  }
  process.stdin.destroy();
}
