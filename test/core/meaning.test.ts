import { describe, expect, it } from '@jest/globals';
import type { CatalogueEntry } from '../../src/core/entitlement.ts';
import { meaningsOf, shiftsBetween } from '../../src/core/meaning.ts';
import type { Catalogue, Offer } from '../../src/core/tenant.ts';

const offer = (slug: string, ref: string | null = null): Offer => ({ slug, title: slug, ref, courses: [] });
const catalogue = (over: Partial<Catalogue> = {}): Catalogue => ({
  courses: [],
  bundles: [offer('sales')],
  collections: [offer('board')],
  groups: [offer('team')],
  ...over,
});
const entry = (kind: CatalogueEntry['kind'], id: string, slug: string, contents: string[] = []): CatalogueEntry => ({
  ...{ kind, id, name: slug, slug, otherIds: [] },
  contents: contents.map((course) => ({ kind: 'course', id: course, name: course })),
});
const ENTRIES = [
  entry('bundle', '1', 'sales'),
  entry('collection', '2', 'board', ['b', 'a']),
  entry('group', '3', 'team'),
  entry('group', '4', 'other'),
];

describe('what targets are at a platform', () => {
  it('is their things there, in order, and nothing where there is no such thing', () => {
    expect(Object.fromEntries(meaningsOf({ catalogue: catalogue({ groups: [offer('none')] }), entries: ENTRIES }))).toEqual({
      'bundle:sales': ['bundle:1'],
      'collection:board': ['course:a', 'course:b'],
      'group:none': null,
    });
  });

  it('changes with the names in the tenant file, and with the catalogue there', () => {
    const before = { catalogue: catalogue(), entries: ENTRIES };
    expect(shiftsBetween(before, before)).toEqual({ changed: [], losing: [] });
    expect(shiftsBetween(before, { ...before, catalogue: catalogue({ groups: [offer('team', '4')] }) })).toEqual({
      changed: ['group:team'],
      losing: ['group:team'],
    });
    const more = ENTRIES.map((one) => (one.kind === 'collection' ? entry('collection', '2', 'board', ['a', 'b', 'c']) : one));
    expect(shiftsBetween(before, { ...before, entries: more })).toEqual({ changed: ['collection:board'], losing: [] });
    expect(shiftsBetween({ ...before, entries: more }, before)).toEqual({ changed: ['collection:board'], losing: ['collection:board'] });
  });

  it('that cannot be found any more takes nothing away, and a target that is new concerns nobody', () => {
    const before = { catalogue: catalogue(), entries: ENTRIES };
    expect(shiftsBetween(before, { ...before, entries: ENTRIES.slice(1) })).toEqual({ changed: ['bundle:sales'], losing: [] });
    expect(shiftsBetween(before, { ...before, catalogue: catalogue({ groups: [offer('team'), offer('other')] }) })).toEqual({
      changed: [],
      losing: [],
    });
  });
});
