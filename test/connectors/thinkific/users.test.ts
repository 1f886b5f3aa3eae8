import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { effects } from '../../../fixtures/sample-platform/faults.ts';
import type { SampleRole } from '../../../fixtures/sample-platform/people.ts';
import type { Person } from '../../../src/connectors/connector.ts';
import { attemptOf, made, makePerson } from '../people.ts';
import { makeWorld, signal, type World } from './world.ts';

describe("a person's account at Thinkific", () => {
  let world: World;
  beforeEach(async () => {
    world = await makeWorld();
  });
  afterEach(() => world.close());
  const upsert = (person: Person, known: string | null = null, connector = world.connector) =>
    made(connector.upsert(known, attemptOf('change', person, [])));
  const only = () => [...world.platform.school.users.values()];

  it('costs a new learner one look-up and one creation, and is known there by our id', async () => {
    const person = makePerson();
    const { account, created } = await upsert(person);
    expect(created).toBe(true);
    expect(world.asked()).toEqual(['GET /users 200', 'POST /users 201']);
    expect(only()).toMatchObject([{ id: Number(account.id), externalId: person.id, provider: 'SSO', email: person.email, welcomed: false }]);
  });

  it('is known under the provider that the tenant file names', async () => {
    const person = makePerson();
    await upsert(person, null, world.connect({}, { provider: 'OPENID_CONNECT' }));
    expect(only()).toMatchObject([{ externalId: person.id, provider: 'OPENID_CONNECT' }]);
  });

  it('is found by our id before any other that has the e-mail', async () => {
    const person = makePerson();
    const { account } = await upsert(person);
    const moved = { ...person, email: 'moved@acme.example' };
    world.platform.school.addUser({ email: moved.email, firstName: 'Somebody', lastName: 'Else' });
    expect(await world.connector.find(moved, signal())).toEqual(account);
    const tokenOnly = world.connect({ apiKey: null });
    expect(await upsert(moved, null, tokenOnly)).toEqual({ account, created: false });
    expect(only()).toHaveLength(2);
  });

  it('is found again when nobody remembers it and the e-mail has changed', async () => {
    const person = makePerson();
    const { account } = await upsert(person);
    world.asked();
    expect(await upsert({ ...person, email: 'changed@acme.example' })).toEqual({ account, created: false });
    expect(world.asked()).toEqual(['GET /users 200', 'POST /users 422', `GET /users/${person.id} 200`, `PUT /users/${account.id} 204`]);
    expect(only()).toMatchObject([{ email: 'changed@acme.example' }]);
  });

  it('is taken once where somebody else was quicker to make it', async () => {
    const person = makePerson();
    const { account } = await upsert(person);
    const empty = { items: [], meta: { pagination: { current_page: 1, next_page: null } } };
    world.platform.faults.add({ method: 'GET', path: /users\?/, times: 1, effect: effects.answer(200, empty) });
    expect(await upsert(person)).toEqual({ account, created: false });
    expect(only()).toHaveLength(1);
  });

  it('is not taken for theirs where the making collides with an address that nobody vouches for', async () => {
    const person = makePerson({ emailTrusted: false });
    world.platform.school.addUser({ email: person.email, firstName: 'Somebody', lastName: 'Else' });
    const empty = { items: [], meta: { pagination: { current_page: 1, next_page: null } } };
    world.platform.faults.add({ method: 'GET', path: /users\?/, times: 1, effect: effects.answer(200, empty) });
    await expect(upsert(person)).rejects.toMatchObject({ name: 'TerminalFailure', code: 'not-vouched' });
    expect(only()).toMatchObject([{ firstName: 'Somebody', externalId: null }]);
  });

  it('an address that merely begins like theirs is nobody of theirs', async () => {
    const person = makePerson();
    const near = world.platform.school.addUser({ email: `x${person.email}`, firstName: 'Near', lastName: 'By' });
    const items = [{ id: near.id, email: near.email, first_name: 'Near', last_name: 'By', roles: [] }];
    world.platform.faults.add({ path: /users\?/, times: 1, effect: effects.answer(200, { items, meta: { pagination: { next_page: null } } }) });
    expect(await upsert(person)).toMatchObject({ created: true });
    expect(only()).toHaveLength(2);
  });

  it('costs one call where nothing differs, and two where something does', async () => {
    const person = makePerson();
    const { id } = (await upsert(person)).account;
    world.asked();
    await upsert(person, id);
    expect(world.asked()).toEqual([`GET /users/${id} 200`]);
    await upsert({ ...person, familyName: 'Married' }, id);
    expect(world.asked()).toEqual([`GET /users/${id} 200`, `PUT /users/${id} 204`]);
    expect(only()).toMatchObject([{ firstName: person.givenName, lastName: 'Married' }]);
  });

  it('takes its new names without its new e-mail where only an access token is there', async () => {
    const person = makePerson();
    const { id } = (await upsert(person)).account;
    const connector = world.connect({ apiKey: null });
    expect(connector.capabilities.users.changeEmail).toBe(false);
    await upsert({ ...person, givenName: 'Renamed', email: 'changed@acme.example' }, id, connector);
    expect(only()).toMatchObject([{ firstName: 'Renamed', email: person.email }]);
  });

  it('keeps a name that nobody said otherwise', async () => {
    const nameless = makePerson({ givenName: '', familyName: '', displayName: '', email: 'mary.ann@acme.example' });
    const { id } = (await upsert(nameless)).account;
    expect(only()).toMatchObject([{ firstName: 'Mary', lastName: 'Ann' }]);
    Object.assign(only()[0]!, { firstName: 'Chosen', lastName: 'By-themselves' });
    await upsert(nameless, id);
    expect(only()).toMatchObject([{ firstName: 'Chosen', lastName: 'By-themselves' }]);
  });

  it('of somebody who is locked is left as it is', async () => {
    const person = makePerson();
    const { id } = (await upsert(person)).account;
    expect(await upsert({ ...person, active: false, givenName: 'Renamed' }, id)).toMatchObject({ account: { id }, created: false });
    expect(only()).toMatchObject([{ firstName: person.givenName }]);
  });

  it('cannot be made without an e-mail, and says so without asking', async () => {
    await expect(upsert(makePerson({ email: '' }))).rejects.toMatchObject({ name: 'TerminalFailure', code: 'validation', scope: 'person' });
    expect(world.asked()).toEqual([]);
  });

  it.each<SampleRole>(['site_admin', 'course_admin'])('of a %s is never taken over, and is told of by a look', async (role) => {
    const person = makePerson();
    const theirs = world.platform.school.addUser({ email: person.email, firstName: 'Site', lastName: 'Owner', roles: ['affiliate', role] });
    await expect(upsert(person)).rejects.toMatchObject({ name: 'TerminalFailure', code: 'privileged', scope: 'person' });
    await expect(upsert({ ...person, emailTrusted: false })).rejects.toMatchObject({ code: 'privileged' });
    expect(theirs).toMatchObject({ firstName: 'Site', lastName: 'Owner' });
    expect(await world.connector.find(person, signal())).toEqual({ id: String(theirs.id), privileged: true });
    expect(await world.connector.read(String(theirs.id), [], signal())).toMatchObject({ privileged: true });
  });

  it('of a group analyst is a learner’s', async () => {
    const person = makePerson();
    const theirs = world.platform.school.addUser({ email: person.email, firstName: 'Ana', lastName: 'Lyst', roles: ['group_analyst'] });
    expect(await upsert(person)).toEqual({ account: { id: String(theirs.id), privileged: false }, created: false });
  });

  it('is not believed to be gone because of a page that comes with 404', async () => {
    const person = makePerson();
    const { id } = (await upsert(person)).account;
    for (const body of ['<html><h1>404</h1></html>', '', 'null']) {
      world.platform.faults.add({ path: /users\/\d/, times: 2, effect: effects.answer(404, body) });
      await expect(world.connector.read(id, [], signal())).rejects.toMatchObject({ name: 'TransientFailure', code: 'nonsense' });
      await expect(upsert(person, id)).rejects.toMatchObject({ name: 'TransientFailure', code: 'nonsense' });
    }
    expect(only()).toHaveLength(1);
  });
});
