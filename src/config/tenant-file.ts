/**
 * config: what operators write. Owns the process settings (settings.ts) and the tenant files: their language (…-schema.ts, presets.ts),
 * what is wrong in one and where (check-*.ts, problem.ts), and what one means (connections.ts, platforms.ts, hand-offs.ts, rules.ts → core/tenant.ts).
 * Stores nothing, resolves no secret, knows no mode that a tenant is in. Only the composition root (app, cli) imports it.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Tenant } from '../core/tenant.ts';
import { checkConnections } from './check-connections.ts';
import { checkHandOffs } from './check-hand-offs.ts';
import { type Checked, checkNames } from './check-names.ts';
import { checkPlatforms } from './check-platforms.ts';
import { checkRules } from './check-rules.ts';
import { checkScim } from './check-scim.ts';
import { failingTests } from './check-tests.ts';
import { partsOf } from './parts.ts';
import { formatProblem, newReport, type Problem } from './problem.ts';
import { aliasesOf } from './rules.ts';
import { SLUG } from './scalars.ts';
import { reportIssues } from './schema-problems.ts';
import { judgedPart, tenantOf } from './tenant.ts';
import { DEFAULTS, type TenantFile, tenantFile } from './tenant-schema.ts';
import { MAX_FILE_BYTES } from './yaml-guard.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

export { formatProblem, type Problem };

export type Parsed = { ok: true; tenant: Tenant; warnings: Problem[] } | { ok: false; problems: Problem[] };

export interface ParseOptions {
  /** As problems shall name it. */
  file: string;
  tenantId: string;
  /** Where relative `file:` paths start; certificates are read from there. */
  baseDir: string;
}

/** More problems than this are counted, not listed. */
const MAX_PROBLEMS = 200;

/** Reads a whole tenant file. Never throws on any text; every problem that can be told is told at once, in the order of the file. */
export function parseTenantFile(text: string, options: ParseOptions): Parsed {
  const { source, problems } = readYaml(text.replace(/^\ufeff/, ''), options.file);
  if (!source) return { ok: false, problems };
  const { tenant, found } = understand(source, options);
  const all = found.length === 0 ? problems : [...problems, ...found];
  if (tenant === null || problems.length > 0) return { ok: false, problems: capped(all) };
  return { ok: true, tenant, warnings: capped(all) };
}

function understand(source: YamlSource, options: ParseOptions): { tenant: Tenant | null; found: Problem[] } {
  const report = newReport(options.file, source);
  const parsed = tenantFile.safeParse(source.data);
  if (!parsed.success) reportIssues(parsed.error.issues, source, report);
  if (!SLUG.test(options.tenantId)) report.error([], `the tenant id ${JSON.stringify(options.tenantId)} cannot be used`, NAME_HINT);

  const checked: Checked = { parts: partsOf(source.data, report), report, lineAt: (at) => source.valueAt(at).line };
  const aliases = aliasesOf(Object.fromEntries(checked.parts.aliases.map(({ value }) => [value.name, value.ids])));
  const defaultRole = (parsed.success && parsed.data.provisioning?.defaultRole) || DEFAULTS.defaultRole;
  checkNames(checked);
  checkConnections(checked, options.baseDir);
  checkRules(checked, { aliases, defaultRole });
  checkScim(source.data, report);
  checkPlatforms(checked, options.baseDir);
  checkHandOffs(checked, options.baseDir);

  if (['rules', 'groups', 'connections', 'tests', 'provisioning'].some((part) => report.flawed([part])))
    return { tenant: null, found: report.problems() };
  const file = source.data as TenantFile;
  const failures = failingTests(judgedPart(file, source)).map(({ test, message, hint }): Problem => {
    return { file: options.file, line: test.line, column: test.column, message, hint, severity: 'error' };
  });
  const sound = parsed.success && !report.flawed([]) && failures.length === 0;
  return { tenant: sound ? tenantOf(file, { ...options, source }) : null, found: [...report.problems(), ...failures] };
}

function capped(problems: Problem[]): Problem[] {
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  if (sorted.length <= MAX_PROBLEMS) return sorted;
  const shown = sorted.slice(0, MAX_PROBLEMS - 1);
  const rest = sorted.length - shown.length;
  return [...shown, { ...sorted[shown.length]!, message: `${rest} more problems follow`, hint: 'mend the first ones' }];
}

const NAME_HINT = 'name the file <tenant>.yaml: lower-case letters, digits and hyphens, at most 63, such as acme.yaml';

export interface TenantFileRead {
  tenantId: string;
  file: string;
  text: string;
  parsed: Parsed;
}

/**
 * Every tenant file of a folder, sorted by name. A file that looks like one and is named wrongly is a problem, not silence; other files are ignored.
 * Throws only when the folder itself cannot be read.
 */
export async function readTenantFolder(dir: string): Promise<{ files: TenantFileRead[] }> {
  const names = (await readdir(dir)).filter((name) => /\.ya?ml$/i.test(name) && !name.startsWith('.')).sort();
  const files: TenantFileRead[] = [];
  for (const name of names) files.push(await readTenantFile(dir, name));
  return { files };
}

async function readTenantFile(dir: string, name: string): Promise<TenantFileRead> {
  const file = path.join(dir, name);
  const tenantId = name.replace(/\.ya?ml$/i, '');
  const problem = (message: string, hint: string): TenantFileRead => {
    return { tenantId, file, text: '', parsed: { ok: false, problems: [{ file, line: 1, column: 1, message, hint, severity: 'error' }] } };
  };
  if (!name.endsWith('.yaml') || !SLUG.test(tenantId)) return problem(`${JSON.stringify(name)} is not named like a tenant file`, NAME_HINT);
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) return problem(`the file has ${size} bytes`, `at most ${MAX_FILE_BYTES} bytes (256 kB)`);
    const bytes = await readFile(file);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { tenantId, file, text, parsed: parseTenantFile(text, { file, tenantId, baseDir: dir }) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return problem('the file is not UTF-8', 'save it as UTF-8');
    return problem(`the file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, 'a readable text file');
  }
}
