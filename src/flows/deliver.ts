/**
 * deliver: the outbox's worker. Each lane (platform of a tenant) goes by itself: who is slow or away holds up nobody else's. Within a lane people come in
 * their turn, those who are signing in first. A platform that is away pauses its lane: nobody's attempts are used up, and the order stays. What one person's
 * delivery cannot do is tried again later, and is a dead letter in the end, with its reason, for a person to look at.
 */
import { isDeepStrictEqual } from 'node:util';
import { NotCalled, TerminalFailure, TransientFailure } from '../connectors/connector.ts';
import type { Platform } from '../core/tenant.ts';
import type { Log } from '../lib/log.ts';
import { Conflict, Unavailable } from '../store/database.ts';
import type { Lane as LaneKey, OutboxKey, OutboxRow } from '../store/outbox.ts';
import type { PlatformStanding } from '../store/platforms.ts';
import type { Store } from '../store/store.ts';
import { type DeliveryDeps, deliver } from './delivery.ts';
import { backoff, createLane, type Lane } from './lane.ts';
import { type Platforms, placeOf, type Ready } from './platforms.ts';
import type { LiveTenant, Tenants } from './tenants.ts';

export interface DeliverDeps extends DeliveryDeps {
  store: Pick<Store, 'people' | 'ledger' | 'outbox' | 'platforms'>;
  tenants: Pick<Tenants, 'get' | 'refresh'>;
  platforms: Platforms;
  worker: string;
  log: Log;
  /** From 0 up to 1; for jitter. */
  random: () => number;
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

/** A worker that dies gives its rows back after this long; an attempt ends before. */
const CLAIM_MS = 60_000;
const ATTEMPT_MS = 45_000;
/** Another node may be able to read what this one cannot. */
const UNREAD_MS = 5000;
/** Whose turn did not come at all comes again so much later, so that the others' does. */
const PASSED_MS = 5000;
/** What was begun when the process is told to end has so long. */
const END_MS = 5000;
const LONGEST_BACKOFF_MS = 3_600_000;
/** Doubling from a second to an hour these take most of a day. */
const MOST_ATTEMPTS = 24;
/** A dead letter is tried once more when the person comes, but not more often than this. */
const DEAD_MS = 60_000;
/** Where a platform seems to be away so many others are asked as well, each time: it may be one person's matter. */
const OPINIONS = 4;

interface How {
  urgent: boolean;
  /** Asked only because the one before failed. */
  opinion: boolean;
}
const USUAL: How = { urgent: false, opinion: false };

export function createDeliverer(deps: DeliverDeps): Deliverer {
  const { outbox, platforms } = deps.store;
  /** With the platform as it was set up then: what is set up anew is tried at once. */
  const lanes = new Map<string, { lane: Lane; of: Platform | null }>();
  const going = new Map<string, Promise<void>>();
  /** People who wait for their own delivery, by lane. */
  const hurrying = new Map<string, number>();
  const begun = new Set<Promise<void>>();
  const attempts = new Set<AbortController>();
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
  const isPaused = (key: LaneKey) => laneOf(key).isPaused();
  const concurrentOf = (key: LaneKey): number => platformOf(key)?.limits.concurrent ?? 1;
  const inMs = (ms: number): Date => new Date(deps.now().getTime() + ms);
  // Each claim by a name of its own: what a claim that ran out still does is not taken for the next one's.
  const claimOf = () => ({ worker: `${deps.worker}:${++claims}`, now: deps.now(), until: inMs(CLAIM_MS) });

  /** What can be called, or the failure that says why nothing can. */
  function readyFor(key: LaneKey, urgent: boolean): { live: LiveTenant; ready: Ready } {
    const live = deps.tenants.get(key.tenantId);
    const ready = live && deps.platforms.of(live.tenant, key.platform, { urgent });
    if (!ready) throw new TerminalFailure('configuration', `the tenant file has no enabled platform ${key.platform}`, { scope: 'platform' });
    return { live, ready };
  }

  async function attempt(row: OutboxRow, how: How): Promise<void> {
    const lane = laneOf(row);
    const ordinal = lane.began();
    const ending = new AbortController();
    attempts.add(ending);
    const late = setTimeout(() => ending.abort(), ATTEMPT_MS);
    try {
      const { live, ready, known } = await met(row, how);
      const readAt = known?.entriesAt ?? null;
      await deliver(deps, { tenant: live.tenant, connector: ready.connector, row, readAt, worker: row.claimedBy!, signal: ending.signal });
      const isBack = lane.served(row.userId, ordinal);
      if (isBack || known?.haltedAt || known?.awayAt) await recovered(row, known);
    } catch (error) {
      await failed(row, error, { lane, ...how });
    } finally {
      clearTimeout(late);
      attempts.delete(ending);
    }
  }

  /** As the tenant file says by now: another node that knows a newer one may have put people there because of it. */
  async function met(key: LaneKey, { urgent }: How): Promise<ReturnType<typeof readyFor> & { known: PlatformStanding | null }> {
    const first = readyFor(key, urgent);
    const known = await placeKnown(key, first.ready);
    const told = known?.revision ?? 0;
    const isOf = ({ live }: { live: LiveTenant }) => (live.readRevision ?? live.revision) >= told;
    if (isOf(first)) return { ...first, known };
    await deps.tenants.refresh();
    const again = readyFor(key, urgent);
    if (isOf(again)) return { ...again, known };
    throw new NotCalled('this node cannot read the tenant file by which people are to be told', { code: 'configuration', retryAfterMs: UNREAD_MS });
  }

  /** The ledger of one place says nothing of another. */
  async function placeKnown(key: LaneKey, { platform }: Ready): Promise<PlatformStanding | null> {
    const known = await platforms.standing(key);
    // Whoever said that they want no more is not asked again until an operator says so.
    if (known?.haltedCode === 'gone') throw new TerminalFailure('gone', known.haltedReason ?? 'it wants no more', { scope: 'platform' });
    if (!known) await platforms.add(key, placeOf(platform), deps.now());
    else if (known.place !== placeOf(platform))
      throw new TerminalFailure(
        'configuration',
        `platform ${platform.id} leads to another place than before; its ledger is of the old one: matricula platform restart ${key.tenantId} ${platform.id}`,
        { scope: 'platform' },
      );
    return known;
  }

  /** Only who waited for the platform is hastened: whoever failed by themselves keeps their own pause. */
  async function recovered(key: LaneKey, known: PlatformStanding | null): Promise<void> {
    if (known) await platforms.resume(key, deps.now());
    await outbox.hasten(key, deps.now(), 'untried');
    deps.log.info({ tenant: key.tenantId, platform: key.platform }, known?.haltedAt ? 'deliveries go on' : 'the platform answers again');
  }

  async function failed(row: OutboxRow, error: unknown, { lane, ...how }: How & { lane: Lane }): Promise<void> {
    const worker = row.claimedBy!;
    // Another worker has it by now; or the database is away, and the claim runs out by itself.
    if (error instanceof Conflict) return;
    if (error instanceof Unavailable) throw error;
    if (error instanceof NotCalled) {
      if (error.retryAfterMs !== null) lane.pause(error.retryAfterMs);
      if (!error.begun || stopped)
        return outbox.release(row, worker, { dueAt: error.retryAfterMs === null ? inMs(PASSED_MS) : row.dueAt, failed: null });
    }
    const failure = { code: codeOf(error), reason: reasonOf(error) };
    const about = { tenant: row.tenantId, platform: row.platform, user: row.userId, attempts: row.attempts, code: failure.code };
    // Perhaps it was given another secret where secrets are kept.
    if (failure.code === 'auth') deps.platforms.renew(platformOf(row));
    if (isFailure(error) && error.scope === 'platform' && !(error instanceof NotCalled) && !lane.isOwn(row.userId)) {
      await unwell(row, error, { lane, about, failure });
      // An opinion is not asked for a second time at once: the next time others are.
      const after = how.opinion ? 2 * lane.pausedUntil().getTime() - deps.now().getTime() : lane.pausedUntil().getTime();
      return outbox.release(row, worker, { dueAt: new Date(after), failed: failure });
    }
    if (error instanceof TerminalFailure && error.scope === 'person') return bury(row, { failure, about });
    if (!isFailure(error)) deps.log.error({ ...about, err: error }, 'a delivery failed by a fault');
    if (!(error instanceof NotCalled)) lane.failed(row.userId);
    const wait = waitFor(row, error, how.urgent);
    if (wait === null) return bury(row, { failure, about });
    return outbox.retry(row, worker, { dueAt: inMs(wait), failed: failure });
  }

  /** What concerns everybody. */
  async function unwell(
    row: OutboxRow,
    error: TransientFailure | TerminalFailure,
    { lane, about, failure }: { lane: Lane; about: object; failure: { code: string; reason: string } },
  ): Promise<void> {
    if (error instanceof TransientFailure) {
      const isNew = !lane.isFailing();
      lane.away(row.userId, error.retryAfterMs);
      if (!isNew) return;
      deps.log.warn({ ...about, reason: failure.reason }, 'a platform is away; deliveries wait');
      return platforms.away(row, deps.now());
    }
    if (!lane.isHalted()) deps.log.error({ ...about, reason: failure.reason }, 'nothing can be delivered to this platform until somebody mends it');
    lane.halted(row.userId);
    // Where nothing could ever be delivered it is not known yet, and an operator has to see why.
    const of = platformOf(row);
    if (of) await platforms.add(row, placeOf(of), deps.now());
    await platforms.halt(row, failure, deps.now());
  }

  function bury(row: OutboxRow, { failure, about }: { failure: { code: string; reason: string }; about: object }): Promise<void> {
    deps.log.warn({ ...about, reason: failure.reason }, 'a delivery is a dead letter');
    return outbox.bury(row, row.claimedBy!, { dueAt: inMs(DEAD_MS), failed: failure });
  }

  /** Milliseconds to the next attempt; null = there is none. */
  function waitFor(row: OutboxRow, error: unknown, urgent: boolean): number | null {
    const asked = error instanceof TransientFailure ? error.retryAfterMs : null;
    const plan = planOf(row, urgent);
    if (plan) return row.attempts < plan.length ? Math.max(asked ?? 0, plan[row.attempts]! * (1 + deps.random() / 10)) : null;
    return row.attempts + 1 < MOST_ATTEMPTS ? (asked ?? backoff(row.attempts + 1, LONGEST_BACKOFF_MS, deps.random)) : null;
  }

  function planOf(key: LaneKey, urgent: boolean): readonly number[] | null {
    try {
      return readyFor(key, urgent).ready.connector.capabilities.retryPlan;
    } catch {
      return null;
    }
  }

  async function walk(key: LaneKey): Promise<void> {
    for (;;) {
      await deps.giveWay();
      const lane = laneOf(key);
      if (stopped || lane.isPaused()) return;
      // Where the last one failed, one shows whether it is well again.
      const probes = lane.isFailing();
      const rows = await outbox.claim(key, { ...claimOf(), limit: probes ? 1 : concurrentOf(key) });
      if (rows.length === 0) return;
      await Promise.all(rows.map((row) => begin(() => attempt(row, USUAL))));
      if (probes && lane.isPaused() && !lane.isTold()) await askOthers(key, lane);
    }
  }

  /** One person's own trouble looks like the platform's as long as nobody else is asked. */
  async function askOthers(key: LaneKey, lane: Lane): Promise<void> {
    for (let asked = 0; asked < OPINIONS && lane.isFailing() && !stopped; asked++) {
      const [row] = await outbox.claim(key, { ...claimOf(), limit: 1 });
      if (!row) return;
      await begin(() => attempt(row, { urgent: false, opinion: true }));
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
      if (row) await begin(() => attempt(row, { urgent: true, opinion: false }));
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
      const late = setTimeout(() => {
        for (const one of attempts) one.abort();
      }, END_MS);
      await Promise.allSettled([...going.values(), ...begun]);
      clearTimeout(late);
    },
  };
}

const isFailure = (error: unknown): error is TransientFailure | TerminalFailure =>
  error instanceof TransientFailure || error instanceof TerminalFailure;

const codeOf = (error: unknown): string => (isFailure(error) ? error.code : 'fault');

/** What is no failure of a platform may hold anything: its place is the log. */
const reasonOf = (error: unknown): string => (isFailure(error) ? error.message : 'a fault of the gateway; the log says which').slice(0, 500);
