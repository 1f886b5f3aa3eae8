/**
 * What only a real browser can tell: cookies across sites, the content policy's hold on forms, pages without JavaScript.
 * The gateway is https://127.0.0.1, the provider https://localhost: two sites, as in life.
 */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { createKeyPair } from '../../src/lib/certificates.ts';
import { type TestWorld, world } from '../http/world.ts';
import { chromiumPath, describeWith } from '../services.ts';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

/** A provider that signs everybody in: it answers a SAML request with a form of its own, an OIDC request with a redirect. */
function provider(gateway: () => string): Parameters<typeof createServer>[1] {
  return (req, res) => {
    let body = '';
    req.on('data', (chunk) => {
      body += chunk;
    });
    req.on('end', () => {
      const url = new URL(req.url ?? '/', 'https://localhost');
      const relayState = new URLSearchParams(body).get('RelayState') ?? url.searchParams.get('RelayState') ?? '';
      if (url.searchParams.get('as') === 'oidc') {
        res.writeHead(302, { Location: `${gateway()}/t/acme/oidc/oidc/callback?code=arrive:ada&state=${relayState}` }).end();
        return;
      }
      const id = url.searchParams.get('as');
      res.setHeader('Content-Type', 'text/html');
      res.end(`<title>Provider</title><form method="post" action="${gateway()}/t/acme/saml/${id}/acs">
<input type="hidden" name="SAMLResponse" value="arrive:ada"><input type="hidden" name="RelayState" value="${relayState}"><button>Sign me in</button></form>`);
    });
  };
}

describeWith('chromium', 'in a real browser', () => {
  let w: TestWorld;
  let browser: Browser;
  let base: string;
  let idp: string;
  const servers: Server[] = [];

  const listen = async (server: Server, host: string): Promise<number> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return (server.address() as AddressInfo).port;
  };

  beforeAll(async () => {
    const { privateKey: key, certificate: cert } = await createKeyPair('localhost', { bits: 2048 });
    idp = `https://localhost:${await listen(
      createServer(
        { key, cert },
        provider(() => base),
      ),
      'localhost',
    )}`;
    const gateway = createServer({ key, cert }, (req, res) => w.app(req, res));
    base = `https://127.0.0.1:${await listen(gateway, '127.0.0.1')}`;
    w = await world({ baseUrl: base });
    const start = w.deps.signIn.start;
    w.deps.signIn.start = async (asked, context) => {
      const departure = await start(asked, context);
      const query = departure.kind === 'post' ? '' : `&RelayState=${departure.flow.handle}`;
      return { ...departure, url: `${idp}/sso?as=${asked.connection.id}${query}` };
    };
    browser = await chromium.launch({ executablePath: chromiumPath, args: FLAGS });
  });

  afterAll(async () => {
    await browser.close();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await w.close();
  });

  async function open(options: { javaScriptEnabled?: boolean } = {}): Promise<{ page: Page; complaints: string[]; done(): Promise<void> }> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    return { page, complaints, done: () => context.close() };
  }

  it('a learner goes from the e-mail page over the provider to "my learning", and out again, without JavaScript', async () => {
    const { page, complaints, done } = await open({ javaScriptEnabled: false });
    await page.goto(base);
    await page.getByLabel('Work e-mail address').fill('ada@acme.example');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Sign me in' }).click();
    await page.getByRole('heading', { name: 'My learning' }).waitFor();
    expect(page.url()).toBe(`${base}/t/acme/learning`);
    const cookies = await page.context().cookies(base);
    expect(cookies.map(({ name, secure, httpOnly, sameSite }) => ({ name, secure, httpOnly, sameSite }))).toEqual([
      { name: '__Host-matricula', secure: true, httpOnly: true, sameSite: 'Lax' },
    ]);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    expect((await page.goto(`${base}/t/acme/learning`))?.status()).toBe(401);
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
    await done();
  });

  it('the form to a provider is sent by itself, and by its button where there is no JavaScript', async () => {
    for (const javaScriptEnabled of [true, false]) {
      const { page, complaints, done } = await open({ javaScriptEnabled });
      await page.goto(`${base}/t/acme/login/posting`);
      if (!javaScriptEnabled) await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByRole('button', { name: 'Sign me in' }).click();
      await page.getByRole('heading', { name: 'My learning' }).waitFor();
      expect(complaints).toEqual([]);
      await done();
    }
  });

  it('an OIDC sign-in comes back through redirects with its Lax cookie', async () => {
    const { page, complaints, done } = await open();
    await page.goto(`${base}/t/acme/login/oidc`);
    await page.getByRole('heading', { name: 'My learning' }).waitFor();
    expect(complaints).toEqual([]);
    await done();
  });

  it('another site cannot sign the learner out', async () => {
    const { page, done } = await open();
    await page.goto(`${base}/t/acme/login/oidc`);
    await page.getByRole('heading', { name: 'My learning' }).waitFor();
    const elsewhere = await page.context().newPage();
    await elsewhere.goto(idp);
    await elsewhere.setContent(`<form method="post" action="${base}/t/acme/logout"><button>go</button></form>`);
    await Promise.all([elsewhere.waitForURL(`${base}/**`), elsewhere.getByRole('button').click()]);
    await page.reload();
    await page.getByRole('heading', { name: 'My learning' }).waitFor();
    await done();
  });

  it('every page can be used by keyboard and fits 360 pixels', async () => {
    const { page, done } = await open();
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(base);
    expect(await page.evaluate('document.activeElement?.id')).toBe('email');
    await page.keyboard.type('ada@acme.example');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign me in' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'My learning' }).waitFor();
    for (const path of ['/', '/t/acme', '/t/acme/learning', '/t/acme/signed-out', '/nowhere']) {
      await page.goto(base + path);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
      expect(await page.getAttribute('html', 'lang')).toBe('en');
    }
    await done();
  });
});
