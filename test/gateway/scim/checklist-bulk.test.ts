/** The RFC's checklist, line by line (4): Bulk and cursor paging. RFC 7644 §3.7, RFC 9865. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, BULK, BULK_RESPONSE, ENTERPRISE, PATCH_OP, type ScimClient, SEARCH, USER } from './client.ts';
import { expectError, form, hire, hireMany, idsOf, uniqueName, valuesOf } from './people.ts';
import { company, type ScimWorld, startWorld } from './world.ts';

let world: ScimWorld;
let client: ScimClient;
let moment = Date.parse('2026-11-26T12:00:00Z');
beforeAll(async () => {
  world = await startWorld({ tenants: { acme: company(), pages: company(), other: company() }, now: () => new Date(moment) });
  client = world.client;
});
afterAll(() => world?.close());

const bulk = (Operations: object[], more: object = {}): Promise<Answer> => client.post('/Bulk', { schemas: [BULK], ...more, Operations });
const user = (bulkId: string | null, data: object = {}) => ({
  method: 'POST',
  path: '/Users',
  ...(bulkId && { bulkId }),
  data: { schemas: [USER], userName: uniqueName(), ...data },
});
const statuses = ({ body }: Answer): string[] => body.Operations.map(({ status }) => status);

describe('Bulk', () => {
  it('a BulkResponse: a string as status, location, bulkId on POST, version; an error body and no location for a POST that failed', async () => {
    const known = await hire(client);
    const answer = await bulk([
      user('one'),
      { method: 'PUT', path: `/Users/${known.id}`, data: { userName: known.userName, title: 'T' } },
      { method: 'PATCH', path: `/Users/${known.id}`, data: { schemas: [PATCH_OP], Operations: [{ op: 'add', path: 'nickName', value: 'N' }] } },
      { method: 'POST', path: '/Users', bulkId: 'two', data: { userName: known.userName } },
      { method: 'PUT', path: '/Users/nobody', data: { userName: uniqueName() } },
      { method: 'DELETE', path: `/Users/${known.id}` },
    ]);
    expect({ status: answer.status, schemas: answer.body.schemas }).toEqual({ status: 200, schemas: [BULK_RESPONSE] });
    const [posted, put, patched, taken, unknown, deleted] = answer.body.Operations;
    expect(posted).toEqual({
      method: 'POST',
      bulkId: 'one',
      status: '201',
      location: expect.stringMatching(new RegExp(`^${client.base}/Users/`)),
      version: expect.stringMatching(/^W\//),
    });
    expect(put).toMatchObject({ method: 'PUT', status: '200', location: `${client.base}/Users/${known.id}`, version: expect.stringMatching(/^W\//) });
    expect(patched).toMatchObject({ method: 'PATCH', status: '200', location: `${client.base}/Users/${known.id}` });
    expect(taken).toMatchObject({ method: 'POST', bulkId: 'two', status: '409', response: { status: '409', scimType: 'uniqueness' } });
    expect(taken).not.toHaveProperty('location');
    expect(unknown).toMatchObject({ status: '404', location: `${client.base}/Users/nobody`, response: { status: '404' } });
    expect(deleted).toMatchObject({ method: 'DELETE', status: '204', location: `${client.base}/Users/${known.id}` });
    expectError(await client.get(`/Users/${known.id}`), { status: 404 });
    expect(
      (await client.raw({ path: posted!.location.slice(client.base.length), headers: { authorization: `Bearer ${client.token}` } })).status,
    ).toBe(200);
  });

  it('bulkIds in members, manager and paths, also of operations that come later', async () => {
    const name = uniqueName('group');
    const answer = await bulk([
      { method: 'POST', path: '/Groups', bulkId: 'g', data: { displayName: name, members: [{ value: 'bulkId:a' }, { value: 'bulkId:b' }] } },
      user('b', { [ENTERPRISE]: { manager: { value: 'bulkId:a' } } }),
      user('a'),
      { method: 'PATCH', path: '/Users/bulkId:a', data: { schemas: [PATCH_OP], Operations: [{ op: 'add', path: 'title', value: 'Head' }] } },
    ]);
    expect(statuses(answer)).toEqual(['201', '201', '201', '200']);
    const id = (at: number) => answer.body.Operations[at]!.location.split('/').at(-1)!;
    expect(valuesOf((await client.get(`/Groups/${id(0)}`)).body.members)).toEqual([id(1), id(2)].sort());
    expect((await client.get(`/Users/${id(1)}`)).body[ENTERPRISE]['manager']).toMatchObject({ value: id(2) });
    expect((await client.get(`/Users/${id(2)}`)).body.title).toBe('Head');
  });

  it('circular references are resolved or 409, one that nobody has is 409 or 400, and the others go on', async () => {
    const circular = await bulk([
      user('x', { [ENTERPRISE]: { manager: { value: 'bulkId:y' } } }),
      user('y', { [ENTERPRISE]: { manager: { value: 'bulkId:x' } } }),
      user('z'),
    ]);
    expect(circular.status).toBe(200);
    for (const status of statuses(circular).slice(0, 2)) expect(['201', '409']).toContain(status);
    expect(statuses(circular)[2]).toBe('201');
    const lost = await bulk([
      { method: 'POST', path: '/Groups', bulkId: 'g', data: { displayName: 'Lost', members: [{ value: 'bulkId:never' }] } },
      user('z'),
    ]);
    expect(['400', '409']).toContain(statuses(lost)[0]);
    expect(statuses(lost)[1]).toBe('201');
    expect((await client.find('Groups', 'displayName eq "Lost"')).body.totalResults).toBe(0);
  });

  it('a reference to a POST that failed is 409 or 400, and nothing half is made of it', async () => {
    const known = await hire(client);
    const answer = await bulk([
      { method: 'POST', path: '/Users', bulkId: 'taken', data: { userName: known.userName } },
      { method: 'POST', path: '/Groups', bulkId: 'g', data: { displayName: 'Half', members: [{ value: 'bulkId:taken' }] } },
      { method: 'PATCH', path: '/Users/bulkId:taken', data: { schemas: [PATCH_OP], Operations: [{ op: 'add', path: 'title', value: 'x' }] } },
    ]);
    expect(statuses(answer)[0]).toBe('409');
    for (const status of statuses(answer).slice(1)) expect(['400', '409']).toContain(status);
    expect((await client.find('Groups', 'displayName eq "Half"')).body.totalResults).toBe(0);
  });

  it('failOnErrors: n stops after n errors and the rest is absent; without it all are done', async () => {
    const bad = () => ({ method: 'POST', path: '/Users', bulkId: uniqueName(), data: { title: 'nameless' } });
    const [kept, never] = [user('kept'), user('never')];
    const stopped = await bulk([bad(), kept, bad(), never], { failOnErrors: 2 });
    expect(statuses(stopped)).toEqual(['400', '201', '400']);
    expect((await client.find('Users', `userName eq "${kept.data.userName}"`)).body.totalResults).toBe(1);
    expect((await client.find('Users', `userName eq "${never.data.userName}"`)).body.totalResults).toBe(0);
    expect(statuses(await bulk([bad(), bad(), user('d')]))).toEqual(['400', '400', '201']);
    expect(statuses(await bulk([bad(), user('e')], { failOnErrors: 1 }))).toEqual(['400']);
  });

  it('more than maxOperations and more than maxPayloadSize are 413 that name the limit', async () => {
    const { bulk: limits } = (await client.get('/ServiceProviderConfig')).body as unknown as {
      bulk: { maxOperations: number; maxPayloadSize: number };
    };
    const many = await bulk(Array.from({ length: limits.maxOperations + 1 }, () => ({ method: 'DELETE', path: '/Users/nobody' })));
    expect({ http: many.status, ...many.body }).toMatchObject({
      http: 413,
      status: '413',
      detail: expect.stringContaining(String(limits.maxOperations)),
    });
    const big = await bulk([user('a', { title: 'x'.repeat(limits.maxPayloadSize) })]);
    expect({ http: big.status, ...big.body }).toMatchObject({
      http: 413,
      status: '413',
      detail: expect.stringContaining(String(limits.maxPayloadSize)),
    });
  });

  it('a Bulk within a Bulk, a wrong method, an unknown place and a GET are refused, each for itself', async () => {
    const answer = await bulk([
      { method: 'POST', path: '/Bulk', bulkId: 'b', data: { schemas: [BULK], Operations: [user('n')] } },
      { method: 'POST', path: '/Nowhere', bulkId: 'c', data: {} },
      { method: 'PUT', path: '/Users', data: { userName: 'x' } },
      { method: 'DELETE', path: '/Schemas' },
      user('fine'),
    ]);
    if (answer.status === 400) expectError(answer, { status: 400, scimType: answer.body.scimType });
    else {
      expect(statuses(answer).at(-1)).toBe('201');
      for (const status of statuses(answer).slice(0, -1)) expect(status).toMatch(/^4\d\d$/);
    }
  });

  it.each([
    [{}],
    [{ Operations: [] }],
    [{ Operations: 'x' }],
    [{ Operations: [7] }],
    [{ Operations: [{ path: '/Users' }] }],
    [{ Operations: [{ method: 'POST' }] }],
    [{ Operations: [{ method: 'POST', path: 7, bulkId: 'a', data: {} }] }],
    [{ failOnErrors: 'two', Operations: [{ method: 'DELETE', path: '/Users/x' }] }],
    [
      {
        Operations: [
          { method: 'POST', path: '/Users', bulkId: 'a', data: { userName: 'dup-1' } },
          { method: 'POST', path: '/Users', bulkId: 'a', data: { userName: 'dup-2' } },
        ],
      },
    ],
  ])('what is no BulkRequest is the client’s mistake: %j', async (body) => {
    const { status, body: answer } = await client.post('/Bulk', { schemas: [BULK], ...body });
    // An empty list of operations may be answered with one of results.
    if (status === 200) for (const { status: one } of answer.Operations) expect(one).toMatch(/^(4\d\d|201)$/);
    else expect({ status, text: answer.status }).toEqual({ status: 400, text: '400' });
  });

  it('one operation that fails does not undo another', async () => {
    const [fine, also] = [user('f'), user('g')];
    expect(
      statuses(
        await bulk([
          fine,
          { method: 'PATCH', path: '/Users/nobody', data: { schemas: [PATCH_OP], Operations: [{ op: 'remove', path: 'title' }] } },
          also,
        ]),
      ),
    ).toEqual(['201', '404', '201']);
    expect((await client.find('Users', `userName eq "${fine.data.userName}" or userName eq "${also.data.userName}"`)).body.totalResults).toBe(2);
  });
});

describe('cursor paging', () => {
  let pages: ScimClient;
  let all: string[];
  beforeAll(async () => {
    pages = world.clientOf('pages');
    all = (await hireMany(pages, 11)).map(({ id }) => id);
  });

  async function walk(first: string, next: (cursor: string) => Promise<Answer>): Promise<Answer[]> {
    const found = [await pages.get(first)];
    for (let cursor = found[0]!.body.nextCursor; cursor; cursor = found.at(-1)!.body.nextCursor) {
      expect(cursor).toMatch(/^[A-Za-z0-9._~-]+$/);
      found.push(await next(cursor));
      if (found.length > 20) throw new Error('it does not end');
    }
    return found;
  }

  it('ServiceProviderConfig names it, with index as the default', async () => {
    expect((await pages.get('/ServiceProviderConfig')).body['pagination']).toMatchObject({
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: expect.any(Number),
      maxPageSize: expect.any(Number),
      cursorTimeout: expect.any(Number),
    });
    const plain = (await pages.get('/Users?count=2')).body;
    expect(plain).toMatchObject({ startIndex: 1, totalResults: 11 });
    expect(plain).not.toHaveProperty('nextCursor');
  });

  it('an empty cursor begins, nextCursor is on all pages but the last, previousCursor is not on the first, and everybody comes once', async () => {
    const found = await walk('/Users?cursor&count=4', (cursor) => pages.get(`/Users?cursor=${cursor}&count=4`));
    expect(found.map(({ status, body }) => [status, body.Resources.length, 'nextCursor' in body])).toEqual([
      [200, 4, true],
      [200, 4, true],
      [200, 3, false],
    ]);
    expect(found[0]!.body).not.toHaveProperty('previousCursor');
    expect(found.flatMap(idsOf)).toEqual(all);
  });

  it('a page that is exactly full is the last one', async () => {
    const found = await walk('/Users?cursor=&count=11', (cursor) => pages.get(`/Users?cursor=${cursor}&count=11`));
    expect(found.map(({ body }) => body.Resources.length)).toEqual([11]);
  });

  it('sorted and filtered, with another page size on the way', async () => {
    const query = 'filter=userName pr&sortBy=userName&sortOrder=descending';
    const whole = idsOf(await pages.get(`/Users?${query}`));
    const found = await walk(`/Users?${query}&cursor&count=3`, (cursor) => pages.get(`/Users?${query}&cursor=${cursor}&count=5`));
    expect(found.flatMap(idsOf)).toEqual(whole);
  });

  it('in .search, of users and of everything', async () => {
    const group = await form(pages);
    const found: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const { status, body }: Answer = await pages.post('/.search', { schemas: [SEARCH], cursor, count: 5 });
      expect(status).toBe(200);
      found.push(...body.Resources.map(({ id }) => id));
      cursor = body.nextCursor;
    }
    expect(found.sort()).toEqual([...all, group.id].sort());
    await pages.delete(`/Groups/${group.id}`);
  });

  it('who comes or goes meanwhile moves nobody else', async () => {
    const first = await pages.get('/Users?cursor&count=5');
    const extra = await hire(pages);
    await pages.delete(`/Users/${extra.id}`);
    const rest = await walk(`/Users?cursor=${first.body.nextCursor}&count=5`, (cursor) => pages.get(`/Users?cursor=${cursor}&count=5`));
    expect([...idsOf(first), ...rest.flatMap(idsOf)]).toEqual(all);
  });

  it('an unknown, a foreign and another query’s cursor are invalidCursor, a bad count is invalidCount', async () => {
    const { nextCursor } = (await pages.get('/Users?cursor&count=2')).body;
    const changed = nextCursor.slice(0, -1) + (nextCursor.endsWith('A') ? 'B' : 'A');
    for (const [from, path] of [
      [pages, '/Users?cursor=made-up&count=2'],
      [pages, `/Users?cursor=${changed}&count=2`],
      [pages, `/Groups?cursor=${nextCursor}&count=2`],
      [pages, `/Users?cursor=${nextCursor}&count=2&filter=title pr`],
      [world.clientOf('other'), `/Users?cursor=${nextCursor}&count=2`],
    ] as const)
      expectError(await from.get(path), { status: 400, scimType: 'invalidCursor' });
    expectError(await pages.get('/Users?cursor&count=many'), { status: 400, scimType: 'invalidCount' });
  });

  it('one that is too old is expiredCursor', async () => {
    const { nextCursor } = (await pages.get('/Users?cursor&count=2')).body;
    const { pagination } = (await pages.get('/ServiceProviderConfig')).body as unknown as { pagination: { cursorTimeout: number } };
    moment += (pagination.cursorTimeout - 1) * 1000;
    expect((await pages.get(`/Users?cursor=${nextCursor}&count=2`)).status).toBe(200);
    moment += 2000;
    expectError(await pages.get(`/Users?cursor=${nextCursor}&count=2`), { status: 400, scimType: 'expiredCursor' });
  });
});
