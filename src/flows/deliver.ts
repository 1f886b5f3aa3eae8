/**
 * deliver: the outbox's worker. Each lane (platform of a tenant) goes by itself: who is slow or away holds up nobody else's. Within a lane people come in
 * their turn, those who are signing in first. A platform that is away pauses its lane: nobody's attempts are used up, and the order stays. What one person's
 * delivery cannot do is tried again later, and is a dead letter in the end, with its reason, for a person to look at.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Platform } from '../core/tenant.ts';
import type { Lane as LaneKey, OutboxKey } from '../store/outbox.ts';
import { ATTEMPT_MS, type AttemptDeps, createAttempts } from './delivery-attempt.ts';
import { createLane, type Lane } from './delivery-lane.ts';

export interface DeliverDeps extends AttemptDeps {
  worker: string;
  /** Resolves when nobody who waits for an answer is held up. */
  giveWay: () => Promise<void>;
}

export interface Deliverer {
  /** Starts every lane in which somebody waits. Lanes go on by themselves until nobody is due, or until `stop`. */
  turn(): Promise<void>;
  /** Resolves when no lane goes on in this process. */
  idle(): Promise<void>;
  /**
   * One person's delivery now, before everybody else's; nothing where it is not due, another worker has it, the lane is paused, or as many others are under
   * way at once as the platform takes: they come first then, each in their turn. Never rejects.
   */
  now(key: OutboxKey): Promise<void>;
  /** The platform is away, or told us to wait: nothing is delivered there just now. */
  isPaused(lane: LaneKey): boolean;
  /** No more is begun; resolves when what was begun is over. */
  stop(): Promise<void>;
}

/** A worker that dies gives its rows back after this long. */
const CLAIM_MS = ATTEMPT_MS + 15_000;
/** What was begun when the process is told to end has so long. */
const END_MS = 5000;
/** Where a platform seems to be away so many others are asked as well, each time: it may be one person's matter. */
const OPINIONS = 4;

const USUAL = { urgent: false };

export function createDeliverer(deps: DeliverDeps): Deliverer {
  const { outbox, platforms } = deps.store;
  /** With the platform as it was set up then: what is set up anew is tried at once. */
  const lanes = new Map<string, { lane: Lane; of: Platform | null }>();
  const going = new Map<string, Promise<void>>();
  /** People who wait for their own delivery, by lane. */
  const hurrying = new Map<string, number>();
  const begun = new Set<Promise<void>>();
  let stopped = false;
  let claims = 0;
  const nameOf = ({ tenantId, platform }: LaneKey) => JSON.stringify([tenantId, platform]);
  const platformOf = ({ tenantId, platform }: LaneKey): Platform | null =>
    deps.tenants.get(tenantId)?.tenant.platforms.find(({ id }) => id === platform) ?? null;
  const laneOf = (key: LaneKey): Lane => {
    const of = platformOf(key);
    const known = lanes.get(nameOf(key));
    if (known && (known.of === of || isDeepStrictEqual(known.of, of))) {
      known.of = of;
      return known.lane;
    }
    const lane = createLane(deps);
    lanes.set(nameOf(key), { lane, of });
    return lane;
  };
  const attempts = createAttempts(deps, { of: laneOf, platformOf });
  const isPaused = (key: LaneKey) => laneOf(key).isPaused();
  const concurrentOf = (key: LaneKey): number => platformOf(key)?.limits.concurrent ?? 1;
  const inMs = (ms: number): Date => new Date(deps.now().getTime() + ms);
  // Each claim by a name of its own: what a claim that ran out still does is not taken for the next one's.
  const claimOf = () => ({ worker: `${deps.worker}:${++claims}`, now: deps.now(), until: inMs(CLAIM_MS) });

  async function walk(key: LaneKey): Promise<void> {
    for (;;) {
      await deps.giveWay();
      const lane = laneOf(key);
      if (stopped || lane.isPaused()) return;
      // Where the last one failed, one shows whether it is well again.
      const probes = lane.isFailing();
      const rows = await outbox.claim(key, { ...claimOf(), limit: probes ? 1 : concurrentOf(key) });
      if (rows.length === 0) return;
      await Promise.all(rows.map((row) => begin(() => attempts.make(row, USUAL))));
      if ((probes || lane.isHalted()) && lane.isPaused() && !lane.isTold())
        await askOthers(
          key,
          lane,
          rows.map(({ userId }) => userId),
        );
    }
  }

  /** One person's own trouble looks like the platform's as long as nobody else is asked. */
  async function askOthers(key: LaneKey, lane: Lane, first: string[]): Promise<void> {
    for (let asked = 0; asked < OPINIONS && lane.isFailing() && !stopped; asked++) {
      const [row] = await outbox.claim(key, { ...claimOf(), limit: 1, except: [...first, ...lane.asked()] });
      lane.ask(row?.userId ?? null);
      if (!row) return;
      await begin(() => attempts.make(row, USUAL));
    }
  }

  function begin(work: () => Promise<void>): Promise<void> {
    const mine = work().finally(() => begun.delete(mine));
    begun.add(mine);
    return mine;
  }

  async function hurry(key: OutboxKey): Promise<void> {
    const name = nameOf(key);
    const others = hurrying.get(name) ?? 0;
    if (stopped || isPaused(key) || others >= concurrentOf(key)) return;
    hurrying.set(name, others + 1);
    try {
      const row = await outbox.claimOne(key, claimOf());
      if (row) await begin(() => attempts.make(row, { urgent: true }));
    } finally {
      const left = hurrying.get(name)! - 1;
      if (left === 0) hurrying.delete(name);
      else hurrying.set(name, left);
    }
  }

  /** An operator who said so since the pause began ends it, in every process. */
  async function isHeld(key: LaneKey): Promise<boolean> {
    const lane = laneOf(key);
    const since = lane.pausedAt();
    if (!since) return false;
    const { retriedAt } = (await platforms.standing(key)) ?? {};
    if (!retriedAt || retriedAt < since) return true;
    lane.reset();
    return false;
  }

  return {
    async turn() {
      for (const key of await outbox.lanes()) {
        const name = nameOf(key);
        if (stopped || going.has(name) || (await isHeld(key))) continue;
        const walking = walk(key)
          .catch((error: unknown) =>
            deps.log.error({ err: error, tenant: key.tenantId, platform: key.platform }, 'a lane stopped; it is taken up again'),
          )
          .finally(() => going.delete(name));
        going.set(name, walking);
      }
    },
    async idle() {
      while (going.size > 0) await Promise.all(going.values());
    },
    async now(key) {
      try {
        await hurry(key);
      } catch (error) {
        deps.log.error({ err: error, tenant: key.tenantId, platform: key.platform }, 'a delivery could not be made at once; it is made in its turn');
      }
    },
    isPaused,
    async stop() {
      stopped = true;
      const over = attempts.end(END_MS);
      await Promise.allSettled([...going.values(), ...begun]);
      over();
    },
  };
}
