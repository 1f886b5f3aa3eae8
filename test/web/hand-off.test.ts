/** What only a real browser can tell of a hand-off: that the form sends itself under its content policy, and that the page that waits goes on, with and without JavaScript. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { HandOff, ThinkificPlatform } from '../../src/core/tenant.ts';
import { type TestWorld, tenant, world } from '../http/world.ts';
import { chromiumPath, describeWith } from '../services.ts';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

describeWith('chromium', 'a hand-off in a real browser', () => {
  let w: TestWorld;
  let browser: Browser;
  let base: string;
  let platform: string;
  const servers: Server[] = [];
  const arrivals: { method: string; path: string; body: string; referrer: string | undefined }[] = [];

  const listen = async (server: Server): Promise<string> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  beforeAll(async () => {
    base = await listen(createServer((req, res) => w.app(req, res)));
    platform = await listen(
      createServer(async (req, res) => {
        let body = '';
        for await (const chunk of req) body += String(chunk);
        const path = new URL(req.url!, platform).pathname;
        if (path !== '/favicon.ico') arrivals.push({ method: req.method!, path, body, referrer: req.headers.referer });
        res.setHeader('content-type', 'text/html').end('<title>Platform</title><h1>Hello</h1>');
      }),
    );
    w = await world({ baseUrl: base });
    const desk: HandOff = {
      ...{ id: 'desk', name: 'Help desk', kind: 'signed', url: `${platform}/access`, method: 'form', parameter: 'jwt', returnToParameter: null },
      ...{ parameters: {}, algorithm: 'HS256', secret: 'env:DESK_SECRET', lifeSeconds: 60, exp: true, issuer: null, audience: null },
      claims: { email: '{email}' },
      requireTrustedEmail: false,
    };
    const academy: HandOff = {
      id: 'academy',
      name: 'Academy',
      kind: 'thinkific',
      platform: 'school',
      requireTrustedEmail: false,
      iatOffsetSeconds: 0,
      returnTo: null,
      errorUrl: null,
    };
    const school: ThinkificPlatform = {
      ...{
        id: 'school',
        name: 'School',
        enabled: true,
        limits: { perMinute: 120, concurrent: 5 },
        kind: 'thinkific',
        subdomain: 'acme',
        api: platform,
      },
      ...{ site: platform, apiKey: 'env:SCHOOL_KEY', accessToken: null, provider: 'SSO' },
    };
    w.tenants.set('acme', tenant('acme', { handOffs: [academy, desk], platforms: [school] }));
    browser = await chromium.launch({ executablePath: chromiumPath, args: FLAGS });
  });
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) server.close();
    await w?.close();
  });

  /** Ada, signed in; what the browser complains of is kept. */
  async function visit(javaScriptEnabled: boolean): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 390, height: 800 } });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => void complaints.push(message.text()));
    const started = await context.request.get(`${base}/t/acme/login/oidc`, { maxRedirects: 0 });
    const state = new URL(started.headers()['location']!).searchParams.get('RelayState')!;
    await page.goto(`${base}/t/acme/oidc/oidc/callback?code=arrive:ada&state=${state}`);
    return { page, complaints };
  }

  it.each([true, false])('the form carries the learner in, with JavaScript: %s', async (script) => {
    const { page, complaints } = await visit(script);
    await page.goto(`${base}/t/acme/go/desk`);
    if (!script) await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(`${platform}/access`);
    expect(arrivals.at(-1)).toEqual({ method: 'POST', path: '/access', body: expect.stringMatching(/^jwt=eyJ/), referrer: undefined });
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it.each([true, false])('the page that waits goes on by itself, with JavaScript: %s', async (script) => {
    const { page, complaints } = await visit(script);
    w.platformsAre({ kind: 'waiting' });
    await page.goto(`${base}/t/acme/go`);
    expect(await page.getByRole('status').textContent()).toContain('Academy is being made ready');
    w.platformsAre({ kind: 'ready', accountId: '7', privileged: false });
    await page.waitForURL(`${platform}/api/sso/v2/sso/jwt?**`);
    expect(arrivals.at(-1)).toMatchObject({ method: 'GET', path: '/api/sso/v2/sso/jwt', referrer: undefined });
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('no page is wider than a telephone, and each can be used by keyboard', async () => {
    const { page } = await visit(true);
    w.platformsAre({ kind: 'waiting' });
    for (const path of ['/t/acme/learning', '/t/acme/go', `/t/acme/go?since=${w.now().getTime() / 1000 - 60}`]) {
      await page.goto(base + path);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
      expect(await page.locator('h1').count()).toBe(1);
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.tagName')).toMatch(/^(A|BUTTON)$/);
    }
    await page.context().close();
  });
});
