/** A domain that two tenant files name, until one of the two organisations proves it. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { proved } from '../dns-server.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { expectRefused } from './refused.ts';
import { counterpart, formWith, type ScriptedProvider, startScriptedProvider } from './saml-provider.ts';
import { createVisitor } from './visitor.ts';

let provider: ScriptedProvider;
let gateway: TestGateway;

beforeAll(async () => {
  provider = await startScriptedProvider();
  const company = { name: 'Acme', domains: ['acme.example'], connections: [provider.connection('corp'), provider.connection('second')] };
  gateway = await startGateway({ tenants: { acme: company, owner: company } });
});
afterAll(async () => {
  await gateway?.close();
  await provider?.close();
});

async function signIn(email: string, connection: string, tenant = 'acme') {
  const visitor = createVisitor(gateway.baseUrl, { tenant });
  const login = await (await counterpart(gateway.baseUrl, provider.key, { tenant, connection })).start(visitor);
  const xml = await login.context.good({ nameId: `${connection}-${email}`, attributes: [['email', [email]]] });
  return { visitor, page: await visitor.browser.post(login.acsUrl, formWith(xml, login.relayState)) };
}
async function idOf(...[email, connection, tenant]: Parameters<typeof signIn>): Promise<string> {
  const { visitor, page } = await signIn(email, connection, tenant);
  expect(page.status).toBe(200);
  return (await visitor.me()).user.id;
}

it('an e-mail opens no account any more once another organisation has proved its domain; who was linked before still comes in', async () => {
  const ada = await idOf('ada@acme.example', 'corp');
  expect(await idOf('ada@acme.example', 'second')).toBe(ada);
  const bob = await idOf('bob@acme.example', 'corp');

  await proved(gateway.house, { tenantId: 'owner', domain: 'acme.example' });

  const { visitor, page } = await signIn('bob@ACME.example', 'second');
  const refused = { code: 'email-not-trusted', check: 'link/email-not-trusted' } as const;
  await expectRefused(gateway, { connection: 'second', page, visitor, refused });
  expect(await idOf('bob@acme.example', 'corp')).toBe(bob);
  expect(await idOf('ada@acme.example', 'second')).toBe(ada);

  const owned = await idOf('cy@acme.example', 'corp', 'owner');
  expect(await idOf('cy@acme.example', 'second', 'owner')).toBe(owned);
});
