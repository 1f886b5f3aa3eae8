/** Where a sign-in may lead to: a link of anyone's making must not turn the gateway into a way to somewhere else. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startGateway, type TestGateway } from './gateway.ts';
import { type Untouched, untouched } from './refused.ts';
import { type Counterpart, counterpart, formWith, type ScriptedProvider, startScriptedProvider } from './saml-provider.ts';
import { createVisitor, shown, type Visitor } from './visitor.ts';

let provider: ScriptedProvider;
let gateway: TestGateway;
let corp: Counterpart;
let visitor: Visitor;
let before: Untouched;

beforeAll(async () => {
  provider = await startScriptedProvider();
  const tenant = {
    name: 'Acme',
    domains: ['acme.example'],
    returnTo: ['https://academy.acme.example/courses'],
    connections: [provider.connection('corp')],
  };
  gateway = await startGateway({ tenants: { acme: tenant, other: tenant } });
  corp = await counterpart(gateway.baseUrl, provider.key);
});
afterAll(async () => {
  await gateway?.close();
  await provider?.close();
});
beforeEach(async () => {
  visitor = createVisitor(gateway.baseUrl);
  await gateway.settled();
  before = await untouched(gateway);
});

describe('return_to', () => {
  const start = (query: string) => visitor.browser.get(`${gateway.baseUrl}/t/acme/login/corp?${query}`);
  const encoded = (place: string) => `return_to=${encodeURIComponent(place)}`;

  it.each(
    [
      '//evil.example',
      '///evil.example/t/acme/',
      '/\\evil.example',
      '\\\\evil.example',
      '/t/acme/\\evil.example',
      'https://evil.example/',
      'https://academy.acme.example.evil.example/courses',
      'https://academy.acme.example@evil.example/courses',
      'https://someone@academy.acme.example/courses',
      'https://academy.acme.example/coursesx',
      'https://academy.acme.example/courses/../admin',
      'https://academy.acme.example/courses/%2e%2e/admin',
      'http://academy.acme.example/courses',
      'https:academy.acme.example/courses',
      'javascript:alert(1)//academy.acme.example',
      'data:text/html,x',
      '/t/other/learning',
      '/t/acme/../other/learning',
      '/t/acme/%2e%2e/other/learning',
      '/t/acme/%2E%2E%2Fother',
      '/t/acme/..%5cother',
      '/t/acmex/learning',
      '/t/acme',
      '/',
      '/\t/evil.example',
      '/t/acme/learning\r\nSet-Cookie: a=b',
      '/t/acme/\u0000',
      '/t/acme/\u202egpj.exe evil',
      `/t/acme/${'x'.repeat(2100)}`,
      'learning',
      '?x',
    ].map((place) => ({ place, name: JSON.stringify(place).slice(0, 70) })),
  )('$name is refused before the browser is sent away', async ({ place }) => {
    const page = await start(encoded(place));
    const { reference, ...told } = shown(page);
    expect(told).toEqual({ status: 400, code: 'return-to-refused' });
    expect((await gateway.traces('acme', reference)).signIns).toMatchObject([{ check: expect.stringMatching(/^return-to\//) }]);
    expect(visitor.browser.cookies(gateway.baseUrl).size).toBe(0);
    expect(await untouched(gateway)).toEqual(before);
  });

  it('given twice is refused', async () => {
    expect(shown(await start(`${encoded('/t/acme/learning')}&${encoded('https://evil.example')}`))).toMatchObject({ status: 400 });
  });

  it.each([
    ['/t/acme/me?view=1', '/t/acme/me?view=1'],
    ['/t/acme/x/../learning', '/t/acme/learning'],
    ['https://academy.acme.example/courses/7?from=sso', 'https://academy.acme.example/courses/7?from=sso'],
  ])('%j leads there after the sign-in', async (place, to) => {
    const own = createVisitor(gateway.baseUrl, { stopAt: () => true });
    const begun = await own.browser.get(`${gateway.baseUrl}/t/acme/login/corp?${encoded(place)}`);
    const login = await corp.loginAt(begun.url);
    const page = await own.browser.post(login.acsUrl, formWith(await login.context.good(), login.relayState));
    expect(page.url).toBe(new URL(to, gateway.baseUrl).href);
  });
});
