/**
 * drift: what a platform has against what it should have. Reads both, says where they differ, and mends it as deliveries do: whoever differs is put into the
 * outbox to be looked at. Where mending would take away from more people than the tenant's limits allow, nothing of it is begun without an operator's word.
 */
import { type Connector, TerminalFailure, TransientFailure } from '../connectors/connector.ts';
import { type CatalogueEntry, isOurs, type Resource, resourceKey } from '../core/entitlement.ts';
import { exceeds } from '../core/guard.ts';
import type { Store } from '../store/store.ts';
import { type DeliveryDeps, desiredAt } from './delivery.ts';
import { enqueue } from './platform-upkeep.ts';
import type { Ready } from './platforms.ts';
import type { LiveTenant } from './tenants.ts';

export interface DriftDeps {
  store: Pick<Store, 'platforms' | 'outbox' | 'people' | 'ledger'>;
  entries: DeliveryDeps['entries'];
  now: () => Date;
  newId: () => string;
}

export interface PersonDrift {
  userId: string;
  accountId: string;
  /** There is no such account any more. */
  gone: boolean;
  /** An administrator's there. */
  privileged: boolean;
  /** Should be there, and is not. */
  missing: string[];
  /** Given by us, should not be there any more, and is. */
  lingering: string[];
}
export interface Drift {
  platform: string;
  looked: number;
  /** Still to be delivered: they differ of course, and are not counted. */
  waiting: number;
  /** Of whom the platform did not say what they have. */
  unread: number;
  /** At most `MOST`, whole numbers below. */
  people: PersonDrift[];
  differing: number;
  losing: number;
  mended: number;
  /** More than the limits allow would lose something: nothing was begun. */
  overLimit: boolean;
}

const PAGE = 100;
const MOST = 1000;
const READ_MS = 120_000;

export interface DriftAsked {
  fix: boolean;
  allowRemovals: boolean;
  onProgress?: (looked: number) => void;
}

export async function findDrift(deps: DriftDeps, { live, ready }: { live: LiveTenant; ready: Ready }, asked: DriftAsked): Promise<Drift> {
  const { connector, platform } = ready;
  const drift: Drift = { platform: platform.id, looked: 0, waiting: 0, unread: 0, people: [], differing: 0, losing: 0, mended: 0, overLimit: false };
  if (!connector.capabilities.readBack) return drift;
  const lane = { tenantId: live.tenant.id, platform: platform.id };
  const entries = connector.capabilities.catalogue
    ? await deps.entries(live.tenant, connector, { signal: AbortSignal.timeout(READ_MS), readAt: null })
    : null;
  const differing: string[] = [];
  for (let after: string | null = null; ; ) {
    const page = await deps.store.ledger.people(lane, { after, limit: PAGE });
    for (const { userId, accountId } of page) {
      if (accountId === null) continue;
      const found = await ofPerson(deps, { live, connector, entries, userId, accountId }).catch(unread);
      drift.looked++;
      if (found === 'waiting') drift.waiting++;
      else if (found === 'unread') drift.unread++;
      else if (found) {
        drift.differing++;
        differing.push(userId);
        if (found.lingering.length > 0) drift.losing++;
        if (drift.people.length < MOST) drift.people.push(found);
      }
    }
    asked.onProgress?.(drift.looked);
    if (page.length < PAGE) break;
    after = page.at(-1)!.userId;
  }
  const { users } = await deps.store.people.headcount(live.tenant.id);
  drift.overLimit = exceeds(drift.losing, users, live.tenant.provisioning.limits) && !asked.allowRemovals;
  if (asked.fix && !drift.overLimit) {
    for (let i = 0; i < differing.length; i += PAGE) await enqueue(deps, lane, differing.slice(i, i + PAGE), { look: true });
    drift.mended = differing.length;
  }
  return drift;
}

/** What goes wrong for one person ends nobody else's look. */
function unread(error: unknown): 'unread' {
  if ((error instanceof TransientFailure || error instanceof TerminalFailure) && error.scope === 'person') return 'unread';
  throw error;
}

interface OfPerson {
  live: LiveTenant;
  connector: Connector;
  entries: CatalogueEntry[] | null;
  userId: string;
  accountId: string;
}

/** Null = as it should be. */
async function ofPerson(deps: DriftDeps, { live, connector, entries, userId, accountId }: OfPerson): Promise<PersonDrift | 'waiting' | null> {
  const key = { tenantId: live.tenant.id, platform: connector.platform, userId };
  if ((await deps.store.outbox.one(key)) !== null) return 'waiting';
  const [state, { given }] = await Promise.all([deps.store.people.state(live.tenant.id, userId), deps.store.ledger.of(key)]);
  if (!state) return null;
  const desired = desiredAt(state, live.tenant, { connector, entries });
  const ours = given.filter(({ state: how }) => how !== 'unknown');
  const wanted = new Map([...ours, ...desired.resources.values()].map((one): [string, Resource] => [resourceKey(one), one]));
  const held = await connector.read(accountId, [...wanted.values()], AbortSignal.timeout(READ_MS));
  if (!held) return { userId, accountId, gone: true, privileged: false, missing: [...desired.resources.keys()], lingering: [] };
  const has = new Set(held.resources.map(resourceKey));
  const byHand = new Set(ours.filter(({ state: how }) => how === 'give-by-hand' || how === 'take-by-hand').map(resourceKey));
  const missing = [...desired.resources.keys()].filter((key) => !has.has(key) && !byHand.has(key));
  const lingering = ours.filter((one) => isOurs(one) && !desired.resources.has(resourceKey(one)) && has.has(resourceKey(one))).map(resourceKey);
  const differs = missing.length > 0 || (lingering.length > 0 && desired.unresolved.length === 0) || held.privileged;
  return differs ? { userId, accountId, gone: false, privileged: held.privileged, missing, lingering } : null;
}
