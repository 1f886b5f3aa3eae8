import { afterEach, describe, expect, it } from '@jest/globals';
import type { Connector, Resource } from '../../../src/connectors/connector.ts';
import { attemptOf, makePerson } from '../people.ts';
import { type Application, type Quirks, startApplication } from './application.ts';
import { connectorTo, type PlatformOver, target } from './platform.ts';

let application: Application;
afterEach(() => application.close());

const SALES = target('Sales');
const BOARD = target('Board');
const signal = () => new AbortController().signal;

async function facing(quirks: Partial<Quirks> = {}, over: PlatformOver = {}) {
  application = await startApplication(quirks);
  const connector = connectorTo(application.url, over);
  return { connector, id: await arrive(connector) };
}

const arrive = async (connector: Connector) => (await connector.upsert(null, attemptOf('k', makePerson(), [])))!.account.id;

async function change(connector: Connector, id: string, kind: 'add' | 'remove', ...resources: Resource[]) {
  const operations = resources.map((resource) => ({ kind, resource }));
  const applied = await connector.apply({ id, held: null }, operations, attemptOf('k', makePerson(), []));
  return applied.map(({ outcome }) => outcome);
}

describe('groups', () => {
  it('a group is made once for all who come at the same time, and found in whatever case', async () => {
    const { connector } = await facing({ lowers: true });
    const ids = await Promise.all(Array.from({ length: 8 }, () => arrive(connector)));
    const outcomes = await Promise.all(ids.map((id) => change(connector, id, 'add', SALES)));
    expect(outcomes.flat()).toEqual(ids.map(() => 'done'));
    expect(application.groups.size).toBe(1);
    expect(application.membersOf('sales').sort()).toEqual(ids.sort());
    // Another connector remembers nothing.
    await change(connectorTo(application.url), ids[0]!, 'remove', SALES);
    expect(application.groups.size).toBe(1);
    expect(application.membersOf('sales')).toHaveLength(7);
  });

  it('what comes together for one group goes together, in batches no larger than the application takes', async () => {
    const { connector } = await facing({}, { quirks: { memberBatch: 3 } });
    application.group('Sales');
    const ids = await Promise.all(Array.from({ length: 8 }, () => arrive(connector)));
    await change(connector, ids[0]!, 'add', SALES);
    await Promise.all(ids.slice(1).map((id) => change(connector, id, 'add', SALES)));
    expect(application.membersOf('Sales').sort()).toEqual(ids.sort());
    const sizes = application.asked.filter(({ method }) => method === 'PATCH').map(({ body }) => (body.Operations[0]!.value as unknown[]).length);
    expect(sizes).toEqual([1, 1, 3, 3]);
  });

  it('a member whom the application refuses spoils nobody else’s turn', async () => {
    const { connector } = await facing();
    application.group('Sales');
    const ids = await Promise.all(Array.from({ length: 4 }, () => arrive(connector)));
    application.users.delete(ids[2]!);
    await change(connector, ids[0]!, 'add', SALES);
    const outcomes = (await Promise.all(ids.slice(1).map((id) => change(connector, id, 'add', SALES)))).flat();
    expect(outcomes).toEqual(['done', expect.objectContaining({ name: 'TerminalFailure', code: 'validation', scope: 'person' }), 'done']);
    expect(application.membersOf('Sales').sort()).toEqual([ids[0], ids[1], ids[3]].sort());
  });

  it('a group that was deleted there is made anew for whoever comes, and is no trouble for whoever goes', async () => {
    const { connector, id } = await facing();
    await change(connector, id, 'add', SALES, BOARD);
    application.groups.clear();
    expect(await change(connector, id, 'remove', BOARD)).toEqual(['done']);
    expect(await change(connector, id, 'add', SALES)).toEqual(['done']);
    expect([...application.groups.values()].map(({ displayName }) => displayName)).toEqual(['Sales']);
    expect(application.membersOf('Sales')).toEqual([id]);
  });

  it('a group that was replaced there by another of its name is found again, to be left as well', async () => {
    const { connector, id } = await facing();
    await change(connector, id, 'add', SALES);
    application.groups.clear();
    application.group('Sales', id);
    expect(await change(connector, id, 'remove', SALES)).toEqual(['done']);
    expect(application.membersOf('Sales')).toEqual([]);
  });

  it('where groups must exist, none is made, and the missing one is named', async () => {
    const { connector, id } = await facing({}, { groups: 'existing' });
    application.group('Board');
    const [missing, done] = await change(connector, id, 'add', SALES, BOARD);
    expect(missing).toMatchObject({ name: 'TerminalFailure', code: 'not-found', scope: 'person', message: 'app has no group called "Sales"' });
    expect(done).toBe('done');
    expect(application.groups.size).toBe(1);
    expect(await change(connector, id, 'remove', SALES)).toEqual(['done']);
  });

  it('of two groups with one name none is guessed', async () => {
    const { connector, id } = await facing({}, { groups: 'existing' });
    application.group('Sales');
    application.group('Sales');
    expect(await change(connector, id, 'add', SALES)).toEqual([expect.objectContaining({ name: 'TerminalFailure', code: 'conflict' })]);
    expect(application.membersOf('Sales')).toEqual([]);
  });

  it('one that somebody else made at the same moment is taken, and ours goes again', async () => {
    const { connector, id } = await facing();
    application.before('POST /Groups', () => application.group('Sales'));
    expect(await change(connector, id, 'add', SALES)).toEqual([expect.objectContaining({ name: 'TransientFailure', code: 'conflict' })]);
    expect(application.groups.size).toBe(1);
    expect(await change(connector, id, 'add', SALES)).toEqual(['done']);
    expect(application.membersOf('Sales')).toEqual([id]);
  });

  it('where names are unique, the one that was made at the same moment is taken at once', async () => {
    const { connector, id } = await facing({ uniqueGroups: true });
    application.before('POST /Groups', () => application.group('Sales'));
    expect(await change(connector, id, 'add', SALES)).toEqual(['done']);
    expect(application.membersOf('Sales')).toEqual([id]);
  });

  it('an application without groups ends as a manual task, and one that is told of users only hears of none', async () => {
    const { connector, id } = await facing({ groups: false });
    expect(await change(connector, id, 'add', SALES)).toEqual([expect.objectContaining({ code: 'unsupported', scope: 'person' })]);
    const only = connectorTo(application.url, { groups: 'none' });
    expect(only.capabilities).toMatchObject({ add: [], remove: [], readBack: true });
    const before = application.asked.length;
    expect(await change(only, id, 'add', SALES)).toEqual([expect.objectContaining({ code: 'unsupported', scope: 'person' })]);
    expect(application.asked).toHaveLength(before);
    expect(await only.read(id, [SALES], signal())).toMatchObject({ resources: [], active: true });
  });

  it('without PATCH members are put, and those of others stay, also where they came in between', async () => {
    const { connector, id } = await facing({ patch: false, versions: true }, { quirks: { update: 'put' } });
    const [other, third] = [application.user({ userName: 'other' }).id, application.user({ userName: 'third' }).id];
    const group = application.group('Sales', other);
    application.before('PUT /Groups', () => {
      group.members.push({ value: third });
      group.meta['version'] = 'W/"another"';
    });
    expect(await change(connector, id, 'add', SALES)).toEqual(['done']);
    expect(application.membersOf('Sales')).toEqual([other, third, id]);
    expect(await change(connector, id, 'remove', SALES)).toEqual(['done']);
    expect(application.membersOf('Sales')).toEqual([other, third]);
  });

  it('of two names that differ in case only the exact one is meant', async () => {
    const { connector, id } = await facing();
    application.group('SALES');
    const exact = application.group('Sales');
    expect(await change(connector, id, 'add', SALES)).toEqual(['done']);
    expect(application.groups.get(exact.id)!.members).toEqual([{ value: id }]);
  });

  it('an attempt that ends while it waits for its turn changes nothing any more, alone or among others', async () => {
    const { connector, id } = await facing();
    application.group('Sales');
    const [beside, late] = [await arrive(connector), await arrive(connector)];
    await change(connector, id, 'add', SALES);
    await change(connector, id, 'remove', SALES);
    const ends = new AbortController();
    application.before('PATCH /Groups', () => ends.abort());
    const outcomes = await Promise.all([
      change(connector, id, 'add', SALES),
      change(connector, beside, 'add', SALES),
      connector
        .apply({ id: late, held: null }, [{ kind: 'add', resource: SALES }], attemptOf('k', makePerson(), [], ends.signal))
        .then((applied) => applied.map(({ outcome }) => outcome)),
    ]);
    expect(outcomes).toEqual([['done'], ['done'], [expect.objectContaining({ name: 'TransientFailure', code: 'timeout' })]]);
    expect(application.membersOf('Sales')).toEqual([id, beside]);
  });
});

describe('reading', () => {
  it('asks the user where it names its groups, and the wanted groups where it does not', async () => {
    for (const userGroups of ['named', 'ids', 'empty', 'absent'] as const) {
      const { connector, id } = await facing({ userGroups });
      await change(connector, id, 'add', SALES);
      application.group('Board', application.user({ userName: 'other' }).id);
      application.group('By hand', id);
      const held = await connectorTo(application.url).read(id, [SALES, BOARD, target('Never made')], signal());
      expect(held).toEqual({ resources: [SALES], active: true, privileged: false, evidence: null });
      expect(application.groups.size).toBe(3);
      if (userGroups !== 'absent') await application.close();
    }
  });

  it('a user without groups is believed once another had some, and costs one call', async () => {
    const { connector, id } = await facing();
    const other = await arrive(connector);
    await change(connector, other, 'add', SALES);
    await connector.read(other, [SALES], signal());
    const before = application.asked.length;
    expect(await connector.read(id, [SALES, BOARD], signal())).toMatchObject({ resources: [] });
    expect(application.calls().slice(before)).toEqual([`GET /Users/${id}`]);
  });

  it('a group too large to be read is searched by its member', async () => {
    const { connector, id } = await facing({ userGroups: 'absent' });
    const stranger = await arrive(connector);
    await change(connector, id, 'add', SALES);
    const group = [...application.groups.values()][0]!;
    for (let i = 0; i < 20_000; i++) group.members.push({ value: `member-${i}`, display: 'A member of a very large group, of whom there are many' });
    expect(await connector.read(id, [SALES], signal())).toMatchObject({ resources: [SALES] });
    expect(await connector.read(stranger, [SALES], signal())).toMatchObject({ resources: [] });
    application.quirks.filters = 'ignored';
    await expect(connector.read(stranger, [SALES], signal())).rejects.toMatchObject({ name: 'TransientFailure', code: 'nonsense' });
  });
});
