/** Connector suite: an other side that is away, talks nonsense, or whose answer is lost. */
import { expect, it } from '@jest/globals';
import type { Course } from './suite.ts';
import { add, expectDiscreet, type Failure, failureOf, has, isFailure, keysOf, make, profileOf, seen } from './suite-steps.ts';

export function troublePromises(course: Course): void {
  /** Everything that can be asked of it, one failure each. */
  async function failures(): Promise<Failure[]> {
    const { connector, side } = course;
    const { users, readBack, catalogue } = connector.capabilities;
    const { signal } = new AbortController();
    const [thing] = side.things.filter(({ kind }) => connector.capabilities.add.includes(kind));
    const attempt = await side.attempt(course.key(), who.person, [thing!]);
    const applied = await connector.apply({ id: who.id, held: null }, add(thing!, thing!), attempt);
    expect(applied).toHaveLength(2);
    return [
      ...applied.map(({ outcome }) => isFailure(outcome)),
      await failureOf(connector.upsert(who.id, await side.attempt(course.key(), { ...who.person, givenName: 'Renamed' }, [thing!])))!,
      await failureOf(connector.upsert(null, await side.attempt(course.key(), side.person(), [])))!,
      ...(users.findByExternalId || users.findByEmail ? [await failureOf(connector.find(who.person, signal))] : []),
      ...(readBack ? [await failureOf(connector.read(who.id, side.things, signal))] : []),
      ...(catalogue ? [await failureOf(connector.catalogue(signal))] : []),
    ];
  }
  let who: Awaited<ReturnType<Course['arrive']>>;

  it('an other side that is away is temporary, and goes on afterwards', async () => {
    who = await course.arrive();
    await course.side.down();
    for (const failure of await failures()) {
      expect(failure.name).toBe('TransientFailure');
      expect(['network', 'timeout']).toContain(failure.code);
      expect(failure.scope).toBe(course.connector.capabilities.retryPlan ? 'person' : 'platform');
      expectDiscreet(failure, who.person, course.side);
    }
    await course.side.up();
    const thing = course.things('add')[0]!;
    await make(course, who, { operations: add(thing), desired: [thing] });
    expect(await has(course, who.id)).toEqual(keysOf([thing]));
  });

  course.given('answerNonsense', 'an answer that is none is temporary, never a crash, and goes on afterwards', async () => {
    who = await course.arrive();
    await course.side.answerNonsense();
    for (const failure of await failures()) {
      expect(failure.name).toBe('TransientFailure');
      expect(['nonsense', 'upstream']).toContain(failure.code);
      expectDiscreet(failure, who.person, course.side);
    }
    await course.side.up();
    const thing = course.things('add')[0]!;
    await make(course, who, { operations: add(thing), desired: [thing] });
    expect(await has(course, who.id)).toEqual(keysOf([thing]));
  });

  it('a check finds nothing wrong with what is well, and says what is not and what to do', async () => {
    const { connector, side } = course;
    const { signal } = new AbortController();
    const before = await side.accounts();
    const well = await connector.check(signal);
    expect(well.length).toBeGreaterThan(0);
    expect(well.filter(({ ok }) => !ok)).toEqual([]);
    await side.down();
    const wrong = (await connector.check(signal)).filter(({ ok }) => !ok);
    expect(wrong.length).toBeGreaterThan(0);
    for (const { next } of wrong) expect(next).toMatch(/\w/);
    await side.up();
    for (const { message, next = '' } of [...well, ...wrong]) expectDiscreet(message + next, side.person(), side);
    expect(await side.accounts()).toBe(before);
  });

  it('an attempt that was ended does nothing more', async () => {
    who = await course.arrive();
    const thing = course.things('add')[0]!;
    const signal = AbortSignal.abort();
    const attempt = { ...(await course.side.attempt(course.key(), who.person, [])), signal };
    const [before, accounts] = [await seen(course, who.id), await course.side.accounts()];
    const renamed = { ...attempt, person: { ...who.person, givenName: 'Renamed' } };
    const applied = await course.connector.apply({ id: who.id, held: null }, add(thing), attempt);
    expect(applied).toHaveLength(1);
    for (const failure of [isFailure(applied[0]!.outcome), await failureOf(course.connector.upsert(who.id, renamed))!])
      expect({ name: failure.name, code: failure.code }).toEqual({ name: 'TransientFailure', code: 'timeout' });
    expect(await seen(course, who.id)).toEqual(before);
    expect(await course.side.accounts()).toBe(accounts);
  });

  course.given('loseAnswer', 'an account whose making was not told of is found again by the next attempt', async () => {
    const person = course.side.person();
    const before = await course.side.accounts();
    const attempt = await course.side.attempt(course.key(), person, []);
    await course.side.loseAnswer();
    const failure = await failureOf(course.connector.upsert(null, attempt));
    expect(failure.name).toBe('TransientFailure');
    expectDiscreet(failure, person, course.side);
    expect(await course.side.accounts()).toBe(before + 1);
    const { account } = (await course.connector.upsert(null, attempt))!;
    expect(await course.side.accounts()).toBe(before + 1);
    expect((await seen(course, account.id)).profile).toEqual(profileOf(person));
  });

  course.given('loseAnswer', 'a thing whose giving was not told of is not given twice', async () => {
    for (const kind of course.connector.capabilities.add) {
      who = await course.arrive();
      const thing = course.things('add').find((one) => one.kind === kind)!;
      const key = course.key();
      const { connector, side } = course;
      const attempt = await side.attempt(key, who.person, [thing]);
      const held = connector.capabilities.readBack ? await connector.read(who.id, side.things, attempt.signal) : null;
      await side.loseAnswer();
      const [lost] = await connector.apply({ id: who.id, held }, add(thing), attempt);
      expect(lost!.outcome).toMatchObject({ name: 'TransientFailure' });
      await make(course, who, { operations: add(thing), desired: [thing], key });
      expect(await has(course, who.id)).toEqual(keysOf([thing]));
    }
  });
}
