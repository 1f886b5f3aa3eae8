import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { foldKey } from '../../../src/core/profile.ts';
import type { SearchValue, Where } from '../../../src/core/search.ts';
import { ScimError } from '../../../src/protocols/scim/error.ts';
import { matches } from '../../../src/protocols/scim/evaluate.ts';
import { parseFilter } from '../../../src/protocols/scim/filter.ts';
import { type Attribute, ENTERPRISE, GROUP, GROUP_RESOURCE, USER, userResource } from '../../../src/protocols/scim/schema.ts';
import { compileFilter, compileSort } from '../../../src/protocols/scim/where.ts';

const users = userResource({ 'urn:acme:2.0:User:shift': 'shift' });
const ENTERPRISE_KEY = ENTERPRISE.toLowerCase();

const compare = (attribute: string, op: string, value: string) => ({ kind: 'compare', attribute, op, value }) as Where;
const present = (attribute: string): Where => ({ kind: 'present', attribute });
const not = (of: Where): Where => ({ kind: 'not', of });
const all = (...of: Where[]): Where => ({ kind: 'all', of });
const any = (...of: Where[]): Where => ({ kind: 'any', of });
const element = (attribute: string, where: Where): Where => ({ kind: 'element', attribute, where });

test.each<[string, Where]>([
  ['userName eq "Jane@ACME.example"', compare('username', 'eq', 'jane@acme.example')],
  [`${USER}:userName eq "J"`, compare('username', 'eq', 'j')],
  ['externalId eq "Ext-1"', compare('externalid', 'eq', 'Ext-1')],
  [`id eq "u1" and ${ENTERPRISE}:manager eq "u2"`, all(compare('id', 'eq', 'u1'), compare(`${ENTERPRISE_KEY}:manager.value`, 'eq', 'u2'))],
  ['manager eq "u2"', compare(`${ENTERPRISE_KEY}:manager.value`, 'eq', 'u2')],
  ['Department sw "S"', compare(`${ENTERPRISE_KEY}:department`, 'sw', 's')],
  [`${ENTERPRISE.toUpperCase()} pr`, compare('schemas', 'eq', ENTERPRISE)],
  [`${ENTERPRISE} eq null`, not(compare('schemas', 'eq', ENTERPRISE))],
  [`${USER} pr`, all()],
  ['emails co "@X"', compare('emails.value', 'co', '@x')],
  ['emails co " @X "', compare('emails.value', 'co', ' @x ')],
  ['emails co ""', present('emails.value')],
  ['title eq null', not(present('title'))],
  ['title ne null', present('title')],
  ['not (title eq null)', present('title')],
  ['active eq "True"', compare('active', 'eq', 'true')],
  ['active ne false', compare('active', 'ne', 'false')],
  ['urn:acme:2.0:User:shift eq "N"', compare('urn:acme:2.0:user:shift', 'eq', 'n')],
  ['meta.lastModified gt "2026-01-01T00:00:00Z"', compare('meta.lastmodified', 'gt', '2026-01-01T00:00:00.000Z')],
  ['meta.lastModified gt "2026-01-01T00:00:00.12345+01:30"', compare('meta.lastmodified', 'gt', '2025-12-31T22:30:00.123Z')],
  ['meta.lastModified gt "2026-01-01t00:00:00"', compare('meta.lastmodified', 'gt', '2026-01-01T00:00:00.000Z')],
  ['emails[type eq "work" and value co "@x"]', element('emails', all(compare('emails.type', 'eq', 'work'), compare('emails.value', 'co', '@x')))],
  ['emails[type eq "work"].value eq "X"', element('emails', all(compare('emails.type', 'eq', 'work'), compare('emails.value', 'eq', 'x')))],
  ['emails[type eq "work"]', compare('emails.type', 'eq', 'work')],
  ['emails[type ne "work"]', element('emails', compare('emails.type', 'ne', 'work'))],
  ['emails[not (type eq "work")]', element('emails', not(compare('emails.type', 'eq', 'work')))],
  ['emails[type eq "work" or primary eq "True"]', any(compare('emails.type', 'eq', 'work'), compare('emails.primary', 'eq', 'true'))],
  ['addresses[country eq "AT"]', compare('addresses.country', 'eq', 'at')],
  ['photos.type eq "photo"', compare('photos.type', 'eq', 'photo')],
  ['schemas eq "urn:acme:2.0:User"', compare('schemas', 'eq', 'urn:acme:2.0:User')],
  [`schemas eq "${USER}"`, all()],
  [`schemas ne "${USER}"`, present('schemas')],
  [`schemas ne "x"`, all()],
  ['schemas pr', all()],
  ['meta.resourceType eq "User"', all()],
  ['meta.resourceType eq "Group"', any()],
  ['meta.resourceType eq "Group" or title pr', present('title')],
  ['meta.resourceType eq "Group" and title pr', any()],
  ['not (meta.resourceType eq "Group")', all()],
  ['meta pr', all()],
  ['groups eq "g1"', compare('groups.value', 'eq', 'g1')],
  ['groups.display sw "S"', compare('groups.display', 'sw', 's')],
  ['groups.type eq "direct"', present('groups.value')],
  ['groups.type eq "indirect"', any()],
  ['groups.type ne "indirect"', all()],
  ['groups.type ne "direct"', not(present('groups.value'))],
  ['groups[type eq "direct" and value eq "g1"]', compare('groups.value', 'eq', 'g1')],
  ['groups[type eq "direct"]', present('groups.value')],
  ['groups pr', present('groups.value')],
  [
    'addresses pr',
    any(...['formatted', 'streetaddress', 'locality', 'region', 'postalcode', 'country', 'type', 'primary'].map((n) => present(`addresses.${n}`))),
  ],
  ['emails pr', any(...['value', 'display', 'type', 'primary'].map((n) => present(`emails.${n}`)))],
])('users: %s', (text, expected) => {
  expect(compileFilter(parseFilter(text), users)).toEqual(expected);
});

test.each<[string, Where]>([
  ['id eq "g1" and members eq "u1"', all(compare('id', 'eq', 'g1'), compare('members.value', 'eq', 'u1'))],
  ['members[value eq "u1" or value eq "u2"]', any(compare('members.value', 'eq', 'u1'), compare('members.value', 'eq', 'u2'))],
  ['displayName eq "SALES"', compare('displayname', 'eq', 'sales')],
  [`schemas eq "${GROUP}"`, all()],
  [`schemas eq "${USER}"`, any()],
  [`schemas ne "${GROUP}"`, any()],
  ['meta.resourceType eq "Group"', all()],
])('groups: %s', (text, expected) => {
  expect(compileFilter(parseFilter(text), GROUP_RESOURCE)).toEqual(expected);
});

describe('what cannot be asked is refused by name', () => {
  test.each<[string, string]>([
    ['foo eq "x"', 'foo'],
    ['emails.foo eq "x"', 'emails.foo'],
    ['emails[foo eq "x"]', 'emails.foo'],
    ['urn:no:2.0:User:title pr', 'urn:no:2.0:User:title'],
    ['urn:no:2.0:User pr', 'urn:no:2.0:User'],
    [`${ENTERPRISE} eq "x"`, ENTERPRISE],
    ['members eq "u1"', 'members'],
    ['__proto__ pr', '__proto__'],
    ['constructor eq "x"', 'constructor'],
    ['emails[constructor eq "x"]', 'constructor'],
    ['password eq "x"', 'password'],
    ['photos.value pr', 'photos.value'],
    ['photos pr', 'photos'],
    ['x509Certificates eq "x"', 'x509Certificates'],
    ['groups.$ref pr', 'groups.$ref'],
    ['meta.location pr', 'meta.location'],
    ['name eq "x"', 'name'],
    ['addresses co "x"', 'addresses'],
    ['name[givenName eq "x"]', 'name'],
    ['schemas[value eq "x"]', 'schemas'],
    ['active gt true', 'active'],
    ['active co "t"', 'active'],
    ['active eq "yes"', 'active'],
    ['active eq 1', 'active'],
    ['title eq true', 'title'],
    ['title eq 7', 'title'],
    ['title gt null', 'title'],
    ['meta.created eq "yesterday"', 'meta.created'],
    ['meta.created eq "2026-02-30T00:00:00Z"', 'meta.created'],
    ['meta.created eq "0000-01-01T00:00:00Z"', 'meta.created'],
    ['meta.created lt "9999-12-31T23:59:00-10:00"', 'meta.created'],
    ['meta.created sw "2026"', 'meta.created'],
  ])('%s', (text, named) => {
    let refused: unknown = null;
    try {
      compileFilter(parseFilter(text), users);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(ScimError);
    expect(refused).toMatchObject({ status: 400, scimType: 'invalidFilter', message: expect.stringContaining(named) });
  });
});

test.each<[string, string]>([
  ['userName', 'username'],
  ['EMAILS', 'emails.value'],
  ['name.familyName', 'name.familyname'],
  [`${ENTERPRISE}:department`, `${ENTERPRISE_KEY}:department`],
  [`${ENTERPRISE}:manager`, `${ENTERPRISE_KEY}:manager.value`],
  ['meta.lastModified', 'meta.lastmodified'],
  ['meta.resourceType', 'id'],
  ['schemas', 'id'],
])('sorted by %s', (sortBy, attribute) => {
  expect(compileSort(sortBy, users)).toBe(attribute);
});

test.each(['foo', '', 'name', 'meta', 'addresses', 'password', 'photos', '__proto__', 'emails.constructor'])('nothing is sorted by %p', (sortBy) => {
  expect(() => compileSort(sortBy, users)).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidPath' }));
});

type Json = Record<string, unknown>;

/** What the store keeps of a resource, written once more from the words of core/search. */
function rowsOf(resource: Json): SearchValue[] {
  const of = (container: Json, attributes: readonly Attribute[], prefix: string): SearchValue[] =>
    attributes.flatMap((attribute) => {
      const name = `${prefix}${attribute.name.toLowerCase()}`;
      const values = [container[attribute.name] ?? []].flat() as unknown[];
      return values.flatMap((value, element) =>
        (attribute.subAttributes ? parts(value as Json, attribute, name) : [{ leaf: attribute, name, value }]).flatMap((one) => row(one, element)),
      );
    });
  const parts = (value: Json, { subAttributes = [] }: Attribute, name: string) =>
    subAttributes.map((leaf) => ({ leaf, name: `${name}.${leaf.name.toLowerCase()}`, value: value[leaf.name] }));
  const row = ({ leaf, name, value }: { leaf: Attribute; name: string; value: unknown }, element: number): SearchValue[] => {
    const constant = name === 'meta.resourcetype' || name === 'groups.type' || (name === 'schemas' && value === USER);
    if (value === undefined || !leaf.searchable || constant) return [];
    return [{ attribute: name, element, value: leaf.caseExact ? String(value) : leaf.type === 'dateTime' ? String(value) : foldKey(String(value)) }];
  };
  const own = of(resource, [...users.common, ...users.core.attributes], '');
  return [...own, ...users.extensions.flatMap((one) => of((resource[one.id] ?? {}) as Json, one.attributes, `${one.id.toLowerCase()}:`))];
}

function finds(where: Where, rows: readonly SearchValue[]): boolean {
  switch (where.kind) {
    case 'all':
      return where.of.every((one) => finds(one, rows));
    case 'any':
      return where.of.some((one) => finds(one, rows));
    case 'not':
      return !finds(where.of, rows);
    case 'present':
      return rows.some(({ attribute }) => attribute === where.attribute);
    case 'element': {
      const mine = rows.filter(({ attribute }) => attribute.startsWith(`${where.attribute}.`));
      const elements = [...new Set(mine.map(({ element }) => element))];
      return elements.some((element) =>
        finds(
          where.where,
          mine.filter((one) => one.element === element),
        ),
      );
    }
    case 'compare': {
      const values = rows.filter(({ attribute }) => attribute === where.attribute).map(({ value }) => value);
      return where.op === 'ne'
        ? values.length === 0 || values.some((value) => value !== where.value)
        : values.some((value) => compares(where.op, value, where.value));
    }
  }
}

function compares(op: string, value: string, literal: string): boolean {
  const order = Buffer.compare(Buffer.from(value), Buffer.from(literal));
  if (op === 'co' || op === 'sw' || op === 'ew')
    return { co: value.includes(literal), sw: value.startsWith(literal), ew: value.endsWith(literal) }[op];
  return (
    (op === 'eq' && order === 0) || (order > 0 && op[0] === 'g') || (order < 0 && op[0] === 'l') || (order === 0 && op[1] === 'e' && op !== 'ne')
  );
}

const said = fc.constantFrom('a', 'B', 'b', 'ab', 'é', 'É', '\u{1f600}', '\ufffd', '%', ' a ', 'work', 'x_y');
const few = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined });
const element2 = fc.record({ value: said, type: said, primary: fc.boolean(), display: said }, { requiredKeys: [] });
const resource = fc
  .record({
    userName: said,
    externalId: few(said),
    title: few(said),
    active: few(fc.boolean()),
    name: few(fc.record({ givenName: said, familyName: said }, { requiredKeys: [] })),
    emails: few(fc.array(element2, { minLength: 1, maxLength: 3 })),
    photos: few(fc.array(element2, { minLength: 1, maxLength: 2 })),
    groups: few(fc.array(fc.record({ value: said, display: said, type: fc.constant('direct') }), { minLength: 1, maxLength: 2 })),
    schemas: fc.constantFrom([USER], [USER, ENTERPRISE]),
    meta: fc.record({ resourceType: fc.constant('User'), created: fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z') }),
    [ENTERPRISE]: few(fc.record({ department: said, manager: fc.record({ value: said }) }, { requiredKeys: [] })),
  })
  .map((one) => JSON.parse(JSON.stringify(one)) as Json);

const literal = fc
  .oneof(said, fc.constantFrom('', ' ', USER, ENTERPRISE, 'User', 'direct', '2026-01-01T12:00:00+12:00', 'true'))
  .map((text) => JSON.stringify(text));
const testOf = (names: string[]) =>
  fc.oneof(
    fc.constantFrom(...names).map((name) => `${name} pr`),
    fc
      .tuple(
        fc.constantFrom(...names),
        fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'),
        fc.oneof(literal, literal, fc.constantFrom('true', 'false', 'null')),
      )
      .map((parts) => parts.join(' ')),
  );
const joined = (one: fc.Arbitrary<string>) =>
  fc
    .array(fc.tuple(fc.constantFrom('and', 'or'), fc.constantFrom('', 'not'), one), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.map(([word, not, text], at) => `${at === 0 ? '' : ` ${word} `}${not === '' ? text : `not (${text})`}`).join(''));
const inner = joined(testOf(['value', 'type', 'primary', 'display']));
const NAMES = [
  'userName',
  'externalId',
  'title',
  'active',
  'name',
  'name.givenName',
  'emails',
  'emails.type',
  'emails.primary',
  'groups',
  'groups.type',
  'schemas',
];
const outer = fc.oneof(
  testOf([...NAMES, 'meta', 'meta.resourceType', 'meta.created', 'photos.type', `${ENTERPRISE}:department`, `${ENTERPRISE}:manager`]),
  fc
    .tuple(fc.constantFrom('emails', 'photos', 'groups', 'roles'), inner, fc.constantFrom('', '.value eq "a"', '.type pr'))
    .map(([list, filter, rest]) => `${list}[${filter}]${rest}`),
);

test('what is compiled finds whom a plain evaluation finds', () => {
  let compared = 0;
  fc.assert(
    fc.property(
      joined(
        fc.oneof(
          outer,
          joined(outer).map((text) => `(${text})`),
        ),
      ),
      resource,
      (text, one) => {
        const filter = parseFilter(text);
        let where: Where | null = null;
        try {
          where = compileFilter(filter, users);
        } catch (error) {
          if (!(error instanceof ScimError)) throw error;
          expect(() => matches(filter, one, users)).toThrow(ScimError);
        }
        if (!where) return;
        compared++;
        expect(finds(where, rowsOf(one))).toBe(matches(filter, one, users));
      },
    ),
    { numRuns: 5000 },
  );
  expect(compared).toBeGreaterThan(1000);
});
