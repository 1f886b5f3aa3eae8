/** Which attributes an answer carries. */
import { describe, expect, it } from '@jest/globals';
import { project, readProjection, wants } from '../../../src/protocols/scim/projection.ts';
import { ENTERPRISE, GROUP_RESOURCE, USER, userResource } from '../../../src/protocols/scim/schema.ts';

const SCHEMA = userResource({});
const ADA = {
  schemas: [USER, ENTERPRISE],
  id: 'u1',
  userName: 'ada',
  name: { givenName: 'Ada' },
  emails: [{ value: 'a@b.example', type: 'work' }, { value: 'c@d.example' }],
  [ENTERPRISE]: { department: 'Sales', manager: { value: 'm1' } },
};
const ALWAYS = { schemas: ADA.schemas, id: 'u1' };
const only = (...attributes: string[]) => project(ADA, readProjection({ attributes }, SCHEMA));
const without = (excludedAttributes: string) => project(ADA, readProjection({ excludedAttributes }, SCHEMA));

describe('asked for', () => {
  it('id and schemas are always there', () => expect(only('nickName')).toEqual(ALWAYS));
  it('attributes, parts of them, and extensions, whatever the case', () => {
    expect(only('USERNAME', 'name.givenname')).toEqual({ ...ALWAYS, userName: 'ada', name: ADA.name });
    expect(only(ENTERPRISE)).toEqual({ ...ALWAYS, [ENTERPRISE]: ADA[ENTERPRISE] });
    expect(only(`${ENTERPRISE}:department`)).toEqual({ ...ALWAYS, [ENTERPRISE]: { department: 'Sales' } });
  });
  it('the whole of an attribute goes before a part of it, in either order', () => {
    for (const names of [
      ['emails', 'emails.type'],
      ['emails.type', 'emails'],
    ])
      expect(only(...names)).toEqual({ ...ALWAYS, emails: ADA.emails });
  });
  it('elements of which nothing is left are left out, and so is what is empty then', () => {
    expect(only('emails.type')).toEqual({ ...ALWAYS, emails: [{ type: 'work' }] });
    expect(only('emails.display', 'name.formatted', `${ENTERPRISE}:manager.displayName`)).toEqual(ALWAYS);
  });
});

describe('left out', () => {
  it('attributes and parts, but never id and schemas', () => {
    expect(without('id,schemas,emails,name.givenName')).toEqual({ ...ALWAYS, userName: 'ada', [ENTERPRISE]: ADA[ENTERPRISE] });
    expect(without('emails.value')).toEqual({ ...ADA, emails: [{ type: 'work' }] });
    expect(without(`${ENTERPRISE}:department, ${ENTERPRISE}:manager`)).toEqual({ ...ALWAYS, userName: 'ada', name: ADA.name, emails: ADA.emails });
  });
  it('and asked for exclude each other', () => {
    expect(() => readProjection({ attributes: 'id', excludedAttributes: 'name' }, SCHEMA)).toThrow(expect.objectContaining({ status: 400 }));
  });
});

it('what would be dropped need not be read', () => {
  const asked = (query: object) => wants(readProjection(query, GROUP_RESOURCE), 'members');
  expect([asked({}), asked({ attributes: 'members.value' }), asked({ excludedAttributes: 'members.display' })]).toEqual([true, true, true]);
  expect([asked({ attributes: 'displayName' }), asked({ excludedAttributes: 'members' })]).toEqual([false, false]);
});

it('an empty list of names asks for nothing in particular in a query, and names that are no text are refused', () => {
  expect(readProjection({ attributes: ' , ' }, SCHEMA)).toEqual({ kind: 'all' });
  expect(() => readProjection({ attributes: [7] as never }, SCHEMA)).toThrow(expect.objectContaining({ scimType: 'invalidValue' }));
});
