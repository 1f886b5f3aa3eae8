/** The RFC's checklist, line by line (2): the filter grammar. RFC 7644 §3.4.2.2. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Body, ENTERPRISE, type ScimClient } from './client.ts';
import { expectError, form, hire } from './people.ts';
import { type ScimWorld, startWorld } from './world.ts';

let world: ScimWorld;
let client: ScimClient;
let ada: Body;
let bo: Body;
let cy: Body;
let crew: Body;

beforeAll(async () => {
  world = await startWorld();
  client = world.client;
  bo = await hire(client, { userName: 'bo@acme.example', displayName: 'Bo 100% Sure', active: false, emails: [{ value: 'bo@acme.example' }] });
  ada = await hire(client, {
    userName: 'Ada@acme.example',
    externalId: 'Ext-A',
    displayName: 'Ada_Byron',
    title: 'Lead',
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    emails: [
      { value: 'ada@acme.example', type: 'work', primary: true },
      { value: 'ada@home.example', type: 'home' },
    ],
    [ENTERPRISE]: { department: 'Research', manager: { value: bo.id } },
  });
  cy = await hire(client, {
    userName: 'cy@acme.example',
    title: '',
    emails: [{ value: 'cy@home.example', type: 'work' }],
    displayName: 'Zoë "the" \\ Quote',
  });
  crew = await form(client, { displayName: 'Crew', members: [{ value: ada.id }] });
});
afterAll(() => world?.close());

const NAMES = () => new Map([ada, bo, cy].map((one, i) => [one.id, ['ada', 'bo', 'cy'][i]!]));
/** Whom a filter finds, by name. */
async function found(filter: string): Promise<string[]> {
  const { status, body } = await client.find('Users', filter);
  if (status !== 200) throw new Error(`${status} ${body.detail}: ${filter}`);
  expect(body.totalResults).toBe(body.Resources.length);
  return body.Resources.map(({ id }) => NAMES().get(id) ?? id).sort();
}

/** Filter → whom it finds. `$bo` is the id. */
type Table = [filter: string, found: string[]][];
const holds = (name: string, table: Table) =>
  describe(name, () => {
    it.each(table)('%s', async (filter, names) => {
      expect(await found(filter.replace(/\$(\w+)/g, (_, who: string) => ({ ada, bo, cy, crew })[who as 'ada']!.id))).toEqual(names);
    });
  });

holds('attribute names, URNs and operators in any case; and binds tighter than or; not; nesting; spaces around parentheses', [
  ['USERNAME EQ "ada@acme.example"', ['ada']],
  [`URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:user:userName Sw "ada"`, ['ada']],
  [`${ENTERPRISE.toUpperCase()}:DEPARTMENT eq "research"`, ['ada']],
  ['title pr OR active eq false AND userName sw "zzz"', ['ada']],
  ['(title pr or active eq false) and userName sw "b"', ['bo']],
  ['not (title pr)', ['bo', 'cy']],
  ['NOT(title pr) and active eq true', ['cy']],
  ['not (not (title pr))', ['ada']],
  ['  (  userName eq "bo@acme.example"  )  or  (  (  title pr  )  )  ', ['ada', 'bo']],
  ['userName sw "a" and (active eq true and (displayName co "byron" or (title eq "x")))', ['ada']],
]);

holds('eq ne co sw ew pr gt ge lt le, by the case rules of the schema; ne on absent is true; pr is false for null, "" and []', [
  ['userName eq "ADA@ACME.EXAMPLE"', ['ada']],
  ['userName ne "ada@acme.example"', ['bo', 'cy']],
  ['userName co "DA@ac"', ['ada']],
  ['userName sw "ADA"', ['ada']],
  ['userName ew "ACME.example"', ['ada', 'bo', 'cy']],
  ['userName gt "ada@acme.example"', ['bo', 'cy']],
  ['userName ge "bo@acme.example"', ['bo', 'cy']],
  ['userName lt "bo@acme.example"', ['ada']],
  ['userName le "bo@acme.example"', ['ada', 'bo']],
  ['externalId eq "Ext-A"', ['ada']],
  ['externalId eq "ext-a"', []],
  ['externalId sw "ext"', []],
  ['id eq "$ada"', ['ada']],
  ['title ne "Lead"', ['bo', 'cy']],
  ['title pr', ['ada']],
  ['externalId pr', ['ada']],
  ['phoneNumbers pr', []],
  ['name pr', ['ada']],
  ['name.givenName pr and emails pr', ['ada']],
  ['emails co "home.example"', ['ada', 'cy']],
  ['emails eq "ada@home.example"', ['ada']],
  [`${ENTERPRISE} pr`, ['ada']],
]);

holds('a value path tests one element, a dotted pair any of them', [
  ['emails[type eq "work" and value co "@home"]', ['cy']],
  ['emails.type eq "work" and emails.value co "@home"', ['ada', 'cy']],
  ['emails[type eq "work"].value eq "ada@acme.example"', ['ada']],
  ['emails[type eq "home"].value eq "ada@acme.example"', []],
  ['emails[primary eq true]', ['ada']],
  ['emails[not (type eq "work")]', ['ada', 'bo']],
  ['emails[type eq "home" or value sw "cy"]', ['ada', 'cy']],
  ['emails[type eq "work"] and emails[type eq "home"]', ['ada']],
  ['not (emails[type eq "work"])', ['bo']],
]);

holds('escapes of JSON, and the literals true, false, null', [
  ['displayName eq "Zo\\u00eb \\"the\\" \\\\ Quote"', ['cy']],
  ['displayName sw "zoë \\"THE"', ['cy']],
  ['active eq true', ['ada', 'cy']],
  ['active eq false', ['bo']],
  ['active ne true', ['bo']],
  ['active eq "False"', ['bo']],
  ['title eq null', ['bo', 'cy']],
  ['title ne null', ['ada']],
]);

holds('dates in time, whatever their offset; meta, schemas, id, groups and manager', [
  ['meta.lastModified gt "2020-01-01T00:00:00Z"', ['ada', 'bo', 'cy']],
  ['meta.lastModified lt "2020-01-01T00:00:00.000+05:30"', []],
  ['meta.created le "2999-12-31T23:59:59-12:00" and meta.created ge "2020-01-01T00:00:00Z"', ['ada', 'bo', 'cy']],
  ['meta.resourceType eq "User"', ['ada', 'bo', 'cy']],
  ['meta.resourceType eq "Group"', []],
  [`schemas eq "${ENTERPRISE}"`, ['ada']],
  ['schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"', ['ada', 'bo', 'cy']],
  ['groups eq "$crew"', ['ada']],
  ['groups.value eq "$crew"', ['ada']],
  ['groups.display eq "CREW"', ['ada']],
  ['groups pr', ['ada']],
  ['not (groups pr)', ['bo', 'cy']],
  ['manager eq "$bo"', ['ada']],
  [`${ENTERPRISE}:manager.value eq "$bo"`, ['ada']],
  [`${ENTERPRISE}:manager.value eq "$ada"`, []],
  ['userName eq "$bo"', []],
]);

it('a moment is found to the millisecond, in any offset', async () => {
  const { created } = ada.meta;
  const elsewhere = new Date(new Date(created).getTime() + 2 * 3_600_000).toISOString().replace('Z', '+02:00');
  expect(await found(`meta.created eq "${created}"`)).toContain('ada');
  expect(await found(`meta.created eq "${elsewhere}" and userName sw "ada"`)).toEqual(['ada']);
  expect(await found(`meta.created lt "${created}" and userName sw "ada"`)).toEqual([]);
});

describe('members of groups', () => {
  it.each([
    ['members eq "$ada"', 1],
    ['members.value eq "$ada"', 1],
    ['members[value eq "$ada"]', 1],
    ['members eq "$bo"', 0],
    ['displayName eq "CREW"', 1],
    ['displayName sw "cr" and members pr', 1],
    ['not (members pr)', 0],
    ['meta.resourceType eq "Group" and externalId pr', 0],
  ])('%s', async (filter, total) => {
    const { status, body } = await client.find('Groups', filter.replace('$ada', ada.id).replace('$bo', bo.id));
    expect({ status, total: body.totalResults }).toEqual({ status: 200, total });
  });
});

describe('what is no filter is 400 invalidFilter', () => {
  it.each([
    'active gt true',
    'active lt false',
    'active co "t"',
    'userName like "a"',
    'userName eq bob',
    "userName eq 'bob'",
    'userName eq "unfinished',
    '(userName eq "a"',
    'userName eq "a")',
    '((userName eq "a")',
    'emails[type eq "work"',
    'emails[]',
    '',
    '   ',
    '()',
    'userName eq "a" and',
    'userName eq "a" or',
    'and userName eq "a"',
    'not',
    'not userName eq "a"',
    'userName',
    'userName eq',
    'eq "a"',
    'userName eq "a" userName eq "b"',
    'userName eq "a" xor title pr',
    'userName pr "a"',
    'userName eq "\\x"',
    'userName eq "\\u12"',
    'userName gt null',
    'meta.lastModified gt "yesterday"',
    'meta.lastModified gt "2026-13-45T99:00:00Z"',
    'userName eq {"a":1}',
    'userName eq 007',
    'userName eq ["a"]',
    'userName[type eq "x"]',
    'shoeSize eq "44"',
    'name.shoeSize eq "44"',
    'emails[shade eq "green"]',
    'emails.value.more eq "x"',
    'urn:nobody:knows:User:thing eq "x"',
    '__proto__ eq "x"',
    'constructor.prototype eq "x"',
    'emails[emails[type eq "work"]]',
  ])('%s', async (filter) => {
    const answer = await client.find('Users', filter);
    expectError(answer, { status: 400, scimType: 'invalidFilter' });
    expect(answer.body.detail.length).toBeGreaterThan(5);
  });

  it('one that is too long or too deep, without work being done first', async () => {
    const began = performance.now();
    for (const filter of [
      `userName eq "${'a'.repeat(2100)}"`,
      `${'('.repeat(21)}title pr${')'.repeat(21)}`,
      `${'not ('.repeat(25)}title pr${')'.repeat(25)}`,
      `${'('.repeat(900)}title pr${')'.repeat(900)}`,
    ])
      expectError(await client.find('Users', filter), { status: 400, scimType: 'invalidFilter' });
    const long = { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], filter: `${'title pr or '.repeat(8500)}title pr` };
    expectError(await client.post('/Users/.search', long), { status: 400, scimType: 'invalidFilter' });
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it('one within the bounds is answered', async () => {
    expect(await found(`${'('.repeat(15)}title pr${')'.repeat(15)}`)).toEqual(['ada']);
    expect(await found(Array.from({ length: 60 }, (_, i) => `userName eq "nobody-${i}"`).join(' or '))).toEqual([]);
  });
});

holds('parameters are bound; % and _ are letters', [
  ['displayName co "100%"', ['bo']],
  ['displayName co "%"', ['bo']],
  ['displayName sw "%"', []],
  ['displayName co "_"', ['ada']],
  ['displayName sw "___"', []],
  ['displayName ew "____n"', []],
  ['displayName co "\\\\"', ['cy']],
  ['userName eq "x\' or 1=1 --"', []],
  ['userName co "\'; drop table app_user; --"', []],
  ['displayName co "*"', []],
  ['displayName sw "[A-Z]"', []],
]);
