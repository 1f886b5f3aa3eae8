/** A directory that takes something away from more people than the limit within an hour: the rest is held, additions go on. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { targetsOf } from '../../../src/core/diff.ts';
import { settleGroups } from '../../../src/flows/memberships.ts';
import { type Operator, startOperator } from '../modes/operator.ts';
import { GROUP, type ScimClient, USER } from '../scim/client.ts';

const PEOPLE = 24;

describe('a directory that empties a group', () => {
  let operator: Operator;
  let directory: ScimClient;
  let moment = Date.parse('2026-11-27T08:00:00Z');
  const ids: string[] = [];
  let sales = '';

  beforeAll(async () => {
    const provisioning = { initialMode: 'scim', limits: { removals: { share: '25%', atLeast: 3 } } };
    operator = await startOperator({ now: () => new Date(moment), over: { provisioning } });
    const { createToken } = await import('../../../src/flows/tokens.ts');
    const { flow, store, vault } = operator.gateway.house;
    const { token } = await createToken({ ...flow, store, vault }, { tenantId: 'acme', name: 'test', expiresAt: null, actor: 'test' });
    directory = operator.directory(token);
    for (let i = 0; i < PEOPLE; i++) {
      const { body } = await directory.post('/Users', { schemas: [USER], userName: `p${i}@acme.example` });
      ids.push(String(body.id));
    }
    const members = ids.map((value) => ({ value }));
    sales = String((await directory.post('/Groups', { schemas: [GROUP], displayName: 'Sales', members })).body.id);
  });
  afterAll(() => operator?.close());

  const enrolled = async () => {
    const { states } = await operator.gateway.house.store.people.states('acme', { after: null, limit: 100 });
    return states.filter((state) => targetsOf(state).has('bundle:sales')).length;
  };
  const held = async () => (await operator.get<{ people: number; held: { cause: string }[] }>('/held?limit=100')).body;

  it('takes it from as many as the limit allows, and from nobody else; the answer is what it asked for', async () => {
    expect(await enrolled()).toBe(PEOPLE);
    expect((await directory.put(`/Groups/${sales}`, { schemas: [GROUP], displayName: 'Sales', members: [] })).status).toBe(200);
    expect((await directory.get(`/Groups/${sales}`)).body.members).toBeUndefined();
    expect(await enrolled()).toBe(PEOPLE - 6);
    expect(await held()).toMatchObject({ people: PEOPLE - 6, held: Array(PEOPLE - 6).fill({ cause: 'limit' }) });
  });

  it('goes on adding, and what comes back is held no more', async () => {
    const board = await directory.post('/Groups', { schemas: [GROUP], displayName: 'Board', members: [{ value: ids[0] }] });
    expect(board.status).toBe(201);
    const state = await operator.gateway.house.store.people.state('acme', ids[0]!);
    expect(targetsOf(state).has('collection:board')).toBe(true);
    const before = (await held()).people;
    const back = ids.slice(PEOPLE - 4).map((value) => ({ value }));
    expect((await directory.patch(`/Groups/${sales}`, { op: 'add', path: 'members', value: back })).status).toBe(200);
    expect((await held()).people).toBe(before - 4);
  });

  it('holds suspensions of further people, too, and after an hour counts anew', async () => {
    const one = ids[PEOPLE - 1]!;
    expect((await directory.patch(`/Users/${one}`, { op: 'replace', path: 'active', value: false })).body.active).toBe(false);
    expect((await operator.gateway.house.store.people.state('acme', one))?.user.status).toBe('active');
    moment += 3_600_001;
    const other = ids[PEOPLE - 2]!;
    await directory.patch(`/Users/${other}`, { op: 'replace', path: 'active', value: false });
    expect((await operator.gateway.house.store.people.state('acme', other))?.user.status).toBe('suspended');
    // What was held goes on to wait for an operator.
    expect((await operator.gateway.house.store.people.state('acme', one))?.user.status).toBe('active');
    await operator.post('/held/release', { users: [one], reason: 'she left' });
    expect((await operator.gateway.house.store.people.state('acme', one))?.user.status).toBe('suspended');
  });

  it('holds what the new name of a group would take away, whoever finishes the work', async () => {
    moment += 3_600_001;
    const { flow, store, tenants } = operator.gateway.house;
    const before = (await held()).people;
    const members = ids.slice(0, 12).map((value) => ({ value }));
    const board = (await directory.find('Groups', 'displayName eq "Board"')).body.Resources[0]!.id;
    await directory.patch(`/Groups/${board}`, { op: 'add', path: 'members', value: members });
    // As a request leaves it that dies after the first row: the worker concludes everybody.
    const group = (await store.groups.get('acme', String(board)))!;
    const renamed = { ...group, displayName: 'Bored', displayNameKey: 'bored', unsettledSince: flow.now() };
    await store.groups.update(renamed, null, null);
    const asked: string[] = [];
    await settleGroups({ ...flow, store }, tenants, async (_live, userId) => {
      asked.push(userId);
      return asked.length > 6 ? 'limit' : null;
    });
    const boards = (await store.people.states('acme', { after: null, limit: 100 })).states.filter((state) =>
      targetsOf(state).has('collection:board'),
    );
    expect([asked.length, boards.length]).toEqual([12, 6]);
    expect((await held()).people).toBeGreaterThanOrEqual(before);
  });
});
