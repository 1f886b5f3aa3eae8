import { expect, it } from '@jest/globals';
import { replay } from '../../src/core/diff.ts';
import type { Change, Plan, UserState } from '../../src/core/model.ts';
import { createApply } from '../../src/store/apply.ts';
import { Conflict, type Statement, Vanished } from '../../src/store/database.ts';
import { createInsert } from '../../src/store/writes.ts';
import { creation, edit, grant, group, later, membership, NOW, person, write } from './makers.ts';
import type { World } from './suite.ts';

/** Plans of many users in one transaction, and what is kept in step with them. */
export function togetherPromises(world: World): void {
  const tenantId = 'together';
  let written = 0;
  const state = (id: string) => world.store.people.state(tenantId, id);
  const apply = (plans: Plan[]) =>
    world.store.apply.apply(
      plans.map((plan) => write(plan)),
      later(1),
    );
  const put = async (...ids: string[]) => {
    const states = ids.map((id) => person(id, { tenantId }));
    await apply(states.map((one) => creation(`together-${one.user.id}`, one)));
    return states;
  };
  const joining = (before: UserState, ...groups: string[]) =>
    edit(`together-${++written}`, before, { joins: groups.map((id) => membership(before.user, id)) });
  const made = async (id: string) => world.store.groups.create(group(id, { tenantId }), null);
  const versionOf = async (id: string) => (await world.store.groups.get(tenantId, id))!.version;

  it('plans of many users are stored together: rows, journal and outbox of each', async () => {
    const states = await put('t1', 't2', 't3');
    expect(await world.store.people.many(tenantId, ['t3', 't1', 't2', 'none'])).toEqual(states);
    const { outbox } = world.db.tables;
    const waiting = (await world.db.query.select().from(outbox)).filter((row) => row.tenantId === tenantId).map(({ id }) => id);
    expect(waiting.sort()).toEqual(['together-t1:lms', 'together-t2:lms', 'together-t3:lms']);
    for (const id of ['t1', 't2', 't3']) expect(await world.store.journal.list(tenantId, { resourceId: id, limit: 5 })).toHaveLength(1);
  });

  it('one stale plan among them, and nothing of any is there', async () => {
    const [one, two, three] = (await put('s1', 's2', 's3')) as [UserState, UserState, UserState];
    await apply([edit('together-ahead', two, { moved: { title: 'Dr' } })]);
    const late = [one, two, three].map((before, i) => edit(`together-late-${i}`, before, { come: [grant(before.user, 'group:late')] }));
    await expect(apply(late)).rejects.toBeInstanceOf(Conflict);
    expect([await state('s1'), await state('s3')]).toEqual([one, three]);
    expect((await world.store.journal.list(tenantId, { limit: 500 })).filter(({ id }) => id.includes('late'))).toEqual([]);
  });

  it('a plan without changes is left out, and of none nothing is written', async () => {
    const before = person('empty', { tenantId });
    await apply([{ ...creation('together-empty', before), changes: [] }, creation('together-full', person('full', { tenantId }))]);
    expect([await state('empty'), (await state('full'))?.user.id]).toEqual([null, 'full']);
    await apply([]);
    expect((await world.store.journal.list(tenantId, { limit: 500 })).filter(({ id }) => id === 'j-together-empty')).toEqual([]);
  });

  it('plans of two tenants are not applied together', async () => {
    const plans = [creation('together-mine', person('mine', { tenantId })), creation('together-theirs', person('theirs', { tenantId: 'elsewhere' }))];
    await expect(apply(plans)).rejects.toThrow('one tenant');
    expect(await state('mine')).toBeNull();
  });

  it('forty creations with members are few statements: users first, then groups, and last the count that all share', async () => {
    await made('packed-b');
    await made('packed-a');
    const plans = Array.from({ length: 40 }, (_, i) => {
      const base = person(`packed-${String(39 - i).padStart(2, '0')}`, { tenantId });
      return creation(`together-p${i}`, { ...base, memberships: ['packed-b', 'packed-a'].map((id) => membership(base.user, id)) });
    });
    const batches: Statement[][] = [];
    const batch = (statements: Statement[]) => {
      batches.push(statements);
      return world.db.batch(statements);
    };
    await createApply({ ...world.db, batch }).apply(
      plans.map((plan) => write(plan, { search: { gone: [], come: [{ attribute: 'title', element: 0, value: 'x' }] } })),
      NOW,
    );
    const [statements = []] = batches;
    const tables = statements.map(({ sql }) => /(?:into|update|from) "(\w+)"/.exec(sql)?.[1]);
    expect([...new Set(tables)]).toEqual([
      'app_user',
      'user_group',
      'identity',
      'membership',
      'enrolment_grant',
      'user_value',
      'journal',
      'outbox',
      'headcount',
    ]);
    expect(statements.length).toBeLessThanOrEqual(12);
    expect(statements[1]!.params).toContain('packed-a');
    expect(statements[0]!.params.filter((param) => /^packed-\d\d$/.test(String(param)))).toEqual(plans.map(({ userId }) => userId).reverse());
    expect(await versionOf('packed-a')).toBe(2);
  });

  it('batches that race for the members of the same groups all arrive, and each moves each group once', async () => {
    await made('race-a');
    await made('race-b');
    const batches = await Promise.all(Array.from({ length: 8 }, (_, n) => put(...Array.from({ length: 5 }, (_, i) => `r${i}-${n}`))));
    const results = await Promise.allSettled(
      batches.map((states, n) => {
        const groups = n % 2 ? ['race-a', 'race-b'] : ['race-b', 'race-a'];
        return apply((n % 2 ? states : [...states].reverse()).map((before) => joining(before, ...groups)));
      }),
    );
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
    for (const id of ['race-a', 'race-b']) {
      expect(await world.store.groups.memberIds(tenantId, id, 'directory')).toHaveLength(40);
      expect(await versionOf(id)).toBe(9);
      expect((await world.store.groups.get(tenantId, id))!.updatedAt).toEqual(later(1));
    }
  });

  it('who joins, stays and leaves is stored with the plan, and a group that is not named is not moved', async () => {
    for (const id of ['in', 'out', 'other']) await made(id);
    const base = person('mover', { tenantId });
    const before: UserState = { ...base, memberships: [membership(base.user, 'out'), membership(base.user, 'out', { source: 'manual' })] };
    await apply([creation('together-mover', before)]);
    const plan = joining(before, 'in');
    const left: Change = { entity: 'membership', before: before.memberships[0]!, after: null, reason: 'left-group' };
    await apply([{ ...plan, changes: [...plan.changes, left] }]);
    const after = (await state('mover'))!;
    expect(after.memberships.map(({ groupId, source }) => [groupId, source])).toEqual([
      ['in', 'directory'],
      ['out', 'manual'],
    ]);
    expect(after.groups.map(({ id }) => id)).toEqual(['in', 'out']);
    expect([await versionOf('in'), await versionOf('out'), await versionOf('other')]).toEqual([2, 3, 1]);
  });

  it('into a group that is gone nobody comes, and nothing else of the batch is written', async () => {
    const [one, two] = (await put('v1', 'v2')) as [UserState, UserState];
    await expect(apply([joining(one, 'never'), edit('together-beside', two, { moved: { title: 'Dr' } })])).rejects.toBeInstanceOf(Vanished);
    expect([await state('v1'), await state('v2')]).toEqual([one, two]);
    const stray = createInsert(world.db)('membership', [membership(one.user, 'never')]);
    await expect(world.db.batch(stray)).rejects.toBeInstanceOf(Conflict);
  });

  it('the headcount follows creation, suspension, deletion and return, and nothing else moves it', async () => {
    const there = { tenantId: 'counted' };
    const count = () => world.store.people.headcount('counted');
    expect(await count()).toEqual({ users: 0, active: 0 });
    let one = person('c1', there);
    await apply([
      creation('counted-1', one),
      creation('counted-2', person('c2', there)),
      creation('counted-3', person('c3', { ...there, status: 'locked' })),
    ]);
    expect(await count()).toEqual({ users: 3, active: 2 });
    const step = async (moved: Parameters<typeof edit>[2]['moved']) => {
      const plan = edit(`counted-${++written}-step`, one, { moved: moved ?? {} });
      await apply([plan]);
      one = replay(one, plan)!;
      return count();
    };
    expect(await step({ title: 'Dr' })).toEqual({ users: 3, active: 2 });
    expect(await step({ status: 'suspended' })).toEqual({ users: 3, active: 1 });
    expect(await step({ status: 'locked' })).toEqual({ users: 3, active: 1 });
    expect(await step({ status: 'deleted', userNameKey: 'deleted:c1', restoreKey: 'name:c1' })).toEqual({ users: 2, active: 1 });
    expect(await step({ status: 'active', userNameKey: 'c1', restoreKey: null })).toEqual({ users: 3, active: 2 });
    const stale = edit('counted-stale', person('c1', there), { moved: { status: 'deleted' } });
    await expect(apply([stale])).rejects.toBeInstanceOf(Conflict);
    expect(await count()).toEqual({ users: 3, active: 2 });
  });

  it('of those who race for the last seats as many get in as there are, from the first on', async () => {
    const creations = (names: string[]) => names.map((id) => write(creation(`seats-${id}`, person(id, { tenantId: 'seats' })), { seats: 3 }));
    await expect(world.store.apply.apply(creations(['a', 'b', 'c', 'd']), NOW)).rejects.toBeInstanceOf(Conflict);
    expect(await world.store.people.headcount('seats')).toEqual({ users: 0, active: 0 });
    const results = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => world.store.apply.apply(creations([`race-${i}`]), NOW)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(results.every((r) => r.status === 'fulfilled' || r.reason instanceof Conflict)).toBe(true);
    expect(await world.store.people.headcount('seats')).toEqual({ users: 3, active: 3 });
  });

  it('the search index moves with the plan, and mends itself where it was wrong', async () => {
    const [before] = (await put('found')) as [UserState];
    const title = (value: string, element = 0) => ({ attribute: 'title', element, value });
    const valuesOf = async () => {
      const { searchValue } = world.db.tables;
      return (await world.db.query.select().from(searchValue))
        .filter((row) => row.tenantId === tenantId && row.userId === 'found')
        .map(({ element, value }) => `${element} ${value}`)
        .sort();
    };
    const moved = async (id: string, at: UserState, search: { gone: ReturnType<typeof title>[]; come: ReturnType<typeof title>[] }) => {
      const plan = edit(id, at, { moved: { title: id } });
      await world.store.apply.apply([write(plan, { search })], NOW);
      return replay(at, plan)!;
    };
    // 120 values are more than one statement.
    const many = Array.from({ length: 120 }, (_, i) => title('v', i));
    let at = await moved('found-1', before, { gone: [], come: many });
    expect(await valuesOf()).toHaveLength(120);
    at = await moved('found-2', at, { gone: many.slice(2), come: [] });
    // What is gone was never there, and what comes is there already under another value, and is said twice.
    at = await moved('found-3', at, { gone: [title('v', 77), title('v', 0)], come: [title('a', 0), title('x', 1), title('b', 1)] });
    expect(await valuesOf()).toEqual(['0 a', '1 b']);
    const stale = edit('found-4', before, { moved: { title: 'late' } });
    await expect(world.store.apply.apply([write(stale, { search: { gone: [title('a', 0)], come: [] } })], NOW)).rejects.toBeInstanceOf(Conflict);
    expect(await valuesOf()).toEqual(['0 a', '1 b']);
  });
}
