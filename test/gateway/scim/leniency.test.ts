/** What clients write in unusual ways, over HTTP: understood as it is meant, or refused by name, and never a loss of what is there. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ENTERPRISE, GROUP, SEARCH, USER } from './client.ts';
import { expectError, form, hire, uniqueName, valuesOf } from './people.ts';
import { type ScimWorld, startWorld } from './world.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await startWorld();
}, 60_000);
afterAll(() => world?.close());

const URN = 'urn:acme:params:scim:2.0:User';
const attributes = (many: number, prefix = '') => Object.fromEntries(Array.from({ length: many }, (_, i) => [`${prefix}a${i}`, `v${i}`]));

describe('an extension that no schema here describes', () => {
  it('holds 500 attributes, and is refused with 10,000, whichever way they come', async () => {
    const { client } = world;
    const userName = uniqueName();
    const user = await hire(client, { userName, [URN]: attributes(500) });
    expect(user[URN]).toEqual(attributes(500));
    const refusal = { status: 400, scimType: 'invalidValue', detail: /urn:acme:params:scim:2\.0:User(:whole)?: at most 500 attributes/ };
    const many = attributes(10_000);
    expectError(await client.post('/Users', { userName: uniqueName(), [URN]: many }), refusal);
    expectError(await client.put(`/Users/${user.id}`, { userName, [URN]: many }), refusal);
    expectError(await client.patch(`/Users/${user.id}`, { op: 'replace', path: URN, value: many }), refusal);
    expectError(await client.patch(`/Users/${user.id}`, { op: 'replace', value: { [URN]: many } }), refusal);
    expectError(await client.patch(`/Users/${user.id}`, { op: 'replace', value: attributes(10_000, `${URN}:`) }), {
      status: 400,
      scimType: 'tooMany',
    });
    expectError(await client.patch(`/Users/${user.id}`, { op: 'replace', value: attributes(900, `${URN}:b`) }), refusal);
    expectError(await client.patch(`/Users/${user.id}`, { op: 'replace', value: attributes(900, `${URN}:a1.`) }), {
      ...refusal,
      detail: /:a1: at most 500/,
    });
    expectError(await client.patch(`/Users/${user.id}`, { op: 'add', path: `${URN}:more`, value: '1' }), refusal);
    expect((await client.get(`/Users/${user.id}`)).body).toEqual(user);
  });
});

describe('the members of a group', () => {
  it('stay where a PUT names them with the URN of the schema, in any case', async () => {
    const { client } = world;
    const { id: user } = await hire(client);
    const { id, displayName } = await form(client, { [`${GROUP}:members`]: [{ value: user }] });
    const members = async () => valuesOf((await client.get(`/Groups/${id}`)).body.members);
    expect(await members()).toEqual([user]);
    const named = { [`${GROUP}:displayName`]: displayName };
    expect((await client.put(`/Groups/${id}`, { ...named, [`${GROUP.toUpperCase()}:MEMBERS`]: [{ value: user }] })).status).toBe(200);
    expect(await members()).toEqual([user]);
    expectError(await client.put(`/Groups/${id}`, { displayName, members: [], [`${GROUP}:members`]: [user] }), {
      status: 400,
      scimType: 'invalidValue',
    });
    expect(await members()).toEqual([user]);
    expect((await client.put(`/Groups/${id}`, { ...named, [`${GROUP}:members`]: [] })).status).toBe(200);
    expect(await members()).toEqual([]);
  });

  it('are known by their addresses, in POST, PUT and PATCH', async () => {
    const { client } = world;
    const [ada, ben, eve] = [await hire(client), await hire(client), await hire(client)];
    const other = await form(client);
    const { id, displayName } = await form(client, { members: [{ $ref: ada.meta.location }] });
    const members = async () => valuesOf((await client.get(`/Groups/${id}`)).body.members);
    expect(await members()).toEqual([ada.id]);
    await client.put(`/Groups/${id}`, {
      displayName,
      members: [{ $ref: `../Users/${ada.id}` }, { $ref: ben.meta.location }, { $ref: other.meta.location }],
    });
    expect(await members()).toEqual([ada.id, ben.id].sort());
    await client.patch(`/Groups/${id}`, { op: 'add', path: 'members', value: [{ $ref: `../Users/${eve.id}` }, { $ref: other.meta.location }] });
    expect(await members()).toEqual([ada.id, ben.id, eve.id].sort());
    await client.patch(`/Groups/${id}`, { op: 'remove', path: 'members', value: [{ $ref: ada.meta.location }] });
    expect(await members()).toEqual([ben.id, eve.id].sort());
  });
});

describe('a page', () => {
  it('beyond all there is is empty, however far; what is no number is refused', async () => {
    const { client } = world;
    const far = '9'.repeat(40);
    for (const type of ['Users', 'Groups']) {
      const { status, body } = await client.get(`/${type}?startIndex=${far}&count=${far}`);
      expect({ status, Resources: body.Resources ?? [] }).toEqual({ status: 200, Resources: [] });
      expect((await client.post(`/${type}/.search`, { schemas: [SEARCH], startIndex: 1e30, count: 1e30 })).status).toBe(200);
      for (const wrong of [{ count: {} }, { startIndex: true }, { count: { toString: 1 } }, { startIndex: [1] }])
        expectError(await client.post(`/${type}/.search`, { schemas: [SEARCH], ...wrong }), { status: 400, scimType: 'invalidValue' });
    }
  });
});

describe('a projection', () => {
  it('leaves out elements and values of which nothing is left', async () => {
    const { client } = world;
    const emails = [{ value: uniqueName(), display: 'Work' }, { value: uniqueName() }];
    const { id, schemas } = await hire(client, { emails, name: { givenName: 'Ada' } });
    expect((await client.get(`/Users/${id}?attributes=emails.display,name.familyName`)).body).toEqual({ schemas, id, emails: [{ display: 'Work' }] });
    const { body } = await client.get(`/Users/${id}?excludedAttributes=emails.value,name.givenName`);
    expect([body.emails, body.name]).toEqual([[{ display: 'Work' }], undefined]);
  });
});

describe('dotted keys of a body', () => {
  it('make one element of a list, and are refused beside a list', async () => {
    const { client } = world;
    const [userName, value] = [uniqueName(), uniqueName()];
    const user = await hire(client, { userName, 'emails.value': value, 'emails.type': 'work' });
    expect(user.emails).toEqual([{ value, type: 'work' }]);
    const refused = await client.put(`/Users/${user.id}`, { userName, emails: [{ value }], 'emails.display': 'x' });
    expectError(refused, { status: 400, scimType: 'invalidValue', detail: /^emails: / });
  });

  it('say nothing of a manager that is ours to say, and schemas are listed where they have attributes', async () => {
    const { client } = world;
    const said = { [`${ENTERPRISE}:manager.displayName`]: 'Eve', [ENTERPRISE]: { 'manager.$ref': '../Users/eve' } };
    const user = await hire(client, { ...said, schemas: [USER, ENTERPRISE, URN], [`${USER}:schemas`]: [USER, URN], [URN]: { a: [null] } });
    expect(user.schemas).toEqual([USER]);
    expect([user[ENTERPRISE], user[URN]]).toEqual([undefined, undefined]);
    const { body } = await client.patch(`/Users/${user.id}`, { op: 'add', value: { [`${ENTERPRISE}:manager.$ref`]: '../Users/eve' } });
    expect([body.schemas, body[ENTERPRISE]]).toEqual([[USER], undefined]);
  });
});
