/**
 * Every error that the facts name, driven through a whole gateway (fault-run.ts): what becomes of the learner's delivery, whether others are held up, what the
 * learner and the operator see, and that in the end everything is there once. The tables in docs/learning-platforms.md are made of what is seen here
 * (UPDATE_DOCS=1 writes them).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HOOK_FAULTS, SCIM_FAULTS } from './fault-applications.ts';
import { drive, type Fault, type Place, type Seen } from './fault-run.ts';
import { SCHOOL_FAULTS } from './fault-table.ts';
import { rowOf, tableOf } from './fault-words.ts';
import { isUsable, standingClock, type World } from './fault-worlds.ts';

const PAGE = 'docs/learning-platforms.md';
const BEGIN = '<!-- faults -->';
const END = '<!-- /faults -->';

interface Entry extends Pick<Fault, 'name' | 'answers'> {
  long: boolean;
  /** Its world is another's, too. */
  shares: boolean;
  /** `places`: worlds that are there already, by what made them. */
  run(places: Places): Promise<Seen>;
}
type Places = Map<unknown, Place>;

const entries = <W extends World>(faults: Fault<W>[]): Entry[] =>
  faults.map((fault) => ({
    ...{
      name: fault.name,
      answers: fault.answers,
      long: fault.long === true,
      shares: faults.filter(({ world }) => world === fault.world).length > 1,
    },
    async run(places) {
      const clock = standingClock();
      const known = places.get(fault.world) as Place<W> | undefined;
      if (known && !isUsable(known.clock)) await known.world.close();
      const place = known && isUsable(known.clock) ? known : { clock, world: await fault.world(clock) };
      places.set(fault.world, place);
      return drive(place, fault);
    },
  }));

const KINDS: [string, Entry[]][] = [
  ['Thinkific', entries(SCHOOL_FAULTS)],
  ['An application told by webhook', entries(HOOK_FAULTS)],
  ['An application told by SCIM', entries(SCIM_FAULTS)],
];
const all = KINDS.flatMap(([, faults]) => faults);

/** A few at a time, because most of it is waiting for the turn of a worker; those beside all others in which a deadline has to pass, or everything be tried. */
const AT_ONCE = 3;
const begun = new Map<Entry, Promise<Seen>>();
const seen = new Map<Entry, Seen>();

async function alone(entry: Entry): Promise<Seen> {
  const places: Places = new Map();
  return entry.run(places).finally(() => closed(places));
}
const closed = (places: Places) => Promise.all([...places.values()].map(({ world }) => world.close()));

/** One after the other in the same worlds; after a failure in new ones. */
async function inTurn(queue: Waiting[]): Promise<void> {
  let places: Places = new Map();
  for (let next = queue.shift(); next; next = queue.shift())
    try {
      next.resolve(await (next.entry.shares ? next.entry.run(places) : alone(next.entry)));
    } catch (error) {
      next.reject(error);
      await closed(places);
      places = new Map();
    }
  await closed(places);
}
interface Waiting {
  entry: Entry;
  resolve(seen: Seen): void;
  reject(error: unknown): void;
}

let working: Promise<unknown>;
beforeAll(() => {
  const queue: Waiting[] = [];
  for (const entry of all)
    begun.set(entry, entry.long ? alone(entry) : new Promise((resolve, reject) => void queue.push({ entry, resolve, reject })));
  for (const run of begun.values()) run.catch(() => {}); // its own test tells of it
  working = Promise.all(Array.from({ length: AT_ONCE }, () => inTurn(queue)));
});

for (const [kind, faults] of KINDS)
  describe(`a fault: ${kind}`, () => {
    it.each(faults.map((entry): [string, Entry] => [entry.name, entry]))(
      '%s',
      async (_, entry) => void seen.set(entry, await begun.get(entry)!),
      120_000,
    );
  });

afterAll(async () => {
  await Promise.allSettled([working, ...begun.values()]);
  if (seen.size < all.length) return; // a part was run, or something failed: that is told elsewhere
  const tables = KINDS.map(([kind, faults]) => `**${kind}**\n\n${tableOf(faults.map((entry) => rowOf(entry, seen.get(entry)!)))}`);
  const text = readFileSync(PAGE, 'utf8');
  const [before, after] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  expect(before < after && text.includes(BEGIN)).toBe(true);
  const made = `${text.slice(0, before)}\n\n${tables.join('\n\n')}\n\n${text.slice(after)}`;
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, made);
  else expect(text).toBe(made);
}, 120_000);
