import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { effects } from '../../../fixtures/sample-platform/faults.ts';
import type { Connector, Person, Resource } from '../../../src/connectors/connector.ts';
import { attemptOf, makePerson } from '../people.ts';
import { change, makeWorld, outcomesOf, signal, type World } from './world.ts';

describe('groups at Thinkific', () => {
  let world: World;
  let id: string;
  let person: Person;
  let [north, south, west]: Resource[] = [];
  beforeEach(async () => {
    world = await makeWorld();
    person = makePerson();
    id = (await world.connector.upsert(null, attemptOf('change', person, [])))!.account.id;
    [north, south, west] = ['North', 'South', 'West'].map((name) => world.resource('group', name));
    world.asked();
  });
  afterEach(() => world.close());
  const joined = () => world.platform.school.groupsOf(Number(id)).map(({ name }) => name);
  const make = async (what: Parameters<typeof change>[2], connector: Connector = world.connector) =>
    outcomesOf(await change({ connector }, { id, person, fresh: true }, what));
  const read = async (connector: Connector, ...wanted: Resource[]) => (await connector.read(id, wanted, signal()))!.resources.map(({ name }) => name);

  it('all of one delivery are joined by one call, and left by one', async () => {
    expect(await make({ add: [north!, south!, west!] })).toEqual(['done', 'done', 'done']);
    expect(joined()).toEqual(['North', 'South', 'West']);
    expect(await make({ remove: [north!, west!] })).toEqual(['done', 'done']);
    expect(joined()).toEqual(['South']);
    expect(world.asked()).toEqual(['POST /group_users 201', 'MatriculaRemoveFromGroups 200']);
  });

  it('a group that was renamed is joined by its new name', async () => {
    world.platform.school.group('North').name = 'Far North';
    expect(await make({ add: [north!, south!] })).toEqual(['done', 'done']);
    expect(joined()).toEqual(['Far North', 'South']);
    expect(world.asked()).toEqual(['POST /group_users 422', 'GET /groups 200', 'POST /group_users 201']);
  });

  it('a group that is no more is not found, and the others are joined', async () => {
    world.platform.school.removeGroup(Number(south!.id));
    expect(await make({ add: [north!, south!] })).toEqual(['done', 'terminal not-found person']);
    expect(joined()).toEqual(['North']);
    expect(await make({ add: [south!] })).toEqual(['terminal not-found person']);
  });

  it('what is refused although the names are right is said to be refused, once', async () => {
    world.platform.faults.add({ path: /group_users/, effect: effects.listErrors('You may not') });
    expect(await make({ add: [north!, south!] })).toEqual(['terminal validation person', 'terminal validation person']);
    expect(world.asked()).toEqual(['POST /group_users 422', 'GET /groups 200']);
  });

  it('joining again, and leaving what one is not in, are done', async () => {
    expect([...(await make({ add: [north!] })), ...(await make({ add: [north!, south!] })), ...(await make({ remove: [west!] }))]).toEqual([
      'done',
      'done',
      'done',
      'done',
    ]);
    expect(joined()).toEqual(['North', 'South']);
  });

  it('leaving a group that is no more keeps nobody in the others', async () => {
    await make({ add: [north!, south!, west!] });
    world.platform.school.removeGroup(Number(south!.id));
    expect(await make({ remove: [north!, south!] })).toEqual(['done', 'done']);
    expect(joined()).toEqual(['West']);
    expect(await make({ remove: [south!] })).toEqual(['done']);
  });

  it('a removal that is refused is never told as done', async () => {
    await make({ add: [north!] });
    const userErrors = [{ message: 'no' }];
    world.platform.faults.add({
      operation: 'MatriculaRemoveFromGroups',
      effect: effects.answer(200, { data: { bulkRemoveUsersFromGroups: { message: null, userErrors } } }),
    });
    expect(await make({ remove: [north!, south!] })).toEqual(['terminal validation person', 'done']);
    expect(joined()).toEqual(['North']);
  });

  it('are read by one question with an access token, and by one for each without', async () => {
    await make({ add: [north!, west!] });
    world.asked();
    expect(await read(world.connector, north!, south!, west!)).toEqual(['North', 'West']);
    expect(world.asked()).toEqual([`GET /users/${id} 200`, 'MatriculaGroupsOfUser 200']);
    expect(await read(world.connect({ accessToken: null }), north!, south!, west!)).toEqual(['North', 'West']);
    expect(world.asked()).toEqual([`GET /users/${id} 200`, 'GET /users 200', 'GET /users 200', 'GET /users 200']);
  });

  it('are read to the last where there are more than a page holds', async () => {
    const { school } = world.platform;
    for (let i = 0; i < 230; i++) school.joinGroup(Number(id), school.addGroup(`More ${i}`).id);
    expect(await read(world.connector, north!, world.resource('group', 'More 229'))).toEqual(['More 229']);
    expect(world.asked().filter((call) => call === 'MatriculaGroupsOfUser 200')).toHaveLength(3);
  });

  it('cannot be left without an access token, and that is known beforehand', async () => {
    const connector = world.connect({ accessToken: null });
    expect([connector.capabilities.remove, world.connector.capabilities.remove]).toEqual([
      ['course', 'bundle'],
      ['course', 'bundle', 'group'],
    ]);
    await make({ add: [north!] });
    expect(await make({ remove: [north!] }, connector)).toEqual(['terminal unsupported person']);
    expect(joined()).toEqual(['North']);
  });

  it('an access token that has ended makes leaving a task for people, and stops nothing else', async () => {
    const connector = world.connect({ accessToken: 'x'.repeat(43) });
    await make({ add: [north!] });
    expect(await make({ remove: [north!], add: [world.resource('course', 'alone'), south!] }, connector)).toEqual([
      'terminal unsupported person',
      'done',
      'done',
    ]);
    expect(await read(connector, north!, south!, west!)).toEqual(['North', 'South']);
    world.platform.faults.add({ operation: /./, effect: effects.forbidden() });
    expect(await make({ remove: [north!] })).toEqual(['terminal unsupported person']);
  });

  it('a budget of points that is used up is waited for', async () => {
    Object.assign(world.platform.limits, { points: 5 });
    const applied = await change(world, { id, person, fresh: true }, { remove: [north!], add: [south!] });
    expect(outcomesOf(applied)).toEqual(['transient rate-limited platform', 'transient rate-limited platform']);
    expect(applied[0]!.outcome).toMatchObject({ retryAfterMs: 50_000 });
  });

  it.each([
    ['RATE_LIMITED', 'transient rate-limited platform'],
    ['MAX_QUERY_COST_EXCEEDED', 'terminal validation person'],
    ['UNAUTHENTICATED', 'terminal unsupported person'],
    ['FORBIDDEN', 'terminal unsupported person'],
    ['INTERNAL_SERVER_ERROR', 'transient upstream person'],
  ])('the error %s in a 200 is judged', async (code, expected) => {
    const resetAt = new Date(world.now().getTime() + 20_000).toISOString();
    const body = { errors: [{ message: 'no', extensions: { code } }], extensions: { rateLimit: { resetAt } } };
    world.platform.faults.add({ operation: /./, effect: effects.answer(200, body) });
    const applied = await change(world, { id, person, fresh: true }, { remove: [north!] });
    expect(outcomesOf(applied)).toEqual([expected]);
    if (code === 'RATE_LIMITED') expect(applied[0]!.outcome).toMatchObject({ retryAfterMs: 20_000 });
  });
});
