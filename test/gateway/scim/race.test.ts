/** Thirty-two clients at the same group at once: every addition is there afterwards, whichever process took it. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeWith } from '../../services.ts';
import { type Place, postgres } from '../../store/backends.ts';
import { environment, freePort, type TenantFolder, tenantFolder } from '../gateway.ts';
import { type GatewayProcess, spawnGateway } from '../process.ts';
import { type Body, createClient, type ScimClient } from './client.ts';
import { form, hire, uniqueName, valuesOf } from './people.ts';
import { basePath, company, type ScimWorld, SECRETS, startWorld, tokenBeside } from './world.ts';

const CLIENTS = 32;

/** `at(i)`: the client of the i-th. */
function promises(at: (i: number) => ScimClient): void {
  let people: Body[];
  beforeAll(async () => {
    people = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => hire(at(i))));
  });
  const each = <T>(work: (i: number, user: Body) => T): T[] => people.map((user, i) => work(i, user));
  const membersOf = async (group: Body) => valuesOf((await at(0).get(`/Groups/${group.id}`)).body.members);
  const ids = () => people.map(({ id }) => id).sort();

  it('everyone adds another member', async () => {
    const group = await form(at(0), { displayName: 'Sales' });
    const answers = await Promise.all(
      each((i, user) => at(i).patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: [{ value: user.id }] })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(CLIENTS).fill(200));
    expect(await membersOf(group)).toEqual(ids());
    // A membership is what enrols: the user's own side says the same.
    for (const user of people)
      expect((await at(1).get(`/Users/${user.id}`)).body.groups).toContainEqual(expect.objectContaining({ value: group.id }));
  });

  it('everyone adds two, one of whom all add: nobody is in it twice', async () => {
    const group = await form(at(0));
    const all = people[0]!;
    const answers = await Promise.all(
      each((i, user) => at(i).patch(`/Groups/${group.id}`, { op: 'Add', path: 'members', value: [{ value: all.id }, { value: user.id }] })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(CLIENTS).fill(200));
    expect(await membersOf(group)).toEqual(ids());
  });

  it('half leave while half come, and one renames', async () => {
    const group = await form(at(0), { members: people.slice(0, CLIENTS / 2).map(({ id }) => ({ value: id })) });
    const answers = await Promise.all([
      ...each((i, user) =>
        i < CLIENTS / 2
          ? at(i).patch(`/Groups/${group.id}`, { op: 'remove', path: `members[value eq "${user.id}"]` })
          : at(i).patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: [{ value: user.id }] }),
      ),
      at(0).patch(`/Groups/${group.id}`, { op: 'replace', path: 'displayName', value: 'Renamed meanwhile' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(Array(CLIENTS + 1).fill(200));
    expect(await membersOf(group)).toEqual(
      people
        .slice(CLIENTS / 2)
        .map(({ id }) => id)
        .sort(),
    );
    expect((await at(0).get(`/Groups/${group.id}`)).body.displayName).toBe('Renamed meanwhile');
  });

  it('one user comes into thirty-two groups at once', async () => {
    const groups = await Promise.all(each((i) => form(at(i))));
    const user = await hire(at(0));
    const answers = await Promise.all(
      groups.map((group, i) => at(i).patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: [{ value: user.id }] })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(CLIENTS).fill(200));
    expect(valuesOf((await at(0).get(`/Users/${user.id}`)).body.groups)).toEqual(groups.map(({ id }) => id).sort());
  });

  it('thirty-two create the group of one externalId: it is made once', async () => {
    const externalId = uniqueName('raced');
    const answers = await Promise.all(each((i) => at(i).post('/Groups', { displayName: 'Raced', externalId })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(CLIENTS - 1).fill(409)]);
    expect((await at(1).find('Groups', `externalId eq "${externalId}"`)).body.totalResults).toBe(1);
  });

  it('a group is deleted while everyone comes in: they came before or it is not found, and nobody is left in it', async () => {
    const group = await form(at(0));
    const [deleted, ...answers] = await Promise.all([
      at(1).delete(`/Groups/${group.id}`),
      ...each((i, user) => at(i).patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: [{ value: user.id }] })),
    ]);
    expect(deleted?.status).toBe(204);
    for (const { status } of answers) expect([200, 404]).toContain(status);
    expect((await at(0).get(`/Groups/${group.id}`)).status).toBe(404);
    for (const user of people) expect(valuesOf((await at(1).get(`/Users/${user.id}`)).body.groups)).not.toContain(group.id);
  });

  it('lists that are said at once do not mix: the group is as one of them said', async () => {
    const group = await form(at(0));
    const lists = Array.from({ length: 8 }, (_, i) => people.slice(i, i + 4).map(({ id }) => id));
    const answers = await Promise.all(
      lists.map((list, i) => at(i).put(`/Groups/${group.id}`, { displayName: group.displayName, members: list.map((value) => ({ value })) })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(lists.map((list) => list.toSorted())).toContainEqual(await membersOf(group));
  });
}

describe('on SQLite', () => {
  let world: ScimWorld;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world?.close());
  promises(() => world.client);

  it('each addition left one line, and each member is enrolled', async () => {
    const { store } = world.gateway.house;
    const { body } = await world.client.find('Groups', 'displayName eq "Sales"');
    for (const { value } of body.Resources[0]!.members) {
      expect((await world.lines(value)).filter((line) => line === 'SUCCESS joined-group').length).toBeGreaterThan(0);
      const state = await store.people.state('acme', value);
      expect(state!.grants.map(({ target }) => target)).toContain('bundle:sales');
    }
  });
});

describeWith('postgres', 'on PostgreSQL with two processes', () => {
  let place: Place;
  let folder: TenantFolder;
  let nodes: GatewayProcess[] = [];
  let clients: ScimClient[];
  beforeAll(async () => {
    place = await postgres.make();
    folder = tenantFolder({ tenants: { acme: company() }, files: SECRETS });
    const shared = environment(await freePort(), folder.path, { database: place.url, env: { MATRICULA_SECRET: randomBytes(32).toString('base64') } });
    const ports = [await freePort(), await freePort()];
    nodes = ports.map((port) => spawnGateway({ ...shared, MATRICULA_LISTEN: `127.0.0.1:${port}` }));
    await Promise.all(nodes.map(({ ready }) => ready));
    const token = await tokenBeside(shared);
    clients = nodes.map(({ url }) => createClient(url + basePath('acme'), token));
  }, 120_000);
  afterAll(async () => {
    const ends = await Promise.all(nodes.map((node) => node.stop()));
    folder?.remove();
    await place?.drop();
    expect(ends).toEqual([0, 0]);
  });
  promises((i) => clients[i % clients.length]!);
});
