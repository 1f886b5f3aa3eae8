/** platform-plan: what a document would mean at each learning platform of the tenant, from what is known of it: without a call. */
import { TerminalFailure } from '../connectors/connector.ts';
import { LOCAL } from '../connectors/local.ts';
import { type PlatformOutlook, platformOutlook, type Seen } from '../core/platform-outlook.ts';
import type { Platform, Tenant } from '../core/tenant.ts';
import type { Store } from '../store/store.ts';
import type { DocumentPlan } from './documents.ts';
import type { PlatformCatalogue } from './platform-catalogue.ts';
import type { Platforms } from './platforms.ts';

export interface PlatformPlanDeps {
  store: Pick<Store, 'platforms'>;
  platforms: Platforms;
  catalogue: Pick<PlatformCatalogue, 'known'>;
}

export async function planPlatforms(deps: PlatformPlanDeps, { tenant, people }: Pick<DocumentPlan, 'tenant' | 'people'>): Promise<PlatformOutlook[]> {
  const { outlook, overLimit } = people;
  const calls = overLimit ? outlook.gaining : outlook.moved;
  const here = tenant.platforms.filter(({ enabled }) => enabled);
  // The local catalogue reads enrolments where they are.
  if (here.length === 0) return [{ platform: LOCAL, calls, minutes: null, unknown: [], byHand: [], halted: null }];
  const seen = await Promise.all(here.map((platform) => seenOf(deps, tenant, platform)));
  return seen.map((one) => platformOutlook(tenant, { byTarget: outlook.byTarget, calls }, one));
}

async function seenOf({ store, platforms, catalogue }: PlatformPlanDeps, tenant: Tenant, { id, limits }: Platform): Promise<Seen> {
  const lane = { tenantId: tenant.id, platform: id };
  const halted = (await store.platforms.get(lane))?.haltedReason ?? null;
  try {
    const { capabilities } = platforms.of(tenant, id)!.connector;
    return {
      platform: id,
      can: capabilities,
      perMinute: limits.perMinute,
      entries: capabilities.catalogue ? await catalogue.known(lane) : null,
      catalogue: capabilities.catalogue,
      halted,
    };
  } catch (error) {
    if (!(error instanceof TerminalFailure)) throw error;
    // A secret is missing here: nothing can be known of it, but that.
    const can = { add: ['course', 'bundle', 'group', 'target'] as const, remove: ['course', 'bundle', 'group', 'target'] as const };
    return { platform: id, can, perMinute: limits.perMinute, entries: null, catalogue: false, halted: error.message };
  }
}
