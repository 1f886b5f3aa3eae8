/** The whole way: from the company's sign-in through the gateway into applications that verify what they are told. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createBrowser, formOf, linkOf, type Page } from '../../fixtures/demo/browser.ts';
import { learner, type Operator, startOperator } from './modes/operator.ts';
import { type Forum, type Receiver, startForum, startReceiver } from './receiver.ts';
import { SECRETS } from './scim/world.ts';
import { shown } from './visitor.ts';

const SECRET = SECRETS['secrets/oidc'];
const secret = 'file:secrets/oidc';
const claims = { email: '{email}', name: '{displayName}', id: '{id}', enrolled: '{enrolments}', cost: '{field.cost}' };

let operator: Operator;
let base: string;
let forum: Forum;
const receivers: Record<'desk' | 'form' | 'rsa' | 'curve', Receiver> = {} as never;

beforeAll(async () => {
  for (const id of ['desk', 'form'] as const) receivers[id] = await startReceiver(() => SECRET);
  for (const id of ['rsa', 'curve'] as const) receivers[id] = await startReceiver(() => ({ keySet: `${base}/t/acme/go/${id}/jwks.json` }));
  forum = await startForum(SECRET);
  const to = (id: keyof typeof receivers) => ({ id, kind: 'signed', url: `${receivers[id].url}/access`, claims });
  operator = await startOperator({
    over: {
      returnTo: [`${receivers.desk.url}/tickets`, `${forum.url}/t`, 'http://127.0.0.1:9/outside'],
      handOffs: [
        { ...to('desk'), name: 'Help desk', secret, returnToParameter: 'return_to', parameters: { brand: '7' }, life: 30 },
        { ...to('form'), secret, method: 'form' },
        { ...to('rsa'), algorithm: 'RS256', audience: 'rsa' },
        { ...to('curve'), algorithm: 'ES256' },
        { id: 'forum', kind: 'discourse', url: forum.url, secret },
        { id: 'plain', kind: 'redirect', url: `${receivers.desk.url}/plain` },
      ],
    },
  });
  base = operator.gateway.baseUrl;
  forum.signsInAt = `${base}/t/acme/go/forum`;
});
afterAll(async () => {
  await operator?.close();
  for (const one of [...Object.values(receivers), forum]) await one?.close();
});

/** Signed in, at "my learning". */
async function comes(id: string) {
  const { visitor, page } = await operator.signsIn(learner(id, ['Sales']));
  return { visitor, page, go: (path: string) => visitor.browser.get(`${base}/t/acme/go${path}`) };
}
const encoded = (place: string) => `return_to=${encodeURIComponent(place)}`;

describe('after the sign-in', () => {
  it("the learner is in the tenant's first application, known there by what it verified", async () => {
    const { page, visitor } = await comes('ada');
    expect(page).toMatchObject({ status: 200, body: 'Hello ada@acme.example' });
    const { user } = await visitor.me();
    const { claims: told, asked } = receivers.desk.arrivals.at(-1)!;
    expect(told).toEqual({
      email: 'ada@acme.example',
      name: 'ada Acme',
      id: user.id,
      enrolled: ['bundle:sales'],
      iat: expect.any(Number),
      exp: told.iat! + 30,
      jti: expect.any(String),
    });
    expect(asked).toEqual({ brand: '7' });
  });

  it('a link into an application leads through its hand-off, any other listed link straight there', async () => {
    await comes('bea');
    const asks = (place: string) =>
      createBrowser({ stopAt: (url) => url === place }).get(`${base}/t/acme/login/oidc?login_hint=bea@acme.example&${encoded(place)}`);
    expect(await asks(`${receivers.desk.url}/tickets/7?tab=2`)).toMatchObject({ status: 200, body: 'Hello bea@acme.example' });
    expect(receivers.desk.arrivals.at(-1)!.asked).toEqual({ brand: '7', return_to: `${receivers.desk.url}/tickets/7?tab=2` });
    expect((await asks(`${forum.url}/t/welcome`)).url).toBe(`${forum.url}/t/welcome`);
    expect(forum.arrivals.at(-1)).toMatchObject({ email: 'bea@acme.example' });
    const before = receivers.desk.arrivals.length;
    expect((await asks('http://127.0.0.1:9/outside/x')).url).toBe('http://127.0.0.1:9/outside/x');
    expect((await asks(`${base}/t/acme/learning`.slice(base.length))).body).toContain('My learning');
    expect(receivers.desk.arrivals).toHaveLength(before);
  });
});

describe('a form', () => {
  it('carries the learner in, and may be sent nowhere else', async () => {
    const { visitor, go } = await comes('carl');
    const page = await go('/form');
    expect(page.headers.get('content-security-policy')).toContain(`form-action ${receivers.form.url};`);
    const { action, fields } = formOf(page);
    expect(action).toBe(`${receivers.form.url}/access`);
    expect((await visitor.browser.post(action, fields)).body).toBe('Hello carl@acme.example');
    // Whoever finds the form later finds nothing in it.
    expect(await visitor.browser.post(action, fields)).toMatchObject({ status: 403, body: 'used before' });
  });
});

describe('with a key of our own', () => {
  it.each([
    ['rsa', 'RS256'],
    ['curve', 'ES256'],
  ] as const)('the application at %s verifies %s by the key set that we publish', async (id, alg) => {
    const { go } = await comes('dan');
    expect((await go(`/${id}`)).body).toBe('Hello dan@acme.example');
    expect(receivers[id].arrivals.at(-1)).toMatchObject({ alg, claims: { email: 'dan@acme.example' } });
  });

  it('each hand-off has its own', async () => {
    const kids = await Promise.all(
      ['rsa', 'curve'].map(
        async (id) => ((await (await fetch(`${base}/t/acme/go/${id}/jwks.json`)).json()) as { keys: { kid: string }[] }).keys[0]!.kid,
      ),
    );
    expect(new Set(kids).size).toBe(2);
  });
});

describe('the forum', () => {
  it('signs in who comes from it, after the sign-in here, with its question unharmed', async () => {
    await comes('eve');
    const browser = createBrowser();
    const asked = await browser.get(`${forum.url}/session/sso?return_path=/t/rules/4`);
    expect(asked.status).toBe(401);
    const way = linkOf(asked, (href) => href.includes('/login/oidc'));
    const page = await browser.get(`${way}&login_hint=eve@acme.example`);
    expect(page).toMatchObject({ status: 200, body: 'You are at /t/rules/4' });
    expect(forum.arrivals.at(-1)).toMatchObject({ email: 'eve@acme.example', username: 'eve', name: 'eve Acme' });
  });

  it('signs in who comes from here, and believes each answer once', async () => {
    const { visitor } = await comes('fay');
    const stopping = createBrowser({ stopAt: (url) => url.includes('sso_login') });
    for (const [name, value] of visitor.browser.cookies(base)) stopping.cookies(base).set(name, value);
    const { url } = await stopping.get(`${base}/t/acme/go/forum`);
    expect((await visitor.browser.get(url)).body).toBe('You are at /');
    expect(await visitor.browser.get(url)).toMatchObject({ status: 403, body: 'no such nonce' });
  });

  it('gets no answer to a question that is not its own', async () => {
    const { go } = await comes('gil');
    const before = forum.arrivals.length;
    const page = await go('/forum?sso=bm9uY2U9MQ%3D%3D&sig=00');
    expect(shown(page)).toMatchObject({ status: 400, code: 'request-malformed' });
    const { signIns } = await operator.gateway.traces('acme', shown(page).reference);
    expect(signIns).toMatchObject([{ check: 'hand-off/discourse-signature', connectionId: 'oidc' }]);
    expect(forum.arrivals).toHaveLength(before);
  });
});

describe('nobody', () => {
  it('is sent to a place that the tenant does not list', async () => {
    const { go } = await comes('hal');
    const before = receivers.desk.arrivals.length;
    expect(shown(await go(`?${encoded('https://evil.example/')}`))).toMatchObject({ status: 400, code: 'return-to-refused' });
    expect(receivers.desk.arrivals).toHaveLength(before);
  });

  it('gets in anywhere without having signed in, and everybody comes back to where they were going', async () => {
    await comes('ida');
    for (const id of ['desk', 'form', 'rsa', 'plain']) {
      const browser = createBrowser();
      const page: Page = await browser.get(`${base}/t/acme/go/${id}?x=1`);
      expect(page.status).toBe(401);
      const back = await browser.get(`${linkOf(page, (href) => href.includes('/login/oidc'))}&login_hint=ida@acme.example`);
      expect(back.status).toBe(id === 'plain' ? 403 : 200);
      expect(id === 'plain' ? new URL(back.url).pathname : back.url).toContain(
        { desk: '/access', form: '/go/form', rsa: '/access', plain: '/plain' }[id],
      );
    }
  });
});

it('the log holds no token, no signature and no place that anybody was sent to', () => {
  const text = operator.gateway.log.map((line) => JSON.stringify(line)).join('\n');
  expect(text).toContain('/t/:tenant/go/:handOff');
  expect(text).not.toMatch(/eyJ|jwt=|sso=|sig=|tickets|welcome|acme\.example/);
  for (const { arrivals } of Object.values(receivers)) for (const { claims: told } of arrivals) expect(text).not.toContain(told.jti);
});
