/**
 * platform-catalogue: what a platform offers, read now and then and kept, so that a delivery and a plan find names in it without a call. When it has changed,
 * whoever holds a target that means something else now is delivered anew; where that would take away from more people than the tenant's limits allow, the
 * catalogue as it was stays in force until an operator takes the new one in.
 */
import { type Connector, TransientFailure } from '../connectors/connector.ts';
import { type CatalogueEntry, resolve, resourceKey } from '../core/entitlement.ts';
import { exceeds } from '../core/guard.ts';
import type { Target } from '../core/model.ts';
import type { Tenant } from '../core/tenant.ts';
import type { Log } from '../lib/log.ts';
import { type Lane, PLACE } from '../store/outbox.ts';
import type { PlatformRow } from '../store/platforms.ts';
import type { Store } from '../store/store.ts';
import { placeOf, type Ready } from './platforms.ts';

export interface CatalogueDeps {
  store: Pick<Store, 'platforms' | 'outbox' | 'people'>;
  now: () => Date;
  newId: () => string;
  log: Log;
}

/** Older than this, it is read again. */
export const FRESH_MS = 15 * 60_000;
const PAGE = 500;

export interface Refreshed {
  entries: CatalogueEntry[];
  /** Targets that mean something else than before. */
  changed: Target[];
  /** So many people would have lost something: the old catalogue stays in force. */
  held: number;
}

export interface PlatformCatalogue {
  /** As lately read; read now where it never was. */
  entries(tenant: Tenant, connector: Connector, signal: AbortSignal): Promise<CatalogueEntry[]>;
  /** As it was read last, without a call; null = never. */
  known(lane: Lane): Promise<CatalogueEntry[] | null>;
  /** Reads it now. Throws what the connector throws. */
  refresh(tenant: Tenant, ready: Ready, how: { signal: AbortSignal; allowRemovals: boolean }): Promise<Refreshed>;
}

export function createPlatformCatalogue(deps: CatalogueDeps): PlatformCatalogue {
  const { platforms } = deps.store;
  const kept = new Map<string, { row: PlatformRow; lookedAt: number }>();
  const reading = new Map<string, Promise<CatalogueEntry[]>>();
  const nameOf = ({ tenantId, platform }: Lane) => JSON.stringify([tenantId, platform]);

  /** The row as this process saw it within the last seconds: another may have read the catalogue anew. */
  async function rowOf(lane: Lane): Promise<PlatformRow | null> {
    const mine = kept.get(nameOf(lane));
    if (mine && deps.now().getTime() - mine.lookedAt < 5000) return mine.row;
    const row = await platforms.get(lane);
    if (row) kept.set(nameOf(lane), { row, lookedAt: deps.now().getTime() });
    return row;
  }

  async function take(
    tenant: Tenant,
    lane: Lane,
    { entries, allowRemovals }: { entries: CatalogueEntry[]; allowRemovals: boolean },
  ): Promise<Refreshed> {
    const before = (await platforms.get(lane))?.entries ?? null;
    const { changed, losing } = before === null ? { changed: [], losing: [] } : differences(tenant, before, entries);
    const held = allowRemovals ? 0 : await losers(tenant, losing);
    if (held > 0) {
      deps.log.warn(
        { tenant: tenant.id, platform: lane.platform, targets: losing, people: held },
        'the platform offers less than before, and more people than the limit would lose something: the catalogue as it was stays in force (matricula platform refresh --allow-removals)',
      );
      return { entries: before!, changed, held };
    }
    await platforms.entries(lane, entries, deps.now());
    kept.delete(nameOf(lane));
    for (const target of changed) await enqueueHolders(tenant, lane, target);
    return { entries, changed, held: 0 };
  }

  /** How many hold one of these, where that is more than the limits allow; else 0. */
  async function losers(tenant: Tenant, targets: Target[]): Promise<number> {
    const people = new Set<string>();
    for (const target of targets) for await (const page of holders(tenant, target)) for (const id of page) people.add(id);
    if (people.size === 0) return 0;
    const { users } = await deps.store.people.headcount(tenant.id);
    return exceeds(people.size, users, tenant.provisioning.limits) ? people.size : 0;
  }

  async function* holders({ id }: Tenant, target: Target): AsyncGenerator<string[]> {
    for (let after: string | null = null; ; ) {
      const page: string[] = await platforms.holders(id, target, { after, limit: PAGE });
      if (page.length > 0) yield page;
      if (page.length < PAGE) return;
      after = page.at(-1)!;
    }
  }

  async function enqueueHolders(tenant: Tenant, lane: Lane, target: Target): Promise<void> {
    for await (const page of holders(tenant, target))
      await deps.store.outbox.enqueue(
        page.map((userId) => ({ ...lane, userId, id: deps.newId(), place: PLACE.change, look: false })),
        deps.now(),
      );
  }

  return {
    async entries(tenant, connector, signal) {
      const lane = { tenantId: tenant.id, platform: connector.platform };
      const entries = (await rowOf(lane))?.entries;
      if (entries) return entries;
      const going = reading.get(nameOf(lane));
      if (going) return going;
      const mine = connector
        .catalogue(signal)
        .then(async (read) => (await take(tenant, lane, { entries: read, allowRemovals: true })).entries)
        .finally(() => reading.delete(nameOf(lane)));
      reading.set(nameOf(lane), mine);
      return mine;
    },
    known: async (lane) => (await rowOf(lane))?.entries ?? null,
    async refresh(tenant, { platform, connector }, { signal, allowRemovals }) {
      const lane = { tenantId: tenant.id, platform: platform.id };
      await platforms.add(lane, placeOf(platform), deps.now());
      const entries = await connector.catalogue(signal);
      // A platform that is being set up has nothing; one that had much and has nothing is not believed.
      const before = (await platforms.get(lane))?.entries;
      if (entries.length === 0 && before && before.length > 0 && !allowRemovals)
        throw new TransientFailure('nonsense', `${platform.id} offers nothing any more; the catalogue as it was stays in force`);
      return take(tenant, lane, { entries, allowRemovals });
    },
  };
}

/** Targets of the tenant that lead to other things than before, and those of them that lead to fewer. */
function differences({ catalogue }: Tenant, before: CatalogueEntry[], after: CatalogueEntry[]): { changed: Target[]; losing: Target[] } {
  const changed: Target[] = [];
  const losing: Target[] = [];
  const targets = [
    ...catalogue.bundles.map(({ slug }): Target => `bundle:${slug}`),
    ...catalogue.collections.map(({ slug }): Target => `collection:${slug}`),
    ...catalogue.groups.map(({ slug }): Target => `group:${slug}`),
  ];
  for (const target of targets) {
    const [was, is] = [before, after].map((entries) => resolve(target, catalogue, entries));
    const [had, has] = [was, is].map((found) => (typeof found === 'string' || found === undefined ? null : new Set(found.map(resourceKey))));
    if (JSON.stringify(had && [...had].sort()) === JSON.stringify(has && [...has].sort())) continue;
    changed.push(target);
    // What cannot be found takes nothing away (core/entitlement).
    if (had && has && [...had].some((key) => !has.has(key))) losing.push(target);
  }
  return { changed, losing };
}
