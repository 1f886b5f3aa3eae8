/** What a directory would take away while it takes a tenant over: it waits, the directory sees its own word, and nothing on the way makes it forgotten. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { targetsOf } from '../../../src/core/diff.ts';
import { sqliteFile } from '../../store/backends.ts';
import { ENTERPRISE, type ScimClient, USER } from '../scim/client.ts';
import { shown } from '../visitor.ts';
import { type Consequences, learner, type Operator, startOperator } from './operator.ts';

interface Held {
  people: number;
  changes: number;
  held: { userId: string; what: string; target: string; value: string }[];
}

let operator: Operator;
let directory: ScimClient;
let ids: Record<string, string>;
beforeEach(async () => {
  operator = await startOperator({ backend: sqliteFile });
  ids = {};
  for (const name of ['ada', 'ben', 'cleo', 'dora']) ids[name] = await operator.arrives(name, ['Sales']);
  await operator.prove('acme.example');
  const { token } = await operator.change('/provisioning-mode', { mode: 'scim' });
  directory = operator.directory(token!.token);
  // The directory knows all of them and where they belong: whatever is held in a test was held by the test.
  await directory.post('/Groups', { displayName: 'Sales', members: Object.values(ids).map((value) => ({ value })) });
});
afterEach(() => operator.close());

const has = async (name: string) => {
  const state = (await operator.gateway.house.store.people.state('acme', ids[name]!))!;
  return [state.user.status, ...[...targetsOf(state)].sort()];
};
const HAD = ['active', 'bundle:sales'];
const everybody = async () => Object.fromEntries(await Promise.all(Object.keys(ids).map(async (name) => [name, await has(name)])));
const held = async () => (await operator.get<Held>('/held')).body;
/** `ada status`, `ben grant`: sorted. */
const heldOf = async () => {
  const nameOf = (id: string) => Object.keys(ids).find((name) => ids[name] === id);
  return (await held()).held.map(({ userId, what }) => `${nameOf(userId)} ${what}`).sort();
};
const disable = (name: string) => directory.patch(`/Users/${ids[name]}`, { op: 'replace', path: 'active', value: false });
const signIn = async (name: string) => (await operator.signsIn(learner(name, ['Sales']))).page;

it('the world before anything is held: everybody has theirs, nothing waits, the directory sees everybody active', async () => {
  expect(await everybody()).toEqual({ ada: HAD, ben: HAD, cleo: HAD, dora: HAD });
  expect(await held()).toMatchObject({ people: 0, changes: 0 });
  expect((await directory.get(`/Users/${ids['ada']}`)).body.active).toBe(true);
});

describe('whom the directory disables', () => {
  it('stays active, signs in, and is listed as held', async () => {
    expect((await disable('ada')).status).toBe(200);
    expect((await has('ada'))[0]).toBe('active');
    expect(await has('ada')).toEqual(HAD);
    expect((await signIn('ada')).status).toBe(200);
    expect((await heldOf()).filter((line) => line === 'ada status')).toEqual(['ada status']);
    expect((await held()).people).toBe(1);
  });

  it('is shown to it as disabled: in the answer, and whenever it looks', async () => {
    for (let time = 1; time <= 3; time++) {
      const answer = await disable('ada');
      expect({ time, status: answer.status, active: answer.body.active }).toEqual({ time, status: 200, active: false });
      for (let look = 1; look <= 2; look++)
        expect({ time, look, active: (await directory.get(`/Users/${ids['ada']}`)).body.active }).toEqual({ time, look, active: false });
      const listed = (await directory.find('Users', 'userName eq "ada@acme.example"')).body.Resources;
      expect(listed.map(({ id, active }) => [id, active])).toEqual([[ids['ada'], false]]);
    }
    // Another attribute says nothing of `active`, and the answer must not either.
    const renamed = await directory.patch(`/Users/${ids['ada']}`, { op: 'replace', path: 'displayName', value: 'Ada L.' });
    expect({ active: renamed.body.active, displayName: renamed.body.displayName }).toEqual({ active: false, displayName: 'Ada L.' });
    expect((await directory.get(`/Users/${ids['ada']}`)).body.active).toBe(false);
    expect((await has('ada'))[0]).toBe('active');
  });

  it('by PUT is shown to it as disabled as well', async () => {
    const put = { schemas: [USER], userName: 'ada@acme.example', emails: [{ value: 'ada@acme.example', primary: true }], active: false };
    for (let time = 1; time <= 2; time++)
      expect({ time, active: (await directory.put(`/Users/${ids['ada']}`, put)).body.active }).toEqual({ time, active: false });
    expect((await directory.get(`/Users/${ids['ada']}`)).body.active).toBe(false);
    expect(await heldOf()).toContain('ada status');
    expect((await has('ada'))[0]).toBe('active');
  });

  it('is found by the value that it is shown with', async () => {
    await disable('ada');
    const found = async (active: boolean) => (await directory.find('Users', `active eq ${active}`)).body.Resources.map(({ id }) => id).sort();
    expect(await found(false)).toEqual([ids['ada']]);
    expect(await found(true)).toEqual([ids['ben'], ids['cleo'], ids['dora']].sort());
  });

  const also: Record<string, () => Promise<unknown>> = {
    'nothing more': async () => {},
    'PATCH of another attribute': () => directory.patch(`/Users/${ids['ada']}`, { op: 'replace', path: 'displayName', value: 'Ada L.' }),
    'PATCH without a path': () => directory.patch(`/Users/${ids['ada']}`, { op: 'replace', value: { displayName: 'Ada L.', title: 'Clerk' } }),
    'two PATCHes': async () => {
      for (const value of ['Clerk', 'Head']) await directory.patch(`/Users/${ids['ada']}`, { op: 'replace', path: 'title', value });
    },
    'PUT without active': () =>
      directory.put(`/Users/${ids['ada']}`, {
        schemas: [USER],
        userName: 'ada@acme.example',
        displayName: 'Ada L.',
        emails: [{ value: 'ada@acme.example', primary: true }],
      }),
    'DELETE of the manager': async () => {
      expect((await directory.delete(`/Users/${ids['ben']}`)).status).toBe(204);
      // The reference is gone: it is the very write that may make her word forgotten.
      expect((await directory.get(`/Users/${ids['ada']}`)).body[ENTERPRISE]?.['manager']).toBeUndefined();
    },
    'a group that she comes into': () => directory.post('/Groups', { displayName: 'Board', members: [{ value: ids['ada'] }] }),
    'a sign-in of hers': async () => expect((await signIn('ada')).status).toBe(200),
  };
  it.each(Object.keys(also))('and then %s: is suspended when the hand-over is completed', async (what) => {
    if (what === 'DELETE of the manager') {
      const managed = await directory.patch(`/Users/${ids['ada']}`, { op: 'add', path: `${ENTERPRISE}:manager.value`, value: ids['ben'] });
      expect(managed.body[ENTERPRISE]['manager']).toMatchObject({ value: ids['ben'] });
    }
    expect((await disable('ada')).status).toBe(200);
    await also[what]!();
    expect((await has('ada'))[0]).toBe('active');
    expect(await heldOf()).toContain('ada status');
    await operator.change('/hand-over/complete');
    expect((await has('ada'))[0]).toBe('suspended');
    expect(shown(await signIn('ada'))).toMatchObject({ status: 403, code: 'account-suspended' });
    expect((await directory.get(`/Users/${ids['ada']}`)).body.active).toBe(false);
    expect(await has('cleo')).toEqual(HAD);
  });

  it('and enables at once again is held no more', async () => {
    await disable('ada');
    expect(await heldOf()).toContain('ada status');
    await directory.patch(`/Users/${ids['ada']}`, { op: 'replace', path: 'active', value: true });
    expect(await held()).toMatchObject({ people: 0, changes: 0 });
    await operator.change('/hand-over/complete');
    expect(await has('ada')).toEqual(HAD);
  });

  it('and, after another write, enables again is held no more, and keeps everything when the hand-over is completed', async () => {
    await disable('ada');
    await directory.patch(`/Users/${ids['ada']}`, { op: 'replace', path: 'displayName', value: 'Ada L.' });
    expect(await heldOf()).toContain('ada status');
    const back = await directory.patch(`/Users/${ids['ada']}`, { op: 'replace', path: 'active', value: true });
    expect(back.body.active).toBe(true);
    expect(await held()).toMatchObject({ people: 0, changes: 0 });
    await operator.change('/hand-over/complete');
    expect(await has('ada')).toEqual(HAD);
    expect((await signIn('ada')).status).toBe(200);
  });
});

describe('held changes of people by name', () => {
  it.each(['release', 'drop'])('%s with somebody who is not there is refused whole', async (how) => {
    await disable('ada');
    await directory.delete(`/Users/${ids['ben']}`);
    const before = { held: await held(), has: await everybody() };
    expect(before.held.people).toBe(2);
    for (const users of [[ids['ada'], 'no-such-user'], ['no-such-user', ids['ada']], ['no-such-user']]) {
      const answer = await operator.post(`/held/${how}`, { users, reason: 'they have left' });
      expect({ users, status: answer.status }).toEqual({ users, status: 404 });
      const { held: waiting, ...counts } = await held();
      expect({ ...counts, held: waiting }).toEqual(before.held);
      expect(await everybody()).toEqual(before.has);
    }
    // The same without the unknown one is done.
    expect(await operator.post(`/held/${how}`, { users: [ids['ada']], reason: 'they have left' })).toMatchObject({
      status: 200,
      body: { people: 1 },
    });
    expect((await has('ada'))[0]).toBe(how === 'release' ? 'suspended' : 'active');
    expect((await heldOf()).filter((line) => line.startsWith('ada'))).toEqual([]);
    expect((await heldOf()).filter((line) => line === 'ben status')).toEqual(['ben status']);
  });
});

describe('a confirmation of what was shown', () => {
  const steps = {
    complete: ['/hand-over/complete', {}],
    'complete, dropping': ['/hand-over/complete', { held: 'drop' }],
    manual: ['/provisioning-mode', { mode: 'manual' }],
    abort: ['/hand-over/abort', {}],
  } as const;
  const leaves = async (name: string) => {
    const [group] = (await directory.find('Groups', 'displayName eq "Sales"')).body.Resources;
    const { status } = await directory.patch(`/Groups/${group!.id}`, { op: 'remove', path: `members[value eq "${ids[name]}"]` });
    expect(status).toBeLessThan(300);
  };
  /** Shown while one is held; then another is held, too. */
  const shownThenMore = async ([path, body]: (typeof steps)[keyof typeof steps]) => {
    await disable('ada');
    const first = (await operator.post<{ consequences: Consequences }>(path, body)).body.consequences;
    expect(first.held.people).toBe(1);
    await disable('ben');
    expect((await held()).people).toBe(2);
    return first.confirm;
  };
  const state = async () => ({ mode: (await operator.get('/provisioning-mode')).body, held: await held(), has: await everybody() });

  it('by which what is held happens is refused where the directory has since made more be held, and nothing is done', async () => {
    const [path] = steps.complete;
    const confirm = await shownThenMore(steps.complete);
    const before = await state();
    expect(await operator.post(path, { confirm })).toMatchObject({ status: 409, body: { code: 'mode-conflict' } });
    expect(await state()).toEqual(before);
    expect((await directory.get(`/Users/${ids['ada']}`)).status).toBe(200);
    const again = (await operator.post<{ consequences: Consequences }>(path)).body.consequences;
    expect(again.held.people).toBe(2);
    expect(again.confirm).not.toBe(confirm);
    expect((await operator.post(path, { confirm: again.confirm })).body).toMatchObject({ kind: 'done' });
    expect((await has('ben'))[0]).toBe('suspended');
  });

  it.each(['complete, dropping', 'manual', 'abort'] as const)('(%s) by which nobody loses anything holds all the same', async (step) => {
    const [path, body] = steps[step];
    const confirm = await shownThenMore(steps[step]);
    expect((await operator.post(path, { ...body, confirm })).body).toMatchObject({ kind: 'done' });
    expect(await everybody()).toEqual({ ada: HAD, ben: HAD, cleo: HAD, dora: HAD });
  });

  it('holds where less is held by then', async () => {
    const confirm = await shownThenMore(steps.complete).then(async () => {
      const shownNow = (await operator.post<{ consequences: Consequences }>('/hand-over/complete')).body.consequences;
      await directory.patch(`/Users/${ids['ben']}`, { op: 'replace', path: 'active', value: true });
      return shownNow.confirm;
    });
    expect((await operator.post('/hand-over/complete', { confirm })).body).toMatchObject({ kind: 'done' });
    expect([(await has('ada'))[0], (await has('ben'))[0]]).toEqual(['suspended', 'active']);
  });

  it('is refused as well where only more is held of the same person', async () => {
    await leaves('ada');
    const first = (await operator.post<{ consequences: Consequences }>('/hand-over/complete')).body.consequences;
    expect(first.held).toMatchObject({ people: 1, changes: 1 });
    await disable('ada');
    expect(await heldOf()).toEqual(['ada grant', 'ada status']);
    expect((await operator.post('/hand-over/complete', { confirm: first.confirm })).status).toBe(409);
    expect(await has('ada')).toEqual(HAD);
    await operator.change('/hand-over/complete');
    expect((await has('ada'))[0]).toBe('suspended');
  });

  it('holds where nothing came between that is held', async () => {
    await disable('ada');
    const { confirm } = (await operator.post<{ consequences: Consequences }>('/hand-over/complete')).body.consequences;
    await directory.patch(`/Users/${ids['cleo']}`, { op: 'replace', path: 'title', value: 'Clerk' });
    expect((await operator.post('/hand-over/complete', { confirm })).body).toMatchObject({ kind: 'done' });
    expect((await has('ada'))[0]).toBe('suspended');
  });
});

describe('completed without what is held', () => {
  const salesId = async () => (await directory.find('Groups', 'displayName eq "Sales"')).body.Resources[0]!.id;
  /** Ada is disabled, Ben deleted, Cleo leaves the group; Dora stays. */
  const complete = async () => {
    await disable('ada');
    await directory.delete(`/Users/${ids['ben']}`);
    await directory.patch(`/Groups/${await salesId()}`, { op: 'remove', path: `members[value eq "${ids['cleo']}"]` });
    expect((await held()).people).toBe(3);
    return operator.change('/hand-over/complete', { held: 'drop' });
  };

  it('is shown and told as that: dropped, and of how many', async () => {
    await disable('ada');
    const shownFirst = (await operator.post<{ consequences: Consequences }>('/hand-over/complete', { held: 'drop' })).body.consequences;
    expect(shownFirst.held).toMatchObject({ people: 1, become: 'dropped' });
    expect((await complete()).consequences).toMatchObject({ to: { mode: 'scim', phase: 'live' }, held: { people: 3, become: 'dropped' } });
  });

  it('everybody keeps what they would have lost, and goes on signing in', async () => {
    await complete();
    expect(await everybody()).toEqual({ ada: HAD, ben: HAD, cleo: HAD, dora: HAD });
    expect(await held()).toMatchObject({ people: 0, changes: 0 });
    for (const name of ['ada', 'ben', 'cleo']) expect((await signIn(name)).status).toBe(200);
    // A write on somebody that says nothing of what was dropped does not bring it back.
    await directory.patch(`/Users/${ids['ada']}`, { op: 'replace', path: 'displayName', value: 'Ada L.' });
    await directory.patch(`/Users/${ids['cleo']}`, { op: 'replace', path: 'displayName', value: 'Cleo M.' });
    expect(await everybody()).toEqual({ ada: HAD, ben: HAD, cleo: HAD, dora: HAD });
  });

  it('the directory’s word counts from then on', async () => {
    await complete();
    expect((await disable('ada')).body.active).toBe(false);
    expect((await has('ada'))[0]).toBe('suspended');
    expect(shown(await signIn('ada'))).toMatchObject({ status: 403, code: 'account-suspended' });
    await directory.patch(`/Groups/${await salesId()}`, { op: 'remove', path: `members[value eq "${ids['dora']}"]` });
    expect(await has('dora')).toEqual(['active']);
    await directory.post('/Groups', { displayName: 'Board', members: [{ value: ids['cleo'] }] });
    expect(await has('cleo')).toEqual(['active', 'bundle:sales', 'collection:board']);
    expect(await held()).toMatchObject({ people: 0, changes: 0 });
  });
});
