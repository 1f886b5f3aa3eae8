/** The plan of a document, as it is shown: for a terminal, for a pull request (Markdown), for machines. Printers only; none of them computes. */
import { isEmpty, type MappingDiff } from '../core/mapping-diff.ts';
import type { Moves } from '../core/outlook.ts';
import type { PlatformOutlook } from '../core/platform-outlook.ts';
import type { DocumentPlan, ListDiff } from './documents.ts';
import type { Shift } from './meanings.ts';

/** One value, for every surface. */
export interface ShownPlan {
  tenant: string;
  /** `publish` takes it. */
  digest: string;
  mappingVersion: number;
  rules: MappingDiff;
  connections: ListDiff;
  people: { all: number; changed: number; gaining: number; losing: number; held: number };
  /** What would be lost is more than the limits allow: it is held until an operator releases it. */
  overLimit: boolean;
  byTarget: Record<string, Moves>;
  byRule: Record<string, Moves>;
  roles: { raised: number; lowered: number };
  refused: Record<string, number>;
  /** What each learning platform would hear, and what it cannot do. */
  deliveries: PlatformOutlook[];
  /** Targets that would be something else at a learning platform for whoever has them already; `overLimit`: so many would lose something, 0 = within the limits. */
  shifts: Shift[];
  otherProvider: string[];
  suspicions: string[];
  warnings: string[];
}

export function shownPlan(plan: DocumentPlan, { platforms, warnings }: { platforms: PlatformOutlook[]; warnings: string[] }): ShownPlan {
  const { outlook, overLimit } = plan.people;
  return {
    tenant: plan.tenantId,
    digest: plan.digest,
    mappingVersion: plan.row.mappingVersion + (isEmpty(plan.rules) ? 0 : 1),
    rules: plan.rules,
    connections: plan.connections,
    people: { all: outlook.people, changed: outlook.changed, gaining: outlook.gaining, losing: outlook.losing, held: outlook.held },
    overLimit,
    byTarget: outlook.byTarget,
    byRule: outlook.byRule,
    roles: { raised: outlook.roles.raised, lowered: outlook.roles.lowered },
    refused: outlook.refused,
    deliveries: platforms,
    shifts: plan.shifts,
    otherProvider: plan.otherProvider,
    suspicions: plan.suspicions.map(({ message }) => message),
    warnings,
  };
}

const quiet = ({ gain, lose, held }: Moves): boolean => gain + lose + held === 0;
const moved = (all: Record<string, Moves>): [string, Moves][] =>
  Object.entries(all)
    .filter(([, moves]) => !quiet(moves))
    .sort(([a], [b]) => (a < b ? -1 : 1));
const lossOf = (overLimit: boolean): string => (overLimit ? 'would be held' : 'lose');

/** `+ rule x`, `- rule y`, `~ rule z: …`. */
export function diffLines({ added, removed, changed }: MappingDiff): string[] {
  return [
    ...added.map((id) => `+ rule ${id}`),
    ...removed.map((id) => `- rule ${id}`),
    ...changed.map(({ rule, targets, role, condition }) => {
      const parts = [
        ...targets.added.map((target) => `+${target}`),
        ...targets.removed.map((target) => `-${target}`),
        ...(role ? [`role ${role.from ?? 'none'} → ${role.to ?? 'none'}`] : []),
        ...(condition ? ['other people'] : []),
      ];
      return `~ rule ${rule}: ${parts.join(', ')}`;
    }),
  ];
}

export const connectionLines = ({ added, changed, removed }: ListDiff): string[] => [
  ...added.map((id) => `+ connection ${id}`),
  ...changed.map((id) => `~ connection ${id}`),
  ...removed.map((id) => `- connection ${id}`),
];

export function planLines(plan: ShownPlan): string[] {
  const { people, overLimit, roles } = plan;
  const changes = [...connectionLines(plan.connections), ...diffLines(plan.rules)];
  const loss = lossOf(overLimit);
  const line = ([name, n]: [string, Moves]) => `  ${name}  +${n.gain} -${n.lose}${n.held > 0 ? ` held ${n.held}` : ''}  (${n.keep} keep it)`;
  return [
    ...(changes.length > 0 ? changes : ['settings or catalogue only']),
    `people: ${people.all}, ${people.gaining} gain, ${people.losing} ${loss}${people.held > 0 ? `, ${people.held} more held` : ''}`,
    ...moved(plan.byTarget).map(line),
    ...(moved(plan.byRule).length > 0 ? ['by rule:', ...moved(plan.byRule).map(line)] : []),
    ...(roles.raised + roles.lowered > 0 ? [`roles: ${roles.raised} raised, ${roles.lowered} ${overLimit ? 'would be held' : 'lowered'}`] : []),
    ...Object.entries(plan.refused).map(([code, n]) => `${n} stay as they are: ${code}`),
    ...plan.deliveries.flatMap(deliveryLines),
    ...plan.shifts.flatMap(shiftLines),
    ...(overLimit ? ['that is more than provisioning.limits.removals allows: additions go on, what would be lost is held (matricula held)'] : []),
    ...plan.otherProvider.map((id) => `connection ${id} would trust another provider: needs --allow-other-provider`),
    ...[...plan.suspicions, ...plan.warnings].map((text) => `? ${text}`),
  ];
}

function deliveryLines({ platform, calls, minutes, unknown, byHand, halted }: PlatformOutlook): string[] {
  const pace = minutes !== null && minutes > 1 ? `, about ${minutes} minutes at its limit` : '';
  return [
    ...(calls > 0 ? [`${platform}: ${calls === 1 ? '1 person' : `${calls} people`} to deliver${pace}`] : []),
    ...(halted === null ? [] : [`! ${platform} takes nothing at present: ${halted}`]),
    ...unknown.map((sentence) => `! ${platform}: ${sentence}; nobody gets it there until it is found`),
    ...byHand.map((sentence) => `! ${platform} cannot do this by itself: ${sentence} (matricula task list)`),
  ];
}

function shiftLines({ platform, changed, losing, overLimit }: Shift): string[] {
  return [
    `${platform}: ${changed.join(', ')} would be something else there: whoever has it is delivered anew`,
    ...(losing.length > 0 ? [`! ${platform}: what ${losing.join(', ')} is there now would be taken away`] : []),
    ...(overLimit > 0
      ? [`! ${platform}: that takes away from ${overLimit} people, more than provisioning.limits.removals allows: needs --allow-removals`]
      : []),
  ];
}

/** For a pull request. */
export function planMarkdown(plan: ShownPlan): string {
  const { people, overLimit } = plan;
  // Names come from providers: nothing in them is markup, a link or somebody's handle.
  const cell = (text: string) => text.replace(/[&<>|`[\]@*_\\~!#]/g, (one) => `&#${one.charCodeAt(0)};`);
  const code = (text: string) => `<code>${cell(text)}</code>`;
  const rows = (all: Record<string, Moves>) => moved(all).map(([name, n]) => `| ${code(name)} | ${n.gain} | ${n.lose} | ${n.held} | ${n.keep} |`);
  const table = (what: string, all: Record<string, Moves>) =>
    moved(all).length === 0 ? [] : ['', `| ${what} | gain | ${lossOf(overLimit)} | held | keep |`, '| --- | --: | --: | --: | --: |', ...rows(all)];
  const changes = [...connectionLines(plan.connections), ...diffLines(plan.rules)];
  return [
    `### ${plan.tenant}: mapping version ${plan.mappingVersion}`,
    '',
    `${people.all} people: **${people.gaining} gain**, **${people.losing} ${lossOf(overLimit)}**, ${people.all - people.changed} are not touched.`,
    ...(changes.length > 0 ? ['', '```diff', ...changes.map((line) => line.replace(/^~/, '!')), '```'] : []),
    ...table('target', plan.byTarget),
    ...table('rule', plan.byRule),
    ...[...plan.deliveries.flatMap(deliveryLines), ...plan.shifts.flatMap(shiftLines), ...plan.suspicions, ...plan.warnings].flatMap((text, i) => [
      ...(i === 0 ? [''] : []),
      `- ${cell(text)}`,
    ]),
    '',
    `Plan \`${plan.digest.slice(0, 16)}\``,
    '',
  ].join('\n');
}
