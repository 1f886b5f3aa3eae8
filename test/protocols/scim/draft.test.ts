/** What a client may write of a User, in POST and PUT, and how much of what nobody described. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { currentDraft, readUser } from '../../../src/protocols/scim/draft.ts';
import { FOREIGN } from '../../../src/protocols/scim/foreign.ts';
import { readPatch } from '../../../src/protocols/scim/patch.ts';
import { patchUser } from '../../../src/protocols/scim/patch-user.ts';
import { ENTERPRISE, USER, userResource } from '../../../src/protocols/scim/schema.ts';
import { identity, person, user } from '../../store/makers.ts';

const CUSTOM = 'urn:acme:scim:2.0:User';
const OTHER = 'urn:other:2.0:Thing';
const SCHEMA = userResource({ [`${CUSTOM}:costCode`]: 'cost_code' });
const read = (body: object) => readUser({ userName: 'ada', ...body }, SCHEMA).draft;
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, i]));
const refused = (what: string) => expect.objectContaining({ status: 400, scimType: 'invalidValue', message: expect.stringContaining(what) });
const patch = (draft: object, ...Operations: object[]) => patchUser({ userName: 'ada', ...draft }, readPatch({ Operations }), SCHEMA).draft;

describe('attributes that no schema here describes', () => {
  it('are kept as sent, as many as are allowed', () => {
    expect(read({ [OTHER]: many(FOREIGN.attributes) })[OTHER]).toEqual(many(FOREIGN.attributes));
    expect(read({ [CUSTOM]: { costCode: 'x', also: { deep: [1] } } })[CUSTOM]).toEqual({ costCode: 'x', also: { deep: [1] } });
  });

  it.each([
    ['POST and PUT, in an unknown schema', () => read({ [OTHER]: many(10_000) }), OTHER],
    ['POST and PUT, in a schema that the tenant names', () => read({ [CUSTOM]: many(10_000) }), CUSTOM],
    ['PATCH of the whole schema', () => patch({}, { op: 'add', path: OTHER, value: many(10_000) }), OTHER],
    ['PATCH without a path', () => patch({}, { op: 'add', value: { [OTHER]: many(10_000) } }), OTHER],
    ['PATCH with a key for each', () => patch({}, { op: 'add', value: keyed(`${OTHER}:`, 10_000) }), OTHER],
    ['PATCH of one more than are held', () => patch({ [OTHER]: many(FOREIGN.attributes) }, { op: 'add', path: `${OTHER}:more`, value: 1 }), OTHER],
    ['POST of many schemas', () => read(schemas(FOREIGN.extensions + 1)), 'schemas'],
    ['PATCH with many schemas', () => patch({}, { op: 'add', value: schemas(10_000) }), 'schemas'],
  ])('are refused beyond: %s', (_, work, named) => {
    expect(work).toThrow(refused(named));
  });
  const keyed = (prefix: string, count: number) => Object.fromEntries(Object.entries(many(count)).map(([key, value]) => [prefix + key, value]));
  const schemas = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`urn:many:2.0:S${i}`, { a: 1 }]));

  it('of one schema are one, whatever its case', () => {
    expect(read({ [OTHER]: { a: 1 }, [OTHER.toUpperCase()]: { b: 2 } })).toEqual({ userName: 'ada', [OTHER]: { a: 1, b: 2 } });
  });

  it('that say nothing leave no schema behind', () => {
    expect(Object.keys(read({ schemas: [USER, OTHER], [OTHER]: { a: null, b: '' }, [ENTERPRISE]: {} }))).toEqual(['userName']);
  });
});

describe('keys with dots', () => {
  it('are parts of one value, in whatever order', () => {
    expect(read({ 'name.givenName': 'Ada', name: { familyName: 'L' }, 'name.formatted': 'Ada L' })['name']).toEqual({
      givenName: 'Ada',
      familyName: 'L',
      formatted: 'Ada L',
    });
  });
  it('of a list are its one element', () => {
    expect(read({ 'emails.value': 'a@b.example', 'emails.type': 'work' })['emails']).toEqual([{ value: 'a@b.example', type: 'work' }]);
    expect(read({ emails: [{ value: 'a@b.example' }], 'emails.type': 'home' })['emails']).toEqual([{ value: 'a@b.example', type: 'home' }]);
  });
  it('of a list of several are refused: nobody can tell which is meant', () => {
    expect(() => read({ emails: [{ value: 'a@b.example' }, { value: 'c@d.example' }], 'emails.type': 'home' })).toThrow(refused('emails.type'));
  });
  it('say nothing that is the server’s to say', () => {
    const manager = (key: string, value: string) => read({ [`${ENTERPRISE}:manager.${key}`]: value });
    expect(manager('displayName', 'Boss')).toEqual({ userName: 'ada' });
    expect(manager('$ref', 'https://x/Users/1')).toEqual({ userName: 'ada' });
    expect(manager('value', '26118915')[ENTERPRISE]).toEqual({ manager: { value: '26118915' } });
  });
});

it('whatever is read is read the same again', () => {
  const value: fc.Arbitrary<unknown> = fc.oneof(fc.string({ maxLength: 8 }), fc.boolean(), fc.constant(null));
  const key = fc.constantFrom(
    'displayName',
    'name.givenName',
    'title',
    'active',
    `${ENTERPRISE}:department`,
    `${CUSTOM}:costCode`,
    'nickName',
    'emails.value',
  );
  const body = fc.oneof(fc.dictionary(key, value), fc.dictionary(fc.constantFrom(OTHER, CUSTOM), fc.dictionary(fc.string({ minLength: 1 }), value)));
  fc.assert(
    fc.property(body, (sent) => {
      let draft: object;
      try {
        draft = read(sent);
      } catch {
        return;
      }
      expect(read(draft)).toEqual(draft);
      expect(Object.getPrototypeOf({})).not.toHaveProperty('a');
    }),
    { numRuns: 500 },
  );
});

describe('what the directory said of `active`', () => {
  const base = person('ada');
  const said = (facts: object, status: 'active' | 'suspended' = 'active') =>
    currentDraft({
      ...base,
      user: user({ id: 'ada', status }),
      identities: [identity(base.user, { source: 'directory', facts: { ...base.identities[0]!.facts!, resource: { userName: 'ada' }, ...facts } })],
    })['active'];
  it('stands, also while what it means is held, or while somebody suspended the person by hand', () => {
    expect(said({ active: false })).toBe(false);
    expect(said({ active: true }, 'suspended')).toBe(true);
  });
  it('counts no more where it was left', () => {
    expect(said({ active: false, retired: true })).toBe(true);
    expect(said({ active: true, retired: true }, 'suspended')).toBe(false);
  });
});
