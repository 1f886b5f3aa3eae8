/** What a plan is made in, besides the facts: the tenant, its mode, the moment and a source of ids. Passed in, so that planning stays pure. */
import type { Mode } from './model.ts';
import type { Tenant } from './tenant.ts';

export interface World {
  tenant: Tenant;
  mode: Mode;
  now: Date;
  newId: () => string;
}
