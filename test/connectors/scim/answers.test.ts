/** What an application may answer, and what we make of it. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Connector, Person } from '../../../src/connectors/connector.ts';
import { attemptOf, made, makePerson } from '../people.ts';
import { failureOf } from '../suite-steps.ts';
import { type Application, startApplication, TOKEN, type Trouble } from './application.ts';
import { connectorTo, NOW, type PlatformOver } from './platform.ts';

let application: Application;
let connector: Connector;
beforeEach(async () => {
  application = await startApplication();
  connector = connectorTo(application.url);
});
afterEach(() => application.close());

const upsert = (person: Person, known: string | null = null) => made(connector.upsert(known, attemptOf('k', person, [])));
const inTenSeconds = new Date(NOW.getTime() + 10_000).toUTCString();
const scimError = (scimType: string, detail: string) => JSON.stringify({ status: '400', scimType, detail });

type Told = Record<string, unknown>;
const ROWS: [string, Trouble, Told][] = [
  ['a token that is not taken', { status: 401 }, { name: 'TerminalFailure', code: 'auth', scope: 'platform' }],
  ['a plan, scope or seats that do not allow it', { status: 403 }, { name: 'TerminalFailure', code: 'plan', scope: 'platform' }],
  ['no SCIM at the address', { status: 404 }, { name: 'TerminalFailure', code: 'not-found', scope: 'platform' }],
  [
    'too many requests, seconds',
    { status: 429, headers: { 'retry-after': '7' } },
    { name: 'TransientFailure', code: 'rate-limited', scope: 'platform', retryAfterMs: 7000 },
  ],
  [
    'too many requests, a date',
    { status: 429, headers: { 'retry-after': inTenSeconds } },
    { name: 'TransientFailure', code: 'rate-limited', scope: 'platform', retryAfterMs: 10_000 },
  ],
  ['an error of this request', { status: 500 }, { name: 'TransientFailure', code: 'upstream', scope: 'person' }],
  ...[502, 503, 504, 522].map((status): [string, Trouble, Told] => [
    `an application that is away (${status})`,
    { status },
    { name: 'TransientFailure', code: 'upstream', scope: 'platform' },
  ]),
  ['a page instead of an answer', { status: 200 }, { name: 'TransientFailure', code: 'nonsense', scope: 'person' }],
  ['half a JSON', { status: 200, body: '{"Resources": [' }, { name: 'TransientFailure', code: 'nonsense', scope: 'person' }],
  ['a list that is none', { status: 200, body: '{"Resources": {"id": 1}}' }, { name: 'TransientFailure', code: 'nonsense', scope: 'person' }],
  ['an object of something else', { status: 200, body: '{"hello": "world"}' }, { name: 'TransientFailure', code: 'nonsense', scope: 'person' }],
  ['what it does not take', { status: 422 }, { name: 'TerminalFailure', code: 'validation', scope: 'person' }],
];

describe('the answer to a search', () => {
  it.each(ROWS)('%s', async (_name, trouble, told) => {
    application.trouble({ ...trouble, on: 'GET /Users' });
    const person = makePerson();
    const failure = await failureOf(upsert(person));
    const status = told['code'] === 'nonsense' ? {} : { status: trouble.status };
    expect(failure).toMatchObject({ ...told, ...status });
    expect(application.users.size).toBe(0);
    // The next attempt finds everything well.
    expect((await upsert(person)).created).toBe(true);
  });
});

describe('the answer to a new user', () => {
  it('a refusal is told by its status and SCIM’s own word, and never by what the application writes', async () => {
    const person = makePerson();
    application.trouble({ status: 400, body: scimError('invalidValue', `${person.email} is no good`), on: 'POST' });
    const failure = await failureOf(upsert(person));
    expect(failure).toMatchObject({ name: 'TerminalFailure', code: 'validation', message: 'app refuses a new user: 400 invalidValue', status: 400 });
    application.trouble({ status: 400, body: scimError(person.email, person.email), on: 'POST' });
    expect((await failureOf(upsert(person))).message).toBe('app refuses a new user: 400');
  });

  it('a user that it says is there, and does not show, is a conflict', async () => {
    application.trouble({ status: 409, on: 'POST' });
    expect(await failureOf(upsert(makePerson()))).toMatchObject({ name: 'TerminalFailure', code: 'conflict', scope: 'person', status: 409 });
  });

  it('a user without an id is none', async () => {
    application.trouble({ status: 201, body: '{"userName":"x"}', on: 'POST' });
    expect(await failureOf(upsert(makePerson()))).toMatchObject({ name: 'TransientFailure', code: 'nonsense' });
  });
});

describe('the answer to a change of members', () => {
  it('what concerns the platform is not asked for again with the next group', async () => {
    const { account } = await upsert(makePerson());
    application.trouble({ status: 429, headers: { 'retry-after': '3' }, on: 'PATCH', times: 5 });
    const resources = ['Sales', 'Board'].map((name) => ({ kind: 'target' as const, id: `bundle:${name}`, name }));
    const operations = resources.map((resource) => ({ kind: 'add' as const, resource }));
    const applied = await connector.apply({ id: account.id, held: null }, operations, attemptOf('k', makePerson(), []));
    expect(applied.map(({ outcome }) => outcome)).toEqual(
      operations.map(() => expect.objectContaining({ code: 'rate-limited', retryAfterMs: 3000 })),
    );
    expect(application.calls().filter((call) => call.startsWith('PATCH'))).toHaveLength(1);
  });
});

describe('a check', () => {
  const check = (over: PlatformOver = {}, token = TOKEN) => connectorTo(application.url, over, token).check(new AbortController().signal);
  const wrong = async (over?: PlatformOver, token?: string) => (await check(over, token)).filter(({ ok }) => !ok);

  it('finds all well, changes nothing, and asks once what the service can do', async () => {
    const { signal } = new AbortController();
    for (const _ of [1, 2])
      expect((await connector.check(signal)).map(({ check: name, ok }) => [name, ok])).toEqual([
        ['service', true],
        ['users', true],
        ['groups', true],
      ]);
    expect(application.asked.every(({ method }) => method === 'GET')).toBe(true);
    expect(application.calls().filter((call) => call.includes('ServiceProviderConfig'))).toHaveLength(1);
  });

  it('names a wrong token, and what to do', async () => {
    const findings = await wrong({}, 'another-token');
    expect(findings).toEqual([
      { check: 'service', ok: false, message: 'app does not take the token (401)', next: expect.stringContaining('new token') },
    ]);
  });

  it('names a wrong address', async () => {
    const findings = await connectorTo(`${application.url}/elsewhere`).check(new AbortController().signal);
    expect(findings.filter(({ ok }) => !ok)).toContainEqual(expect.objectContaining({ check: 'users', next: expect.stringContaining('/v2') }));
  });

  it('names the quirks that do not fit', async () => {
    Object.assign(application.quirks, { patch: false, filters: ['userName'], groups: false });
    const next = (await wrong()).map((finding) => [finding.check, finding.next]);
    expect(next).toEqual([
      ['update', 'Set quirks.update: put.'],
      ['users', 'Set quirks.findBy: userName.'],
      ['groups', expect.any(String)],
    ]);
    expect(await wrong({ groups: 'none', quirks: { update: 'put', findBy: 'userName' } })).toEqual([]);
  });

  it('names an application that takes no notice of a search', async () => {
    application.quirks.filters = 'ignored';
    application.user({ userName: 'other' });
    expect(await wrong()).toContainEqual(expect.objectContaining({ check: 'users', message: expect.stringContaining('no notice') }));
  });
});
