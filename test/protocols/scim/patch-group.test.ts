import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ScimError } from '../../../src/protocols/scim/error.ts';
import { readPatch } from '../../../src/protocols/scim/patch.ts';
import { patchGroup } from '../../../src/protocols/scim/patch-group.ts';
import { GROUP, GROUP_RESOURCE } from '../../../src/protocols/scim/schema.ts';

const patch = (...operations: unknown[]) => patchGroup(readPatch({ Operations: operations }), GROUP_RESOURCE);
const nobody = { reset: false, add: [], remove: [], nested: [] };

describe('members are added, removed and replaced', () => {
  const u1 = { $ref: null, value: 'u1' };
  const u2 = { $ref: null, value: 'u2' };
  test.each<[string, object[], object]>([
    ['Entra adds', [{ op: 'Add', path: 'members', value: [u1, u2] }], { add: ['u1', 'u2'] }],
    ['twice the same is once', [{ op: 'add', path: 'members', value: [u1, u1] }], { add: ['u1'] }],
    ['Entra removes by a list: only those', [{ op: 'Remove', path: 'members', value: [u1] }], { remove: ['u1'] }],
    ['an empty list removes nobody', [{ op: 'Remove', path: 'members', value: [] }], {}],
    ['no list removes all', [{ op: 'Remove', path: 'members' }], { reset: true }],
    ['one by filter', [{ op: 'remove', path: 'members[value eq "u1"]' }], { remove: ['u1'] }],
    ['its value', [{ op: 'remove', path: 'members[value eq "u1"].value' }], { remove: ['u1'] }],
    ['several by filter', [{ op: 'remove', path: 'Members[Value EQ "u1" or (value eq "u2" and type eq "User")]' }], { remove: ['u1', 'u2'] }],
    ['a group by filter is nobody', [{ op: 'remove', path: 'members[value eq "u1" and type eq "Group"]' }], {}],
    ['Okta adds one', [{ op: 'add', path: 'members', value: [{ value: 'u1', display: 'u1@acme.example' }] }], { add: ['u1'] }],
    [
      'an object, or bare ids',
      [
        { op: 'add', path: 'members', value: u1 },
        { op: 'add', path: 'members', value: ['u2'] },
      ],
      { add: ['u1', 'u2'] },
    ],
    ['by its address', [{ op: 'add', path: 'members', value: [{ $ref: 'https://x/Users/u1' }] }], { add: ['u1'] }],
    ['through members.value', [{ op: 'add', path: 'members.value', value: ['u1'] }], { add: ['u1'] }],
    ['by a filter that names it', [{ op: 'add', path: 'members[value eq "u1"]', value: { display: 'x' } }], { add: ['u1'] }],
    [
      'Okta removes and adds in one',
      [
        { op: 'remove', path: 'members[value eq "u1"]' },
        { op: 'add', path: 'members', value: [u2] },
      ],
      { add: ['u2'], remove: ['u1'] },
    ],
    [
      'the later one counts',
      [
        { op: 'add', path: 'members', value: [u1] },
        { op: 'remove', path: 'members', value: [u1] },
        { op: 'remove', path: 'members', value: [u2] },
        { op: 'add', path: 'members', value: [u2] },
      ],
      { add: ['u2'], remove: ['u1'] },
    ],
    ['replaced', [{ op: 'replace', path: 'members', value: [u1] }], { reset: true, add: ['u1'] }],
    ['replaced by none', [{ op: 'replace', path: 'members', value: [] }], { reset: true }],
    ['replaced without a path', [{ op: 'replace', value: { members: [u1] } }], { reset: true, add: ['u1'] }],
    ['added without a path', [{ op: 'add', value: { [`${GROUP}:members`]: [u1] } }], { add: ['u1'] }],
    [
      'replaced, then changed',
      [
        { op: 'add', path: 'members', value: ['u9'] },
        { op: 'replace', path: 'members', value: [u1, u2] },
        { op: 'remove', path: 'members', value: [u1] },
        { op: 'add', path: 'members', value: ['u3'] },
      ],
      { reset: true, add: ['u2', 'u3'] },
    ],
    [
      'groups in groups are left out',
      [{ op: 'add', path: 'members', value: [u1, { value: 'g2', type: 'Group' }, { $ref: '/Groups/g3' }] }],
      { add: ['u1'], nested: ['g2', 'g3'] },
    ],
    [
      'ids that are words of JavaScript',
      [{ op: 'add', path: 'members', value: ['__proto__', 'constructor'] }],
      { add: ['__proto__', 'constructor'] },
    ],
  ])('%s', (_, operations, members) => {
    expect(patch(...operations)).toEqual({ members: { ...nobody, ...members }, ignored: [] });
  });
});

test('the group is renamed, and its id in the value is left out', () => {
  expect(patch({ op: 'Replace', path: 'displayName', value: 'Sales EMEA' })).toEqual({ displayName: 'Sales EMEA', members: nobody, ignored: [] });
  const { displayName, externalId, ignored } = patch({ op: 'replace', value: { ID: 'g1', schemas: [GROUP], displayname: 'New', externalId: 'x' } });
  expect({ displayName, externalId }).toEqual({ displayName: 'New', externalId: 'x' });
  expect(ignored).toEqual(['ID: set by the server', 'schemas: set by the server']);
  for (const operation of [
    { op: 'remove', path: 'externalId' },
    { op: 'replace', path: 'externalId', value: '' },
    { op: 'add', value: { externalId: null } },
  ])
    expect(patch(operation)).toEqual({ externalId: null, members: nobody, ignored: [] });
});

describe('what cannot be is refused with the operation’s number', () => {
  test.each<[string, object, string]>([
    ['no name', { op: 'replace', path: 'displayName', value: '' }, 'invalidValue'],
    ['the name removed', { op: 'remove', path: 'displayName' }, 'mutability'],
    ['a name that is no text', { op: 'replace', path: 'displayName', value: ['x'] }, 'invalidValue'],
    ['the id', { op: 'replace', path: 'id', value: 'x' }, 'mutability'],
    ['the schemas', { op: 'add', path: 'schemas', value: ['x'] }, 'mutability'],
    ['another member in its place', { op: 'replace', path: 'members[value eq "u1"].value', value: 'u2' }, 'mutability'],
    ['a member’s name', { op: 'replace', path: 'members[value eq "u1"].display', value: 'x' }, 'mutability'],
    ['all members’ names', { op: 'replace', path: 'members.display', value: 'x' }, 'mutability'],
    ['members by name', { op: 'remove', path: 'members[display eq "x"]' }, 'invalidPath'],
    ['all but one', { op: 'remove', path: 'members[value ne "u1"]' }, 'invalidPath'],
    ['an unknown attribute', { op: 'add', path: 'owner', value: 'x' }, 'invalidPath'],
    ['an unknown key', { op: 'add', value: { owner: 'x' } }, 'invalidPath'],
    ['an unknown schema', { op: 'add', path: 'urn:x:2.0:Group:owner', value: 'x' }, 'invalidPath'],
    ['__proto__', { op: 'add', value: JSON.parse('{"__proto__":{"members":[]}}') }, 'invalidPath'],
    ['a filter on the name', { op: 'replace', path: 'displayName[value eq "x"]', value: 'x' }, 'invalidPath'],
    ['a member without id', { op: 'add', path: 'members', value: [{ display: 'x' }] }, 'invalidValue'],
    ['a member that is a number', { op: 'add', path: 'members', value: [7] }, 'invalidValue'],
    ['a member with U+0000', { op: 'add', path: 'members', value: ['\u0000'] }, 'invalidValue'],
    ['more than 100,000 members', { op: 'add', path: 'members', value: Array.from({ length: 100_001 }, (_, i) => String(i)) }, 'invalidValue'],
  ])('%s', (_, operation, scimType) => {
    const good = { op: 'add', path: 'members', value: ['u1'] };
    expect(() => patch(good, operation)).toThrow(
      expect.objectContaining({ status: 400, scimType, message: expect.stringMatching(/^operation 2: /) }),
    );
  });
});

test('whatever is asked, it is done or refused', () => {
  const path = fc.constantFrom(
    'members',
    'members.value',
    'members[value eq "u1"]',
    'members[type pr]',
    'displayName',
    'externalId',
    'id',
    '__proto__',
    'members[',
  );
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.dictionary(path, fc.jsonValue({ maxDepth: 2 })),
    fc.array(fc.record({ value: fc.string() })),
  );
  const operation = fc.record({ op: fc.constantFrom('add', 'replace', 'remove'), path, value }, { requiredKeys: ['op'] });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 5 }), (operations) => {
      try {
        const { members } = patch(...operations);
        expect(members.add.filter((id) => members.remove.includes(id))).toEqual([]);
      } catch (error) {
        if (!(error instanceof ScimError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
