/**
 * One fault, from its beginning to after its end, seen from outside: the platform, the rows of the gateway, what learners and operators are shown. Ada comes
 * while it lasts, then Bob, with the clock standing still; then time goes on until both have what the rules give.
 */
import { expect } from '@jest/globals';
import { PLACE } from '../../../src/store/outbox.ts';
import { eventually } from '../gateway.ts';
import { learner } from '../modes/operator.ts';
import { type Clock, isUsable, type World } from './fault-worlds.ts';

/** What ends a fault. */
export type End = () => void | Promise<void>;

export interface Fault<W extends World = World> {
  /** As people would say it. */
  name: string;
  /** What comes of a request. */
  answers: string;
  /** Made before Ada comes, or, with `before`, after she was there once. `ada`: her e-mail. */
  begin(world: W, ada: string): End | Promise<End>;
  /** The same function where one world will do for several. */
  world(clock: Clock): Promise<W>;
  /** The groups that Ada was in when she came once before, when all was well. */
  before?: string[];
  /** Those that she comes with now; Sales unless told. */
  comes?: string[];
  /** Her e-mail is in none of the tenant's domains. */
  outside?: true;
  /** The provider says nothing of her surname. */
  surnameless?: true;
  /** It does not end before everything has been tried. */
  lasting?: true;
  /** Takes seconds because a deadline does: begun together with the others of that kind. */
  long?: true;
  /** What Ada has in the end, where it is not what the group Sales gives. */
  ends?: (world: W) => string[];
  /** What else has to be so in the end. */
  also?(world: W, ada: string): void;
}

export type Outcome = 'delivered' | 'ordered' | 'noted' | 'task' | 'again' | 'lane' | 'halted' | 'dead';
export interface Seen {
  outcome: Outcome;
  code: string | null;
  /** Attempts that were used up. */
  attempts: number;
  /** Seconds, whole ones, until it is tried again by itself; null = never. */
  retryIn: number | null;
  /** Hours from the first attempt to the last. */
  tookHours: number;
  /** Somebody else who comes at the same moment is served. */
  othersServed: boolean;
  learner: 'enters' | 'waits' | 'refused';
  operator: 'nothing' | 'waiting' | 'dead' | 'halted' | 'missing' | 'task';
}

const HOUR = 3_600_000;

export interface Place<W extends World = World> {
  world: W;
  clock: Clock;
}

let count = 0;

/** Whoever was there before in this world is somebody else. */
export async function drive<W extends World>({ world, clock }: Place<W>, fault: Fault<W>): Promise<Seen> {
  const n = ++count;
  clock.catchUp();
  const cast = { ada: `ada${n}@${fault.outside ? 'elsewhere' : 'acme'}.example`, bob: `bob${n}@acme.example` };
  return driveIn(world, { fault, ...cast }, clock);
}

interface Cast<W extends World> {
  fault: Fault<W>;
  /** Their e-mails. */
  ada: string;
  bob: string;
}

const lookersOf = ({ operator, id, origin }: World) => {
  const { store } = operator.gateway.house;
  const lane = { tenantId: 'acme', platform: id };
  const userId = async (email: string) => (await store.people.find('acme', email))!.id;
  const rowOf = async (email: string) => store.outbox.one({ ...lane, userId: await userId(email) });
  const isPreparing = (url: string) => url.includes('since=');
  const stopAt = (url: string) => isPreparing(url) || (url.startsWith(origin) && !url.startsWith('http://127'));
  return {
    ...{ store, lane, userId, rowOf, stopAt },
    served: async (email: string) => ((await rowOf(email))?.place ?? PLACE.lookAfter) === PLACE.lookAfter || null,
    seen(page: { url: string; status: number; body: string }): Seen['learner'] {
      if (isPreparing(page.url)) return 'waits';
      if (new URL(page.url).origin === origin) return 'enters';
      expect(page.body).toMatch(/Reference <code>/);
      return 'refused';
    },
    async settledRow(email: string) {
      const row = await rowOf(email);
      return row?.claimedBy ? null : { row };
    },
  };
};
type Lookers = ReturnType<typeof lookersOf>;

async function driveIn<W extends World>(world: W, cast: Cast<W>, clock: Clock): Promise<Seen> {
  const { fault, ada } = cast;
  const look = lookersOf(world);
  const { operator } = world;
  const person = { ...learner(ada.slice(0, ada.indexOf('@')), fault.comes ?? ['Sales']), email: ada, ...(fault.surnameless && NO_SURNAME) };
  if (fault.before) {
    await operator.signsIn({ ...person, groups: fault.before, displayName: 'As She Was' }, look.stopAt);
    await eventually(() => look.served(ada));
  }
  const end = await fault.begin(world, ada);

  // She is signed in here whatever is the matter there.
  const { page, visitor } = await operator.signsIn(person, look.stopAt);
  expect(await visitor.meStatus()).toBe(200);
  const began = clock.now().getTime();
  await eventually(() => observe(look, ada), 30_000);
  if (fault.lasting) await toTheEnd(look, ada, clock);
  const found = (await observe(look, ada))!;
  expectDiscretion(world, found.reason, [ada, person.displayName, await look.userId(ada)]);
  const operatorSees = await operatorView(world, ada);

  // Whoever is held up is not even asked about; others are served as soon as they can be.
  const isHeldUp = found.outcome === 'lane' || found.outcome === 'halted';
  if (!isHeldUp) await end();
  if (fault.lasting) clock.forward(61_000); // after so many failures in a row it is left alone for up to a minute
  const tookHours = Math.floor((clock.now().getTime() - began) / HOUR);
  const others = await othersServed(look, { world, clock, cast, isHeldUp });
  if (isHeldUp) await end();
  const visit = () => visitor.browser.get(`${operator.gateway.baseUrl}/t/acme/go`);
  const retryIn = await recovers(look, { world, ada, found, began, visit }, clock);
  await allIsWell(look, world, cast);
  const { outcome, code, attempts } = found;
  return { outcome, code, attempts, retryIn, tookHours, othersServed: others, learner: look.seen(page), operator: operatorSees };
}

const NO_SURNAME = { familyName: '', displayName: 'Ada' };

/** What has become of her delivery; null = it is still under way. */
async function observe({ store, lane, userId, rowOf }: Lookers, email: string) {
  const row = await rowOf(email);
  if (row?.claimedBy) return null;
  const [platform, { given }] = await Promise.all([store.platforms.get(lane), store.ledger.of({ ...lane, userId: await userId(email) })]);
  const facts = { code: row?.failedCode ?? null, reason: row?.failedReason ?? null, attempts: row?.attempts ?? 0, dueAt: row?.dueAt ?? null };
  const told = (outcome: Outcome) => ({ outcome, ...facts });
  const has = (state: string) => given.some((one) => one.state === state);
  if (row?.place === PLACE.dead) return told('dead');
  if (row && platform?.haltedCode) return told('halted');
  if (row?.place === PLACE.lookAfter) return told('ordered');
  if (row?.failedCode) return told(row.attempts > 0 ? 'again' : 'lane');
  if (row) return null;
  return told(has('unknown') ? 'noted' : has('give-by-hand') || has('take-by-hand') ? 'task' : 'delivered');
}
type Found = NonNullable<Awaited<ReturnType<typeof observe>>>;

/** Nobody does anything: whenever it is due it is tried, until nothing more is. */
async function toTheEnd(look: Lookers, email: string, clock: Clock): Promise<void> {
  for (;;) {
    const { row } = (await eventually(() => look.settledRow(email)))!;
    if (!row || row.place === PLACE.dead) return;
    clock.forward(Math.max(0, row.dueAt.getTime() - clock.now().getTime()));
    const { attempts } = row;
    await eventually(async () => {
      const next = await look.rowOf(email);
      return next && !next.claimedBy && next.attempts > attempts ? next : null;
    }, 30_000);
  }
}

function expectDiscretion({ secrets, operator }: World, reason: string | null, personal: string[]): void {
  for (const hidden of [...personal, ...secrets]) expect(reason ?? '').not.toContain(hidden);
  const { log } = operator.gateway;
  for (const hidden of [...secrets, personal[0]!]) expect(JSON.stringify(log)).not.toContain(hidden);
  expect(log.filter(({ msg }) => msg === 'a delivery failed by a fault')).toEqual([]);
}

interface Status {
  platform: string;
  waiting: number;
  dead: number;
  halted: object | null;
  unknown: object[];
  next: string[];
}

/** Where an operator who looks finds it, with what to do about it. */
async function operatorView({ operator, id }: World, ada: string): Promise<Seen['operator']> {
  const { platforms } = (await operator.get<{ platforms: Status[] }>('/platforms')).body;
  const status = platforms.find(({ platform }) => platform === id)!;
  const { deliveries } = (await operator.get<{ deliveries: { state: string; reason: string | null }[] }>(`/deliveries?platform=${id}`)).body;
  const { tasks } = (await operator.get<{ tasks: { user: { email: string } }[] }>('/tasks')).body;
  if (status.halted || status.dead > 0 || status.unknown.length > 0) expect(status.next).toHaveLength(1);
  if (status.halted) return 'halted';
  if (status.dead > 0) {
    expect(deliveries).toMatchObject([{ state: 'dead', reason: expect.stringMatching(/\S/) }]);
    return 'dead';
  }
  if (status.unknown.length > 0) return 'missing';
  if (tasks.some(({ user }) => user.email === ada)) return 'task';
  return deliveries.length > 0 ? 'waiting' : 'nothing';
}

interface Meanwhile {
  world: World;
  clock: Clock;
  cast: Pick<Cast<World>, 'ada' | 'bob'>;
  isHeldUp: boolean;
}

/** Bob comes, and the clock has hardly moved. Who is held up keeps all attempts, and the place behind whoever came before. */
async function othersServed(look: Lookers, { world, clock, cast, isHeldUp }: Meanwhile): Promise<boolean> {
  clock.forward(10);
  const calls = world.calls();
  const name = cast.bob.slice(0, cast.bob.indexOf('@'));
  if (isUsable(clock)) await world.operator.signsIn(learner(name, ['Staff']), look.stopAt);
  else {
    await world.operator.arrives(name, ['Staff']);
    if (!isHeldUp) await eventually(() => look.served(cast.bob));
  }
  const bob = (await eventually(() => look.settledRow(cast.bob)))!.row;
  if (!bob || bob.place === PLACE.lookAfter) return true;
  expect({ isHeldUp, calls: world.calls() }).toEqual({ isHeldUp: true, calls });
  const ada = (await look.rowOf(cast.ada))!;
  expect([ada, bob].map(({ attempts, place }) => ({ attempts, place }))).toEqual(Array(2).fill({ attempts: 0, place: PLACE.signIn }));
  expect(ada.createdAt.getTime()).toBeLessThan(bob.createdAt.getTime());
  return false;
}

interface Recovery {
  world: World;
  ada: string;
  found: Found;
  /** When she came. */
  began: number;
  /** She asks again to be let in. */
  visit(): Promise<unknown>;
}

/** Time goes on. Seconds after which she was served by itself; null = somebody had to do something. */
async function recovers(look: Lookers, { world, ada, found, began, visit }: Recovery, clock: Clock): Promise<number | null> {
  const from = clock.now().getTime();
  const served = (withinMs = 20_000) => eventually(() => look.served(ada), withinMs);
  const byHand = () => world.operator.post<{ retried: number }>('/deliveries/retry', { platform: world.id });
  switch (found.outcome) {
    case 'lane':
      // While the lane stands still she may ask as often as she likes: nothing is asked of the platform.
      for (const seconds of [1, 5, 30, 60, 120, 900]) {
        clock.forward(from + seconds * 1000 - clock.now().getTime());
        const calls = world.calls();
        await visit();
        if (world.calls() === calls) continue;
        await served();
        return seconds;
      }
      throw new Error('a lane stood still for a quarter of an hour');
    case 'again':
    case 'ordered': {
      const due = found.dueAt!.getTime();
      clock.forward(Math.max(0, due - from));
      if (found.outcome === 'again') await served();
      return Math.max(1, Math.floor((due - began) / 1000)); // what is less than a second is chance
    }
    case 'halted':
      clock.forward(61_000);
      if (found.code !== 'gone') {
        await served();
        return 60;
      }
      await new Promise((resolve) => setTimeout(resolve, 2500)); // two turns of the worker
      expect(await look.served(ada)).toBeNull();
      await byHand();
      clock.forward(61_000);
      await visit();
      await served();
      return null;
    case 'dead':
      expect((await byHand()).body).toEqual({ retried: 1 });
      await visit();
      await served();
      return null;
    default:
      return null;
  }
}

/** Everybody has what the rules give, once, and nobody waits. */
async function allIsWell<W extends World>(look: Lookers, world: W, { fault, ada, bob }: Cast<W>): Promise<void> {
  await eventually(async () => (await look.store.outbox.waiting()) === 0 || null, 20_000);
  const ends = (fault.ends?.(world) ?? world.gives.sales).toSorted();
  expect({ ada: world.has(ada), bob: world.has(bob) }).toEqual({ ada: ends, bob: world.gives.staff });
  expect([ada, bob].map(world.accounts)).toEqual([1, 1]);
  expect(world.doubled()).toEqual([]);
  expect((await look.store.platforms.get(look.lane))?.haltedCode ?? null).toBeNull();
  fault.also?.(world, ada);
}
