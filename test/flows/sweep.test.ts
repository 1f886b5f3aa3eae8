/** What time does, by a clock that is moved, through a whole gateway on both databases. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { targetsOf } from '../../src/core/diff.ts';
import { provision } from '../../src/flows/provision.ts';
import { type SweepDeps, sweep, sweepTenant } from '../../src/flows/sweep.ts';
import { type Operator, startOperator } from '../gateway/modes/operator.ts';
import { describeWith } from '../services.ts';
import { postgres, sqliteFile } from '../store/backends.ts';

const DAY = 86_400_000;

describe.each([sqliteFile, postgres])('on $name', (backend) => {
  describeWith(backend.needs, 'time', () => {
    let operator: Operator;
    let now: Date;
    let deps: SweepDeps;
    async function begin(provisioning: object): Promise<void> {
      now = new Date('2026-11-26T08:00:00.000Z');
      operator = await startOperator({
        backend,
        now: () => now,
        over: { provisioning: { initialMode: 'jit', limits: { removals: { share: '10%', atLeast: 3 } }, ...provisioning } },
      });
      const { flow, store, vault, resolveTxt, log } = operator.gateway.house;
      deps = { ...flow, store, vault, resolveTxt, log, kv: operator.gateway.running.gateway.kv };
    }
    beforeEach(() => {
      now = new Date('2026-11-26T08:00:00.000Z');
    });
    afterEach(() => operator?.close());
    const later = (days: number) => {
      now = new Date(now.getTime() + days * DAY);
    };
    const live = () => operator.gateway.house.tenants.get('acme')!;
    const run = (allowRemovals = false) => sweepTenant(deps, live(), { allowRemovals, actor: 'test' });
    const has = async (id: string) => [...targetsOf(await operator.gateway.house.store.people.state('acme', id))].sort();
    /** A sign-in as the flow leaves it: what it taught, and its line. The provider's own clock cannot be moved. */
    async function comes(name: string, userId: string): Promise<void> {
      await operator.arrives(name, ['Sales']);
      const line = {
        id: deps.newId(),
        tenantId: 'acme',
        connectionId: 'oidc',
        userId,
        at: now,
        outcome: 'SUCCESS' as const,
        code: null,
        check: null,
      };
      await operator.gateway.house.store.journal.appendSignIn({ ...line, reference: `r-${deps.newId()}`, detail: {} });
    }
    const edit = (userId: string, status: 'suspended' | 'deleted') =>
      provision(operator.gateway.house.flow, {
        live: live(),
        intent: { kind: 'edit', status },
        lookup: { by: 'user', userId },
        actor: 'cli',
        reference: null,
      });

    it('a lease that a sign-in renews, and that runs out for who does not come', async () => {
      await begin({ lease: { days: 90, grace: 7, lapse: 'expire' } });
      const ada = await operator.arrives('ada', ['Sales']);
      const ben = await operator.arrives('ben', ['Sales']);
      later(60);
      await comes('ada', ada);
      later(36); // ben: 96 days, within the grace
      expect(await run()).toEqual({ lapsed: 0, erased: 0, kept: 0, overLimit: null });
      later(2);
      expect(await run()).toMatchObject({ lapsed: 1 });
      expect([await has(ada), await has(ben)]).toEqual([['bundle:sales'], []]);
      expect(await run()).toMatchObject({ lapsed: 0 });
      await comes('ben', ben);
      expect(await has(ben)).toEqual(['bundle:sales']);
    });

    it('a lease that holds: it waits, is listed, and goes when an operator says so', async () => {
      await begin({ lease: { days: 30, grace: 0, lapse: 'hold' } });
      const ada = await operator.arrives('ada', ['Sales']);
      later(31);
      expect(await run()).toMatchObject({ lapsed: 1 });
      expect(await has(ada)).toEqual(['bundle:sales']);
      expect((await operator.get('/held')).body).toMatchObject({ people: 1, held: [{ cause: 'lease', target: 'bundle:sales' }] });
      expect((await operator.post('/held/release', { users: [ada], reason: '' })).status).toBe(400);
      expect((await operator.post('/held/release', { users: [ada], reason: 'left long ago' })).body).toEqual({ people: 1 });
      expect(await has(ada)).toEqual([]);
      const [entry] = await operator.gateway.house.store.journal.list('acme', { resourceId: ada, limit: 1 });
      expect(entry?.detail['reason']).toBe('left long ago');
    });

    it('where more than the limit lapse, what they would lose is held, until an operator releases it or they sign in', async () => {
      await begin({ lease: { days: 30, grace: 0, lapse: 'expire' } });
      const ids = [];
      for (let i = 0; i < 5; i++) ids.push(await operator.arrives(`p${i}`, ['Sales']));
      later(31);
      expect(await run()).toEqual({ lapsed: 5, erased: 0, kept: 0, overLimit: { lapsing: 5, erasing: 0 } });
      const { journal } = operator.gateway.house.store;
      const lines = async () => (await journal.list('acme', { outcome: 'SKIPPED', limit: 10 })).filter(({ cause }) => cause === 'sweep');
      expect(await lines()).toHaveLength(1);
      expect(await run()).toEqual({ lapsed: 0, erased: 0, kept: 0, overLimit: null });
      expect(await lines()).toHaveLength(1);
      expect((await operator.get('/held')).body).toMatchObject({ people: 5, held: Array(5).fill({ cause: 'limit', target: 'bundle:sales' }) });
      for (const id of ids) expect(await has(id)).toEqual(['bundle:sales']);
      await operator.arrives('p0', ['Sales']);
      expect((await operator.get('/held')).body).toMatchObject({ people: 4 });
      expect((await operator.post('/held/release', { users: 'all', reason: 'they left' })).body).toEqual({ people: 4 });
      expect(await Promise.all(ids.map(has))).toEqual([['bundle:sales'], [], [], [], []]);
    });

    it('who was deprovisioned is erased when the retention is over, but for who was suspended by hand; the journal keeps its lines', async () => {
      await begin({ retention: 30 });
      const { store } = operator.gateway.house;
      const [ada, ben, cleo] = [await operator.arrives('ada', ['Sales']), await operator.arrives('ben', []), await operator.arrives('cleo', [])];
      await edit(ada, 'deleted');
      await edit(ben, 'suspended');
      later(29);
      expect(await run()).toMatchObject({ erased: 0 });
      later(1);
      expect(await run()).toMatchObject({ erased: 1 });
      expect(await store.people.state('acme', ada)).toBeNull();
      expect((await store.people.state('acme', ben))?.user.status).toBe('suspended');
      expect((await store.people.state('acme', cleo))?.user.status).toBe('active');
      const { grant, identity, searchValue } = operator.gateway.house.database.tables;
      for (const table of [grant, identity, searchValue])
        expect((await operator.gateway.house.database.query.select().from(table)).filter(({ userId }) => userId === ada)).toEqual([]);
      const lines = await store.journal.list('acme', { resourceId: ada, limit: 10 });
      expect(lines.map(({ cause, code }) => `${cause} ${code}`)).toEqual(['sweep retention', 'edit manual', expect.stringContaining('assertion')]);
      expect(JSON.stringify(lines)).not.toContain('ada@');
      expect(await store.people.counts('acme')).toMatchObject({ users: 2, active: 1 });
      // Whoever comes under the name afterwards is somebody else.
      expect(await operator.arrives('ada', ['Sales'])).not.toBe(ada);
    });

    it('one sweep at a time, and what a broken one left is done by the next', async () => {
      await begin({ lease: { days: 30, grace: 0, lapse: 'expire' }, limits: { removals: { share: '100%', atLeast: 1000 } } });
      for (let i = 0; i < 120; i++) await operator.arrives(`p${i}`, ['Sales']);
      later(31);
      const { store } = deps;
      let left = 1;
      // The second page is never read: as if the process had ended there.
      const broken: SweepDeps = {
        ...deps,
        store: {
          ...store,
          upkeep: { ...store.upkeep, absent: (...all) => (left-- > 0 ? store.upkeep.absent(...all) : Promise.reject(new Error('killed'))) },
        },
      };
      await expect(sweep(broken, [live()])).rejects.toThrow('killed');
      expect((await store.people.counts('acme')).grants).toBe(70);
      let beside = 0;
      const watched: SweepDeps = {
        ...deps,
        store: {
          ...store,
          upkeep: {
            ...store.upkeep,
            counts: (...all) => {
              beside++;
              return store.upkeep.counts(...all);
            },
          },
        },
      };
      await Promise.all([sweep(watched, [live()]), sweep(watched, [live()])]);
      expect(beside).toBeLessThan(4); // one of the two looked: what is due, and what is about to be
      expect((await store.people.counts('acme')).grants).toBe(0);
    });
  });
});
