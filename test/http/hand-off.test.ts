/** Into the learning platform over HTTP: the ways of answering, who gets none, and what the page that waits says. Platforms are told by the test how far they are. */
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, jwtVerify } from 'jose';
import request from 'supertest';
import { linkOf } from '../../fixtures/demo/browser.ts';
import type { DiscourseHandOff, HandOff, SignedHandOff, ThinkificPlatform } from '../../src/core/tenant.ts';
import { browser, HTTPS, MINUTE, policyOf, SECRETS, type TestWorld, tenant, userState, world } from './world.ts';

const signed = (over: Partial<SignedHandOff> = {}): SignedHandOff => ({
  id: 'desk',
  name: 'Help "desk" <1>',
  kind: 'signed',
  requireTrustedEmail: false,
  url: 'https://desk.example/access/jwt',
  method: 'query',
  parameter: 'jwt',
  returnToParameter: 'return_to',
  parameters: {},
  algorithm: 'HS256',
  secret: 'env:DESK_SECRET',
  lifeSeconds: 60,
  exp: true,
  issuer: null,
  audience: null,
  claims: { email: '{email}' },
  ...over,
});
const forum: DiscourseHandOff = { id: 'forum', name: 'Forum', kind: 'discourse', url: 'https://forum.example', secret: 'env:FORUM_SECRET' };
const academy: HandOff = {
  id: 'academy',
  name: 'Acme Academy',
  kind: 'thinkific',
  platform: 'school',
  requireTrustedEmail: false,
  iatOffsetSeconds: 0,
  returnTo: null,
  errorUrl: null,
};
const school: ThinkificPlatform = {
  id: 'school',
  name: 'Acme Academy',
  enabled: true,
  limits: { perMinute: 120, concurrent: 5 },
  kind: 'thinkific',
  subdomain: 'acme',
  api: 'https://api.thinkific.example',
  site: 'https://learn.acme.example',
  apiKey: 'env:SCHOOL_KEY',
  accessToken: null,
  provider: 'SSO',
};

let w: TestWorld;
let visitor: ReturnType<typeof browser>;
beforeEach(async () => {
  w = await world();
  visitor = browser(w.app);
});
afterEach(() => w.close());

const company = (handOffs: HandOff[], over: Parameters<typeof tenant>[1] = {}) =>
  void w.tenants.set(
    'acme',
    tenant('acme', { handOffs, platforms: [school], returnTo: ['https://desk.example', 'https://learn.acme.example'], ...over }),
  );
const signedIn = async () => void expect((await visitor.signIn('arrive:ada')).status).toBe(303);
const go = (path = '') => visitor.get(`/t/acme/go${path}`);
const placeOf = (res: request.Response) => new URL(res.headers['location'] ?? 'none:');

describe('a signed-in learner', () => {
  beforeEach(() => signedIn());

  it('is sent on with a token that no cache and no referrer carries further', async () => {
    company([signed()]);
    const res = await go();
    expect(res.status).toBe(303);
    expect(res.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    expect(res.text).toBe('');
    const token = placeOf(res).searchParams.get('jwt')!;
    const { payload } = await jwtVerify(token, Buffer.from(SECRETS.DESK_SECRET), { currentDate: w.now() });
    expect(payload).toMatchObject({ email: 'ada@acme.example', iat: w.now().getTime() / 1000 });
  });

  it('gets another token each time', async () => {
    company([signed()]);
    const ids = [await go(), await go()].map((res) => decodeJwt(placeOf(res).searchParams.get('jwt')!).jti);
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^[\w-]{22}$/);
  });

  it('is carried by a form to that origin and no other, with a button where there is no script', async () => {
    company([signed({ method: 'form' })]);
    const res = await go('/desk?return_to=https://desk.example/tickets');
    expect(res.status).toBe(200);
    expect(policyOf(res).get('form-action')).toBe('https://desk.example');
    expect(policyOf(res).get('script-src')).toBe("'self'");
    expect(policyOf(res).get('default-src')).toBe("'none'");
    expect(res.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    expect(res.text).toMatch(/<form method="post" action="https:\/\/desk\.example\/access\/jwt" data-submit>/);
    expect(res.text).toMatch(/<button class="primary" type="submit">Continue<\/button>/);
    expect(res.text).toContain('<input type="hidden" name="return_to" value="https://desk.example/tickets">');
    expect(res.text).toMatch(/src="\/assets\/submit\.js/);
    expect(res.text).toContain('Opening Help &quot;desk&quot; &lt;1&gt;');
    const token = /name="jwt" value="([^"]+)"/.exec(res.text)![1]!;
    await expect(jwtVerify(token, Buffer.from(SECRETS.DESK_SECRET), { currentDate: w.now() })).resolves.toBeTruthy();
  });

  it.each([
    ['another place than the tenant lists', 'https://evil.example/', 'return-to/not-listed'],
    ['an address that is none', 'javascript:alert(1)', 'return-to/malformed'],
    ["another tenant's page", '/t/beta/learning', 'return-to/path'],
  ])('who asks for %s is sent nowhere', async (_name, place, check) => {
    company([signed()]);
    const res = await go(`?return_to=${encodeURIComponent(place)}`);
    expect(res.status).toBe(400);
    expect(res.headers['location']).toBeUndefined();
    expect(res.text).not.toContain('jwt');
    expect(w.refusals).toMatchObject([{ code: 'return-to-refused', check, tenant: 'acme', reference: res.headers['x-request-reference'] }]);
  });

  it('who asks for a page of ours enters by the usual door: no platform is told of our pages', async () => {
    company([signed()]);
    expect([...placeOf(await go('?return_to=/t/acme/learning')).searchParams.keys()]).toEqual(['jwt']);
  });

  it('finds each hand-off at its own address, and no other', async () => {
    company([{ id: 'plain', name: 'Plain', kind: 'redirect', url: 'https://plain.example/home' }, signed()]);
    expect((await go()).headers['location']).toBe('https://plain.example/home');
    expect((await go('/plain')).headers['location']).toBe('https://plain.example/home');
    expect(placeOf(await go('/desk')).origin).toBe('https://desk.example');
    expect((await go('/other')).status).toBe(404);
    expect((await go('/desk/more')).status).toBe(404);
    expect((await visitor.get('/t/nobody/go')).status).toBe(404);
    expect((await request(w.app).post('/t/acme/go')).status).toBe(405);
  });

  it('of a tenant without hand-offs comes to "my learning"', async () => {
    company([]);
    expect((await go()).headers['location']).toBe('/t/acme/learning');
  });

  it('opens the platform from "my learning"', async () => {
    company([signed(), forum]);
    const { text } = await visitor.get('/t/acme/learning');
    expect(text).toContain('<a class="button primary" href="/t/acme/go/desk">Open Help &quot;desk&quot; &lt;1&gt;</a>');
    expect(text).toContain('<a class="button" href="/t/acme/go/forum">Open Forum</a>');
  });

  it('who is locked meanwhile is let in nowhere, and the session is over', async () => {
    company([signed()]);
    w.users.set('acme ada', userState('ada', { status: 'locked' }));
    expect((await go()).status).toBe(403);
    expect((await go()).status).toBe(401);
  });

  it('of another tenant is nobody here', async () => {
    w.tenants.set('beta', tenant('beta', { handOffs: [signed()] }));
    expect((await visitor.get('/t/beta/go')).status).toBe(401);
  });

  it('meets a way that is not ready where the secret is missing, and is told no more than that', async () => {
    company([signed({ secret: 'env:NOT_SET' })]);
    const res = await go();
    expect(res.status).toBe(503);
    expect(res.text).toContain('hand-off-unusable');
    expect(res.text).not.toContain('NOT_SET');
    expect(w.refusals).toMatchObject([{ code: 'hand-off-unusable', check: 'hand-off/secret' }]);
  });

  it('never finds what was made for them in the log', async () => {
    company([signed(), forum]);
    const sso = Buffer.from(`nonce=once-only&return_sso_url=${encodeURIComponent('https://forum.example/session/sso_login')}`).toString('base64');
    const sig = createHmac('sha256', SECRETS.FORUM_SECRET).update(sso).digest('hex');
    const [first, second] = [await go('?return_to=https://desk.example/ticket-77'), await go(`/forum?${new URLSearchParams({ sso, sig })}`)];
    await go('?return_to=https://evil.example/secret-place');
    const token = placeOf(first).searchParams.get('jwt')!;
    for (const kept of [token, token.split('.')[2]!, 'ticket-77', sso, sig, placeOf(second).searchParams.get('sso')!, 'secret-place', 'ada@acme'])
      expect(w.logText()).not.toContain(kept);
    expect(w.lines()).toContainEqual(expect.objectContaining({ route: '/t/:tenant/go', status: 303, tenant: 'acme', connection: 'sso' }));
  });
});

describe('a learner whose account is to be made first', () => {
  beforeEach(() => signedIn());
  const refresh = (res: request.Response) => /<meta http-equiv="refresh" content="(\d+); url=([^"]+)">/.exec(res.text.replaceAll('&amp;', '&'));

  it('waits on a page that asks again by itself, and then goes on', async () => {
    company([academy]);
    const deep = `return_to=${encodeURIComponent('https://learn.acme.example/courses/pitch')}`;
    const res = await go(`?${deep}`);
    expect(res.status).toBe(200);
    expect(res.text).toContain('<title>Preparing your courses');
    expect(res.text).toContain('<h1>Preparing your courses</h1>');
    expect(res.text).toMatch(/<p class="lead" role="status">You are signed in\./);
    expect(res.text).not.toMatch(/<script|longer than usual/);
    const [, seconds, again] = refresh(res)!;
    expect(seconds).toBe('2');
    expect(again).toBe(`/t/acme/go?${deep}&since=${w.now().getTime() / 1000}`);
    expect(linkOf({ url: `${HTTPS}/`, status: 200, headers: new Headers(), body: res.text }, (href) => href.endsWith('/learning'))).toBe(
      `${HTTPS}/t/acme/learning`,
    );

    w.passes(3_000);
    w.platformsAre({ kind: 'ready', accountId: '7', privileged: false });
    const gone = placeOf(await visitor.get(again!));
    expect(gone.origin + gone.pathname).toBe('https://learn.acme.example/api/sso/v2/sso/jwt');
    expect(gone.searchParams.get('return_to')).toBe('https://learn.acme.example/courses/pitch');
    // Made now, not when the learner first asked.
    const { payload } = await jwtVerify(gone.searchParams.get('jwt')!, Buffer.from(SECRETS.SCHOOL_KEY));
    expect(payload.iat).toBe(w.now().getTime() / 1000);
  });

  it('is told after a minute that it takes longer, and what to do', async () => {
    company([academy]);
    const [, , again] = refresh(await go())!;
    w.passes(59_000);
    expect((await visitor.get(again!)).text).not.toContain('longer than usual');
    w.passes(1_000);
    const res = await visitor.get(again!);
    expect(res.text).toContain('longer than usual');
    expect(res.text).toContain('href="mailto:help@acme.example"');
    expect(res.text).toContain(`Reference <code>${res.headers['x-request-reference']}</code>`);
    expect(refresh(res)![2]).toBe(again);
  });

  it.each(['x', '-1', '99999999999', '1e400', ''])('is not confused by since=%j', async (since) => {
    company([academy]);
    const res = await go(`?since=${since}`);
    expect(res.text).not.toContain('longer than usual');
    expect(refresh(res)![2]).toBe(`/t/acme/go?since=${w.now().getTime() / 1000}`);
  });

  it.each([
    ['platform-refused', 403, { kind: 'ready', accountId: '7', privileged: true }, 'hand-off/privileged'],
    ['platform-refused', 403, { kind: 'failed', code: 'privileged' }, 'hand-off/privileged'],
    ['platform-refused', 403, { kind: 'failed', code: 'not-vouched' }, 'hand-off/not-vouched'],
    ['platform-refused', 403, { kind: 'failed', code: 'validation' }, 'hand-off/validation'],
    ['hand-off-unusable', 503, { kind: 'failed', code: 'auth' }, 'hand-off/auth'],
    ['hand-off-unusable', 503, { kind: 'failed', code: 'upstream' }, 'hand-off/upstream'],
  ] as const)('is refused as %s (%i) for %j', async (code, status, progress, check) => {
    company([academy]);
    w.platformsAre(progress);
    const res = await go();
    expect(res.status).toBe(status);
    expect(res.text).toContain(code);
    expect(res.text).not.toContain('jwt');
    expect(w.refusals).toMatchObject([{ code, check, reference: res.headers['x-request-reference'] }]);
  });

  it.each([
    ['is switched off', { ...school, enabled: false }, 'hand-off/platform'],
    ['has no key', { ...school, apiKey: null }, 'hand-off/secret'],
  ])('meets a way that is not ready where the platform %s', async (_name, platform, check) => {
    company([academy], { platforms: [platform] });
    w.platformsAre({ kind: 'ready', accountId: '7', privileged: false });
    expect((await go()).status).toBe(503);
    expect(w.refusals).toMatchObject([{ code: 'hand-off-unusable', check }]);
  });

  it.each([{ kind: 'waiting' }, { kind: 'failed', code: 'privileged' }] as const)('goes on to any other place at once: %j', async (progress) => {
    company([signed()]);
    w.platformsAre(progress);
    expect(placeOf(await go()).origin).toBe('https://desk.example');
  });
});

describe('somebody who is not signed in', () => {
  it('sees the ways to sign in, which lead back to this very address', async () => {
    company([forum]);
    const sso = Buffer.from('nonce=a+b&return_sso_url=x').toString('base64');
    const address = `/t/acme/go/forum?${new URLSearchParams({ sso, sig: 'ab' })}`;
    const res = await visitor.get(address);
    expect(res.status).toBe(401);
    const way = new URL(linkOf({ url: HTTPS, status: 401, headers: new Headers(), body: res.text }, (href) => href.includes('/login/sso')));
    expect(way.searchParams.get('return_to')).toBe(address);
    await visitor.get(way.pathname + way.search);
    expect(w.starts().at(-1)?.returnTo).toBe(address);
  });

  it('gets JSON where JSON is wanted, and leaves nothing in the journal', async () => {
    company([signed()]);
    const res = await visitor.get('/t/acme/go', { Accept: 'application/json' });
    expect({ status: res.status, code: res.body.code }).toEqual({ status: 401, code: 'not-signed-in' });
    expect(w.refusals).toEqual([]);
  });
});

describe('the key set', () => {
  it.each(['RS256', 'ES256'] as const)('of a hand-off with %s is public, the same at every look, and holds no private half', async (algorithm) => {
    company([signed({ algorithm, secret: null })]);
    const [first, second] = await Promise.all([1, 2].map(() => request(w.app).get('/t/acme/go/desk/jwks.json')));
    expect(first!.status).toBe(200);
    expect(first!.headers['content-type']).toContain('application/jwk-set+json');
    expect(second!.text).toBe(first!.text);
    const { keys } = JSON.parse(first!.text);
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatchObject({ alg: algorithm, use: 'sig', kid: expect.any(String) });
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi']) expect(keys[0]).not.toHaveProperty(secret);
  });

  it.each([
    ['a shared secret', () => signed()],
    ['no signature', (): HandOff => ({ id: 'desk', name: 'Desk', kind: 'redirect', url: 'https://desk.example' })],
  ])('of a hand-off with %s does not exist', async (_name, made) => {
    company([made()]);
    const res = await request(w.app).get('/t/acme/go/desk/jwks.json');
    expect({ status: res.status, code: res.body.code }).toEqual({ status: 404, code: 'not-found' });
  });
});

it('a session that has run out leads back here, too', async () => {
  company([signed()]);
  await signedIn();
  w.passes(31 * MINUTE);
  expect((await go('/desk')).text).toContain(encodeURIComponent('/t/acme/go/desk'));
});
