import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import type { Person } from '../../../src/core/model.ts';
import { SEARCHABLE_LENGTH } from '../../../src/core/search.ts';
import { currentDraft, readUser } from '../../../src/protocols/scim/draft.ts';
import { ScimError } from '../../../src/protocols/scim/error.ts';
import { ENTERPRISE, USER, userResource } from '../../../src/protocols/scim/schema.ts';
import { identity, person, user } from '../../store/makers.ts';

const CUSTOM = 'urn:acme:2.0:User';
const users = userResource({ [`${CUSTOM}:shift`]: 'shift' });
const read = (body: object) => readUser({ userName: 'ada', ...body }, users).draft;
const ignored = (body: object) => readUser({ userName: 'ada', ...body }, users).ignored;
const refusal = expect.objectContaining({ status: 400, scimType: 'invalidValue' });

describe('a body is read as it is meant', () => {
  const work = { value: 'a@acme.example', type: 'work' };
  test.each<[string, object, object]>([
    ['text as it is sent', { title: ' Boss ' }, { title: ' Boss ' }],
    ['names in any case', { TITLE: 'Boss', NAME: { GIVENNAME: 'A' } }, { title: 'Boss', name: { givenName: 'A' } }],
    ['with the URN', { [`${USER.toUpperCase()}:Title`]: 'Boss' }, { title: 'Boss' }],
    [
      'below the URN',
      { [USER.toLowerCase()]: { Title: 'Boss', [ENTERPRISE]: { department: 'Ops' } } },
      { title: 'Boss', [ENTERPRISE]: { department: 'Ops' } },
    ],
    ['nothing in its many forms', { title: null, nickName: '', emails: [], name: {}, phoneNumbers: [null, {}, { value: '' }], [ENTERPRISE]: {} }, {}],
    ['booleans as text', { active: 'False', emails: { value: 'x', primary: ' TRUE ' } }, { active: false, emails: [{ value: 'x', primary: true }] }],
    ['one object for a list', { emails: work }, { emails: [work] }],
    ['bare values for elements', { emails: ['a@acme.example'] }, { emails: [{ value: 'a@acme.example' }] }],
    ['displayName for display', { roles: [{ value: 'r', displayName: 'R' }] }, { roles: [{ value: 'r', display: 'R' }] }],
    ['what the server says', { id: 'x', meta: { version: '1' }, groups: [{ value: 'g' }], 'meta.version': '1', 'groups.value': 'g' }, {}],
    ['a password leaves no trace', { password: 'secret' }, {}],
    ['an enterprise attribute by its URN', { [`${ENTERPRISE}:Department`]: 'Ops' }, { [ENTERPRISE]: { department: 'Ops' } }],
    ['a manager as text', { [ENTERPRISE]: { manager: 'u2' } }, { [ENTERPRISE]: { manager: { value: 'u2' } } }],
    ['a manager as a list of one', { [ENTERPRISE]: { manager: [{ value: 'u2' }] } }, { [ENTERPRISE]: { manager: { value: 'u2' } } }],
    ['OneLogin’s manager', { [ENTERPRISE]: { manager: { managerId: 'u2' } } }, { [ENTERPRISE]: { manager: { value: 'u2' } } }],
    ['a manager’s address alone', { [ENTERPRISE]: { manager: { $ref: '../Users/u2' } } }, { [ENTERPRISE]: { manager: { value: 'u2' } } }],
    ['a custom attribute', { [`${CUSTOM}:SHIFT`]: 'day', [CUSTOM]: { desk: 7 } }, { [CUSTOM]: { shift: 'day', desk: 7 } }],
    ['an unknown extension as it is', { 'urn:x:y:z': { A: [1, { b: true }], c: null } }, { 'urn:x:y:z': { A: [1, { b: true }] } }],
    [
      'words of JavaScript',
      JSON.parse('{"urn:x:y:z":{"__proto__":{"a":1},"constructor":"c"}}'),
      JSON.parse('{"urn:x:y:z":{"__proto__":{"a":1},"constructor":"c"}}'),
    ],
  ])('%s', (_, body, draft) => {
    expect(read(body)).toEqual({ userName: 'ada', ...draft });
  });

  it('and what no schema knows is named', () => {
    const body = { shoeSize: 7, [`${ENTERPRISE}:shoeSize`]: 7, [ENTERPRISE]: { shoeSize: 7 }, [`${USER}:shoeSize`]: 7, name: { shoeSize: 7 } };
    expect(ignored(body)).toEqual([
      'shoeSize: not an attribute of a User',
      `${ENTERPRISE}:shoeSize: not an attribute of a User`,
      `${ENTERPRISE}:shoeSize: not an attribute of that schema`,
      `${USER}:shoeSize: not an attribute of a User`,
    ]);
    expect(read(body)).toEqual({ userName: 'ada' });
  });

  it('however deep the core lies in itself', () => {
    let body: object = { title: 'Boss' };
    for (let i = 0; i < 20_000; i++) body = { [USER]: body };
    expect(read(body)).toEqual({ userName: 'ada' });
  });
});

describe('dotted keys', () => {
  test.each<[string, object, object]>([
    ['make one value', { 'name.givenName': 'A', 'NAME.FamilyName': 'L' }, { name: { givenName: 'A', familyName: 'L' } }],
    ['beside the value', { 'name.givenName': 'A', name: { familyName: 'L' } }, { name: { familyName: 'L', givenName: 'A' } }],
    ['beside nothing', { 'name.givenName': 'A', name: null }, { name: { givenName: 'A' } }],
    ['say nothing', { 'name.givenName': '', 'emails.value': null }, {}],
    [
      'of a list make one element',
      { 'emails.value': 'a@acme.example', 'emails.type': 'work' },
      { emails: [{ value: 'a@acme.example', type: 'work' }] },
    ],
    ['of a list, with the URN', { [`${USER}:emails.primary`]: 'True', 'Emails.Value': 'x' }, { emails: [{ primary: true, value: 'x' }] }],
    ['of a list that is empty', { emails: [], 'emails.value': 'x' }, { emails: [{ value: 'x' }] }],
    ['of a manager', { [`${ENTERPRISE}:manager.value`]: 'u2' }, { [ENTERPRISE]: { manager: { value: 'u2' } } }],
    ['of a manager, in the extension', { [ENTERPRISE]: { 'manager.value': 'u2' } }, { [ENTERPRISE]: { manager: { value: 'u2' } } }],
    [
      'of a manager are not the client’s where they are ours',
      { [`${ENTERPRISE}:manager.displayName`]: 'B', [ENTERPRISE]: { 'manager.$ref': '../Users/u9', 'manager.displayName': 'C', department: 'Ops' } },
      { [ENTERPRISE]: { department: 'Ops' } },
    ],
    ['of a manager alone leave no extension', { [`${ENTERPRISE}:manager.$ref`]: '../Users/u9' }, {}],
  ])('%s', (_, body, draft) => {
    expect(read(body)).toEqual({ userName: 'ada', ...draft });
    const backwards = Object.fromEntries(Object.entries(body).reverse());
    expect(read(backwards)).toEqual({ userName: 'ada', ...draft });
  });

  it('beside a list are refused: of which element they are is not said', () => {
    const list = { emails: [{ value: 'a@acme.example', type: 'work' }] };
    expect(() => read({ ...list, 'emails.value': 'x' })).toThrow(/^emails: given as a list, and emails\.value besides$/);
    expect(() => read({ 'emails.value': 'x', ...list })).toThrow(refusal);
  });

  it('hold to what a value is', () => {
    for (const body of [{ 'emails.value': ['x'] }, { 'emails.primary': 'perhaps' }, { 'name.givenName': {} }, { 'photos.value': 7 }])
      expect(() => read(body)).toThrow(refusal);
  });
});

describe('schemas that are listed', () => {
  it('are no attributes, under any of their names', () => {
    const listed = [USER, ENTERPRISE, CUSTOM, 'urn:x:y:z'];
    for (const body of [{ schemas: listed }, { SCHEMAS: listed }, { [`${USER}:schemas`]: listed }, { [USER]: { schemas: listed } }])
      expect(read(body)).toEqual({ userName: 'ada' });
  });

  it('are a list of URNs', () => {
    for (const schemas of ['x', [7], {}, [[]]]) expect(() => read({ schemas })).toThrow(refusal);
    expect(read({ schemas: null })).toEqual(read({ schemas: [null] }));
  });
});

describe('what cannot be is refused, by name', () => {
  const nested = (depth: number): unknown => (depth === 0 ? 'x' : [nested(depth - 1)]);
  test.each<[string, object, RegExp]>([
    ['no userName', { userName: null }, /^userName: required/],
    ['a blank userName', { userName: ' ' }, /^userName: required/],
    ['a long userName', { userName: 'x'.repeat(255) }, /^userName: at most 254/],
    ['a long text', { title: 'x'.repeat(SEARCHABLE_LENGTH + 1) }, /^title: at most/],
    ['a number for text', { title: 7 }, /^title: text/],
    ['text for an object', { name: 'Ada' }, /^name: an object/],
    ['text for a list', { emails: 'a@acme.example' }, /^emails: a list/],
    ['too many elements', { emails: Array(101).fill('x') }, /^emails: at most 100/],
    [
      'two that are primary',
      {
        emails: [
          { value: 'a', primary: true },
          { value: 'b', primary: 'true' },
        ],
      },
      /^emails: more than one/,
    ],
    ['U+0000', { title: 'a\u0000' }, /^title: characters/],
    ['half a character', { title: '\ud800' }, /^title: characters/],
    ['a boolean that is none', { active: 'yes' }, /^active: true or false/],
    ['an extension that is none', { [ENTERPRISE]: 'x' }, /: an object/],
    ['a long text of an extension', { 'urn:x:y:z': { a: 'x'.repeat(513) } }, /^urn:x:y:z:a: at most/],
    ['a long name in an extension', { 'urn:x:y:z': { ['x'.repeat(513)]: 1 } }, /^urn:x:y:z: at most 512/],
    ['U+0000 in a name', { 'urn:x:y:z': { 'a\u0000': 1 } }, /^urn:x:y:z: characters/],
    ['a deep value', { 'urn:x:y:z': { a: nested(7) } }, /nested deeper/],
    ['a long list in an extension', { 'urn:x:y:z': { a: Array(101).fill(1) } }, /^urn:x:y:z:a: at most 100/],
    ['a long URN', { [`urn:x:${'y'.repeat(513)}:z`]: { a: 1 } }, /^schemas: at most/],
  ])('%s', (_, body, message) => {
    expect(() => read(body)).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidValue', message: expect.stringMatching(message) }));
  });

  it('and a body that is no object', () => {
    for (const body of [null, [], 'x', 7]) expect(() => readUser(body, users)).toThrow(expect.objectContaining({ scimType: 'invalidSyntax' }));
  });
});

describe('whatever is sent', () => {
  const key = fc.constantFrom(
    ...['title', 'name', 'name.givenName', 'emails', 'emails.value', 'EMAILS.type', 'active', 'schemas', 'id', 'password', '__proto__', 'x'],
    ...[
      USER,
      `${USER}:title`,
      ENTERPRISE,
      `${ENTERPRISE}:manager`,
      `${ENTERPRISE}:manager.$ref`,
      CUSTOM,
      `${CUSTOM}:shift`,
      'urn:x:y:z',
      'URN:X:Y:Z',
    ],
  );
  const value = fc.oneof(fc.string(), fc.jsonValue({ maxDepth: 3 }), fc.dictionary(key, fc.oneof(fc.string(), fc.jsonValue({ maxDepth: 2 }))));
  const bodies = fc.dictionary(key, value, { maxKeys: 6 });
  const attempt = (body: object) => {
    try {
      return read(body);
    } catch (error) {
      if (error instanceof ScimError) return null;
      throw error;
    }
  };

  it('is read or refused, and what was read is read again as it is', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        const draft = attempt(body);
        if (draft !== null) expect(read(draft)).toEqual(draft);
      }),
      { numRuns: 500 },
    );
  });

  it('lists hold objects, and nothing is there without a value', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        const draft = attempt(body) ?? {};
        const empty = Object.values(draft).filter((one) => typeof one === 'object' && (one === null || Object.keys(one).length === 0));
        expect(empty).toEqual([]);
        expect(Array.isArray(draft['emails'] ?? [])).toBe(true);
        for (const ours of ['id', 'schemas', 'password', 'groups', 'meta']) expect(draft).not.toHaveProperty(ours);
      }),
      { numRuns: 500 },
    );
  });
});

describe('what a directory would read of a person', () => {
  const user = {
    userName: 'ada',
    status: 'active',
    externalId: null,
    displayName: '',
    title: '',
    locale: '',
    timezone: '',
    email: 'a@acme.example',
    givenName: 'Ada',
    familyName: '',
  };
  const person = (more: object, identities: object[] = []) => ({ user: { ...user, ...more }, identities }) as unknown as Person;

  it('is what is known, before the directory said anything', () => {
    const emails = [{ value: 'a@acme.example', type: 'work', primary: true }];
    expect(currentDraft(person({}))).toEqual({ userName: 'ada', name: { givenName: 'Ada' }, emails, active: true });
    expect(currentDraft(person({ givenName: '', email: '', externalId: 'x' }))).toEqual({ userName: 'ada', externalId: 'x', active: true });
  });
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
