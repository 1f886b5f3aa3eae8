/**
 * deliver: the outbox's worker. Each lane (platform of a tenant) goes by itself: who is slow or away holds up nobody else's. Within a lane people come in
 * their turn, those who are signing in first. A platform that is away pauses its lane: nobody's attempts are used up, and the order stays. What one person's
 * delivery cannot do is tried again later, and is a dead letter in the end, with its reason, for a person to look at.
 */
import { TerminalFailure, TransientFailure } from '../connectors/connector.ts';
import type { Platform } from '../core/tenant.ts';
import type { Log } from '../lib/log.ts';
import { Conflict, Unavailable } from '../store/database.ts';
import type { Lane, OutboxKey, OutboxRow } from '../store/outbox.ts';
import type { PlatformRow } from '../store/platforms.ts';
import type { Store } from '../store/store.ts';
import { type DeliveryDeps, deliver } from './delivery.ts';
import { type Platforms, placeOf, type Ready } from './platforms.ts';
import type { LiveTenant, Tenants } from './tenants.ts';

export interface DeliverDeps extends DeliveryDeps {
  store: Pick<Store, 'people' | 'ledger' | 'outbox' | 'platforms'>;
  tenants: Pick<Tenants, 'get'>;
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
  /** One person's delivery now, before everybody else's; nothing where another worker has it, or the lane is paused. Never rejects. */
  now(key: OutboxKey): Promise<void>;
  /** The platform is away, or told us to wait: nothing is delivered there just now. */
  isPaused(lane: Lane): boolean;
  /** No more is begun; resolves when what was begun is over. */
  stop(): Promise<void>;
}

/** A worker that dies gives its rows back after this long; an attempt ends before. */
const CLAIM_MS = 60_000;
const ATTEMPT_MS = 45_000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** What a person has to mend is looked at again so often. */
const HALTED_MS = 60_000;
/** What was begun when the process is told to end has so long. */
const END_MS = 5000;
const LONGEST_BACKOFF_MS = 3_600_000;
/** Doubling from a second to an hour these take most of a day. */
const MOST_ATTEMPTS = 24;
/** So many people in a row who could not be delivered are no fault of theirs. */
const IN_A_ROW = 5;

interface LaneState {
  pausedUntil: number;
  /** Failures since the last success. */
  inARow: number;
  halted: boolean;
  /** As it was set up then: what is set up anew is tried at once. */
  of: Platform | null;
}

export function createDeliverer(deps: DeliverDeps): Deliverer {
  const { outbox, platforms } = deps.store;
  const states = new Map<string, LaneState>();
  const going = new Map<string, Promise<void>>();
  const begun = new Set<Promise<void>>();
  const ending = new AbortController();
  let stopped = false;
  const nameOf = ({ tenantId, platform }: Lane) => JSON.stringify([tenantId, platform]);
  const stateOf = (lane: Lane): LaneState => {
    const of = platformOf(lane);
    const known = states.get(nameOf(lane));
    if (known?.of === of) return known;
    const fresh = { pausedUntil: 0, inARow: 0, halted: false, of };
    states.set(nameOf(lane), fresh);
    return fresh;
  };
  const platformOf = ({ tenantId, platform }: Lane): Platform | null =>
    deps.tenants.get(tenantId)?.tenant.platforms.find(({ id }) => id === platform) ?? null;
  const isPaused = (lane: Lane) => deps.now().getTime() < stateOf(lane).pausedUntil;
  const claimOf = () => {
    const now = deps.now();
    return { worker: deps.worker, now, until: new Date(now.getTime() + CLAIM_MS) };
  };

  /** What can be called, or the failure that says why nothing can. */
  function readyFor(lane: Lane, urgent: boolean): { live: LiveTenant; ready: Ready } {
    const live = deps.tenants.get(lane.tenantId);
    const ready = live && deps.platforms.of(live.tenant, lane.platform, { urgent });
    if (!ready) throw new TerminalFailure('configuration', `the tenant file has no enabled platform ${lane.platform}`, { scope: 'platform' });
    return { live, ready };
  }

  async function attempt(row: OutboxRow, urgent: boolean): Promise<void> {
    const state = stateOf(row);
    try {
      const { live, ready } = readyFor(row, urgent);
      const known = await placeKnown(row, ready);
      const signal = AbortSignal.any([AbortSignal.timeout(ATTEMPT_MS), ending.signal]);
      await deliver(deps, { tenant: live.tenant, connector: ready.connector, row, worker: deps.worker, signal });
      if (state.inARow > 0 || known?.haltedAt) await recovered(row, state);
    } catch (error) {
      await failed(row, error, urgent);
    }
  }

  /** The ledger of one place says nothing of another. */
  async function placeKnown(lane: Lane, { platform }: Ready): Promise<PlatformRow | null> {
    const known = await platforms.get(lane);
    // Whoever said that they want no more is not asked again until an operator says so.
    if (known?.haltedCode === 'gone') throw new TerminalFailure('gone', known.haltedReason ?? 'it wants no more', { scope: 'platform' });
    if (!known) await platforms.add(lane, placeOf(platform), deps.now());
    else if (known.place !== placeOf(platform))
      throw new TerminalFailure(
        'configuration',
        `platform ${platform.id} leads to another place than before; its ledger is of the old one: matricula platform restart ${lane.tenantId} ${platform.id}`,
        { scope: 'platform' },
      );
    return known;
  }

  async function recovered(lane: Lane, state: LaneState): Promise<void> {
    const { halted } = state;
    Object.assign(state, { pausedUntil: 0, inARow: 0, halted: false });
    await platforms.resume(lane, deps.now());
    await outbox.hasten(lane, deps.now());
    deps.log.info({ tenant: lane.tenantId, platform: lane.platform }, halted ? 'deliveries go on' : 'the platform answers again');
  }

  async function failed(row: OutboxRow, error: unknown, urgent: boolean): Promise<void> {
    // Another worker has it by now; or the database is away, and the claim runs out by itself.
    if (error instanceof Conflict) return;
    if (error instanceof Unavailable) throw error;
    const state = stateOf(row);
    const failure = { code: codeOf(error), reason: reasonOf(error) };
    const about = { tenant: row.tenantId, platform: row.platform, user: row.userId, attempts: row.attempts, code: failure.code };
    if (error instanceof TerminalFailure && error.scope === 'person') {
      deps.log.warn({ ...about, reason: failure.reason }, 'a delivery is a dead letter');
      return outbox.bury(row, deps.worker, failure);
    }
    state.inARow++;
    if (error instanceof TerminalFailure) {
      if (!state.halted) deps.log.error({ ...about, reason: failure.reason }, 'nothing can be delivered to this platform until somebody mends it');
      state.halted = true;
      await platforms.halt(row, failure, deps.now());
      pause(state, HALTED_MS);
      return outbox.release(row, deps.worker, { dueAt: row.dueAt, failed: failure });
    }
    if (error instanceof TransientFailure && error.scope === 'platform') {
      if (state.inARow === 1) deps.log.warn({ ...about, reason: failure.reason }, 'a platform is away; deliveries wait');
      pause(state, error.retryAfterMs ?? backoff(state.inARow, LONGEST_PAUSE_MS));
      return outbox.release(row, deps.worker, { dueAt: row.dueAt, failed: failure });
    }
    if (!(error instanceof TransientFailure)) deps.log.error({ ...about, err: error }, 'a delivery failed by a fault');
    if (state.inARow >= IN_A_ROW) pause(state, backoff(state.inARow - IN_A_ROW + 1, LONGEST_PAUSE_MS));
    await again(row, { error, failure, about, urgent });
  }

  async function again(
    row: OutboxRow,
    { error, failure, about, urgent }: { error: unknown; failure: { code: string; reason: string }; about: object; urgent: boolean },
  ): Promise<void> {
    const wait = waitFor(row, error, urgent);
    if (wait === null) {
      deps.log.warn({ ...about, reason: failure.reason }, 'a delivery is a dead letter');
      return outbox.bury(row, deps.worker, failure);
    }
    return outbox.retry(row, deps.worker, { dueAt: new Date(deps.now().getTime() + wait), failed: failure });
  }

  /** Milliseconds to the next attempt; null = there is none. */
  function waitFor(row: OutboxRow, error: unknown, urgent: boolean): number | null {
    const asked = error instanceof TransientFailure ? error.retryAfterMs : null;
    const plan = planOf(row, urgent);
    if (plan) return row.attempts < plan.length ? Math.max(asked ?? 0, plan[row.attempts]! * (1 + deps.random() / 10)) : null;
    return row.attempts + 1 < MOST_ATTEMPTS ? (asked ?? backoff(row.attempts + 1, LONGEST_BACKOFF_MS)) : null;
  }

  function planOf(lane: Lane, urgent: boolean): readonly number[] | null {
    try {
      return readyFor(lane, urgent).ready.connector.capabilities.retryPlan;
    } catch {
      return null;
    }
  }

  /** Doubling from a second; half of it is chance, so that many do not come back together. */
  const backoff = (attempts: number, longest: number): number =>
    Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempts - 1, 20), longest) * (0.5 + deps.random() / 2);
  const pause = (state: LaneState, ms: number): void => {
    state.pausedUntil = Math.max(state.pausedUntil, deps.now().getTime() + ms);
  };

  async function walk(lane: Lane): Promise<void> {
    for (;;) {
      await deps.giveWay();
      if (stopped || isPaused(lane)) return;
      // Where the last one failed, one shows whether it is well again.
      const limit = stateOf(lane).inARow > 0 ? 1 : (platformOf(lane)?.limits.concurrent ?? 1);
      const rows = await outbox.claim(lane, { ...claimOf(), limit });
      if (rows.length === 0) return;
      await Promise.all(rows.map((row) => begin(() => attempt(row, false))));
    }
  }

  function begin(work: () => Promise<void>): Promise<void> {
    const mine = work().finally(() => begun.delete(mine));
    begun.add(mine);
    return mine;
  }

  return {
    async turn() {
      for (const lane of await outbox.lanes()) {
        const name = nameOf(lane);
        if (stopped || going.has(name) || isPaused(lane)) continue;
        const walking = walk(lane)
          .catch((error: unknown) =>
            deps.log.error({ err: error, tenant: lane.tenantId, platform: lane.platform }, 'a lane stopped; it is taken up again'),
          )
          .finally(() => going.delete(name));
        going.set(name, walking);
      }
    },
    async idle() {
      while (going.size > 0) await Promise.all(going.values());
    },
    async now(key) {
      if (stopped || isPaused(key)) return;
      try {
        const row = await outbox.claimOne(key, claimOf());
        if (row) await begin(() => attempt(row, true));
      } catch (error) {
        deps.log.error({ err: error, tenant: key.tenantId, platform: key.platform }, 'a delivery could not be made at once; it is made in its turn');
      }
    },
    isPaused,
    async stop() {
      stopped = true;
      const late = setTimeout(() => ending.abort(), END_MS);
      await Promise.allSettled([...going.values(), ...begun]);
      clearTimeout(late);
    },
  };
}

const codeOf = (error: unknown): string => (error instanceof TransientFailure || error instanceof TerminalFailure ? error.code : 'fault');

/** What is no failure of a platform may hold anything: its place is the log. */
const reasonOf = (error: unknown): string =>
  (error instanceof TransientFailure || error instanceof TerminalFailure ? error.message : 'a fault of the gateway; the log says which').slice(
    0,
    500,
  );
