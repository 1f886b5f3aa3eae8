/** operate: what an operator asks about a tenant's mode, hand-over, held changes, seats and domains, in one place for API and command line. */
import { Refusal } from '../core/refusal.ts';
import { Conflict } from '../store/database.ts';
import type { Store } from '../store/store.ts';
import { addDomain, type DomainDeps, listDomains, removeDomain, verifyDomain } from './domains.ts';
import { dropHeld, handOverReport, releaseHeld } from './hand-over.ts';
import { lineOf } from './line.ts';
import { changeMode, type ModeAsked, type ModeChange, type ModeDeps, stateOf } from './mode.ts';
import type { LiveTenant } from './tenants.ts';

export interface OperateDeps extends ModeDeps, DomainDeps {
  store: Pick<Store, 'people' | 'apply' | 'tenants' | 'keys' | 'domains' | 'search' | 'journal' | 'groups'>;
  /** `https://matricula.acme.example` */
  baseUrl: string;
}

export type Operate = ReturnType<typeof createOperate>;

const DAY = 86_400_000;

export function createOperate(deps: OperateDeps) {
  const { store, tenants, now } = deps;
  const live = (tenantId: string): LiveTenant => {
    const found = tenants.get(tenantId);
    if (!found) throw new Refusal('tenant-unknown', 'mode/tenant');
    return found;
  };
  const row = async (tenantId: string) => {
    const found = await store.tenants.get(tenantId);
    if (!found) throw new Refusal('tenant-unknown', 'mode/tenant');
    return found;
  };
  return {
    async state(tenantId: string) {
      const { modeSince, modeBefore, ...found } = await row(tenantId);
      const { seats } = live(tenantId);
      const { users, active } = await store.people.headcount(tenantId);
      return { ...stateOf(found), since: modeSince, before: modeBefore, seats, users, active, brake: found.brake };
    },
    async change(asked: ModeAsked): Promise<ModeChange & { scimBaseUrl?: string }> {
      const done = await changeMode(deps, asked);
      return done.kind === 'done' && done.token ? { ...done, scimBaseUrl: `${deps.baseUrl}/api/v1/scim/${asked.tenantId}/v2` } : done;
    },
    handOver: async (tenantId: string, most: number) => handOverReport(deps, await row(tenantId), most),
    async held(tenantId: string, page: { after: string | null; limit: number }) {
      live(tenantId);
      const [{ changes, next }, counts] = [await store.people.held(tenantId, page), await store.people.heldCounts(tenantId)];
      const moment = now().getTime();
      return {
        people: counts.people,
        changes: counts.changes,
        held: changes.map((one) => ({ ...one, days: Math.floor((moment - one.since.getTime()) / DAY) })),
        next,
      };
    },
    async endHeld({
      tenantId,
      how,
      users,
      reason,
      actor,
    }: {
      tenantId: string;
      how: 'release' | 'drop';
      users: string[] | 'all';
      reason: string;
      actor: string;
    }) {
      const ending = { live: live(tenantId), userIds: users === 'all' ? null : users, reason, actor };
      return { people: await (how === 'release' ? releaseHeld : dropHeld)(deps, ending) };
    },
    async setSeats({ tenantId, seats, actor }: { tenantId: string; seats: number | null; actor: string }) {
      const found = await row(tenantId);
      const moment = now();
      const detail = { from: found.seats, to: seats };
      const entry = lineOf(deps, { tenantId, at: moment, actor, cause: 'seats', code: 'seats', mappingVersion: found.mappingVersion, detail });
      try {
        await store.tenants.setSeats({ id: tenantId, expectRevision: found.revision, seats, now: moment }, entry);
      } catch (error) {
        if (error instanceof Conflict) throw new Refusal('mode-conflict', 'seats/raced', 'Somebody else has just changed this tenant; look again');
        throw error;
      }
      await tenants.refresh();
      const { users, active } = await store.people.headcount(tenantId);
      return { seats: live(tenantId).seats, users, active };
    },
    removeDomain: (asked: { tenantId: string; domain: string; actor: string }) =>
      removeDomain(deps, { ...asked, domain: asked.domain.toLowerCase() }),
    domains: async (tenantId: string) => ({ domains: await listDomains(deps, live(tenantId).tenant.id) }),
    addDomain: (asked: { tenantId: string; domain: string; actor: string }) =>
      addDomain(deps, { ...asked, domain: ownDomain(live(asked.tenantId), asked.domain) }),
    verifyDomain: (asked: { tenantId: string; domain: string; actor: string }) =>
      verifyDomain(deps, { ...asked, domain: ownDomain(live(asked.tenantId), asked.domain) }),
  };
}

/** A tenant proves what its file calls its own; the file's spelling is lower case ASCII already. */
function ownDomain({ tenant }: LiveTenant, domain: string): string {
  const own = tenant.domains.find((one) => one === domain.toLowerCase());
  if (own === undefined)
    throw new Refusal('request-malformed', 'domain/not-in-file', `${domain.slice(0, 253)} is not among the domains of the tenant file`);
  return own;
}
