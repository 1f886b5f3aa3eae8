import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import type { RefusalCode } from '../../src/core/refusal.ts';
import { REFUSALS } from '../../src/web/refusals.ts';
import { browser, LOOPBACK, policyOf, type TestWorld, world } from './world.ts';

let w: TestWorld;
beforeEach(async () => {
  w = await world();
});
afterEach(() => w.close());

const REFERENCE = /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{2}$/;
const STATUS: Partial<Record<RefusalCode, number>> = {
  'provider-refused': 403,
  'provider-unreachable': 502,
  'tenant-unknown': 404,
  'connection-unknown': 404,
  'connection-disabled': 404,
  'connection-unusable': 503,
  'hand-off-unusable': 503,
  'domain-unknown': 404,
  'not-found': 404,
  'rate-limited': 429,
  'not-signed-in': 401,
  'version-mismatch': 412,
  'mode-conflict': 409,
  'domain-taken': 409,
};
const PERSON = new Set<RefusalCode>([
  'subject-missing',
  'profile-incomplete',
  'email-not-trusted',
  'email-ambiguous',
  'email-in-use',
  'external-id-in-use',
  'identity-conflict',
  'not-provisioned',
  'account-locked',
  'account-suspended',
  'account-deleted',
  'seats-exhausted',
  'platform-refused',
]);

describe('every refusal', () => {
  it.each(Object.keys(REFUSALS) as RefusalCode[])(
    '%s is a page with its status, its reference and the contact, and JSON for whoever prefers it',
    async (code) => {
      const acme = w.tenants.get('acme')!;
      w.tenants.set('acme', { ...acme, name: '<b>Acme</b>', contact: 'help"><script>@acme.example' });
      const status = STATUS[code] ?? (PERSON.has(code) ? 403 : 400);
      const page = await browser(w.app).signIn(code);
      expect(page.status).toBe(status);
      expect(page.headers['content-type']).toMatch(/^text\/html/);
      expect(page.headers['x-request-reference']).toMatch(REFERENCE);
      for (const shown of [
        page.headers['x-request-reference'],
        code,
        REFUSALS[code].title,
        '&lt;b&gt;Acme&lt;/b&gt;',
        'help&quot;&gt;&lt;script&gt;@acme.example',
      ])
        expect(page.text).toContain(shown);
      expect(page.text).not.toMatch(/<script|<b>|test\/told|detail/);
      if (code !== 'rate-limited')
        expect(w.refusals).toMatchObject([{ code, check: 'test/told', tenant: 'acme', reference: page.headers['x-request-reference'] }]);

      const b = browser(w.app);
      const handle = new URL((await b.get('/t/acme/login/sso')).headers['location']!).searchParams.get('RelayState')!;
      const json = await b.post('/t/acme/saml/sso/acs', { SAMLResponse: code, RelayState: handle }, { Accept: 'application/json' });
      expect(json.status).toBe(status);
      expect(json.body).toEqual({ code, reference: json.headers['x-request-reference'], title: REFUSALS[code].title });
    },
  );

  it('says the same of all messages that do not verify', () => {
    const { 'message-forged': forged, 'message-malformed': malformed, 'message-misdirected': misdirected } = REFUSALS;
    expect([malformed, misdirected]).toEqual([forged, forged]);
  });
});

describe('what nobody expected', () => {
  it('is a 500 with a reference, and not a word of the error', async () => {
    const page = await browser(w.app).signIn('fault');
    expect(page.status).toBe(500);
    expect(page.text).toContain(page.headers['x-request-reference']);
    expect(page.text).not.toMatch(/library text|TypeError|at .*\.ts/);
    expect(w.lines().find((line) => line['msg'] === 'fault')).toMatchObject({
      reference: page.headers['x-request-reference'],
      err: { type: 'TypeError' },
    });
    expect(w.refusals).toEqual([]);
  });

  it('is a 503 with a reference where the database is away', async () => {
    const page = await browser(w.app).signIn('away');
    expect(page.status).toBe(503);
    expect(page.text).toContain('unavailable');
    expect(page.text).toContain(page.headers['x-request-reference']);
  });

  it.each(['/nowhere', '/console', '/metrics', '/t/acme/saml/sso/slo', '/t/acme/oidc/oidc/backchannel-logout', '/api/v1/scim', '/t/acme/Learning'])(
    'is a 404 at %s',
    async (path) => {
      const res = await request(w.app).get(path);
      expect(res.status).toBe(404);
      expect(res.text).toContain(res.headers['x-request-reference']);
    },
  );

  it.each(['/t/%E0%A4%A/learning', '/%'])('is a 400 or 404 for the broken path %s', async (path) => {
    const res = await request(w.app).get(path);
    expect([400, 404]).toContain(res.status);
    expect(res.text).toContain(res.headers['x-request-reference']);
  });

  it.each([
    ['delete', '/', 'GET, HEAD, POST'],
    ['post', '/t/acme/me', 'GET, HEAD'],
    ['put', '/t/acme/learning', 'GET, HEAD'],
    ['get', '/t/acme/logout', 'POST'],
    ['post', '/healthz', 'GET, HEAD'],
  ] as const)('is a 405 for %s %s', async (method, path, allow) => {
    const res = await request(w.app)[method](path);
    expect([res.status, res.headers['allow']]).toEqual([405, allow]);
  });
});

describe('every answer', () => {
  const paths = [
    '/',
    '/t/acme',
    '/t/acme/learning',
    '/t/acme/me',
    '/t/acme/signed-out',
    '/nowhere',
    '/healthz',
    '/readyz',
    '/api/v1/tenants/acme/users',
    '/t/acme/login/sso',
  ];

  it.each(paths)('%s is not stored, not framed, not sniffed, and tells no one where it came from', async (path) => {
    const { headers } = await request(w.app).get(path);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'strict-transport-security': 'max-age=63072000',
    });
    expect(headers['referrer-policy']).toMatch(/^(no-referrer|same-origin)$/);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; .*frame-ancestors 'none'/);
    expect(headers['x-powered-by']).toBeUndefined();
  });

  it('does not ask for https on loopback http', async () => {
    const local = await world({ baseUrl: LOOPBACK });
    expect((await request(local.app).get('/')).headers['strict-transport-security']).toBeUndefined();
    await local.close();
  });

  it('is the same whatever Host, X-Forwarded-* and an absolute request target say', async () => {
    const forged = {
      Host: 'evil.example',
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'http',
      Forwarded: 'host=evil.example;proto=http',
    };
    const b = browser(w.app);
    const started = await b.get('/t/acme/login/sso', forged);
    const handle = new URL(started.headers['location']!).searchParams.get('RelayState')!;
    const arrived = await b.post('/t/acme/saml/sso/acs', { SAMLResponse: 'arrive:ada', RelayState: handle }, forged);
    expect(arrived.headers['location']).toBe('/t/acme/learning');
    expect(b.jar.has('__Host-matricula')).toBe(true);
    for (const path of ['/', '/t/acme', '/t/acme/learning', '/api/v1/openapi.json'])
      expect((await b.get(path, forged)).text).not.toContain('evil.example');
  });

  it('answers an absolute request target as the path in it', async () => {
    const server = w.app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as net.AddressInfo;
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = net.connect(port, '127.0.0.1', () =>
        socket.write('GET http://evil.example/t/acme HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'),
      );
      socket
        .on('data', (chunk) => {
          text += chunk;
        })
        .on('end', () => resolve(text))
        .on('error', reject);
    });
    server.close();
    expect(answer).toMatch(/^HTTP\/1\.1 200/);
    expect(answer).not.toContain('evil.example');
  });
});

describe('the content policy of a page', () => {
  it('lets the e-mail form go to us and nowhere else, without any script', async () => {
    const policy = policyOf(await request(w.app).get('/'));
    expect(policy.get('form-action')).toBe("'self'");
    expect(policy.has('script-src')).toBe(false);
    expect(policy.get('style-src')).toBe("'self'");
    expect(policy.get('base-uri')).toBe("'none'");
  });

  it('allows no form at all where there is none', async () => {
    for (const path of ['/t/acme', '/t/acme/signed-out', '/nowhere'])
      expect(policyOf(await request(w.app).get(path)).get('form-action')).toBe("'none'");
    expect(policyOf(await browser(w.app).post('/', { email: 'ada@acme.example' })).get('form-action')).toBe("'none'");
  });

  it('lets the form to a provider go to exactly its origin, sent by our one script', async () => {
    const res = await browser(w.app).get('/t/acme/login/posting');
    expect(res.status).toBe(200);
    const policy = policyOf(res);
    expect(policy.get('form-action')).toBe('https://idp.example');
    expect(policy.get('script-src')).toBe("'self'");
    expect(res.text).toContain('<form method="post" action="https://idp.example/sso?tenant=1" data-submit>');
    expect(res.text).toContain('name="SAMLRequest" value="PHg+&quot;"');
    expect(res.text).toContain('<button class="primary" type="submit">');
  });

  it('is not needed by any inline script or style', async () => {
    const b = browser(w.app);
    await b.signIn('arrive:ada');
    for (const path of ['/', '/t/acme', '/t/acme/learning', '/t/acme/login/posting', '/nowhere']) {
      const page = (await b.get(path)).text;
      expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?! src="\/assets\/submit\.js)/);
    }
  });
});

describe('files of the pages', () => {
  it('are cached for good under their digest, shortly without', async () => {
    const href = /href="(\/assets\/matricula\.css\?v=[\w-]+)"/.exec((await request(w.app).get('/')).text)![1]!;
    const pinned = await request(w.app).get(href);
    expect([pinned.status, pinned.headers['content-type'], pinned.headers['cache-control']]).toEqual([
      200,
      'text/css; charset=utf-8',
      'public, max-age=31536000, immutable',
    ]);
    expect((await request(w.app).get('/assets/matricula.css?v=other')).headers['cache-control']).toBe('public, max-age=300');
  });

  it.each(['/assets/..%2fhtml.ts', '/assets/html.ts', '/assets/__proto__', '/assets/'])('are no others: %s', async (path) => {
    expect((await request(w.app).get(path)).status).toBe(404);
  });
});

describe('the log', () => {
  it('has one line per request, with the route and the reference', async () => {
    const b = browser(w.app);
    const started = await b.get('/t/acme/login/sso?login_hint=secret-hint');
    await b.get('/no/such/secret-path');
    const requests = w.lines().filter((line) => line['msg'] === 'request');
    expect(requests).toMatchObject([
      {
        method: 'GET',
        route: '/t/:tenant/login/:connection',
        status: 302,
        tenant: 'acme',
        connection: 'sso',
        reference: started.headers['x-request-reference'],
      },
      { method: 'GET', route: 'unmatched', status: 404, code: 'not-found', check: 'http/route' },
    ]);
  });

  it('holds no query, body, cookie, token or path that matched nothing', async () => {
    const b = browser(w.app);
    await b.get('/t/acme/login/sso?return_to=/secret-1&login_hint=secret-2');
    await b.get('/secret-3\n');
    await b.signIn('arrive:ada');
    await b.get('/t/acme/oidc/oidc/callback?code=secret-4&state=secret-5');
    await b.post('/', { email: 'secret-6@acme.example' });
    await b.post('/t/acme/logout', 'csrf=secret-7&%');
    await request(w.app).post('/t/acme/saml/sso/acs').set('Content-Type', 'application/json').send('{"secret-8');
    await request(w.app).get('/api/v1/tenants/acme/users').set('Authorization', 'Bearer secret-9');
    expect(w.logText()).not.toMatch(/secret-\d/);
    for (const value of b.jar.values()) expect(w.logText()).not.toContain(value);
  });
});
