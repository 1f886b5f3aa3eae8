/**
 * sweep: what time does. Access that lapsed, people whose retention is over, domains to be looked at again, and what is told before it bites: hand-overs that
 * were forgotten, tokens about to expire, leases about to lapse. One at a time over all nodes; cut off, the next one goes on, since who is done is not found any more.
 */
import { exceeds } from '../core/guard.ts';
import type { Kv } from '../kv/kv.ts';
import { breathe } from '../lib/breathe.ts';
import type { Log } from '../lib/log.ts';
import { Conflict } from '../store/database.ts';
import type { Store } from '../store/store.ts';
import type { Deprovisioned } from '../store/upkeep.ts';
import { type DomainDeps, recheckDomains } from './domains.ts';
import { FORGOTTEN_DAYS } from './hand-over.ts';
import { type ProvisionDeps, provisionTogether, TOGETHER } from './provision.ts';
import type { LiveTenant } from './tenants.ts';
import { listTokens, type TokenDeps } from './tokens.ts';

export interface SweepDeps extends ProvisionDeps, DomainDeps, TokenDeps {
  store: Pick<Store, 'people' | 'apply' | 'tenants' | 'keys' | 'domains' | 'journal' | 'upkeep' | 'exchanges'>;
  kv: Kv;
  log: Log;
}

export interface Swept {
  lapsed: number;
  erased: number;
  /** Due to be erased, and still known at a learning platform with what is to be taken away there: erased when that is done. */
  kept: number;
  /** More than the tenant's limits allow without an operator: what would lapse is held, and nobody was erased. */
  overLimit: { lapsing: number; erasing: number } | null;
}

const DAY = 86_400_000;
/** What a directory asked and was answered names people: a month is enough to find out why. */
const EXCHANGE_DAYS = 30;
/** A sweep that dies gives its turn back after so long. */
const TURN_MS = 600_000;
const PAGE = 100;

/** All tenants. What fails for one does not keep the others from their turn. */
export async function sweep(deps: SweepDeps, tenants: readonly LiveTenant[]): Promise<void> {
  if (!(await deps.kv.add('sweep', 'turn', '1', TURN_MS))) return;
  try {
    for (const live of tenants) {
      await sweepTenant(deps, live, { allowRemovals: false, actor: 'sweep' });
      await tell(deps, live);
    }
    await deps.store.exchanges.forget(new Date(deps.now().getTime() - EXCHANGE_DAYS * DAY));
    await recheckDomains(deps, (tenant, { domain, state, failure, expiresAt }) =>
      deps.log.warn({ tenant, domain, state, failure, expiresAt }, 'the proof of a domain does not hold any more'),
    );
  } finally {
    await deps.kv.delete('sweep', 'turn');
  }
}

/** One tenant, now. `allowRemovals`: an operator insists. */
export async function sweepTenant(
  deps: SweepDeps,
  live: LiveTenant,
  { allowRemovals, actor }: { allowRemovals: boolean; actor: string },
): Promise<Swept> {
  const moments = momentsOf(live, deps.now());
  const [due, { users }] = [await deps.store.upkeep.counts(live.tenant.id, moments), await deps.store.people.headcount(live.tenant.id)];
  const { limits } = live.tenant.provisioning;
  // What waits for an operator by itself takes nothing away.
  const lapsing = live.tenant.provisioning.lease?.lapse === 'expire' ? due.absent : 0;
  const brake = !allowRemovals && exceeds(lapsing, users, limits) ? ('limit' as const) : undefined;
  const tooManyToErase = !allowRemovals && exceeds(due.deprovisioned, users + due.deprovisioned, limits);
  const overLimit = brake || tooManyToErase ? { lapsing: brake ? lapsing : 0, erasing: tooManyToErase ? due.deprovisioned : 0 } : null;
  if (overLimit) await tellOverLimit(deps, live, { actor, overLimit });
  // Beyond the limit access lapses all the same, and what would be lost is held; nobody can be held half erased.
  const lapsed = moments.absentSince ? await lapse(deps, live, { since: moments.absentSince, actor, ...(brake && { brake }) }) : 0;
  const erased = moments.deprovisioned && !tooManyToErase ? await erase(deps, live, { gone: moments.deprovisioned, actor }) : 0;
  if (due.owing > 0) await tellKept(deps, live, due.owing);
  return { lapsed, erased, kept: due.owing, overLimit };
}

const tellOverLimit = (deps: SweepDeps, live: LiveTenant, { actor, overLimit }: { actor: string; overLimit: NonNullable<Swept['overLimit']> }) =>
  once(deps, `limit:${live.tenant.id}`, async () => {
    deps.log.warn(
      { tenant: live.tenant.id, ...overLimit },
      'a sweep would take away more than the limit: what would lapse is held (matricula held), nobody is erased until an operator insists (matricula sweep --allow-removals)',
    );
    await deps.store.journal.append(line(deps, live, { actor, code: 'over-limit', outcome: 'SKIPPED', detail: overLimit }));
  });

/** From when on what is due. A lease is on sign-ins that teach: there are none in other modes. */
function momentsOf({ tenant, mode }: LiveTenant, now: Date) {
  const { retentionDays, lease } = tenant.provisioning;
  const ago = (days: number) => new Date(now.getTime() - days * DAY);
  return {
    deprovisioned: retentionDays === null ? null : { before: ago(retentionDays), platforms: tenant.platforms.map(({ id }) => id) },
    absentSince: lease && mode === 'jit' ? ago(lease.days + lease.graceDays) : null,
  };
}

async function lapse(deps: SweepDeps, live: LiveTenant, { since, ...how }: { since: Date; actor: string; brake?: 'limit' }): Promise<number> {
  let lapsed = 0;
  for (let after: string | null = null; ; ) {
    const people = await deps.store.upkeep.absent(live.tenant.id, since, { after, limit: TOGETHER });
    await provisionTogether(
      deps,
      people.map(({ id }) => ({ live, intent: { kind: 'lapse' as const }, lookup: { by: 'user' as const, userId: id }, reference: null, ...how })),
    );
    lapsed += people.length;
    if (people.length < TOGETHER) return lapsed;
    after = people.at(-1)!.id;
    await breathe();
  }
}

/** Whom we forget we cannot take anything away from any more. */
const tellKept = (deps: SweepDeps, live: LiveTenant, kept: number) =>
  once(deps, `kept:${live.tenant.id}`, async () => {
    deps.log.warn(
      { tenant: live.tenant.id, people: kept },
      'people whose retention is over are not erased yet: a learning platform has still to hear that they left (matricula platform list, matricula delivery list, matricula task list)',
    );
  });

async function erase(deps: SweepDeps, live: LiveTenant, { gone, actor }: { gone: Deprovisioned; actor: string }): Promise<number> {
  let erased = 0;
  for (let after: string | null = null; ; ) {
    const people = await deps.store.upkeep.deprovisioned(live.tenant.id, gone, { after, limit: PAGE });
    for (const user of people) {
      try {
        await deps.store.upkeep.erase(user, {
          ...line(deps, live, { actor, code: 'retention', outcome: 'SUCCESS', detail: {} }),
          resourceType: 'User',
          resourceId: user.id,
        });
        erased++;
      } catch (error) {
        // Came back at this moment: the next sweep looks again.
        if (!(error instanceof Conflict)) throw error;
      }
    }
    if (people.length < PAGE) return erased;
    after = people.at(-1)!.id;
    await breathe();
  }
}

/** Told once a day, in the log. */
async function tell(deps: SweepDeps, live: LiveTenant): Promise<void> {
  const { tenant, phase } = live;
  const now = deps.now();
  await once(deps, `tell:${tenant.id}`, async () => {
    const row = phase === 'adopting' ? await deps.store.tenants.get(tenant.id) : null;
    const days = row ? Math.floor((now.getTime() - row.modeSince.getTime()) / DAY) : 0;
    if (days >= FORGOTTEN_DAYS) deps.log.warn({ tenant: tenant.id, days }, 'a hand-over has been going on for long; complete or abort it');
    const expiring = live.mode === 'scim' ? (await listTokens(deps, tenant.id)).filter(({ state }) => state === 'expires-soon') : [];
    for (const { prefix, expiresAt } of expiring) deps.log.warn({ tenant: tenant.id, prefix, expiresAt }, "a directory's token is about to expire");
    const { lease } = tenant.provisioning;
    if (!lease || live.mode !== 'jit') return;
    const absentSince = new Date(now.getTime() - (lease.days - lease.warnDays) * DAY);
    const { absent } = await deps.store.upkeep.counts(tenant.id, { deprovisioned: null, absentSince });
    if (absent > 0) deps.log.warn({ tenant: tenant.id, people: absent }, 'access is about to lapse: matricula leases');
  });
}

async function once({ kv }: SweepDeps, key: string, work: () => Promise<void>): Promise<void> {
  if (await kv.add('sweep', key, '1', DAY)) await work();
}

interface Line {
  actor: string;
  code: string;
  outcome: 'SUCCESS' | 'SKIPPED';
  detail: Record<string, unknown>;
}

const line = (deps: SweepDeps, { tenant }: LiveTenant, { actor, code, outcome, detail }: Line) => ({
  id: deps.newId(),
  tenantId: tenant.id,
  at: deps.now(),
  actor,
  cause: 'sweep',
  action: null,
  resourceType: 'Tenant',
  resourceId: tenant.id as string | null,
  outcome,
  code,
  reference: null,
  mappingVersion: tenant.mapping.version,
  detail,
});
