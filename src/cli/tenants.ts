/** `matricula check` and `matricula apply`: tenant files, looked at and taken in. */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { House } from '../app.ts';

import { formatProblem, type Problem } from '../config/problem.ts';
import { parseTenantFile, readTenantFolder } from '../config/tenant-file.ts';
import { applyTenant, hasChanges, type ListDiff, planTenants, type TenantChange, withoutFile } from '../flows/apply-tenants.ts';
import type { RemapSummary } from '../flows/remap.ts';
import { EXIT, Exit, type Output } from './output.ts';

/** Every problem of every file; needs no database. */
export async function check(paths: string[], folder: string, out: Output): Promise<void> {
  const read =
    paths.length > 0 ? paths.map((file) => checkOne(file)) : (await readTenantFolder(folder)).files.map(({ file, parsed }) => ({ file, parsed }));
  const files = read.map(({ file, parsed }) => ({
    file,
    ok: parsed.ok,
    problems: parsed.ok ? parsed.warnings : parsed.problems,
    tests: parsed.ok ? parsed.tenant.tests.length : 0,
  }));
  out.result({ files }, files.map(checked).join('\n') || `no tenant files in ${folder}`);
  if (files.some((f) => !f.ok)) throw new Exit(EXIT.refused);
}

function checkOne(file: string) {
  const text = readFileSync(file, 'utf8');
  return {
    file,
    parsed: parseTenantFile(text, { file, tenantId: basename(file).replace(/\.ya?ml$/, ''), baseDir: file.slice(0, -basename(file).length) || '.' }),
  };
}

function checked({ file, ok, problems, tests }: { file: string; ok: boolean; problems: Problem[]; tests: number }): string {
  const errors = problems.filter((p) => p.severity === 'error').length;
  const lines = problems.map((p) => (p.severity === 'warning' ? `warning: ${formatProblem(p)}` : formatProblem(p)));
  return [
    ...lines,
    ok ? `${file}: good, ${tests} test${tests === 1 ? '' : 's'} passed` : `${file}: ${errors} problem${errors === 1 ? '' : 's'}`,
  ].join('\n');
}

/** Prints what would change, people included; does it with `yes`. */
export async function apply(
  house: House,
  options: { yes: boolean; allowRemovals: boolean; allowOtherProvider: boolean },
  out: Output,
): Promise<void> {
  const files = await house.files();
  const changes = await planTenants(house.flow, files);
  const gone = (await withoutFile(house.flow, files)).map((id) => `? ${id}  no file any more; what was applied last stays in force`);
  const plan = [...changes.map(planned), ...gone].join('\n') || `no tenant files in ${house.settings.tenants}`;
  if (!options.yes) {
    out.result(
      { applied: false, changes: changes.map(summary) },
      `${plan}\n${changes.some((c) => c.kind === 'create' || c.kind === 'update') ? '\nNothing was changed. Apply it with: matricula apply --yes' : ''}`,
    );
    if (changes.some((c) => c.kind === 'broken')) throw new Exit(EXIT.refused);
    return;
  }
  out.note(plan);
  const applied = [];
  for (const change of changes) applied.push(await applyTenant(house.flow, change, { actor: 'cli', ...options }));
  const tokens = new Set(changes.flatMap((c) => (c.kind === 'create' && c.tenant.provisioning.initialMode === 'scim' ? [c.tenantId] : [])));
  out.result(
    { applied: true, tenants: applied },
    applied
      .flatMap((a) => [
        `${a.tenantId}: ${a.outcome}`,
        ...a.problems.map((p) => `  ${p}`),
        ...(a.people ? people(a.people, true) : []),
        ...(tokens.has(a.tenantId) ? [`  its directory needs a token: matricula token create ${a.tenantId}`] : []),
      ])
      .join('\n'),
  );
  if (applied.some((a) => a.problems.length > 0)) throw new Exit(EXIT.refused);
}

function planned(change: TenantChange): string {
  if (change.kind === 'unchanged') return `= ${change.tenantId}  (no change)`;
  if (change.kind === 'broken')
    return [`! ${change.tenantId}  the file is broken; what is in force stays`, ...change.problems.map((p) => `    ${p}`)].join('\n');
  const head = change.kind === 'create' ? `+ ${change.tenantId}  new tenant, mode ${change.tenant.provisioning.initialMode}` : `~ ${change.tenantId}`;
  const lists = [...listed('connection', change.connections), ...listed('rule', change.rules)];
  const other = change.kind === 'update' && !hasChanges(change.connections) && !hasChanges(change.rules) ? ['    settings or catalogue only'] : [];
  const moved =
    change.kind === 'update'
      ? change.otherProvider.map((id) => `    connection ${id} would trust another provider: needs --allow-other-provider`)
      : [];
  return [head, ...lists, ...other, ...moved, ...(change.kind === 'update' ? people(change.people) : [])].join('\n');
}

const listed = (what: string, { added, removed, changed }: ListDiff): string[] => [
  ...added.map((id) => `    + ${what} ${id}`),
  ...changed.map((id) => `    ~ ${what} ${id}`),
  ...removed.map((id) => `    - ${what} ${id}`),
];

function people(summary: RemapSummary, done = false): string[] {
  const targets = Object.entries(summary.byTarget).map(([target, n]) => `      ${target}  +${n.gained} -${n.lost}`);
  const refused =
    summary.refused.length > 0
      ? [`    ${summary.refused.length} left as they are: ${[...new Set(summary.refused.map((r) => r.code))].join(', ')}`]
      : [];
  const over = summary.overLimit && !done ? ['    more than provisioning.limits.removals allows: needs --allow-removals'] : [];
  return [`    people: ${summary.people}, ${summary.gaining} gain, ${summary.losing} lose`, ...targets, ...refused, ...over];
}

function summary(change: TenantChange): object {
  if (change.kind === 'unchanged' || change.kind === 'broken') return change;
  const { kind, tenantId, file, connections, rules } = change;
  return {
    kind,
    tenantId,
    file,
    connections,
    rules,
    ...(change.kind === 'update' ? { people: change.people, otherProvider: change.otherProvider } : {}),
  };
}
