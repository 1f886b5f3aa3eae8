/** What is written for a tenant is bound to what the tenant was when it was planned. */
import { expect, it } from '@jest/globals';
import { TenantMoved } from '../../src/store/database.ts';
import { creation, entry, group, mapping, NOW, person, tenantRow, write } from './makers.ts';
import type { World } from './suite.ts';

export function boundPromises(world: World): void {
  const tenantId = 'bound';
  const state = (id: string) => world.store.people.state(tenantId, id);
  const bound = (revision: number) => ({ tenantId, revision });
  const put = (id: string, revision: number) =>
    world.store.apply.apply([write(creation(id, person(id, { tenantId })), { bound: bound(revision) })], NOW);
  const turn = (expectRevision: number) =>
    world.store.tenants.setSeats(
      { id: tenantId, expectRevision, seats: expectRevision, now: NOW },
      entry(`bound-seats-${expectRevision}`, { tenantId }),
    );

  it('is written at that revision, and at another nothing of it is', async () => {
    await world.store.tenants.create(tenantRow(tenantId), mapping(tenantId, 1), entry('made-bound', { tenantId }));
    await put('bound', 1);
    await turn(1);
    await expect(put('stale', 1)).rejects.toBeInstanceOf(TenantMoved);
    expect(await state('stale')).toBeNull();
    expect(await world.store.journal.list(tenantId, { resourceId: 'stale', limit: 5 })).toEqual([]);
    await put('stale', 2);
    expect(await state('stale')).not.toBeNull();
  });

  it('races a switch: what is written was written before it', async () => {
    const results = await Promise.allSettled([...Array.from({ length: 12 }, (_, i) => put(`bound-race-${i}`, 2)), turn(2)]);
    expect(results.at(-1)).toMatchObject({ status: 'fulfilled' });
    for (const [i, one] of results.slice(0, -1).entries()) {
      if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(TenantMoved);
      expect((await state(`bound-race-${i}`)) !== null).toBe(one.status === 'fulfilled');
    }
    await expect(put('late', 2)).rejects.toBeInstanceOf(TenantMoved);
  });

  it('holds for a group, too', async () => {
    const groups = world.store.groups.under(bound(2));
    await expect(groups.create(group('bound', { tenantId }), null)).rejects.toBeInstanceOf(TenantMoved);
    await world.store.groups.under(bound(3)).create(group('bound', { tenantId }), null);
    await expect(groups.update(group('bound', { tenantId, displayName: 'New' }), null, null)).rejects.toBeInstanceOf(TenantMoved);
    await expect(groups.remove(group('bound', { tenantId }), entry('bound-gone', { tenantId }), 'local', NOW)).rejects.toBeInstanceOf(TenantMoved);
    expect(await world.store.groups.get(tenantId, 'bound')).toMatchObject({ displayName: group('bound').displayName });
  });
}
