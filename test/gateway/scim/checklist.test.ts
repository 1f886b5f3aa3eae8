/** The RFC's checklist, line by line (1): protocol surface, discovery, create, read and list. RFC 7643, 7644. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { type Answer, ENTERPRISE, GROUP, LIST, PATCH_OP, type ScimClient, SEARCH, USER } from './client.ts';
import { expectError, form, hire, hireMany, idsOf, uniqueName } from './people.ts';
import { company, type ScimWorld, startWorld, tokenFor } from './world.ts';

let world: ScimWorld;
let acme: ScimClient;
let other: ScimClient;
const bare = (mode: string) => company({ domains: ['acme.example'], provisioning: { initialMode: mode } });

beforeAll(async () => {
  const names = ['acme', 'other', 'pages', 'sorted', 'hidden'];
  world = await startWorld({ tenants: Object.fromEntries(names.map((name) => [name, bare('scim')])) });
  acme = world.client;
  other = world.clientOf('other');
});
afterAll(() => world?.close());

const TYPE = /^application\/scim\+json(;|$)/;

describe('protocol surface', () => {
  it('application/scim+json on every body: answers, errors of the body parser, 401, 404 of unknown routes, 405', async () => {
    const answers: [number, Promise<Answer>][] = [
      [200, acme.get('/Users')],
      [201, acme.post('/Users', { userName: uniqueName() })],
      [400, acme.raw({ method: 'POST', path: '/Users', body: '{"userName"', headers: { ...authorized(), 'content-type': 'application/scim+json' } })],
      [413, acme.post('/Users', { userName: 'x'.repeat(1_100_000) })],
      [401, acme.as(null).get('/Users')],
      [401, acme.as('no-token-of-anybody').get('/Users')],
      [404, acme.get('/Nowhere')],
      [404, acme.get('/Users/one/two')],
      [404, acme.get('')],
      [405, acme.send('PUT', '/Users', { userName: 'x' })],
      [405, acme.send('DELETE', '/Schemas')],
      [501, acme.get('/Me')],
    ];
    for (const [status, coming] of answers) {
      const answer = await coming;
      expect({ status: answer.status, type: answer.headers['content-type'] }).toEqual({ status, type: expect.stringMatching(TYPE) });
    }
  });

  it.each(['application/json', 'application/scim+json', 'application/scim+json; charset=utf-8', 'APPLICATION/JSON;charset="UTF-8"'])(
    'a body of %s is accepted',
    async (type) => {
      const answer = await acme.send('POST', '/Users', { userName: uniqueName() }, { 'content-type': type });
      expect(answer.status).toBe(201);
    },
  );

  it('a body of another type is refused as an error of SCIM', async () => {
    expectError(await acme.send('POST', '/Users', { userName: uniqueName() }, { 'content-type': 'text/html' }), { status: 415 });
    expectError(await acme.send('POST', '/Users', { userName: uniqueName() }, { 'content-encoding': 'made-up' }), { status: 415 });
  });

  it('unknown query parameters are ignored', async () => {
    expect((await acme.get('/Users?api-version=7&__proto__=x&constructor=y&count=1')).status).toBe(200);
  });

  it.each([
    'count=many',
    'startIndex=first',
    'count=1.5',
    'count=1&count=2',
    'startIndex=1&startIndex=2',
    'filter=active eq true&filter=active eq false',
    'attributes=userName&attributes=id&count=x',
    'filter[]=active',
    'count=99999999999999999999x',
  ])('a repeated or malformed parameter is 400 and never 500: %s', async (query) => {
    const { status } = await acme.get(`/Users?${query}`);
    // One that is repeated in another spelling (`filter[]`) is an unknown one.
    expect([400, query.includes('[]') ? 200 : 400]).toContain(status);
  });

  it.each(['/Users/%E0%A4%A', '/Users?filter=%E0%A4%A', '/Users?count=%', '/Users/%00', '/Users/__proto__', '/Users/constructor'])(
    'what is no percent-encoding, and names of the language, are the client’s mistake: %s',
    async (path) => {
      const { status, body } = await acme.get(path);
      expect([400, 404]).toContain(status);
      expect(body.status).toBe(String(status));
    },
  );

  it('401 with WWW-Authenticate: Bearer and an error of SCIM, before anything else is looked at', async () => {
    for (const answer of [
      await acme.as(null).get('/Users'),
      await acme.as('wrong').get('/Users'),
      await acme.as(`${acme.token}x`).post('/Users', { nothing: true }),
      await acme.as(null).raw({ method: 'POST', path: '/Users', body: '{', headers: {} }),
      await acme.as(null).raw({ method: 'POST', path: '/Users', body: 'x'.repeat(2_000_000), headers: {} }),
      await acme.as(null).send('DELETE', '/Schemas'),
      await acme.raw({ path: '/Users', headers: { authorization: `Basic ${acme.token}` } }),
    ]) {
      expectError(answer, { status: 401 });
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    }
  });

  it('another tenant’s token on this tenant’s path, a tenant that is not, and one in another mode are all the same 401', async () => {
    expectError(await acme.as(other.token).get('/Users'), { status: 401 });
    const elsewhere = acme.base.replace('/acme/', '/nowhere/');
    const { status, body } = await fetch(`${elsewhere}/Users`, { headers: { authorization: `Bearer ${acme.token}` } }).then(async (answer) => ({
      status: answer.status,
      body: await answer.json(),
    }));
    expect({ status, body }).toMatchObject({ status: 401, body: { status: '401' } });
    // It was in mode scim, its directory had a token, and then an operator changed the mode.
    const hidden = world.clientOf('hidden');
    expect((await hidden.get('/Users')).status).toBe(200);
    const { database, store, tenants } = world.gateway.house;
    const { tenant } = database.tables;
    const { revision } = (await store.tenants.get('hidden'))!;
    await database.query
      .update(tenant)
      .set({ mode: 'jit', revision: revision + 1 })
      .where(eq(tenant.id, 'hidden'));
    await tenants.refresh();
    expectError(await hidden.get('/Users'), { status: 401 });
  });

  describe('another tenant’s ids', () => {
    it('are 404 in GET, PUT, PATCH and DELETE, of users and of groups', async () => {
      const [theirs, their] = [await hire(other), await form(other)];
      for (const [kind, id, body] of [
        ['Users', theirs.id, { userName: uniqueName() }],
        ['Groups', their.id, { displayName: 'Mine' }],
      ] as const) {
        expectError(await acme.get(`/${kind}/${id}`), { status: 404 });
        expectError(await acme.put(`/${kind}/${id}`, body), { status: 404 });
        expectError(await acme.patch(`/${kind}/${id}`, { op: 'replace', value: { displayName: 'Mine' } }), { status: 404 });
        expectError(await acme.delete(`/${kind}/${id}`), { status: 404 });
        expect((await other.get(`/${kind}/${id}`)).body).toEqual(kind === 'Users' ? theirs : their);
      }
    });

    it('are nobody as members, in filters and in Bulk', async () => {
      const [theirs, their] = [await hire(other), await form(other)];
      const group = await form(acme, { members: [{ value: theirs.id }] });
      expect(group.members ?? []).toEqual([]);
      expect((await acme.patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: [{ value: theirs.id }] })).body.members ?? []).toEqual([]);
      expect((await acme.find('Users', `id eq "${theirs.id}"`)).body.totalResults).toBe(0);
      expect((await acme.find('Groups', `members eq "${theirs.id}"`)).body.totalResults).toBe(0);
      const { body } = await acme.post('/Bulk', {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
        Operations: [
          { method: 'DELETE', path: `/Users/${theirs.id}` },
          { method: 'PATCH', path: `/Groups/${their.id}`, data: { schemas: [PATCH_OP], Operations: [{ op: 'remove', path: 'members' }] } },
        ],
      });
      expect(body.Operations.map(({ status }) => status)).toEqual(['404', '404']);
      expect((await other.get(`/Users/${theirs.id}`)).status).toBe(200);
    });

    it('a userName or an externalId of another tenant is free', async () => {
      const theirs = await hire(other, { externalId: 'shared-id' });
      expect((await acme.post('/Users', { userName: theirs.userName, externalId: 'shared-id' })).status).toBe(201);
    });
  });

  it('Error: schemas, status a string equal to the HTTP code, detail, scimType on 400 and 409 only', async () => {
    const known = await hire(acme);
    const answers = [
      await acme.find('Users', 'nonsense'),
      await acme.post('/Users', { userName: known.userName }),
      await acme.get('/Users/nobody'),
      await acme.send('PUT', '/Users', {}),
      await acme.get('/Me'),
      await acme.get('/Schemas?filter=id pr'),
      await acme.post('/Users', { userName: 'x'.repeat(1_100_000) }),
      await acme.put(`/Users/${known.id}`, { userName: known.userName, title: 'x' }, { 'if-match': 'W/"999"' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 409, 404, 405, 501, 403, 413, 412]);
    for (const { status, body } of answers) {
      expect(body).toMatchObject({
        schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
        status: String(status),
        detail: expect.stringMatching(/./),
      });
      expect({ status, scimType: typeof body.scimType }).toEqual({ status, scimType: status === 400 || status === 409 ? 'string' : 'undefined' });
    }
  });

  it('405 and an error of SCIM for wrong methods on discovery endpoints, before the body is parsed', async () => {
    for (const place of ['/ServiceProviderConfig', '/Schemas', '/ResourceTypes'])
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
        expectError(await acme.raw({ method, path: place, body: 'no json', headers: authorized() }), { status: 405 });
  });

  it('/Me is 501', async () => {
    for (const method of ['GET', 'DELETE']) expectError(await acme.send(method, '/Me'), { status: 501 });
  });

  it('a body nested a thousand deep, a list and a text for an object are 400', async () => {
    for (const body of ['['.repeat(1000) + ']'.repeat(1000), `${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`, '[]', '"text"', '7', 'null', ''])
      expectError(await acme.raw({ method: 'POST', path: '/Users', body, headers: { ...authorized(), 'content-type': 'application/json' } }), {
        status: 400,
        scimType: 'invalidSyntax',
      });
  });
});

const authorized = () => ({ authorization: `Bearer ${acme.token}` });

describe('discovery', () => {
  it('ServiceProviderConfig names every capability, and every limit is an integer', async () => {
    const { body } = await acme.get('/ServiceProviderConfig');
    expect(body).toMatchObject({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
      patch: { supported: true },
      bulk: { supported: true },
      filter: { supported: true },
      changePassword: { supported: expect.any(Boolean) },
      sort: { supported: true },
      etag: { supported: true },
      authenticationSchemes: [{ type: 'oauthbearertoken', name: expect.any(String), description: expect.any(String) }],
      meta: { resourceType: 'ServiceProviderConfig', location: `${acme.base}/ServiceProviderConfig` },
    });
    const { bulk, filter } = body as unknown as { bulk: Record<string, number>; filter: Record<string, number> };
    for (const limit of [bulk['maxOperations'], bulk['maxPayloadSize'], filter['maxResults']])
      expect(Number.isInteger(limit) && limit! > 0).toBe(true);
  });

  it('Schemas and ResourceTypes are lists whatever paging, sorting or attributes are asked; filter is 403; each is there by its name', async () => {
    for (const place of ['/Schemas', '/ResourceTypes']) {
      const whole = await acme.get(place);
      expect(whole.body).toMatchObject({ schemas: [LIST], totalResults: whole.body.Resources.length });
      expect((await acme.get(`${place}?count=1&startIndex=2&sortBy=id&attributes=id`)).body.Resources).toEqual(whole.body.Resources);
      expectError(await acme.get(`${place}?filter=id pr`), { status: 403 });
      for (const one of whole.body.Resources) {
        const { status, body } = await acme.get(`${place}/${place === '/Schemas' ? one.id : one['name']}`);
        expect({ status, body }).toEqual({ status: 200, body: one });
      }
      expectError(await acme.get(`${place}/urn:nothing`), { status: 404 });
    }
    expect((await acme.get('/Schemas')).body.Resources.map(({ id }) => id)).toEqual(expect.arrayContaining([USER, GROUP, ENTERPRISE]));
  });

  it('ResourceType User has its endpoint, its schema, and enterprise as an extension that is not required', async () => {
    expect((await acme.get('/ResourceTypes/User')).body).toMatchObject({
      id: 'User',
      name: 'User',
      endpoint: '/Users',
      schema: USER,
      schemaExtensions: expect.arrayContaining([{ schema: ENTERPRISE, required: false }]),
    });
    expect((await acme.get('/ResourceTypes/Group')).body).toMatchObject({ name: 'Group', endpoint: '/Groups', schema: GROUP });
  });

  it('characteristics are true to behaviour, in camel case, without a null, with canonical values of types', async () => {
    const { text } = await acme.get('/Schemas');
    expect(text).not.toContain('null');
    expect(text).not.toMatch(/"(mutability|returned|uniqueness)":"[A-Z]/);
    const user = await attributesOf(USER);
    expect(user['userName']).toMatchObject({ required: true, caseExact: false, uniqueness: 'server', type: 'string', multiValued: false });
    expect(user['password']).toMatchObject({ mutability: 'writeOnly', returned: 'never' });
    expect(user['groups']).toMatchObject({ mutability: 'readOnly', multiValued: true });
    expect(subOf(user['emails'], 'type')['canonicalValues']).toEqual(['work', 'home', 'other']);
    expect(subOf(user['phoneNumbers'], 'type')['canonicalValues']).toEqual(expect.arrayContaining(['work', 'mobile', 'fax']));
    expect(subOf(user['addresses'], 'type')['canonicalValues']).toEqual(expect.arrayContaining(['work', 'home', 'other']));
    expect(subOf(user['groups'], '$ref')).toMatchObject({ type: 'reference', referenceTypes: expect.arrayContaining(['Group']) });
    const { manager } = await attributesOf(ENTERPRISE);
    expect(manager).toMatchObject({ type: 'complex' });
    for (const sub of ['value', '$ref', 'displayName']) expect(subOf(manager, sub)).toBeDefined();
    expect(subOf((await attributesOf(GROUP))['members'], '$ref')).toMatchObject({ type: 'reference', referenceTypes: ['User'] });
  });
});

type Described = Record<string, unknown> & { name: string; subAttributes?: Described[] };
async function attributesOf(urn: string): Promise<Record<string, Described>> {
  const { body } = await acme.get(`/Schemas/${urn}`);
  return Object.fromEntries((body['attributes'] as Described[]).map((one) => [one.name, one]));
}
const subOf = (attribute: Described | undefined, name: string): Described => attribute!.subAttributes!.find((one) => one.name === name)!;

describe('create', () => {
  it('201 and Location = the absolute meta.location; resourceType, created, lastModified and version', async () => {
    for (const [kind, type, body] of [
      ['Users', 'User', { userName: uniqueName() }],
      ['Groups', 'Group', { displayName: 'Made' }],
    ] as const) {
      const answer = await acme.post(`/${kind}`, body);
      expect(answer.status).toBe(201);
      const { meta, id } = answer.body;
      expect(meta).toEqual({
        resourceType: type,
        location: `${acme.base}/${kind}/${id}`,
        created: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        lastModified: meta.created,
        version: answer.headers['etag'],
      });
      expect(answer.headers['location']).toBe(meta.location);
      expect((await acme.get(`/${kind}/${id}`)).body).toEqual(answer.body);
    }
  });

  it('readOnly input is ignored, unknown attributes are ignored, missing schemas are tolerated', async () => {
    const made = await hire(acme, {
      id: 'mine',
      meta: { location: 'http://elsewhere.example', created: '1970-01-01T00:00:00Z', version: 'W/"7"' },
      groups: [{ value: 'g' }],
      favouriteColour: 'green',
      emails: [{ value: 'kept@home.example', type: 'home', shade: 'green' }],
    });
    expect(made.id).not.toBe('mine');
    expect(made.schemas).toEqual([USER]);
    expect(made.meta.location).toBe(`${acme.base}/Users/${made.id}`);
    expect(made).not.toHaveProperty('favouriteColour');
    expect(made).not.toHaveProperty('groups');
    expect(made.emails).toEqual([{ value: 'kept@home.example', type: 'home' }]);
  });

  it.each([
    [{ userName: 7 }, 'userName'],
    [{ userName: ['a'] }, 'userName'],
    [{ displayName: { a: 1 } }, 'displayName'],
    [{ active: 'perhaps' }, 'active'],
    [{ active: 1 }, 'active'],
    [{ emails: 'ada@acme.example' }, 'emails'],
    [{ name: 'Ada' }, 'name'],
    [{ name: { givenName: 7 } }, 'name'],
    [{ schemas: 'urn:x' }, 'schemas'],
    [{ schemas: [7] }, 'schemas'],
    [{ title: 'nul\u0000byte' }, 'title'],
  ])('a wrong type is 400 and names the attribute: %j', async (attributes, name) => {
    const answer = await acme.post('/Users', { userName: uniqueName(), ...attributes });
    expect({ http: answer.status, ...answer.body }).toMatchObject({ http: 400, status: '400', detail: expect.stringContaining(name) });
    expect(answer.status).toBe(400);
    expect(['invalidValue', 'invalidSyntax']).toContain(answer.body.scimType);
  });

  it.each([{}, { userName: '' }, { userName: null }, { userName: '   ' }])('a missing required attribute is 400 and named: %j', async (body) => {
    expectError(await acme.post('/Users', body), { status: 400, scimType: 'invalidValue', detail: /userName/ });
  });

  it('a group needs a displayName', async () => {
    expectError(await acme.post('/Groups', { externalId: 'x' }), { status: 400, scimType: 'invalidValue', detail: /displayName/ });
  });

  it('names of the language are attributes that nobody knows, and reach no prototype', async () => {
    const answer = await acme.raw({
      method: 'POST',
      path: '/Users',
      body: `{"userName":"${uniqueName()}","__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"name":{"__proto__":{"givenName":"X"},"familyName":"Y"}}`,
      headers: { ...authorized(), 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(201);
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
    expect(answer.body.name).toEqual({ familyName: 'Y' });
  });

  it('userName is unique in the tenant whatever its case, and twenty who race for it end as one', async () => {
    const made = await hire(acme);
    expectError(await acme.post('/Users', { userName: made.userName.toUpperCase() }), { status: 409, scimType: 'uniqueness', detail: /userName/ });
    const name = uniqueName('raced');
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => acme.post('/Users', { userName: i % 2 ? name : name.toUpperCase() })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(19).fill(409)]);
    expect((await acme.find('Users', `userName eq "${name}"`)).body.totalResults).toBe(1);
  });

  it('two live users never share an externalId or an e-mail', async () => {
    const first = await hire(acme, { externalId: 'ext-1', emails: [{ value: 'one@acme.example', primary: true }] });
    expectError(await acme.post('/Users', { userName: uniqueName(), externalId: 'ext-1' }), {
      status: 409,
      scimType: 'uniqueness',
      detail: /externalId/,
    });
    expectError(await acme.post('/Users', { userName: uniqueName(), emails: [{ value: 'ONE@acme.example', primary: true }] }), {
      status: 409,
      scimType: 'uniqueness',
      detail: /emails/,
    });
    // Case counts in an externalId.
    expect((await acme.post('/Users', { userName: uniqueName(), externalId: 'EXT-1' })).status).toBe(201);
    expect((await acme.get(`/Users/${first.id}`)).body).toEqual(first);
  });

  it('null, an empty list and absent are the same; at most one is primary; a password is in no answer', async () => {
    const name = uniqueName();
    const made = await hire(acme, { userName: name, title: null, nickName: '', phoneNumbers: [], ims: null, password: 'S3cret-of-mine' });
    for (const attribute of ['title', 'nickName', 'phoneNumbers', 'ims', 'password']) expect(made).not.toHaveProperty(attribute);
    for (const answer of [
      await acme.get(`/Users/${made.id}`),
      await acme.get(`/Users/${made.id}?attributes=password`),
      await acme.get(`/Users?filter=id eq "${made.id}"&attributes=userName,password`),
      await acme.put(`/Users/${made.id}`, { userName: name, password: 'S3cret-of-mine' }),
      await acme.patch(`/Users/${made.id}`, { op: 'replace', path: 'password', value: 'S3cret-of-mine' }),
      await acme.patch(`/Users/${made.id}?attributes=password`, { op: 'replace', value: { password: 'S3cret-of-mine', title: 'T' } }),
    ]) {
      expect(answer.status).toBe(200);
      expect(answer.text).not.toMatch(/password|S3cret/);
    }
    expect(await world.gateway.snapshot()).not.toContain('S3cret-of-mine');
    expect(JSON.stringify(world.gateway.log)).not.toContain('S3cret-of-mine');
    expect(JSON.stringify(await world.journal())).not.toContain('S3cret-of-mine');
    const twice = await acme.post('/Users', {
      userName: uniqueName(),
      emails: [
        { value: 'p1@x.example', primary: true },
        { value: 'p2@x.example', primary: true },
      ],
    });
    // Refused, or one of them wins: never two.
    if (twice.status === 201) expect(twice.body.emails.filter(({ primary }) => primary)).toHaveLength(1);
    else expectError(twice, { status: 400, scimType: 'invalidValue', detail: /primary/ });
  });

  it('schemas of the answer lists exactly those present, whatever was said', async () => {
    expect((await hire(acme, { schemas: [USER, ENTERPRISE] })).schemas).toEqual([USER]);
    expect((await hire(acme, { schemas: [USER], [ENTERPRISE]: { department: 'Ops' } })).schemas).toEqual([USER, ENTERPRISE]);
    expect((await form(acme, { schemas: [GROUP, 'urn:example:Unknown'] })).schemas).toEqual([GROUP]);
  });
});

describe('read and list', () => {
  let pages: ScimClient;
  let all: string[];
  beforeAll(async () => {
    pages = world.clientOf('pages');
    all = (await hireMany(pages, 13)).map(({ id }) => id);
  });

  it('no match is 200 and an empty list, an unknown id is 404', async () => {
    expect((await pages.find('Users', 'userName eq "nobody@acme.example"')).body).toEqual({
      schemas: [LIST],
      totalResults: 0,
      startIndex: 1,
      itemsPerPage: 0,
      Resources: [],
    });
    expectError(await pages.get('/Users/nobody'), { status: 404 });
    expectError(await pages.get('/Groups/nobody'), { status: 404 });
  });

  it('startIndex below 1 is 1, count below 0 is 0, count=0 is totals only, a page past the end is empty with the true total', async () => {
    const page = async (query: string) => {
      const { status, body } = await pages.get(`/Users?${query}`);
      return { status, totalResults: body.totalResults, startIndex: body.startIndex, itemsPerPage: body.itemsPerPage, found: body.Resources.length };
    };
    const whole = { status: 200, totalResults: 13, startIndex: 1, itemsPerPage: 5, found: 5 };
    expect(await page('startIndex=0&count=5')).toEqual(whole);
    expect(await page('startIndex=-7&count=5')).toEqual(whole);
    expect(await page('count=-1')).toEqual({ ...whole, itemsPerPage: 0, found: 0 });
    expect(await page('count=0')).toEqual({ ...whole, itemsPerPage: 0, found: 0 });
    expect(await page('startIndex=100&count=5')).toEqual({ ...whole, startIndex: 100, itemsPerPage: 0, found: 0 });
    expect(await page('startIndex=12&count=5')).toEqual({ ...whole, startIndex: 12, itemsPerPage: 2, found: 2 });
  });

  it('pages as the validator asks for them meet everybody once, in a stable order', async () => {
    const found: string[] = [];
    for (let page = 0; page < 3; page++) {
      const answer = await pages.get(`/Users?count=5&startIndex=${page * 5 + 1}`);
      expect(answer.body).toMatchObject({ totalResults: 13, startIndex: page * 5 + 1 });
      found.push(...idsOf(answer));
    }
    expect(found).toEqual(all);
  });

  it('a count above filter.maxResults is capped and no error, and without a count not everything comes', async () => {
    const { filter } = (await pages.get('/ServiceProviderConfig')).body as unknown as { filter: { maxResults: number } };
    const answer = await pages.get(`/Users?count=${filter.maxResults * 10}`);
    expect(answer.body).toMatchObject({ totalResults: 13, itemsPerPage: 13 });
    const { pagination } = (await pages.get('/ServiceProviderConfig')).body as unknown as { pagination: { defaultPageSize: number } };
    expect(pagination.defaultPageSize).toBeLessThanOrEqual(filter.maxResults);
  });

  describe('attributes and excludedAttributes', () => {
    let made: { id: string; userName: string };
    beforeAll(async () => {
      made = await hire(acme, {
        displayName: 'Ada',
        name: { givenName: 'A', familyName: 'B' },
        emails: [{ value: 'sub@acme.example', type: 'work', primary: true }],
        [ENTERPRISE]: { department: 'Ops', costCenter: '1' },
      });
    });
    const asked = async (query: string) => (await acme.get(`/Users/${made.id}?${query}`)).body;

    it('names in any case, sub-attributes, URN forms and whole extensions, with id and schemas always there', async () => {
      const always = { id: made.id, schemas: [USER, ENTERPRISE] };
      expect(await asked('attributes=USERNAME')).toMatchObject({ ...always, userName: made.userName });
      expect(Object.keys(await asked('attributes=userName')).sort()).toEqual(['id', 'schemas', 'userName']);
      expect(await asked('attributes=name.givenName,emails.value')).toEqual({
        ...always,
        name: { givenName: 'A' },
        emails: [{ value: 'sub@acme.example' }],
      });
      expect(await asked(`attributes=${USER}:displayName`)).toEqual({ ...always, displayName: 'Ada' });
      expect(await asked(`attributes=${ENTERPRISE}:department`)).toEqual({ ...always, [ENTERPRISE]: { department: 'Ops' } });
      expect(await asked(`attributes=${ENTERPRISE}`)).toEqual({ ...always, [ENTERPRISE]: { department: 'Ops', costCenter: '1' } });
      expect(await asked('attributes= displayName , name ')).toMatchObject({ displayName: 'Ada', name: { givenName: 'A', familyName: 'B' } });
    });

    it('excluded: whole ones, sub-attributes and extensions, but never id and schemas', async () => {
      const rest = await asked(`excludedAttributes=id,schemas,emails,name.familyName,${ENTERPRISE}`);
      expect(rest).toMatchObject({ id: made.id, name: { givenName: 'A' }, userName: made.userName });
      expect(rest.schemas).toContain(USER);
      expect(rest.name).toEqual({ givenName: 'A' });
      expect(rest).not.toHaveProperty('emails');
      expect(rest).not.toHaveProperty([ENTERPRISE]);
    });

    it('both at once are 400', async () => {
      expect((await acme.get(`/Users/${made.id}?attributes=userName&excludedAttributes=name`)).status).toBe(400);
      expect((await acme.get('/Users?attributes=userName&excludedAttributes=name')).status).toBe(400);
    });

    it('on GET of a list, POST, PUT, PATCH and .search', async () => {
      const keys = ({ body }: Answer) => Object.keys(body).sort();
      const only = ['id', 'schemas', 'userName'];
      const name = uniqueName();
      const posted = await acme.post('/Users?attributes=userName', { userName: name, displayName: 'X' });
      expect({ status: posted.status, keys: keys(posted) }).toEqual({ status: 201, keys: only });
      const path = `/Users/${posted.body.id}?attributes=userName`;
      expect(keys(await acme.put(path, { userName: name, displayName: 'Y' }))).toEqual(only);
      expect(keys(await acme.patch(path, { op: 'replace', path: 'displayName', value: 'Z' }))).toEqual(only);
      const list = await acme.find('Users', `id eq "${posted.body.id}"`, '&attributes=userName');
      expect(Object.keys(list.body.Resources[0]!).sort()).toEqual(only);
      const search = await acme.post('/Users/.search', { schemas: [SEARCH], filter: `id eq "${posted.body.id}"`, attributes: ['userName'] });
      expect(Object.keys(search.body.Resources[0]!).sort()).toEqual(only);
      const without = await acme.post('/Users/.search', {
        schemas: [SEARCH],
        filter: `id eq "${posted.body.id}"`,
        excludedAttributes: ['displayName'],
      });
      expect(without.body.Resources[0]).not.toHaveProperty('displayName');
      expect(without.body.Resources[0]).toHaveProperty('meta');
    });
  });

  it('sorting folds case where case does not count, uses the primary value, and puts missing values last, or first descending', async () => {
    const sorted = world.clientOf('sorted');
    const [b, a, none, c] = [
      await hire(sorted, {
        displayName: 'beta',
        emails: [
          { value: 'z@s.example', type: 'home' },
          { value: 'b@s.example', primary: true },
        ],
      }),
      await hire(sorted, { displayName: 'Alpha', emails: [{ value: 'C@s.example' }] }),
      await hire(sorted),
      await hire(sorted, { displayName: 'Gamma', emails: [{ value: 'a@s.example', primary: true }] }),
    ];
    const order = async (query: string) => idsOf(await sorted.get(`/Users?${query}`));
    expect(await order('sortBy=displayName')).toEqual([a.id, b.id, c.id, none.id]);
    expect(await order('sortBy=DISPLAYNAME&sortOrder=descending')).toEqual([none.id, c.id, b.id, a.id]);
    expect(await order('sortBy=displayName&sortOrder=ascending&startIndex=2&count=2')).toEqual([b.id, c.id]);
    expect(await order('sortBy=emails')).toEqual([c.id, b.id, a.id, none.id]);
    expect(await order('sortBy=emails.value')).toEqual([c.id, b.id, a.id, none.id]);
    expect(await order('sortBy=meta.created')).toEqual([b.id, a.id, none.id, c.id]);
    expect(await order('sortBy=userName&sortOrder=descending')).toEqual(
      [b, a, none, c].toSorted((x, y) => (x.userName < y.userName ? 1 : -1)).map(({ id }) => id),
    );
    expect([200, 400]).toContain((await sorted.get('/Users?sortBy=shoeSize')).status);
    expect([200, 400]).toContain((await sorted.get('/Users?sortBy=displayName&sortOrder=sideways')).status);
    const [g2, g1] = [await form(sorted, { displayName: 'bb' }), await form(sorted, { displayName: 'Aa' })];
    expect(idsOf(await sorted.get('/Groups?sortBy=displayName'))).toEqual([g1.id, g2.id]);
  });

  it('.search of users, of groups and of both answers what GET answers', async () => {
    const group = await form(pages, { displayName: 'Searched' });
    const search = { schemas: [SEARCH], filter: 'userName co "person"', startIndex: 3, count: 4, sortBy: 'userName' };
    const asked = await pages.get('/Users?filter=userName co "person"&startIndex=3&count=4&sortBy=userName');
    const searched = await pages.post('/Users/.search', search);
    expect({ status: searched.status, body: searched.body }).toEqual({ status: 200, body: asked.body });
    expect(idsOf(await pages.post('/Groups/.search', { schemas: [SEARCH], filter: 'displayName eq "searched"' }))).toEqual([group.id]);
    const both = await pages.post('/.search', { schemas: [SEARCH], count: 100 });
    expect(both.body.totalResults).toBe(14);
    expect(idsOf(both).sort()).toEqual([...all, group.id].sort());
    expect(idsOf(await pages.post('/.search', { schemas: [SEARCH], filter: 'meta.resourceType eq "Group"' }))).toEqual([group.id]);
    expectError(await pages.post('/Users/.search', { schemas: [SEARCH], filter: 'nonsense' }), { status: 400, scimType: 'invalidFilter' });
    expectError(await pages.send('GET', '/Users/.search'), { status: 405 });
  });
});

it('a token that an operator made is the only way in', async () => {
  const another = await tokenFor(world.gateway.house, 'acme');
  expect(another).not.toBe(acme.token);
  expect((await acme.as(another).get('/Users')).status).toBe(200);
});
