import { describe, expect, it } from '@jest/globals';
import type { CatalogueEntry } from '../../src/core/entitlement.ts';
import { type Meanings, meaningsOf, shiftsBetween } from '../../src/core/meaning.ts';
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

const meant = (entries: CatalogueEntry[], over: Partial<Catalogue> = {}, before: Meanings = {}) =>
  meaningsOf({ catalogue: catalogue(over), entries }, before);

describe('what targets are at a platform', () => {
  it('is their things there, in order, and nothing where there is no such thing', () => {
    expect(meant(ENTRIES, { groups: [offer('none')] })).toEqual({
      'bundle:sales': { keys: ['bundle:1'], found: true },
      'collection:board': { keys: ['course:a', 'course:b'], found: true },
      'group:none': { keys: [], found: false },
    });
  });

  it('changes with the names in the tenant file, and with the catalogue there', () => {
    const before = meant(ENTRIES);
    expect(shiftsBetween(before, meant(ENTRIES, {}, before))).toEqual({ changed: [], losing: [] });
    const renamed = meant(ENTRIES, { groups: [offer('team', '4')] }, before);
    expect(shiftsBetween(before, renamed)).toEqual({ changed: ['group:team'], losing: ['group:team'] });
    const more = meant(ENTRIES.map((one) => (one.kind === 'collection' ? entry('collection', '2', 'board', ['a', 'b', 'c']) : one)));
    expect(shiftsBetween(before, more)).toEqual({ changed: ['collection:board'], losing: [] });
    expect(shiftsBetween(more, before)).toEqual({ changed: ['collection:board'], losing: ['collection:board'] });
  });

  it('that cannot be found any more takes nothing away; found again as something else it does, however long that took', () => {
    const before = meant(ENTRIES);
    const lost = meant(ENTRIES.slice(1), {}, before);
    expect(shiftsBetween(before, lost)).toEqual({ changed: ['bundle:sales'], losing: [] });
    const still = meant(ENTRIES.slice(1), {}, lost);
    expect(shiftsBetween(lost, still)).toEqual({ changed: [], losing: [] });
    expect(shiftsBetween(still, meant([...ENTRIES.slice(1), entry('bundle', '9', 'sales')], {}, still))).toEqual({
      changed: ['bundle:sales'],
      losing: ['bundle:sales'],
    });
    expect(shiftsBetween(still, meant(ENTRIES, {}, still))).toEqual({ changed: ['bundle:sales'], losing: [] });
  });

  it('of a target that is new concerns nobody; one that the tenant file does not name any more is what its slug is', () => {
    const before = meant(ENTRIES, { groups: [offer('team', '4')] });
    expect(shiftsBetween(before, meant(ENTRIES, { groups: [offer('team', '4'), offer('other')] }, before))).toEqual({ changed: [], losing: [] });
    expect(shiftsBetween(before, meant(ENTRIES, { groups: [] }, before))).toEqual({ changed: ['group:team'], losing: ['group:team'] });
  });

  it('is its name where the platform has no catalogue', () => {
    const before = meaningsOf({ catalogue: catalogue(), entries: null });
    expect(before['group:team']).toEqual({ keys: ['target:group:team team'], found: true });
    const after = meaningsOf({ catalogue: catalogue({ groups: [offer('team', 'Another')] }), entries: null }, before);
    expect(shiftsBetween(before, after)).toEqual({ changed: ['group:team'], losing: ['group:team'] });
  });
});
