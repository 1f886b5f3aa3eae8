/** Entra's whole life with a tenant, in both dialects: from the connection test to hard delete and back, with a learner who signs in meanwhile. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type OidcIdp, startOidcIdp } from '../../../fixtures/sample-idp/oidc-idp.ts';
import { createVisitor, shown, type Visitor } from '../visitor.ts';
import { type Body, ENTERPRISE, GROUP, type ScimClient, USER } from './client.ts';
import { expectError, valuesOf } from './people.ts';
import { company, DIRECTORS, onEach, type ScimWorld, SECRETS } from './world.ts';

let oidc: OidcIdp;
beforeAll(async () => {
  oidc = await startOidcIdp({ people: [], clients: [] });
});
afterAll(() => oidc?.close());

interface Dialect {
  name: string;
  tenant: string;
  /** Attributes by their paths. */
  set(values: Record<string, unknown>): object[];
  active(is: boolean): object[];
  join(ids: string[]): object[];
  leave(id: string): object[];
  rename(name: string): object[];
}

const legacy: Dialect = {
  name: 'legacy',
  tenant: 'legacy',
  set: (values) => Object.entries(values).map(([path, value]) => ({ op: 'Replace', path, value })),
  active: (is) => [{ op: 'Replace', path: 'active', value: is ? 'True' : 'False' }],
  join: (ids) => [{ op: 'Add', path: 'members', value: ids.map((value) => ({ $ref: null, value })) }],
  leave: (value) => [{ op: 'Remove', path: 'members', value: [{ $ref: null, value }] }],
  rename: (name) => [{ op: 'Replace', path: 'displayName', value: name }],
};
const flagged: Dialect = {
  name: 'aadOptscim062020',
  tenant: 'flagged',
  set: (values) => [{ op: 'replace', value: values }],
  active: (is) => [{ op: 'replace', value: { active: is } }],
  join: (ids) => [{ op: 'add', path: 'members', value: ids.map((value) => ({ value })) }],
  leave: (value) => [{ op: 'remove', path: `members[value eq "${value}"]` }],
  rename: (name) => [{ op: 'replace', value: { displayName: name } }],
};

const acme = () =>
  company({
    connections: [
      {
        id: 'oidc',
        name: 'Acme',
        protocol: 'oidc',
        issuer: oidc.issuer,
        clientId: 'acme',
        clientSecret: 'file:secrets/oidc',
        domains: ['acme.example'],
      },
    ],
  });

onEach(
  'Entra',
  () => ({ legacy: acme(), flagged: acme() }),
  (world) => {
    beforeAll(() => {
      const { baseUrl } = world().gateway;
      const redirectUris = ['legacy', 'flagged'].map((tenant) => `${baseUrl}/t/${tenant}/oidc/oidc/callback`);
      oidc.setClients([{ clientId: 'acme', clientSecret: SECRETS['secrets/oidc'], redirectUris, auth: 'client_secret_basic' }]);
    });
    describe.each([legacy, flagged])('in the dialect $name', (dialect) => story(world, dialect));
  },
);

/** The steps follow one another: each begins where the one before ended. */
function story(world: () => ScimWorld, dialect: Dialect): void {
  const { tenant } = dialect;
  let client: ScimClient;
  let amara: Body;
  let boris: Body;
  let sales: Body;
  let directors: Body;
  let visitor: Visitor;
  beforeAll(() => {
    client = world().clientOf(tenant);
  });

  const seen = (user: Body) => world().seen(user.id, tenant);
  const lines = (resource: Body) => world().lines(resource.id, tenant);
  const patchUser = (user: Body, operations: object[]) => client.patch(`/Users/${user.id}`, ...operations);
  const patchGroup = (group: Body, operations: object[]) => client.patch(`/Groups/${group.id}`, ...operations);
  const userOf = (name: string, given: string, more: object = {}) => ({
    schemas: [USER, ENTERPRISE],
    externalId: `entra-${name}`,
    userName: `${name}@acme.example`,
    active: true,
    displayName: `${given} Entra`,
    emails: [{ primary: true, type: 'work', value: `${name}@acme.example` }],
    meta: { resourceType: 'User' },
    name: { formatted: `${given} Entra`, familyName: 'Entra', givenName: given },
    roles: [],
    ...more,
  });
  /** Goes to the gateway in a new browser; the page that comes of it. */
  async function signIn() {
    oidc.setPeople([
      { id: 'amara', email: 'amara@acme.example', givenName: 'Amara', familyName: 'Entra', displayName: 'Amara Entra', groups: ['Ignored'] },
    ]);
    visitor = createVisitor(world().gateway.baseUrl, { tenant });
    return visitor.byOidc('amara@acme.example');
  }

  it('the connection test finds nothing', async () => {
    for (const path of [
      '/Users?filter=userName+eq+"c0ffee00-0000-4000-8000-000000000000"',
      '/Groups?excludedAttributes=members&filter=displayName+eq+"c0ffee00"',
    ])
      expect(await client.get(path)).toMatchObject({ status: 200, body: { totalResults: 0, Resources: [] } });
    expectError(await client.as('wrong').get('/Users'), { status: 401 });
  });

  it('users are looked up and created; a manager may come later', async () => {
    expect((await client.find('Users', 'userName eq "amara@acme.example"')).body.totalResults).toBe(0);
    const answer = await client.post(
      '/Users',
      userOf('amara', 'Amara', { [ENTERPRISE]: { department: 'Sales', employeeNumber: '7', manager: 'comes-later' } }),
    );
    expect(answer).toMatchObject({ status: 201, headers: { location: answer.body.meta.location } });
    amara = answer.body;
    boris = (await client.post('/Users', userOf('boris', 'Boris'))).body;
    expectError(await client.post('/Users', userOf('AMARA', 'Amara', { externalId: 'another' })), {
      status: 409,
      scimType: 'uniqueness',
      detail: /userName/,
    });
    expect((await client.find('Users', 'userName eq "AMARA@acme.example"')).body.Resources[0]!.id).toBe(amara.id);
    expect((await patchUser(amara, dialect.set({ [`${ENTERPRISE}:manager`]: boris.id }))).body[ENTERPRISE]['manager']).toEqual({
      value: boris.id,
      $ref: boris.meta.location,
      displayName: 'Boris Entra',
    });
    expect(await seen(amara)).toEqual({ status: 'active', groups: [], enrolled: ['group:staff'] });
    expect(await lines(amara)).toEqual(['SUCCESS created-by-directory', 'SUCCESS changed-by-directory']);
  });

  it('groups are created empty, filled, and enrol by name and by id', async () => {
    for (const [name, externalId] of [
      ['Sales', 'entra-sales'],
      ['Directors', DIRECTORS],
    ] as const) {
      expect((await client.get(`/Groups?excludedAttributes=members&filter=displayName eq "${name}"`)).body.totalResults).toBe(0);
      const answer = await client.post('/Groups', {
        schemas: [GROUP, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
        externalId,
        displayName: name,
        meta: { resourceType: 'Group' },
      });
      expect(answer.status).toBe(201);
      if (name === 'Sales') sales = answer.body;
      else directors = answer.body;
    }
    expect((await patchGroup(sales, dialect.join([amara.id, boris.id]))).status).toBe(200);
    expect((await patchGroup(sales, dialect.join([boris.id]))).status).toBe(200);
    expect((await patchGroup(directors, dialect.join([amara.id]))).status).toBe(200);
    expect(valuesOf((await client.get(`/Groups/${sales.id}`)).body.members)).toEqual([amara.id, boris.id].sort());
    expect((await client.find('Groups', `id eq "${sales.id}" and members eq "${amara.id}"`, '&attributes=id')).body.totalResults).toBe(1);
    expect(await seen(amara)).toEqual({
      status: 'active',
      groups: ['Directors', 'Sales'],
      enrolled: ['bundle:sales', 'collection:board', 'group:staff'],
    });
    expect(await seen(boris)).toEqual({ status: 'active', groups: ['Sales'], enrolled: ['bundle:sales', 'group:staff'] });
    // The repeated Add planned nothing for Boris; it is the group's line that says so.
    expect(await lines(boris)).toEqual(['SUCCESS created-by-directory', 'SUCCESS joined-group']);
    expect((await lines(sales)).filter((line) => line.startsWith('SKIPPED'))).toEqual(['SKIPPED unchanged']);
  });

  it('the learner signs in and is who the directory says, whatever the provider says of groups', async () => {
    expect((await signIn()).status).toBe(200);
    const { user } = await visitor.me();
    expect(user).toMatchObject({ id: amara.id, userName: 'amara@acme.example', displayName: 'Amara Entra', status: 'active' });
    expect(await visitor.enrolments()).toEqual({ 'bundle:sales': ['sales'], 'collection:board': ['board'], 'group:staff': ['staff'] });
  });

  it('a changed profile arrives, and the same again is SKIPPED', async () => {
    const changes = dialect.set({ displayName: 'Amara E.', 'name.familyName': 'Ericsson', title: 'Lead', [`${ENTERPRISE}:department`]: 'Field' });
    const { status, body } = await patchUser(amara, changes);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { displayName: 'Amara E.', name: { familyName: 'Ericsson', givenName: 'Amara' }, title: 'Lead' },
    });
    expect(await world().gateway.house.store.people.find(tenant, amara.id)).toMatchObject({
      displayName: 'Amara E.',
      familyName: 'Ericsson',
      title: 'Lead',
    });
    expect((await patchUser(amara, changes)).body).toEqual(body);
    expect((await lines(amara)).slice(-2)).toEqual(['SUCCESS changed-by-directory', 'SKIPPED unchanged']);
  });

  it('a renamed group moves what its name gave, and what its id gave stays', async () => {
    expect((await patchGroup(sales, dialect.rename('Marketing'))).status).toBe(200);
    expect((await patchGroup(directors, dialect.rename('Leadership'))).status).toBe(200);
    expect(await seen(amara)).toEqual({ status: 'active', groups: ['Leadership', 'Marketing'], enrolled: ['collection:board', 'group:staff'] });
    expect((await seen(boris)).enrolled).toEqual(['group:staff']);
    await patchGroup(sales, dialect.rename('Sales EMEA'));
    expect((await seen(amara)).enrolled).toEqual(['bundle:sales', 'collection:board', 'group:staff']);
  });

  it('who leaves a group loses what it gave, and nobody else does', async () => {
    await patchGroup(sales, dialect.leave(boris.id));
    expect(await seen(boris)).toEqual({ status: 'active', groups: [], enrolled: ['group:staff'] });
    expect((await seen(amara)).groups).toEqual(['Leadership', 'Sales EMEA']);
    expect((await lines(boris)).at(-1)).toBe('SUCCESS left-group');
  });

  it('disabled: suspended, the session ends at its next request, nobody comes in, memberships stay, look-ups still find', async () => {
    expect(await visitor.meStatus()).toBe(200);
    expect((await patchUser(amara, dialect.active(false))).body.active).toBe(false);
    expect(await seen(amara)).toMatchObject({ status: 'suspended', groups: ['Leadership', 'Sales EMEA'] });
    expect(shown(await visitor.browser.get(`${world().gateway.baseUrl}/t/${tenant}/learning`))).toMatchObject({
      status: 403,
      code: 'account-suspended',
    });
    expect(await visitor.meStatus()).toBe(401);
    expect(shown(await signIn())).toMatchObject({ status: 403, code: 'account-suspended' });
    expect((await client.find('Users', 'userName eq "amara@acme.example"')).body.Resources).toMatchObject([{ id: amara.id, active: false }]);
    expect(valuesOf((await client.get(`/Groups/${sales.id}`)).body.members)).toEqual([amara.id]);
    expect((await lines(amara)).at(-1)).toBe('SUCCESS suspended-by-directory');
  });

  it('enabled again: the same person with the same enrolments', async () => {
    expect((await patchUser(amara, dialect.active(true))).body.active).toBe(true);
    expect(await seen(amara)).toEqual({
      status: 'active',
      groups: ['Leadership', 'Sales EMEA'],
      enrolled: ['bundle:sales', 'collection:board', 'group:staff'],
    });
    expect((await signIn()).status).toBe(200);
    expect((await visitor.me()).user.id).toBe(amara.id);
    expect((await lines(amara)).at(-1)).toBe('SUCCESS reactivated-by-directory');
  });

  it('deleted: 404 everywhere, in no group, the session ended, and nobody signs in', async () => {
    expect((await client.delete(`/Users/${boris.id}`)).status).toBe(204);
    expect((await client.get(`/Users/${amara.id}`)).body[ENTERPRISE]).not.toHaveProperty('manager');
    expect((await client.delete(`/Users/${amara.id}`)).status).toBe(204);
    expectError(await client.get(`/Users/${amara.id}`), { status: 404 });
    expectError(await client.delete(`/Users/${amara.id}`), { status: 404 });
    expect((await client.find('Users', 'userName eq "amara@acme.example"')).body.totalResults).toBe(0);
    expect((await client.get(`/Groups/${sales.id}`)).body.members ?? []).toEqual([]);
    expect(await seen(amara)).toMatchObject({ status: 'deleted', groups: [] });
    expect(await visitor.meStatus()).toBe(403);
    expect(await visitor.meStatus()).toBe(401);
    expect(shown(await signIn())).toMatchObject({ status: 403 });
    expect((await lines(amara)).slice(-2)).toEqual(['SUCCESS deleted-by-directory', expect.stringMatching(/^FAILED/)]);
  });

  it('created again: the same identity, without memberships, and it signs in', async () => {
    const answer = await client.post('/Users', userOf('amara', 'Amara'));
    expect({ status: answer.status, id: answer.body.id }).toEqual({ status: 201, id: amara.id });
    expect(await seen(amara)).toEqual({ status: 'active', groups: [], enrolled: ['group:staff'] });
    await patchGroup(sales, dialect.join([amara.id]));
    expect((await signIn()).status).toBe(200);
    expect(await visitor.enrolments()).toEqual({ 'bundle:sales': ['sales'], 'group:staff': ['staff'] });
    expect((await lines(amara)).slice(-2)).toEqual(['SUCCESS restored-by-directory', 'SUCCESS joined-group']);
  });

  it('groups are deleted, and their users stay without what they gave', async () => {
    for (const group of [sales, directors]) expect((await client.delete(`/Groups/${group.id}`)).status).toBe(204);
    expect((await client.get('/Groups')).body.totalResults).toBe(0);
    expect(await seen(amara)).toEqual({ status: 'active', groups: [], enrolled: ['group:staff'] });
    expect((await lines(sales)).at(-1)).toBe('SUCCESS deleted-by-directory');
    expect((await client.delete(`/Users/${amara.id}`)).status).toBe(204);
    expect((await client.get('/Users')).body.totalResults).toBe(0);
  });
}
