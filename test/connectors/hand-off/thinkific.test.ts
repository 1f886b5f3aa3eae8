/** Thinkific's JWT, and what a server that behaves as the facts say (fixtures/sample-platform) makes of it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jwtVerify } from 'jose';
import { type SamplePlatform, startSamplePlatform } from '../../../fixtures/sample-platform/sample-platform.ts';
import type { Person } from '../../../src/connectors/connector.ts';
import { thinkificPassage } from '../../../src/connectors/hand-off/thinkific.ts';
import { Refusal } from '../../../src/core/refusal.ts';
import type { ThinkificHandOff } from '../../../src/core/tenant.ts';
import { AT, entry, SECONDS } from './entry.ts';

const handOff = (over: Partial<ThinkificHandOff> = {}): ThinkificHandOff => ({
  id: 'school',
  name: 'Acme Academy',
  kind: 'thinkific',
  platform: 'school',
  requireTrustedEmail: false,
  iatOffsetSeconds: 0,
  returnTo: null,
  errorUrl: null,
  ...over,
});
const SCHOOL = { site: 'https://learn.acme.example', apiKey: '0123456789abcdef0123456789abcdef' };
const at = async (made: ThinkificHandOff, who = entry(), school = SCHOOL) => new URL((await thinkificPassage(made, school, who)).url);
const payloadOf = async (url: URL) =>
  (await jwtVerify(url.searchParams.get('jwt')!, Buffer.from(SCHOOL.apiKey), { algorithms: ['HS256'], currentDate: AT })).payload;

describe("Thinkific's hand-off", () => {
  it('leads to the sign-in of the school with a JWT under the API key as it is written', async () => {
    const url = await at(handOff());
    expect(url.origin + url.pathname).toBe('https://learn.acme.example/api/sso/v2/sso/jwt');
    expect([...url.searchParams.keys()]).toEqual(['jwt']);
    expect(await payloadOf(url)).toEqual({
      email: 'zoe.onee@acme.example',
      first_name: 'Zoë',
      last_name: "O'Née",
      external_id: '01900000-0000-7000-8000-000000000001',
      iat: SECONDS,
      jti: `${SECONDS}/a-word-of-chance`,
    });
    // The same text read as base64 would be another key.
    await expect(jwtVerify(url.searchParams.get('jwt')!, Buffer.from(SCHOOL.apiKey, 'base64'))).rejects.toThrow();
  });

  it('says another time where the clock of the school is known to be off', async () => {
    expect(await payloadOf(await at(handOff({ iatOffsetSeconds: -500 })))).toMatchObject({
      iat: SECONDS - 500,
      jti: `${SECONDS - 500}/a-word-of-chance`,
    });
  });

  it("leads to the learner's own place before the tenant's usual one, and to its own page on an error", async () => {
    const usual = handOff({ returnTo: 'https://learn.acme.example/start', errorUrl: 'https://acme.example/help?x=1' });
    const url = await at(usual, entry({ returnTo: 'https://learn.acme.example/courses/pitch?lesson=2' }));
    expect(url.searchParams.get('return_to')).toBe('https://learn.acme.example/courses/pitch?lesson=2');
    expect(url.searchParams.get('error_url')).toBe('https://acme.example/help?x=1');
    expect((await at(usual)).searchParams.get('return_to')).toBe('https://learn.acme.example/start');
  });

  it.each<[string, Partial<Person>, [string, string]]>([
    ['a display name alone', { displayName: 'Ana María Pérez', givenName: '', familyName: '' }, ['Ana', 'María Pérez']],
    ['one word', { displayName: 'Plato', givenName: '', familyName: '' }, ['Plato', '-']],
    ['a given name alone', { displayName: '', givenName: 'Zoë', familyName: '' }, ['Zoë', '-']],
    ['a family name alone', { displayName: '', givenName: '', familyName: 'Curie' }, ['-', 'Curie']],
    ['no name at all', { displayName: '', givenName: '', familyName: '' }, ['Zoe', 'Onee']],
  ])('has both names for somebody with %s', async (_name, who, [first_name, last_name]) => {
    expect(await payloadOf(await at(handOff(), entry({ person: who })))).toMatchObject({ first_name, last_name });
  });

  it('is not made for somebody without an e-mail', async () => {
    await expect(at(handOff(), entry({ person: { email: '' } }))).rejects.toMatchObject(new Refusal('profile-incomplete', 'hand-off/email'));
  });
});

describe('at a school', () => {
  let school: SamplePlatform;
  beforeAll(async () => {
    school = await startSamplePlatform({ now: () => AT });
  });
  afterAll(() => school?.close());

  const arrive = async (made: ThinkificHandOff, who: Parameters<typeof entry>[0]) => {
    const url = await at(made, entry(who), { site: school.url, apiKey: school.apiKey });
    const answer = await fetch(url, { redirect: 'manual' });
    const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? null;
    return { status: answer.status, cookie, to: answer.headers.get('location') };
  };

  it('the learner is signed in as the one that we know', async () => {
    const { status, cookie, to } = await arrive(handOff(), { random: 'first' });
    expect(status).toBe(302);
    const page = await (await fetch(to!, { headers: { cookie: cookie! } })).text();
    expect(page).toContain('zoe.onee@acme.example');
    expect(school.school.userByExternalId('01900000-0000-7000-8000-000000000001')).toMatchObject({ firstName: 'Zoë', lastName: "O'Née" });
  });

  it('a link works once, and each hand-off makes its own', async () => {
    expect((await arrive(handOff(), { random: 'again' })).cookie).not.toBeNull();
    expect(await arrive(handOff(), { random: 'again' })).toMatchObject({ status: 400, cookie: null });
    expect((await arrive(handOff(), { random: 'anew' })).cookie).not.toBeNull();
  });

  it('a learner with one name is let in', async () => {
    const mono = { displayName: 'Plato', givenName: '', familyName: '', id: 'p1', email: 'plato@acme.example' };
    expect((await arrive(handOff(), { random: 'mono', person: mono })).status).toBe(302);
  });

  it('the offset brings in whom a wrong clock kept out', async () => {
    const slow = new Date(AT.getTime() + 600_000);
    expect((await arrive(handOff(), { random: 'slow', now: slow })).status).toBe(400);
    expect((await arrive(handOff({ iatOffsetSeconds: -600 }), { random: 'slow', now: slow })).status).toBe(302);
  });
});
