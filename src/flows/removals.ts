/**
 * removals: how many people a directory has taken something away from within an hour. What goes beyond the tenant's limits is held (core/guard), while
 * additions go on: a directory that was emptied by mistake empties nothing here.
 */
import { exceeds } from '../core/guard.ts';
import type { Kv } from '../kv/kv.ts';
import type { Store } from '../store/store.ts';
import type { LiveTenant } from './tenants.ts';

export interface RemovalsDeps {
  store: Pick<Store, 'people'>;
  kv: Pick<Kv, 'get' | 'set' | 'increment'>;
}

const WINDOW_MS = 3_600_000;

/** Asked for each person whom a plan takes something away from; each counts once an hour. What then holds back the plan, or null. */
export async function spendRemoval({ store, kv }: RemovalsDeps, { tenant }: LiveTenant, userId: string): Promise<'limit' | null> {
  const key = JSON.stringify([tenant.id, userId]);
  const decided = await kv.get('removals', key);
  if (decided !== null) return decided === 'limit' ? 'limit' : null;
  const { count } = await kv.increment('removals', tenant.id, WINDOW_MS);
  const { users } = await store.people.headcount(tenant.id);
  const brake = exceeds(count, users, tenant.provisioning.limits) ? 'limit' : null;
  // What is left of somebody's in the same hour follows what was decided first.
  await kv.set('removals', key, brake ?? 'free', WINDOW_MS);
  return brake;
}
