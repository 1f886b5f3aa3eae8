/** deliveries: what an operator does about learning platforms: see how far they are, try dead letters again, tick off what was done by hand, look, compare, mend. */
import { type Finding, TerminalFailure, TransientFailure } from '../connectors/connector.ts';
import { offerOf, resolve } from '../core/entitlement.ts';
import type { Target } from '../core/model.ts';
import { Refusal } from '../core/refusal.ts';
import type { Platform, Tenant } from '../core/tenant.ts';
import type { OutboxRow } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';
import { type Drift, type DriftAsked, type DriftDeps, findDrift } from './drift.ts';
import { type Line, lineOf } from './line.ts';
import type { PlatformCatalogue, Refreshed } from './platform-catalogue.ts';
import { enqueue } from './platform-upkeep.ts';
import { type Platforms, placeOf, type Ready } from './platforms.ts';
import type { LiveTenant } from './tenants.ts';

export interface DeliveriesDeps extends Omit<DriftDeps, 'store'> {
  store: Pick<Store, 'platforms' | 'outbox' | 'people' | 'ledger' | 'journal'>;
  platforms: Platforms;
  catalogue: PlatformCatalogue;
}

export interface PlatformStatus {
  platform: string;
  name: string;
  /** Null = it is not in the tenant file any more, and somebody still waits for it. */
  kind: Platform['kind'] | null;
  enabled: boolean;
  waiting: number;
  dead: number;
  oldest: Date | null;
  /** Why nothing can be delivered, since when. */
  halted: { since: Date; code: string; reason: string } | null;
  catalogueAt: Date | null;
  /** Who was here before it is still being put into the outbox. */
  filling: boolean;
  /** Targets that it does not have, and how many people have them here. */
  unknown: { target: string; people: number }[];
}

export interface Letter {
  platform: string;
  userId: string;
  state: 'waiting' | 'dead' | 'look-after';
  attempts: number;
  dueAt: Date;
  since: Date;
  code: string | null;
  reason: string | null;
  /** Goes on after this one. */
  id: string;
}

export interface Checked {
  platform: string;
  findings: Finding[];
}

const CHECK_MS = 60_000;
const PAGE = 500;

export type Deliveries = ReturnType<typeof createDeliveries>;

export function createDeliveries(deps: DeliveriesDeps) {
  const { platforms: known, outbox, ledger, journal } = deps.store;
  const laneOf = ({ tenant }: LiveTenant, platform: string) => ({ tenantId: tenant.id, platform });
  const note = (line: Line) => journal.append(lineOf(deps, line));
  const readyFor = (live: LiveTenant, platform: string): Ready => {
    const ready = deps.platforms.of(live.tenant, platform);
    if (!ready) throw new Refusal('not-found', 'platform/unknown', `the tenant has no enabled platform ${platform}`);
    return ready;
  };
  const configured = (live: LiveTenant, platform: string): Platform => {
    const found = live.tenant.platforms.find(({ id }) => id === platform);
    if (!found) throw new Refusal('not-found', 'platform/unknown', `the tenant has no platform ${platform}`);
    return found;
  };

  return {
    async overview(live: LiveTenant): Promise<PlatformStatus[]> {
      const { id } = live.tenant;
      const [counts, rows, unknown] = await Promise.all([outbox.counts(id), known.ofTenant(id), ledger.unknown(id)]);
      const gone = counts.filter((lane) => !live.tenant.platforms.some((one) => one.id === lane.platform));
      const listed = [
        ...live.tenant.platforms,
        ...gone.map(({ platform }) => ({ id: platform, name: `${platform} (not in the tenant file any more)`, kind: null, enabled: false })),
      ];
      return listed.map(({ id: platform, name, kind, enabled }) => {
        const lane = counts.find((one) => one.platform === platform);
        const row = rows.find((one) => one.platform === platform);
        return {
          ...{ platform, name, kind, enabled, waiting: lane?.waiting ?? 0, dead: lane?.dead ?? 0, oldest: lane?.oldest ?? null },
          halted: row?.haltedAt ? { since: row.haltedAt, code: row.haltedCode ?? '', reason: row.haltedReason ?? '' } : null,
          catalogueAt: row?.entriesAt ?? null,
          filling: enabled && row?.cursor !== null,
          unknown: unknown.filter((one) => one.platform === platform).map(({ target, people: n }) => ({ target, people: n })),
        };
      });
    },

    async letters(live: LiveTenant, page: { platform?: string; dead?: boolean; after: string | null; limit: number }): Promise<Letter[]> {
      return (await outbox.list(live.tenant.id, page)).map(letterOf);
    },

    /** Dead letters wait again, and a halted platform is tried at once; how many. */
    async retry(live: LiveTenant, asked: { platform: string; userId?: string }, actor: string): Promise<number> {
      const lane = laneOf(live, configured(live, asked.platform).id);
      await known.retry(lane, deps.now());
      const revived = await outbox.revive({ ...lane, ...(asked.userId !== undefined && { userId: asked.userId }) }, deps.now());
      await outbox.hasten(lane, deps.now(), 'all');
      await note({ tenantId: lane.tenantId, actor, cause: 'delivery', code: 'retried', detail: { ...asked, revived } });
      return revived;
    },

    /** Everything is told anew, of one person or of all who have an account there; how many. */
    async replay(live: LiveTenant, asked: { platform: string; userId?: string }, actor: string): Promise<number> {
      const lane = laneOf(live, readyFor(live, asked.platform).platform.id);
      const told = async (ids: string[]) => enqueue(deps, lane, ids, { look: true });
      let n = 0;
      if (asked.userId !== undefined) {
        await told([asked.userId]);
        n = 1;
      } else
        for (let after: string | null = null; ; ) {
          const page = await ledger.people(lane, { after, limit: PAGE });
          await told(page.map(({ userId }) => userId));
          n += page.length;
          if (page.length < PAGE) break;
          after = page.at(-1)!.userId;
        }
      await note({ tenantId: lane.tenantId, actor, cause: 'delivery', code: 'replayed', detail: { ...asked, people: n } });
      return n;
    },

    /** Asks every platform, and looks for every target of the rules in its catalogue. Never throws for what a platform answers. */
    async check(live: LiveTenant): Promise<Checked[]> {
      const all: Checked[] = [];
      for (const { id, enabled } of live.tenant.platforms) if (enabled) all.push({ platform: id, findings: await checkPlatform(deps, live, id) });
      return all;
    },

    /** Reads the catalogue now. */
    async refresh(live: LiveTenant, asked: { platform: string; allowRemovals: boolean }, actor: string): Promise<Refreshed> {
      const ready = readyFor(live, asked.platform);
      if (!ready.connector.capabilities.catalogue)
        throw new Refusal('request-malformed', 'platform/no-catalogue', `${asked.platform} has no catalogue`);
      const done = await deps.catalogue.refresh(live, ready, { signal: AbortSignal.timeout(CHECK_MS), allowRemovals: asked.allowRemovals });
      const detail = { ...asked, entries: done.entries.length, changed: done.changed, held: done.held };
      await note({ tenantId: live.tenant.id, actor, cause: 'delivery', code: 'catalogue-read', detail });
      return done;
    },

    /** The platform leads to another place, is not in the tenant file any more, or its ledger is to be forgotten: everybody begins anew, and what was given before stays where it was given. */
    async restart(live: LiveTenant, platform: string, actor: string): Promise<void> {
      const lane = laneOf(live, platform);
      const found = live.tenant.platforms.find(({ id }) => id === platform);
      if (!found && !(await known.get(lane))) configured(live, platform);
      // Whatever happens in between, everybody is told.
      await known.refill(lane, deps.now());
      await ledger.forget(lane);
      if (found) {
        await known.add(lane, placeOf(found), deps.now());
        await known.moved(lane, placeOf(found), deps.now());
      }
      await note({ tenantId: live.tenant.id, actor, cause: 'delivery', code: 'platform-restarted', detail: { platform } });
    },

    async drift(live: LiveTenant, asked: DriftAsked & { platform?: string }, actor: string): Promise<Drift[]> {
      const found: Drift[] = [];
      for (const { id, enabled } of live.tenant.platforms) {
        if (!enabled || (asked.platform !== undefined && asked.platform !== id)) continue;
        const drift = await findDrift(deps, { live, ready: readyFor(live, id) }, asked);
        found.push(drift);
        if (!asked.fix) continue;
        const { looked, differing, losing, mended, overLimit } = drift;
        const detail = { platform: id, looked, differing, losing, mended, overLimit };
        await note({ tenantId: live.tenant.id, actor, cause: 'delivery', code: 'drift-mended', detail });
      }
      return found;
    },
  };
}

const letterOf = ({ platform, userId, place, attempts, dueAt, createdAt, failedCode, failedReason, id }: OutboxRow): Letter => ({
  ...{ platform, userId, attempts, dueAt, since: createdAt, code: failedCode, reason: failedReason, id },
  state: place === 9 ? 'dead' : place === 2 ? 'look-after' : 'waiting',
});

async function checkPlatform(deps: DeliveriesDeps, live: LiveTenant, platform: string): Promise<Finding[]> {
  try {
    const ready = deps.platforms.of(live.tenant, platform)!;
    const findings = await ready.connector.check(AbortSignal.timeout(CHECK_MS));
    if (!ready.connector.capabilities.catalogue || findings.some(({ ok, check }) => !ok && check !== 'clock' && check !== 'hand-off'))
      return findings;
    return [...findings, ...targetFindings(live.tenant, await ready.connector.catalogue(AbortSignal.timeout(CHECK_MS)))];
  } catch (error) {
    if (!(error instanceof TerminalFailure || error instanceof TransientFailure)) throw error;
    return [{ check: error.code, ok: false, message: error.message }];
  }
}

/** Every target that a rule gives, as it is found there. */
function targetFindings({ catalogue, mapping }: Tenant, entries: Parameters<typeof resolve>[2]): Finding[] {
  const targets = [...new Set<Target>(mapping.rules.flatMap(({ enrol }) => enrol))].sort();
  return targets.map((target) => {
    const found = resolve(target, catalogue, entries);
    if (typeof found !== 'string')
      return { check: 'target', ok: true, message: `${target}: ${found.map(({ name }) => name).join(', ') || 'nothing in it'}` };
    const next = `write what it is called there as ref: of ${JSON.stringify(offerOf(target, catalogue).slug)} in the tenant file's catalogue`;
    return { check: 'target', ok: false, message: found, next };
  });
}
