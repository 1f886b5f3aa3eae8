/** The signed hand-off: what the receiver can verify, and what it is told. */
import { describe, expect, it } from '@jest/globals';
import { type CryptoKey, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, jwtVerify } from 'jose';
import type { Entry } from '../../../src/connectors/hand-off/hand-off.ts';
import { type SigningKey, signedPassage } from '../../../src/connectors/hand-off/signed.ts';
import type { SignedHandOff } from '../../../src/core/tenant.ts';
import { AT, entry, SECONDS } from './entry.ts';

const SECRET = Buffer.from('not base64!, as plain bytes');
const shared: SigningKey = { key: SECRET, kid: null };

const handOff = (over: Partial<SignedHandOff> = {}): SignedHandOff => ({
  id: 'desk',
  name: 'Help desk',
  kind: 'signed',
  requireTrustedEmail: false,
  url: 'https://desk.example/access/jwt?brand=7',
  method: 'query',
  parameter: 'jwt',
  returnToParameter: 'return_to',
  parameters: {},
  algorithm: 'HS256',
  secret: 'env:DESK',
  lifeSeconds: 60,
  exp: true,
  issuer: null,
  audience: null,
  claims: { email: '{email}' },
  ...over,
});

async function tokenIn(made: SignedHandOff, at: Entry = entry(), key: SigningKey = shared): Promise<string> {
  const passage = await signedPassage(made, key, at);
  if (passage.kind === 'form') return passage.fields[made.parameter]!;
  return new URL(passage.url).searchParams.get(made.parameter)!;
}
const claimsOf = async (made: SignedHandOff, at?: Entry) =>
  (await jwtVerify(await tokenIn(made, at), SECRET, { algorithms: ['HS256'], currentDate: AT })).payload;

describe('a signed hand-off', () => {
  it('carries a JWT in the query, beside what the address and the tenant file say already', async () => {
    const made = handOff({ parameters: { company: 'a&b=c' } });
    const passage = await signedPassage(made, shared, entry());
    const url = new URL(passage.url);
    expect(passage.kind).toBe('redirect');
    expect(url.origin + url.pathname).toBe('https://desk.example/access/jwt');
    expect(Object.fromEntries(url.searchParams)).toEqual({ brand: '7', company: 'a&b=c', jwt: expect.any(String) });
    const { payload, protectedHeader } = await jwtVerify(url.searchParams.get('jwt')!, SECRET, { currentDate: AT });
    expect(protectedHeader).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(payload).toEqual({ email: 'zoe.onee@acme.example', iat: SECONDS, exp: SECONDS + 60, jti: 'a-word-of-chance' });
  });

  it('carries it in a form, so that it stands in no address', async () => {
    const made = handOff({ method: 'form', parameters: { company: '7' } });
    const passage = await signedPassage(made, shared, entry({ returnTo: 'https://desk.example/tickets?open=1' }));
    expect(passage).toEqual({
      kind: 'form',
      url: 'https://desk.example/access/jwt?brand=7',
      fields: { company: '7', jwt: expect.any(String), return_to: 'https://desk.example/tickets?open=1' },
    });
    await expect(claimsOf(made)).resolves.toMatchObject({ email: 'zoe.onee@acme.example' });
  });

  it('says where the learner wants to go where the receiver can be told, and else does not', async () => {
    const wish = entry({ returnTo: 'https://desk.example/tickets?open=1&by=me' });
    const told = new URL((await signedPassage(handOff({ returnToParameter: 'to' }), shared, wish)).url);
    expect(told.searchParams.get('to')).toBe('https://desk.example/tickets?open=1&by=me');
    const untold = new URL((await signedPassage(handOff({ returnToParameter: null }), shared, wish)).url);
    expect([...untold.searchParams.keys()]).toEqual(['brand', 'jwt']);
  });

  it('holds for its life and not a second longer', async () => {
    const token = await tokenIn(handOff({ lifeSeconds: 90 }));
    const at = (seconds: number) => jwtVerify(token, SECRET, { currentDate: new Date((SECONDS + seconds) * 1000) });
    await expect(at(89)).resolves.toBeTruthy();
    await expect(at(90)).rejects.toMatchObject({ code: 'ERR_JWT_EXPIRED' });
  });

  it('has no exp for receivers that refuse one, and still its iat and jti', async () => {
    expect(await claimsOf(handOff({ exp: false }))).toEqual({ email: 'zoe.onee@acme.example', iat: SECONDS, jti: 'a-word-of-chance' });
  });

  it('names issuer and audience', async () => {
    const token = await tokenIn(handOff({ issuer: 'https://learn.example', audience: 'desk' }));
    await expect(jwtVerify(token, SECRET, { issuer: 'https://learn.example', audience: 'desk', currentDate: AT })).resolves.toBeTruthy();
    await expect(jwtVerify(token, SECRET, { audience: 'another', currentDate: AT })).rejects.toMatchObject({ claim: 'aud' });
  });

  it('does not hold for another secret', async () => {
    await expect(jwtVerify(await tokenIn(handOff()), Buffer.from('another'), { currentDate: AT })).rejects.toMatchObject({
      code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    });
  });

  it.each(['RS256', 'ES256'] as const)('is signed by %s with a key whose public half verifies it, found by its kid', async (algorithm) => {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
    const token = await tokenIn(handOff({ algorithm, secret: null }), entry(), { key: privateKey as CryptoKey, kid: 'the-key' });
    expect(decodeProtectedHeader(token)).toEqual({ alg: algorithm, typ: 'JWT', kid: 'the-key' });
    const published = await importJWK(await exportJWK(publicKey), algorithm);
    await expect(jwtVerify(token, published, { algorithms: [algorithm], currentDate: AT })).resolves.toBeTruthy();
  });
});

describe('claim templates', () => {
  const told = async (claims: Record<string, string>, at?: Entry) => {
    const { iat: _iat, jti: _jti, exp: _exp, ...said } = await claimsOf(handOff({ claims }), at);
    return said;
  };

  it('are filled with what is known of the learner', async () => {
    const names = ['id', 'userName', 'email', 'displayName', 'givenName', 'familyName', 'locale', 'timezone', 'title', 'role', 'tenant'];
    expect(await told(Object.fromEntries(names.map((name) => [name, `{${name}}`])))).toEqual({
      id: '01900000-0000-7000-8000-000000000001',
      userName: 'zoe@acme.example',
      email: 'zoe.onee@acme.example',
      displayName: "Zoë O'Née",
      givenName: 'Zoë',
      familyName: "O'Née",
      locale: 'fr',
      timezone: 'Europe/Paris',
      title: 'Head of <b>Sales</b> & more',
      role: 'learner',
      tenant: 'acme',
    });
  });

  it('may hold text, several placeholders and custom fields, whatever the case of their names', async () => {
    expect(await told({ who: '{familyName}, {givenName} ({field.Department})', fixed: 'learner' })).toEqual({
      who: "O'Née, Zoë (Sales, North)",
      fixed: 'learner',
    });
  });

  it('make a list of enrolments alone, and text of enrolments among text', async () => {
    expect(await told({ list: '{enrolments}', text: 'has {enrolments}' })).toEqual({
      list: ['bundle:sales', 'group:north'],
      text: 'has bundle:sales,group:north',
    });
  });

  it('leave out what is empty', async () => {
    const nobody = entry({ person: { givenName: '', familyName: '', title: '' }, targets: [] });
    expect(
      await told({ title: '{title}', both: '{givenName} {familyName}', none: '{field.cost}', list: '{enrolments}', id: '{id}' }, nobody),
    ).toEqual({
      id: '01900000-0000-7000-8000-000000000001',
    });
  });

  it('always have a name, and never an address as one', async () => {
    const bare = { displayName: '', givenName: '', familyName: '' };
    expect(await told({ name: '{displayName}' }, entry({ person: bare }))).toEqual({ name: 'zoe' });
    expect(await told({ name: '{displayName}' }, entry({ person: { ...bare, familyName: "O'Née" } }))).toEqual({ name: "O'Née" });
  });

  it('do not look into what they put in', async () => {
    const sly = entry({ person: { displayName: '{field.department}{email}', fields: { department: '{id}', constructor: 'c' } } });
    expect(await told({ name: '{displayName}', dep: '{field.department}', proto: '{field.__proto__}', own: '{field.toString}' }, sly)).toEqual({
      name: '{field.department}{email}',
      dep: '{id}',
    });
  });

  it('cannot speak over what protects the token', async () => {
    const payload = await claimsOf(handOff({ claims: { iat: '1', exp: '9999999999', jti: '{id}', email: '{email}' } }));
    expect(payload).toEqual({ email: 'zoe.onee@acme.example', iat: SECONDS, exp: SECONDS + 60, jti: 'a-word-of-chance' });
  });

  it('that name what nobody knows are a fault, not an empty claim', async () => {
    await expect(signedPassage(handOff({ claims: { x: '{password}' } }), shared, entry())).rejects.toThrow('{password}');
  });
});
