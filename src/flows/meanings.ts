/**
 * meanings: whoever holds a target that is something else at a platform than before, because its catalogue or the tenant file has changed, is delivered anew.
 * What was told last is kept beside the platform, so that a process that dies meanwhile leaves nobody out.
 */
import { exceeds } from '../core/guard.ts';
import { type Meanings, meaningsOf, shiftsBetween } from '../core/meaning.ts';
import type { Target } from '../core/model.ts';
import type { Limits, Platform, Tenant } from '../core/tenant.ts';
import { PLACE } from '../store/outbox.ts';
import type { PlatformRow } from '../store/platforms.ts';
import type { Store } from '../store/store.ts';
import { namesAt } from './platforms.ts';
import type { LiveTenant } from './tenants.ts';

export interface MeaningsDeps {
  store: Pick<Store, 'platforms' | 'outbox' | 'people'>;
  now: () => Date;
  newId: () => string;
}

const PAGE = 500;

/** Compares and tells. Nothing where another node knows a newer document. Safe to repeat. */
export async function tellMeanings({ store, now, newId }: MeaningsDeps, { tenant, revision }: LiveTenant, platform: Platform): Promise<void> {
  const lane = { tenantId: tenant.id, platform: platform.id };
  const row = await store.platforms.get(lane);
  const names = row && namesAt(platform, tenant, row.entries);
  if (!names || (row.revision ?? 0) > revision) return;
  const meanings = meaningsOf(names, row.meanings ?? {});
  const { changed } = shiftsBetween(row.meanings ?? {}, meanings);
  if (row.meanings && changed.length === 0 && Object.keys(meanings).length === Object.keys(row.meanings).length) return;
  // Nodes that still know the old document see the number first, and learn the new one before they deliver.
  if (!(await store.platforms.known(lane, revision, now()))) return;
  // A target that is new may have been delivered by a node that did not know it yet.
  const unheard = row.meanings ? (Object.keys(meanings) as Target[]).filter((target) => !(target in row.meanings!)) : [];
  for (const target of [...changed, ...unheard])
    for await (const page of holders(store, tenant, target))
      await store.outbox.enqueue(
        page.map((userId) => ({ ...lane, userId, id: newId(), place: PLACE.change, look: false })),
        now(),
      );
  await store.platforms.meant(lane, { meanings, revision }, now());
}

/** What targets were there when their holders were last told; null = nobody has been told of anything. */
function meaningsBefore(platform: Platform, tenant: Tenant, row: PlatformRow | null): Meanings | null {
  if (row?.meanings) return row.meanings;
  const names = namesAt(platform, tenant, row?.entries ?? null);
  return names && row ? meaningsOf(names) : null;
}

/** How many hold one of these, where that is more than the limits allow; else 0. */
export async function losers(
  store: MeaningsDeps['store'],
  tenant: Tenant,
  { targets, limits }: { targets: Target[]; limits: Limits },
): Promise<number> {
  const people = new Set<string>();
  for (const target of targets) for await (const page of holders(store, tenant, target)) for (const id of page) people.add(id);
  if (people.size === 0) return 0;
  const { users } = await store.people.headcount(tenant.id);
  return exceeds(people.size, users, limits) ? people.size : 0;
}

async function* holders(store: MeaningsDeps['store'], { id }: Pick<Tenant, 'id'>, target: Target): AsyncGenerator<string[]> {
  for (let after: string | null = null; ; ) {
    const page: string[] = await store.platforms.holders(id, target, { after, limit: PAGE });
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)!;
  }
}

/** Targets that a document would make something else at a platform. */
export interface Shift {
  platform: string;
  changed: Target[];
  /** Those of them that would be less. */
  losing: Target[];
  /** More people than the limits allow would lose something there; 0 = not so many. */
  overLimit: number;
}

/** What a document would mean by itself for whoever has enrolments that stay as they are; at platforms that are switched off, too. Writes nothing. */
export async function planShifts(
  { store }: Pick<MeaningsDeps, 'store'>,
  { before, tenant, limits }: { before: Tenant | null; tenant: Tenant; limits: Limits },
): Promise<Shift[]> {
  const shifts: Shift[] = [];
  for (const platform of tenant.platforms) {
    const row = await store.platforms.get({ tenantId: tenant.id, platform: platform.id });
    const was = meaningsBefore(platform, before ?? tenant, row);
    const names = namesAt(platform, tenant, row?.entries ?? null);
    if (!was || !names) continue;
    const { changed, losing } = shiftsBetween(was, meaningsOf(names, was));
    if (changed.length > 0)
      shifts.push({ platform: platform.id, changed, losing, overLimit: await losers(store, tenant, { targets: losing, limits }) });
  }
  return shifts;
}

/** Why a document is not taken in as it is; null = it may be. */
export function overLimitAt(shifts: readonly Shift[], command: string): string | null {
  const over = shifts.find(({ overLimit }) => overLimit > 0);
  if (!over) return null;
  return `${over.losing.join(', ')} would be something else at platform ${over.platform}, and ${over.overLimit} people would lose there what it is now: that is more than provisioning.limits.removals allows; an operator can insist with: ${command}`;
}
