/** The licence's ceiling: never exceeded, whoever comes at once, and in nobody's way who has a seat. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Refusal } from '../../../src/core/refusal.ts';
import { provision } from '../../../src/flows/provision.ts';
import { assertion } from '../../core/world.ts';
import { describeWith } from '../../services.ts';
import { postgres, sqliteFile } from '../../store/backends.ts';
import { shown } from '../visitor.ts';
import { learner, type Operator, startOperator } from './operator.ts';

for (const backend of [sqliteFile, postgres]) {
  describeWith(backend.needs, `seats on ${backend.name}`, () => {
    let operator: Operator;
    beforeAll(async () => {
      operator = await startOperator({ backend, over: { seats: 10 } });
    });
    afterAll(() => operator?.close());
    const active = async () => (await operator.get<{ active: number; seats: number }>('/provisioning-mode')).body;
    const idOf = async (userName: string) => (await operator.gateway.house.store.people.find('acme', userName))!.id;

    it('of fifty who sign in for the first time at once exactly ten are created, the others refused', async () => {
      const { flow, tenants } = operator.gateway.house;
      const arrivals = await Promise.allSettled(
        Array.from({ length: 50 }, (_, i) => {
          // Each goes its own way, as on a node of its own: no turn is shared.
          const lookup = { by: 'assertion' as const, source: 'connection:oidc' as const, subject: `s${i}`, emailKey: `s${i}@acme.example` };
          return provision(flow, {
            live: tenants.get('acme')!,
            intent: assertion('oidc', `s${i}`, { groups: [] }),
            lookup,
            actor: 'test',
            reference: null,
          });
        }),
      );
      const refused = arrivals.filter((one) => one.status === 'rejected').map((one) => (one as PromiseRejectedResult).reason as Refusal);
      expect(refused.map(({ code }) => code)).toEqual(Array(40).fill('seats-exhausted'));
      expect(await active()).toMatchObject({ active: 10, seats: 10 });
      expect(await operator.gateway.house.store.people.counts('acme')).toMatchObject({ users: 10, active: 10 });
    });

    it('who is refused is told so on a page with the tenant’s contact, and who has a seat signs in', async () => {
      const { page } = await operator.signsIn(learner('late', []));
      expect(shown(page)).toMatchObject({ status: 403, code: 'seats-exhausted' });
      const seated = (await operator.gateway.house.store.people.page('acme', { after: null, limit: 1 })).users[0]!;
      expect((await operator.signsIn(learner(seated.userName.split('@')[0]!, []))).page.status).toBe(200);
    });

    it('raised and freed seats are there at once', async () => {
      expect((await operator.post('/seats', { seats: 11 })).body).toMatchObject({ seats: 11, active: 10 });
      expect((await operator.signsIn(learner('eleventh', []))).page.status).toBe(200);
      expect(shown((await operator.signsIn(learner('twelfth', []))).page)).toMatchObject({ code: 'seats-exhausted' });
      await byHand(await idOf('eleventh@acme.example'), 'suspended');
      expect((await operator.signsIn(learner('twelfth', []))).page.status).toBe(200);
      await expect(byHand(await idOf('eleventh@acme.example'), 'active')).rejects.toMatchObject({ code: 'seats-exhausted' });
    });
    const byHand = (userId: string, status: 'active' | 'suspended') =>
      provision(operator.gateway.house.flow, {
        live: operator.gateway.house.tenants.get('acme')!,
        intent: { kind: 'edit', status },
        lookup: { by: 'user', userId },
        actor: 'cli',
        reference: null,
      });

    it('a directory is refused with 403 and a reason, and the sync log says FAILED; suspended ones come in', async () => {
      await operator.prove('acme.example');
      const { token } = await operator.change('/provisioning-mode', { mode: 'scim' });
      const directory = operator.directory(token!.token);
      const full = await directory.post('/Users', { userName: 'more@acme.example' });
      expect({ status: full.status, scimType: full.body.scimType, detail: full.body.detail }).toEqual({
        status: 403,
        scimType: undefined,
        detail: expect.stringContaining('seats'),
      });
      const log = await operator.get<{ entries: { outcome: string; reason: string }[] }>('/sync-log?outcome=FAILED');
      expect(log.body.entries[0]).toMatchObject({ outcome: 'FAILED', reason: expect.stringContaining('seats') });
      const created = await directory.post('/Users', { userName: 'later@acme.example', active: false });
      expect(created.status).toBe(201);
      expect((await directory.patch(`/Users/${created.body.id}`, { op: 'replace', path: 'active', value: true })).status).toBe(403);
      expect((await directory.get(`/Users/${created.body.id}`)).body.active).toBe(false);
      expect((await operator.post('/seats', { seats: 12 })).status).toBe(200);
      expect((await directory.patch(`/Users/${created.body.id}`, { op: 'replace', path: 'active', value: true })).body.active).toBe(true);
    });
  });
}
