import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type CatalogueEntry,
  type Desired,
  desiredOf,
  type Given,
  type Resource,
  type ResourceKind,
  resolve,
  resourceKey,
  stepsFor,
} from '../../src/core/entitlement.ts';
import type { Target } from '../../src/core/model.ts';
import type { Catalogue, Offer } from '../../src/core/tenant.ts';
import { grant, person } from '../store/makers.ts';

const offer = (slug: string, over: Partial<Offer> = {}): Offer => ({ slug, title: `The ${slug}`, ref: null, courses: [], ...over });
const catalogue = (over: Partial<Catalogue> = {}): Catalogue => ({
  courses: [],
  bundles: [offer('sales')],
  collections: [offer('board')],
  groups: [offer('staff')],
  ...over,
});
const entry = (kind: CatalogueEntry['kind'], id: string, over: Partial<CatalogueEntry> = {}): CatalogueEntry => ({
  kind,
  id,
  name: `Name ${id}`,
  slug: null,
  otherIds: [],
  contents: [],
  ...over,
});
const course = (id: string): Resource => ({ kind: 'course', id, name: `Course ${id}` });

describe('what a target is at a platform', () => {
  it('is found by its slug, by its title, or by what the file says it is called there: slug, name or any of its ids', () => {
    const bySlug = [entry('bundle', '7', { slug: 'sales' })];
    const byTitle = [entry('bundle', '7', { name: 'The sales' })];
    const sales: Resource = { kind: 'bundle', id: '7', name: 'Name 7' };
    expect(resolve('bundle:sales', catalogue(), bySlug)).toEqual([sales]);
    expect(resolve('bundle:sales', catalogue(), byTitle)).toEqual([{ ...sales, name: 'The sales' }]);
    for (const ref of ['onboarding', 'Name 7', '7', '4711']) {
      const entries = [entry('bundle', '7', { slug: 'onboarding', otherIds: ['4711'] }), entry('bundle', '8')];
      expect(resolve('bundle:sales', catalogue({ bundles: [offer('sales', { ref })] }), entries)).toEqual([sales]);
    }
  });

  it('is never found by an id that nobody wrote as one, nor among things of another kind', () => {
    expect(resolve('bundle:sales', catalogue(), [entry('group', '1', { slug: 'sales' })])).toMatch(/no bundle called "sales" or "The sales"/);
    expect(resolve('bundle:7', catalogue({ bundles: [offer('7')] }), [entry('bundle', '7')])).toMatch(/no bundle called "7"/);
  });

  it('that could be two things is neither, and the sentence says what to write', () => {
    const entries = [entry('bundle', '7', { name: 'The sales' }), entry('bundle', '8', { name: 'The sales' })];
    expect(resolve('bundle:sales', catalogue(), entries)).toMatch(/2 bundles called "The sales"; write one's id as ref:/);
  });

  it('that is missing names what is near it', () => {
    expect(resolve('bundle:sales', catalogue(), [entry('bundle', '7', { slug: 'slaes' })])).toMatch(/did you mean "slaes"\?/);
  });

  it('of a collection is what the collection holds', () => {
    const entries = [entry('collection', '3', { slug: 'board', contents: [course('1'), { kind: 'bundle', id: '7', name: 'B' }] })];
    const state = person('ada', {});
    state.grants = [grant(state.user, 'collection:board')];
    const { resources, unresolved } = desiredOf(state, catalogue(), entries);
    expect([[...resources.keys()], unresolved]).toEqual([['course:1', 'bundle:7'], []]);
  });

  it('of somebody who is not active is nothing', () => {
    for (const status of ['locked', 'suspended', 'deleted'] as const) {
      const state = person('ada', { status });
      expect(desiredOf(state, catalogue(), null).resources.size).toBe(0);
    }
  });
});

const ALL: ResourceKind[] = ['course', 'bundle', 'group', 'target'];
const desire = (resources: Resource[], unresolved: Desired['unresolved'] = []): Desired => ({
  resources: new Map(resources.map((one) => [resourceKey(one), { ...one, targets: FOR[one.kind] }])),
  unresolved,
});
/** What things of each kind are for in these tests. */
const FOR: Record<ResourceKind, Target[]> = { bundle: ['bundle:sales'], group: ['group:team'], course: ['collection:board'], target: ['group:team'] };
const given = (one: Resource, state: Given['state']): Given => ({ ...one, state, targets: FOR[one.kind] });

describe('what is to be done there', () => {
  it('what cannot be found just now takes nothing of its kind away; other kinds go on', () => {
    const bundle: Resource = { kind: 'bundle', id: '7', name: 'B' };
    const team: Resource = { kind: 'group', id: '9', name: 'G' };
    const steps = stepsFor(desire([], [{ target: 'bundle:sales' }]), {
      given: [given(bundle, 'given'), given(team, 'given')],
      present: null,
      can: { add: ALL, remove: ALL },
    });
    expect(steps.remove).toEqual([given(team, 'given')]);
    expect(steps.note).toEqual([{ kind: 'target', id: 'bundle:sales', name: 'bundle:sales', state: 'unknown', targets: ['bundle:sales'] }]);
  });

  it('what was given for other targets than the one that cannot be found is taken away', () => {
    const bundles = ['7', '8', '9'].map((id): Resource => ({ kind: 'bundle', id, name: id }));
    const targets: (Target[] | null)[] = [['bundle:sales'], ['bundle:other'], ['bundle:other', 'bundle:sales']];
    const known = bundles.map((one, at): Given => ({ ...one, state: 'given', targets: targets[at]! }));
    const steps = stepsFor(desire([], [{ target: 'bundle:sales' }]), {
      given: known,
      present: null,
      can: { add: ALL, remove: ALL },
    });
    expect(steps.remove.map(({ id }) => id)).toEqual(['8']);
  });

  it('where targets are things of their names, one that is called otherwise is left and joined; elsewhere a name is a name', () => {
    const old = given({ kind: 'target', id: 'group:team', name: 'Old' }, 'given');
    const wanted = desire([{ kind: 'target', id: 'group:team', name: 'New' }]);
    const can = { add: ALL, remove: ALL };
    for (const present of [null, new Set<string>(), new Set(['target:group:team'])]) {
      const steps = stepsFor(wanted, { given: [old], present, can: { ...can, targetsByName: true } });
      expect([steps.remove, steps.add.map(({ name }) => name)]).toEqual([[old], ['New']]);
    }
    expect(stepsFor(wanted, { given: [old], present: null, can })).toMatchObject({ remove: [], add: [] });
    const foreign = given({ kind: 'target', id: 'group:team', name: 'Old' }, 'foreign');
    expect(stepsFor(wanted, { given: [foreign], present: null, can: { ...can, targetsByName: true } }).remove).toEqual([]);
  });

  it('what somebody put into the old name by hand stays there, and the new name is given', () => {
    const foreign = given({ kind: 'target', id: 'group:team', name: 'Old' }, 'foreign');
    const wanted = desire([{ kind: 'target', id: 'group:team', name: 'New' }]);
    const steps = stepsFor(wanted, { given: [foreign], present: null, can: { add: ALL, remove: ALL, targetsByName: true } });
    expect([steps.remove, steps.add.map(({ name }) => name)]).toEqual([[], ['New']]);
  });

  it('what one of two targets gives that cannot be found just now stays for its sake, however long the other has it', () => {
    const bundle: Resource = { kind: 'bundle', id: '7', name: 'B' };
    const can = { add: ALL, remove: ALL };
    const lost: Desired['unresolved'] = [{ target: 'bundle:other' }];
    const was: Given = { ...bundle, state: 'given', targets: ['bundle:other', 'bundle:sales'] };
    const meanwhile = stepsFor(desire([bundle], lost), { given: [was], present: null, can });
    expect(meanwhile.note.filter(({ kind }) => kind === 'bundle')).toEqual([]);
    expect(stepsFor(desire([], lost), { given: [was], present: null, can }).remove).toEqual([]);
    expect(stepsFor(desire([]), { given: [was], present: null, can }).remove).toEqual([was]);
  });

  it('what something is for is kept up, without a call', () => {
    const bundle: Resource = { kind: 'bundle', id: '7', name: 'B' };
    const was: Given = { ...bundle, state: 'given', targets: ['bundle:old'] };
    const how = { present: null, can: { add: ALL, remove: ALL } };
    const steps = stepsFor(desire([bundle]), { given: [was], ...how });
    expect(steps).toEqual({ add: [], remove: [], note: [{ ...was, targets: ['bundle:sales'] }], forget: [], later: false });
    expect(stepsFor(desire([bundle]), { given: steps.note, ...how }).note).toEqual([]);
  });

  it('a task that was done and not ticked off is none any more, nor one that can be done without hands by now', () => {
    const team: Resource = { kind: 'group', id: '9', name: 'G' };
    const asked = [given(team, 'give-by-hand')];
    const by = (can: ResourceKind[], present: string[] | null) =>
      stepsFor(desire([team]), { given: asked, present: present && new Set(present), can: { add: can, remove: ALL } });
    expect(by([], ['group:9'])).toMatchObject({ add: [], note: [given(team, 'given')] });
    expect(by([], [])).toMatchObject({ add: [], note: [] });
    expect(by(ALL, null)).toMatchObject({ add: [{ id: '9' }], note: [] });
  });

  it('what somebody was asked to take away, and did, is given again where it is wanted again', () => {
    const team: Resource = { kind: 'group', id: '9', name: 'G' };
    const asked = [given(team, 'take-by-hand')];
    const steps = (present: ReadonlySet<string> | null) => stepsFor(desire([team]), { given: asked, present, can: { add: ALL, remove: [] } });
    expect(steps(new Set())).toMatchObject({ add: [{ id: '9' }], note: [] });
    expect(steps(null)).toMatchObject({ add: [], note: [given(team, 'given')] });
  });

  it('what it cannot take away is asked of a person, once, and no more where it is wanted again', () => {
    const team: Resource = { kind: 'group', id: '9', name: 'G' };
    const can = { add: ALL, remove: [] };
    const asked = stepsFor(desire([]), { given: [given(team, 'given')], present: null, can });
    expect([asked.remove, asked.note]).toEqual([[], [given(team, 'take-by-hand')]]);
    expect(stepsFor(desire([]), { given: asked.note, present: null, can })).toEqual({ add: [], remove: [], note: [], forget: [], later: false });
    expect(stepsFor(desire([team]), { given: asked.note, present: null, can }).note).toEqual([given(team, 'given')]);
  });

  it('what it cannot add is asked of a person, and no more where it is not wanted any more', () => {
    const team: Resource = { kind: 'group', id: '9', name: 'G' };
    const can = { add: [], remove: ALL };
    const asked = stepsFor(desire([team]), { given: [], present: new Set<string>(), can });
    expect([asked.add, asked.note]).toEqual([[], [given(team, 'give-by-hand')]]);
    expect(stepsFor(desire([]), { given: asked.note, present: null, can })).toMatchObject({ remove: [], forget: [given(team, 'give-by-hand')] });
  });
});

describe('what was ordered and comes later', () => {
  const team: Resource = { kind: 'bundle', id: '9', name: 'B' };
  const can = { add: ALL, remove: ALL };
  const absent = new Set<string>();

  it('is not ordered a second time, nor forgotten where it is not wanted any more: it is looked at again', () => {
    for (const wanted of [desire([team]), desire([])])
      expect(stepsFor(wanted, { given: [given(team, 'queued')], present: absent, can })).toEqual({
        add: [],
        remove: [],
        note: [],
        forget: [],
        later: true,
      });
  });

  it('is ordered again, or forgotten, when it has not come for long', () => {
    const overdue = { ...given(team, 'queued'), overdue: true };
    expect(stepsFor(desire([team]), { given: [overdue], present: absent, can })).toMatchObject({ add: [team], later: false });
    expect(stepsFor(desire([]), { given: [overdue], present: absent, can })).toMatchObject({ forget: [overdue], later: false });
  });

  it('is taken away as soon as it is there', () => {
    const row = given(team, 'queued');
    expect(stepsFor(desire([]), { given: [row], present: new Set(['bundle:9']), can })).toMatchObject({ remove: [row], later: false });
  });
});

/** A platform, its administrator, and a gateway that is killed at any moment. */
type Event =
  | { kind: 'want'; ids: number[] }
  | { kind: 'by-hand'; id: number }
  | { kind: 'deliver'; dies: 'before' | 'after' | 'never'; looks: boolean };
const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('want' as const), ids: fc.uniqueArray(fc.integer({ min: 0, max: 4 })) }),
    fc.record({ kind: fc.constant('by-hand' as const), id: fc.integer({ min: 0, max: 4 }) }),
    fc.record({
      kind: fc.constant('deliver' as const),
      dies: fc.constantFrom('before' as const, 'after' as const, 'never' as const),
      looks: fc.boolean(),
    }),
  ),
  { maxLength: 40 },
);

describe('whatever happens in whatever order', () => {
  it('what was put there by hand stays, what is wanted is there, and what we gave and is not wanted is gone', () => {
    fc.assert(
      fc.property(events, (history) => {
        const there = new Set<string>();
        const byHand = new Set<string>();
        let ledger = new Map<string, Given>();
        let wanted = desire([]);
        for (const event of [...history, { kind: 'deliver', dies: 'never', looks: true } as Event]) {
          if (event.kind === 'want') wanted = desire(event.ids.map((id) => course(String(id))));
          else if (event.kind === 'by-hand') {
            const key = `course:${event.id}`;
            // Whoever puts something there that we are just about to give cannot be told from us.
            if (there.has(key) || ledger.has(key)) continue;
            there.add(key);
            byHand.add(key);
          } else ledger = deliver(event, { there, ledger, wanted });
        }
        for (const key of byHand) expect(there).toContain(key);
        for (const key of wanted.resources.keys()) expect(there).toContain(key);
        expect([...there].filter((key) => !byHand.has(key) && !wanted.resources.has(key))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

function deliver(
  event: Extract<Event, { kind: 'deliver' }>,
  { there, ledger, wanted }: { there: Set<string>; ledger: Map<string, Given>; wanted: Desired },
): Map<string, Given> {
  const can = { add: ALL, remove: ALL };
  const draft = stepsFor(wanted, { given: [...ledger.values()], present: null, can });
  const looks = event.looks || draft.add.length + draft.remove.length > 0;
  const steps = looks ? stepsFor(wanted, { given: [...ledger.values()], present: new Set(there), can }) : draft;
  const pending = new Map(ledger);
  for (const one of steps.forget) pending.delete(resourceKey(one));
  for (const one of [...steps.note, ...steps.add.map((resource) => given(resource, 'giving'))]) pending.set(resourceKey(one), one);
  if (event.dies === 'before') return pending;
  for (const one of steps.remove) there.delete(resourceKey(one));
  for (const one of steps.add) there.add(resourceKey(one));
  if (event.dies === 'after') return pending;
  const settled = new Map(pending);
  for (const one of steps.remove) settled.delete(resourceKey(one));
  for (const one of steps.add) settled.set(resourceKey(one), given(one, 'given'));
  return settled;
}
