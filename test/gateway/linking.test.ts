/** Which account a sign-in belongs to, across connections: by stable id always, by e-mail only where it can be trusted, by a look-alike never. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Page } from '../../fixtures/demo/browser.ts';
import { type HostileOp, startHostileOp } from '../../fixtures/oidc/hostile-op.ts';
import type { Shape } from '../../fixtures/saml/signer.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { expectRefused } from './refused.ts';
import { counterpart, formWith, type ScriptedProvider, startScriptedProvider } from './saml-provider.ts';
import { createVisitor, type Visitor } from './visitor.ts';

let provider: ScriptedProvider;
let op: HostileOp;
let gateway: TestGateway;

beforeAll(async () => {
  [provider, op] = await Promise.all([startScriptedProvider(), startHostileOp()]);
  const oidc = (id: string, more: object = {}) => ({
    id,
    name: id,
    protocol: 'oidc',
    issuer: `${op.origin}/${id}`,
    clientId: op.clientId,
    clientSecret: 'file:secrets/op',
    domains: ['acme.example'],
    ...more,
  });
  const acme = {
    name: 'Acme',
    domains: ['acme.example'],
    connections: [
      provider.connection('corp'),
      provider.connection('unbound', { domains: [] }),
      oidc('op'),
      oidc('unlinked', { trustEmail: 'never' }),
    ],
    catalogue: {
      groups: [
        { slug: 'staff', title: 'Staff' },
        { slug: 'openid', title: 'Through OpenID' },
      ],
    },
    rules: [
      { id: 'staff', when: { connection: 'corp' }, enrol: ['group:staff'] },
      { id: 'openid', when: { connection: 'op' }, enrol: ['group:openid'] },
    ],
  };
  const strict = { ...acme, provisioning: { linking: 'never' } };
  gateway = await startGateway({ tenants: { acme, strict, other: acme }, files: { 'secrets/op': op.clientSecret } });
});
afterAll(async () => {
  await gateway?.close();
  await Promise.all([provider?.close(), op?.close()]);
});
beforeEach(() => {
  op.bends = {};
});

interface Came {
  visitor: Visitor;
  page: Page;
}
type Place = { tenant?: string; connection?: string };

async function bySaml(nameId: string, email: string, { tenant = 'acme', connection = 'corp', ...shape }: Place & Shape = {}): Promise<Came> {
  const visitor = createVisitor(gateway.baseUrl, { tenant });
  const login = await (await counterpart(gateway.baseUrl, provider.key, { tenant, connection })).start(visitor);
  const xml = await login.context.good({ nameId, attributes: [['email', [email]]], ...shape });
  return { visitor, page: await visitor.browser.post(login.acsUrl, formWith(xml, login.relayState)) };
}
async function byOidc(sub: string, claims: object, { tenant = 'acme', connection = 'op' }: Place = {}): Promise<Came> {
  op.bends.claims = (all) => Object.assign(all, { sub }, claims);
  op.bends.userinfo = (all) => Object.assign(all, { sub });
  const visitor = createVisitor(gateway.baseUrl, { tenant });
  return { visitor, page: await visitor.browser.get(`${gateway.baseUrl}/t/${tenant}/login/${connection}`) };
}
async function idOf({ visitor, page }: Came): Promise<string> {
  expect(page.status).toBe(200);
  return (await visitor.me()).user.id;
}
/** Refused, and every row and session as it was. The message itself was good, so it is remembered as used. */
async function refusedSame(come: () => Promise<Came>, at: Place, refused: Parameters<typeof expectRefused>[1]['refused']): Promise<void> {
  await gateway.settled();
  const world = async () => ({ rows: await gateway.snapshot(), sessions: await gateway.held('session') });
  const before = await world();
  const { visitor, page } = await come();
  await expectRefused(gateway, { connection: 'op', ...at, page, visitor, refused });
  expect(await world()).toEqual(before);
}

let serial = 0;
let mail: string;
let who: string;
beforeEach(() => {
  who = `person-${++serial}`;
  mail = `${who}@acme.example`;
});

describe('the same verified e-mail', () => {
  it('through SAML and then OpenID Connect is one user with the enrolments of both', async () => {
    const id = await idOf(await bySaml(who, mail));
    const second = await byOidc(`oidc-${who}`, { email: mail.toUpperCase(), email_verified: true });
    expect(await idOf(second)).toBe(id);
    expect(await second.visitor.enrolments()).toEqual({ 'group:openid': ['openid'], 'group:staff': ['staff'] });
    expect(await idOf(await bySaml(who, mail))).toBe(id);
  });

  it('through OpenID Connect and then SAML is one user', async () => {
    const id = await idOf(await byOidc(`oidc-${who}`, { email: mail, email_verified: true }));
    expect(await idOf(await bySaml(who, mail))).toBe(id);
  });

  it('in another tenant is another user', async () => {
    const id = await idOf(await bySaml(who, mail));
    const other = await bySaml(who, mail, { tenant: 'other' });
    expect(await idOf(other)).not.toBe(id);
    const elsewhere = await other.visitor.browser.get(`${gateway.baseUrl}/t/acme/me`, { accept: 'application/json' });
    expect(elsewhere.status).toBe(401);
  });
});

describe('an e-mail of somebody else is refused where', () => {
  const untrusted = { code: 'email-not-trusted', check: 'link/email-not-trusted' } as const;

  it.each([
    ['the provider says that it is not verified', { email_verified: false }],
    ['the provider says so as text', { email_verified: 'false' }],
    ['the provider says nothing of it', { email_verified: undefined }],
  ])('%s', async (_why, claims) => {
    await idOf(await bySaml(who, mail));
    await refusedSame(() => byOidc(`thief-of-${who}`, { email: mail, ...claims }), {}, untrusted);
  });

  it('the SAML connection is not bound to the domain', async () => {
    await idOf(await bySaml(who, mail));
    await refusedSame(() => bySaml(`thief-of-${who}`, mail, { connection: 'unbound' }), { connection: 'unbound' }, untrusted);
  });

  it('the connection does not link by e-mail', async () => {
    await idOf(await bySaml(who, mail));
    const at = { connection: 'unlinked' };
    await refusedSame(() => byOidc(`thief-of-${who}`, { email: mail, email_verified: true }, at), at, untrusted);
  });

  it('the domain is not the tenant’s own', async () => {
    const foreign = `${who}@gmail.example`;
    await idOf(await bySaml(who, foreign));
    await refusedSame(() => byOidc(`thief-of-${who}`, { email: foreign, email_verified: true }), {}, untrusted);
  });

  it('the tenant links by stable id only', async () => {
    const at = { tenant: 'strict' };
    await idOf(await bySaml(who, mail, at));
    const refused = { code: 'email-not-trusted', check: 'link/linking-never' } as const;
    await refusedSame(() => byOidc(`oidc-${who}`, { email: mail, email_verified: true }, at), at, refused);
  });

  it('it is the recycled mailbox of somebody who came by this connection', async () => {
    await idOf(await bySaml(who, mail));
    const refused = { code: 'identity-conflict', check: 'link/identity-conflict' } as const;
    await refusedSame(() => bySaml(`successor-of-${who}`, mail), { connection: 'corp' }, refused);
  });

  it('it is claimed as a user name', async () => {
    await idOf(await bySaml(who, mail));
    const attributes = [
      ['email', [`other-${mail}`]],
      ['userName', [mail]],
    ] as const;
    const refused = { code: 'email-in-use', check: 'plan/user-name-in-use' } as const;
    await refusedSame(() => bySaml(`other-${who}`, '', { attributes }), { connection: 'corp' }, refused);
  });
});

describe('a look-alike is another person:', () => {
  it.each([
    ['a Cyrillic letter', (mail: string) => mail.replace('p', 'р')],
    ['full-width letters', (mail: string) => mail.replace('person', 'ｐｅｒｓｏｎ')],
    ['a long s', (mail: string) => mail.replace('s', 'ſ')],
  ])('%s in the e-mail opens nobody’s account', async (_what, alike) => {
    const id = await idOf(await bySaml(who, mail));
    const { visitor, page } = await byOidc(`thief-of-${who}`, { email: alike(mail), email_verified: true });
    if (page.status === 200) expect((await visitor.me()).user.id).not.toBe(id);
    else expect(page.status).toBe(403);
  });

  it('a subject in other letters is another subject', async () => {
    const id = await idOf(await bySaml(who, mail));
    const { visitor, page } = await bySaml(who.toUpperCase(), `upper-${mail}`);
    expect(page.status).toBe(200);
    expect((await visitor.me()).user.id).not.toBe(id);
  });
});
