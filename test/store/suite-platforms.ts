import { expect, it } from '@jest/globals';
import type { CatalogueEntry } from '../../src/core/entitlement.ts';
import { creation, grant, later, NOW, person, write } from './makers.ts';
import type { World } from './suite.ts';

/** What is known of each platform. */
export function platformsPromises(world: World): void {
  const tenantId = 'platforms';
  const lane = (platform: string, tenant = tenantId) => ({ tenantId: tenant, platform });
  const fresh = {
    entries: null,
    entriesAt: null,
    cursor: '',
    meanings: null,
    revision: null,
    awayAt: null,
    retriedAt: null,
    haltedAt: null,
    haltedCode: null,
    haltedReason: null,
  };
  const failed = { code: 'auth', reason: 'the key is not taken' };
  const course: CatalogueEntry = { kind: 'course', id: '7', name: 'Größe', slug: null, otherIds: ['70'], contents: [] };
  const get = (platform: string, tenant = tenantId) => world.store.platforms.get(lane(platform, tenant));

  it('a platform is added once, whatever is said of it later', async () => {
    const { platforms } = world.store;
    expect(await get('added')).toBeNull();
    await platforms.add(lane('added'), 'here', NOW);
    expect(await get('added')).toEqual({ ...lane('added'), place: 'here', ...fresh, createdAt: NOW, updatedAt: NOW });
    await platforms.advance(lane('added'), { from: '', to: 'u5' }, later(1));
    await platforms.add(lane('added'), 'elsewhere', later(2));
    expect(await get('added')).toMatchObject({ place: 'here', cursor: 'u5', createdAt: NOW });
  });

  it('who puts people into the outbox goes on from where it is, and of those who race one does', async () => {
    const { platforms } = world.store;
    const at = lane('filled');
    await platforms.add(at, 'here', NOW);
    const race = await Promise.all(Array.from({ length: 6 }, (_, i) => platforms.advance(at, { from: '', to: `u${i}` }, later(1))));
    expect(race.filter(Boolean)).toHaveLength(1);
    const cursor = `u${race.indexOf(true)}`;
    expect((await get('filled'))?.cursor).toBe(cursor);
    expect(await platforms.advance(at, { from: 'other', to: 'x' }, later(2))).toBe(false);
    expect(await platforms.advance(at, { from: cursor, to: null }, later(2))).toBe(true);
    expect(await get('filled')).toMatchObject({ cursor: null, updatedAt: later(2) });
    expect([await platforms.advance(at, { from: cursor, to: 'x' }, NOW), await platforms.advance(at, { from: '', to: 'x' }, NOW)]).toEqual([
      false,
      false,
    ]);
    expect(await platforms.advance(lane('nowhere'), { from: '', to: 'x' }, NOW)).toBe(false);
  });

  it('is halted with its reason until it goes on', async () => {
    const { platforms } = world.store;
    await platforms.add(lane('halted'), 'here', NOW);
    await platforms.halt(lane('halted'), failed, later(3));
    expect(await get('halted')).toMatchObject({ haltedAt: later(3), haltedCode: 'auth', haltedReason: failed.reason });
    await platforms.resume(lane('halted'), later(4));
    expect(await get('halted')).toEqual({ ...lane('halted'), place: 'here', ...fresh, createdAt: NOW, updatedAt: later(4) });
  });

  it('keeps its catalogue as last read, and none where it leads elsewhere', async () => {
    const { platforms } = world.store;
    const at = lane('moved');
    await platforms.add(at, 'here', NOW);
    await platforms.entries(at, [course, { ...course, id: '8', slug: 'x', contents: [{ kind: 'course', id: '9', name: 'Nine' }] }], later(1));
    await platforms.entries(at, [course], later(2));
    expect(await get('moved')).toMatchObject({ entries: [course], entriesAt: later(2), cursor: '' });
    await platforms.advance(at, { from: '', to: null }, later(3));
    await platforms.halt(at, failed, later(3));
    await platforms.moved(at, 'there', later(4));
    expect(await get('moved')).toEqual({ ...at, place: 'there', ...fresh, createdAt: NOW, updatedAt: later(4) });
  });

  it('nothing that is done to one is done to another', async () => {
    const { platforms } = world.store;
    const others = [lane('b', 'platforms-one'), lane('a', 'platforms-two')];
    for (const at of [lane('a', 'platforms-one'), ...others]) await platforms.add(at, 'here', NOW);
    const at = lane('a', 'platforms-one');
    await platforms.entries(at, [course], later(1));
    await platforms.advance(at, { from: '', to: null }, later(1));
    await platforms.halt(at, failed, later(1));
    for (const one of others) expect(await platforms.get(one)).toEqual({ ...one, place: 'here', ...fresh, createdAt: NOW, updatedAt: NOW });
    for (const one of others) {
      await platforms.resume(one, later(2));
      await platforms.moved(one, 'there', later(2));
    }
    expect(await platforms.get(at)).toMatchObject({ place: 'here', cursor: null, haltedCode: 'auth', entries: [course] });
    expect((await platforms.ofTenant('platforms-one')).map(({ platform }) => platform)).toEqual(['a', 'b']);
    expect((await platforms.ofTenant('platforms-two')).map(({ platform }) => platform)).toEqual(['a']);
    expect(await platforms.ofTenant('platforms-none')).toEqual([]);
  });

  it('who is enrolled in a target is paged by id, each once, whatever the reasons', async () => {
    const holder = (id: string, tenant = tenantId) => {
      const state = person(id, { tenantId: tenant });
      const grants = [
        grant(state.user, 'bundle:held'),
        grant(state.user, 'bundle:held', { source: 'manual', rule: '' }),
        grant(state.user, 'group:all'),
      ];
      return write(creation(`${tenant}-${id}`, { ...state, grants }), { deliveries: [] });
    };
    const names = Array.from({ length: 5 }, (_, i) => `holder-${i}`);
    await world.store.apply.apply(
      [...names].reverse().map((id) => holder(id)),
      NOW,
    );
    await world.store.apply.apply([holder('holder-elsewhere', 'platforms-two')], NOW);
    await world.store.apply.apply([write(creation('platforms-without', person('holder-none', { tenantId })), { deliveries: [] })], NOW);
    const seen: string[] = [];
    for (let after: string | null = null; ; ) {
      const page: string[] = await world.store.platforms.holders(tenantId, 'bundle:held', { after, limit: 2 });
      seen.push(...page);
      if (page.length < 2) break;
      after = page.at(-1)!;
    }
    expect(seen).toEqual(names);
    expect(await world.store.platforms.holders(tenantId, 'bundle:none', { after: null, limit: 5 })).toEqual([]);
  });
}
