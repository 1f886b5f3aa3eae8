import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { browser, cookieLines, HTTPS, LOOPBACK, MINUTE, type TestWorld, tenant, userState, world } from './world.ts';

let w: TestWorld;
beforeEach(async () => {
  w = await world();
});
afterEach(() => w.close());

const NAME = '__Host-matricula';
const sessionCookie = (lines: string[]) => lines.find((line) => line.startsWith(`${NAME}=`) || line.startsWith('matricula='));
const me = (b: ReturnType<typeof browser>, at = 'acme') => b.get(`/t/${at}/me`);

describe('a session', () => {
  it('carries the learner from the provider to "my learning"', async () => {
    const b = browser(w.app);
    const arrived = await b.signIn('arrive:ada');
    expect(arrived.status).toBe(303);
    expect(arrived.headers['location']).toBe('/t/acme/learning');
    expect((await b.get('/t/acme/learning')).text).toContain('Sales onboarding');
  });

  it('is shown by /me exactly as it is documented', async () => {
    const b = browser(w.app);
    await b.signIn('arrive:ada', 't/acme', 'oidc');
    expect((await me(b)).body).toEqual({
      user: {
        id: 'ada',
        userName: 'ada@acme.example',
        email: 'ada@acme.example',
        displayName: "Zoë O'Née <i>",
        status: 'active',
        role: 'learner',
        fields: { costcentre: '42' },
      },
      enrolments: [
        {
          target: 'bundle:sales',
          grants: [
            { source: 'connection:sso', rule: 'r1', since: '2026-01-01T00:00:00.000Z' },
            { source: 'manual', rule: null, since: '2026-01-01T00:00:00.000Z' },
          ],
        },
      ],
      session: { connection: 'oidc', since: '2026-03-01T09:00:00.000Z' },
    });
  });

  it('has a __Host- cookie that scripts, other sites and plain http never see', async () => {
    const cookie = sessionCookie(cookieLines(await browser(w.app).signIn('arrive:ada')));
    expect(cookie).toMatch(/^__Host-matricula=s%3A[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  });

  it('has a cookie without Secure and prefix on loopback http', async () => {
    const local = await world({ baseUrl: LOOPBACK });
    const cookie = sessionCookie(cookieLines(await browser(local.app).signIn('arrive:ada')));
    expect(cookie).toMatch(/^matricula=s%3A[^;]+; Path=\/; HttpOnly; SameSite=Lax$/);
    await local.close();
  });

  it('starts with a new id, and the one that the browser brought is dead', async () => {
    const b = browser(w.app);
    await b.signIn('arrive:ada');
    const before = b.jar.get(NAME)!;
    await b.signIn('arrive:ada');
    expect(b.jar.get(NAME)).not.toBe(before);
    expect((await me(b)).status).toBe(200);
    const old = await request(w.app).get('/t/acme/me').set('Cookie', `${NAME}=${before}`);
    expect(old.status).toBe(401);
  });

  it('never starts under an id that a stranger made up', async () => {
    const b = browser(w.app);
    b.jar.set(NAME, 's%3Aplanted.signature');
    await b.signIn('arrive:ada');
    expect(b.jar.get(NAME)).not.toContain('planted');
    expect((await me(b)).status).toBe(200);
  });

  it('is not opened by a cookie with another signature', async () => {
    const b = browser(w.app);
    await b.signIn('arrive:ada');
    b.jar.set(NAME, b.jar.get(NAME)!.replace(/.{6}$/, 'AAAAAA'));
    expect((await me(b)).status).toBe(401);
  });

  it('is not begun by anybody who only looks around', async () => {
    for (const path of ['/', '/t/acme', '/t/acme/learning', '/t/acme/me']) expect(cookieLines(await request(w.app).get(path))).toEqual([]);
  });
});

describe('the end of a session', () => {
  it('comes after the idle limit', async () => {
    const b = browser(w.app);
    await b.signIn('arrive:ada');
    w.passes(30 * MINUTE);
    expect((await me(b)).status).toBe(401);
  });

  it('is put off by visits, until the absolute limit', async () => {
    const b = browser(w.app);
    await b.signIn('arrive:ada');
    for (let minutes = 0; minutes < 7 * 60 + 40; minutes += 20) {
      w.passes(20 * MINUTE);
      expect((await me(b)).status).toBe(200);
    }
    w.passes(20 * MINUTE);
    expect((await me(b)).status).toBe(401);
  });

  it('comes when the provider said that its own session ends', async () => {
    const b = browser(w.app);
    w.providerSessionEnds(new Date(w.now().getTime() + 5 * MINUTE));
    await b.signIn('arrive:ada');
    w.passes(4 * MINUTE);
    expect((await me(b)).status).toBe(200);
    w.passes(MINUTE);
    expect((await me(b)).status).toBe(401);
  });

  it('was before its start, where the provider said so: the sign-in is refused', async () => {
    w.providerSessionEnds(w.now());
    const b = browser(w.app);
    expect((await b.signIn('arrive:ada')).status).toBe(400);
    expect((await me(b)).status).toBe(401);
  });

  it.each([
    ['locked', 'account-locked'],
    ['suspended', 'account-suspended'],
    ['deleted', 'account-deleted'],
  ] as const)('comes at the next request of a user who is %s, for good', async (status, code) => {
    const b = browser(w.app);
    await b.signIn('arrive:ada');
    const copy = b.cookie();
    w.users.set('acme ada', userState('ada', { status }));
    const answer = await me(b);
    expect(answer.status).toBe(403);
    expect(answer.body.code).toBe(code);
    w.users.set('acme ada', userState('ada'));
    expect((await request(w.app).get('/t/acme/me').set('Cookie', copy)).status).toBe(401);
  });

  it('comes with a page of its own on "my learning"', async () => {
    const b = browser(w.app);
    await b.signIn('arrive:ada');
    w.users.set('acme ada', userState('ada', { status: 'suspended' }));
    const page = await b.get('/t/acme/learning');
    expect(page.status).toBe(403);
    expect(page.text).toContain('Your access has ended');
    expect(b.jar.has(NAME)).toBe(false);
  });

  it('comes when the user is gone, and when the connection is switched off', async () => {
    const b = browser(w.app);
    await b.signIn('arrive:ada');
    w.users.delete('acme ada');
    expect((await me(b)).body.code).toBe('account-deleted');
    w.users.set('acme ada', userState('ada'));
    await b.signIn('arrive:ada');
    const acme = tenant('acme');
    w.tenants.set('acme', { ...acme, connections: acme.connections.map((c) => (c.id === 'sso' ? { ...c, enabled: false } : c)) });
    expect((await me(b)).body.code).toBe('connection-disabled');
    w.tenants.set('acme', acme);
    expect((await me(b)).status).toBe(401);
  });
});

describe('a session of one tenant', () => {
  it('is nobody in another, even where that has a user of the same id', async () => {
    w.users.set('beta ada', userState('ada', { tenantId: 'beta' }));
    const b = browser(w.app);
    await b.signIn('arrive:ada');
    expect((await me(b, 'beta')).status).toBe(401);
    expect((await b.get('/t/beta/learning')).status).toBe(401);
    await b.post('/t/beta/logout', {}, { Origin: HTTPS });
    expect((await me(b)).status).toBe(200);
  });

  it('is never begun by an arrival at another tenant', async () => {
    const b = browser(w.app);
    const finish = w.deps.signIn.finishSaml;
    w.deps.signIn.finishSaml = async (asked, context) => ({ ...(await finish(asked, context)), tenantId: 'beta' });
    expect((await b.signIn('arrive:ada')).status).toBe(500);
    expect(b.jar.has(NAME)).toBe(false);
  });
});

describe('signing out', () => {
  const csrfOf = (page: string) => /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const ORIGIN = { Origin: HTTPS, 'Sec-Fetch-Site': 'same-origin' };

  async function signedIn() {
    const b = browser(w.app);
    await b.signIn('arrive:ada');
    return { b, csrf: csrfOf((await b.get('/t/acme/learning')).text), copy: b.cookie() };
  }

  it('ends the session here and in every copy of the cookie', async () => {
    const { b, csrf, copy } = await signedIn();
    const out = await b.post('/t/acme/logout', { csrf }, ORIGIN);
    expect([out.status, out.headers['location']]).toEqual([303, '/t/acme/signed-out']);
    expect(b.jar.has(NAME)).toBe(false);
    expect((await request(w.app).get('/t/acme/me').set('Cookie', copy)).status).toBe(401);
    expect((await b.get('/t/acme/signed-out')).text).toContain('You are signed out');
  });

  it('works with the token alone, for browsers that say nothing of where they come from', async () => {
    const { b, csrf } = await signedIn();
    expect((await b.post('/t/acme/logout', { csrf })).status).toBe(303);
  });

  it('works for a script of our own origin, and answers it without a page', async () => {
    const { b } = await signedIn();
    const out = await b.post('/t/acme/logout', {}, { Origin: HTTPS, Accept: 'application/json' });
    expect(out.status).toBe(204);
    expect((await me(b)).status).toBe(401);
  });

  it.each([
    ['without a token or an origin', {}, {}],
    ['with a wrong token', { csrf: 'x'.repeat(43) }, ORIGIN],
    ['with two tokens', { csrf: ['a', 'b'] }, ORIGIN],
    ['with an empty token', { csrf: '' }, ORIGIN],
    ['from another origin', { csrf: 'right' }, { Origin: 'https://evil.example' }],
    ['from a sandboxed page', { csrf: 'right' }, { Origin: 'null' }],
    ['from a neighbouring site', { csrf: 'right' }, { Origin: HTTPS, 'Sec-Fetch-Site': 'same-site' }],
    ['from our host under another scheme', {}, { Origin: HTTPS.replace('https', 'http') }],
  ])('is refused %s, and the session stays', async (_how, form: Record<string, string | string[]>, headers) => {
    const { b, csrf } = await signedIn();
    const out = await b.post('/t/acme/logout', form['csrf'] === 'right' ? { csrf } : form, headers);
    expect(out.status).toBe(400);
    expect((await me(b)).status).toBe(200);
  });

  it('twice is no mistake', async () => {
    expect((await request(w.app).post('/t/acme/logout')).status).toBe(303);
  });

  it('is not undone by a request that was under way', async () => {
    const { b, csrf, copy } = await signedIn();
    w.passes(2 * MINUTE);
    let goOn = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const read = w.deps.learner.read;
    w.deps.learner.read = async (...who) => {
      await held;
      return read(...who);
    };
    const underWay = request(w.app).get('/t/acme/me').set('Cookie', copy);
    const answered = underWay.then((res) => res.status);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await b.post('/t/acme/logout', { csrf }, ORIGIN);
    goOn();
    await answered;
    expect((await request(w.app).get('/t/acme/me').set('Cookie', copy)).status).toBe(401);
  });
});

describe('the store of sessions', () => {
  it('is written at most once a minute, however busy the learner is', async () => {
    const b = browser(w.app);
    await b.signIn('arrive:ada');
    const writes: string[] = [];
    const { kv } = w.deps;
    const set = kv.set;
    w.deps.kv.set = (space, key, ...rest) => {
      writes.push(key);
      return set(space, key, ...rest);
    };
    for (let i = 0; i < 20; i++) {
      await me(b);
      w.passes(10_000);
    }
    expect(writes.length).toBeLessThanOrEqual(4);
  });

  it('being away is a 503 with a reference, and over when it is back', async () => {
    const b = browser(w.app);
    await b.signIn('arrive:ada');
    w.kvGoes(true);
    const page = await b.get('/t/acme/learning');
    expect(page.status).toBe(503);
    expect(page.headers['retry-after']).toBe('5');
    expect(page.text).toContain(page.headers['x-request-reference']);
    w.kvGoes(false);
    expect((await b.get('/t/acme/learning')).status).toBe(200);
  });
});
