/** People on the command line, beside a gateway that serves them. Each test goes on from what the one before has left. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startWorld, type World } from '../../fixtures/demo/demo.ts';
import { signInByOidc, signInBySaml } from '../../fixtures/demo/once.ts';
import { commandIn, type Ended } from './command.ts';

jest.setTimeout(120_000); // every command is a process of its own

const folder = mkdtempSync(join(tmpdir(), 'matricula-cli-'));
const tenants = join(folder, 'tenants');
let world: World;
let matricula: (...args: string[]) => Promise<Ended>;

beforeAll(async () => {
  // Any free ports: two worlds that both like 8080 may start at the same moment.
  writeFileSync(join(folder, 'ports.json'), JSON.stringify({ gateway: 0, saml: 0, oidc: 0, academy: 0 }));
  world = await startWorld({ folder, quiet: true });
  matricula = commandIn({ tenants, database: join(folder, 'matricula.db'), baseUrl: world.baseUrl });
  await signInBySaml(world, 'acme-amara');
  await signInByOidc(world, 'bjorn@acme.example');
  // Refused: the provider says disabled.
  await expect(signInBySaml(world, 'acme-dmitri')).rejects.toThrow(/403/);
});
afterAll(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

const json = async <T>(...args: string[]): Promise<T> => {
  const { code, out, err } = await matricula('--json', ...args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as T;
};

describe('the command line over people', () => {
  it('lists people and shows one of them with everything that is known', async () => {
    const [{ users, next }, shown] = await Promise.all([
      json<{ users: { userName: string }[]; next: string | null }>('user', 'list'),
      matricula('user', 'show', 'AMARA@acme.example'),
    ]);
    expect(users.map(({ userName }) => userName)).toEqual(['amara@acme.example', 'bjorn@acme.example']);
    expect(next).toBeNull();
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(/^Amara Okafor <amara@acme\.example> {2}active, learner, id /);
    expect(shown.out).toContain('connection:saml acme-amara: groups All Staff, Sales (last: listed)');
    expect(shown.out).toContain('enrolled in bundle:sales-onboarding by sales');
  });

  it('explains why, and why not', async () => {
    const [why, whyNot] = await Promise.all([
      matricula('explain', 'amara@acme.example', 'bundle:sales-onboarding'),
      matricula('explain', 'amara@acme.example', 'collection:executive'),
    ]);
    expect(why).toMatchObject({ code: 0, err: '' });
    expect(why.out).toMatch(
      /\nyes {2}bundle:sales-onboarding\n {7}rule sales \(line \d+\) holds for connection:saml: group Sales\n {7}\S+ came by rule sales: rule-matched, connection:saml, mapping version 1\n/,
    );
    expect(whyNot.out).toMatch(
      /\nno {3}collection:executive\n {7}rule executives \(line \d+\) does not hold for connection:saml: group Executives; seen: All Staff, Sales\n$/,
    );
  });

  it('gives by hand, tells so, and the next sign-in leaves it', async () => {
    const given = await matricula('user', 'edit', 'amara@acme.example', '--grant', 'collection:executive');
    expect(given).toMatchObject({ code: 0, out: 'done: gained collection:executive, lost nothing\n' });
    const { explanations } = await json<{ explanations: { enrolled: boolean; grants: { source: string }[] }[] }>(
      'explain',
      'amara@acme.example',
      'collection:executive',
    );
    expect(explanations).toMatchObject([{ enrolled: true, grants: [{ source: 'manual' }] }]);
    expect((await signInBySaml(world, 'acme-amara')).enrolments.map(({ target }) => target)).toContain('collection:executive');
  });

  it('finds a refused sign-in in the journal by the reference that the page showed', async () => {
    const { entries } = await json<{ entries: { code: string; reference: string; detail: { check: string } }[] }>('journal', '--outcome', 'FAILED');
    expect(entries).toMatchObject([{ code: 'account-locked', detail: { check: 'link/disabled' } }]);
    const one = await matricula('journal', '--reference', entries[0]!.reference);
    expect(one.out.trimEnd().split('\n')).toHaveLength(2); // the head and the one line
    expect(one.out).toContain('account-locked');
  });

  it('tells who would gain and lose before a changed rule is taken in, and does it with --yes', async () => {
    const file = join(tenants, 'acme.yaml');
    const before = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      before
        .replace('when: { group: Engineering }', 'when: { group: Platform }')
        .replace('when: { group: Executives }', 'when: { group: Engineering }'),
    );
    const planned = await matricula('apply');
    expect(planned).toMatchObject({ code: 0, err: '' });
    expect(planned.out).toContain(
      '~ acme\n    ~ rule engineering: other people\n    ~ rule executives: other people\n    people: 2, 1 gain, 1 lose\n',
    );
    expect(planned.out).toContain('      bundle:engineering-basics  +0 -1  (0 keep it)\n');
    expect(planned.out).toContain('      collection:executive  +1 -0  (1 keep it)\n');
    expect((await signInByOidc(world, 'bjorn@acme.example')).enrolments.map(({ target }) => target)).toContain('bundle:engineering-basics');
    const applied = await json<{ tenants: { outcome: string; publication: object }[] }>('apply', '--yes');
    expect(applied.tenants).toMatchObject([
      { outcome: 'updated', publication: { state: 'done', people: 2, changed: 1, gaining: 1, losing: 1, holding: 0 } },
    ]);
    const bjorn = await json<{ grants: { target: string }[] }>('user', 'show', 'bjorn@acme.example');
    expect(bjorn.grants.map(({ target }) => target).sort()).toEqual(['bundle:welcome', 'collection:executive', 'group:all-staff']);
  });

  it('plans, publishes, follows, compares and goes back', async () => {
    const draft = join(folder, 'draft.yaml');
    const file = readFileSync(join(tenants, 'acme.yaml'), 'utf8');
    writeFileSync(draft, file.replace('when: { group: Platform }', 'when: { group: Engineering }'));
    const planned = await matricula('map', 'plan', 'acme', draft);
    expect(planned).toMatchObject({ code: 0, err: '' });
    expect(planned.out).toMatch(
      /^~ rule engineering: other people\npeople: 2, 1 gain, 0 lose\n {2}bundle:engineering-basics {2}\+1 -0 {2}\(0 keep it\)\n/,
    );
    const [, command, digest] = /\n {2}(matricula map publish acme \S+ --plan ([0-9a-f]{16}))\n/.exec(planned.out)!;
    expect(command).toContain(draft);
    const markdown = await matricula('map', 'plan', 'acme', draft, '--format', 'markdown');
    expect(markdown.out).toContain('| <code>bundle:engineering-basics</code> | 1 | 0 | 0 | 0 |');
    const people = await json<{ people: { userName: string; gained: string[] }[] }>(
      'map',
      'plan',
      'acme',
      draft,
      '--people',
      '--rule',
      'engineering',
    );
    expect(people.people).toMatchObject([{ userName: 'bjorn@acme.example', gained: ['bundle:engineering-basics'] }]);

    const published = await matricula('map', 'publish', 'acme', draft, '--plan', digest!, '--comment', 'engineers again');
    expect(published).toMatchObject({ code: 0, out: 'done: 2 of 2 people, 1 changed, 1 gained, 0 lost\n' });
    const twice = await matricula('map', 'publish', 'acme', draft, '--plan', digest!);
    expect(twice).toMatchObject({ code: 1, err: expect.stringContaining('a plan is used once') });
    expect((await matricula('map', 'versions', 'acme')).out).toMatch(/\n3 \* .* cli +\d+ rules +engineers again\n2 /);
    expect((await matricula('map', 'status', 'acme')).out).toContain('engineers again');
    expect((await matricula('map', 'show', 'acme')).out).toBe(readFileSync(draft, 'utf8'));
    expect((await matricula('map', 'diff', 'acme', '1', '3')).out).toBe('~ rule executives: other people\n');
    // What was edited here is not overwritten by a file that has not changed.
    expect((await matricula('apply')).out).toContain('it was edited since, and the edit stays');

    const back = await matricula('map', 'roll-back', 'acme', '1');
    expect(back.out).toContain('  collection:executive  +0 -1  (1 keep it)\n');
    const [, plan] = /--plan ([0-9a-f]{16})\n/.exec(back.out)!;
    expect(await matricula('map', 'roll-back', 'acme', '1', '--plan', plan!)).toMatchObject({ code: 0, out: expect.stringContaining('1 lost') });
    writeFileSync(join(tenants, 'acme.yaml'), (await matricula('map', 'show', 'acme')).out);
    expect((await matricula('apply', '--yes')).out).toContain('acme: unchanged');
  });

  it('says where a draft is broken, as check does', async () => {
    const draft = join(folder, 'broken.yaml');
    writeFileSync(draft, 'name: Acme\nrules: none\n');
    const [planned, checked] = await Promise.all([matricula('map', 'plan', 'acme', draft), matricula('check', draft)]);
    expect(planned).toMatchObject({ code: 1, out: '' });
    const told = planned.err
      .replace(/^matricula: /, '')
      .trimEnd()
      .split('\n');
    expect(told).toContainEqual(expect.stringMatching(/broken\.yaml:2:8 /));
    expect(told).toEqual(checked.out.split('\n').filter((line) => line.includes('broken.yaml:2:')));
  });

  it('writes a test from a person, tells who has what, and what somebody would get', async () => {
    const test = await matricula('map', 'test', '--from-user', 'amara@acme.example', '--masked');
    expect(test.out).toContain('- name: somebody\n');
    expect(test.out).toContain('email: someone@acme.example');
    expect(test.out).not.toContain('amara');
    const file = join(tenants, 'acme.yaml');
    const before = readFileSync(file, 'utf8');
    // What it wrote is a test that holds.
    const tests = test.out.replace(/^/gm, '  ');
    writeFileSync(join(folder, 'with-test.yaml'), before.replace(/^tests:\n/m, `tests:\n${tests.trimEnd()}\n`));
    expect((await matricula('check', join(folder, 'with-test.yaml'))).code).toBe(0);
    const who = await json<{ people: { userName: string }[] }>('who', '--rule', 'sales');
    expect(who.people).toMatchObject([{ userName: 'amara@acme.example' }]);
    const claims = join(folder, 'claims.json');
    writeFileSync(claims, JSON.stringify({ connection: 'saml', email: 'new@acme.example', groups: ['Sales'] }));
    expect((await matricula('explain', '--claims', claims)).out).toContain('bundle:sales-onboarding by rule sales');
    expect(await matricula('explain')).toMatchObject({ code: 2 });
  });

  it('does not take in a change that an example in the file contradicts', async () => {
    const file = join(tenants, 'acme.yaml');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replace('when: { group: Sales }', 'when: { group: Engineering }'));
    const refused = await matricula('apply', '--yes');
    writeFileSync(file, before);
    expect(refused.code).toBe(1);
    expect(refused.out).toContain('a salesperson is onboarded');
    expect((await signInBySaml(world, 'acme-amara')).enrolments.map(({ target }) => target)).toContain('bundle:sales-onboarding');
  });

  it('makes a key that opens its own tenant in the running gateway, and says it once', async () => {
    const { key, tenantId } = await json<{ key: string; tenantId: string }>('--tenant', 'acme', 'key', 'create', '--name', 'reports');
    expect(tenantId).toBe('acme');
    const ask = (tenant: string, bearer: string) =>
      fetch(`${world.baseUrl}/api/v1/tenants/${tenant}/users`, { headers: { authorization: `Bearer ${bearer}` } });
    const answered = await ask('acme', key);
    expect(answered.status).toBe(200);
    expect(((await answered.json()) as { users: object[] }).users).toHaveLength(2);
    expect((await ask('other', key)).status).toBe(404);
    expect((await ask('acme', `${key}x`)).status).toBe(401);
    // Not in the database either: it keeps a keyed hash.
    const stored = ['matricula.db', 'matricula.db-wal'].map((name) => readFileSync(join(folder, name)));
    expect(stored.some((bytes) => bytes.includes(key))).toBe(false);
  });

  it('names the tenants there are, and what to give, when it finds nothing', async () => {
    const [tenant, person] = await Promise.all([matricula('--tenant', 'nope', 'user', 'list'), matricula('user', 'show', 'nobody@acme.example')]);
    expect(tenant).toEqual({ code: 1, out: '', err: 'matricula: no tenant nope; there are: acme\n' });
    expect(person).toEqual({ code: 1, out: '', err: 'matricula: no user nobody@acme.example in tenant acme: give an id, a userName or an e-mail\n' });
  });
});
