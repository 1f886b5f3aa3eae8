/** `matricula map …`: a mapping is planned, published, followed, compared and rolled back. */
import { readFileSync } from 'node:fs';
import { type House, workbenchOf } from '../app.ts';
import { writeTest } from '../config/splice.ts';
import { isEmpty } from '../core/mapping-diff.ts';
import { testOfPerson } from '../flows/person-test.ts';
import { diffLines, planLines, planMarkdown } from '../flows/plan-page.ts';
import type { LiveTenant } from '../flows/tenants.ts';
import { BrokenDocument } from '../flows/workbench.ts';
import { EXIT, Exit, type Output, plain, table } from './output.ts';
import { stateOf } from './people.ts';
import { progress, publicationLines } from './tenants.ts';

/** Problems of the document are told one a line, as `check` tells them. */
async function told<T>(work: Promise<T>, file: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof BrokenDocument)
      throw new Exit(EXIT.refused, error.problems.map((problem) => problem.replace(/^[^:\s]+\.yaml:/, `${file}:`)).join('\n'));
    throw error;
  }
}

export interface PlanAsked {
  file: string;
  format: 'text' | 'markdown';
  /** People instead of numbers. */
  people: boolean;
  rule?: string;
  target?: string;
  after: string | null;
  limit: number;
}

export async function mapPlan(house: House, { tenant: { id } }: LiveTenant, asked: PlanAsked, out: Output): Promise<void> {
  const document = readFileSync(asked.file, 'utf8');
  const workbench = workbenchOf(house, 'whole');
  if (asked.people) {
    const { people, next } = await told(workbench.people(id, document, asked), asked.file);
    const rows = people.map((one) => [one.id, plain(one.userName), ...[one.gained, one.lost, one.held].map((list) => list.join(', '))]);
    const text = people.length === 0 ? 'nobody' : table(['id', 'userName', 'gains', 'loses', 'held'], rows);
    return out.result({ people, next }, `${text}${next ? `\nmore: --after ${next}` : ''}`);
  }
  const plan = await told(workbench.plan(id, document, noted(out)), asked.file);
  const hint = [
    '',
    'Nothing was changed. To publish just this:',
    `  matricula map publish ${id} ${asked.file} --plan ${plan.digest.slice(0, DIGEST)}`,
  ];
  out.result(plan, asked.format === 'markdown' ? planMarkdown(plan) : [...planLines(plan), ...hint].join('\n'));
}

function noted(out: Output): (done: number, all: number) => void {
  let told = 0;
  return (done, all) => {
    if (done - told < 10_000) return;
    told = done;
    out.note(`  ${done} of ${all} people`);
  };
}

/** So much of a digest is typed. */
const DIGEST = 16;

export interface Publishing {
  file: string;
  digest: string;
  comment: string | null;
  allowRemovals: boolean;
  allowOtherProvider?: boolean;
}

export async function mapPublish(house: House, { tenant: { id } }: LiveTenant, { file, ...asked }: Publishing, out: Output): Promise<void> {
  await publish(house, id, { ...asked, document: readFileSync(file, 'utf8'), file }, out);
}

async function publish(house: House, tenantId: string, { file, ...asked }: Publishing & { document: string }, out: Output): Promise<void> {
  const workbench = workbenchOf(house, 'whole');
  const publication = await told(workbench.publish({ tenantId, actor: 'cli', ...asked }), file);
  out.note(`version ${publication.mappingVersion} is in force; everybody is concluded under it`);
  const done = await workbench.run(publication, progress(out));
  out.result(done, publicationLines(done).join('\n'));
}

export async function mapStatus(house: House, { tenant: { id } }: LiveTenant, limit: number, out: Output): Promise<void> {
  const list = await workbenchOf(house, 'whole').publications(id, limit);
  const rows = list.map((one) => [
    String(one.revision),
    String(one.mappingVersion),
    one.startedAt.toISOString(),
    one.actor,
    publicationLines(one)[0]!,
    plain(one.comment ?? ''),
  ]);
  out.result({ publications: list }, list.length === 0 ? 'nothing yet' : table(['revision', 'version', 'at', 'by', 'how far', 'comment'], rows));
}

export async function mapCancel(house: House, { tenant: { id } }: LiveTenant, revision: number, out: Output): Promise<void> {
  const one = await workbenchOf(house, 'whole').cancel(id, revision, 'cli');
  out.result(
    one,
    `cancelled: ${one.done} of ${one.people} people are done; the others are concluded when they sign in, or with the next publication${one.brake ? '. Until then whatever anybody would lose is held' : ''}`,
  );
}

export async function mapVersions(house: House, { tenant: { id } }: LiveTenant, limit: number, out: Output): Promise<void> {
  const versions = await workbenchOf(house, 'whole').versions(id, limit);
  const rows = versions.map((v) => [
    `${v.version}${v.current ? ' *' : ''}`,
    v.createdAt.toISOString(),
    v.author,
    `${v.rules} rules`,
    plain(v.comment ?? ''),
  ]);
  out.result({ versions }, table(['version', 'at', 'by', 'rules', 'comment'], rows));
}

/** The document in force, or that of a version, as it was published. */
export async function mapShow(house: House, { tenant: { id } }: LiveTenant, version: number | null, out: Output): Promise<void> {
  const workbench = workbenchOf(house, 'whole');
  if (version === null) {
    const found = await workbench.document(id);
    return out.result(found, found.document);
  }
  const found = await workbench.version(id, version);
  out.result(found, found.text === '' ? `${JSON.stringify(found.document, null, 2)}` : found.text);
}

export async function mapDiff(house: House, { tenant: { id } }: LiveTenant, { from, to }: { from: number; to: number }, out: Output): Promise<void> {
  const diff = await workbenchOf(house, 'whole').diff(id, from, to);
  out.result(diff, isEmpty(diff) ? 'they mean the same' : diffLines(diff).join('\n'));
}

/** A plan like any other: shown first, published with its digest. */
export async function mapRollBack(
  house: House,
  { tenant: { id } }: LiveTenant,
  { version, digest, allowRemovals }: { version: number; digest: string | null; allowRemovals: boolean },
  out: Output,
): Promise<void> {
  const workbench = workbenchOf(house, 'whole');
  const document = await workbench.rollBack(id, version);
  const file = `version ${version}`;
  if (digest !== null) return publish(house, id, { file, document, digest, comment: `back to version ${version}`, allowRemovals }, out);
  const plan = await told(workbench.plan(id, document, noted(out)), file);
  const hint = ['', 'Nothing was changed. To do it:', `  matricula map roll-back ${id} ${version} --plan ${plan.digest.slice(0, DIGEST)}`];
  out.result(plan, [...planLines(plan), ...hint].join('\n'));
}

/** A test from a real person's kept facts, to be put under `tests:`. */
export async function mapTest(house: House, live: LiveTenant, { term, masked }: { term: string; masked: boolean }, out: Output): Promise<void> {
  const test = testOfPerson(await stateOf(house, live, term), live, { masked });
  out.result(test, writeTest(test));
}
