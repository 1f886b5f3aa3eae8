/** Tenant files on the command line: looked at, planned, taken in. Each test goes on from what the one before has left. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { commandIn } from './command.ts';

jest.setTimeout(120_000); // every command is a process of its own

const folder = mkdtempSync(join(tmpdir(), 'matricula-cli-'));
const tenants = join(folder, 'tenants');
const database = join(folder, 'matricula.db');
const matricula = commandIn({ tenants, database });
mkdirSync(tenants);
const good = join(tenants, 'acme.yaml');
cpSync(join('config', 'examples', 'acme.yaml'), good);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the command line over tenant files', () => {
  it('shows its commands with examples, and ends with 2 when called wrongly', async () => {
    const [help, unknown] = await Promise.all([matricula('--help'), matricula('frobnicate')]);
    expect(help.code).toBe(0);
    const names = 'serve demo check apply map user explain who journal mode token log doctor group migrate key';
    for (const name of names.split(' ')) expect(help.out).toMatch(`\n  ${name} `);
    expect(help.out).toMatch(/Examples:\n {2}matricula check config\/tenants\/acme\.yaml\n/);
    expect(unknown).toMatchObject({ code: 2, out: '', err: "error: unknown command 'frobnicate'\n" });
  });

  it('check names every problem with file, line and column, and ends with 1', async () => {
    const broken = join(folder, 'broken.yaml');
    writeFileSync(broken, 'name: Broken\ncolour: blue\nrules:\n  - id: a\n    when: { group: Sales }\n    enrol: [bundle:nowhere]\n');
    const [people, machine] = await Promise.all([matricula('check', good, broken), matricula('--json', 'check', good, broken)]);
    expect(people.code).toBe(1);
    const lines = people.out.trimEnd().split('\n');
    expect(lines).toContain(`${good}: good, 4 tests passed`);
    expect(lines.filter((line) => line.startsWith(`${broken}:2:1 `))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith(`${broken}:6:13 `))).toHaveLength(1);
    expect(machine.code).toBe(1);
    const { files } = JSON.parse(machine.out) as { files: { file: string; ok: boolean; problems: { line: number; column: number }[] }[] };
    expect(files.map(({ file, ok }) => [file, ok])).toEqual([
      [good, true],
      [broken, false],
    ]);
    expect(files[1]?.problems.map(({ line, column }) => [line, column])).toEqual(
      expect.arrayContaining([
        [2, 1],
        [6, 13],
      ]),
    );
    expect(existsSync(database)).toBe(false);
  });

  it('migrate makes the database, and finds nothing to do the second time', async () => {
    const made = await matricula('migrate', '--json');
    expect(made.code).toBe(0);
    expect((JSON.parse(made.out) as { applied: string[] }).applied.length).toBeGreaterThan(0);
    expect(await matricula('migrate')).toMatchObject({ code: 0, out: 'up to date\n' });
  });

  it('apply without --yes says what would be, and changes nothing', async () => {
    const planned = await matricula('apply');
    expect(planned.code).toBe(0);
    expect(planned.out).toMatch(/^\+ acme {2}new tenant, mode jit\n {4}\+ connection entra\n/);
    expect(planned.out).toContain('Nothing was changed. Apply it with: matricula apply --yes');
    const none = await matricula('user', 'list');
    expect(none).toMatchObject({ code: 2, out: '' });
    expect(none.err).toContain('which tenant?');
    expect(none.err).toContain('there are: none');
  });

  it('apply --yes creates the tenant, and the same file once more is no change', async () => {
    expect(await matricula('apply', '--yes')).toMatchObject({ code: 0, out: 'acme: created\n' });
    const again = await matricula('--json', 'apply', '--yes');
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(again.out)).toMatchObject({
      applied: true,
      tenants: [{ tenantId: 'acme', outcome: 'unchanged', problems: [], publication: null }],
    });
  });

  it('apply of a broken file leaves what is in force, and ends with 1', async () => {
    writeFileSync(good, 'name: Acme\nrules: none\n');
    const refused = await matricula('apply', '--yes');
    expect(refused.code).toBe(1);
    expect(refused.out).toContain('acme: broken');
    expect(refused.out).toContain('acme.yaml:2:8 ');
    const journal = await matricula('--json', 'journal');
    const { entries } = JSON.parse(journal.out) as { entries: { cause: string; actor: string }[] };
    expect(entries.map(({ cause, actor }) => [cause, actor])).toEqual([['apply', 'cli']]);
  });

  it('a setting that cannot be used stops every command that needs it, and ends with 2', async () => {
    const elsewhere = commandIn({ tenants, database, baseUrl: 'http://matricula.example' });
    const stopped = await elsewhere('journal');
    expect(stopped).toMatchObject({ code: 2, out: '' });
    expect(stopped.err).toContain('MATRICULA_BASE_URL');
  });
});
