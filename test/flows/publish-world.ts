/** People of one group, whose bundle is the name of the document; in this process and in one that is killed. */
import type { Platform, Tenant } from '../../src/core/tenant.ts';
import type { ApplyTenantsDeps } from '../../src/flows/apply-tenants.ts';
import { createTenantRegistry } from '../../src/flows/tenants.ts';
import { newId } from '../../src/lib/ids.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createTurns } from '../../src/lib/turns.ts';
import type { Database } from '../../src/store/database.ts';
import { createStore } from '../../src/store/store.ts';
import { group, makeTenant, rule } from '../core/world.ts';

/** Nobody listens there: whoever is to be told waits in the outbox. */
const LMS: Platform = {
  ...{ kind: 'webhook', id: 'lms', name: 'LMS', enabled: true },
  ...{ url: 'https://lms.example/hook', secrets: [], limits: { perMinute: null, concurrent: 1 } },
};

/** The document `two` gives the bundle `two` to Sales, and to Board the collection `board`. */
export const tenantOf = (text: string): Tenant => ({
  ...makeTenant([rule('sales', group('Sales'), [`bundle:${text}`]), rule('board', group('Board'), ['collection:board'])], {
    provisioning: { limits: { removals: { share: 1, atLeast: 10 } } },
  }),
  platforms: [LMS],
});

/** `ahead`: milliseconds by which this process's clock is ahead, so that nobody waits for a dead worker's turn to run out. */
export function depsOf(database: Database, worker: string, ahead = 0): ApplyTenantsDeps {
  const store = createStore(database);
  const parse: ApplyTenantsDeps['parse'] = (text) => ({ ok: true, tenant: tenantOf(text) });
  const tenants = createTenantRegistry({ store, parse, log: silentLog });
  const now = () => new Date(Date.now() + ahead);
  return { store, parse, tenants, turns: createTurns(), worker, now, newId: () => newId() };
}
