import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { effects, type FaultEffect } from '../../../fixtures/sample-platform/faults.ts';
import type { Person } from '../../../src/connectors/connector.ts';
import { attemptOf, made, makePerson } from '../people.ts';
import { makeWorld, START, signal, type World } from './world.ts';

const inSeconds = (seconds: number) => START.getTime() / 1000 + seconds;
const page = '<!DOCTYPE html><html><body>Attention required</body></html>';

type Expected = [
  what: string,
  effect: FaultEffect,
  told: { name: 'TransientFailure' | 'TerminalFailure'; code: string; scope: string; retryAfterMs?: number },
];
const transient = (code: string, scope: string, retryAfterMs?: number) => ({
  name: 'TransientFailure' as const,
  code,
  scope,
  ...(retryAfterMs ? { retryAfterMs } : {}),
});
const terminal = (code: string, scope: string) => ({ name: 'TerminalFailure' as const, code, scope });

const TROUBLE: Expected[] = [
  ['a page with 200', effects.html(), transient('nonsense', 'person')],
  ['half a JSON', effects.brokenJson(), transient('nonsense', 'person')],
  ['a JSON of another shape', effects.wrongShape(), transient('nonsense', 'person')],
  ['a list in place of an object', effects.answer(200, []), transient('nonsense', 'person')],
  ['nothing', effects.empty(), transient('nonsense', 'person')],
  ['an empty 200', effects.answer(200, ''), transient('nonsense', 'person')],
  ['too much', effects.oversized(), transient('nonsense', 'person')],
  ['a redirect', { kind: 'answer', answer: { status: 302, headers: { location: '/' } } }, transient('nonsense', 'person')],
  ['500', effects.serverError(), transient('upstream', 'person')],
  ...[502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527].map(
    (status): Expected => [`${status} as a page`, effects.proxyError(status), transient('upstream', 'platform')],
  ),
  ['429 without a word', effects.tooMany(), transient('rate-limited', 'platform', 60_000)],
  ['429 with seconds since 1970', effects.tooMany(String(inSeconds(25))), transient('rate-limited', 'platform', 25_000)],
  ['429 with milliseconds since 1970', effects.tooMany(String(inSeconds(25) * 1000)), transient('rate-limited', 'platform', 25_000)],
  ['401', effects.unauthorised(), terminal('auth', 'platform')],
  ['403', effects.forbidden(), terminal('plan', 'platform')],
  ['403 as a page of a proxy', effects.answer(403, page, 'text/html'), transient('upstream', 'platform')],
  ['409', effects.answer(409, { error: 'no' }), terminal('conflict', 'person')],
  ['400', effects.answer(400, { error: 'no' }), terminal('validation', 'person')],
  ['a broken connection', effects.cut(), transient('network', 'platform')],
];

describe('what Thinkific answers is judged before it is believed', () => {
  let world: World;
  let person: Person;
  beforeEach(async () => {
    world = await makeWorld();
    person = makePerson();
  });
  afterEach(() => world.close());
  const upsert = (known: string | null = null) => made(world.connector.upsert(known, attemptOf('change', person, [])));

  it.each(TROUBLE)('%s', async (_what, effect, told) => {
    const { account } = await upsert();
    world.platform.faults.add({ effect });
    const resource = world.resource('course', 'alone');
    const attempt = attemptOf('change', person, [resource]);
    const [applied] = await world.connector.apply({ id: account.id, held: null }, [{ kind: 'add', resource }], attempt);
    expect(applied!.outcome).toMatchObject(told);
    await expect(world.connector.read(account.id, [resource], signal())).rejects.toMatchObject(told);
    await expect(world.connector.catalogue(signal())).rejects.toMatchObject(told);
    expect(world.platform.school.enrolments).toEqual([]);
  });

  it.each([
    [effects.fieldErrors({ first_name: ['is Quillon'], last_name: ["can't be blank"] }), /first_name, last_name/],
    [effects.fieldErrors({ 'first_name says <b>': ['no'] }), /names no field/],
    [effects.listErrors('Quillon cannot be saved'), /names no field/],
    [effects.answer(422, { errors: null }), /names no field/],
  ])('422 in both of its shapes names fields and nothing of what is in them: %#', async (effect, message) => {
    world.platform.faults.add({ method: 'POST', effect });
    const failure = await upsert().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'TerminalFailure',
      code: 'validation',
      scope: 'person',
      status: 422,
      message: expect.stringMatching(message),
    });
    expect((failure as Error).message).not.toMatch(/Quillon|<b>/);
  });

  it("the vendor's words, which may hold anything, are in no message", async () => {
    for (const effect of [
      effects.forbidden('Quillon pays too little'),
      effects.answer(401, { error: 'Quillon' }),
      effects.answer(400, { error: 'Quillon' }),
    ]) {
      const remove = world.platform.faults.add({ effect });
      const failure = (await upsert().catch((error: unknown) => error)) as Error;
      expect(failure.name).toBe('TerminalFailure');
      expect(failure.message).not.toMatch(/Quillon/);
      remove();
    }
  });

  it.each(['PUT', 'POST'])('a page in answer to a %s is no success', async (method) => {
    const { account } = await upsert();
    world.platform.faults.add({ method, effect: effects.html() });
    const known = method === 'PUT' ? account.id : null;
    person = known ? { ...person, givenName: 'Renamed' } : makePerson();
    await expect(upsert(known)).rejects.toMatchObject({ name: 'TransientFailure', code: 'nonsense' });
  });

  it('its own limit of calls is respected by what it says', async () => {
    Object.assign(world.platform.limits, { perMinute: 2 });
    await upsert();
    await expect(world.connector.catalogue(signal())).rejects.toMatchObject({
      code: 'rate-limited',
      scope: 'platform',
      retryAfterMs: 50_000,
      status: 429,
    });
    world.pass(50_000);
    await expect(world.connector.find(person, signal())).resolves.toMatchObject({ privileged: false });
  });
});

describe('credentials', () => {
  let world: World;
  beforeEach(async () => {
    world = await makeWorld();
  });
  afterEach(() => world.close());
  const reaches = async (secrets: { apiKey: string | null; accessToken: string | null }) =>
    (await world.connect(secrets).catalogue(signal())).length > 0;

  it('a key, a token, and a token that was written as the key all open it', async () => {
    const { apiKey, accessToken } = world.platform;
    expect(await reaches({ apiKey, accessToken: null })).toBe(true);
    expect(await reaches({ apiKey: null, accessToken })).toBe(true);
    expect(await reaches({ apiKey: accessToken, accessToken: null })).toBe(true);
  });

  it('what each allows is known beforehand', () => {
    const { apiKey, accessToken } = world.platform;
    const can = (secrets: { apiKey: string | null; accessToken: string | null }) => {
      const { remove, users, handOff } = world.connect(secrets).capabilities;
      return { groups: remove.includes('group'), email: users.changeEmail, handOff };
    };
    expect(can({ apiKey, accessToken })).toEqual({ groups: true, email: true, handOff: ['jwt'] });
    expect(can({ apiKey, accessToken: null })).toEqual({ groups: false, email: true, handOff: ['jwt'] });
    expect(can({ apiKey: null, accessToken })).toEqual({ groups: true, email: false, handOff: [] });
    expect(can({ apiKey: accessToken, accessToken: null })).toEqual({ groups: true, email: false, handOff: [] });
  });

  it('none at all is a matter of the configuration, and nothing is asked', async () => {
    await expect(reaches({ apiKey: null, accessToken: null })).rejects.toMatchObject({
      name: 'TerminalFailure',
      code: 'configuration',
      scope: 'platform',
    });
    expect(world.asked()).toEqual([]);
  });
});
