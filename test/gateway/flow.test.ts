/** Attacks that only the whole gateway can see: which browser, which attempt, which connection. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type HostileOp, startHostileOp } from '../../fixtures/oidc/hostile-op.ts';
import type { Shape } from '../../fixtures/saml/signer.ts';
import type { RefusalCode } from '../../src/core/refusal.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { expectRefused, type Untouched, untouched } from './refused.ts';
import { type Counterpart, counterpart, formWith, type Login, type ScriptedProvider, startScriptedProvider } from './saml-provider.ts';
import { createVisitor, shown, type Visitor } from './visitor.ts';

let provider: ScriptedProvider;
let op: HostileOp;
let gateway: TestGateway;
let corp: Counterpart;
let open: Counterpart;
let visitor: Visitor;
let before: Untouched;

const tenant = (over: { corp?: object } = {}) => ({
  name: 'Acme',
  domains: ['acme.example', 'example.com'],
  connections: [
    provider.connection('corp', over.corp),
    provider.connection('open', { allowIdpInitiated: true }),
    {
      id: 'op',
      name: 'OP',
      protocol: 'oidc',
      issuer: op.issuer,
      clientId: op.clientId,
      clientSecret: 'file:secrets/op',
      domains: ['example.com'],
    },
  ],
});

beforeAll(async () => {
  [provider, op] = await Promise.all([startScriptedProvider(), startHostileOp()]);
  gateway = await startGateway({ tenants: { acme: tenant(), other: tenant() }, files: { 'secrets/op': op.clientSecret } });
  corp = await counterpart(gateway.baseUrl, provider.key);
  open = await counterpart(gateway.baseUrl, provider.key, { connection: 'open' });
  await counterpart(gateway.baseUrl, provider.key, { tenant: 'other' });
});
afterAll(async () => {
  await gateway?.close();
  await Promise.all([provider?.close(), op?.close()]);
});
beforeEach(async () => {
  visitor = createVisitor(gateway.baseUrl);
  await gateway.settled();
  before = await untouched(gateway);
});

const refusal = (code: RefusalCode, check: string) => ({ code, check });
const post = (from: Visitor, { context, relayState, acsUrl }: Login, shape?: Shape) =>
  context.good(shape).then((xml) => from.browser.post(acsUrl, formWith(xml, relayState)));

describe('a SAML answer', () => {
  it('in another browser is refused, and still good in its own', async () => {
    const login = await corp.start(visitor);
    const victim = createVisitor(gateway.baseUrl);
    const xml = await login.context.good();
    const page = await victim.browser.post(login.acsUrl, formWith(xml, login.relayState));
    await expectRefused(gateway, { connection: 'corp', page, visitor: victim, refused: refusal('login-unknown', 'flow/no-cookie') });
    expect(await untouched(gateway)).toEqual(before);
    expect((await visitor.browser.post(login.acsUrl, formWith(xml, login.relayState))).status).toBe(200);
  });

  it('in a browser with another attempt’s secret is refused', async () => {
    const login = await corp.start(visitor);
    const [name] = [...visitor.browser.cookies(gateway.baseUrl).keys()];
    visitor.browser.cookies(gateway.baseUrl).set(name!, 'the-secret-of-another-attempt');
    const page = await post(visitor, login);
    await expectRefused(gateway, { connection: 'corp', page, visitor, refused: refusal('login-unknown', 'flow/other-browser') });
    expect(await untouched(gateway)).toEqual(before);
  });

  it('under the RelayState of another attempt of the same browser is refused', async () => {
    const [first, second] = [await corp.start(visitor), await corp.start(visitor)];
    const page = await post(visitor, { ...first, relayState: second.relayState });
    await expectRefused(gateway, { connection: 'corp', page, visitor, refused: refusal('login-unknown', 'saml/in-response-to') });
    expect(await untouched(gateway)).toEqual(before);
  });

  it.each([
    ['another connection', { connection: 'open' }],
    ['another tenant', { tenant: 'other' }],
  ])('with the RelayState of %s is refused', async (_name, place) => {
    const elsewhere = await (await counterpart(gateway.baseUrl, provider.key, place)).start(visitor);
    const context = corp.contextFor(elsewhere.context.requestId);
    const page = await post(visitor, { ...elsewhere, context, acsUrl: corp.acsUrl });
    await expectRefused(gateway, { connection: 'corp', page, visitor, refused: refusal('login-unknown', 'flow/other-connection') });
    expect(await untouched(gateway)).toEqual(before);
  });

  it('posted again is told that it was used, by reload in the same browser too, and the session that is there stays', async () => {
    const login = await corp.start(visitor);
    const form = formWith(await login.context.good(), login.relayState);
    expect((await visitor.browser.post(login.acsUrl, form)).status).toBe(200);
    const again = shown(await visitor.browser.post(login.acsUrl, form));
    expect(again).toMatchObject({ status: 400, code: 'message-replayed' });
    expect((await visitor.me()).session.connection).toBe('corp');
  });

  it('replayed into a fresh attempt is refused', async () => {
    const first = await corp.start(visitor);
    const xml = await first.context.good();
    await visitor.browser.post(first.acsUrl, formWith(xml, first.relayState));
    const thief = createVisitor(gateway.baseUrl);
    const fresh = await corp.start(thief);
    const used = await untouched(gateway);
    const page = await thief.browser.post(fresh.acsUrl, formWith(xml, fresh.relayState));
    await expectRefused(gateway, { connection: 'corp', page, visitor: thief, refused: refusal('login-unknown', 'saml/in-response-to') });
    expect(await untouched(gateway)).toEqual(used);
  });

  it('posted by one browser several times at once signs in exactly once', async () => {
    const login = await corp.start(visitor);
    const form = formWith(await login.context.good(), login.relayState);
    const pages = await Promise.all(Array.from({ length: 6 }, () => visitor.browser.post(login.acsUrl, form)));
    expect(pages.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400, 400]);
    const codes = pages.filter(({ status }) => status === 400).map((page) => shown(page).code);
    expect(['message-replayed', 'login-unknown']).toEqual(expect.arrayContaining(codes));
    const after = await gateway.held('session');
    expect(after.length - before.memory.filter((row) => row.includes('"space":"session"')).length).toBe(2); // the record and its stamp
  });

  it('two different ones for one attempt at once: exactly one finishes it', async () => {
    const login = await corp.start(visitor);
    const forms = await Promise.all([login.context.good(), login.context.good()]);
    const pages = await Promise.all(forms.map((xml) => visitor.browser.post(login.acsUrl, formWith(xml, login.relayState))));
    expect(pages.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  it('that did not hold does not use the attempt up', async () => {
    const login = await corp.start(visitor);
    expect((await post(visitor, login, { audience: 'https://other.example' })).status).toBe(400);
    expect((await post(visitor, login)).status).toBe(200);
  });

  it('on a connection that was disabled meanwhile is refused, and the people signed in by it are out', async () => {
    const login = await corp.start(visitor);
    const insider = createVisitor(gateway.baseUrl);
    expect((await post(insider, await corp.start(insider))).status).toBe(200);
    gateway.folder.write('acme.yaml', tenant({ corp: { enabled: false } }));
    await gateway.running.gateway.reload();
    const rows = await untouched(gateway);
    const page = await post(visitor, login);
    await expectRefused(gateway, { connection: 'corp', page, visitor, refused: refusal('connection-disabled', 'http/connection-disabled') });
    expect(await untouched(gateway)).toEqual(rows);
    expect(await insider.meStatus()).toBe(404);
    expect(await insider.meStatus()).toBe(401);
    gateway.folder.write('acme.yaml', tenant());
    await gateway.running.gateway.reload();
    expect((await post(visitor, login)).status).toBe(200);
  });
});

describe('a sign-in that the provider starts', () => {
  const unsolicited: Shape = { inResponseTo: null, confirmationInResponseTo: null };
  const send = async (to: Counterpart, shape: Shape, relayState: string | null) => {
    const xml = await to.contextFor('_of-no-login').good(shape);
    return { xml, page: await visitor.browser.post(to.acsUrl, formWith(xml, relayState)) };
  };

  it.each([null, 'deep-link-of-the-provider'])('is refused where the connection does not allow it (RelayState %s)', async (relayState) => {
    const { page } = await send(corp, unsolicited, relayState);
    await expectRefused(gateway, { connection: 'corp', page, visitor, refused: refusal('unsolicited', 'saml/idp-initiated') });
    expect(await untouched(gateway)).toEqual(before);
  });

  it.each([null, 'https://evil.example/', 'x'.repeat(2000)])(
    'signs in where it is allowed, and leads to our own page only (%#)',
    async (relayState) => {
      const { page } = await send(open, unsolicited, relayState);
      expect(page).toMatchObject({ status: 200, url: `${gateway.baseUrl}/t/acme/learning` });
      expect((await visitor.me()).session.connection).toBe('open');
    },
  );

  it('works once: the assertion is remembered', async () => {
    const { xml } = await send(open, unsolicited, null);
    const used = await untouched(gateway);
    const thief = createVisitor(gateway.baseUrl);
    const page = await thief.browser.post(open.acsUrl, formWith(xml, null));
    await expectRefused(gateway, { connection: 'open', page, visitor: thief, refused: refusal('message-replayed', 'saml/replay') });
    expect(await untouched(gateway)).toEqual(used);
  });

  it('posted several times at once works once', async () => {
    const form = formWith(await open.contextFor('_none').good(unsolicited), null);
    const pages = await Promise.all(Array.from({ length: 6 }, () => createVisitor(gateway.baseUrl).browser.post(open.acsUrl, form)));
    expect(pages.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400, 400]);
  });

  it('cannot finish an attempt of another browser, even where it is allowed', async () => {
    const victims = await open.start(createVisitor(gateway.baseUrl));
    const { page } = await send(open, unsolicited, victims.relayState);
    await expectRefused(gateway, { connection: 'open', page, visitor, refused: refusal('login-unknown', 'flow/no-cookie') });
    expect(await untouched(gateway)).toEqual(before);
  });

  it('does not pass off an answer to a request as unsolicited', async () => {
    const { page } = await send(open, {}, null);
    await expectRefused(gateway, { connection: 'open', page, visitor, refused: refusal('login-unknown', 'saml/in-response-to') });
    expect(await untouched(gateway)).toEqual(before);
  });
});

describe('an OpenID Connect answer', () => {
  const stopAt = (url: string) => url.includes('/callback?');
  const callbackUrl = () => `${gateway.baseUrl}/t/acme/oidc/op/callback`;
  const begin = async () => {
    const own = createVisitor(gateway.baseUrl, { stopAt });
    return { own, back: (await own.browser.get(`${gateway.baseUrl}/t/acme/login/op`)).url };
  };
  const oidcRefused = async (page: Awaited<ReturnType<Visitor['byOidc']>>, from: Visitor, refused: ReturnType<typeof refusal>) => {
    await expectRefused(gateway, { connection: 'op', page, visitor: from, refused });
    expect(await untouched(gateway)).toEqual(before);
  };

  it('that nobody asked for is refused', async () => {
    const query = new URLSearchParams({ code: op.mintCode({ client_id: op.clientId }), state: 'x'.repeat(43), iss: op.issuer });
    await oidcRefused(await visitor.browser.get(`${callbackUrl()}?${query}`), visitor, refusal('login-unknown', 'flow/unknown'));
    await oidcRefused(await visitor.browser.get(callbackUrl()), visitor, refusal('login-unknown', 'oidc/state-missing'));
  });

  it('in another browser is refused, its code is not redeemed, and it is still good in its own', async () => {
    const { own, back } = await begin();
    const redeemed = op.asked.token;
    await oidcRefused(await visitor.browser.get(back), visitor, refusal('login-unknown', 'flow/no-cookie'));
    expect(op.asked.token).toBe(redeemed);
    expect((await own.browser.get(back)).status).toBe(200);
  });

  it('with the state of a SAML attempt of the same browser is refused', async () => {
    const { relayState } = await corp.start(visitor);
    const query = new URLSearchParams({ code: 'x', state: relayState, iss: op.issuer });
    await oidcRefused(await visitor.browser.get(`${callbackUrl()}?${query}`), visitor, refusal('login-unknown', 'flow/other-connection'));
  });

  it('used again is told so, and several at once redeem the code once', async () => {
    const { own, back } = await begin();
    const redeemed = op.asked.token;
    const pages = await Promise.all(Array.from({ length: 5 }, () => own.browser.get(back)));
    expect(pages.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400]);
    expect(op.asked.token).toBe(redeemed + 1);
    expect(shown(await own.browser.get(back))).toMatchObject({ status: 400, code: 'message-replayed' });
  });
});
