import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import { connectionTo } from '../../../fixtures/oidc/connection.ts';
import { authorise, type HostileOp, startHostileOp } from '../../../fixtures/oidc/hostile-op.ts';
import { type OidcIdp, startOidcIdp } from '../../../fixtures/sample-idp/oidc-idp.ts';
import type { SamplePerson } from '../../../fixtures/sample-idp/people.ts';
import { Refusal } from '../../../src/core/refusal.ts';
import type { OidcConnection } from '../../../src/core/tenant.ts';
import { createGuardedFetch } from '../../../src/lib/fetch.ts';
import { randomToken } from '../../../src/lib/secrets.ts';
import { createOidcProvider, type OidcProvider, type OidcSignIn } from '../../../src/protocols/oidc/oidc.ts';

const fetchGuarded = createGuardedFetch({ loopback: true });
const redirectUri = 'http://127.0.0.1:1/t/acme/oidc/op/callback';
const MINUTE = 60_000;

const ada: SamplePerson = {
  id: 'ada',
  email: 'ada@example.com',
  givenName: 'Ada',
  familyName: "O'Løvelace",
  displayName: "Ada O'Løvelace",
  groups: ['Engineering', 'Staff'],
  attributes: { department: ['Research'], costCentre: ['1', '2'] },
};

/** Follows redirects as a browser with cookies, until the callback is reached. */
async function browse(start: string): Promise<URLSearchParams> {
  const jar = new Map<string, string>();
  for (let url = start, hops = 0; hops < 10; hops++) {
    if (url.startsWith(redirectUri)) return new URL(url).searchParams;
    const answer = await fetch(url, { redirect: 'manual', headers: { cookie: [...jar].map((pair) => pair.join('=')).join('; ') } });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      jar.set(name!, value!);
    }
    const location = answer.headers.get('location');
    if (!location) throw new Error(`no redirect but ${answer.status}: ${await answer.text()}`);
    url = new URL(location, url).href;
  }
  throw new Error('too many redirects');
}

interface Login {
  now?: Date;
  /** Between the browser's return and its callback. */
  meanwhile?: () => Promise<void>;
}

async function signIn(provider: OidcProvider, visit: (url: string) => Promise<URLSearchParams>, { now = new Date(), meanwhile }: Login = {}) {
  const secrets = { state: randomToken(), nonce: randomToken(), codeVerifier: randomToken() };
  const { url } = await provider.start({ ...secrets, loginHint: ada.email, now });
  const parameters = await visit(url);
  await meanwhile?.();
  return provider.finish({ ...secrets, query: parameters.toString(), now });
}

describe('with a real provider', () => {
  const clientSecret = 'a secret with spaces: and/other characters';
  let idp: OidcIdp;
  let pem: string;
  let jwk: string;

  beforeAll(async () => {
    const rsa = await generateKeyPair('RS256', { extractable: true });
    const elliptic = await generateKeyPair('ES256', { extractable: true });
    pem = await exportPKCS8(rsa.privateKey);
    jwk = JSON.stringify({ ...(await exportJWK(elliptic.privateKey)), kid: 'gateway-ec' });
    const jwks = {
      keys: [
        { ...(await exportJWK(rsa.publicKey)), kid: 'gateway-rsa', use: 'sig' },
        { ...(await exportJWK(elliptic.publicKey)), kid: 'gateway-ec', use: 'sig' },
      ],
    };
    const redirectUris = [redirectUri];
    idp = await startOidcIdp({
      people: [ada],
      overage: true,
      clients: [
        { clientId: 'basic', clientSecret, redirectUris, auth: 'client_secret_basic', backchannelLogoutUri: `${redirectUri}/logout` },
        { clientId: 'post', clientSecret, redirectUris, auth: 'client_secret_post' },
        { clientId: 'signed', jwks, redirectUris, auth: 'private_key_jwt' },
      ],
    });
  });
  afterAll(() => idp.close());
  afterEach(() => idp.setPeople([ada]));

  const connect = (changes: Partial<OidcConnection> = {}): OidcConnection => ({
    ...connectionTo({ issuer: idp.issuer, clientId: 'basic' } as HostileOp),
    userinfo: false,
    maxAgeSeconds: null,
    ...changes,
  });
  const providerFor = (connection: OidcConnection, credential = clientSecret) =>
    createOidcProvider({ connection, redirectUri, credential, fetch: fetchGuarded, loopback: true });

  it('a person comes out with subject, profile, groups and further claims', async () => {
    const result = await signIn(providerFor(connect()), browse);
    expect(result).toMatchObject({ subject: 'ada', sub: 'ada', issuer: idp.issuer, email: 'ada@example.com', emailVerified: true });
    expect(result.sid).toEqual(expect.any(String));
    expect(result.statement).toEqual({
      profile: { email: 'ada@example.com', givenName: 'Ada', familyName: "O'Løvelace", displayName: "Ada O'Løvelace" },
      fields: {},
      groups: { said: 'listed', groups: ['Engineering', 'Staff'] },
      active: true,
      claims: expect.objectContaining({ department: ['Research'], costCentre: ['1', '2'] }),
    });
  });

  it('two identical logins say identical things', async () => {
    const provider = providerFor(connect({ maxAgeSeconds: 300, userinfo: true }));
    const first = await signIn(provider, browse);
    const second = await signIn(provider, browse);
    expect(second.statement).toEqual(first.statement);
    expect(second.subject).toBe(first.subject);
  });

  it.each([
    [
      'client_secret_post',
      (): [Partial<OidcConnection>, string] => [{ clientId: 'post', clientAuth: { method: 'client_secret_post', secret: 'env:S' } }, clientSecret],
    ],
    [
      'private_key_jwt with a PEM key',
      (): [Partial<OidcConnection>, string] => [
        { clientId: 'signed', clientAuth: { method: 'private_key_jwt', key: 'file:k', kid: 'gateway-rsa', alg: 'RS256' } },
        pem,
      ],
    ],
    [
      'private_key_jwt with a JWK',
      (): [Partial<OidcConnection>, string] => [
        { clientId: 'signed', clientAuth: { method: 'private_key_jwt', key: 'file:k', kid: null, alg: 'ES256' } },
        jwk,
      ],
    ],
  ])('the gateway authenticates by %s', async (_method, how) => {
    const [changes, credential] = how();
    await expect(signIn(providerFor(connect(changes), credential), browse)).resolves.toMatchObject({ subject: 'ada' });
  });

  it('a wrong client secret is the connection’s fault, not the learner’s', async () => {
    await expect(signIn(providerFor(connect(), 'wrong'), browse)).rejects.toMatchObject({
      code: 'connection-unusable',
      check: 'oidc/client-credentials',
    });
  });

  it('an unusable private key is refused before the browser is sent away, without showing it', async () => {
    const connection = connect({ clientAuth: { method: 'private_key_jwt', key: 'file:k', kid: null, alg: 'RS256' } });
    const error = await signIn(providerFor(connection, '-----BEGIN PRIVATE KEY-----\nnonsense'), browse).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'connection-unusable', check: 'oidc/client-key' });
    expect(String(error)).not.toContain('nonsense');
  });

  it('a code is good once', async () => {
    const provider = providerFor(connect());
    const secrets = { state: randomToken(), nonce: randomToken(), codeVerifier: randomToken() };
    const { url } = await provider.start({ ...secrets, loginHint: ada.email, now: new Date() });
    const query = (await browse(url)).toString();
    await provider.finish({ ...secrets, query, now: new Date() });
    await expect(provider.finish({ ...secrets, query, now: new Date() })).rejects.toMatchObject({ check: 'oidc/token-error' });
  });

  it('a login under way survives a rotation of the provider’s keys, and so does the next', async () => {
    const provider = providerFor(connect());
    await signIn(provider, browse);
    await expect(signIn(provider, browse, { meanwhile: () => idp.rotateKeys() })).resolves.toMatchObject({ subject: 'ada' });
    await idp.rotateKeys();
    await expect(signIn(provider, browse)).resolves.toMatchObject({ subject: 'ada' });
  });

  it('absent, empty, listed and overflowing groups stay four different things', async () => {
    const provider = providerFor(connect());
    const groupsWith = async (groups: string[] | null) => {
      idp.setPeople([{ ...ada, groups }]);
      return (await signIn(provider, browse)).statement.groups;
    };
    expect(await groupsWith(null)).toEqual({ said: 'absent' });
    expect(await groupsWith([])).toEqual({ said: 'listed', groups: [] });
    expect(await groupsWith(['A'])).toEqual({ said: 'listed', groups: ['A'] });
    expect(await groupsWith(Array.from({ length: 250 }, (_, i) => `g${i}`))).toMatchObject({ said: 'overflow' });
  });

  it('a disabled person is said to be so', async () => {
    idp.setPeople([{ ...ada, disabled: true }]);
    expect((await signIn(providerFor(connect()), browse)).statement.active).toBe(false);
  });

  it('without a hint the provider’s page lists the people, and works with a plain form', async () => {
    const secrets = { state: randomToken(), nonce: randomToken(), codeVerifier: randomToken() };
    const provider = providerFor(connect());
    const { url } = await provider.start({ ...secrets, loginHint: null, now: new Date() });
    const redirect = await fetch(url, { redirect: 'manual' });
    const cookie = redirect.headers
      .getSetCookie()
      .map((c) => c.split(';')[0])
      .join('; ');
    const interaction = new URL(redirect.headers.get('location')!, idp.issuer).href;
    const html = await (await fetch(interaction, { headers: { cookie } })).text();
    expect(html).toContain('Ada O&#39;Løvelace');
    const chosen = await fetch(interaction, {
      method: 'POST',
      headers: { cookie },
      body: new URLSearchParams({ person: 'ada' }),
      redirect: 'manual',
    });
    const resumed = await fetch(new URL(chosen.headers.get('location')!, idp.issuer), { headers: { cookie }, redirect: 'manual' });
    const query = new URL(resumed.headers.get('location')!).searchParams.toString();
    await expect(provider.finish({ ...secrets, query, now: new Date() })).resolves.toMatchObject({ subject: 'ada' });
  });
});

describe('with a provider that can be bent', () => {
  let op: HostileOp;
  beforeAll(async () => {
    op = await startHostileOp();
  });
  afterAll(() => op.close());
  afterEach(() => {
    op.bends = {};
  });

  const providerWith = (changes: Partial<OidcConnection> = {}) =>
    createOidcProvider({
      connection: { ...connectionTo(op), ...changes },
      redirectUri,
      credential: op.clientSecret,
      fetch: fetchGuarded,
      loopback: true,
    });
  const login = (changes: Partial<OidcConnection> = {}, how: Login = {}): Promise<OidcSignIn> => signIn(providerWith(changes), authorise, how);

  it('the browser is sent with everything the connection asks for', async () => {
    const provider = providerWith({ prompt: 'select_account', scopes: ['openid', 'email', 'groups'] });
    const { url } = await provider.start({
      state: 'S',
      nonce: 'N',
      codeVerifier: 'v'.repeat(43),
      loginHint: 'ada+test@example.com',
      now: new Date(),
    });
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      client_id: 'matricula',
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid email groups',
      state: 'S',
      nonce: 'N',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      max_age: '300',
      prompt: 'select_account',
      login_hint: 'ada+test@example.com',
    });
  });

  it('what is not configured is not asked', async () => {
    const { url } = await providerWith({ maxAgeSeconds: null }).start({
      state: 'S',
      nonce: 'N',
      codeVerifier: 'v',
      loginHint: null,
      now: new Date(),
    });
    for (const name of ['max_age', 'prompt', 'login_hint']) expect(new URL(url).searchParams.has(name)).toBe(false);
  });

  it('userinfo adds what the ID token does not say, and overrules nothing', async () => {
    op.bends.userinfo = (claims) =>
      Object.assign(claims, { email: 'mallory@example.com', email_verified: true, groups: ['Admins'], iss: 'x', aud: 'y', tid: 'z' });
    const { statement, email, issuer } = await login();
    expect(email).toBe('ada@example.com');
    expect(issuer).toBe(op.issuer);
    expect(statement.groups).toEqual({ said: 'listed', groups: ['Engineering', 'Staff'] });
    expect(statement.claims).toMatchObject({ department: ['Sales'] });
    expect(statement.claims).not.toHaveProperty('tid');
    expect(statement.profile.locale).toBe('de-CH');
  });

  it('userinfo as a signed token is read like any other', async () => {
    const { sign } = await import('../../../fixtures/oidc/hostile-op.ts');
    op.bends.raw = {
      userinfo: (response, body) =>
        void sign({ alg: 'RS256', kid: op.keys.jwk.kid }, { ...JSON.parse(body), department: 'Legal' }, op.keys.privateKey).then((token) =>
          response.writeHead(200, { 'content-type': 'application/jwt' }).end(token),
        ),
    };
    expect((await login()).statement.claims).toMatchObject({ department: ['Legal'] });
  });

  it.each([
    ['says true', { email: 'a@example.com', email_verified: true }, 'a@example.com', true],
    ['says false', { email: 'a@example.com', email_verified: false }, 'a@example.com', false],
    ['says "true" as a text', { email: 'a@example.com', email_verified: 'true' }, 'a@example.com', false],
    ['does not say', { email: 'a@example.com' }, 'a@example.com', null],
    ['sends a list', { email: ['a@example.com'], email_verified: true }, null, null],
    ['sends none', { email_verified: true }, null, null],
  ])('an e-mail is verified only if the same document says so: it %s', async (_how, said, email, emailVerified) => {
    op.bends.claims = (claims) => {
      delete claims['email'];
      delete claims['email_verified'];
      Object.assign(claims, said);
    };
    expect(await login({ userinfo: false })).toMatchObject({ email, emailVerified });
  });

  it('a word on an e-mail in one document does not count for the e-mail of the other', async () => {
    op.bends.claims = (claims) => void delete claims['email'];
    op.bends.userinfo = (claims) => Object.assign(claims, { email: 'mallory@example.com' });
    expect(await login()).toMatchObject({ email: 'mallory@example.com', emailVerified: null });
    op.bends.claims = (claims) => void delete claims['email_verified'];
    op.bends.userinfo = (claims) => Object.assign(claims, { email: 'ada@example.com', email_verified: true });
    expect(await login()).toMatchObject({ email: 'ada@example.com', emailVerified: null });
  });

  it('a word on `email` does not count for a user name that is used in its place', async () => {
    op.bends.claims = (claims) => Object.assign(claims, { preferred_username: 'eve@example.com' });
    const claims = { ...connectionTo(op).claims, profile: { email: ['preferred_username'] } };
    expect(await login({ claims })).toMatchObject({ email: 'eve@example.com', emailVerified: null });
  });

  it.each([
    [{ xms_edov: true }, true],
    [{ xms_edov: '1' }, true],
    [{ xms_edov: false, email_verified: true }, false],
    [{}, null],
  ])('for Entra xms_edov is the word: %j', async (said, emailVerified) => {
    op.bends.claims = (claims) => {
      delete claims['email_verified'];
      Object.assign(claims, said);
    };
    const entra = { ...connectionTo(op, 'entra'), userinfo: false };
    const result = await login(entra);
    expect(result).toMatchObject({ subject: '0b0f7a3c-8a55-4c9c-9b1f-0d7a5be2a001', sub: 'subject-1', emailVerified });
    expect(Object.keys(result.statement.claims)).not.toContain('xms_edov');
  });

  it('nested claims are found under dotted names, and role objects are no list of groups', async () => {
    const withGroups = (...names: string[]) => ({ ...connectionTo(op).claims, groups: { claims: names, delimiter: null, overflowAt: null } });
    const roles = 'urn:zitadel:iam:org:project:roles';
    op.bends.claims = (claims) => Object.assign(claims, { realm_access: { roles: ['b', 'a'] }, [roles]: { admin: { '1': 'acme' } } });
    expect((await login({ claims: withGroups('realm_access.roles') })).statement.groups).toEqual({ said: 'listed', groups: ['a', 'b'] });
    expect((await login({ claims: withGroups(roles) })).statement.groups).toMatchObject({ said: 'unreadable' });
    expect((await login({ claims: withGroups('groups', roles) })).statement.groups).toMatchObject({ said: 'listed' });
    expect((await login({ claims: withGroups('nowhere') })).statement.groups).toEqual({ said: 'absent' });
  });

  it.each([
    ['_claim_names', { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.invalid/' } } }],
    ['hasgroups', { hasgroups: true }],
  ])('groups left out by the provider are an overflow, never an empty list: %s', async (_how, said) => {
    op.bends.claims = (claims) => {
      delete claims['groups'];
      Object.assign(claims, said);
    };
    expect((await login()).statement.groups).toMatchObject({ said: 'overflow' });
  });

  it('claims named like parts of an object stay claims', async () => {
    op.bends.idToken = async (header, claims) => {
      const { sign } = await import('../../../fixtures/oidc/hostile-op.ts');
      return sign(header, JSON.parse(`{"__proto__":{"polluted":"yes"},"constructor":"x",${JSON.stringify(claims).slice(1)}`), op.keys.privateKey);
    };
    const { statement } = await login({ userinfo: false });
    expect(Object.hasOwn(statement.claims, 'constructor')).toBe(true);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(statement.claims['polluted']).toBeUndefined();
  });

  it('names that are ours cannot be sent', async () => {
    op.bends.claims = (claims) => Object.assign(claims, { '@sub': 'somebody-else', '@nameid': 'somebody-else' });
    const { subject, statement } = await login();
    expect(subject).toBe('subject-1');
    expect(Object.keys(statement.claims).filter((name) => name.startsWith('@'))).toEqual([]);
  });

  it('the moment that is passed in decides: a good token is expired for a late reader and from the future for an early one', async () => {
    const connection = { maxAgeSeconds: null };
    await expect(login(connection, { now: new Date(Date.now() + 10 * MINUTE) })).rejects.toMatchObject({ check: 'oidc/expired' });
    await expect(login(connection, { now: new Date(Date.now() - 10 * MINUTE) })).rejects.toMatchObject({ check: 'oidc/iat' });
    await expect(login(connection, { now: new Date(Date.now() + 4 * MINUTE) })).resolves.toBeDefined();
  });

  it('simultaneous starts share one discovery, which is good for an hour', async () => {
    const provider = providerWith();
    const start = (now: Date) => provider.start({ state: 's', nonce: 'n', codeVerifier: 'v', loginHint: null, now });
    const before = op.asked.discovery;
    const now = new Date();
    await Promise.all(Array.from({ length: 20 }, () => start(now)));
    await start(new Date(now.getTime() + 59 * MINUTE));
    expect(op.asked.discovery - before).toBe(1);
    await start(new Date(now.getTime() + 61 * MINUTE));
    expect(op.asked.discovery - before).toBe(2);
  });

  it('the last good discovery outlives a failing or a dishonest refresh', async () => {
    const provider = providerWith();
    const start = (minutes: number) =>
      provider.start({ state: 's', nonce: 'n', codeVerifier: 'v', loginHint: null, now: new Date(Date.now() + minutes * MINUTE) });
    await start(0);
    op.bends.raw = { discovery: (response) => response.writeHead(503).end() };
    await expect(start(61)).resolves.toMatchObject({ kind: 'redirect' });
    op.bends = { discovery: (document) => Object.assign(document, { authorization_endpoint: 'https://other.example/' }) };
    const { url } = await start(70);
    expect(url.startsWith(op.issuer)).toBe(true);
  });

  it('a first discovery that fails is tried again at the next start', async () => {
    const provider = providerWith();
    const start = () => provider.start({ state: 's', nonce: 'n', codeVerifier: 'v', loginHint: null, now: new Date() });
    op.bends.raw = { discovery: (response) => response.writeHead(503).end() };
    await expect(start()).rejects.toMatchObject({ code: 'provider-unreachable', check: 'oidc/fetch-status' });
    op.bends = {};
    await expect(start()).resolves.toMatchObject({ kind: 'redirect' });
  });

  it('keys are fetched once for many logins, and at a rotation once more', async () => {
    const provider = providerWith();
    const before = op.asked.jwks;
    for (let i = 0; i < 3; i++) await signIn(provider, authorise);
    expect(op.asked.jwks - before).toBe(1);
    await op.rotate();
    for (let i = 0; i < 3; i++) await signIn(provider, authorise);
    expect(op.asked.jwks - before).toBe(2);
  });

  it('tokens with unknown keys cannot make the gateway hammer the provider', async () => {
    const provider = providerWith();
    await signIn(provider, authorise);
    const before = op.asked.jwks;
    op.bends.header = (header) => Object.assign(header, { kid: randomToken() });
    for (let i = 0; i < 8; i++) await expect(signIn(provider, authorise)).rejects.toMatchObject({ check: 'oidc/key' });
    expect(op.asked.jwks - before).toBe(3);
  });

  it('while the keys cannot be fetched the last ones are good for an hour, no longer', async () => {
    const provider = providerWith({ maxAgeSeconds: null, clockSkewSeconds: 3 * 3_600 });
    const at = (minutes: number) => signIn(provider, authorise, { now: new Date(Date.now() + minutes * MINUTE) });
    await at(0);
    op.bends.raw = { jwks: (response) => response.writeHead(503).end() };
    await expect(at(30)).resolves.toMatchObject({ sub: 'subject-1' });
    await expect(at(61)).rejects.toMatchObject({ code: 'provider-unreachable' });
  });

  it('an address that is not public is never called outside demo and tests', async () => {
    const strict = createOidcProvider({
      connection: { ...connectionTo(op), issuer: 'https://127.0.0.1:1/op' },
      redirectUri,
      credential: 'secret',
      fetch: createGuardedFetch({ loopback: false }),
      loopback: false,
    });
    const start = strict.start({ state: 's', nonce: 'n', codeVerifier: 'v', loginHint: null, now: new Date() });
    await expect(start).rejects.toBeInstanceOf(Refusal);
    await expect(start).rejects.toMatchObject({ code: 'connection-unusable', check: 'oidc/fetch-address' });
  });
});
