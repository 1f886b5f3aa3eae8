/** What a directory said before a tenant left it: it takes nothing from anybody, however far it had come, and counts until each person's own sign-in at most. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { targetsOf } from '../../../src/core/diff.ts';
import { describeWith } from '../../services.ts';
import { type Backend, postgres, sqliteFile } from '../../store/backends.ts';
import type { Answer, ScimClient } from '../scim/client.ts';
import { GROUP, USER } from '../scim/client.ts';
import { shown } from '../visitor.ts';
import { learner, type Operator, startOperator } from './operator.ts';

jest.setTimeout(60_000);

let operator: Operator;
let directory: ScimClient;
let ids: Map<string, string>;
async function begin(backend: Backend): Promise<void> {
  operator = await startOperator({ backend });
  ids = new Map();
  await operator.prove('acme.example');
}
const end = () => operator.close();

const arrive = async (name: string, groups: string[]) => void ids.set(name, await operator.arrives(name, groups));
const enter = async () => {
  const { token } = await operator.change('/provisioning-mode', { mode: 'scim' });
  directory = operator.directory(token!.token);
};
/** Name → status and every grant with its source and rule. */
async function everybody(): Promise<Record<string, string[]>> {
  const { states } = await operator.gateway.house.store.people.states('acme', { after: null, limit: 1000 });
  const byId = new Map(states.map((state) => [state.user.id, state]));
  return Object.fromEntries(
    [...ids].map(([name, id]) => {
      const { user, grants } = byId.get(id)!;
      return [name, [user.status, ...grants.map(({ target, source, rule }) => `${target} ${source} ${rule}`).sort()]];
    }),
  );
}
async function has(name: string): Promise<string[]> {
  const state = (await operator.gateway.house.store.people.state('acme', ids.get(name)!))!;
  return [state.user.status, ...[...targetsOf(state)].sort()];
}
const everybodyHas = async () => Object.fromEntries(await Promise.all([...ids.keys()].map(async (name) => [name, await has(name)] as const)));
const mode = async () => (await operator.get<{ mode: string; phase: string | null }>('/provisioning-mode')).body;

/** The tenant's file with another display name: it says the same of everybody, and everybody is concluded anew. */
let renamed = 0;
async function applyAnew(): Promise<void> {
  const file = join(operator.gateway.folder.path, 'tenants', 'acme.yaml');
  const tenant = JSON.parse(readFileSync(file, 'utf8')) as object;
  operator.gateway.folder.write('acme.yaml', { ...tenant, name: `Acme ${++renamed}` });
  expect(await operator.gateway.running.gateway.reload()).toMatchObject([{ tenantId: 'acme', outcome: 'updated', problems: [] }]);
}
const signIn = async (name: string, groups: string[] | null) => (await operator.signsIn(learner(name, groups))).page;

for (const backend of [sqliteFile, postgres])
  describeWith(backend.needs, `a hand-over that is aborted while the directory works, on ${backend.name}`, () => {
    beforeEach(() => begin(backend));
    afterEach(end);

    const PEOPLE = 120;
    const AT_ONCE = 8;
    const name = (i: number) => `p${String(i).padStart(3, '0')}`;
    const groupsOf = (i: number) => (i % 4 === 0 ? ['Sales', 'Board'] : ['Sales']);
    const members = (of: (i: number) => boolean) =>
      Array.from({ length: PEOPLE }, (_, i) => i)
        .filter(of)
        .map((i) => ({ value: ids.get(name(i))! }));

    /** Ids like ours that are nobody's: they make a list long, and the people at its end come late. */
    const gone = () => Array.from({ length: 400 }, () => ({ value: operator.gateway.house.flow.newId() }));

    /** Lists that adopt people, lack some of what they have and give others what they had not; whole, in parts, and over again, until it is refused. */
    function work(groups: { sales: string; board: string }) {
      const answers: { sent: number; status: number }[] = [];
      let sent = 0;
      const requests: ((round: number) => Promise<Answer>)[] = [
        (round) =>
          directory.put(`/Groups/${groups.sales}`, {
            schemas: [GROUP],
            displayName: 'Sales',
            members: [...gone(), ...members((i) => i % 3 !== round % 3)],
          }),
        (round) =>
          directory.patch(`/Groups/${groups.board}`, {
            op: 'add',
            path: 'members',
            value: [...gone(), ...members((i) => i % 4 === 1 && i % 7 !== round % 7)],
          }),
        (round) =>
          directory.put(`/Groups/${groups.board}`, {
            schemas: [GROUP],
            displayName: 'Board',
            members: [...gone(), ...members((i) => i % 5 === round % 5)],
          }),
        (round) => directory.patch(`/Groups/${groups.sales}`, { op: 'remove', path: `members[value eq "${ids.get(name(round % PEOPLE))}"]` }),
        (round) => directory.patch(`/Groups/${groups.sales}`, { op: 'add', path: 'members', value: members((i) => i % 10 === round % 10) }),
        (round) => directory.patch(`/Users/${ids.get(name((round * 7) % PEOPLE))}`, { op: 'replace', path: 'active', value: round % 2 === 0 }),
      ];
      const worker = async () => {
        while (sent < 3000) {
          const round = sent++;
          const { status } = await requests[round % requests.length]!(round);
          answers.push({ sent: round, status });
          if (status === 401) return;
        }
      };
      return { answers, sent: () => sent, done: Promise.all(Array.from({ length: AT_ONCE }, worker)) };
    }

    /** A directory that goes on working is in nobody's way. */
    const abort = () => operator.change('/hand-over/abort');

    it.each([1, 8, 40])('after %i answers: everybody has exactly what they had, and the directory is refused', async (moment) => {
      for (let i = 0; i < PEOPLE; i++) await arrive(name(i), groupsOf(i));
      const before = await everybody();
      await enter();
      const made = async (displayName: string) => (await directory.post('/Groups', { displayName })).body.id;
      const working = work({ sales: await made('Sales'), board: await made('Board') });
      while (working.answers.length < moment) await new Promise((resolve) => setTimeout(resolve, 1));
      await abort();
      const [sent, atOnce] = [working.sent(), await everybody()];
      await working.done;
      expect(await mode()).toMatchObject({ mode: 'jit', phase: null });
      // It was in the middle of it: some were done, and all that were sent later were refused.
      const statuses = [...new Set(working.answers.map(({ status }) => status))].sort();
      expect(statuses.filter((status) => ![200, 204, 401].includes(status))).toEqual([]);
      expect(working.answers.filter(({ status }) => status < 300).length).toBeGreaterThanOrEqual(moment);
      expect(working.answers.filter((one) => one.sent >= sent && one.status !== 401)).toEqual([]);
      expect((await directory.get('/Users?count=0')).status).toBe(401);
      expect(await everybody()).toEqual(before);
      expect(atOnce).toEqual(before);
      // Nothing that it said counts: not where everybody is concluded anew, not where someone signs in, and not for the next directory.
      await applyAnew();
      expect(await everybody()).toEqual(before);
      expect((await operator.get('/held')).body).toMatchObject({ people: 0, changes: 0 });
      expect((await signIn(name(0), ['Sales'])).status).toBe(200);
      expect(await has(name(0))).toEqual(['active', 'bundle:sales']);
      expect((await signIn(name(1), ['Board'])).status).toBe(200);
      expect(await has(name(1))).toEqual(['active', 'collection:board']);
      await enter();
      expect((await operator.get('/hand-over?limit=1')).body).toMatchObject({
        adopted: { people: 0 },
        created: { people: 0 },
        notYetSeen: { people: PEOPLE },
        wouldLose: { people: 0 },
      });
    });
  });

describe('a directory that sent people and no groups, and was left', () => {
  beforeEach(() => begin(sqliteFile));
  afterEach(end);

  const GROUPS: Record<string, string[]> = {
    ada: ['Sales', 'Board'],
    ben: ['Sales'],
    cleo: ['Board'],
    dora: ['Sales'],
    emil: ['Sales', 'Board'],
    unseen: ['Sales'],
  };
  const HAD: Record<string, string[]> = {
    ada: ['active', 'bundle:sales', 'collection:board'],
    ben: ['active', 'bundle:sales'],
    cleo: ['active', 'collection:board'],
    dora: ['active', 'bundle:sales'],
    emil: ['active', 'bundle:sales', 'collection:board'],
    unseen: ['active', 'bundle:sales'],
    joiner: ['active'],
  };
  const found = async (name: string) => {
    const { Resources } = (await directory.find('Users', `userName eq "${name}@acme.example"`)).body;
    expect(Resources.map(({ id }) => id)).toEqual([ids.get(name)]);
    return Resources[0]!.id;
  };
  /** Found by userName and written: by PATCH, PUT, a mere externalId; and one whom it creates. */
  async function adopting(): Promise<void> {
    for (const [name, groups] of Object.entries(GROUPS)) await arrive(name, groups);
    await enter();
    const title = { op: 'Replace', path: 'title', value: 'Clerk' };
    for (const name of ['ada', 'ben']) expect((await directory.patch(`/Users/${await found(name)}`, title)).status).toBe(200);
    const put = { schemas: [USER], userName: 'cleo@acme.example', active: true, emails: [{ value: 'cleo@acme.example', primary: true }] };
    expect((await directory.put(`/Users/${await found('cleo')}`, put)).status).toBe(200);
    expect((await directory.post('/Users', { schemas: [USER], userName: 'dora@acme.example' })).status).toBe(409);
    for (const name of ['dora', 'emil'])
      expect((await directory.patch(`/Users/${await found(name)}`, { op: 'add', value: { externalId: `x-${name}` } })).status).toBe(200);
    const created = await directory.post('/Users', {
      schemas: [USER],
      userName: 'joiner@acme.example',
      emails: [{ value: 'joiner@acme.example', primary: true }],
    });
    expect(created.status).toBe(201);
    ids.set('joiner', created.body.id);
    expect(await everybodyHas()).toEqual(HAD);
  }

  it('nobody loses anything: in manual, in jit, and where the tenant’s file is applied anew in either', async () => {
    await adopting();
    await operator.change('/provisioning-mode', { mode: 'manual' });
    expect(await everybodyHas()).toEqual(HAD);
    await applyAnew();
    expect(await everybodyHas()).toEqual(HAD);
    await operator.change('/provisioning-mode', { mode: 'jit' });
    expect(await everybodyHas()).toEqual(HAD);
    await applyAnew();
    expect(await everybodyHas()).toEqual(HAD);
  });

  it('each person’s own sign-in counts afterwards, and nobody else’s', async () => {
    await adopting();
    await operator.change('/provisioning-mode', { mode: 'manual' });
    await operator.change('/provisioning-mode', { mode: 'jit' });
    await applyAnew();
    const learnt: [string, string[], string[]][] = [
      ['ada', ['Sales'], ['active', 'bundle:sales']],
      ['ben', ['Sales'], ['active', 'bundle:sales']],
      ['cleo', [], ['active']],
      ['dora', ['Sales', 'Board'], ['active', 'bundle:sales', 'collection:board']],
      ['unseen', [], ['active']],
      ['joiner', ['Sales'], ['active', 'bundle:sales']],
    ];
    const now = { ...HAD };
    for (const [name, groups, after] of learnt) {
      expect((await signIn(name, groups)).status).toBe(200);
      now[name] = after;
      expect(await everybodyHas()).toEqual(now);
    }
    await applyAnew();
    expect(await everybodyHas()).toEqual(now);
  });

  it('a sign-in in manual teaches nothing and costs nothing, and one in jit that is silent about groups costs nothing', async () => {
    await adopting();
    await operator.change('/provisioning-mode', { mode: 'manual' });
    expect((await signIn('ada', [])).status).toBe(200);
    expect(await everybodyHas()).toEqual(HAD);
    await operator.change('/provisioning-mode', { mode: 'jit' });
    expect((await signIn('emil', null)).status).toBe(200);
    expect(await everybodyHas()).toEqual(HAD);
    await applyAnew();
    expect(await everybodyHas()).toEqual(HAD);
  });

  it('and entered again: the next hand-over takes nothing either', async () => {
    await adopting();
    await operator.change('/provisioning-mode', { mode: 'manual' });
    await enter();
    expect(await everybodyHas()).toEqual(HAD);
    await applyAnew();
    expect(await everybodyHas()).toEqual(HAD);
    await operator.change('/hand-over/abort');
    expect(await mode()).toMatchObject({ mode: 'manual' });
    await applyAnew();
    expect(await everybodyHas()).toEqual(HAD);
  });
});

describe('whom a directory disabled or deleted while it took the tenant over', () => {
  beforeEach(() => begin(sqliteFile));
  afterEach(end);

  const HAD = {
    disabled: ['active', 'bundle:sales'],
    put: ['active', 'bundle:sales'],
    deleted: ['active', 'bundle:sales'],
    stays: ['active', 'bundle:sales'],
  };
  const left: Record<string, () => Promise<void>> = {
    'to manual': async () => void (await operator.change('/provisioning-mode', { mode: 'manual' })),
    'to manual and then jit': async () => {
      await operator.change('/provisioning-mode', { mode: 'manual' });
      await operator.change('/provisioning-mode', { mode: 'jit' });
    },
    'by abort': async () => void (await operator.change('/hand-over/abort')),
  };
  for (const [way, leave] of Object.entries(left))
    for (const anew of [false, true])
      it(`signs in and has everything when it is left ${way}${anew ? ', and the file is applied anew' : ''}`, async () => {
        for (const name of Object.keys(HAD)) await arrive(name, ['Sales']);
        await enter();
        await directory.patch(`/Users/${ids.get('disabled')}`, { op: 'replace', path: 'active', value: false });
        await directory.put(`/Users/${ids.get('put')}`, { schemas: [USER], userName: 'put@acme.example', active: false });
        expect((await directory.delete(`/Users/${ids.get('deleted')}`)).status).toBe(204);
        expect(await everybodyHas()).toEqual(HAD);
        await leave();
        expect((await directory.get('/Users?count=0')).status).toBe(401);
        if (anew) await applyAnew();
        expect(await everybodyHas()).toEqual(HAD);
        expect((await operator.get('/held')).body).toMatchObject({ people: 0, changes: 0 });
        for (const name of Object.keys(HAD)) {
          const page = await signIn(name, ['Sales']);
          expect({ name, status: page.status, code: page.status === 200 ? null : shown(page).code }).toEqual({ name, status: 200, code: null });
        }
        expect(await everybodyHas()).toEqual(HAD);
        // A second sign-in finds the same person and not a ghost beside them.
        const { users } = (await operator.get<{ users: number }>('/provisioning-mode')).body;
        expect(users).toBe(Object.keys(HAD).length);
      });
});
