import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ScimError } from '../../../src/protocols/scim/error.ts';
import { readPatch } from '../../../src/protocols/scim/patch.ts';
import { patchUser } from '../../../src/protocols/scim/patch-user.ts';
import { ENTERPRISE, USER, userResource } from '../../../src/protocols/scim/schema.ts';

const CUSTOM = 'urn:acme:2.0:User';
const users = userResource({ [`${CUSTOM}:shift`]: 'shift' });

const work = { value: 't@acme.example', type: 'work', primary: true };
const home = { value: 'h@acme.example', type: 'home' };
const person = () => ({
  userName: 'Test',
  active: true,
  title: 'Eng',
  name: { givenName: 'T', familyName: 'U' },
  emails: [work, home],
  [ENTERPRISE]: { department: 'Sales', manager: { value: 'm1' } },
});

const patch = (operations: unknown, draft: Record<string, unknown> = person()) => patchUser(draft, readPatch({ Operations: operations }), users);
const one = (op: string, path: string | undefined, value?: unknown) => [
  { op, ...(path !== undefined && { path }), ...(value !== undefined && { value }) },
];

/** What must differ from the person above; undefined = gone. */
const becomes = (change: Record<string, unknown>) =>
  Object.fromEntries(Object.entries({ ...person(), ...change }).filter(([, value]) => value !== undefined));

describe('add, replace and remove', () => {
  test.each<[string, string, string | undefined, unknown, Record<string, unknown>]>([
    // simple attributes
    ['a title is set', 'replace', 'title', 'Boss', { title: 'Boss' }],
    ['names in any case', 'Add', 'TITLE', 'Boss', { title: 'Boss' }],
    ['with the core URN', 'add', `${USER}:title`, 'Boss', { title: 'Boss' }],
    ['empty text clears', 'Replace', 'title', '', { title: undefined }],
    ['null clears', 'replace', 'title', null, { title: undefined }],
    ['removed', 'Remove', 'title', undefined, { title: undefined }],
    ['clearing what is not there', 'replace', 'nickName', '', {}],
    ['removing what is not there', 'remove', 'nickName', undefined, {}],
    ['booleans come as text', 'Replace', 'active', 'False', { active: false }],
    ['a password leaves no trace', 'replace', 'password', 'secret', {}],
    // complex attributes
    ['a part of the name', 'replace', 'name.givenName', 'G', { name: { givenName: 'G', familyName: 'U' } }],
    ['parts that are not named stay', 'replace', 'name', { middleName: 'M' }, { name: { givenName: 'T', familyName: 'U', middleName: 'M' } }],
    ['parts named with nothing go', 'add', 'name', { GIVENNAME: null, familyName: 'V' }, { name: { familyName: 'V' } }],
    ['a part is taken away', 'remove', 'name.givenName', undefined, { name: { familyName: 'U' } }],
    ['the name is taken away', 'remove', 'name', undefined, { name: undefined }],
    ['the name is cleared', 'replace', 'name', '', { name: undefined }],
    // lists
    ['appended', 'add', 'emails', [{ value: 'x@acme.example', type: 'other' }], { emails: [work, home, { value: 'x@acme.example', type: 'other' }] }],
    ['an object is a list of one', 'add', 'emails', { value: 'x@acme.example' }, { emails: [work, home, { value: 'x@acme.example' }] }],
    ['no duplicates', 'add', 'emails', [home, work], {}],
    ['what is there takes the rest', 'add', 'emails', [{ ...home, display: 'H' }], { emails: [work, { ...home, display: 'H' }] }],
    ['nothing added', 'add', 'emails', [], {}],
    [
      'a new primary is the only one',
      'add',
      'emails',
      [{ value: 'x@acme.example', type: 'other', primary: true }],
      { emails: [{ ...work, primary: false }, home, { value: 'x@acme.example', type: 'other', primary: true }] },
    ],
    [
      'one that becomes primary too',
      'replace',
      'emails[type eq "home"].primary',
      'True',
      {
        emails: [
          { ...work, primary: false },
          { ...home, primary: true },
        ],
      },
    ],
    ['replaced whole', 'replace', 'emails', [home], { emails: [home] }],
    ['replaced with nothing', 'replace', 'emails', [], { emails: undefined }],
    ['removed whole', 'remove', 'emails', undefined, { emails: undefined }],
    ['removed by a list of values', 'Remove', 'emails', [{ value: 't@acme.example' }], { emails: [home] }],
    ['whatever else is said of them', 'Remove', 'emails', [{ ...work, display: 'T' }, {}, null], { emails: [home] }],
    ['removed by an empty list', 'Remove', 'emails', [], {}],
    [
      'a part of every element',
      'replace',
      'emails.display',
      'D',
      {
        emails: [
          { ...work, display: 'D' },
          { ...home, display: 'D' },
        ],
      },
    ],
    ['a part of an element to come', 'add', 'roles.value', 'Admin', { roles: [{ value: 'Admin' }] }],
    // value filters
    [
      'only the element that matches',
      'Replace',
      'emails[type eq "work"].value',
      'n@acme.example',
      { emails: [{ ...work, value: 'n@acme.example' }, home] },
    ],
    ['whatever the case', 'Replace', 'EMAILS[Type EQ "WORK"].Value', 'n@acme.example', { emails: [{ ...work, value: 'n@acme.example' }, home] }],
    [
      'an element keeps type and primary',
      'replace',
      'emails[type eq "work"]',
      { value: 'n@acme.example' },
      { emails: [{ ...work, value: 'n@acme.example' }, home] },
    ],
    ['merged into an element', 'add', 'emails[type eq "home"]', { display: 'H' }, { emails: [work, { ...home, display: 'H' }] }],
    ['an element is removed', 'remove', 'emails[type eq "work"]', undefined, { emails: [home] }],
    ['an element without value is gone', 'remove', 'emails[type eq "work"].value', undefined, { emails: [home] }],
    ['or cleared', 'Replace', 'emails[type eq "work"].value', '', { emails: [home] }],
    ['clearing an element that is not there', 'Replace', 'phoneNumbers[type eq "fax"].value', '', {}],
    ['removing an element that is not there', 'remove', 'phoneNumbers[type eq "fax"]', undefined, {}],
    ['any filter chooses', 'remove', 'emails[not (primary eq true) and value co "H@"]', undefined, { emails: [work] }],
    ['the last one gone leaves no list', 'remove', 'emails[value pr]', undefined, { emails: undefined }],
    ['a missing element is made', 'Add', 'phoneNumbers[type eq "mobile"].value', '+1', { phoneNumbers: [{ type: 'mobile', value: '+1' }] }],
    ['by replace as well', 'Replace', 'addresses[type eq "other"].Formatted', 'O', { addresses: [{ type: 'other', formatted: 'O' }] }],
    ['booleans as booleans', 'Replace', 'roles[primary eq "True"].value', 'Auditor', { roles: [{ primary: true, value: 'Auditor' }] }],
    [
      'from several conditions',
      'add',
      'ims[type eq "xmpp" and primary eq true]',
      { value: 'x' },
      { ims: [{ type: 'xmpp', primary: true, value: 'x' }] },
    ],
    // the enterprise extension
    ['a department', 'Replace', `${ENTERPRISE}:department`, 'Ops', { [ENTERPRISE]: { department: 'Ops', manager: { value: 'm1' } } }],
    ['its whole', 'replace', ENTERPRISE, { costCenter: '1' }, { [ENTERPRISE]: { department: 'Sales', manager: { value: 'm1' }, costCenter: '1' } }],
    ['its whole removed', 'remove', ENTERPRISE.toUpperCase().replace('URN', 'urn'), undefined, { [ENTERPRISE]: undefined }],
    ['a manager as text', 'Add', `${ENTERPRISE}:manager`, 'm2', { [ENTERPRISE]: { department: 'Sales', manager: { value: 'm2' } } }],
    ['a manager as an object', 'Add', `${ENTERPRISE}:manager`, { value: 'm2' }, { [ENTERPRISE]: { department: 'Sales', manager: { value: 'm2' } } }],
    [
      'a manager as a list of one',
      'Add',
      `${ENTERPRISE}:manager`,
      [{ value: 'm2' }],
      { [ENTERPRISE]: { department: 'Sales', manager: { value: 'm2' } } },
    ],
    ['the manager’s id', 'Replace', `${ENTERPRISE}:manager.value`, 'm2', { [ENTERPRISE]: { department: 'Sales', manager: { value: 'm2' } } }],
    ['no manager', 'Replace', `${ENTERPRISE}:manager`, '', { [ENTERPRISE]: { department: 'Sales' } }],
    ['no manager by null', 'Replace', `${ENTERPRISE}:manager`, null, { [ENTERPRISE]: { department: 'Sales' } }],
    ['no manager any more', 'remove', `${ENTERPRISE}:manager`, undefined, { [ENTERPRISE]: { department: 'Sales' } }],
    // schemas of others
    ['a custom attribute', 'add', `${CUSTOM}:shift`, 'N', { [CUSTOM]: { shift: 'N' } }],
    ['another of that schema', 'add', `${CUSTOM}:badge`, '7', { [CUSTOM]: { badge: '7' } }],
    ['an unknown schema', 'add', 'urn:x:ext:2.0:User:tag', 't', { 'urn:x:ext:2.0:User': { tag: 't' } }],
    ['an unknown schema as a whole', 'add', 'urn:x:ext:2.0:User', { tag: 't' }, { 'urn:x:ext:2.0:User': { tag: 't' } }],
    ['cleared where nothing is', 'replace', 'urn:x:ext:2.0:User:tag', '', {}],
    // without a path
    ['Okta disables', 'replace', undefined, { active: false }, { active: false }],
    [
      'keys are paths',
      'replace',
      undefined,
      { displayName: 'B', 'name.givenName': 'K' },
      { displayName: 'B', name: { givenName: 'K', familyName: 'U' } },
    ],
    ['keys are URNs', 'replace', undefined, { [`${ENTERPRISE}:department`]: 'A' }, { [ENTERPRISE]: { department: 'A', manager: { value: 'm1' } } }],
    [
      'keys have filters',
      'add',
      undefined,
      { 'emails[type eq "work"].value': 'n@acme.example' },
      { emails: [{ ...work, value: 'n@acme.example' }, home] },
    ],
    [
      'a URN alone merges',
      'add',
      undefined,
      { [ENTERPRISE]: { division: 'D' } },
      { [ENTERPRISE]: { department: 'Sales', manager: { value: 'm1' }, division: 'D' } },
    ],
    ['an unknown URN is held', 'add', undefined, { 'urn:x:2.0:User': { a: 'b', c: null } }, { 'urn:x:2.0:User': { a: 'b' } }],
    ['complex merges', 'replace', undefined, { name: { familyName: 'V' } }, { name: { givenName: 'T', familyName: 'V' } }],
    ['lists are appended', 'add', undefined, { roles: [{ value: 'R' }] }, { roles: [{ value: 'R' }] }],
    ['lists are replaced', 'replace', undefined, { emails: [home] }, { emails: [home] }],
  ])('%s', (_, op, path, value, change) => {
    const before = person();
    expect(patch(one(op, path, value), before)).toEqual({ draft: becomes(change), ignored: [] });
    expect(before).toEqual(person());
  });

  test('operations follow one another, and several on a missing element build one', () => {
    const { draft } = patch([
      ...one('Add', 'addresses[type eq "work"].streetAddress', '1 Way'),
      ...one('Add', 'addresses[type eq "work"].locality', 'Vienna'),
      ...one('Replace', 'addresses[type eq "work"].primary', 'True'),
      ...one('replace', 'title', 'A'),
      ...one('remove', 'title'),
    ]);
    expect(draft).toEqual(becomes({ title: undefined, addresses: [{ type: 'work', streetAddress: '1 Way', locality: 'Vienna', primary: true }] }));
  });

  test('what is equal stays the same object', () => {
    const before = person();
    expect(
      patch(
        [...one('add', 'emails', [work]), ...one('replace', 'title', 'Eng'), ...one('replace', 'emails[type eq "work"].value', work.value)],
        before,
      ).draft,
    ).toBe(before);
  });

  test('the manager’s address follows from the id, and is not taken from the client', () => {
    const ignored = ['manager.$ref: follows from the value'];
    expect(patch(one('Replace', `${ENTERPRISE}:manager.$ref`, '../Users/u9'))).toEqual({ draft: person(), ignored });
    expect(patch(one('add', undefined, { [`${ENTERPRISE}:manager.$ref`]: '../Users/u9' }))).toEqual({ draft: person(), ignored });
  });

  test('an emptied extension is gone, and a schema once written keeps its spelling', () => {
    const { draft } = patch([...one('add', 'urn:X:y:2.0:User:a', 'b'), ...one('add', 'URN:x:Y:2.0:user:c', 'd')]);
    expect(draft['urn:X:y:2.0:User']).toEqual({ a: 'b', c: 'd' });
    expect(patch([...one('remove', 'urn:x:y:2.0:User:a'), ...one('replace', 'urn:x:y:2.0:User', '')], draft).draft).toEqual(person());
    expect(patch(one('remove', 'urn:x:y:2.0:USER'), draft).draft).toEqual(person());
  });
});

test('a thousand operations on a full list are done in time, and a list has an end', () => {
  const emails = Array.from({ length: 100 }, (_, at) => ({ value: `u${at}@acme.example`, type: `t${at}` }));
  const operations = Array.from({ length: 1000 }, (_, at) => ({
    op: 'replace',
    path: `emails[type eq "t${at % 100}" and value co "@"].display`,
    value: `t${at % 100}`,
  }));
  const started = performance.now();
  expect(patch(operations, { userName: 'x', emails }).draft['emails']).toEqual(emails.map((one) => ({ ...one, display: one.type })));
  expect(performance.now() - started).toBeLessThan(2000);
  expect(() => patch(one('add', 'emails', [{ value: 'more' }]), { userName: 'x', emails })).toThrow(
    expect.objectContaining({ scimType: 'invalidValue' }),
  );
});

describe('what is the server’s', () => {
  test('is left out of a value and named', () => {
    const value = { ID: 'u1', schemas: [USER], meta: { version: '1' }, groups: [], 'meta.created': 'x', title: 'Boss', password: 'x' };
    const { draft, ignored } = patch(one('replace', undefined, value));
    expect(draft).toEqual(becomes({ title: 'Boss' }));
    expect(ignored.map((line) => line.split(':')[0])).toEqual(['id', 'schemas', 'meta', 'groups', 'meta.created']);
  });

  test('is refused in a path', () => {
    for (const path of ['id', 'meta', 'meta.created', 'groups', 'groups[value eq "g1"]', 'schemas', `${ENTERPRISE}:manager.displayName`])
      expect(() => patch(one('replace', path, 'x'))).toThrow(expect.objectContaining({ status: 400, scimType: 'mutability' }));
  });

  test('nobody is enabled or disabled by saying nothing', () => {
    for (const operation of [one('remove', 'active'), one('replace', 'active', ''), one('replace', 'active', null)]) {
      const { draft, ignored } = patch(operation, { ...person(), active: false });
      expect(draft['active']).toBe(false);
      expect(ignored[0]).toContain('active');
    }
  });
});

describe('a request that cannot be done does nothing', () => {
  test.each<[string, unknown, string, string]>([
    ['remove without a path', one('remove', undefined), 'noTarget', 'operation 1'],
    ['an unknown operation', one('upsert', 'title', 'x'), 'invalidSyntax', 'operation 1'],
    ['no operations', [], 'invalidSyntax', 'Operations'],
    ['operations that are none', 'x', 'invalidSyntax', 'Operations'],
    ['no object', [null], 'invalidSyntax', 'operation 1'],
    ['add without value', one('add', 'title'), 'invalidValue', 'operation 1'],
    ['no path and no object', one('add', undefined, 'x'), 'invalidValue', 'operation 1'],
    ['an unknown attribute', one('add', 'foo', 'x'), 'invalidPath', 'foo'],
    ['an unknown sub-attribute', one('add', 'name.foo', 'x'), 'invalidPath', 'name.foo'],
    ['an unknown part of an element', one('add', 'emails[type eq "work"].foo', 'x'), 'invalidPath', 'foo'],
    ['an unknown core attribute by URN', one('add', `${USER}:foo`, 'x'), 'invalidPath', 'foo'],
    ['an unknown enterprise attribute', one('add', `${ENTERPRISE}:foo`, 'x'), 'invalidPath', 'foo'],
    ['an unknown key', one('add', undefined, { foo: 'x' }), 'invalidPath', 'foo'],
    ['an unknown key in an extension', one('add', undefined, { [ENTERPRISE]: { foo: 'x' } }), 'invalidPath', 'foo'],
    ['an unknown attribute in a filter', one('add', 'emails[foo eq "x"].value', 'x'), 'invalidFilter', 'foo'],
    ['a filter on no list', one('add', 'name[givenName eq "x"]', { givenName: 'y' }), 'invalidPath', 'name'],
    ['a path that is none', one('add', 'emails[type eq work].value', 'x'), 'invalidPath', 'position'],
    ['an empty path', one('add', '', 'x'), 'invalidPath', 'position'],
    ['a path too long', one('add', 'x'.repeat(3000), 'x'), 'invalidPath', 'operation 1'],
    ['a path that is no text', [{ op: 'add', path: 7, value: 'x' }], 'invalidSyntax', 'path'],
    ['no match and no saying what', one('replace', 'phoneNumbers[type ne "work"].value', 'x'), 'noTarget', 'phoneNumbers'],
    ['no match of a value', one('replace', 'phoneNumbers[value eq "1"].type', 'work'), 'noTarget', 'phoneNumbers'],
    ['no match by or', one('add', 'phoneNumbers[type eq "a" or type eq "b"].value', 'x'), 'noTarget', 'phoneNumbers'],
    ['a match that cannot be', one('add', 'phoneNumbers[type eq "a" and type eq "b"].value', 'x'), 'noTarget', 'phoneNumbers'],
    ['userName removed', one('remove', 'userName'), 'mutability', 'userName'],
    ['userName emptied', one('replace', 'userName', ''), 'invalidValue', 'userName'],
    ['userName of nothing but space', one('replace', 'userName', '  '), 'invalidValue', 'userName'],
    ['no list', one('replace', 'emails', 'text'), 'invalidValue', 'emails'],
    ['two primaries', one('replace', 'emails', [work, { ...home, primary: true }]), 'invalidValue', 'primary'],
    ['no boolean', one('replace', 'active', 'maybe'), 'invalidValue', 'active'],
    ['no text', one('replace', 'title', { a: 1 }), 'invalidValue', 'title'],
    ['U+0000 in a schema of others', one('add', 'urn:x:2.0:User:a', { b: ['\u0000'] }), 'invalidValue', 'operation 1'],
    [
      'no end in a schema of others',
      one('add', 'urn:x:2.0:User:a', JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)),
      'invalidValue',
      'deeper',
    ],
    ['__proto__', one('add', '__proto__', { polluted: 1 }), 'invalidPath', '__proto__'],
    ['constructor', one('add', 'constructor.prototype', 'x'), 'invalidPath', 'constructor'],
  ])('%s', (_, operations, scimType, named) => {
    const before = person();
    const all = Array.isArray(operations) && operations.length > 0 ? [...operations] : operations;
    expect(() => patch(all, before)).toThrow(expect.objectContaining({ status: 400, scimType, message: expect.stringContaining(named) }));
    expect(before).toEqual(person());
  });

  test('the operation is named by its number', () => {
    expect(() => patch([...one('add', 'title', 'x'), ...one('add', 'foo', 'x')])).toThrow(/^operation 2: /);
  });

  test('at most 1,000 operations, in keys of any case', () => {
    const many = (count: number) => ({ schemas: [], operations: Array.from({ length: count }, () => ({ OP: 'ADD', Path: 'title', VALUE: 'x' })) });
    expect(patchUser(person(), readPatch(many(1000)), users).draft['title']).toBe('x');
    expect(() => readPatch(many(1001))).toThrow(expect.objectContaining({ status: 400, scimType: 'tooMany' }));
    // A key of a value without a path is a path like any other.
    const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`urn:x:2.0:U:a${i}`, 'x']));
    expect(() =>
      readPatch({
        Operations: [
          { op: 'add', value: keys(600) },
          { op: 'add', value: keys(401) },
        ],
      }),
    ).toThrow(expect.objectContaining({ status: 400, scimType: 'tooMany' }));
    for (const body of [null, [], 'x', { Operations: {} }, { schemas: 'x', Operations: one('add', 'title', 'x') }])
      expect(() => readPatch(body)).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidSyntax' }));
  });
});

const key = fc.constantFrom(
  ...[
    'userName',
    'name',
    'name.givenName',
    'emails',
    'emails.value',
    'emails[type eq "work"].value',
    'emails[type eq "x"]',
    'roles[primary eq "True"].display',
  ],
  ...[
    'active',
    'id',
    'groups',
    'schemas',
    '__proto__',
    'constructor',
    'toString',
    'password',
    ENTERPRISE,
    `${ENTERPRISE}:manager`,
    CUSTOM,
    `${CUSTOM}:__proto__`,
  ],
  ...['urn:a:b', 'urn:a:b:c.d', 'urn:a:b:__proto__.x', 'emails[', 'emails[not (type pr)].value', 'photos[value eq "x"].type', 'x509Certificates'],
);
const value: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    '',
    'True',
    null,
    [],
    {},
    [{}],
    [null],
    [[]],
    { value: 'x' },
    [{ value: 'x', type: 'work', primary: 'true' }],
    JSON.parse('{"__proto__":{"polluted":1}}'),
  ),
  fc.dictionary(key, fc.oneof(fc.string(), fc.jsonValue({ maxDepth: 2 }))),
);
const operation = fc.record({ op: fc.constantFrom('add', 'Replace', 'remove'), path: fc.oneof(key, fc.string()), value }, { requiredKeys: ['op'] });

test('whatever is asked, it is done or refused, and no prototype changes', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 5 }), (operations) => {
      const before = person();
      try {
        const { draft } = patch(operations, before);
        expect(typeof draft['userName']).toBe('string');
        expect(Object.getPrototypeOf(draft)).toBe(Object.prototype);
        expect(patch(one('replace', 'title', draft['title'] ?? ''), draft).draft).toEqual(draft);
      } catch (error) {
        if (!(error instanceof ScimError)) throw error;
      }
      expect(before).toEqual(person());
      expect('polluted' in {}).toBe(false);
    }),
    { numRuns: 2000 },
  );
});
