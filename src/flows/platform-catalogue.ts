/**
 * platform-catalogue: what a platform offers, read now and then and kept, so that a delivery and a plan find names in it without a call. When it has changed,
 * whoever holds a target that means something else now is delivered anew; where that would take away from more people than the tenant's limits allow, the
 * catalogue as it was stays in force until an operator takes the new one in.
 */
import { type Connector, TerminalFailure, TransientFailure } from '../connectors/connector.ts';
import type { CatalogueEntry } from '../core/entitlement.ts';
import { meaningsOf, shiftsBetween } from '../core/meaning.ts';
import type { Target } from '../core/model.ts';
import type { Tenant } from '../core/tenant.ts';
import type { Log } from '../lib/log.ts';
import type { Lane } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';
import { losers, tellMeanings } from './meanings.ts';
import { placeOf, type Ready } from './platforms.ts';
import type { LiveTenant } from './tenants.ts';

export interface CatalogueDeps {
  store: Pick<Store, 'platforms' | 'outbox' | 'people'>;
  now: () => Date;
  newId: () => string;
  log: Log;
}

/** Older than this, it is read again. */
export const FRESH_MS = 15 * 60_000;
/** Entries and what is in them, together. */
const MOST_THINGS = 200_000;

export interface Refreshed {
  entries: CatalogueEntry[];
  /** Targets that mean something else than before. */
  changed: Target[];
  /** So many people would have lost something: the old catalogue stays in force. */
  held: number;
}

export interface PlatformCatalogue {
  /** As lately read; read now where it never was. `readAt`: when that was, as the store says; null = to be looked up. */
  entries(tenant: Tenant, connector: Connector, how: { signal: AbortSignal; readAt: Date | null }): Promise<CatalogueEntry[]>;
  /** As it was read last, without a call; null = never. */
  known(lane: Lane): Promise<CatalogueEntry[] | null>;
  /** Reads it now, and tells whoever holds a target that is something else. Throws what the connector throws. */
  refresh(live: LiveTenant, ready: Ready, how: { signal: AbortSignal; allowRemovals: boolean }): Promise<Refreshed>;
}

export function createPlatformCatalogue(deps: CatalogueDeps): PlatformCatalogue {
  const { platforms } = deps.store;
  /** As read at that moment: another process may have read it anew since. */
  const kept = new Map<string, { entries: CatalogueEntry[]; readAt: number }>();
  const reading = new Map<string, Promise<CatalogueEntry[]>>();
  const nameOf = ({ tenantId, platform }: Lane) => JSON.stringify([tenantId, platform]);

  async function stored(lane: Lane): Promise<CatalogueEntry[] | null> {
    const row = await platforms.get(lane);
    if (row?.entries && row.entriesAt) kept.set(nameOf(lane), { entries: row.entries, readAt: row.entriesAt.getTime() });
    return row?.entries ?? null;
  }

  async function read(connector: Connector, signal: AbortSignal): Promise<CatalogueEntry[]> {
    const entries = await connector.catalogue(signal);
    const things = entries.reduce((sum, { contents }) => sum + 1 + contents.length, 0);
    if (things > MOST_THINGS)
      throw new TerminalFailure('validation', `the catalogue holds ${things} things, and more than ${MOST_THINGS} are not taken in`, {
        scope: 'platform',
      });
    return entries;
  }

  async function take(
    tenant: Tenant,
    lane: Lane,
    { entries, allowRemovals }: { entries: CatalogueEntry[]; allowRemovals: boolean },
  ): Promise<Refreshed> {
    const row = await platforms.get(lane);
    const before = row?.entries ?? null;
    const { catalogue, provisioning } = tenant;
    const was = row?.meanings ?? (before && meaningsOf({ catalogue, entries: before }));
    const is = meaningsOf({ catalogue, entries }, was ?? {});
    const { changed, losing } = was ? shiftsBetween(was, is) : { changed: [], losing: [] };
    const held = allowRemovals ? 0 : await losers(deps.store, tenant, { targets: losing, limits: provisioning.limits });
    if (held > 0) {
      deps.log.warn(
        { tenant: tenant.id, platform: lane.platform, targets: losing, people: held },
        'the platform offers less than before, and more people than the limit would lose something: the catalogue as it was stays in force (matricula platform refresh --allow-removals)',
      );
      return { entries: before ?? [], changed, held };
    }
    // What they were until now is kept first: should this process die, they are told all the same (meanings).
    if (!row?.meanings) await platforms.meant(lane, { meanings: was ?? is, revision: row?.revision ?? 0 }, deps.now());
    const readAt = deps.now();
    await platforms.entries(lane, entries, readAt);
    kept.set(nameOf(lane), { entries, readAt: readAt.getTime() });
    return { entries, changed, held: 0 };
  }

  return {
    async entries(tenant, connector, { signal, readAt }) {
      const lane = { tenantId: tenant.id, platform: connector.platform };
      const name = nameOf(lane);
      const mine = kept.get(name);
      if (mine && mine.readAt === readAt?.getTime()) return mine.entries;
      const known = await stored(lane);
      if (known) return known;
      const going = reading.get(name);
      if (going) return going;
      const first = read(connector, signal)
        .then(async (entries) => (await take(tenant, lane, { entries, allowRemovals: true })).entries)
        .finally(() => reading.delete(name));
      reading.set(name, first);
      return first;
    },
    known: stored,
    async refresh(live, { platform, connector }, { signal, allowRemovals }) {
      const lane = { tenantId: live.tenant.id, platform: platform.id };
      await platforms.add(lane, placeOf(platform), deps.now());
      const entries = await read(connector, signal);
      // A platform that is being set up has nothing; one that had much and has nothing is not believed.
      const before = (await platforms.get(lane))?.entries;
      if (entries.length === 0 && before && before.length > 0 && !allowRemovals)
        throw new TransientFailure('nonsense', `${platform.id} offers nothing any more; the catalogue as it was stays in force`);
      const taken = await take(live.tenant, lane, { entries, allowRemovals });
      if (taken.changed.length > 0 && taken.held === 0) await tellMeanings(deps, live, platform);
      return taken;
    },
  };
}
