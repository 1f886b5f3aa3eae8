import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { project, readProjection, wants } from '../../../src/protocols/scim/projection.ts';
import { ENTERPRISE, GROUP_RESOURCE, USER, userResource } from '../../../src/protocols/scim/schema.ts';

const CUSTOM = 'urn:acme:2.0:User';
const users = userResource({ [`${CUSTOM}:shift`]: 'shift' });

const always = { schemas: [USER, ENTERPRISE], id: 'u1' };
const work = { value: 'a@acme.example', type: 'work', primary: true };
const home = { value: 'b@acme.example', display: 'B' };
const ada = {
  ...always,
  userName: 'ada',
  name: { givenName: 'Ada', familyName: 'L' },
  emails: [work, home],
  [ENTERPRISE]: { department: 'Ops', manager: { value: 'u2', displayName: 'Ben' } },
  [CUSTOM]: { shift: 'day', desk: '7' },
  meta: { resourceType: 'User', version: 'W/"1"' },
};
const { schemas: _, id: __, ...rest } = ada;

const without = (...keys: string[]) => Object.fromEntries(Object.entries(ada).filter(([key]) => !keys.includes(key)));
const only = (attributes: string | string[]) => project(ada, readProjection({ attributes }, users));
const but = (excludedAttributes: string | string[]) => project(ada, readProjection({ excludedAttributes }, users));

describe('attributes: these only', () => {
  test.each<[string, string | string[], object]>([
    ['one', 'userName', { userName: 'ada' }],
    ['in any case, with blanks', ' USERNAME , ', { userName: 'ada' }],
    ['as a list', [' userName ', 'id', ''], { userName: 'ada' }],
    ['an empty list', [], {}],
    ['none that is known', 'shoeSize', {}],
    ['with the URN', `${USER}:userName`, { userName: 'ada' }],
    ['a part', 'name.givenName', { name: { givenName: 'Ada' } }],
    ['two parts', 'name.givenName,NAME.familyname', { name: ada.name }],
    ['a part, then the whole', 'name.givenName,name', { name: ada.name }],
    ['the whole, then a part', 'name,name.givenName', { name: ada.name }],
    ['a part of each element', 'emails.value', { emails: [{ value: work.value }, { value: home.value }] }],
    ['a part that some elements have', 'emails.display', { emails: [{ display: 'B' }] }],
    ['a part that no value has', 'name.middleName,phoneNumbers.value', {}],
    ['an extension', ENTERPRISE.toUpperCase(), { [ENTERPRISE]: ada[ENTERPRISE] }],
    ['an attribute of an extension', `${ENTERPRISE}:department`, { [ENTERPRISE]: { department: 'Ops' } }],
    ['a part in an extension', `${ENTERPRISE}:manager.value`, { [ENTERPRISE]: { manager: { value: 'u2' } } }],
    ['a part in an extension that is not there', `${ENTERPRISE}:manager.$ref`, {}],
    ['an extension, then its attribute', `${CUSTOM},${CUSTOM}:shift`, { [CUSTOM]: ada[CUSTOM] }],
    ['what is always there', 'id', {}],
  ])('%s', (_name, asked, left) => {
    expect(only(asked)).toEqual({ ...always, ...left });
  });
});

describe('excludedAttributes: all but these', () => {
  test.each<[string, string | string[], object]>([
    ['one', 'name', without('name')],
    ['what is always there', 'id,schemas', ada],
    ['none that is known', 'shoeSize', ada],
    ['a part', 'name.givenName', { ...ada, name: { familyName: 'L' } }],
    ['all parts', 'name.givenName,name.familyName', without('name')],
    ['a part of each element', 'emails.value', { ...ada, emails: [{ type: 'work', primary: true }, { display: 'B' }] }],
    ['all that an element says', ['emails.value', 'emails.display'], { ...ada, emails: [{ type: 'work', primary: true }] }],
    ['all that the elements say', 'emails.value,emails.display,emails.type,emails.primary', without('emails')],
    ['an extension', ENTERPRISE, without(ENTERPRISE)],
    ['all of an extension', `${ENTERPRISE}:department,${ENTERPRISE}:manager`, without(ENTERPRISE)],
    ['all parts in an extension', `${ENTERPRISE}:manager.value,${ENTERPRISE}:manager.displayName`, { ...ada, [ENTERPRISE]: { department: 'Ops' } }],
  ])('%s', (_name, asked, left) => {
    expect(but(asked)).toEqual(left);
  });
});

it('is everything where nothing is asked', () => {
  for (const query of [{}, { attributes: null }, { attributes: '' }, { excludedAttributes: ' , ' }]) {
    expect(readProjection(query, users)).toEqual({ kind: 'all' });
    expect(project(ada, readProjection(query, users))).toEqual(ada);
  }
});

it('is refused where both are asked, or what is no name', () => {
  const refusal = expect.objectContaining({ status: 400, scimType: 'invalidValue' });
  expect(() => readProjection({ attributes: 'a', excludedAttributes: 'b' }, users)).toThrow(refusal);
  expect(() => readProjection({ attributes: [7] as unknown as string[] }, users)).toThrow(refusal);
});

it('tells beforehand what need not be read', () => {
  const wanted = (query: object) => wants(readProjection(query, GROUP_RESOURCE), 'members');
  expect([{}, { attributes: 'members' }, { attributes: 'members.value' }, { excludedAttributes: 'members.value,displayName' }].map(wanted)).toEqual(
    Array(4).fill(true),
  );
  expect([{ attributes: 'displayName' }, { attributes: [] }, { excludedAttributes: 'MEMBERS' }].map(wanted)).toEqual(Array(3).fill(false));
});

describe('whatever is asked', () => {
  const path = fc.constantFrom(
    ...['id', 'userName', 'name', 'name.givenName', 'name.familyName', 'emails', 'emails.value', 'emails.type', 'emails.primary', 'emails.display'],
    ...[ENTERPRISE, `${ENTERPRISE}:department`, `${ENTERPRISE}:manager`, `${ENTERPRISE}:manager.value`, `${CUSTOM}:shift`, 'meta.version', 'other'],
  );
  const names = fc.array(path, { maxLength: 8 });

  /** Each value with the way to it; empty objects and lists are values here. */
  function leaves(value: unknown, way = ''): string[] {
    if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return [`${way}=${JSON.stringify(value)}`];
    return Object.entries(value).flatMap(([key, one]) => leaves(one, Array.isArray(value) ? way : `${way}/${key}`));
  }

  it('no answer holds an empty object or list, and id and schemas are there', () => {
    fc.assert(
      fc.property(names, (asked) => {
        for (const answer of [only(asked), but(asked)]) {
          expect(answer).toMatchObject(always);
          expect(leaves(answer).filter((one) => /=(\{\}|\[\])$/.test(one))).toEqual([]);
        }
      }),
    );
  });

  it('with and without are two halves of the whole', () => {
    fc.assert(
      fc.property(names, (asked) => {
        const halves = [only(asked), but(asked)].flatMap(({ schemas, id, ...half }) => (Object.keys(half).length === 0 ? [] : leaves(half)));
        expect(halves.sort()).toEqual(leaves(rest).sort());
      }),
    );
  });
});
