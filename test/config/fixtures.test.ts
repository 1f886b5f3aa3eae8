import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { formatProblem, parseTenantFile } from '../../src/config/tenant-file.ts';

/**
 * Every file in fixtures/mappings, and beside it exactly what is said of it: `line:column message (hint)`, one a line.
 * After a change of wording, `UPDATE_EXPECTED=1 npx jest test/config/fixtures` rewrites them; read the difference before you commit it.
 */
const root = path.resolve(import.meta.dirname, '../../fixtures/mappings');
const filesOf = (folder: string) => readdirSync(path.join(root, folder)).filter((name) => name.endsWith('.yaml'));

function check(folder: string, name: string) {
  const dir = path.join(root, folder);
  const parsed = parseTenantFile(readFileSync(path.join(dir, name), 'utf8'), { file: name, tenantId: 'acme', baseDir: dir });
  const said = (parsed.ok ? parsed.warnings : parsed.problems).map((p) =>
    formatProblem(p)
      .slice(name.length + 1)
      .replace(' ', p.severity === 'warning' ? ' warning: ' : ' '),
  );
  const file = path.join(dir, name.replace(/\.yaml$/, '.expected'));
  const text = said.map((line) => `${line}\n`).join('');
  if (process.env['UPDATE_EXPECTED'] && (folder === 'invalid' || text !== '')) writeFileSync(file, text);
  return { parsed, said, expected: () => readFileSync(file, 'utf8').trimEnd().split('\n') };
}

describe('a broken tenant file', () => {
  it.each(filesOf('invalid'))('%s is refused, and every problem is told with its place and what would be right', (name) => {
    const { parsed, said, expected } = check('invalid', name);
    expect(parsed.ok).toBe(false);
    expect(said).toEqual(expected());
  });

  it('never shows what may be a secret', () => {
    for (const name of filesOf('invalid')) expect(check('invalid', name).said.join('\n')).not.toMatch(/hunter2|31337|geheim|MIIE/);
  });

  it('comes in at least 35 kinds', () => expect(filesOf('invalid').length).toBeGreaterThanOrEqual(35));
});

describe('a sound tenant file', () => {
  it.each(filesOf('valid').filter((name) => !name.startsWith('warns-')))('%s is taken in without a warning, and its tests hold', (name) => {
    const { parsed, said } = check('valid', name);
    expect(said).toEqual([]);
    expect(parsed.ok).toBe(true);
    if (parsed.ok && name !== 'smallest.yaml') expect(parsed.tenant.tests.length).toBeGreaterThan(0);
  });

  it.each(filesOf('valid').filter((name) => name.startsWith('warns-')))('%s is taken in with its warnings', (name) => {
    const { parsed, said, expected } = check('valid', name);
    expect(parsed.ok).toBe(true);
    expect(said).toEqual(expected());
  });
});
