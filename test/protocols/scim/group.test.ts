/** A Group as clients write it in POST and PUT. */
import { describe, expect, it } from '@jest/globals';
import { readGroup } from '../../../src/protocols/scim/group.ts';
import { readPatch } from '../../../src/protocols/scim/patch.ts';
import { patchGroup } from '../../../src/protocols/scim/patch-group.ts';
import { GROUP, GROUP_RESOURCE } from '../../../src/protocols/scim/schema.ts';

const read = (body: object) => readGroup({ displayName: 'Sales', ...body }, GROUP_RESOURCE);
const members = (value: unknown) => read({ members: value }).members;

describe('keys', () => {
  it('may have the schema’s URN before them, or stand under it', () => {
    const said = { displayName: 'Sales', externalId: 'e', members: { users: ['u1'], nested: [] }, ignored: [] };
    expect(
      readGroup({ [`${GROUP}:displayName`]: 'Sales', [`${GROUP}:externalId`]: 'e', [`${GROUP}:members`]: [{ value: 'u1' }] }, GROUP_RESOURCE),
    ).toEqual(said);
    expect(readGroup({ [GROUP.toUpperCase()]: { displayname: 'Sales', externalId: 'e', Members: ['u1'] } }, GROUP_RESOURCE)).toEqual(said);
  });
  it('without it go before those with it', () => {
    expect(read({ [`${GROUP}:displayName`]: 'Other' }).displayName).toBe('Sales');
  });
  it('that a Group does not have are named', () => {
    expect(read({ colour: 'red', schemas: [GROUP], 'urn:x:2.0:Y': {} }).ignored).toEqual(['colour: not an attribute of a Group']);
  });
});

describe('members', () => {
  const ways: [string, unknown][] = [
    ['an object', { value: 'u1' }],
    ['a bare id', 'u1'],
    ['its address alone', { $ref: 'https://scim.example/api/v1/scim/acme/v2/Users/u1' }],
    ['a relative address', { $ref: '../Users/u1' }],
    ['an escaped address', { $ref: '/Users/%751' }],
    ['other case', { Value: 'u1', TYPE: 'user' }],
    ['both', { value: 'u1', $ref: '../Users/other' }],
  ];
  it.each(ways)('are known by %s, in POST, PUT and PATCH', (_, one) => {
    expect(members([one])).toEqual({ users: ['u1'], nested: [] });
    expect(members(one)).toEqual({ users: ['u1'], nested: [] });
    const { add } = patchGroup(readPatch({ Operations: [{ op: 'add', path: 'members', value: [one] }] }), GROUP_RESOURCE).members;
    expect(add).toEqual(['u1']);
  });
  it('that are groups are told apart', () => {
    expect(members([{ value: 'g1', type: 'Group' }, { $ref: '../Groups/g2' }, { value: 'u1', type: 'User' }])).toEqual({
      users: ['u1'],
      nested: ['g1', 'g2'],
    });
  });
  it('not said is not the same as none', () => {
    expect([read({}).members, members(null), members([])]).toEqual([null, null, { users: [], nested: [] }]);
  });
  it('that name nobody are left out, and what is no id is refused', () => {
    expect(members([{}, null, '', { value: '' }])).toEqual({ users: [], nested: [] });
    expect(() => members([{ value: 7 }])).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidValue' }));
  });
});
