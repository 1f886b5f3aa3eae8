/** What a plan is made in, besides the facts: the tenant, its mode, the moment and a source of ids. Passed in, so that planning stays pure. */
import type { Phase } from './mode.ts';
import type { Mode } from './model.ts';
import type { Tenant } from './tenant.ts';

export interface World {
  tenant: Tenant;
  mode: Mode;
  phase: Phase | null;
  /** How many users may be active, and how many are; null = as many as like. */
  seats: { limit: number; active: number } | null;
  /** More would be taken away at once than the tenant's limits allow: what this plan would take away is held. */
  brake: 'limit' | null;
  now: Date;
  newId: () => string;
}
