import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import type { JournalLine } from '../../src/http/admin.ts';
import { HTTPS, type TestWorld, userState, world } from './world.ts';

let w: TestWorld;
beforeEach(async () => {
  w = await world();
});
afterEach(() => w.close());

const read = (path: string, key: string | null = 'mk_acme') => {
  const test = request(w.app).get(`/api/v1${path}`);
  return key === null ? test : test.set('Authorization', `Bearer ${key}`);
};

describe('the administrators’ API', () => {
  it('lists the users of the key’s tenant, page by page', async () => {
    for (const id of ['bob', 'cem']) w.users.set(`acme ${id}`, userState(id));
    w.users.set('beta eve', userState('eve', { tenantId: 'beta' }));
    const first = await read('/tenants/acme/users?limit=2');
    expect(first.body.users.map((u: { id: string }) => u.id)).toEqual(['ada', 'bob']);
    const second = await read(`/tenants/acme/users?limit=2&after=${first.body.next}`);
    expect([second.body.users.length, second.body.next]).toEqual([1, null]);
    expect((await read('/tenants/acme/users?search=cem')).body.users).toHaveLength(1);
  });

  it('shows one user with grants, and nothing that is ours alone', async () => {
    const { body } = await read('/tenants/acme/users/ada');
    expect(body).toMatchObject({
      id: 'ada',
      status: 'active',
      grants: [{ target: 'bundle:sales', source: 'connection:sso', rule: 'r1' }, { rule: null }],
    });
    for (const inner of ['version', 'userNameKey', 'emailKey', 'tenantId']) expect(body).not.toHaveProperty(inner);
  });

  it('lists journal and sign-ins', async () => {
    const at = w.now();
    const common = { at, outcome: 'FAILED' as const, code: 'message-forged', reference: '7K3M-Q9TX-2A', detail: { check: 'saml/signature' } };
    w.journal.push({
      ...common,
      id: 'j1',
      actor: 'connection:sso',
      cause: 'sign-in',
      action: null,
      resourceType: 'SignIn',
      resourceId: null,
      mappingVersion: null,
    });
    w.signIns.push({ ...common, id: 's1', connectionId: 'sso', userId: null, check: 'saml/signature' });
    expect((await read('/tenants/acme/journal?limit=1&outcome=FAILED')).body).toMatchObject({
      entries: [{ id: 'j1', at: at.toISOString() }],
      next: 'j1',
    });
    expect((await read('/tenants/acme/sign-ins')).body).toMatchObject({ signIns: [{ id: 's1', check: 'saml/signature' }] });
  });

  it('lists what the directory did, with the reason of what came to nothing, and no other line', async () => {
    const line = (id: string, over: Partial<JournalLine>): JournalLine => ({
      id,
      at: w.now(),
      actor: 'scim:ms_abc',
      cause: 'resource',
      action: 'UPDATE',
      resourceType: 'User',
      resourceId: 'ada',
      outcome: 'SUCCESS',
      code: null,
      reference: '7K3M-Q9TX-2A',
      mappingVersion: 1,
      detail: {},
      ...over,
    });
    w.journal.push(
      line('j3', { action: 'CREATE', outcome: 'FAILED', code: 'uniqueness', resourceId: null, detail: { status: 409, reason: 'userName: taken' } }),
      line('j2', { outcome: 'SKIPPED', code: 'unchanged', detail: { ignored: ['badge: no attribute', 'x: no attribute'] } }),
      line('by-hand', { action: null, cause: 'edit', actor: 'cli' }),
      line('j1', {}),
    );
    const { body } = await read('/tenants/acme/sync-log');
    expect(body.entries.map((e: { id: string; reason: string | null }) => [e.id, e.reason])).toEqual([
      ['j3', 'userName: taken'],
      ['j2', 'badge: no attribute; x: no attribute'],
      ['j1', null],
    ]);
    expect(body.entries[0]).toEqual({
      id: 'j3',
      at: w.now().toISOString(),
      action: 'CREATE',
      resourceType: 'User',
      resourceId: null,
      outcome: 'FAILED',
      code: 'uniqueness',
      reason: 'userName: taken',
      actor: 'scim:ms_abc',
      reference: '7K3M-Q9TX-2A',
      detail: { status: 409, reason: 'userName: taken' },
    });
    expect(body.next).toBeNull();
    expect((await read('/tenants/acme/sync-log?limit=2')).body).toMatchObject({ entries: [{ id: 'j3' }, { id: 'j2' }], next: 'j2' });
    expect((await read('/tenants/beta/sync-log')).status).toBe(404);
  });

  it('hands every filter of the sync log on, and refuses what is none', async () => {
    const asked: object[] = [];
    w.deps.admin.syncLog = async (_tenant, query) => {
      asked.push(query);
      return [];
    };
    const filters = 'action=DELETE&outcome=SKIPPED&resourceType=Group&resourceId=g1&reference=R&before=j9&limit=3';
    expect((await read(`/tenants/acme/sync-log?${filters}&since=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00Z`)).status).toBe(200);
    expect(asked).toEqual([
      {
        action: 'DELETE',
        outcome: 'SKIPPED',
        resourceType: 'Group',
        resourceId: 'g1',
        reference: 'R',
        before: 'j9',
        limit: 3,
        since: new Date('2026-01-01T00:00:00Z'),
        until: new Date('2026-02-01T00:00:00Z'),
      },
    ]);
    for (const query of ['action=create', 'outcome=OK', 'resourceType=Token', 'since=yesterday', 'before=', 'cause=resource', 'until=1&until=2'])
      expect([query, (await read(`/tenants/acme/sync-log?${query}`)).status]).toEqual([query, 400]);
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['no key', null],
    ['an unknown key', 'mk_other'],
    ['an empty key', ''],
  ])('answers 401 with WWW-Authenticate to %s', async (_what, key) => {
    const res = await read('/tenants/acme/users', key);
    expect(res.status).toBe(401);
    expect(res.headers['www-authenticate']).toMatch(/^Bearer realm="matricula"/);
    expect(res.headers['content-type']).toMatch(/^application\/problem\+json/);
  });

  it('takes no key from the query, and no other scheme', async () => {
    expect((await request(w.app).get('/api/v1/tenants/acme/users?access_token=mk_acme')).status).toBe(401);
    expect((await request(w.app).get('/api/v1/tenants/acme/users').set('Authorization', 'Basic mk_acme')).status).toBe(401);
  });

  it('answers alike for another tenant, an unknown one, an unknown user and an unknown path', async () => {
    const bodies = [];
    for (const path of [
      '/tenants/beta/users',
      '/tenants/nobody/users',
      '/tenants/__proto__/users',
      '/tenants/acme/users/eve',
      '/tenants/acme/users/..%2f',
      '/elsewhere',
    ]) {
      const res = await read(path);
      expect(res.status).toBe(404);
      expect(res.headers['content-type']).toMatch(/^application\/problem\+json/);
      bodies.push({ ...res.body, reference: '' });
    }
    expect(new Set(bodies.map((b) => JSON.stringify(b)))).toEqual(
      new Set([JSON.stringify({ type: 'about:blank', title: 'Not found', status: 404, code: 'not-found', reference: '' })]),
    );
  });

  it('lets a key for every tenant read each of them, and no user through the wrong one', async () => {
    w.users.set('beta eve', userState('eve', { tenantId: 'beta' }));
    expect((await read('/tenants/beta/users/eve', 'mk_every')).status).toBe(200);
    expect((await read('/tenants/acme/users/eve', 'mk_every')).status).toBe(404);
  });

  it.each(['limit=0', 'limit=201', 'limit=x', 'limit=1&limit=2', 'unknown=1', 'after=', '__proto__=1'])('refuses the query %s', async (query) => {
    const res = await read(`/tenants/acme/users?${query}`);
    expect([res.status, res.body.code]).toEqual([400, 'request-malformed']);
  });

  it('describes every route it has, and none that it has not', async () => {
    const { body } = await request(w.app).get('/api/v1/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    expect(body.servers).toEqual([{ url: `${HTTPS}/api/v1` }]);
    const described = Object.entries(body.paths as Record<string, object>);
    for (const [path, operations] of described) {
      const answer = await read(path.replace('{tenant}', 'acme').replace('{id}', path.includes('/mapping/') ? '1' : 'ada'));
      expect({ path, status: answer.status }).toEqual({ path, status: 'get' in operations ? 200 : 405 });
    }
    expect(described.flatMap(([, operations]) => Object.keys(operations)).sort()).toEqual([...Array(19).fill('get'), ...Array(20).fill('post')]);
  });
});
