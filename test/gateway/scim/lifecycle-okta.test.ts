/** Okta's whole life with a tenant: catalogue apps, which PATCH what they disable, and wizard apps, which PUT everything. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, type Body, GROUP, PATCH_OP, type ScimClient, USER } from './client.ts';
import { expectError, idsOf, valuesOf } from './people.ts';
import { company, onEach, type ScimWorld } from './world.ts';

/** On every call, on GET too. */
const headersOf = ({ token }: ScimClient) => ({
  authorization: `Bearer ${token}`,
  'user-agent': 'Okta SCIM Client 1.0.0',
  accept: 'application/scim+json',
  'accept-charset': 'utf-8',
  'content-type': 'application/scim+json; charset=utf-8',
});

interface Kind {
  name: string;
  tenant: string;
  setActive(okta: Okta, user: Body, active: boolean): Promise<Answer>;
  setMembers(okta: Okta, group: Body, before: Body[], after: Body[]): Promise<Answer>;
  rename(okta: Okta, group: Body, displayName: string): Promise<Answer>;
}
interface Okta {
  call(method: string, path: string, body?: object): Promise<Answer>;
  patch(path: string, ...Operations: object[]): Promise<Answer>;
}

function okta(client: ScimClient): Okta {
  const call: Okta['call'] = (method, path, body) => client.raw({ method, path, headers: headersOf(client), ...(body && { body }) });
  return { call, patch: (path, ...Operations) => call('PATCH', path, { schemas: [PATCH_OP], Operations }) };
}

const members = (users: Body[]) => users.map(({ id, userName }) => ({ value: id, display: userName }));
const catalogue: Kind = {
  name: 'catalogue (PATCH)',
  tenant: 'catalogue',
  setActive: ({ patch }, { id }, active) => patch(`/Users/${id}`, { op: 'replace', value: { active } }),
  setMembers: ({ patch }, { id }, before, after) =>
    patch(
      `/Groups/${id}`,
      ...before.filter((user) => !after.includes(user)).map((user) => ({ op: 'remove', path: `members[value eq "${user.id}"]` })),
      { op: 'add', path: 'members', value: members(after.filter((user) => !before.includes(user))) },
    ),
  rename: ({ patch }, { id }, displayName) => patch(`/Groups/${id}`, { op: 'replace', value: { id, displayName } }),
};
const wizard: Kind = {
  name: 'wizard (PUT)',
  tenant: 'wizard',
  async setActive({ call }, { id }, active) {
    const { body } = await call('GET', `/Users/${id}`);
    return call('PUT', `/Users/${id}`, { ...body, active });
  },
  async setMembers({ call }, { id }, _before, after) {
    const { body } = await call('GET', `/Groups/${id}`);
    return call('PUT', `/Groups/${id}`, { schemas: [GROUP], id, displayName: body.displayName, members: members(after) });
  },
  async rename({ call }, { id }, displayName) {
    const { body } = await call('GET', `/Groups/${id}`);
    return call('PUT', `/Groups/${id}`, { schemas: [GROUP], displayName, members: body.members ?? [] });
  },
};

onEach(
  'Okta',
  () => ({ catalogue: company(), wizard: company() }),
  (world) => {
    describe.each([catalogue, wizard])('$name', (kind) => story(world, kind));
  },
);

/** The steps follow one another. */
function story(world: () => ScimWorld, kind: Kind): void {
  const { tenant } = kind;
  let to: Okta;
  let ruth: Body;
  let timo: Body;
  let group: Body;
  beforeAll(() => {
    to = okta(world().clientOf(tenant));
  });
  const seen = (user: Body) => world().seen(user.id, tenant);
  const lines = (resource: Body) => world().lines(resource.id, tenant);
  const find = (name: string) => to.call('GET', `/Users?filter=userName eq "${name}"&startIndex=1&count=100`);
  const userOf = (name: string, given: string) => ({
    schemas: [USER],
    userName: `${name}@acme.example`,
    name: { givenName: given, familyName: 'Okta' },
    emails: [{ primary: true, value: `${name}@acme.example`, type: 'work' }],
    displayName: `${given} Okta`,
    locale: 'en-US',
    externalId: `00u-${name}`,
    groups: [],
    password: 'pw-of-the-day',
    active: true,
  });

  it('the connection is enabled with the first pages', async () => {
    expect(await to.call('GET', '/Users?startIndex=1&count=2')).toMatchObject({
      status: 200,
      body: { totalResults: 0, startIndex: 1, itemsPerPage: 0 },
    });
    expect(await to.call('GET', '/Groups?startIndex=1&count=100')).toMatchObject({ status: 200, body: { totalResults: 0 } });
  });

  it('users are assigned, and their password is nowhere', async () => {
    expect((await find('ruth@acme.example')).body).toMatchObject({ totalResults: 0, startIndex: 1 });
    const answer = await to.call('POST', '/Users', userOf('ruth', 'Ruth'));
    expect(answer.status).toBe(201);
    expect(answer.text).not.toContain('pw-of-the-day');
    ruth = answer.body;
    timo = (await to.call('POST', '/Users', userOf('timo', 'Timo'))).body;
    expectError(await to.call('POST', '/Users', userOf('ruth', 'Ruth')), { status: 409, scimType: 'uniqueness' });
    const sync = await to.patch(`/Users/${ruth.id}`, { op: 'replace', value: { password: 'pw-of-the-day' } });
    expect(sync).toMatchObject({ status: 200, body: ruth });
    expect(await world().gateway.snapshot()).not.toContain('pw-of-the-day');
    expect(await seen(ruth)).toEqual({ status: 'active', groups: [], enrolled: ['group:staff'] });
  });

  it('an import meets everybody once', async () => {
    const pages = [await to.call('GET', '/Users?startIndex=1&count=1'), await to.call('GET', '/Users?startIndex=2&count=1')];
    expect(pages.flatMap(idsOf).sort()).toEqual([ruth.id, timo.id].sort());
    for (const { body } of pages) expect(body.totalResults).toBe(2);
  });

  it('the whole fetched profile comes back edited, and the same again is SKIPPED', async () => {
    const { body } = await to.call('GET', `/Users/${ruth.id}`);
    const edited = { ...body, title: 'Coach', name: { ...body.name, familyName: 'Steiner' } };
    const answer = await to.call('PUT', `/Users/${ruth.id}`, edited);
    expect(answer).toMatchObject({ status: 200, body: { id: ruth.id, title: 'Coach', name: { givenName: 'Ruth', familyName: 'Steiner' } } });
    expect((await to.call('PUT', `/Users/${ruth.id}`, answer.body)).body).toEqual(answer.body);
    expect((await lines(ruth)).slice(-2)).toEqual(['SUCCESS changed-by-directory', 'SKIPPED unchanged']);
    expectError(await to.call('PUT', '/Users/00u-nobody', userOf('nobody', 'No')), { status: 404 });
  });

  it('a group is linked by name, pushed, filled and swapped, and enrols', async () => {
    expect((await to.call('GET', '/Groups?filter=displayName eq "Sales"&startIndex=1&count=100')).body.totalResults).toBe(0);
    const answer = await to.call('POST', '/Groups', { schemas: [GROUP], displayName: 'Sales', members: [] });
    expect(answer.status).toBe(201);
    group = answer.body;
    expect((await kind.setMembers(to, group, [], [ruth])).status).toBe(200);
    expect(await seen(ruth)).toEqual({ status: 'active', groups: ['Sales'], enrolled: ['bundle:sales', 'group:staff'] });
    const swapped = await kind.setMembers(to, group, [ruth], [timo]);
    expect({ status: swapped.status, members: valuesOf(swapped.body.members) }).toEqual({ status: 200, members: [timo.id] });
    expect(await seen(ruth)).toEqual({ status: 'active', groups: [], enrolled: ['group:staff'] });
    expect(await seen(timo)).toEqual({ status: 'active', groups: ['Sales'], enrolled: ['bundle:sales', 'group:staff'] });
    await kind.setMembers(to, group, [timo], [timo, ruth]);
    expect((await lines(ruth)).slice(-3)).toEqual(['SUCCESS joined-group', 'SUCCESS left-group', 'SUCCESS joined-group']);
    expect((await lines(timo)).filter((line) => line.includes('group'))).toEqual(['SUCCESS joined-group']);
  });

  it('a renamed group keeps its members and moves what its name gave', async () => {
    expect((await kind.rename(to, group, 'Marketing')).body).toMatchObject({ id: group.id, displayName: 'Marketing' });
    expect(await seen(ruth)).toEqual({ status: 'active', groups: ['Marketing'], enrolled: ['group:staff'] });
    await kind.rename(to, group, 'Sales 2');
    expect((await seen(ruth)).enrolled).toEqual(['bundle:sales', 'group:staff']);
  });

  it('deactivated and reactivated: suspended and back, memberships kept', async () => {
    expect((await kind.setActive(to, ruth, false)).body).toMatchObject({ active: false, name: { givenName: 'Ruth' } });
    expect(await seen(ruth)).toMatchObject({ status: 'suspended', groups: ['Sales 2'] });
    expect(valuesOf((await to.call('GET', `/Groups/${group.id}`)).body.members)).toEqual([ruth.id, timo.id].sort());
    expect((await find('RUTH@acme.example')).body.Resources).toMatchObject([{ id: ruth.id, active: false }]);
    expect((await kind.setActive(to, ruth, true)).body.active).toBe(true);
    expect(await seen(ruth)).toEqual({ status: 'active', groups: ['Sales 2'], enrolled: ['bundle:sales', 'group:staff'] });
    expect((await lines(ruth)).slice(-2)).toEqual(['SUCCESS suspended-by-directory', 'SUCCESS reactivated-by-directory']);
  });

  it('the group goes and its users stay', async () => {
    expect((await to.call('DELETE', `/Groups/${group.id}`)).status).toBe(204);
    expectError(await to.call('GET', `/Groups/${group.id}`), { status: 404 });
    expect(await seen(timo)).toEqual({ status: 'active', groups: [], enrolled: ['group:staff'] });
    expect((await lines(group)).at(-1)).toBe('SUCCESS deleted-by-directory');
  });

  it('Okta deletes nobody; an administrator’s script does, and the next assignment brings the same person back', async () => {
    expect((await to.call('DELETE', `/Users/${ruth.id}`)).status).toBe(204);
    expectError(await to.call('GET', `/Users/${ruth.id}`), { status: 404 });
    expect(await seen(ruth)).toMatchObject({ status: 'deleted', groups: [] });
    expect((await find('ruth@acme.example')).body.totalResults).toBe(0);
    const back = await to.call('POST', '/Users', userOf('ruth', 'Ruth'));
    expect({ status: back.status, id: back.body.id, title: back.body.title }).toEqual({ status: 201, id: ruth.id, title: undefined });
    expect(await seen(ruth)).toEqual({ status: 'active', groups: [], enrolled: ['group:staff'] });
    expect((await lines(ruth)).slice(-2)).toEqual(['SUCCESS deleted-by-directory', 'SUCCESS restored-by-directory']);
  });
}
