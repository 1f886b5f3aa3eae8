import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { LIMITS, networkOf } from '../../src/http/limits.ts';
import { type TestWorld, world } from './world.ts';

let w: TestWorld;
beforeEach(async () => {
  w = await world({ settings: { rateLimits: true, trustProxy: 1 } });
});
afterEach(() => w.close());

const ask = (ip: string) => request(w.app).post('/').type('form').set('X-Forwarded-For', ip).send('email=a@acme.example');
const start = (ip: string, connection = 'sso') => request(w.app).get(`/t/acme/login/${connection}`).set('X-Forwarded-For', ip);
const many = async (n: number, once: () => request.Test) => {
  for (let i = 0; i < n; i++) await once();
};

describe('a rate limit', () => {
  it('answers 429 with Retry-After, and lets the same address in again when the time is over', async () => {
    await many(LIMITS.email, () => ask('198.51.100.7'));
    const refused = await ask('198.51.100.7');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect(refused.text).toContain('Too many attempts');
    w.passes(60_001);
    expect((await ask('198.51.100.7')).status).toBe(200);
  });

  it('of one address is no other address’s: a stranger cannot lock a tenant out', async () => {
    await many(LIMITS.start + 1, () => start('198.51.100.7'));
    expect((await start('198.51.100.7')).status).toBe(429);
    expect((await start('198.51.100.8')).status).toBe(302);
    expect((await start('198.51.100.7', 'oidc')).status).toBe(302);
  });

  it('is not filled in the journal', async () => {
    await many(LIMITS.start + 5, () => start('198.51.100.7'));
    expect(w.refusals).toEqual([]);
  });

  it('keeps the refusals of one address from filling the journal, each of them still answered and logged', async () => {
    const forge = (ip: string) =>
      request(w.app).post('/t/acme/saml/sso/acs').type('form').set('X-Forwarded-For', ip).send('SAMLResponse=message-forged');
    await many(LIMITS.refused + 5, () => forge('198.51.100.7'));
    expect(w.refusals).toHaveLength(LIMITS.refused);
    expect((await forge('198.51.100.7')).status).toBe(400);
    expect((await forge('198.51.100.8')).status).toBe(400);
    expect(w.refusals).toHaveLength(LIMITS.refused + 1);
  });

  it('is shared by names that do not exist', async () => {
    let n = 0;
    await many(LIMITS.start, () => request(w.app).get(`/t/made-up-${n++}/login/x`).set('X-Forwarded-For', '198.51.100.9'));
    expect((await request(w.app).get('/t/another/login/x').set('X-Forwarded-For', '198.51.100.9')).status).toBe(429);
    expect((await start('198.51.100.9')).status).toBe(302);
  });

  it('is a 503 where its store is away, and nothing where it is switched off', async () => {
    w.kvGoes(true);
    expect((await start('198.51.100.7')).status).toBe(503);
    const off = await world();
    for (let i = 0; i < LIMITS.email + 5; i++) expect((await request(off.app).post('/').type('form').send('email=a@acme.example')).status).toBe(200);
    await off.close();
  });

  it('believes X-Forwarded-For only as far as there are proxies', async () => {
    const direct = await world({ settings: { rateLimits: true, trustProxy: 0 } });
    let n = 0;
    const spoof = () =>
      request(direct.app)
        .post('/')
        .type('form')
        .set('X-Forwarded-For', `198.51.100.${n++ % 250}`)
        .send('email=a@acme.example');
    await many(LIMITS.email, spoof);
    expect((await spoof()).status).toBe(429);
    await direct.close();
  });
});

describe('an address', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('%s stands for %s', (ip, network) => {
    expect(networkOf(ip)).toBe(network);
  });
});
