import { beforeAll, expect, it } from '@jest/globals';
import type { Lookup } from '../../src/core/intent.ts';
import type { UserState } from '../../src/core/model.ts';
import { creation, facts, grant, group, identity, membership, NOW, person, user, write } from './makers.ts';
import type { World } from './suite.ts';

export function peoplePromises(world: World): void {
  const tenantId = 'people';
  const put = (state: UserState) => {
    const plan = creation(`${state.user.tenantId}-${state.user.id}`, state);
    return world.store.apply.apply([write(plan, { deliveries: [] })], NOW);
  };
  /** Everything filled, everything that can be null both ways. */
  const full: UserState = (() => {
    const owner = user({ id: 'full', tenantId, externalId: 'ext-1', status: 'locked', role: 'instructor', fields: { a: 'ä', b: '' } });
    return {
      user: owner,
      identities: [identity(owner), identity(owner, { source: 'directory', subject: 'd"\\\'', facts: null, createdAt: new Date(1) })],
      grants: [grant(owner, 'bundle:basics'), grant(owner, 'group:x', { source: 'manual', rule: '' })],
      memberships: [],
      groups: [],
      held: [],
    };
  })();

  beforeAll(async () => {
    await put(full);
    for (const id of ['a', 'b', 'C', 'd']) await put(person(id, { tenantId }));
    await put(person('twin', { tenantId, emailKey: 'b@example.com' }));
    await put(person('ghost', { tenantId, status: 'deleted', userNameKey: 'deleted:ghost', emailKey: 'd@example.com' }));
    await put(person('a', { tenantId: 'other' }));
    await put(person('elsewhere', { tenantId: 'other' }));
  });

  it('every column round-trips, times to the millisecond', async () => {
    expect(await world.store.people.state(tenantId, 'full')).toEqual(full);
    const [first] = (await world.store.people.state(tenantId, 'full'))!.identities;
    expect(Object.keys(first!.facts!.claims)).toContain('__proto__');
    expect(first!.facts).toEqual(facts());
  });

  it('a user is found by the subject of a source, and by nothing else of that source', async () => {
    const { people } = world.store;
    const found = await people.candidates(tenantId, { by: 'assertion', source: 'connection:okta', subject: 'subject-full', emailKey: null });
    expect(found).toEqual({ bySubject: full, byEmail: [] });
    const other = await people.candidates(tenantId, { by: 'assertion', source: 'connection:entra', subject: 'subject-full', emailKey: null });
    expect(other).toEqual({ bySubject: null, byEmail: [] });
    expect((await people.candidates(tenantId, { by: 'user', userId: 'full' })).bySubject).toEqual(full);
  });

  it('all live users with an e-mail are found by it, with what hangs under them, but no deleted one', async () => {
    const found = await world.store.people.candidates(tenantId, {
      by: 'assertion',
      source: 'connection:okta',
      subject: 'subject-b',
      emailKey: 'b@example.com',
    });
    expect(found.bySubject).toEqual(person('b', { tenantId }));
    expect(found.byEmail).toEqual([person('b', { tenantId }), person('twin', { tenantId, emailKey: 'b@example.com' })]);
    const ghost = await world.store.people.candidates(tenantId, { by: 'name', userNameKey: 'none', emailKey: 'd@example.com' });
    expect(ghost.byEmail.map((s) => s.user.id)).toEqual(['d']);
  });

  it('a userName is found too, as name and as e-mail', async () => {
    const named = await world.store.people.candidates(tenantId, { by: 'name', userNameKey: 'twin@example.com', emailKey: 'none@example.com' });
    expect(named.byEmail.map((s) => s.user.id)).toEqual(['twin']);
    const asserted = await world.store.people.candidates(tenantId, {
      by: 'assertion',
      source: 'connection:x',
      subject: 'x',
      emailKey: 'twin@example.com',
    });
    expect(asserted.byEmail.map((s) => s.user.id)).toEqual(['twin']);
  });

  it('a deleted user is still what its identity points to', async () => {
    const found = await world.store.people.candidates(tenantId, {
      by: 'assertion',
      source: 'connection:okta',
      subject: 'subject-ghost',
      emailKey: null,
    });
    expect(found.bySubject?.user.status).toBe('deleted');
  });

  it('a person is found by id, userName or e-mail in any case, the deleted by id only', async () => {
    const find = async (term: string) => (await world.store.people.find(tenantId, term))?.id ?? null;
    expect(await find('C')).toBe('C');
    expect(await find('TWIN@example.com')).toBe('twin');
    expect(await find('B@EXAMPLE.com')).toBe('b');
    expect(await find('ghost')).toBe('ghost');
    expect(await find('ghost@example.com')).toBeNull();
    expect(await find('nobody')).toBeNull();
  });

  it('pages go through everyone once, in the same order on every database', async () => {
    const seen: string[] = [];
    for (let after: string | null = null, rounds = 0; rounds < 10; rounds++) {
      const { users, next } = await world.store.people.page(tenantId, { after, limit: 2 });
      seen.push(...users.map((u) => u.id));
      if (next === null) break;
      after = next;
    }
    expect(seen).toEqual(['C', 'a', 'b', 'd', 'full', 'ghost', 'twin']);
    const { states, next } = await world.store.people.states(tenantId, { after: 'd', limit: 2 });
    expect(states[0]).toEqual(full);
    expect(states.map((s) => [s.user.id, s.identities.length, s.grants.length])).toEqual([
      ['full', 2, 2],
      ['ghost', 1, 2],
    ]);
    expect(next).toBe('ghost');
    expect(await world.store.people.states(tenantId, { after: 'twin', limit: 2 })).toEqual({ states: [], next: null });
  });

  it('a search takes wildcards literally and minds no case', async () => {
    const search = async (text: string) => (await world.store.people.page(tenantId, { after: null, limit: 10, search: text })).users.map((u) => u.id);
    expect(await search('WIN@')).toEqual(['twin']);
    expect(await search('%')).toEqual([]);
    expect(await search('_')).toEqual([]);
    expect(await search('\\')).toEqual([]);
  });

  it('text that no row can hold finds nothing, on every database', async () => {
    const { people, tenants, journal } = world.store;
    const odd = 'full\0';
    expect(await people.state(tenantId, odd)).toBeNull();
    expect(await people.find(tenantId, odd)).toBeNull();
    expect(await people.candidates(tenantId, { by: 'assertion', source: 'connection:okta', subject: odd, emailKey: odd })).toEqual({
      bySubject: null,
      byEmail: [],
    });
    expect(await people.page(tenantId, { after: null, limit: 5, search: odd })).toEqual({ users: [], next: null });
    expect(await tenants.get(odd)).toBeNull();
    expect(await journal.list(odd, { reference: odd, limit: 5 })).toEqual([]);
    expect(await journal.signIns(odd, { limit: 5 })).toEqual([]);
  });

  it('counts leave the deleted out', async () => {
    expect(await world.store.people.counts(tenantId)).toEqual({ users: 6, active: 5, grants: 14 });
    expect(await world.store.people.counts('nowhere')).toEqual({ users: 0, active: 0, grants: 0 });
  });

  it('no read of one tenant finds anything of another', async () => {
    const { people } = world.store;
    expect(await people.state('other', 'full')).toBeNull();
    expect(await people.find('other', 'full')).toBeNull();
    expect(await people.find('other', 'full@example.com')).toBeNull();
    expect(await people.candidates('other', { by: 'user', userId: 'full' })).toEqual({ bySubject: null, byEmail: [] });
    const emailKey = 'full@example.com';
    expect(await people.candidates('other', { by: 'assertion', source: 'connection:okta', subject: 'subject-full', emailKey })).toEqual({
      bySubject: null,
      byEmail: [],
    });
    expect(await people.candidates('other', { by: 'name', userNameKey: emailKey, emailKey })).toEqual({ bySubject: null, byEmail: [] });
    expect((await people.page('other', { after: null, limit: 50 })).users.map((u) => u.id)).toEqual(['a', 'elsewhere']);
    // The same id in both tenants: everything below belongs to the right one.
    const [a] = (await people.states('other', { after: null, limit: 50 })).states;
    expect(a).toEqual(person('a', { tenantId: 'other' }));
    expect(await people.counts('other')).toEqual({ users: 2, active: 2, grants: 4 });
  });

  it('whom a directory creates is looked for by userName, e-mail and externalId among the living', async () => {
    const { people } = world.store;
    const resource = (over: Partial<Extract<Lookup, { by: 'resource' }>>) =>
      people.candidates(tenantId, { by: 'resource', userNameKey: 'none', emailKey: null, externalId: null, restoreKeys: [], ...over });
    const found = async (over: Parameters<typeof resource>[0]) => (await resource(over)).byEmail.map(({ user: { id } }) => id);
    expect(await found({ userNameKey: 'a@example.com' })).toEqual(['a']);
    expect(await found({ emailKey: 'b@example.com' })).toEqual(['b', 'twin']);
    expect(await found({ externalId: 'ext-1' })).toEqual(['full']);
    expect(await found({ externalId: 'EXT-1' })).toEqual([]);
    expect(await found({ userNameKey: 'a@example.com', emailKey: 'd@example.com', externalId: 'ext-1' })).toEqual(['a', 'd', 'full']);
    expect(await resource({ externalId: 'ext-1' })).toEqual({ bySubject: null, byEmail: [full] });
    // Who has no externalId and no e-mail is not found by having none, and a tombstone by none of its names.
    expect(await found({ userNameKey: 'deleted:ghost' })).toEqual([]);
    expect(await found({ userNameKey: '\0' })).toEqual([]);
  });

  it('of tombstones the newest with the first key that any has is found, with all under it', async () => {
    const there = { tenantId: 'graves', status: 'deleted' } as const;
    const grave = (id: string, restoreKey: string, age: number) =>
      person(id, { ...there, userNameKey: `deleted:${id}`, restoreKey, updatedAt: new Date(NOW.getTime() - age) });
    for (const one of [grave('old', 'name:x', 9), grave('new', 'name:x', 1), grave('older', 'name:x', 20), grave('ext', 'external:e', 50)])
      await put(one);
    const find = (tenant: string, restoreKeys: string[]) =>
      world.store.people.candidates(tenant, { by: 'resource', userNameKey: 'none', emailKey: null, externalId: null, restoreKeys });
    expect(await find('graves', ['name:x'])).toEqual({ bySubject: grave('new', 'name:x', 1), byEmail: [] });
    expect((await find('graves', ['external:e', 'name:x'])).bySubject?.user.id).toBe('ext');
    expect((await find('graves', ['external:none', 'name:x'])).bySubject?.user.id).toBe('new');
    expect(await find('graves', ['name:none'])).toEqual({ bySubject: null, byEmail: [] });
    expect(await find(tenantId, ['name:x'])).toEqual({ bySubject: null, byEmail: [] });
  });

  it('memberships come with the groups that they name, each group once', async () => {
    const there = { tenantId: 'joined' };
    for (const id of ['z', 'b', 'a']) await world.store.groups.create(group(id, { ...there, externalId: id === 'a' ? 'A' : null }), null);
    const base = person('m', there);
    const of = [membership(base.user, 'a', { source: 'manual' }), membership(base.user, 'z'), membership(base.user, 'a')];
    await put({ ...base, memberships: of });
    await put(person('n', there));
    const state = (await world.store.people.state('joined', 'm'))!;
    expect(state.memberships).toEqual([of[2], of[0], of[1]]);
    expect(state.groups).toEqual([
      { id: 'a', displayName: 'Group a', externalId: 'A' },
      { id: 'z', displayName: 'Group z', externalId: null },
    ]);
    expect(await world.store.people.many('joined', ['n', 'm'])).toEqual([state, person('n', there)]);
    expect((await world.store.people.states('joined', { after: null, limit: 5 })).states).toEqual([state, person('n', there)]);
    const named = { by: 'name', userNameKey: 'm@example.com', emailKey: 'm@example.com' } as const;
    expect((await world.store.people.candidates('joined', named)).byEmail).toEqual([state]);
  });

  it('many are read at once, in order, the deleted too; names are of those who are seen', async () => {
    const { people } = world.store;
    const ids = ['twin', 'ghost', 'C', 'nobody', 'a'];
    expect((await people.many(tenantId, ids)).map(({ user: { id } }) => id)).toEqual(['C', 'a', 'ghost', 'twin']);
    expect(await people.many(tenantId, [])).toEqual([]);
    expect(await people.many(tenantId, ['\0'])).toEqual([]);
    expect((await people.many('other', ids)).map(({ user: { tenantId: of, id } }) => [of, id])).toEqual([['other', 'a']]);
    await put(person('plain', { tenantId: 'names', displayName: '' }));
    await put(person('shown', { tenantId: 'names' }));
    await put(person('gone', { tenantId: 'names', status: 'deleted', userNameKey: 'deleted:gone' }));
    expect(await people.names('names', ['shown', 'plain', 'gone', 'none'])).toEqual(
      new Map([
        ['plain', 'plain@Example.com'],
        ['shown', 'Ada Lovelace'],
      ]),
    );
    expect(await people.names('names', [])).toEqual(new Map());
    expect(await people.names('other', ['shown'])).toEqual(new Map());
  });
}
