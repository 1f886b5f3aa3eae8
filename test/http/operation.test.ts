import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { type TestWorld, world } from './world.ts';

let w: TestWorld;
beforeEach(async () => {
  w = await world();
});
afterEach(() => w.close());

describe('/healthz', () => {
  it('says that the process lives, whatever the stores do', async () => {
    w.kvGoes(true);
    const res = await request(w.app).get('/healthz');
    expect([res.status, res.body]).toEqual([200, { status: 'ok' }]);
  });
});

describe('/readyz', () => {
  it('is 200 while the stores answer, 503 while one does not, 200 again afterwards', async () => {
    expect((await request(w.app).get('/readyz')).body).toEqual({ status: 'ready', checks: { database: 'ok', kv: 'ok' }, problems: [] });
    w.kvGoes(true);
    const away = await request(w.app).get('/readyz');
    expect([away.status, away.body.checks.kv]).toEqual([503, 'away']);
    w.kvGoes(false);
    expect((await request(w.app).get('/readyz')).status).toBe(200);
  });

  it('stays 200 and names file, line and column where a tenant file is broken, and quotes nothing of it', async () => {
    w.filesAreBroken([
      {
        tenant: 'acme',
        file: '/etc/matricula/tenants/acme.yaml',
        problems: ['/etc/matricula/tenants/acme.yaml:3:1 unknown key `sekret`: 1:2 x', 'second'],
      },
    ]);
    const res = await request(w.app).get('/readyz');
    expect([res.status, res.body.problems]).toEqual([200, [{ tenant: 'acme', file: 'acme.yaml', problems: 2, at: ['acme.yaml:3:1'] }]]);
  });

  it('is 503 where the check itself fails', async () => {
    w.deps.health.ready = () => Promise.reject(new Error('broken'));
    expect((await request(w.app).get('/readyz')).status).toBe(503);
  });
});
