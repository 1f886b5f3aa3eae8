/** OneLogin, Google and JumpCloud from connection test to hard delete and back; and people who were here before their directory. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { provision } from '../../../src/flows/provision.ts';
import { type Answer, type Body, ENTERPRISE, GROUP, PATCH_OP, type ScimClient, USER } from './client.ts';
import { expectError, form, hire, valuesOf } from './people.ts';
import { company, onEach, type ScimWorld } from './world.ts';

type Call = (method: string, path: string, body?: object) => Promise<Answer>;

/** Plain JSON, and no User-Agent at all. */
const plain =
  (client: ScimClient): Call =>
  (method, path, body) =>
    client.raw({
      method,
      path,
      headers: { authorization: `Bearer ${client.token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body }),
    });

onEach(
  'the others',
  () => ({ onelogin: company(), google: company(), jumpcloud: company(), before: company() }),
  (world) => {
    describe('OneLogin', () => onelogin(world));
    describe('Google', () => google(world));
    describe('JumpCloud', () => jumpcloud(world));
    describe('people who were here before', () => before(world));

    it('what was created reads the same, in the order in which it was answered, also in lists', async () => {
      const client = world().clientOf('jumpcloud');
      const made = await hire(client, {
        zip: 'unknown',
        'urn:acme:a:2.0:User': { b: 1, a: [2, 1] },
        [ENTERPRISE]: { department: 'Ops', costCenter: '1' },
        'urn:acme:a-much-longer-name:2.0:User': { z: true },
        emails: [
          { value: 'z@order.example', type: 'work' },
          { value: 'a@order.example', type: 'home', primary: true },
        ],
      });
      expect((await client.get(`/Users/${made.id}`)).body).toEqual(made);
      expect((await client.find('Users', `id eq "${made.id}"`)).body.Resources).toEqual([made]);
      await client.delete(`/Users/${made.id}`);
    });
  },
);

function onelogin(world: () => ScimWorld): void {
  let call: Call;
  let anja: Body;
  let group: Body;
  beforeAll(() => {
    call = plain(world().clientOf('onelogin'));
  });
  const seen = () => world().seen(anja.id, 'onelogin');
  const lines = () => world().lines(anja.id, 'onelogin');
  /** A template of an administrator, with the schemas of SCIM 1. */
  const template = (over: object = {}) => ({
    schemas: ['urn:scim:schemas:core:1.0', 'urn:scim:schemas:extension:enterprise:1.0'],
    id: null,
    userName: 'anja@acme.example',
    externalId: '77120',
    active: 'true',
    emails: { value: 'anja@acme.example', type: 'work', primary: 'true' },
    name: { givenName: 'Anja', familyName: 'Holm' },
    title: '',
    custom_of_the_admin: { anything: [1, 2] },
    manager: { managerId: '77001', displayName: 'Bo Vik' },
    ...over,
  });

  it('the connection is tested, entitlements are read, the user is looked up and created from the template', async () => {
    expect(await call('GET', '/Users?filter=userName eq "anja@acme.example"')).toMatchObject({ status: 200, body: { totalResults: 0 } });
    group = await form(world().clientOf('onelogin'), { displayName: 'Sales' });
    expect((await call('GET', '/Groups?')).body.Resources).toMatchObject([{ id: group.id, displayName: 'Sales' }]);
    const answer = await call('POST', '/Users?', template());
    expect(answer.status).toBe(201);
    anja = answer.body;
    expect(anja).toMatchObject({
      active: true,
      emails: [{ value: 'anja@acme.example', type: 'work', primary: true }],
      name: { givenName: 'Anja', familyName: 'Holm' },
    });
    for (const odd of ['title', 'custom_of_the_admin']) expect(anja).not.toHaveProperty(odd);
    expect(await seen()).toEqual({ status: 'active', groups: [], enrolled: ['group:staff'] });
  });

  it('the template again is SKIPPED, edited it is an update', async () => {
    expect(await call('PUT', `/Users/${anja.id}`, template())).toMatchObject({ status: 200, body: anja });
    expect((await call('PUT', `/Users/${anja.id}`, template({ name: { givenName: 'Anja', familyName: 'Vik' } }))).body.name).toMatchObject({
      familyName: 'Vik',
    });
    // The first was left alone; that unknown parts were left out may have been noted at the creation.
    expect((await lines()).slice(-2)).toEqual([
      expect.stringMatching(/^SKIPPED/),
      expect.stringMatching(/^(SUCCESS changed-by-directory|SKIPPED left-out)$/),
    ]);
  });

  it('entitled, suspended, back, and not entitled any more', async () => {
    const patch = (path: string, operation: object) => call('PATCH', path, { schemas: [PATCH_OP], Operations: [operation] });
    expect((await patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: [{ value: anja.id }] })).status).toBe(200);
    expect((await seen()).enrolled).toEqual(['bundle:sales', 'group:staff']);
    expect((await patch(`/Users/${anja.id}`, { op: 'replace', path: 'active', value: 'false' })).body.active).toBe(false);
    expect(await seen()).toMatchObject({ status: 'suspended', groups: ['Sales'] });
    expect((await patch(`/Users/${anja.id}`, { op: 'replace', path: 'active', value: 'true' })).body.active).toBe(true);
    expect(await seen()).toEqual({ status: 'active', groups: ['Sales'], enrolled: ['bundle:sales', 'group:staff'] });
    await patch(`/Groups/${group.id}`, { op: 'remove', path: `members[value eq "${anja.id}"]` });
    expect(await seen()).toEqual({ status: 'active', groups: [], enrolled: ['group:staff'] });
    expect((await lines()).slice(-4)).toEqual([
      'SUCCESS joined-group',
      'SUCCESS suspended-by-directory',
      'SUCCESS reactivated-by-directory',
      'SUCCESS left-group',
    ]);
  });

  it('deleted and created again as the same', async () => {
    expect((await call('DELETE', `/Users/${anja.id}`)).status).toBe(204);
    expectError(await call('GET', `/Users/${anja.id}`), { status: 404 });
    expect(await seen()).toMatchObject({ status: 'deleted', groups: [] });
    const back = await call('POST', '/Users', template());
    expect({ status: back.status, id: back.body.id }).toEqual({ status: 201, id: anja.id });
    expect((await seen()).status).toBe('active');
  });
}

function google(world: () => ScimWorld): void {
  let call: Call;
  let dora: Body;
  beforeAll(() => {
    call = plain(world().clientOf('google'));
  });
  const seen = () => world().seen(dora.id, 'google');
  const user = (over: object = {}) => ({
    schemas: [USER],
    userName: 'dora@acme.example',
    name: { givenName: 'Dora', familyName: 'Engel' },
    emails: [{ value: 'dora@acme.example', type: 'work', primary: true }],
    active: true,
    ...over,
  });

  it('probed, created, updated, suspended, deleted after a delay, and hired again', async () => {
    expect(await call('GET', '/Users?count=1')).toMatchObject({ status: 200, body: { totalResults: 0, itemsPerPage: 0 } });
    const answer = await call('POST', '/Users', user());
    expect(answer.status).toBe(201);
    dora = answer.body;
    expect((await call('PUT', `/Users/${dora.id}`, user({ name: { givenName: 'Dorothea', familyName: 'Engel' } }))).body.name).toEqual({
      givenName: 'Dorothea',
      familyName: 'Engel',
    });
    expect(await seen()).toEqual({ status: 'active', groups: [], enrolled: ['group:staff'] });
    await call('PATCH', `/Users/${dora.id}`, { schemas: [PATCH_OP], Operations: [{ op: 'replace', path: 'active', value: false }] });
    expect((await seen()).status).toBe('suspended');
    expect((await call('GET', '/Users?count=1')).body).toMatchObject({ totalResults: 1, Resources: [{ id: dora.id, active: false }] });
    expect((await call('DELETE', `/Users/${dora.id}`)).status).toBe(204);
    expectError(await call('GET', `/Users/${dora.id}`), { status: 404 });
    expect((await seen()).status).toBe('deleted');
    const back = await call('POST', '/Users', user());
    expect({ status: back.status, id: back.body.id, active: back.body.active }).toEqual({ status: 201, id: dora.id, active: true });
    expect(await seen()).toEqual({ status: 'active', groups: [], enrolled: ['group:staff'] });
    expect(await world().lines(dora.id, 'google')).toEqual([
      'SUCCESS created-by-directory',
      'SUCCESS changed-by-directory',
      'SUCCESS suspended-by-directory',
      'SUCCESS deleted-by-directory',
      'SUCCESS restored-by-directory',
    ]);
  });
}

function jumpcloud(world: () => ScimWorld): void {
  it('twice activated: a test user and a test group come, go, and come again', async () => {
    const client = world().clientOf('jumpcloud');
    const ids: string[] = [];
    for (let activation = 0; activation < 2; activation++) {
      const user = await hire(client, { userName: 'jc-test@acme.example', externalId: 'jc-test' });
      const group = await form(client, { displayName: 'jc-test', members: [{ value: user.id }] });
      ids.push(user.id);
      expect((await client.delete(`/Groups/${group.id}`)).status).toBe(204);
      expect((await client.delete(`/Users/${user.id}`)).status).toBe(204);
    }
    expect(new Set(ids).size).toBe(1);
    expect((await client.get('/Users')).body.totalResults).toBe(0);
    expect((await client.get('/Groups')).body.totalResults).toBe(0);
  });
}

function before(world: () => ScimWorld): void {
  let client: ScimClient;
  let old: { id: string };
  beforeAll(() => {
    client = world().clientOf('before');
  });
  const flow = () => world().gateway.house;
  async function byHand(email: string): Promise<{ id: string }> {
    const { flow: deps, tenants } = flow();
    const { after } = await provision(deps, {
      live: tenants.get('before')!,
      intent: { kind: 'edit', profile: { email, userName: email, displayName: 'By Hand' }, grant: ['collection:board'] },
      lookup: { by: 'name', userNameKey: email, emailKey: email },
      actor: 'test',
      reference: null,
    });
    return after.user;
  }

  it('somebody made by hand is found by userName and e-mail, a POST says that the name is taken, and the first write adopts', async () => {
    old = await byHand('old@acme.example');
    for (const filter of [
      'userName eq "OLD@acme.example"',
      'emails.value eq "old@acme.example"',
      'emails[type eq "work"].value eq "old@acme.example"',
    ])
      expect({ filter, found: (await client.find('Users', filter)).body.Resources.map(({ id }) => id) }).toEqual({ filter, found: [old.id] });
    expectError(await client.post('/Users', { schemas: [USER], userName: 'old@acme.example', externalId: 'x' }), {
      status: 409,
      scimType: 'uniqueness',
      detail: /userName/,
    });
    expect(await world().lines(old.id, 'before')).toEqual(['SUCCESS manual']);
    const { status, body } = await client.patch(`/Users/${old.id}`, { op: 'Replace', path: 'externalId', value: 'adopted-1' });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { id: old.id, externalId: 'adopted-1', userName: 'old@acme.example', displayName: 'By Hand', active: true },
    });
    expect((await world().lines(old.id, 'before')).at(-1)).toMatch(/^SUCCESS adopted-by-directory/);
    // What was given by hand stays, and the directory's rules count now.
    expect((await world().seen(old.id, 'before')).enrolled).toEqual(['collection:board', 'group:staff']);
    expect((await client.find('Users', 'externalId eq "adopted-1"')).body.totalResults).toBe(1);
  });

  it('a group is the first word of the directory too: who is put into one is adopted with all that was known', async () => {
    const another = await byHand('another@acme.example');
    const group = await form(client, { schemas: [GROUP], displayName: 'Sales', members: [{ value: another.id }] });
    expect(valuesOf(group.members)).toEqual([another.id]);
    expect(await world().seen(another.id, 'before')).toEqual({
      status: 'active',
      groups: ['Sales'],
      enrolled: ['bundle:sales', 'collection:board', 'group:staff'],
    });
    expect((await client.get(`/Users/${another.id}`)).body).toMatchObject({ userName: 'another@acme.example', displayName: 'By Hand', active: true });
  });
}
