import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import type { Group } from '../../../src/core/model.ts';
import { SEARCHABLE_LENGTH } from '../../../src/core/search.ts';
import { readGroup, toGroup } from '../../../src/protocols/scim/group.ts';
import { readPatch } from '../../../src/protocols/scim/patch.ts';
import { patchGroup } from '../../../src/protocols/scim/patch-group.ts';
import { GROUP, GROUP_RESOURCE } from '../../../src/protocols/scim/schema.ts';

const read = (body: unknown) => readGroup(body, GROUP_RESOURCE);
const U1 = { users: ['u1'], nested: [] };
const sales = { displayName: 'Sales', externalId: null, members: null, ignored: [] };

describe('attributes are read under each of their names', () => {
  test.each<[string, object, object]>([
    ['as they are', { displayName: 'Sales', externalId: 'x', members: [{ value: 'u1' }] }, { externalId: 'x', members: U1 }],
    ['in any case', { DISPLAYNAME: 'Sales', ExternalID: 'x', Members: [{ VALUE: 'u1' }] }, { externalId: 'x', members: U1 }],
    [
      'with the URN',
      { [`${GROUP}:displayName`]: 'Sales', [`${GROUP}:externalId`]: 'x', [`${GROUP}:members`]: [{ value: 'u1' }] },
      { externalId: 'x', members: U1 },
    ],
    [
      'with the URN in any case',
      { [`${GROUP.toUpperCase()}:DISPLAYNAME`]: 'Sales', [`${GROUP.toLowerCase()}:MEMBERS`]: [{ value: 'u1' }] },
      { members: U1 },
    ],
    ['below the URN', { displayName: 'Sales', [GROUP.toUpperCase()]: { Members: ['u1'], externalid: 'x' } }, { externalId: 'x', members: U1 }],
    ['by the members’ value', { displayName: 'Sales', 'members.value': ['u1'] }, { members: U1 }],
    ['once with nothing', { displayName: 'Sales', members: null, [`${GROUP}:members`]: ['u1'] }, { members: U1 }],
    ['once with nothing, later', { displayName: 'Sales', [`${GROUP}:members`]: ['u1'], members: null }, { members: U1 }],
    ['twice the same', { displayName: 'Sales', members: ['u1'], [GROUP]: { displayName: 'Sales', members: ['u1'] } }, { members: U1 }],
    ['with what the server says', { displayName: 'Sales', id: 'g', meta: { version: 'x' }, schemas: [GROUP], [GROUP]: { id: 'h', schemas: [] } }, {}],
    ['an externalId that is a number', { displayName: 'Sales', externalId: 7 }, { externalId: '7' }],
    ['an empty externalId', { displayName: 'Sales', externalId: '' }, {}],
  ])('%s', (_, body, said) => {
    expect(read(body)).toEqual({ ...sales, ...said });
  });

  it('names what a group has not, and passes over schemas of others', () => {
    const body = { displayName: 'Sales', owner: 'x', [`${GROUP}:owner`]: 'x', 'members.display': 'x', 'urn:x:2.0:Group': {}, 'https://x': 1 };
    expect(read(body).ignored).toEqual([
      'owner: not an attribute of a Group',
      `${`${GROUP}:owner`.slice(0, 100)}: not an attribute of a Group`,
      'members.display: set by the server',
    ]);
  });
});

/** Elements, and whom they mean; the same in POST, PUT and PATCH. */
const MEMBERS: [string, unknown, { users?: string[]; nested?: string[] }][] = [
  ['ids', ['u1', 'u2'], { users: ['u1', 'u2'] }],
  ['one alone', { value: 'u1' }, { users: ['u1'] }],
  ['twice the same', [{ value: 'u1' }, 'u1'], { users: ['u1'] }],
  ['an address', [{ $ref: 'https://x.example/v2/Users/u1' }], { users: ['u1'] }],
  ['a relative address', [{ $ref: '../Users/u1' }], { users: ['u1'] }],
  ['an address, in any case', [{ $REF: '../users/u1' }], { users: ['u1'] }],
  ['an address with what may follow', [{ $ref: 'https://x.example/Users/u1/?attributes=id#x/y' }], { users: ['u1'] }],
  ['an encoded address', [{ $ref: '../Users/a%2Fb%20c' }], { users: ['a/b c'] }],
  ['an address beside an empty value', [{ value: '', $ref: '../Users/u1' }], { users: ['u1'] }],
  ['a value beside any address', [{ value: 'u1', $ref: '../Users/%' }], { users: ['u1'] }],
  ['a group by its address', [{ $ref: 'https://x.example/Groups/g1' }, { value: 'g2', $ref: '../groups/g2' }], { nested: ['g1', 'g2'] }],
  [
    'a group by its type',
    [
      { value: 'g1', type: 'GROUP' },
      { value: 'u1', type: 'User' },
    ],
    { users: ['u1'], nested: ['g1'] },
  ],
  ['a user whose name is groups', [{ $ref: '../Users/Groups' }], { users: ['Groups'] }],
  ['an address that cannot be decoded', [{ $ref: '../Users/%' }, 'u1'], { users: ['%', 'u1'] }],
  ['nobody', [], {}],
];

describe('members', () => {
  test.each(MEMBERS)('%s', (_, value, { users = [], nested = [] }) => {
    expect(read({ displayName: 'Sales', members: value }).members).toEqual({ users, nested });
    const { members } = patchGroup(readPatch({ Operations: [{ op: 'replace', path: 'members', value }] }), GROUP_RESOURCE);
    expect(members).toEqual({ reset: true, add: users, remove: [], nested });
  });

  it('that are not said are not none', () => {
    expect(read({ displayName: 'Sales' }).members).toBeNull();
    expect(read({ displayName: 'Sales', members: null }).members).toBeNull();
  });

  it('whom nobody can be called keep nobody else out', () => {
    const long = 'x'.repeat(300);
    expect(read({ displayName: 'Sales', members: ['u1', '\u0000', { value: long }] }).members).toEqual({ users: ['u1', '\u0000', long], nested: [] });
  });

  it('without any id are passed over', () => {
    expect(read({ displayName: 'Sales', members: [{}, null, '', { display: 'x' }, { value: null, $ref: '' }, 'u1'] }).members).toEqual(U1);
  });
});

describe('what cannot be is refused', () => {
  const many = (length: number) => Array.from({ length }, (_, i) => String(i));
  test.each<[string, unknown, string]>([
    ['no object', [], 'invalidSyntax'],
    ['no name', { members: [] }, 'invalidValue'],
    ['an empty name', { displayName: ' ' }, 'invalidValue'],
    ['a name that is no text', { displayName: 7 }, 'invalidValue'],
    ['a long name', { displayName: 'x'.repeat(SEARCHABLE_LENGTH + 1) }, 'invalidValue'],
    ['a name with U+0000', { displayName: 'a\u0000' }, 'invalidValue'],
    ['an externalId that is no text', { displayName: 'Sales', externalId: {} }, 'invalidValue'],
    ['members twice, and not the same', { displayName: 'Sales', members: [], [`${GROUP}:members`]: ['u1'] }, 'invalidValue'],
    ['a member that is a number', { displayName: 'Sales', members: [7] }, 'invalidValue'],
    ['too many members', { displayName: 'Sales', members: many(100_001) }, 'tooMany'],
  ])('%s', (_, body, scimType) => {
    expect(() => read(body)).toThrow(expect.objectContaining({ status: 400, scimType }));
  });
});

describe('a group as it is answered', () => {
  const at = new Date('2026-11-26T12:00:00Z');
  const group = { id: 'g1', displayName: 'Sales', externalId: 'x', version: 3, createdAt: at, updatedAt: at } as Group;
  const base = 'https://x.example/v2';

  it('says who is in it', () => {
    expect(toGroup(group, [{ userId: 'u1', display: 'Ada' }], { base })).toEqual({
      schemas: [GROUP],
      id: 'g1',
      externalId: 'x',
      displayName: 'Sales',
      members: [{ value: 'u1', $ref: `${base}/Users/u1`, display: 'Ada', type: 'User' }],
      meta: { resourceType: 'Group', created: at.toISOString(), lastModified: at.toISOString(), location: `${base}/Groups/g1`, version: 'W/"3"' },
    });
  });

  it('has no attribute without a value', () => {
    expect(Object.keys(toGroup({ ...group, externalId: null }, [], { base }))).toEqual(['schemas', 'id', 'displayName', 'meta']);
    expect(Object.keys(toGroup(group, null, { base }))).not.toContain('members');
  });

  it('is read back as it is', () => {
    const id = fc.uuid();
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 50, unit: 'grapheme' }), fc.uniqueArray(id), (name, ids) => {
        fc.pre(name.trim() !== '' && !/\p{Cc}/u.test(name));
        const sent = toGroup(
          { ...group, displayName: name },
          ids.map((userId) => ({ userId, display: userId })),
          { base },
        );
        const members = ids.length === 0 ? null : { users: ids, nested: [] };
        expect(read(sent)).toEqual({ displayName: name, externalId: 'x', members, ignored: [] });
      }),
    );
  });
});
