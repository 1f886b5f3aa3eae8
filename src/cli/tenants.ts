/** `matricula check` and `matricula apply`: tenant files, looked at and taken in. */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { House } from '../app.ts';

import { formatProblem, type Problem } from '../config/problem.ts';
import { parseTenantFile, readTenantFolder } from '../config/tenant-file.ts';
import type { Tenant } from '../core/tenant.ts';
import { applyTenant, planTenants, type TenantChange, withoutFile } from '../flows/apply-tenants.ts';
import type { Checked } from '../flows/deliveries.ts';
import { connectionLines, diffLines, planLines, type ShownPlan, shownPlan } from '../flows/plan-page.ts';
import type { Publication } from '../store/publications.ts';
import { EXIT, Exit, type Output } from './output.ts';
import { checkPlatforms, findingLines } from './platform-check.ts';

/** Every problem of every file; needs no database. With `online` the platforms of every sound file are asked, within their limits, which are counted in the house. */
export async function check(paths: string[], folder: string, { out, online }: { out: Output; online: (() => Promise<House>) | null }): Promise<void> {
  const read =
    paths.length > 0 ? paths.map((file) => checkOne(file)) : (await readTenantFolder(folder)).files.map(({ file, parsed }) => ({ file, parsed }));
  const files = read.map(({ file, parsed }) => ({
    file,
    ok: parsed.ok,
    problems: parsed.ok ? parsed.warnings : parsed.problems,
    tests: parsed.ok ? parsed.tenant.tests.length : 0,
  }));
  const asked =
    online &&
    (await askAll(
      read.flatMap(({ file, parsed }) => (parsed.ok ? [{ file, tenant: parsed.tenant }] : [])),
      { out, online },
    ));
  const lines = files.flatMap((one) => [checked(one), ...findingLines(asked?.get(one.file) ?? [])]);
  const shown = asked ? files.map((one) => ({ ...one, platforms: asked.get(one.file) ?? [] })) : files;
  out.result({ files: shown }, lines.join('\n') || `no tenant files in ${folder}`);
  const found = [...(asked?.values() ?? [])].flat().flatMap(({ findings }) => findings);
  if (files.some((f) => !f.ok) || found.some((one) => !one.ok)) throw new Exit(EXIT.refused);
}

async function askAll(
  sound: { file: string; tenant: Tenant }[],
  { out, online }: { out: Output; online: () => Promise<House> },
): Promise<Map<string, Checked[]>> {
  const house = await online();
  const asked = new Map<string, Checked[]>();
  try {
    for (const { file, tenant } of sound) asked.set(file, await checkPlatforms(house, tenant, out));
  } finally {
    await house.close();
  }
  return asked;
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

export interface ApplyFlags {
  yes: boolean;
  allowRemovals: boolean;
  allowOtherProvider: boolean;
  /** Why files go over edits that were made since. */
  force?: string;
}

/** Prints what would change, people included; does it with `yes`. */
export async function apply(house: House, options: ApplyFlags, out: Output): Promise<void> {
  const files = await house.files();
  const changes = await planTenants(house.flow, files);
  const gone = (await withoutFile(house.flow, files)).map((id) => `? ${id}  no file any more; what was applied last stays in force`);
  const shown = new Map<string, ShownPlan>();
  for (const change of changes) if (change.kind === 'update') shown.set(change.tenantId, await shownOf(house, change));
  const plan = [...changes.map((change) => planned(change, shown)), ...gone].join('\n') || `no tenant files in ${house.settings.tenants}`;
  if (!options.yes) {
    const changing = changes.some((c) => c.kind === 'create' || c.kind === 'update');
    out.result(
      { applied: false, changes: changes.map((change) => summary(change, shown)) },
      `${plan}\n${changing ? '\nNothing was changed. Apply it with: matricula apply --yes' : ''}`,
    );
    if (changes.some((c) => c.kind === 'broken')) throw new Exit(EXIT.refused);
    return;
  }
  out.note(plan);
  const applied = [];
  for (const change of changes) applied.push(await applyTenant(house.flow, change, { actor: 'cli', ...options, onProgress: progress(out) }));
  const tokens = new Set(changes.flatMap((c) => (c.kind === 'create' && c.tenant.provisioning.initialMode === 'scim' ? [c.tenantId] : [])));
  out.result(
    { applied: true, tenants: applied },
    applied
      .flatMap((a) => [
        `${a.tenantId}: ${a.outcome}`,
        ...a.problems.map((p) => `  ${p}`),
        ...(a.publication ? publicationLines(a.publication).map((line) => `  ${line}`) : []),
        ...(tokens.has(a.tenantId) ? [`  its directory needs a token: matricula token create ${a.tenantId}`] : []),
      ])
      .join('\n'),
  );
  if (applied.some((a) => a.problems.length > 0)) throw new Exit(EXIT.refused);
}

const shownOf = async (house: House, { plan }: Extract<TenantChange, { kind: 'update' }>): Promise<ShownPlan> =>
  shownPlan(plan, { platforms: await house.planPlatforms(plan), warnings: [] });

/** Every so often, so that a terminal shows that it goes on. */
export function progress(out: Output): (publication: Publication) => void {
  let told = 0;
  return ({ done, people }) => {
    if (done - told < 2000) return;
    told = done;
    out.note(`  ${done} of ${people} people`);
  };
}

export const publicationLines = ({ state, done, people, changed, gaining, losing, holding, brake }: Publication): string[] => [
  `${state}: ${done} of ${people} people, ${changed} changed, ${gaining} gained, ${losing} lost${holding > 0 ? `, of ${holding} something is held` : ''}`,
  ...(brake && holding > 0 ? ['more would be lost than the limits allow: look at matricula held, then release or drop it with a reason'] : []),
];

function planned(change: TenantChange, shown: ReadonlyMap<string, ShownPlan>): string {
  if (change.kind === 'unchanged')
    return `= ${change.tenantId}  (no change${change.edited ? '; it was edited since, and the edit stays: matricula map show' : ''})`;
  if (change.kind === 'broken')
    return [`! ${change.tenantId}  the file is broken; what is in force stays`, ...change.problems.map((p) => `    ${p}`)].join('\n');
  if (change.kind === 'create') {
    const { tenantId, tenant, connections, rules } = change;
    const lines = [`+ ${tenantId}  new tenant, mode ${tenant.provisioning.initialMode}`, ...connectionLines(connections), ...diffLines(rules)];
    return lines.join('\n    ');
  }
  const edited = change.edited ? ['it was edited since this file was taken in, and the file has changed, too: needs --force "why"'] : [];
  return [`~ ${change.tenantId}`, ...[...edited, ...planLines(shown.get(change.tenantId)!)].map((line) => `    ${line}`)].join('\n');
}

function summary(change: TenantChange, shown: ReadonlyMap<string, ShownPlan>): object {
  if (change.kind === 'unchanged' || change.kind === 'broken') return change;
  const { kind, tenantId, file } = change;
  if (kind === 'create') return { kind, tenantId, file, connections: change.connections, rules: change.rules };
  return { kind, tenantId, file, edited: change.edited, plan: shown.get(tenantId) };
}
