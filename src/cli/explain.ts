/** `matricula explain` and `who`: why someone has an enrolment, why not, and who has what by what. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type House, workbenchOf } from '../app.ts';
import type { Verdict } from '../core/conclude.ts';
import type { Moment } from '../core/history.ts';
import type { Target } from '../core/model.ts';
import { type AtPlatform, type Explained, explainPerson, type Waiting } from '../flows/explain.ts';
import type { LiveTenant } from '../flows/tenants.ts';
import type { WhoAsked } from '../flows/workbench.ts';
import { EXIT, Exit, type Output, plain, table } from './output.ts';
import { stateOf } from './people.ts';

export async function explain(
  house: House,
  live: LiveTenant,
  { term, target }: { term: string; target: Target | undefined },
  out: Output,
): Promise<void> {
  const state = await stateOf(house, live, term);
  const told = await explainPerson(house, live, state, target);
  const head = `${plain(told.user.userName)} in ${live.tenant.id}, mode ${told.mode}, mapping version ${told.mappingVersion}`;
  out.result(
    told,
    [head, ...told.explanations.flatMap(explained), ...told.waiting.flatMap((one) => waitingLines(one, told.user.id, live))].join('\n'),
  );
}

function waitingLines({ platform, state, since, attempts, failedReason }: Waiting, userId: string, { tenant }: LiveTenant): string[] {
  const tried = attempts > 0 ? `, ${attempts} attempts: ${plain(failedReason ?? '')}` : '';
  if (state === 'waiting') return [`not yet at ${platform} since ${since.toISOString()}${tried}`];
  const again = `  to try it again: matricula delivery retry ${tenant.id} --platform ${platform} --user ${userId}`;
  return [`dead letter: ${platform} has not been told since ${since.toISOString()}${tried}`, again];
}

function explained({ target, enrolled, grants, rules, platforms, history }: Explained): string[] {
  return [
    `${enrolled ? 'yes' : 'no '}  ${target}`,
    ...grants.filter((g) => g.source === 'manual').map((g) => `       given by hand on ${g.since.toISOString()}`),
    ...rules.map((r) =>
      r.firstFailed === null
        ? `       rule ${r.rule.id} (line ${r.rule.line}) holds for ${r.source}: ${told(r.verdict)}`
        : `       rule ${r.rule.id} (line ${r.rule.line}) does not hold for ${r.source}: ${told(r.firstFailed)}; seen: ${r.firstFailed.saw.map(plain).join(', ') || 'nothing'}`,
    ),
    ...(rules.length === 0 && grants.length === 0
      ? ['       no rule that names it was judged: no rule names it, or no source has said anything that counts']
      : []),
    ...history.slice(0, 5).map(moment),
    ...platforms.map(({ platform, state }) => `       at ${platform}: ${AT[state]}`),
  ];
}

const AT: Record<AtPlatform['state'], string> = {
  given: 'there',
  ordered: 'ordered, not there yet',
  'by-hand': 'a task for somebody (matricula task list)',
  unknown: 'it has no such thing (matricula platform list)',
  'not-yet': 'not yet',
};

const moment = ({ at, what, rule, reason, actor, mappingVersion }: Moment): string =>
  `       ${at.toISOString()} ${what}${rule === '' ? ' by hand' : ` by rule ${rule}`}: ${reason}, ${actor}${mappingVersion === null ? '' : `, mapping version ${mappingVersion}`}`;

function told({ condition: c, of }: Verdict): string {
  switch (c.kind) {
    case 'group':
      return `group ${'glob' in c.test ? `like ${c.test.glob}` : c.label}${c.ids ? ` (${c.ids.join(', ')})` : ''}`;
    case 'claim':
      return `claim ${c.name} ${Object.entries(c.test)
        .map(([how, what]) => `${how} ${Array.isArray(what) ? what.join(' or ') : String(what)}`)
        .join(' ')}`;
    case 'emailDomain':
      return `e-mail domain ${c.domain}`;
    case 'connection':
      return `connection ${c.connection}`;
    case 'not':
      return `not (${of.map(told).join(', ')})`;
    default:
      return `${c.kind} of (${of.map(told).join('; ')})`;
  }
}

const values = z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number(), z.boolean()]))]);
const claimsFile = z.strictObject({
  connection: z.string().optional(),
  email: z.string().optional(),
  groups: z.array(z.string()).optional(),
  claims: z.record(z.string(), values).optional(),
});

/** What would happen to somebody who came with the claims of a file: `{"connection","email","groups","claims"}`. */
export async function explainClaims(house: House, live: LiveTenant, file: string, out: Output): Promise<void> {
  const read = claimsFile.safeParse(json(file));
  if (!read.success)
    throw new Exit(EXIT.refused, `${file}: ${read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`);
  const { connection, email, groups, claims } = read.data;
  const texts = Object.entries(claims ?? {}).map(([name, value]): [string, string[]] => [name, [value].flat().map(String)]);
  const given = { connection: connection ?? null, email: email ?? null, groups: groups ?? [], claims: Object.fromEntries(texts) };
  const told = await workbenchOf(house, 'whole').claims(live.tenant.id, given);
  out.result(
    told,
    [
      `at connection ${told.connection}, mapping version ${told.mappingVersion}: role ${told.role}`,
      ...(told.targets.length === 0 ? ['no enrolment'] : told.targets.map(({ target, rule }) => `${target} by rule ${rule}`)),
    ].join('\n'),
  );
}

function json(file: string): unknown {
  const text = readFileSync(file, 'utf8');
  try {
    return JSON.parse(text);
  } catch {
    throw new Exit(EXIT.refused, `${file}: not JSON`);
  }
}

export async function whoHas(house: House, live: LiveTenant, asked: WhoAsked, out: Output): Promise<void> {
  const { people, next } = await workbenchOf(house, 'whole').who(live.tenant.id, asked);
  const rows = people.map(({ id, status, userName, grants }) => [
    id,
    status,
    plain(userName),
    grants.map(({ target, rule }) => `${target} (${rule || 'by hand'})`).join(', '),
  ]);
  out.result(
    { people, next },
    people.length === 0 ? 'nobody' : `${table(['id', 'status', 'userName', 'has'], rows)}${next ? `\nmore: --after ${next}` : ''}`,
  );
}
