/** `matricula sweep`, `leases`: what time does to people, now, and whom it is about to concern. */
import type { House } from '../app.ts';
import { sweepTenant } from '../flows/sweep.ts';
import type { LiveTenant } from '../flows/tenants.ts';
import { createDatabaseKv } from '../kv/database.ts';
import { type Output, plain, table } from './output.ts';

const DAY = 86_400_000;

export async function sweepNow(house: House, live: LiveTenant, allowRemovals: boolean, out: Output): Promise<void> {
  const { flow, store, vault, resolveTxt, database, log } = house;
  const kv = createDatabaseKv(database, flow.now);
  try {
    const done = await sweepTenant({ ...flow, store, vault, resolveTxt, kv, log }, live, { allowRemovals, actor: 'cli' });
    const over =
      done.overLimit &&
      `; more than the limit: ${done.overLimit.lapsing} are held (matricula held), ${done.overLimit.erasing} not erased (--allow-removals)`;
    const kept = done.kept > 0 ? `; ${done.kept} not yet: a learning platform has still to hear that they left (matricula platform list)` : '';
    out.result(done, `${done.lapsed} lapsed, ${done.erased} erased${kept}${over ?? ''}`);
  } finally {
    await kv.close();
  }
}

/** Who has not signed in for so long that access lapses within the warning. */
export async function leases(house: House, { tenant }: LiveTenant, page: { after: string | null; limit: number }, out: Output): Promise<void> {
  const { lease } = tenant.provisioning;
  if (!lease) return out.result({ people: [] }, 'this tenant has no lease');
  const since = new Date(house.flow.now().getTime() - (lease.days - lease.warnDays) * DAY);
  const people = (await house.store.upkeep.absent(tenant.id, since, page)).map(({ id, userName, email }) => ({ id, userName, email }));
  const rows = people.map((one) => [one.id, plain(one.userName), plain(one.email)]);
  out.result({ people }, rows.length === 0 ? 'nobody' : table(['id', 'userName', 'e-mail'], rows));
}
