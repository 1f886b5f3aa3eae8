import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { effects } from '../../../fixtures/sample-platform/faults.ts';
import type { Person, Resource } from '../../../src/connectors/connector.ts';
import { attemptOf, makePerson } from '../people.ts';
import { change, makeWorld, outcomesOf, signal, type World } from './world.ts';

const DAY = 86_400_000;

describe('courses and bundles at Thinkific', () => {
  let world: World;
  let id: string;
  let person: Person;
  let [alone, other, shared, one, two]: Resource[] = [];
  beforeEach(async () => {
    world = await makeWorld();
    person = makePerson();
    id = (await world.connector.upsert(null, attemptOf('change', person, [])))!.account.id;
    [alone, other, shared] = ['alone', 'other', 'shared'].map((name) => world.resource('course', name));
    [one, two] = ['one', 'two'].map((name) => world.resource('bundle', name));
    world.asked();
  });
  afterEach(() => world.close());
  const usable = () => world.platform.school.usable(Number(id));
  const make = async (what: Parameters<typeof change>[2]) => outcomesOf(await change(world, { id, person }, what));
  const read = async (...wanted: Resource[]) => (await world.connector.read(id, wanted, signal()))!.resources.map(({ name }) => name);

  it('a new learner with a bundle and two groups costs four calls in all', async () => {
    const newcomer = makePerson();
    const add = [one!, world.resource('group', 'North'), world.resource('group', 'South')];
    const { account } = (await world.connector.upsert(null, attemptOf('change', newcomer, add)))!;
    expect(outcomesOf(await change(world, { id: account.id, person: newcomer, fresh: true }, { add }))).toEqual(['done', 'done', 'done']);
    const bundle = world.platform.school.bundle('one').id;
    expect(world.asked()).toEqual(['GET /users 200', 'POST /users 201', `POST /bundles/${bundle}/enrollments 201`, 'POST /group_users 201']);
    expect(world.platform.school.usable(Number(account.id))).toEqual({ courses: ['shared', 'first'], bundles: ['one'], groups: ['North', 'South'] });
  });

  it('a course is taken away by an end in the past, and given again by taking that end away', async () => {
    expect(await make({ add: [alone!] })).toEqual(['done']);
    world.pass(DAY);
    expect(await make({ remove: [alone!] })).toEqual(['done']);
    const [enrolment] = world.platform.school.enrolments;
    expect(enrolment!.expiryDate! < world.now() && enrolment!.activatedAt! < enrolment!.expiryDate!).toBe(true);
    expect(usable().courses).toEqual([]);
    world.pass(DAY);
    expect(await make({ add: [alone!] })).toEqual(['done']);
    expect(world.platform.school.enrolments).toMatchObject([{ activatedAt: world.now(), expiryDate: null }]);
  });

  it('what was given this very moment can be taken at once', async () => {
    await make({ add: [alone!, one!] });
    expect(await make({ remove: [alone!, one!] })).toEqual(['done', 'done']);
    expect(usable()).toEqual({ courses: [], bundles: [], groups: [] });
    for (const { activatedAt, expiryDate } of world.platform.school.enrolments) expect(activatedAt! < expiryDate!).toBe(true);
  });

  it('a bundle goes with its courses, and comes back with them', async () => {
    await make({ add: [one!] });
    expect(usable().courses).toEqual(['shared', 'first']);
    world.pass(DAY);
    expect(await make({ remove: [one!] })).toEqual(['done']);
    expect(usable()).toMatchObject({ courses: [], bundles: [] });
    world.pass(DAY);
    expect(await make({ add: [one!] })).toEqual(['done']);
    expect(usable()).toMatchObject({ courses: ['shared', 'first'], bundles: ['one'] });
  });

  it('what is read as there costs no call to add, what is read as ended none to remove', async () => {
    await make({ add: [alone!, one!] });
    const held = await world.connector.read(id, [alone!, other!, one!, two!], signal());
    world.asked();
    const operations = [
      ...[alone!, one!].map((resource) => ({ kind: 'add' as const, resource })),
      ...[other!, two!].map((resource) => ({ kind: 'remove' as const, resource })),
    ];
    expect(outcomesOf(await world.connector.apply({ id, held }, operations, attemptOf('change', person, [alone!, one!])))).toEqual([
      'done',
      'done',
      'done',
      'done',
    ]);
    expect(world.asked()).toEqual([]);
  });

  it('a look asks only for what is wanted', async () => {
    await read(one!);
    expect(world.asked()).toEqual([`GET /users/${id} 200`, `GET /bundles/${one!.id}/enrollments 200`]);
    await read(alone!, other!);
    expect(world.asked()).toEqual([`GET /users/${id} 200`, 'GET /enrollments 200']);
  });

  it('an enrolment that has not begun, or has ended, is not had', async () => {
    const { school } = world.platform;
    const [now, day] = [world.now().getTime(), DAY];
    school.enrol(Number(id), Number(alone!.id), { activatedAt: new Date(now + day), expiryDate: null });
    school.enrol(Number(id), Number(other!.id), { activatedAt: new Date(now - day), expiryDate: new Date(now + day) });
    school.enrol(Number(id), Number(shared!.id), { activatedAt: null, expiryDate: null });
    expect(await read(alone!, other!, shared!)).toEqual(['Course other']);
    world.pass(2 * day);
    expect(await read(alone!, other!, shared!)).toEqual(['Course alone']);
  });

  it('who has more enrolments than a page holds is read to the last', async () => {
    const { school } = world.platform;
    for (let i = 0; i < 260; i++) school.enrol(Number(id), school.addCourse({ slug: `more-${i}`, name: `More ${i}` }).id);
    const last = world.resource('course', 'more-259');
    expect(await read(last)).toEqual(['More 259']);
    expect(world.asked().filter((call) => call === 'GET /enrollments 200')).toHaveLength(2);
  });

  it('a bundle that is queued is told of as queued, and is there when it has been done', async () => {
    world.platform.school.queueBundles = true;
    expect(await make({ add: [one!] })).toEqual(['queued']);
    expect(await read(one!)).toEqual([]);
    world.platform.school.runQueue();
    expect(await read(one!)).toEqual(['Bundle one']);
  });

  it('what turns out to be there already is made usable, without a second enrolment', async () => {
    const ended = { activatedAt: new Date(0), expiryDate: new Date(1) };
    world.platform.school.enrol(Number(id), Number(alone!.id), ended);
    world.platform.school.enrolInBundle(Number(id), Number(one!.id), ended);
    const applied = await change(world, { id, person, fresh: true }, { add: [alone!, one!] });
    expect(outcomesOf(applied)).toEqual(['done', 'done']);
    expect(usable()).toMatchObject({ courses: ['alone', 'shared', 'first'], bundles: ['one'] });
  });

  it('a course or bundle that is no more is not found, and the others are given', async () => {
    const gone: Resource[] = [
      { kind: 'course', id: '99999', name: 'Gone' },
      { kind: 'bundle', id: '99999', name: 'Gone' },
    ];
    expect(await make({ add: [...gone, alone!] })).toEqual(['terminal not-found person', 'terminal not-found person', 'done']);
    expect(await make({ remove: gone })).toEqual(['done', 'done']);
    expect(usable().courses).toEqual(['alone']);
  });

  it('an account that vanished meanwhile is worth another try', async () => {
    world.platform.school.removeUser(Number(id));
    const applied = await change(world, { id, person, fresh: true }, { add: [alone!, one!, world.resource('group', 'North')] });
    expect(outcomesOf(applied)).toEqual(['transient not-found person', 'transient not-found person', 'transient not-found person']);
  });

  it('a bundle that goes leaves what the other bundle holds too', async () => {
    await make({ add: [one!] });
    world.pass(DAY);
    await make({ add: [two!], keep: [one!] });
    expect(await make({ remove: [one!], keep: [two!] })).toEqual(['done']);
    expect(usable()).toMatchObject({ courses: ['shared', 'second'], bundles: ['two'] });
    expect(await make({ remove: [two!] })).toEqual(['done']);
    expect(usable()).toMatchObject({ courses: [], bundles: [] });
  });

  it('a bundle that goes leaves what was put there by hand', async () => {
    const activatedAt = new Date(world.now().getTime() - DAY);
    world.platform.school.enrol(Number(id), Number(shared!.id), { activatedAt, expiryDate: null });
    await make({ add: [one!] });
    world.pass(DAY);
    expect(await make({ remove: [one!] })).toEqual(['done']);
    expect(world.platform.school.enrolment(Number(id), Number(shared!.id))).toMatchObject({ activatedAt, expiryDate: null });
    expect(usable()).toMatchObject({ courses: ['shared'], bundles: [] });
  });

  it('a course goes, and stays for the bundle that holds it; then it goes with the bundle', async () => {
    await make({ add: [shared!] });
    world.pass(DAY);
    await make({ add: [one!], keep: [shared!] });
    expect(await make({ remove: [shared!], keep: [one!] })).toEqual(['done']);
    expect(usable()).toMatchObject({ courses: ['shared', 'first'], bundles: ['one'] });
    expect(await read(shared!, one!)).toEqual(['Bundle one']);
    expect(await make({ remove: [one!] })).toEqual(['done']);
    expect(usable()).toMatchObject({ courses: [], bundles: [] });
  });

  it.each([0, 2000, DAY])(
    'a course that a bundle brought %i ms ago becomes theirs when it is given, and outlives the bundle until it is taken',
    async (ago) => {
      await make({ add: [one!] });
      world.pass(ago);
      expect(await read(shared!, one!)).toEqual(['Bundle one']);
      expect(await make({ add: [shared!], keep: [one!] })).toEqual(['done']);
      expect(await read(shared!, one!)).toEqual(['Course shared', 'Bundle one']);
      world.pass(DAY);
      expect(await make({ remove: [one!], keep: [shared!] })).toEqual(['done']);
      expect(usable()).toMatchObject({ courses: ['shared'], bundles: [] });
      expect(await make({ remove: [shared!] })).toEqual(['done']);
      expect(usable().courses).toEqual([]);
    },
  );

  it('a bundle that goes leaves a course that they should have, even where only the bundle brought it', async () => {
    await make({ add: [one!] });
    world.pass(DAY);
    expect(await make({ remove: [one!], keep: [shared!] })).toEqual(['done']);
    expect(usable()).toMatchObject({ courses: ['shared'], bundles: [] });
  });

  it('a bundle and a course of it that go together both go', async () => {
    await make({ add: [one!, shared!] });
    world.pass(DAY);
    for (const remove of [
      [one!, shared!],
      [shared!, one!],
    ]) {
      expect(await make({ remove })).toEqual(['done', 'done']);
      expect(usable()).toMatchObject({ courses: [], bundles: [] });
      await make({ add: [one!, shared!] });
      expect(await read(shared!, one!)).toEqual(['Course shared', 'Bundle one']);
    }
  });

  it('what concerns everybody is asked once, and said of all that was left', async () => {
    world.platform.faults.add({ method: 'POST', path: /enrollments/, effect: effects.unavailable() });
    const add = [alone!, other!, one!, world.resource('group', 'North')];
    const applied = await change(world, { id, person, fresh: true }, { add });
    expect(outcomesOf(applied)).toEqual(Array.from({ length: 4 }, () => 'transient upstream platform'));
    expect(world.asked()).toEqual(['POST /enrollments 503']);
  });
});
