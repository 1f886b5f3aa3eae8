/**
 * Five hundred people who came by signing in are handed over to a directory, which has lost twenty of them, brings fifteen new ones and wants five whom it cannot
 * have. At no moment does anybody who stays lack an enrolment. Then it is left again, and nobody has lost anything.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { targetsOf } from '../../../src/core/diff.ts';
import { describeWith } from '../../services.ts';
import { postgres, sqliteFile } from '../../store/backends.ts';
import { eventually } from '../gateway.ts';
import type { ScimClient } from '../scim/client.ts';
import { shown, type Visitor } from '../visitor.ts';
import { learner, type Operator, startOperator } from './operator.ts';

const PEOPLE = 500;
const LEAVERS = 20;
const JOINERS = 15;
const CONFLICTS = 5;
/** Whom the directory does not know: not yet seen. */
const UNKNOWN = 7;

interface Report {
  adopted: { people: number };
  created: { people: number };
  notYetSeen: { people: number; some: { userName: string }[] };
  conflicting: { subject: string; why: string; advice: string }[];
  wouldLose: { people: number };
  duplicates: object[];
}

for (const backend of [sqliteFile, postgres]) {
  describeWith(backend.needs, `a hand-over on ${backend.name}`, () => {
    let operator: Operator;
    let directory: ScimClient;
    let staying: Visitor;
    let leaving: Visitor;
    const ids = new Map<string, string>();
    const name = (i: number) => `p${String(i).padStart(3, '0')}`;
    const groupsOf = (i: number) => (i % 10 === 0 ? ['Sales', 'Board'] : ['Sales']);
    /** Leavers first, then those who stay; the last ones are unknown to the directory. */
    const isLeaver = (i: number) => i < LEAVERS;
    const isUnknown = (i: number) => i >= PEOPLE - UNKNOWN;
    const expected = (i: number) =>
      [...(i === 30 || i === 31 ? ['group:staff'] : []), ...(i % 10 === 0 ? ['collection:board'] : []), 'bundle:sales'].sort();

    beforeAll(async () => {
      operator = await startOperator({ backend });
      for (let i = 0; i < PEOPLE; i++) ids.set(name(i), await operator.arrives(name(i), groupsOf(i)));
      staying = (await operator.signsIn(learner(name(30), groupsOf(30)))).visitor;
      leaving = (await operator.signsIn(learner(name(3), groupsOf(3)))).visitor;
      const { flow, tenants } = operator.gateway.house;
      const { provision } = await import('../../../src/flows/provision.ts');
      for (const i of [30, 31])
        await provision(flow, {
          live: tenants.get('acme')!,
          intent: { kind: 'edit', grant: ['group:staff'] },
          lookup: { by: 'user', userId: ids.get(name(i))! },
          actor: 'cli',
          reference: null,
        });
    }, 120_000);
    afterAll(() => operator?.close());

    const stateOf = async (i: number) => (await operator.gateway.house.store.people.state('acme', ids.get(name(i))!))!;
    /** Everybody who was there and stays has what they had. */
    async function nobodyLost(): Promise<void> {
      const { states } = await operator.gateway.house.store.people.states('acme', { after: null, limit: 1000 });
      const byId = new Map(states.map((state) => [state.user.id, state]));
      for (let i = LEAVERS; i < PEOPLE; i++) {
        const state = byId.get(ids.get(name(i))!)!;
        expect({ who: name(i), status: state.user.status, has: [...targetsOf(state)].sort() }).toEqual({
          who: name(i),
          status: 'active',
          has: expected(i),
        });
      }
    }
    const report = async () => (await operator.get<Report>('/hand-over?limit=200')).body;

    it('SCIM is refused without a proved domain, shown before it is done, and not done with a stale confirmation', async () => {
      expect((await operator.post('/provisioning-mode', { mode: 'scim' })).body).toMatchObject({
        status: 409,
        code: 'mode-conflict',
        detail: expect.stringContaining('domain'),
      });
      await operator.prove('acme.example');
      expect((await operator.post('/provisioning-mode', { mode: 'scim', confirm: 'stale' })).status).toBe(409);
      const done = await operator.change('/provisioning-mode', { mode: 'scim' });
      expect(done.consequences).toMatchObject({ from: { mode: 'jit' }, to: { mode: 'scim', phase: 'adopting' }, users: PEOPLE, active: PEOPLE });
      directory = operator.directory(done.token!.token);
      expect((await operator.post('/provisioning-mode', { mode: 'jit' })).body).toMatchObject({
        status: 409,
        detail: 'Cannot enable JIT provisioning while SCIM is active',
      });
      await nobodyLost();
    });

    it('users come first, leavers disabled: who stays loses nothing at any request', async () => {
      for (let i = 0; i < PEOPLE; i++) {
        if (isUnknown(i)) continue;
        const found = (await directory.find('Users', `userName eq "${name(i)}@acme.example"`)).body.Resources;
        expect(found.map(({ id }) => id)).toEqual([ids.get(name(i))]);
        const { status } = await directory.patch(
          `/Users/${found[0]!.id}`,
          { op: 'Replace', path: 'active', value: isLeaver(i) ? 'False' : 'True' },
          { op: 'Replace', path: 'title', value: 'Clerk' },
        );
        expect(status).toBe(200);
        const state = await stateOf(i);
        expect([state.user.status, ...[...targetsOf(state)].sort()]).toEqual(['active', ...expected(i)]);
      }
      for (let i = 0; i < JOINERS; i++)
        expect((await directory.post('/Users', { userName: `joiner${i}@acme.example`, externalId: `j${i}` })).status).toBe(201);
      for (let i = 0; i < CONFLICTS; i++) {
        const answer = await directory.post('/Users', {
          userName: `stranger${i}`,
          emails: [{ value: `${name(PEOPLE - 1 - i)}@acme.example`, primary: true }],
        });
        expect(answer.status).toBe(409);
      }
      await nobodyLost();
    }, 120_000);

    it('the report says exactly who is adopted, created, in conflict, not yet seen, and would lose', async () => {
      const said = await report();
      expect(said).toMatchObject({
        adopted: { people: PEOPLE - UNKNOWN },
        created: { people: JOINERS },
        notYetSeen: { people: UNKNOWN },
        wouldLose: { people: PEOPLE - UNKNOWN },
      });
      expect(said.conflicting.map(({ subject }) => subject).sort()).toEqual(Array.from({ length: CONFLICTS }, (_, i) => `stranger${i}`));
      for (const { why, advice } of said.conflicting)
        expect([why, advice]).toEqual([expect.stringContaining('e-mail'), expect.stringContaining('Correct')]);
    });

    it('people sign in meanwhile: whom the directory knows, and whom it has not seen yet; nobody else', async () => {
      expect((await operator.signsIn(learner(name(40), []))).page.status).toBe(200);
      expect((await operator.signsIn(learner(name(PEOPLE - 1), []))).page.status).toBe(200);
      const stranger = await operator.signsIn(learner('nobody', ['Sales']));
      expect(shown(stranger.page)).toMatchObject({ status: 403, code: 'not-provisioned' });
      expect(await staying.meStatus()).toBe(200);
      await nobodyLost();
    });

    it('groups come second, and what they give is held no more', async () => {
      const members = (of: (i: number) => boolean) =>
        Array.from({ length: PEOPLE }, (_, i) => i).filter((i) => !isLeaver(i) && !isUnknown(i) && of(i));
      for (const [displayName, of] of [
        ['Sales', () => true],
        ['Board', (i: number) => i % 10 === 0],
      ] as const) {
        const { body, status } = await directory.post('/Groups', { displayName, externalId: `g-${displayName}` });
        expect(status).toBe(201);
        const all = members(of);
        for (let at = 0; at < all.length; at += 100) {
          await directory.patch(`/Groups/${body.id}`, {
            op: 'Add',
            path: 'members',
            value: all.slice(at, at + 100).map((i) => ({ value: ids.get(name(i)) })),
          });
          await nobodyLost();
        }
      }
      const said = await report();
      expect(said.wouldLose.people).toBe(LEAVERS);
    }, 120_000);

    it('completed, the leavers are suspended and their sessions end at the next request; nobody else loses anything', async () => {
      expect(await leaving.meStatus()).toBe(200);
      const done = await operator.change('/hand-over/complete');
      expect(done.consequences).toMatchObject({ to: { mode: 'scim', phase: 'live' }, held: { people: LEAVERS, become: 'released' } });
      for (let i = 0; i < LEAVERS; i++) {
        const state = await stateOf(i);
        expect({ status: state.user.status, has: [...targetsOf(state)] }).toEqual({ status: 'suspended', has: [] });
      }
      expect(await leaving.meStatus()).toBe(403);
      expect(await leaving.meStatus()).toBe(401);
      expect(shown((await operator.signsIn(learner(name(3), ['Sales']))).page)).toMatchObject({ status: 403, code: 'account-suspended' });
      expect(await staying.meStatus()).toBe(200);
      expect((await operator.get('/held')).body).toMatchObject({ people: 0, changes: 0 });
      await nobodyLost();
    });

    it('left to manual the directory is refused within a second, then jit: nothing is lost, and the next sign-in teaches', async () => {
      await operator.change('/provisioning-mode', { mode: 'manual' });
      await eventually(async () => ((await directory.get('/Users?count=0')).status === 401 ? true : null), 1000);
      await nobodyLost();
      await operator.change('/provisioning-mode', { mode: 'jit' });
      await nobodyLost();
      const { visitor } = await operator.signsIn(learner(name(50), ['Sales', 'Board']));
      expect(Object.keys(await visitor.enrolments()).sort()).toEqual(['bundle:sales', 'collection:board']);
      const again = await operator.signsIn(learner(name(50), []));
      expect(await again.visitor.enrolments()).toEqual({});
    });
  });
}

describe('a hand-over that is aborted', () => {
  it('goes back to sign-ins as it was before, and nobody has lost anything', async () => {
    const operator = await startOperator();
    try {
      const [ada, ben] = [await operator.arrives('ada', ['Sales', 'Board']), await operator.arrives('ben', ['Sales'])];
      await operator.prove('acme.example');
      const { token } = await operator.change('/provisioning-mode', { mode: 'scim' });
      const directory = operator.directory(token!.token);
      await directory.patch(`/Users/${ada}`, { op: 'replace', path: 'active', value: false });
      await directory.delete(`/Users/${ben}`);
      await directory.post('/Groups', { displayName: 'Board', members: [{ value: ben }] });
      await operator.change('/hand-over/abort');
      expect((await operator.get('/provisioning-mode')).body).toMatchObject({ mode: 'jit', phase: null });
      expect((await directory.get('/Users')).status).toBe(401);
      const { people } = operator.gateway.house.store;
      const has = async (id: string) => {
        const state = (await people.state('acme', id))!;
        return [state.user.status, ...[...targetsOf(state)].sort()];
      };
      expect([await has(ada), await has(ben)]).toEqual([
        ['active', 'bundle:sales', 'collection:board'],
        ['active', 'bundle:sales'],
      ]);
      expect((await operator.signsIn(learner('ada', ['Sales']))).page.status).toBe(200);
      expect(await has(ada)).toEqual(['active', 'bundle:sales']);
    } finally {
      await operator.close();
    }
  });
});

describe('the order in which a directory speaks', () => {
  it('does not matter: groups first, users first, everything twice, in any order, it ends the same', async () => {
    const operator = await startOperator();
    try {
      const names = ['ada', 'ben', 'cleo', 'dora'];
      const ids = new Map<string, string>();
      for (const name of names) ids.set(name, await operator.arrives(name, ['Sales']));
      await operator.prove('acme.example');
      const outcome = async (steps: ((directory: ScimClient) => Promise<unknown>)[]) => {
        const { token } = await operator.change('/provisioning-mode', { mode: 'scim' });
        const directory = operator.directory(token!.token);
        for (const step of steps) await step(directory);
        const held = (await operator.get<{ held: { person: { userName: string }; what: string; target: string }[] }>('/held')).body.held;
        const said = held.map(({ person, what, target }) => `${person.userName} ${what} ${target}`).sort();
        await operator.change('/hand-over/abort');
        for (const { id } of (await operator.gateway.house.store.groups.page('acme', { after: null, limit: 10 })).groups) {
          for (const user of await operator.gateway.house.store.groups.memberIds('acme', id, 'directory')) expect([...ids.values()]).toContain(user);
        }
        return said;
      };
      const users = names.map(
        (name) => (directory: ScimClient) => directory.patch(`/Users/${ids.get(name)}`, { op: 'replace', path: 'active', value: name !== 'dora' }),
      );
      const group = async (directory: ScimClient) => {
        const found = (await directory.find('Groups', 'displayName eq "Sales"')).body.Resources[0];
        const { id } = found ?? (await directory.post('/Groups', { displayName: 'Sales' })).body;
        for (const name of ['ada', 'ben', 'nobody'])
          await directory.patch(`/Groups/${id}`, { op: 'add', path: 'members', value: [{ value: ids.get(name) ?? 'nobody' }] });
      };
      const first = await outcome([...users, group]);
      expect(first).toEqual(['cleo@acme.example grant bundle:sales', 'dora@acme.example grant bundle:sales', 'dora@acme.example status ']);
      for (const steps of [
        [group, ...users],
        [group, group, ...users, ...users],
        [...users.toReversed(), group, ...users],
        [users[2]!, group, users[0]!, users[3]!, group, users[1]!],
      ])
        expect(await outcome(steps)).toEqual(first);
    } finally {
      await operator.close();
    }
  });
});
