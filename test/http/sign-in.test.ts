import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { browser, cookieLines, LOOPBACK, type TestWorld, world } from './world.ts';

let w: TestWorld;
beforeEach(async () => {
  w = await world();
});
afterEach(() => w.close());

describe('the e-mail page', () => {
  const ask = (email: string) => browser(w.app).post('/', { email });

  it('goes on to the only connection of a domain, without a redirect after the form', async () => {
    const page = await ask('Ada@ACME.example');
    expect(page.status).toBe(200);
    expect(page.text).toContain('content="0; url=/t/acme/login/sso?login_hint=Ada%40ACME.example"');
    expect(page.text).toContain('href="/t/acme/login/sso?login_hint=Ada%40ACME.example"');
  });

  it('lets the person choose where several connections take the domain', async () => {
    const page = await ask('ada@shared.example');
    expect(page.status).toBe(200);
    for (const way of ['/t/acme/login/sso', '/t/acme/login/oidc', '/t/beta/login/sso']) expect(page.text).toContain(`href="${way}?login_hint=`);
    expect(page.text).toContain('BETA &amp; Co');
  });

  it('says that it does not know a domain, and nothing of who is here', async () => {
    const page = await ask('ada@nowhere.example');
    expect(page.status).toBe(404);
    expect(page.text).toContain('No sign-in is set up for the domain');
    expect(page.text).toContain('value="ada@nowhere.example"');
    expect(page.text).toContain(page.headers['x-request-reference']);
    expect(page.text).not.toMatch(/acme|beta/i);
  });

  it.each(['', 'ada', 'ada@', 'ada@acme', '"><script>alert(1)</script>@acme.example', 'a@b@acme.example'])('asks again for %j', async (email) => {
    const page = await ask(email);
    expect(page.status).toBe(400);
    expect(page.text).toContain('aria-invalid="true"');
    expect(page.text).not.toContain('<script>');
  });

  it('refuses several e-mails, none, and forms beyond 4 kB', async () => {
    expect((await browser(w.app).post('/', { email: ['a@acme.example', 'b@acme.example'] })).status).toBe(400);
    expect((await browser(w.app).post('/', {})).status).toBe(400);
    expect((await ask(`${'a'.repeat(5000)}@acme.example`)).status).toBe(400);
    expect((await request(w.app).post('/').send({ email: 'ada@acme.example' })).status).toBe(400);
  });

  it('never leads to a connection that is switched off', async () => {
    const acme = w.tenants.get('acme')!;
    w.tenants.set('acme', { ...acme, connections: acme.connections.map((c) => ({ ...c, enabled: false })) });
    expect((await ask('ada@acme.example')).status).toBe(404);
  });
});

describe('the chooser', () => {
  it('shows the enabled connections and carries return_to along', async () => {
    const page = await request(w.app).get('/t/acme?return_to=/t/acme/learning%3Fa=1%26b=%22');
    expect(page.text).toContain('href="/t/acme/login/sso?return_to=%2Ft%2Facme%2Flearning%3Fa%3D1%26b%3D%22"');
    expect(page.text).not.toContain('/login/off');
  });

  it.each(['/t/nobody', '/t/__proto__', '/t/constructor', '/t/ACME', '/t/%00', '/t/..%2f'])('is a 404 at %s', async (path) => {
    const page = await request(w.app).get(path).set('Accept', 'application/json');
    expect([page.status, page.body.code]).toEqual([404, 'tenant-unknown']);
  });
});

describe('the start of a sign-in', () => {
  it('hands return_to and login_hint on as they came, and sends the browser off', async () => {
    const res = await request(w.app).get('/t/acme/login/sso?return_to=%2F%5Cx&login_hint=a%40b');
    expect(res.status).toBe(302);
    expect(res.headers['location']).toMatch(/^https:\/\/idp\.example\/sso\?tenant=1&RelayState=/);
    expect(w.starts()[0]).toMatchObject({ returnTo: '/\\x', loginHint: 'a@b' });
  });

  it('refuses a return_to that flows refuse, and one that is there twice', async () => {
    expect((await request(w.app).get('/t/acme/login/sso?return_to=https://evil.example/')).status).toBe(400);
    expect((await request(w.app).get('/t/acme/login/sso?return_to=/a&return_to=/b')).status).toBe(400);
    expect(w.refusals.map((r) => r.code)).toEqual(['return-to-refused', 'request-malformed']);
  });

  it('gives each attempt 256 random bits in a cookie of its own', async () => {
    const b = browser(w.app);
    await b.get('/t/acme/login/sso');
    await b.get('/t/acme/login/sso');
    const secrets = [...b.jar].filter(([name]) => name.startsWith('__Host-mf-')).map(([, value]) => value);
    expect(new Set(secrets).size).toBe(2);
    for (const secret of secrets) expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
    expect(w.starts().map((s) => s.browserSecret)).toEqual(secrets);
  });

  it('sets a cookie that comes along with the cross-site POST of SAML, and a Lax one for OIDC', async () => {
    const [saml] = cookieLines(await request(w.app).get('/t/acme/login/sso'));
    expect(saml).toMatch(/^__Host-mf-h{15}1=[\w-]{43}; Max-Age=900; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=None$/);
    const [oidc] = cookieLines(await request(w.app).get('/t/acme/login/oidc'));
    expect(oidc).toMatch(/^__Host-mf-h{15}2=[\w-]{43}; Max-Age=900; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/);
  });

  it('sets Lax cookies without Secure on loopback http', async () => {
    const local = await world({ baseUrl: LOOPBACK });
    const [saml] = cookieLines(await request(local.app).get('/t/acme/login/sso'));
    expect(saml).toMatch(/^mf-h{15}1=[\w-]{43}; Max-Age=900; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/);
    await local.close();
  });

  it('keeps at most eight attempts in one browser, the newest', async () => {
    const b = browser(w.app);
    for (let i = 0; i < 12; i++) await b.get('/t/acme/login/sso');
    const names = [...b.jar.keys()].filter((name) => name.startsWith('__Host-mf-'));
    expect(names).toHaveLength(8);
    expect(names.at(-1)).toBe('__Host-mf-hhhhhhhhhhhhhh12');
    expect(names[0]).toBe('__Host-mf-hhhhhhhhhhhhhhh5');
  });

  it.each([
    ['/t/acme/login/none', 'connection-unknown'],
    ['/t/acme/login/__proto__', 'connection-unknown'],
    ['/t/acme/login/off', 'connection-disabled'],
    ['/t/none/login/sso', 'tenant-unknown'],
    ['/t/acme/saml/oidc/metadata', 'connection-unknown'],
    ['/t/acme/saml/off/metadata', 'connection-disabled'],
  ])('is a 404 at %s', async (path, code) => {
    const res = await request(w.app).get(path).set('Accept', 'application/json');
    expect(res.status).toBe(404);
    expect(res.body).toEqual({ code, reference: res.headers['x-request-reference'], title: expect.any(String) });
  });
});

describe('the assertion consumer service', () => {
  const acs = '/t/acme/saml/sso/acs';

  it('signs in only the browser that began', async () => {
    const victim = browser(w.app);
    const started = await browser(w.app).get('/t/acme/login/sso');
    const handle = new URL(started.headers['location']!).searchParams.get('RelayState')!;
    const res = await victim.post(acs, { SAMLResponse: 'arrive:ada', RelayState: handle });
    expect(res.status).toBe(400);
    expect(res.text).toContain('login-unknown');
    expect(victim.jar.size).toBe(0);
  });

  it('clears the cookie of an attempt that is over, and of no other', async () => {
    const b = browser(w.app);
    await b.get('/t/acme/login/sso');
    await b.signIn('arrive:ada');
    expect([...b.jar.keys()]).toEqual(['__Host-mf-hhhhhhhhhhhhhhh1', '__Host-matricula']);
    await b.signIn('account-locked');
    expect([...b.jar.keys()]).toEqual(['__Host-mf-hhhhhhhhhhhhhhh1', '__Host-matricula']);
  });

  it('keeps the attempt when a message does not hold: a forged one does not burn the real one', async () => {
    const b = browser(w.app);
    const handle = new URL((await b.get('/t/acme/login/sso')).headers['location']!).searchParams.get('RelayState')!;
    expect((await b.post(acs, { SAMLResponse: 'message-forged', RelayState: handle })).status).toBe(400);
    expect((await b.post(acs, { SAMLResponse: 'arrive:ada', RelayState: handle })).status).toBe(303);
  });

  it.each([
    ['no field', {}],
    ['two responses', { SAMLResponse: ['a', 'b'] }],
    ['two relay states', { SAMLResponse: 'a', RelayState: ['a', 'b'] }],
    ['brackets in names', 'SAMLResponse[x]=a'],
    ['prototype names', '__proto__=a&constructor=b'],
    ['too many fields', Array.from({ length: 40 }, (_, i) => `f${i}=1`).join('&')],
    ['a body beyond the limit', `SAMLResponse=${'A'.repeat(430 * 1024)}`],
  ])('refuses %s as malformed', async (_what, form) => {
    const res = await browser(w.app).post(acs, form as Record<string, string>);
    expect(res.status).toBe(400);
    expect(w.refusals).toMatchObject([{ code: 'message-malformed', tenant: 'acme', reference: res.headers['x-request-reference'] }]);
  });

  it.each(['application/json', 'multipart/form-data; boundary=x', 'text/plain'])('refuses a body of type %s', async (type) => {
    const res = await request(w.app).post(acs).set('Content-Type', type).send('{"SAMLResponse":"arrive:ada"}');
    expect(res.status).toBe(400);
    expect(w.refusals[0]?.code).toBe('message-malformed');
  });

  it('refuses a compressed body', async () => {
    const res = await request(w.app).post(acs).type('form').set('Content-Encoding', 'gzip').send('SAMLResponse=x');
    expect(res.status).toBe(400);
  });

  it('takes a response of 256 kB with every byte of base64 that needs it encoded', async () => {
    const b = browser(w.app);
    const handle = new URL((await b.get('/t/acme/login/sso')).headers['location']!).searchParams.get('RelayState')!;
    let received = '';
    w.deps.signIn.finishSaml = async ({ samlResponse, tenant, connection }) => {
      received = String(samlResponse);
      const at = { tenantId: tenant.id, connectionId: connection.id };
      return { ...at, userId: 'ada', returnTo: '/t/acme/learning', sessionNotOnOrAfter: null, sid: null };
    };
    const wrapped = Buffer.alloc(256 * 1024, 0xfb)
      .toString('base64')
      .replace(/.{76}/g, '$&\r\n');
    const body = `SAMLResponse=${encodeURIComponent(wrapped.replace(/\+/g, 'A').replace(/\//g, 'B'))}&RelayState=${handle}`;
    expect((await b.post(acs, body)).status).toBe(303);
    expect(received.length).toBeGreaterThan(349_000);
  });

  it('answers GET with 405 and says what it takes', async () => {
    const res = await request(w.app).get(acs);
    expect([res.status, res.headers['allow']]).toEqual([405, 'POST']);
  });
});

describe('the OIDC callback', () => {
  it('hands the query on untouched, and reads the state only where there is exactly one', async () => {
    const b = browser(w.app);
    await b.get('/t/acme/oidc/oidc/callback?code=a%20b+c&state=x&state=y&iss=https%3A%2F%2Fop');
    await b.get('/t/acme/oidc/oidc/callback');
    expect(w.queries()).toEqual(['code=a%20b+c&state=x&state=y&iss=https%3A%2F%2Fop', '']);
    expect(w.refusals.map((r) => r.code)).toEqual(['login-unknown', 'login-unknown']);
  });

  it('signs in the browser that began', async () => {
    const b = browser(w.app);
    expect((await b.signIn('arrive:ada', 't/acme', 'oidc')).status).toBe(303);
    expect((await b.get('/t/acme/me')).status).toBe(200);
  });
});

describe('the SAML metadata', () => {
  it('is served with its own type and the address from the settings', async () => {
    const res = await request(w.app).get('/t/acme/saml/sso/metadata').set('Host', 'evil.example');
    expect(res.headers['content-type']).toMatch(/^application\/samlmetadata\+xml/);
    expect(res.text ?? res.body.toString()).toContain('https://learn.example/t/acme/saml/sso/metadata');
  });
});
