/** Learning platforms on the command line, beside a gateway that serves them; the platforms say whether it was done. Each test goes on from the one before. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually, type TenantFolder, tenantFolder } from '../gateway/gateway.ts';
import { secretsOf, tenantParts } from '../gateway/platforms/school.ts';
import { startTwoPlatforms, type TwoPlatforms } from '../gateway/platforms/two-platforms.ts';
import { company, SECRETS } from '../gateway/scim/world.ts';
import { commandIn, type Ended } from './command.ts';

jest.setTimeout(120_000); // every command is a process of its own

let w: TwoPlatforms;
let matricula: (...args: string[]) => Promise<Ended>;
let ada: string;
beforeAll(async () => {
  // More than one person may not lose anything without an operator's word.
  w = await startTwoPlatforms({ over: { provisioning: { initialMode: 'jit', limits: { removals: { share: '1%', atLeast: 1 } } } } });
  const { path } = w.operator.gateway.folder;
  matricula = commandIn({ tenants: join(path, 'tenants'), database: join(path, 'matricula.db'), baseUrl: w.operator.gateway.baseUrl });
  ada = await w.operator.arrives('ada', ['Sales']);
  for (const name of ['bob', 'cem']) await w.operator.arrives(name, ['Board']);
  await w.delivered();
});
afterAll(() => w?.close());

const json = async <T>(...args: string[]): Promise<T> => {
  const { code, out, err } = await matricula('--json', ...args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as T;
};
const deadLetter = async () => {
  const owner = w.school.school.addUser({ email: 'owner@acme.example', firstName: 'The', lastName: 'Owner', roles: ['site_admin'] });
  const id = await w.operator.arrives('owner', ['Staff']);
  await w.delivered();
  return { id, owner: w.school.school.users.get(owner.id)! };
};

describe('matricula platform', () => {
  it('lists how far each platform is', async () => {
    const [listed, named] = await Promise.all([matricula('platform', 'list'), json<{ platforms: object[] }>('platform', 'list', 'acme')]);
    expect(listed).toMatchObject({ code: 0, err: '' });
    expect(listed.out).toMatch(
      /^school {2}Acme school \(thinkific\): nobody waits, 0 dead letters\n {2}its catalogue was read at \S+Z\napp {2}The app \(webhook\): nobody waits, 0 dead letters\n$/,
    );
    expect(named.platforms).toMatchObject([
      { platform: 'school', dead: 0, next: [] },
      { platform: 'app', dead: 0, next: [] },
    ]);
  });

  it('reads a catalogue; where more people than the limits allow would lose something, the old one stays until it is allowed', async () => {
    const board = w.school.school.collection('board');
    const { productId } = w.school.school.course('strategy');
    board.productIds.splice(board.productIds.indexOf(productId), 1);
    const held = await matricula('platform', 'refresh', 'acme', 'school');
    expect(held).toMatchObject({ code: 1, err: '' });
    expect(held.out).toMatch(/changed: collection:board\n2 people would lose something, more than the limits allow/);
    await w.delivered();
    expect(w.usable('bob@acme.example')).toEqual(['closing', 'strategy']);
    expect(await json('platform', 'refresh', 'school', '--allow-removals')).toMatchObject({ changed: ['collection:board'], held: 0 });
    await w.delivered();
    expect(w.usable('bob@acme.example')).toEqual(['closing']);
  });

  it('says in one line that a platform is away, or unknown', async () => {
    w.school.faults.down();
    const away = await matricula('platform', 'refresh', 'school');
    w.school.faults.up();
    expect(away).toMatchObject({ code: 1, out: '' });
    expect(away.err).toMatch(/^matricula: refused: provider-unreachable \(platform\/\w+\): school: [^\n]+\n$/);
    const unknown = await matricula('platform', 'refresh', 'acme', 'none');
    expect(unknown).toMatchObject({
      code: 1,
      err: 'matricula: refused: not-found (platform/unknown): the tenant has no such platform; there are: school, app\n',
    });
  });

  it('says what a restart means and does nothing; with the platform’s id it does it, and takes nothing away', async () => {
    const { ledger } = w.operator.gateway.house.store;
    const accounts = async () => (await ledger.people({ tenantId: 'acme', platform: 'school' }, { after: null, limit: 10 })).length;
    for (const confirm of [[], ['--confirm', 'app']]) {
      const shown = await matricula('platform', 'restart', 'acme', 'school', ...confirm);
      expect(shown).toMatchObject({ code: 1, err: '' });
      expect(shown.out).toMatch(
        /would be forgotten: 3 accounts,[\s\S]*Nothing has been done\. To do it:\n {2}matricula platform restart acme school --confirm school\n$/,
      );
      expect(await accounts()).toBe(3);
    }
    const before = w.usable('ada@acme.example');
    const done = await matricula('platform', 'restart', 'acme', 'school', '--confirm', 'school');
    expect(done).toMatchObject({ code: 0, out: expect.stringMatching(/^The ledger of school is forgotten: 3 accounts/) });
    await eventually(async () => ((await accounts()) === 3 && (await w.operator.gateway.house.store.outbox.waiting('acme')) === 0) || null);
    expect(w.usable('ada@acme.example')).toEqual(before);
    // What was there already is not ours any more: nobody takes it away.
    const { given } = await ledger.of({ tenantId: 'acme', platform: 'school', userId: ada });
    expect(new Set(given.map(({ state }) => state))).toEqual(new Set(['foreign']));
  });
});

describe('matricula delivery', () => {
  it('lists a dead letter, explains it, and has it tried again', async () => {
    const { id, owner } = await deadLetter();
    const [listed, status, explained] = await Promise.all([
      matricula('delivery', 'list', 'acme', '--platform', 'school', '--dead'),
      matricula('platform', 'list'),
      matricula('explain', 'owner@acme.example', 'group:staff'),
    ]);
    expect(listed.out).toMatch(new RegExp(`\\nschool +${id} +owner@acme\\.example +dead +\\S+Z +1 +privileged: \\S`));
    expect(status.out).toMatch(
      /1 dead letter\n[\s\S]* {2}→ see why: matricula delivery list acme --platform school --dead; then matricula delivery retry acme --platform school\n/,
    );
    expect(explained.out).toMatch(
      new RegExp(
        `\\n {7}at school: not yet\\n {7}at app: there\\n[\\s\\S]*dead letter: school [^\\n]+\\n +to try it again: matricula delivery retry acme --platform school --user ${id}\\n$`,
      ),
    );
    owner.roles.length = 0;
    expect(await matricula('delivery', 'retry', '--platform', 'school', '--user', 'OWNER@acme.example')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^1 dead letter waits again/),
    });
    await w.delivered();
    expect(w.usable('owner@acme.example')).toEqual(['Staff']);
    expect(await json('delivery', 'list')).toEqual({ deliveries: [], next: null });
    expect((await matricula('explain', 'owner@acme.example', 'group:staff')).out).toContain('\n       at school: there\n');
  });

  it('tells everything anew to whom it is said, and to nobody without that', async () => {
    w.app.received.length = 0;
    expect(await json('delivery', 'replay', 'acme', '--platform', 'app', '--user', ada)).toEqual({ people: 1 });
    await w.delivered();
    expect(w.app.received.every(({ body }) => body.includes(ada))).toBe(true);
    expect(w.app.received.length).toBeGreaterThan(0);
    const [nobody, nowhere, unknown] = await Promise.all([
      matricula('delivery', 'replay', '--platform', 'app'),
      matricula('delivery', 'retry'),
      matricula('delivery', 'replay', '--platform', 'app', '--user', 'nobody'),
    ]);
    expect(nobody).toMatchObject({ code: 2, err: 'matricula: say --user or --all\n' });
    expect(nowhere).toMatchObject({ code: 2, err: expect.stringMatching(/--platform/) });
    expect(unknown).toMatchObject({ code: 1, err: expect.stringMatching(/no such user/) });
  });
});

describe('matricula task', () => {
  it('lists what somebody has to do at the platform, and ticks it off', async () => {
    await w.operator.arrives('dee', ['Staff']);
    await w.delivered();
    await w.operator.arrives('dee', []);
    await w.delivered();
    const [listed, { tasks }, explained] = await Promise.all([
      matricula('task', 'list', 'acme'),
      json<{ tasks: { id: string }[] }>('task', 'list'),
      matricula('explain', 'dee@acme.example', 'group:staff'),
    ]);
    expect(listed.out).toMatch(/\nschool +take out of +group Staff +dee@acme\.example +\S+Z +\S+\n$/);
    expect(explained.out).toContain('\n       at school: a task for somebody (matricula task list)\n');
    const [task] = tasks;
    expect(await matricula('task', 'done', task!.id, '--comment', 'done')).toMatchObject({ code: 0, out: 'done\n' });
    expect(await matricula('task', 'done', 'acme', task!.id)).toMatchObject({ code: 1, err: expect.stringMatching(/no such task, or not any more/) });
    expect((await matricula('task', 'list')).out).toBe('nothing is to be done by hand\n');
  });
});

describe('matricula drift', () => {
  it('names who differs and in what, ends as refused, and changes nothing; with --fix a gateway mends it', async () => {
    const { school } = w.school;
    const owner = school.userByEmail('owner@acme.example')!;
    school.leaveGroup(owner.id, school.group('Staff').id);
    const looked = await matricula('drift', 'acme');
    expect(looked).toMatchObject({ code: 1, err: '' });
    expect(looked.out).toMatch(
      /^school: 5 looked at, 1 differ, 0 wait for a delivery, 0 would lose something\n {2}owner@acme\.example \(\w+\)\n {4}missing: group Staff\n {2}to mend it: --fix\napp: cannot be asked what it has; /,
    );
    expect(w.usable('owner@acme.example')).toEqual([]);
    const mended = await matricula('drift', '--platform', 'school', '--fix');
    expect(mended).toMatchObject({ code: 0, out: expect.stringMatching(/1 person put into the outbox: a running gateway mends them/) });
    await w.delivered();
    expect(w.usable('owner@acme.example')).toEqual(['Staff']);
    expect((await json<{ drift: object[] }>('drift')).drift).toMatchObject([
      { platform: 'school', differing: 0 },
      { platform: 'app', readable: false },
    ]);
  });

  it('ends as refused where a platform could not be looked at', async () => {
    w.school.faults.down();
    const both = await matricula('drift');
    w.school.faults.up();
    expect(both).toMatchObject({ code: 1, out: expect.stringMatching(/^school: could not be compared: \S[^\n]+\napp: cannot be asked/) });
  });
});

describe('matricula check --online', () => {
  let folder: TenantFolder;
  let check: (...args: string[]) => Promise<Ended>;
  afterAll(() => folder?.remove());
  beforeAll(() => {
    const parts = tenantParts(w.school);
    const good = { ...company(), ...parts, groups: {} };
    const other = {
      ...good,
      domains: ['beta.example'],
      connections: good.connections.map((one) => ({ ...one, domains: ['beta.example'] })),
      rules: [{ id: 'all', when: 'everyone', enrol: ['bundle:sales', 'group:nowhere'] }],
      catalogue: { ...good.catalogue, groups: [...good.catalogue.groups, { slug: 'nowhere', title: 'Nowhere' }] },
    };
    const wrong = { ...other, platforms: parts.platforms.map((one) => ({ ...one, apiKey: 'file:secrets/wrong', accessToken: undefined })) };
    folder = tenantFolder({
      tenants: { good, other, wrong, 'not-sound': { ...wrong, rules: 'none' } },
      files: { ...SECRETS, ...secretsOf(w.school), 'secrets/wrong': '0123456789abcdef0123456789abcdef' },
    });
    check = commandIn({ tenants: join(folder.path, 'tenants'), database: join(folder.path, 'check.db') });
  });
  const file = (name: string) => join(folder.path, 'tenants', `${name}.yaml`);

  it('asks nobody and makes no database unless it is told to', async () => {
    const calls = w.school.calls.length;
    expect(await check('check', file('good'), file('wrong'))).toMatchObject({ code: 0 });
    expect(w.school.calls).toHaveLength(calls);
    expect(existsSync(join(folder.path, 'check.db'))).toBe(false);
  });

  it('finds all well for a tenant that was never taken in, target by target', async () => {
    const good = await check('check', '--online', file('good'));
    expect(good).toMatchObject({ code: 0, err: 'asking school of good …\n' });
    for (const line of [
      'ok  school credentials: the API takes the credentials',
      'ok  school target: group:cohort: A cohort',
      'ok  school target: bundle:sales: Sales',
    ])
      expect(good.out).toContain(`\n${line}\n`);
    expect(good.out).not.toContain('!!');
  });

  it('finds a target that the platform does not have, and credentials that it does not take, with what to do', async () => {
    const [other, wrong] = await Promise.all([check('check', '--online', file('other')), check('--json', 'check', '--online', file('wrong'))]);
    expect(other.code).toBe(1);
    expect(other.out).toMatch(
      /\n!! {2}school target: group:nowhere: the platform has no group called [^\n]+\n {6}write what it is called there as ref: of "nowhere"/,
    );
    expect(wrong).toMatchObject({ code: 1, err: '' });
    const { files } = JSON.parse(wrong.out) as { files: { ok: boolean; platforms: { platform: string; findings: object[] }[] }[] };
    expect(files).toMatchObject([
      {
        ok: true,
        platforms: [
          {
            platform: 'school',
            findings: expect.arrayContaining([expect.objectContaining({ check: 'credentials', ok: false, next: expect.stringMatching(/apiKey/) })]),
          },
        ],
      },
    ]);
  });

  it('asks for the sound files of a folder, and names the problems of the others', async () => {
    const all = await check('check', '--online');
    expect(all.code).toBe(1);
    expect(all.err).toBe('asking school of good …\nasking school of other …\nasking school of wrong …\n');
    expect(all.out).toMatch(/not-sound\.yaml: \d+ problems?\n/);
  });
});
