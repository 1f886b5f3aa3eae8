/**
 * delivery-attempt: one try to deliver one person at one platform, and what becomes of them when it fails: everybody's matter, or their own. What is everybody's leaves
 * their attempts as they are; what is their own is tried again later, and is a dead letter in the end.
 */
import { NotCalled, TerminalFailure, TransientFailure } from '../connectors/connector.ts';
import type { Platform } from '../core/tenant.ts';
import type { Log } from '../lib/log.ts';
import { Conflict, Unavailable } from '../store/database.ts';
import type { Lane as LaneKey, OutboxRow } from '../store/outbox.ts';
import type { PlatformStanding } from '../store/platforms.ts';
import type { Store } from '../store/store.ts';
import { type DeliveryDeps, deliver } from './delivery.ts';
import { backoff, type Lane } from './delivery-lane.ts';
import { type Platforms, placeOf, type Ready } from './platforms.ts';
import type { LiveTenant, Tenants } from './tenants.ts';

export interface AttemptDeps extends DeliveryDeps {
  store: Pick<Store, 'people' | 'ledger' | 'outbox' | 'platforms'>;
  tenants: Pick<Tenants, 'get' | 'refresh'>;
  platforms: Platforms;
  log: Log;
  /** From 0 up to 1; for jitter. */
  random: () => number;
}

/** What is known of lanes in this process. */
export interface Lanes {
  of(key: LaneKey): Lane;
  platformOf(key: LaneKey): Platform | null;
}

export interface Attempts {
  /** Of a claimed row. Rejects only where the store is away: the claim runs out by itself. */
  make(row: OutboxRow, how: { urgent: boolean }): Promise<void>;
  /** Those that are under way end, if not before, after so many milliseconds; answers with what takes that back. */
  end(afterMs: number): () => void;
}

/** An attempt ends before its claim does (deliver.ts). */
export const ATTEMPT_MS = 45_000;
/** Another node may be able to read what this one cannot. */
const UNREAD_MS = 5000;
/** Whose turn did not come at all comes again so much later, so that the others' does. */
const PASSED_MS = 5000;
const LONGEST_BACKOFF_MS = 3_600_000;
/** Doubling from a second to an hour these take most of a day. */
const MOST_ATTEMPTS = 24;
/** A dead letter is tried once more when the person comes, but not more often than this. */
const DEAD_MS = 60_000;

export function createAttempts(deps: AttemptDeps, lanes: Lanes): Attempts {
  const { outbox, platforms } = deps.store;
  const under = new Set<AbortController>();
  let stopping = false;
  const inMs = (ms: number): Date => new Date(deps.now().getTime() + ms);

  /** What can be called, or the failure that says why nothing can. */
  function readyFor(key: LaneKey, urgent: boolean): { live: LiveTenant; ready: Ready } {
    const live = deps.tenants.get(key.tenantId);
    const ready = live && deps.platforms.of(live.tenant, key.platform, { urgent });
    if (!ready) throw new TerminalFailure('configuration', `the tenant file has no enabled platform ${key.platform}`, { scope: 'platform' });
    return { live, ready };
  }

  async function make(row: OutboxRow, how: { urgent: boolean }): Promise<void> {
    const lane = lanes.of(row);
    const ordinal = lane.began();
    const ending = new AbortController();
    under.add(ending);
    const late = setTimeout(() => ending.abort(), ATTEMPT_MS);
    try {
      const { live, ready, known } = await met(row, how.urgent);
      const readAt = known?.entriesAt ?? null;
      const asked = await deliver(deps, {
        tenant: live.tenant,
        connector: ready.connector,
        row,
        readAt,
        worker: row.claimedBy!,
        signal: ending.signal,
      });
      // Whoever needed nothing there says nothing of the platform, but for what was wrong on this side.
      const says = asked || known?.haltedCode === 'configuration';
      const isBack = says && lane.served(row.userId, ordinal);
      if (isBack || (says && lane.isWell() && (known?.haltedAt || known?.awayAt))) await recovered(row, known);
    } catch (error) {
      await failed(row, error, { lane, urgent: how.urgent });
    } finally {
      clearTimeout(late);
      under.delete(ending);
    }
  }

  /** As the tenant file says by now: another node that knows a newer one may have put people there because of it. */
  async function met(key: LaneKey, urgent: boolean): Promise<{ live: LiveTenant; ready: Ready; known: PlatformStanding | null }> {
    const known = await platforms.standing(key);
    const isRead = () => readRevision(deps.tenants.get(key.tenantId)) >= (known?.revision ?? 0);
    if (!isRead()) await deps.tenants.refresh();
    if (!isRead()) throw unread();
    try {
      const at = readyFor(key, urgent);
      await placed(key, at.ready, known);
      return { ...at, known };
    } catch (error) {
      // What this node thinks of it may be wrong for all others.
      throw deps.tenants.get(key.tenantId)?.unreadable ? unread() : error;
    }
  }

  /** The ledger of one place says nothing of another. */
  async function placed(key: LaneKey, { platform }: Ready, known: PlatformStanding | null): Promise<void> {
    // Whoever said that they want no more is not asked again until an operator says so.
    if (known?.haltedCode === 'gone') throw new TerminalFailure('gone', known.haltedReason ?? 'it wants no more', { scope: 'platform' });
    if (!known) await platforms.add(key, placeOf(platform), deps.now());
    else if (known.place !== placeOf(platform))
      throw new TerminalFailure(
        'configuration',
        `platform ${platform.id} leads to another place than before; its ledger is of the old one: matricula platform restart ${key.tenantId} ${platform.id}`,
        { scope: 'platform' },
      );
  }

  /** Only who waited for the platform is hastened: whoever failed by themselves keeps their own pause. */
  async function recovered(key: LaneKey, known: PlatformStanding | null): Promise<void> {
    if (known) await platforms.resume(key, deps.now());
    await outbox.hasten(key, deps.now(), 'untried');
    deps.log.info({ tenant: key.tenantId, platform: key.platform }, known?.haltedAt ? 'deliveries go on' : 'the platform answers again');
  }

  async function failed(row: OutboxRow, error: unknown, { lane, urgent }: { lane: Lane; urgent: boolean }): Promise<void> {
    const worker = row.claimedBy!;
    // Another worker has it by now; or the database is away, and the claim runs out by itself.
    if (error instanceof Conflict) return;
    if (error instanceof Unavailable) throw error;
    const failure = { code: codeOf(error), reason: reasonOf(error) };
    const about = { tenant: row.tenantId, platform: row.platform, user: row.userId, attempts: row.attempts, code: failure.code };
    // Perhaps it was given another secret where secrets are kept.
    if (failure.code === 'auth') deps.platforms.renew(lanes.platformOf(row));
    if (error instanceof NotCalled) {
      if (error.retryAfterMs !== null) lane.pause(error.retryAfterMs);
      if (error.begun && !stopping) return again(row, error, { failure, about, urgent });
      return outbox.release(row, worker, { dueAt: error.retryAfterMs === null ? inMs(PASSED_MS) : row.dueAt, failed: null });
    }
    if (isFailure(error) && error.scope === 'platform' && !lane.isOwn(row.userId)) {
      await unwell(row, error, { lane, about, failure });
      // Due as before: who came first is first when it answers again.
      return outbox.release(row, worker, { dueAt: row.dueAt, failed: failure });
    }
    if (error instanceof TerminalFailure && error.scope === 'person') return bury(row, { failure, about });
    if (!isFailure(error)) deps.log.error({ ...about, err: error }, 'a delivery failed by a fault');
    lane.failed(row.userId);
    if (!lane.isWell()) await platforms.away(row, deps.now());
    return again(row, error, { failure, about, urgent });
  }

  /** Later, one attempt more; in the end it is a dead letter. */
  function again(
    row: OutboxRow,
    error: unknown,
    { failure, about, urgent }: { failure: { code: string; reason: string }; about: object; urgent: boolean },
  ): Promise<void> {
    const wait = waitFor(row, error, urgent);
    if (wait === null) return bury(row, { failure, about });
    return outbox.retry(row, row.claimedBy!, { dueAt: inMs(wait), failed: failure });
  }

  /** What concerns everybody. */
  async function unwell(
    row: OutboxRow,
    error: TransientFailure | TerminalFailure,
    { lane, about, failure }: { lane: Lane; about: object; failure: { code: string; reason: string } },
  ): Promise<void> {
    if (error instanceof TransientFailure) {
      if (lane.isWell()) deps.log.warn({ ...about, reason: failure.reason }, 'a platform is away; deliveries wait');
      lane.away(row.userId, error.retryAfterMs);
      return platforms.away(row, deps.now());
    }
    if (!lane.isHalted()) deps.log.error({ ...about, reason: failure.reason }, 'nothing can be delivered to this platform until somebody mends it');
    lane.halted(row.userId);
    // Where nothing could ever be delivered it is not known yet, and an operator has to see why.
    const of = lanes.platformOf(row);
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
    return row.attempts + 1 < MOST_ATTEMPTS ? Math.max(asked ?? 0, backoff(row.attempts + 1, LONGEST_BACKOFF_MS, deps.random)) : null;
  }

  function planOf(key: LaneKey, urgent: boolean): readonly number[] | null {
    try {
      return readyFor(key, urgent).ready.connector.capabilities.retryPlan;
    } catch {
      return null;
    }
  }

  return {
    make,
    end(afterMs) {
      stopping = true;
      const late = setTimeout(() => {
        for (const one of under) one.abort();
      }, afterMs);
      return () => clearTimeout(late);
    },
  };
}

const unread = () =>
  new NotCalled('this node cannot read the tenant file by which people are to be told', { code: 'configuration', retryAfterMs: UNREAD_MS });

/** Of the document that this node goes by. */
const readRevision = (live: LiveTenant | null): number => live?.readRevision ?? live?.revision ?? 0;

const isFailure = (error: unknown): error is TransientFailure | TerminalFailure =>
  error instanceof TransientFailure || error instanceof TerminalFailure;

const codeOf = (error: unknown): string => (isFailure(error) ? error.code : 'fault');

/** What is no failure of a platform may hold anything: its place is the log. */
const reasonOf = (error: unknown): string => (isFailure(error) ? error.message : 'a fault of the gateway; the log says which').slice(0, 500);
