/**
 * platform-upkeep: what a platform needs besides deliveries. Who was here before the platform is put into the outbox, a page at a time and no faster than it is
 * emptied; its catalogue is read anew; once a day everybody who has something there is looked at, in the turns that nobody else wants.
 */
import { TransientFailure } from '../connectors/connector.ts';
import type { Platform } from '../core/tenant.ts';
import type { Kv } from '../kv/kv.ts';
import { breathe } from '../lib/breathe.ts';
import type { Log } from '../lib/log.ts';
import { type Lane, PLACE } from '../store/outbox.ts';
import type { PlatformStanding } from '../store/platforms.ts';
import type { Store } from '../store/store.ts';
import { tellMeanings } from './meanings.ts';
import { FRESH_MS, type PlatformCatalogue } from './platform-catalogue.ts';
import { enabledOf, type Platforms, placeOf, type Ready } from './platforms.ts';
import type { LiveTenant } from './tenants.ts';

export interface UpkeepDeps {
  store: Pick<Store, 'platforms' | 'outbox' | 'people' | 'ledger'>;
  platforms: Platforms;
  catalogue: PlatformCatalogue;
  kv: Pick<Kv, 'add' | 'set'>;
  now: () => Date;
  newId: () => string;
  log: Log;
}

/** More waiting than this, and nothing that can wait is put behind them: publications, the first fill, the daily look. */
export const FULL = 10_000;
const PAGE = 500;
const DAY_MS = 86_400_000;
const CATALOGUE_MS = 600_000;
/** A catalogue that could not be read is not asked for again at once. */
const RETRY_MS = 60_000;

/** How often this process asks whether somebody has looked today. */
const ASK_MS = 600_000;

export interface PlatformUpkeep {
  /** Every platform of every tenant. What fails for one, or takes long, keeps no other from its turn. */
  turn(tenants: readonly LiveTenant[]): Promise<void>;
}

export function createPlatformUpkeep(deps: UpkeepDeps): PlatformUpkeep {
  const going = new Set<string>();
  const asked = new Map<string, number>();
  const told = new Map<string, string>();
  return { turn: (tenants) => turn({ ...deps, going, asked, told }, tenants) };
}

interface Deps extends UpkeepDeps {
  /** Platforms that an earlier turn is still busy with. */
  going: Set<string>;
  asked: Map<string, number>;
  /** By which document and catalogue the holders of each platform's targets were last told, as far as this process knows. */
  told: Map<string, string>;
}

async function turn(deps: Deps, tenants: readonly LiveTenant[]): Promise<void> {
  const standing = await deps.store.platforms.standings();
  const rows = new Map(standing.map((row) => [JSON.stringify([row.tenantId, row.platform]), row]));
  await noteDeaf(deps, tenants, standing);
  const all = tenants.flatMap((live) => enabledOf(live.tenant).map((id) => ({ live, id, name: JSON.stringify([live.tenant.id, id]) })));
  for (const { live, id, name } of all) {
    if (deps.going.has(name)) continue;
    deps.going.add(name);
    void keep(deps, { live, id, row: rows.get(name) ?? null }).finally(() => deps.going.delete(name));
  }
}

async function keep(deps: Deps, { live, id, row }: { live: LiveTenant; id: string; row: PlatformStanding | null }): Promise<void> {
  try {
    const ready = deps.platforms.of(live.tenant, id);
    if (ready) await keepPlatform(deps, live, { ready, row });
  } catch (error) {
    await told(deps, live, { platform: id, error }).catch(() => {}); // the store is away: other loops say so
  }
}

/** A platform that is switched off, or not in the file, hears of nothing, and nobody waits for it: when it comes back everybody is told to it. */
async function noteDeaf({ store, now }: UpkeepDeps, tenants: readonly LiveTenant[], standing: PlatformStanding[]): Promise<void> {
  const readable = new Map(tenants.filter(({ unreadable }) => !unreadable).map((live) => [live.tenant.id, live]));
  const isDeaf = ({ tenantId, platform }: Lane) => {
    const live = readable.get(tenantId);
    return live !== undefined && !enabledOf(live.tenant).includes(platform);
  };
  for (const { tenantId, platform, cursor } of standing)
    if (cursor !== '' && isDeaf({ tenantId, platform })) await store.platforms.refill({ tenantId, platform }, now());
  // After it is sure that they will be told.
  for (const lane of await store.outbox.lanes())
    if (isDeaf(lane)) await store.outbox.drop(lane, { revision: readable.get(lane.tenantId)!.revision, limit: FULL });
}

async function keepPlatform(deps: Deps, live: LiveTenant, { ready, row }: { ready: Ready; row: PlatformStanding | null }): Promise<void> {
  const lane = { tenantId: live.tenant.id, platform: ready.platform.id };
  const place = placeOf(ready.platform);
  if (!row) await deps.store.platforms.add(lane, place, deps.now());
  const known = row ?? { place, entriesAt: null, revision: null, cursor: '' };
  if (known.place !== place) return; // deliveries say so
  await readCatalogue(deps, live, { ready, readAt: known.entriesAt });
  await tellOnce(deps, live, { platform: ready.platform, known });
  if (known.cursor !== null) return fill(deps, lane, known.cursor);
  await lookDaily(deps, live, ready);
}

/** One node reads it, for all of them. */
async function readCatalogue(deps: UpkeepDeps, live: LiveTenant, { ready, readAt }: { ready: Ready; readAt: Date | null }): Promise<void> {
  const { tenant } = live;
  if (live.unreadable || !ready.connector.capabilities.catalogue || (readAt && deps.now().getTime() - readAt.getTime() < FRESH_MS)) return;
  const key = `catalogue:${tenant.id}:${ready.platform.id}`;
  if (!(await deps.kv.add('sweep', key, '1', CATALOGUE_MS + RETRY_MS))) return;
  try {
    const { held } = await deps.catalogue.refresh(live, ready, { signal: AbortSignal.timeout(CATALOGUE_MS), allowRemovals: false });
    // Until an operator has said something it is not read every minute.
    await deps.kv.set('sweep', key, '1', held > 0 ? FRESH_MS : RETRY_MS);
  } catch (error) {
    await deps.kv.set('sweep', key, '1', error instanceof TransientFailure && error.code === 'nonsense' ? FRESH_MS : RETRY_MS);
    throw error;
  }
}

/** A new document or a new catalogue may have made something else of what people hold. */
async function tellOnce(
  deps: Deps,
  live: LiveTenant,
  { platform, known }: { platform: Platform; known: Pick<PlatformStanding, 'entriesAt' | 'revision'> },
): Promise<void> {
  const name = JSON.stringify([live.tenant.id, platform.id]);
  const by = `${live.revision} ${known.revision} ${known.entriesAt?.getTime()}`;
  if (live.unreadable || deps.told.get(name) === by) return;
  await tellMeanings(deps, live, platform);
  deps.told.set(name, by);
}

/** Everybody who was here before it. Goes on where it was, whichever node it is. */
async function fill(deps: UpkeepDeps, lane: Lane, cursor: string): Promise<void> {
  for (let from = cursor; ; ) {
    if (await deps.store.outbox.isFull([lane], FULL)) return;
    const { users, next } = await deps.store.people.page(lane.tenantId, { after: from === '' ? null : from, limit: PAGE });
    // Whoever has nothing there, and should have nothing, costs no call.
    await enqueue(
      deps,
      lane,
      users.map(({ id }) => id),
      { look: false },
    );
    if (!(await deps.store.platforms.advance(lane, { from, to: next === null ? null : users.at(-1)!.id }, deps.now())) || next === null) return;
    from = users.at(-1)!.id;
    await breathe();
  }
}

export const enqueue = (
  deps: Pick<UpkeepDeps, 'store' | 'newId' | 'now'>,
  lane: Lane,
  userIds: string[],
  { look }: { look: boolean },
): Promise<void> =>
  deps.store.outbox.enqueue(
    userIds.map((userId) => ({ ...lane, userId, id: deps.newId(), place: look ? PLACE.lookAfter : PLACE.change, look })),
    deps.now(),
  );

/** What the platform has is compared with what it should have, and mended, as a delivery does it. */
async function lookDaily(deps: Deps, { tenant }: LiveTenant, { platform, connector }: Ready): Promise<void> {
  const name = JSON.stringify([tenant.id, platform.id]);
  const now = deps.now().getTime();
  if (!connector.capabilities.readBack || now < (deps.asked.get(name) ?? 0)) return;
  deps.asked.set(name, now + ASK_MS);
  const lane = { tenantId: tenant.id, platform: platform.id };
  if ((await deps.store.outbox.isFull([lane], FULL)) || !(await deps.kv.add('sweep', `look:${tenant.id}:${platform.id}`, '1', DAY_MS))) return;
  for (let after: string | null = null; ; ) {
    const page = await deps.store.ledger.people(lane, { after, limit: PAGE });
    await enqueue(
      deps,
      lane,
      page.filter(({ lookedAt }) => !lookedAt || deps.now().getTime() - lookedAt.getTime() > DAY_MS / 2).map(({ userId }) => userId),
      { look: true },
    );
    if (page.length < PAGE) return;
    after = page.at(-1)!.userId;
    await breathe();
  }
}

/** Once an hour in the log, per platform. */
async function told({ kv, log }: UpkeepDeps, { tenant }: LiveTenant, { platform, error }: { platform: string; error: unknown }): Promise<void> {
  const { code = 'fault', message } = error as { code?: string; message: string };
  if (await kv.add('sweep', `upkeep:${tenant.id}:${platform}:${code}`, '1', DAY_MS / 24))
    log.warn({ tenant: tenant.id, platform, code, reason: message }, 'a platform could not be looked after; it is tried again');
}
