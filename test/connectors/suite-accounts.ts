/** Connector suite: whose account it is, that there is one, and what is in it. */
import { describe, expect, it } from '@jest/globals';
import { attemptOf } from './people.ts';
import type { Course } from './suite.ts';
import { expectDiscreet, failureOf, profileOf, seen } from './suite-steps.ts';

const signal = () => new AbortController().signal;

export function accountPromises(course: Course): void {
  it('an upsert makes the account with its profile, and the second one makes none', async () => {
    const person = course.side.person();
    const before = await course.side.accounts();
    const attempt = await course.side.attempt(course.key(), person, []);
    const first = (await course.connector.upsert(null, attempt))!;
    expect(first.account.privileged).toBe(false);
    const again = (await course.connector.upsert(null, attempt))!;
    const known = (await course.connector.upsert(first.account.id, await course.side.attempt(course.key(), person, [])))!;
    expect([again.account.id, known.account.id]).toEqual([first.account.id, first.account.id]);
    expect(known.created).toBe(false);
    expect(await course.side.accounts()).toBe(before + 1);
    expect((await seen(course, first.account.id)).profile).toEqual(profileOf(person));
  });

  it('two people have two accounts', async () => {
    const before = await course.side.accounts();
    const [one, two] = [await course.arrive(), await course.arrive()];
    expect(one.id).not.toBe(two.id);
    expect(await course.side.accounts()).toBe(before + 2);
    expect((await seen(course, one.id)).profile).toEqual(profileOf(one.person));
  });

  it('names of all the world, and none, arrive as they are', async () => {
    const { id, person } = await course.arrive({ givenName: 'Zoë "Ω" 😀', familyName: "O'Brien & <b>Łukasz</b>", displayName: 'Zoë O’Brien' });
    expect((await seen(course, id)).profile).toEqual(profileOf(person));
  });

  it('an upsert with another profile changes it there, in the same account', async () => {
    const { id, person } = await course.arrive();
    const before = await course.side.accounts();
    const { users } = course.connector.capabilities;
    const changed = { ...person, givenName: 'Renamed', familyName: 'Otherwise', displayName: 'Renamed Otherwise', email: `new-${person.email}` };
    const { account, created } = (await course.connector.upsert(id, await course.side.attempt(course.key(), changed, [])))!;
    expect({ id: account.id, created }).toEqual({ id, created: false });
    expect(await course.side.accounts()).toBe(before);
    const told = users.update ? profileOf(changed) : profileOf(person);
    expect((await seen(course, id)).profile).toEqual({ ...told, email: users.changeEmail ? changed.email : person.email });
  });

  it('find makes no account, and finds the one that is there where it can look', async () => {
    const stranger = course.side.person();
    const before = await course.side.accounts();
    expect(await course.connector.find(stranger, signal())).toBeNull();
    expect(await course.side.accounts()).toBe(before);
    const { id, person } = await course.arrive();
    const { findByExternalId, findByEmail } = course.connector.capabilities.users;
    expect(await course.connector.find(person, signal())).toEqual(findByExternalId || findByEmail ? { id, privileged: false } : null);
    expect(await course.side.accounts()).toBe(before + 1);
  });

  it('who is not active is suspended there and comes back, where it can; else their account stays as it is', async () => {
    const { id, person } = await course.arrive();
    const usual = (await seen(course, id)).active;
    const { suspend } = course.connector.capabilities.users;
    expect(suspend && usual !== true).toBe(false);
    await course.connector.upsert(id, await course.side.attempt(course.key(), { ...person, active: false }, []));
    expect((await seen(course, id)).active).toBe(suspend ? false : usual);
    await course.connector.upsert(id, await course.side.attempt(course.key(), person, []));
    expect((await seen(course, id)).active).toBe(usual);
  });

  const cannotLook = () => expect(course.connector.capabilities.readBack).toBe(false);
  course.given(
    'removeAccount',
    'an account that is gone reads as none, and an upsert makes it anew',
    async () => {
      const { id, person } = await course.arrive();
      await course.side.removeAccount(id);
      if (course.connector.capabilities.readBack) expect(await course.connector.read(id, course.side.things, signal())).toBeNull();
      const before = await course.side.accounts();
      const { account } = (await course.connector.upsert(id, await course.side.attempt(course.key(), person, [])))!;
      expect(await course.side.accounts()).toBe(before + 1);
      expect((await seen(course, account.id)).profile).toEqual(profileOf(person));
    },
    cannotLook,
  );
  course.given(
    'removeAccount',
    'an account that is gone is not made anew for somebody who is not active any more',
    async () => {
      const { id, person } = await course.arrive();
      await course.side.removeAccount(id);
      const before = await course.side.accounts();
      const gone = { ...person, active: false, familyName: 'Renamed' };
      for (const known of [id, null]) expect(await course.connector.upsert(known, attemptOf(course.key(), gone, []))).toBeNull();
      expect(await course.side.accounts()).toBe(before);
    },
    cannotLook,
  );

  describe('of somebody else', () => foreignPromises(course));
}

function foreignPromises(course: Course): void {
  // Whoever can find an account by something else than our id has to show that it takes none over.
  const findsNone = () => expect(course.connector.capabilities.users).toMatchObject({ findByEmail: false });

  course.given(
    'foreignAccount',
    'an account with an e-mail that nobody vouches for is not adopted',
    async () => {
      const person = course.side.person({ emailTrusted: false });
      const foreign = await course.side.foreignAccount(person);
      const [before, accounts] = [await seen(course, foreign), await course.side.accounts()];
      const failure = await failureOf(course.connector.upsert(null, await course.side.attempt(course.key(), person, [])));
      expect({ name: failure.name, code: failure.code, scope: failure.scope }).toEqual({
        name: 'TerminalFailure',
        code: 'not-vouched',
        scope: 'person',
      });
      expectDiscreet(failure, person, course.side);
      expect(await seen(course, foreign)).toEqual(before);
      expect(await course.side.accounts()).toBe(accounts);
    },
    findsNone,
  );

  course.given(
    'foreignAccount',
    'an account with an e-mail that is vouched for becomes theirs, and no second one is made',
    async () => {
      const person = course.side.person();
      const foreign = await course.side.foreignAccount(person);
      const before = await course.side.accounts();
      const { account, created } = (await course.connector.upsert(null, await course.side.attempt(course.key(), person, [])))!;
      expect({ account, created }).toEqual({ account: { id: foreign, privileged: false }, created: false });
      expect(await course.side.accounts()).toBe(before);
      expect((await seen(course, foreign)).profile).toEqual(profileOf(person));
    },
    findsNone,
  );

  course.given(
    'makePrivileged',
    'an administrator’s account is never taken over, whoever vouches for the e-mail',
    async () => {
      const person = course.side.person();
      const foreign = await course.side.foreignAccount(person);
      await course.side.makePrivileged(foreign);
      const before = await seen(course, foreign);
      const failure = await failureOf(course.connector.upsert(null, await course.side.attempt(course.key(), person, [])));
      expect({ name: failure.name, code: failure.code, scope: failure.scope }).toEqual({
        name: 'TerminalFailure',
        code: 'privileged',
        scope: 'person',
      });
      expectDiscreet(failure, person, course.side);
      expect(await seen(course, foreign)).toEqual(before);
    },
    findsNone,
  );

  course.given('makePrivileged', 'an account of ours that became an administrator’s is left as it is, and is told of', async () => {
    const { id, person } = await course.arrive();
    await course.side.makePrivileged(id);
    const before = await seen(course, id);
    const attempt = await course.side.attempt(course.key(), { ...person, givenName: 'Renamed' }, []);
    const told = await course.connector.upsert(id, attempt).then(
      (upserted) => upserted!.account.privileged,
      (error: { code?: unknown }) => error.code === 'privileged',
    );
    expect(told).toBe(true);
    expect(await seen(course, id)).toEqual(before);
    if (course.connector.capabilities.readBack)
      expect(await course.connector.read(id, course.side.things, signal())).toMatchObject({ privileged: true });
  });
}
