/** Extensions that no table describes: kept as sent, within bounds, and read in steps that grow with their number only. */
import { afterEach, describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { LIMITS } from '../../../src/protocols/scim/discovery.ts';
import { readUser } from '../../../src/protocols/scim/draft.ts';
import { ScimError } from '../../../src/protocols/scim/error.ts';
import { readPatch } from '../../../src/protocols/scim/patch.ts';
import { patchUser } from '../../../src/protocols/scim/patch-user.ts';
import { userResource } from '../../../src/protocols/scim/schema.ts';

type Json = Record<string, unknown>;

const URN = 'urn:acme:params:scim:2.0:User';
const CUSTOM = 'urn:acme:2.0:User';
const users = userResource({ [`${CUSTOM}:shift`]: 'shift' });
const person = (more: Json = {}): Json => ({ userName: 'ada', active: true, ...more });

const numbered = (many: number, of: (i: number) => [string, unknown]): Json => Object.fromEntries(Array.from({ length: many }, (_, i) => of(i)));
const attributes = (many: number): Json => numbered(many, (i) => [`a${i}`, `v${i}`]);
const read = (more: Json) => readUser(person(more), users).draft;
const patch = (draft: Json, operation: Json) => patchUser(draft, readPatch({ Operations: [{ op: 'add', ...operation }] }), users).draft;

const { entries, fromEntries } = Object;
afterEach(() => void Object.assign(Object, { entries, fromEntries }));

/** How many entries of objects are read or copied by `work`: what a client's many attributes would multiply. */
function copied(work: () => unknown): number {
  let count = 0;
  const counted = <T>(all: [string, T][]) => {
    count += all.length;
    return all;
  };
  Object.assign(Object, {
    entries: (object: object) => counted(entries(object)),
    fromEntries: (all: Iterable<[string, unknown]>) => fromEntries(counted([...all])),
  });
  try {
    work();
  } finally {
    Object.assign(Object, { entries, fromEntries });
  }
  return count;
}

/** Each way to write an extension's attributes. */
const WAYS: [string, (attributes: Json) => Json][] = [
  ['POST and PUT', (all) => read({ [URN]: all })],
  [
    'POST and PUT, below the URN of the core',
    (all) => readUser({ 'urn:ietf:params:scim:schemas:core:2.0:User': person({ [URN]: all }) }, users).draft,
  ],
  ['PATCH with the extension as path', (all) => patch(person(), { path: URN, value: all })],
  ['PATCH without path, the extension as key', (all) => patch(person(), { value: { [URN]: all } })],
  [
    'PATCH without path, each attribute as key',
    (all) => patch(person(), { value: fromEntries(entries(all).map(([key, one]) => [`${URN}:${key}`, one])) }),
  ],
];
const DOTTED: [string, (attributes: Json) => Json][] = [
  ['POST and PUT, a complex attribute', (all) => read({ [URN]: { whole: all } })],
  ['PATCH with a complex attribute as path', (all) => patch(person({ [URN]: { other: '1' } }), { path: `${URN}:whole`, value: all })],
  [
    'PATCH without path, dotted keys',
    (all) => patch(person(), { value: fromEntries(entries(all).map(([key, one]) => [`${URN}:whole.${key}`, one])) }),
  ],
];
const held = (draft: Json) => (draft[URN] as Json)['whole'] ?? draft[URN];

/** Where each attribute is a path of its own, more than 1,000 are refused before any is looked at (patch.ts). */
const mostOf = (way: string): number => (/as key$|dotted keys$/.test(way) && !/the extension as key$/.test(way) ? 900 : 10_000);

describe.each([...WAYS, ...DOTTED])('%s', (way, write) => {
  const most = mostOf(way);
  it(`takes ${LIMITS.extensionAttributes} attributes, and each is read a few times at most`, () => {
    const all = attributes(LIMITS.extensionAttributes);
    let draft: Json = {};
    const many = copied(() => {
      draft = write(all);
    });
    const few = copied(() => write(attributes(LIMITS.extensionAttributes / 10)));
    const kept = held(draft);
    expect(kept).toEqual(Array.isArray(kept) ? [all] : all);
    expect(many).toBeLessThan(few * 12);
  });

  it(`refuses ${most}, naming the extension, and reads none of them twice over`, () => {
    const all = attributes(most);
    const many = copied(() => {
      const work = () => write(all);
      expect(work).toThrow(ScimError);
      expect(work).toThrow(URN);
      expect(work).toThrow(`at most ${LIMITS.extensionAttributes} attributes`);
    });
    expect(many).toBeLessThan(3 * 6 * most);
  });

  it('refuses one too many as invalidValue', () => {
    const refused = expect(() => write(attributes(LIMITS.extensionAttributes + 1)));
    refused.toThrow(expect.objectContaining({ status: 400, scimType: 'invalidValue' }));
  });

  it('counts no attribute without a value', () => {
    const nothing = numbered(Math.min(2000, most), (i) => [`n${i}`, [null, '', [], {}, [null], { x: null }][i % 6]]);
    const kept = held(write({ ...nothing, a: 'v' }));
    expect(kept).toEqual({ a: 'v' });
  });
});

describe('an extension that is known in part', () => {
  it('has the same bound', () => {
    expect(() => read({ [CUSTOM]: { shift: 'day', ...attributes(LIMITS.extensionAttributes) } })).toThrow(CUSTOM);
    const draft = read({ [CUSTOM]: { shift: 'day', ...attributes(LIMITS.extensionAttributes - 1) } });
    expect(() => patch(draft, { path: `${CUSTOM}:more`, value: '1' })).toThrow(CUSTOM);
    expect(() => patch(draft, { value: { [CUSTOM]: { SHIFT: 'night', more: '1' } } })).toThrow(CUSTOM);
    expect(patch(draft, { value: { [CUSTOM]: { SHIFT: 'night', a0: '1' } } })[CUSTOM]).toEqual({
      ...(draft[CUSTOM] as Json),
      shift: 'night',
      a0: '1',
    });
  });
});

describe('what is held', () => {
  const full = person({ [URN]: attributes(LIMITS.extensionAttributes) });
  const larger = person({ [URN]: attributes(LIMITS.extensionAttributes + 100) });

  test.each<[string, Json, Json]>([
    ['by its name', full, { path: `${URN}:more`, value: '1' }],
    ['whole', full, { path: URN, value: { more: '1' } }],
    ['without a path', full, { value: { [`${URN.toUpperCase()}:more`]: '1' } }],
    ['a part', person({ [URN]: { whole: attributes(LIMITS.extensionAttributes) } }), { path: `${URN}:whole.more`, value: '1' }],
    ['where it was larger before', larger, { path: `${URN}:more`, value: '1' }],
  ])('is made no larger than the bound: %s', (_, draft, operation) => {
    expect(() => patch(draft, operation)).toThrow(/^operation 1: urn:acme:params:scim:2\.0:User(:whole)?: at most 500 attributes$/i);
  });

  it('may be changed and made smaller, also where it was larger before', () => {
    expect(patch(larger, { path: `${URN}:a1`, value: 'new' })[URN]).toEqual({ ...(larger[URN] as Json), a1: 'new' });
    expect(Object.keys(patch(larger, { op: 'remove', path: `${URN}:a1` })[URN] as Json)).toHaveLength(LIMITS.extensionAttributes + 99);
    expect(patch(larger, { op: 'remove', path: URN })).toEqual(person());
  });
});

describe('extensions', () => {
  const extensions = (many: number) => numbered(many, (i) => [`urn:acme:x${i}:User`, { a: '1' }]);

  it(`are ${LIMITS.extensions} at most, besides those that are described`, () => {
    const described = { [CUSTOM]: { shift: 'day' }, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Sales' } };
    const draft = read({ ...described, ...extensions(LIMITS.extensions) });
    expect(Object.keys(draft)).toHaveLength(2 + 2 + LIMITS.extensions);
    const refusal = `urn:acme:x${LIMITS.extensions}:User: at most ${LIMITS.extensions} extensions`;
    expect(() => read({ ...described, ...extensions(LIMITS.extensions + 1) })).toThrow(refusal);
    expect(() => patch(draft, { path: `urn:acme:x${LIMITS.extensions}:User:a`, value: '1' })).toThrow(refusal);
    expect(() => patch(draft, { path: `urn:acme:x${LIMITS.extensions}:User`, value: { a: '1' } })).toThrow(refusal);
    expect(() => patch(person(), { value: extensions(LIMITS.extensions + 1) })).toThrow(refusal);
    expect(patch(draft, { path: 'urn:acme:x0:User:a', value: '2' })['urn:acme:x0:User']).toEqual({ a: '2' });
  });

  it('beyond the bound that are held may be changed', () => {
    const draft = person(extensions(LIMITS.extensions + 5));
    expect(patch(draft, { path: 'urn:acme:x0:User:a', value: '2' })['urn:acme:x0:User']).toEqual({ a: '2' });
    expect(() => patch(draft, { path: 'urn:acme:new:User:a', value: '2' })).toThrow('urn:acme:new:User: at most');
  });

  it('are one whatever the case of their name', () => {
    expect(read({ 'urn:acme:x:User': { a: '1' }, 'URN:ACME:X:USER': { b: '2' } })).toEqual({
      userName: 'ada',
      active: true,
      'urn:acme:x:User': { a: '1', b: '2' },
    });
  });

  it('without attributes are not there, whatever schemas says', () => {
    const nothing = { schemas: [URN, CUSTOM], [URN]: { a: null, b: [null], c: { d: '' } }, [CUSTOM]: { shift: null }, 'urn:acme:x:User': {} };
    expect(read(nothing)).toEqual(person());
    expect(read({ 'urn:ietf:params:scim:schemas:core:2.0:User:schemas': [URN] })).toEqual(person());
  });
});

const name = fc.constantFrom('a', 'b', 'A', '__proto__', 'constructor');
const value = fc.oneof(fc.string({ maxLength: 5 }), fc.integer(), fc.boolean(), fc.constant(null), fc.dictionary(name, fc.string({ maxLength: 3 })));

test('PATCH of many attributes together is PATCH of one after the other', () => {
  const key = fc.tuple(name, fc.option(name)).map(([one, sub]) => `${URN}:${one}${sub === null ? '' : `.${sub}`}`);
  const usable = fc.dictionary(key, value, { maxKeys: 8 }).filter((all) => !Object.keys(all).some((one) => /__proto__/.test(one)));
  fc.assert(
    fc.property(usable, fc.dictionary(name, value), (all, before) => {
      const start = read({ [URN]: { ...before, held: '1' } });
      const attempt = (work: () => Json) => {
        try {
          return work();
        } catch (error) {
          if (error instanceof ScimError) return error.scimType;
          throw error;
        }
      };
      const together = attempt(() => patch(start, { value: all }));
      const after = attempt(() => entries(all).reduce((draft, [path, one]) => patch(draft, { path, value: one }), start));
      expect(together).toEqual(after);
    }),
  );
});
