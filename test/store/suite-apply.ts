import { expect, it } from '@jest/globals';
import { replay } from '../../src/core/diff.ts';
import { type Change, grantKey, type Plan, type UserState } from '../../src/core/model.ts';
import { createApply } from '../../src/store/apply.ts';
import { Conflict, Unstorable } from '../../src/store/database.ts';
import { PLACE } from '../../src/store/outbox.ts';
import { creation, edit, entryOf, facts, grant, identity, later, NOW, person, user, write } from './makers.ts';
import type { World } from './suite.ts';

export function applyPromises(world: World): void {
  const tenantId = 'apply';
  const apply = (plan: Plan, platforms: string[] = ['lms']) =>
    world.store.apply.apply([write(plan, { deliveries: platforms.map((platform) => ({ platform, place: PLACE.signIn })) })], NOW);
  const state = (id: string) => world.store.people.state(tenantId, id);
  const journalOf = async (id: string) => (await world.store.journal.list(tenantId, { resourceId: id, limit: 50 })).map((e) => e.id).sort();
  const outboxOf = async (id: string) => {
    const { outbox } = world.db.tables;
    return (await world.db.query.select().from(outbox))
      .filter((row) => row.tenantId === tenantId && row.userId === id)
      .map((row) => `${row.id} ${row.wanted}`)
      .sort();
  };

  it('a plan leaves its rows, its journal entry and one outbox row per platform', async () => {
    const plan = creation('whole', person('whole', { tenantId }));
    await apply(plan, ['lms', 'webhook']);
    expect(await state('whole')).toEqual(person('whole', { tenantId }));
    expect(await world.store.journal.list(tenantId, { resourceId: 'whole', limit: 5 })).toEqual([entryOf(plan)]);
    expect(await outboxOf('whole')).toEqual(['whole:lms 1', 'whole:webhook 1']);
  });

  it('updates, removals and additions of one plan are stored together', async () => {
    const before = person('mixed', { tenantId });
    await apply(creation('mixed-1', before));
    const come = grant(before.user, 'group:new', { source: 'manual', rule: '' });
    const changed: Change[] = [
      { entity: 'identity', before: before.identities[0]!, after: { ...before.identities[0]!, facts: facts([]) }, reason: 'asserted' },
      { entity: 'identity', before: null, after: identity(before.user, { source: 'directory' }), reason: 'asserted' },
      { entity: 'grant', before: before.grants[1]!, after: { ...before.grants[1]!, since: later(1) }, reason: 'rule-matched' },
    ];
    const plan = edit('mixed-2', before, {
      moved: { displayName: 'Countess', externalId: 'e', fields: {} },
      gone: [before.grants[0]!],
      come: [come],
    });
    await apply({ ...plan, changes: [...plan.changes, ...changed] });
    expect(await state('mixed')).toEqual({
      user: { ...before.user, displayName: 'Countess', externalId: 'e', fields: {}, version: 2 },
      identities: [{ ...before.identities[0]!, facts: facts([]) }, identity(before.user, { source: 'directory' })],
      grants: [{ ...before.grants[1]!, since: later(1) }, come],
      memberships: [],
      groups: [],
      held: [],
    });
  });

  it('after any history of plans the store holds what replaying them gives', async () => {
    const owner = user({ id: 'history', tenantId });
    let held: UserState | null = null;
    for (let step = 0; step < 25; step++) {
      const wanted = Array.from({ length: 12 }, (_, i) => grant(owner, `bundle:${i}`)).filter((_, i) => (step * 7 + i * (step + 3)) % 5 < 2);
      const has = new Set(held?.grants.map(grantKey));
      const wants = new Set(wanted.map(grantKey));
      const plan: Plan = held
        ? edit(`history-${step}`, held, {
            moved: { title: `step ${step}` },
            gone: held.grants.filter((g) => !wants.has(grantKey(g))),
            come: wanted.filter((g) => !has.has(grantKey(g))),
          })
        : creation('history-0', { user: owner, identities: [identity(owner)], grants: wanted, memberships: [], groups: [], held: [] });
      held = replay(held, plan);
      await apply(plan);
      const stored = await state('history');
      expect({ ...stored, grants: new Set(stored?.grants) }).toEqual({ ...held, grants: new Set(held?.grants) });
    }
  });

  it('hundreds of new rows go in and come out', async () => {
    const owner = user({ id: 'many', tenantId });
    const grants = Array.from({ length: 333 }, (_, i) => grant(owner, `bundle:${String(i).padStart(4, '0')}`));
    await apply(creation('many', { user: owner, identities: [identity(owner)], grants, memberships: [], groups: [], held: [] }));
    expect((await state('many'))?.grants).toEqual(grants);
  });

  it('a plan without changes writes nothing at all', async () => {
    await apply({ ...creation('empty', person('empty', { tenantId })), changes: [] });
    expect([await state('empty'), await journalOf('empty'), await outboxOf('empty')]).toEqual([null, [], []]);
  });

  it('a plan without effects tells no platform', async () => {
    const before = person('quiet', { tenantId });
    await apply(creation('quiet-1', before), []);
    await apply(edit('quiet-2', before, { moved: { title: 'Dr' } }));
    expect(await outboxOf('quiet')).toEqual([]);
    expect(await journalOf('quiet')).toEqual(['j-quiet-1', 'j-quiet-2']);
  });

  it('a plan that moves only what a platform shows of the person is told, and none who is told of nothing', async () => {
    const before = person('shown', { tenantId });
    await apply(creation('shown-1', before), []);
    const plan = edit('shown-2', before, { moved: { displayName: 'Countess' } });
    await apply({ ...plan, effects: { ...plan.effects, profile: true } }, ['lms', 'webhook']);
    expect(await outboxOf('shown')).toEqual(['shown-2:lms 1', 'shown-2:webhook 1']);
  });

  it('a stale plan is refused whole, journal and outbox included', async () => {
    const before = person('stale', { tenantId });
    await apply(creation('stale-1', before));
    await apply(edit('stale-2', before, { come: [grant(before.user, 'group:first')] }));
    await expect(apply(edit('stale-3', before, { come: [grant(before.user, 'group:second')], gone: [before.grants[0]!] }))).rejects.toBeInstanceOf(
      Conflict,
    );
    expect((await state('stale'))?.grants.map((g) => g.target)).toEqual(['bundle:basics', 'collection:more', 'group:first']);
    expect(await journalOf('stale')).toEqual(['j-stale-1', 'j-stale-2']);
    expect(await outboxOf('stale')).toEqual(['stale-1:lms 2']);
  });

  it('when the last statement fails nothing of the plan is there', async () => {
    const there = { tenantId: 'apply-last' };
    const before = person('last', { ...there, status: 'locked' });
    const put = (plan: Plan) => world.store.apply.apply([write(plan, { seats: 1 })], NOW);
    await put(creation('last-1', before));
    await put(creation('last-seat', person('seat', there)));
    // The last statement takes a seat, and there is none.
    await expect(put(edit('last-2', before, { moved: { status: 'active' }, gone: before.grants }))).rejects.toBeInstanceOf(Conflict);
    expect(await world.store.people.state(there.tenantId, 'last')).toEqual(before);
    expect((await world.store.journal.list(there.tenantId, { resourceId: 'last', limit: 5 })).map(({ id }) => id)).toEqual(['j-last-1']);
    expect(await world.store.outbox.ofUser(there.tenantId, 'last')).toMatchObject([{ id: 'last-1:lms', wanted: 1 }]);
    expect(await world.store.people.headcount(there.tenantId)).toEqual({ users: 2, active: 1 });
  });

  it('a row that is no longer there as the plan saw it makes a conflict', async () => {
    const before = person('gone', { tenantId });
    await apply(creation('gone-1', before));
    await expect(apply(edit('gone-2', before, { gone: [grant(before.user, 'bundle:never')] }))).rejects.toBeInstanceOf(Conflict);
    expect(await state('gone')).toEqual(before);
  });

  it('of simultaneous creations of one subject exactly one wins and the others get a conflict', async () => {
    const race = Array.from({ length: 12 }, (_, i) => {
      const owner = user({ id: `race-${i}`, tenantId });
      return creation(`race-${i}`, {
        user: owner,
        identities: [identity(owner, { subject: 'the-one' })],
        grants: [grant(owner, 'bundle:basics')],
        memberships: [],
        groups: [],
        held: [],
      });
    });
    const results = await Promise.allSettled(race.map((plan) => apply(plan)));
    const lost = results.filter((r) => r.status === 'rejected');
    expect(lost).toHaveLength(11);
    expect(lost.every((r) => r.reason instanceof Conflict)).toBe(true);
    const states = await Promise.all(race.map((plan) => state(plan.userId)));
    expect(states.filter((s) => s !== null)).toHaveLength(1);
    expect((await Promise.all(race.map((plan) => outboxOf(plan.userId)))).flat()).toHaveLength(1);
  });

  it('of simultaneous edits of one version exactly one wins', async () => {
    const before = person('edits', { tenantId });
    await apply(creation('edits-0', before));
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => apply(edit(`edits-${i + 1}`, before, { come: [grant(before.user, `group:g${i}`)] }))),
    );
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
    expect(results.every((r) => r.status === 'fulfilled' || r.reason instanceof Conflict)).toBe(true);
    expect((await state('edits'))?.grants).toHaveLength(3);
  });

  it('userName and externalId are unique in a tenant, and a tombstone gives both free', async () => {
    const one = person('one', { tenantId, userNameKey: 'same', externalId: 'x' });
    await apply(creation('one', one));
    const two = (over: object) => creation('two', person('two', { tenantId, ...over }));
    await expect(apply(two({ userNameKey: 'same' }))).rejects.toBeInstanceOf(Conflict);
    await expect(apply(two({ externalId: 'x' }))).rejects.toBeInstanceOf(Conflict);
    await apply(edit('bury', one, { moved: { status: 'deleted', userNameKey: 'deleted:one', externalId: null } }));
    await apply(two({ userNameKey: 'same', externalId: 'x' }));
    expect((await state('two'))?.user.userNameKey).toBe('same');
  });

  it('a plan that reaches beyond its user or its tenant is a fault and writes nothing', async () => {
    const mine = person('mine', { tenantId });
    const plan = creation('mine', mine);
    const stray = (change: Change): Plan => ({ ...plan, changes: [...plan.changes, change] });
    const theirs = grant(user({ id: 'mine', tenantId: 'other' }), 'bundle:x');
    const neighbour = grant(user({ id: 'one', tenantId }), 'bundle:x');
    await expect(apply(stray({ entity: 'grant', before: null, after: theirs, reason: 'manual' }))).rejects.toThrow('one user of one tenant');
    await expect(apply(stray({ entity: 'grant', before: neighbour, after: null, reason: 'manual' }))).rejects.toThrow('one user of one tenant');
    await expect(apply({ ...plan, changes: plan.changes.slice(1) })).rejects.toThrow('begin with its user row');
    expect(await state('mine')).toBeNull();
  });

  it('no row can name a user of another tenant, whoever writes it', async () => {
    const { grant: table } = world.db.tables;
    // By shape: where another test file loaded the native driver first, its errors are of another realm and no `Error` to jest.
    const stray = world.db.query.insert(table).values(grant(user({ id: 'whole', tenantId: 'other' }), 'bundle:x'));
    await expect(stray).rejects.toHaveProperty('message');
  });

  it('text that only one of the databases could hold is refused by both, whole', async () => {
    const nul = person('nul', { tenantId, displayName: 'a\0b' });
    await expect(apply(creation('nul', nul))).rejects.toBeInstanceOf(Unstorable);
    for (const value of ['a\0b', '\ud800', 'a\\\0']) {
      const owner = user({ id: 'nul', tenantId });
      const taught = identity(owner, { facts: { ...facts(), claims: { odd: [value] } } });
      await expect(
        apply(creation('nul', { user: owner, identities: [taught], grants: [], memberships: [], groups: [], held: [] })),
      ).rejects.toBeInstanceOf(Unstorable);
    }
    expect(await state('nul')).toBeNull();
    const literal = person('literal', { tenantId, displayName: '{"\\u0000"}', fields: { a: '\\u0000', b: '\\\\ud800', c: '😀' } });
    await apply(creation('literal', literal));
    expect(await state('literal')).toEqual(literal);
  });

  it('no error quotes what was to be stored', async () => {
    const again = creation('whole-again', person('whole', { tenantId, displayName: 'Secret Person' }));
    const error = await apply(again).catch((e: unknown) => e as Error);
    expect(error).toBeInstanceOf(Conflict);
    expect(JSON.stringify([String(error), error, (error as Error).cause])).not.toMatch(/Secret|whole@/);
    const fault = await createApply(world.db)
      .apply(
        [
          write(
            { ...again, changes: [{ ...again.changes[0]!, after: { ...again.changes[0]!.after!, id: 'f', title: null } } as never], userId: 'f' },
            { entry: entryOf(again), deliveries: [] },
          ),
        ],
        NOW,
      )
      .catch((e: unknown) => e as Error);
    expect(fault).not.toBeInstanceOf(Conflict);
    expect(JSON.stringify([String(fault), fault, Object.entries(fault as object)])).not.toMatch(/Secret|whole@/);
  });
}
