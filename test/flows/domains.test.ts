/** Domains proved by real DNS answers from a server on loopback, over a real store on both databases, by a clock that stands still. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ApplyTenantsDeps, planTenants, problemsOf, takeIn } from '../../src/flows/apply-tenants.ts';
import { addDomain, type DomainDeps, listDomains, recheckDomains, removeDomain, verifyDomain } from '../../src/flows/domains.ts';
import { createTenantRegistry } from '../../src/flows/tenants.ts';
import { createResolveTxt } from '../../src/lib/dns.ts';
import { newId } from '../../src/lib/ids.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createTurns } from '../../src/lib/turns.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore, type Store } from '../../src/store/store.ts';
import { makeTenant } from '../core/world.ts';
import { type DnsServer, proved, startDns } from '../dns-server.ts';
import { describeWith } from '../services.ts';
import { type Place, postgres, sqliteFile } from '../store/backends.ts';
import { entry, mapping, tenantRow } from '../store/makers.ts';

const DAY = 86_400_000;

describe.each([sqliteFile, postgres])('on $name', (backend) => {
  describeWith(backend.needs, 'a domain', () => {
    let place: Place;
    let database: Database;
    let dns: DnsServer;
    let store: Store;
    let deps: DomainDeps;
    let now: Date;

    beforeEach(async () => {
      now = new Date('2026-11-26T08:00:00.000Z');
      place = await backend.make();
      database = await openDatabase(place.url);
      dns = await startDns();
      store = createStore(database);
      for (const id of ['acme', 'beta']) await store.tenants.create(tenantRow(id), mapping(id, 1), entry(`made-${id}`, { tenantId: id }));
      deps = { store, resolveTxt: createResolveTxt(dns.address), now: () => now, newId: () => newId() };
    });
    afterEach(async () => {
      await dns.close();
      await database.close();
      await place.drop();
    });
    const at = (tenantId = 'acme', domain = 'acme.example') => ({ tenantId, domain, actor: 'test' });
    async function publish(tenantId = 'acme'): Promise<void> {
      const { record } = await addDomain(deps, at(tenantId));
      dns.set(record.name, ['v=something else', record.value]);
    }

    it('is proved by a record beside others, and asking twice asks for the same', async () => {
      const { record, state } = await addDomain(deps, at());
      expect([record.name, state]).toEqual(['_matricula.acme.example', 'waiting']);
      expect(record.value).toMatch(/^matricula-domain-verification=[\w-]{32}$/);
      expect((await addDomain(deps, at())).record).toEqual(record);
      expect((await verifyDomain(deps, at())).failure).toBe('no TXT record at _matricula.acme.example');
      dns.set(record.name, ['matricula-domain-verification=another']);
      expect((await verifyDomain(deps, at())).failure).toBe('the TXT record at _matricula.acme.example says something else');
      await publish();
      expect(await verifyDomain(deps, at())).toMatchObject({
        state: 'verified',
        failure: null,
        verifiedAt: now,
        expiresAt: new Date(now.getTime() + 30 * DAY),
      });
    });

    it('is not proved by a name server that does not answer', async () => {
      await publish();
      dns.silent(true);
      const quick: DomainDeps = { ...deps, resolveTxt: () => Promise.reject(Object.assign(new Error('timeout'), { code: 'ETIMEOUT' })) };
      expect(await verifyDomain(quick, at())).toMatchObject({
        state: 'waiting',
        failure: 'the name server did not answer for _matricula.acme.example',
      });
    });

    it('is one tenant’s: asked for by two, proved by one, however they race', async () => {
      await publish('acme');
      await publish('beta');
      const { record } = await addDomain(deps, at('acme'));
      const theirs = (await addDomain(deps, at('beta'))).record;
      dns.set(record.name, [record.value, theirs.value]);
      const both = await Promise.allSettled([verifyDomain(deps, at('acme')), verifyDomain(deps, at('beta'))]);
      expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(both.find((one) => one.status === 'rejected')).toMatchObject({ reason: { code: 'domain-taken' } });
      const states = (await Promise.all(['acme', 'beta'].map((id) => listDomains(deps, id)))).flat().map(({ state }) => state);
      expect(states.sort()).toEqual(['verified', 'waiting']);
    });

    it('is looked at again every week, told about before it runs out, kept for thirty days, and then free for another', async () => {
      await publish();
      await verifyDomain(deps, at());
      const told: string[] = [];
      const recheck = () => recheckDomains(deps, (tenantId, { state, failure }) => void told.push(`${tenantId} ${state}: ${failure}`));
      now = new Date(now.getTime() + 6 * DAY);
      dns.set('_matricula.acme.example', []);
      await recheck();
      expect(told).toEqual([]);
      now = new Date(now.getTime() + 2 * DAY);
      await recheck();
      expect(told).toEqual(['acme failing: no TXT record at _matricula.acme.example']);
      expect((await listDomains(deps, 'acme'))[0]).toMatchObject({ state: 'failing' });
      now = new Date(now.getTime() + 23 * DAY);
      await recheck();
      expect(told.at(-1)).toMatch(/^acme expired/);
      await publish('beta');
      expect(await verifyDomain(deps, at('beta'))).toMatchObject({ state: 'verified' });
      await expect(verifyDomain(deps, at('acme'))).rejects.toMatchObject({ code: 'domain-taken' });
    });

    it('that one tenant has proved is refused in the file of another, whose last good file stays, and never in its own', async () => {
      const tenant = makeTenant([]);
      const parse: ApplyTenantsDeps['parse'] = () => ({ ok: true, tenant });
      const tenants = createTenantRegistry({ store, parse, log: silentLog });
      const flow: ApplyTenantsDeps = { ...deps, store, parse, tenants, worker: 'test', turns: createTurns() };
      const file = (tenantId: string) => ({
        tenantId,
        file: `${tenantId}.yaml`,
        text: 'new',
        parsed: { ok: true, tenant: { ...tenant, id: tenantId } } as const,
      });
      await proved({ store }, { tenantId: 'beta', domain: 'acme.example', at: now });
      const plans = await planTenants(flow, [file('acme'), file('beta')]);
      expect(plans.map(({ kind }) => kind)).toEqual(['broken', 'update']);
      const applied = await takeIn(flow, file('acme'), { actor: 'test', allowRemovals: true });
      expect(problemsOf([applied])).toEqual([
        { tenant: 'acme', file: 'acme.yaml', problems: ['acme.yaml: another organisation has proved that acme.example is its own'] },
      ]);
      expect((await store.tenants.get('acme'))?.document).toBe('name: acme\n');
      await removeDomain(deps, at('beta'));
      expect((await planTenants(flow, [file('acme')])).map(({ kind }) => kind)).toEqual(['update']);
    });

    it('whose proof has run out is free within the sweep, although it was looked at a day before', async () => {
      await publish();
      await verifyDomain(deps, at());
      dns.set('_matricula.acme.example', []);
      const told: string[] = [];
      const recheck = () => recheckDomains(deps, (_, { state }) => void told.push(state));
      now = new Date(now.getTime() + 29 * DAY);
      await recheck();
      now = new Date(now.getTime() + 1.5 * DAY);
      await recheck();
      await recheck();
      expect(told).toEqual(['failing', 'expired']);
      await publish('beta');
      expect(await verifyDomain(deps, at('beta'))).toMatchObject({ state: 'verified' });
    });

    it('that is given up, or asked for anew, while it is looked at keeps nobody else from being seen', async () => {
      await publish();
      await verifyDomain(deps, at());
      const { record } = await addDomain(deps, at('beta', 'beta.example'));
      dns.set(record.name, [record.value]);
      now = new Date(now.getTime() + 1000);
      await verifyDomain(deps, at('beta', 'beta.example'));
      now = new Date(now.getTime() + 8 * DAY);
      const meanwhile: DomainDeps = {
        ...deps,
        async resolveTxt(name) {
          const found = await deps.resolveTxt(name);
          if (name === '_matricula.acme.example') {
            await removeDomain(deps, at());
            await addDomain(deps, at());
          }
          return found;
        },
      };
      await recheckDomains(meanwhile, () => undefined);
      expect((await listDomains(deps, 'acme'))[0]).toMatchObject({ state: 'waiting', checkedAt: null });
      expect((await listDomains(deps, 'beta'))[0]).toMatchObject({ state: 'verified', checkedAt: now });
      await expect(verifyDomain(meanwhile, at())).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('given up') });
    });

    it('that is removed is not there any more', async () => {
      await publish();
      await verifyDomain(deps, at());
      await removeDomain(deps, at());
      expect(await listDomains(deps, 'acme')).toEqual([]);
      await expect(verifyDomain(deps, at())).rejects.toMatchObject({ code: 'not-found' });
    });
  });
});
