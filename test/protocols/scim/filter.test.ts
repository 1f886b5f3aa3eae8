import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ScimError } from '../../../src/protocols/scim/error.ts';
import { matches } from '../../../src/protocols/scim/evaluate.ts';
import { parseFilter } from '../../../src/protocols/scim/filter.ts';
import { GROUP_RESOURCE, userResource } from '../../../src/protocols/scim/schema.ts';

const refusalOf = (work: () => unknown): ScimError => {
  try {
    work();
  } catch (error) {
    if (error instanceof ScimError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('a filter becomes plain data', () => {
  const eq = (path: string, value: unknown) => ({ kind: 'compare', path, op: 'eq', value });
  test.each<[string, object]>([
    ['userName eq "bjensen"', eq('userName', 'bjensen')],
    ['USERNAME EQ "bjensen"', eq('USERNAME', 'bjensen')],
    ['title pr', { kind: 'present', path: 'title' }],
    ['active eq true', eq('active', true)],
    ['active eq False', eq('active', false)],
    ['title eq null', eq('title', null)],
    ['x eq -1.5e+3', eq('x', -1500)],
    ['userName eq "a\\"b\\\\c\\u00e9 (not) [x] and"', eq('userName', 'a"b\\cé (not) [x] and')],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"', { ...eq('urn:ietf:params:scim:schemas:core:2.0:User:userName', 'J'), op: 'sw' }],
    ['a eq "1" or b eq "2" and c eq "3"', { kind: 'or', of: [eq('a', '1'), { kind: 'and', of: [eq('b', '2'), eq('c', '3')] }] }],
    ['(a eq "1" or b eq "2") and c eq "3"', { kind: 'and', of: [{ kind: 'or', of: [eq('a', '1'), eq('b', '2')] }, eq('c', '3')] }],
    ['  not  ( a   eq "1" )  ', { kind: 'not', of: eq('a', '1') }],
    [
      'not(a eq "1")and(b pr)',
      {
        kind: 'and',
        of: [
          { kind: 'not', of: eq('a', '1') },
          { kind: 'present', path: 'b' },
        ],
      },
    ],
    [
      'emails[type eq "work" and value co "@x"]',
      { kind: 'element', path: 'emails', filter: { kind: 'and', of: [eq('type', 'work'), { ...eq('value', '@x'), op: 'co' }] } },
    ],
    [
      'emails[type eq "work"].value eq "x" and title pr',
      {
        kind: 'and',
        of: [
          { kind: 'element', path: 'emails', filter: { kind: 'and', of: [eq('type', 'work'), eq('value', 'x')] } },
          { kind: 'present', path: 'title' },
        ],
      },
    ],
    ['groups.$ref eq "x"', eq('groups.$ref', 'x')],
  ])('%s', (text, expected) => {
    expect(parseFilter(text)).toEqual(expected);
  });
});

describe('what is no filter is refused with its position', () => {
  test.each<[string, string]>([
    ['', 'position 1'],
    ['   ', 'the end'],
    ['WORD', 'position 5'],
    ['userName eq bob', 'position 13'],
    ['userName eq', 'position 12'],
    ['userName is "x"', 'position 10'],
    ['userName eq "x" and', 'position 20'],
    ['and userName eq "x"', 'position 5'],
    ['userName eq "x" userName eq "y"', 'position 17'],
    ['(userName eq "x"', 'position 17'],
    ['userName eq "x")', 'position 16'],
    ['emails[type eq "work"', 'position 22'],
    ['emails[type eq "work"].', 'position 23'],
    ['emails[type eq "work"] pr', 'position 24'],
    ['emails[a[b pr]]', 'position 9'],
    ['emails[emails.type pr]', 'position 8'],
    ['not userName pr', 'position 5'],
    ['userName eq "x', 'position 13'],
    ['userName eq "\\q"', 'position 13'],
    ['userName eq "\\u0000"', 'position 13'],
    ['userName eq "\\ud800"', 'position 13'],
    ['userName eq 01', 'position 13'],
    ['user name pr', 'position 6'],
    ['a.b.c pr', 'position 1'],
    ['a:b pr', 'position 1'],
    ['\\ pr', 'position 1'],
    ["userName eq 'x'", 'position 13'],
  ])('%s', (text, position) => {
    const { status, scimType, message } = refusalOf(() => parseFilter(text));
    expect({ status, scimType }).toEqual({ status: 400, scimType: 'invalidFilter' });
    expect(message).toContain(position);
  });

  test('too long or too deep is refused before any work, and 100 kB take no time', () => {
    const deep = (levels: number) => `${'('.repeat(levels)}title pr${')'.repeat(levels)}`;
    expect(parseFilter(deep(20))).toEqual({ kind: 'present', path: 'title' });
    const started = performance.now();
    for (const text of [
      deep(21),
      deep(1000),
      'not('.repeat(400),
      '"'.repeat(2048),
      '\\'.repeat(2000),
      ' '.repeat(100_000),
      `title eq "${'\\'.repeat(100_000)}"`,
    ])
      expect(refusalOf(() => parseFilter(text)).scimType).toBe('invalidFilter');
    expect(performance.now() - started).toBeLessThan(200);
    expect(refusalOf(() => parseFilter(`title eq "${'x'.repeat(2048)}"`)).message).toContain('2048');
  });

  test('a long chain of conditions needs no stack', () => {
    const chain = Array.from({ length: 220 }, () => 'id pr').join(' or ');
    expect(parseFilter(chain)).toMatchObject({ kind: 'or' });
  });
});

const users = userResource({ 'urn:acme:2.0:User:shift': 'shift' });
const jane = {
  schemas: [users.core.id, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
  id: 'u1',
  externalId: 'Ext-1',
  userName: 'Jane@Acme.example',
  name: { familyName: 'Müller', givenName: 'Jane' },
  active: true,
  emails: [
    { value: 'Jane@Acme.example', type: 'work', primary: true },
    { value: 'jane@home.example', type: 'home' },
  ],
  groups: [{ value: 'g1', display: 'Sales', type: 'direct' }],
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Sales', manager: { value: 'u2' } },
  'urn:acme:2.0:User': { shift: 'Night' },
  meta: { resourceType: 'User', created: '2026-01-01T00:00:00.000Z', lastModified: '2026-02-01T12:00:00.000Z' },
};

describe('a filter evaluated over a resource', () => {
  test.each<[string, boolean]>([
    ['userName eq "jane@acme.EXAMPLE"', true],
    ['externalId eq "ext-1"', false],
    ['externalId eq "Ext-1"', true],
    ['id eq "U1"', false],
    ['name.familyName eq "MÜLLER"', true],
    ['name pr', true],
    ['addresses pr', false],
    ['title ne "x"', true],
    ['title eq null', true],
    ['userName ne null', true],
    ['title co ""', false],
    ['userName co ""', true],
    ['userName co " "', false],
    ['userName co "_"', false],
    ['emails co "@home"', true],
    ['emails.value ew ".example"', true],
    ['emails[type eq "home" and value co "@acme"]', false],
    ['emails.type eq "home" and emails.value co "@acme"', true],
    ['emails[type eq "WORK"].value eq "JANE@acme.example"', true],
    ['emails[not (type eq "work")]', true],
    ['emails[primary eq "True"]', true],
    ['emails[primary ne true].type eq "home"', true],
    ['emails.type ne "work"', true],
    ['active eq "true"', true],
    ['active ne true', false],
    ['groups eq "g1"', true],
    ['groups.type eq "direct"', true],
    ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "u2"', true],
    ['URN:IETF:params:scim:schemas:extension:enterprise:2.0:user:department eq "sales"', true],
    ['urn:acme:2.0:User:shift sw "ni"', true],
    ['schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"', true],
    ['meta.resourceType eq "User"', true],
    ['meta.created lt "2026-01-01T01:00:00+02:00"', false],
    ['meta.created lt "2026-01-01T03:00:00+02:00"', true],
    ['meta.lastModified ge "2026-02-01T12:00:00Z" and meta.lastModified lt "2026-02-01T12:00:00.001Z"', true],
    ['userName gt "jane"', true],
    ['not (userName pr) or title pr', false],
  ])('%s is %s', (text, expected) => {
    expect(matches(parseFilter(text), jane, users)).toBe(expected);
  });

  test('text is ordered by the bytes of UTF-8, as databases do', () => {
    // U+1F600 is after U+FFFD there, and before it in JavaScript.
    expect(matches(parseFilter('title gt "\ufffd"'), { title: '\u{1f600}' }, users)).toBe(true);
  });

  test('names of prototypes are no attributes', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'name.constructor', 'emails.__proto__'])
      expect(refusalOf(() => matches(parseFilter(`${name} pr`), jane, users)).message).toContain(name);
  });
});

const word = fc.constantFrom(
  ...['userName', 'emails', 'emails.type', 'name', 'meta.created', 'active', 'schemas', 'members', 'groups', 'photos', 'type', 'value', 'primary'],
  ...['eq', 'ne', 'co', 'gt', 'pr', 'and', 'or', 'not', '(', ')', '[', ']', '.value', '"work"', '""', 'true', 'null', '7', '"2026-01-01T00:00:00Z"'],
  ...['__proto__', 'constructor', '"\\u0000"', '\\', '"', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager'],
);
const term = fc
  .tuple(
    word,
    fc.constantFrom('eq', 'ne', 'co', 'sw', 'gt', 'le'),
    fc.oneof(
      fc.string().map((text) => JSON.stringify(text)),
      word,
    ),
  )
  .map((parts) => parts.join(' '));
const text = fc.oneof(
  fc.string(),
  fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
  fc.array(term, { minLength: 1, maxLength: 4 }).map((terms) => terms.join(' and ')),
);

test('whatever is asked, the answer is yes, no or a refusal', () => {
  const resource = fc.oneof(fc.constant(jane), fc.dictionary(fc.constantFrom('userName', 'emails', 'name', 'members', '__proto__'), fc.jsonValue()));
  fc.assert(
    fc.property(text, resource, fc.constantFrom(users, GROUP_RESOURCE), (filter, one, schema) => {
      try {
        expect(typeof matches(parseFilter(filter), one as Record<string, unknown>, schema)).toBe('boolean');
      } catch (error) {
        expect(error).toBeInstanceOf(ScimError);
      }
    }),
    { numRuns: 2000 },
  );
  expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('value');
});
