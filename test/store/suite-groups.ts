import { expect, it } from '@jest/globals';
import type { Group, GroupSource, Membership, UserState } from '../../src/core/model.ts';
import { foldKey } from '../../src/core/profile.ts';
import { Conflict, Vanished } from '../../src/store/database.ts';
import { creation, edit, entry, later, NOW, person, write } from './makers.ts';
import type { World } from './suite.ts';

export function groupsPromises(world: World): void {
  const tenantId = 'groups';
  let written = 0;
  const group = (id: string, over: Partial<Group> = {}): Group => {
    const displayName = over.displayName ?? `Group ${id}`;
    return {
      tenantId,
      id,
      displayName,
      displayNameKey: foldKey(displayName),
      externalId: null,
      source: 'directory',
      version: 1,
      unsettledSince: null,
      createdAt: NOW,
      updatedAt: NOW,
      ...over,
    };
  };
  const line = (resourceId: string) => entry(`g${++written}`, { tenantId, cause: 'group', resourceType: 'Group', resourceId });
  const made = async (id: string, over: Partial<Group> = {}) => {
    const row = group(id, over);
    await world.store.groups.create(row, null);
    return row;
  };
  const linesOf = async (id: string) => (await world.store.journal.list(tenantId, { resourceId: id, limit: 9 })).length;
  const state = async (id: string): Promise<UserState> => (await world.store.people.state(tenantId, id))!;
  const put = async (id: string, over: Parameters<typeof person>[1] = {}) => {
    await world.store.apply.apply([write(creation(`groups-${id}`, person(id, { tenantId, ...over })))], NOW);
  };
  /** As a plan moves one person. */
  async function move(userId: string, groupId: string, { source, member }: { source: GroupSource; member: boolean }): Promise<void> {
    const before = await state(userId);
    const row: Membership = { tenantId, userId, groupId, source, since: NOW };
    const plan = edit(`groups-move-${++written}`, before, {});
    const reason = member ? ('joined-group' as const) : ('left-group' as const);
    const change = { entity: 'membership' as const, before: member ? null : row, after: member ? row : null, reason };
    await world.store.apply.apply([write({ ...plan, changes: [...plan.changes, change] }, { deliveries: [] })], later(1));
  }
  const join = (userId: string, groupId: string, source: GroupSource) => move(userId, groupId, { source, member: true });

  it('a group is found by id, name and externalId, in its own tenant only', async () => {
    const { groups } = world.store;
    const row = await made('sales', { displayName: 'Sales Ünit', externalId: 'EXT-1' });
    await made('theirs', { tenantId: 'groups-other', displayName: 'Sales Ünit', externalId: 'EXT-1' });
    expect(await groups.get(tenantId, 'sales')).toEqual(row);
    expect(await groups.named(tenantId, foldKey('SALES ÜNIT'))).toEqual([row]);
    expect(await groups.byExternalId(tenantId, 'EXT-1')).toEqual([row]);
    expect(await groups.byExternalId(tenantId, 'ext-1')).toEqual([]);
    expect(await groups.get(tenantId, 'theirs')).toBeNull();
    for (const odd of ['\0', 'none']) {
      expect(await groups.get(tenantId, odd)).toBeNull();
      expect(await groups.named(tenantId, odd)).toEqual([]);
    }
  });

  it('of a name that many have, the ten oldest are found', async () => {
    for (let i = 0; i < 12; i++) await made(`twin-${String(i).padStart(2, '0')}`, { displayName: 'Twins', createdAt: later(100 - i) });
    const found = await world.store.groups.named(tenantId, 'twins');
    expect(found.map(({ id }) => id)).toEqual(['11', '10', '09', '08', '07', '06', '05', '04', '03', '02'].map((n) => `twin-${n}`));
  });

  it('pages go through every group once', async () => {
    const seen: string[] = [];
    for (let after: string | null = null; ; ) {
      const page: { groups: Group[]; next: string | null } = await world.store.groups.page(tenantId, { after, limit: 5 });
      seen.push(...page.groups.map(({ id }) => id));
      if (page.next === null) break;
      after = page.next;
    }
    expect(seen).toHaveLength(13);
    expect(seen).toEqual([...new Set(seen)].sort());
  });

  it('a group and its line are written together or not at all', async () => {
    const { groups } = world.store;
    await groups.create(group('lined'), line('lined'));
    expect(await linesOf('lined')).toBe(1);
    await expect(groups.create(group('lined'), line('lined'))).rejects.toBeInstanceOf(Conflict);
    await expect(groups.update(group('lined', { displayName: 'New' }), 7, line('lined'))).rejects.toBeInstanceOf(Conflict);
    await expect(groups.update(group('nowhere'), null, line('lined'))).rejects.toBeInstanceOf(Vanished);
    expect(await linesOf('lined')).toBe(1);
    expect(await groups.get(tenantId, 'lined')).toEqual(group('lined'));
  });

  it('an externalId is one group’s of a tenant', async () => {
    const { groups } = world.store;
    await made('first', { externalId: 'ONE' });
    await expect(groups.create(group('second', { externalId: 'ONE' }), line('second'))).rejects.toBeInstanceOf(Conflict);
    await made('third', { externalId: 'one' });
    await made('fourth', { tenantId: 'groups-other', externalId: 'ONE' });
    expect([await groups.get(tenantId, 'second'), await linesOf('second')]).toEqual([null, 0]);
    expect(await groups.byExternalId(tenantId, 'ONE')).toMatchObject([{ id: 'first' }]);
  });

  it('every change of a group moves its version, and who names a version is told where it has moved', async () => {
    const { groups } = world.store;
    const row = await made('renamed');
    const after = { ...row, displayName: 'Other', displayNameKey: 'other', externalId: 'X', updatedAt: later(5), unsettledSince: later(5) };
    await groups.update(after, 1, line('renamed'));
    expect(await groups.get(tenantId, 'renamed')).toEqual({ ...after, version: 2 });
    await expect(groups.update(after, 1, null)).rejects.toBeInstanceOf(Conflict);
    await groups.update(after, null, null);
    expect(await groups.get(tenantId, 'renamed')).toMatchObject({ version: 3 });
  });

  it('members are live people, each once, in order of id, page by page', async () => {
    const { groups } = world.store;
    await made('team');
    await made('elsewhere');
    for (const id of ['m3', 'm1', 'm2']) await put(id, { displayName: id === 'm2' ? '' : `Member ${id}` });
    for (const id of ['m1', 'm2', 'm3']) await join(id, 'team', 'directory');
    await join('m2', 'team', 'manual');
    await join('m2', 'elsewhere', 'manual');
    const all = [
      { userId: 'm1', display: 'Member m1' },
      { userId: 'm2', display: 'm2@Example.com' },
      { userId: 'm3', display: 'Member m3' },
    ];
    expect(await groups.members(tenantId, 'team', { after: null, limit: 9 })).toEqual(all);
    expect(await groups.members(tenantId, 'team', { after: null, limit: 2 })).toEqual(all.slice(0, 2));
    expect(await groups.members(tenantId, 'team', { after: 'm2', limit: 2 })).toEqual(all.slice(2));
    expect(await groups.members('groups-other', 'team', { after: null, limit: 9 })).toEqual([]);
    expect(await groups.memberIds(tenantId, 'team', 'directory')).toEqual(['m1', 'm2', 'm3']);
    expect(await groups.memberIds(tenantId, 'team', 'manual')).toEqual(['m2']);
    // Four people came in, one of them twice: each moved the group.
    expect(await groups.get(tenantId, 'team')).toMatchObject({ version: 5 });
  });

  it('an empty group goes, with its line', async () => {
    const { groups } = world.store;
    await made('empty');
    await groups.remove(group('empty'), line('empty'), 'unused', later(9));
    expect(await groups.get(tenantId, 'empty')).toBeNull();
    expect(await groups.get(tenantId, 'unused')).toBeNull();
    expect(await linesOf('empty')).toBe(1);
    await expect(groups.remove(group('empty'), line('empty'), 'unused', later(9))).rejects.toBeInstanceOf(Conflict);
    expect(await linesOf('empty')).toBe(1);
  });

  it('a group that the directory deletes goes on as a local one for whom somebody put in by hand', async () => {
    const { groups } = world.store;
    const row = await made('kept', { displayName: 'Kept', externalId: 'K' });
    await put('handy');
    await put('synced');
    await join('handy', 'kept', 'manual');
    await join('synced', 'kept', 'directory');
    await expect(groups.remove(row, line('kept'), 'kept-2', later(9))).rejects.toBeInstanceOf(Conflict);
    expect(await groups.get(tenantId, 'kept')).toMatchObject({ source: 'directory', externalId: 'K' });

    await move('synced', 'kept', { source: 'directory', member: false });
    await groups.remove(row, line('kept'), 'kept-2', later(9));
    expect(await groups.get(tenantId, 'kept')).toBeNull();
    expect(await groups.get(tenantId, 'kept-2')).toMatchObject({ source: 'manual', externalId: null, displayName: 'Kept', unsettledSince: later(9) });
    expect(await groups.members(tenantId, 'kept-2', { after: null, limit: 9 })).toMatchObject([{ userId: 'handy' }]);
    expect((await state('handy')).memberships).toMatchObject([{ groupId: 'kept-2', source: 'manual' }]);
    expect(await linesOf('kept')).toBe(1);
  });

  it('a group that is removed for good takes what waited for the deleted with it, and nobody who is still in it', async () => {
    const { groups } = world.store;
    const row = await made('good', { source: 'manual' });
    await put('left');
    await put('stays');
    await join('left', 'good', 'manual');
    await join('stays', 'good', 'manual');
    const before = await state('left');
    const gone = edit('groups-gone', before, { moved: { status: 'deleted', userNameKey: 'deleted:left' } });
    await world.store.apply.apply([write(gone, { deliveries: [] })], NOW);

    await expect(groups.remove(row, line('good'), null, NOW)).rejects.toBeInstanceOf(Conflict);
    expect((await state('left')).memberships).toHaveLength(1);

    await move('stays', 'good', { source: 'manual', member: false });
    await groups.remove(row, line('good'), null, NOW);
    expect(await groups.get(tenantId, 'good')).toBeNull();
    const tombstone = await state('left');
    expect(tombstone.memberships).toEqual([]);
    // A plan that was made of it before must be made again.
    expect(tombstone.user.version).toBe(gone.changes[0]!.entity === 'user' ? gone.changes[0]!.after!.version + 1 : 0);
  });

  it('a group whose new name is still to be concluded is found until it is settled, and a later name stays owed', async () => {
    const { groups } = world.store;
    const owed = async () => (await groups.unsettled(50)).filter((g) => g.id.startsWith('owed')).map(({ id }) => id);
    const second = await made('owed-2', { unsettledSince: later(20) });
    const first = await made('owed-1', { unsettledSince: later(10) });
    expect(await owed()).toEqual(['owed-1', 'owed-2']);
    await groups.settle(first);
    await groups.update({ ...second, unsettledSince: later(30) }, null, null);
    await groups.settle(second);
    expect(await owed()).toEqual(['owed-2']);
    await groups.settle({ ...second, unsettledSince: later(30) });
    expect(await owed()).toEqual([]);
  });
}
