/** What was seen of a fault, in the words of the table in docs/learning-platforms.md. */
import type { Fault, Outcome, Seen } from './fault-run.ts';

const HEAD = ['what happens', 'what comes of a request', 'what we do', 'code', 'others meanwhile', 'the learner', 'the operator'];

const LEARNER: Record<Seen['learner'], string> = {
  enters: 'enters',
  waits: '“Preparing your courses”, then enters',
  refused: 'is told no, with a reference',
};
const OPERATOR: Record<Seen['operator'], string> = {
  nothing: '',
  waiting: '`delivery list`',
  dead: '`delivery list --dead`',
  halted: '`platform list`: halted',
  missing: '`platform list`: missing',
  task: '`task list`',
};

/** By the seconds after which it was tried again. */
function when(seconds: number | null): string {
  if (seconds === null) return 'when an operator says so';
  if (seconds === 1) return 'after a second, then ever later';
  if (seconds === 5) return 'after five seconds, then by the retry plan';
  return seconds === 60 ? 'after a minute' : 'when the platform said';
}

const DEEDS: Record<Outcome, (seen: Seen) => string> = {
  delivered: () => 'delivered all the same',
  ordered: ({ retryIn }) => `noted as ordered, not ordered twice; looked at ${when(retryIn)}`,
  noted: () => 'the rest is delivered; what is missing is noted, and given when it is there',
  task: () => 'the rest is delivered; this is a task for somebody',
  again: ({ retryIn }) => `tried again ${when(retryIn)}`,
  lane: ({ retryIn }) => `nobody’s attempts are used up; tried again ${when(retryIn)}`,
  halted: ({ retryIn }) => `nothing is delivered until it is mended; tried again ${retryIn === null ? when(null) : 'every minute'}`,
  dead: ({ attempts, tookHours }) =>
    attempts === 1
      ? 'a dead letter at once'
      : `a dead letter after ${attempts} attempts, ${tookHours < 24 ? 'within a day' : `in ${Math.floor(tookHours / 24)} days`}`,
};

export const rowOf = ({ name, answers }: Pick<Fault, 'name' | 'answers'>, seen: Seen): string[] => [
  name,
  answers,
  DEEDS[seen.outcome](seen),
  seen.code === null ? '' : `\`${seen.code}\``,
  seen.othersServed ? 'go on' : 'wait in their turn',
  LEARNER[seen.learner],
  OPERATOR[seen.operator],
];

/** Columns as wide as their widest cell: as the formatter wants them. */
export function tableOf(rows: string[][]): string {
  const cells = [HEAD, ...rows];
  const widths = HEAD.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  const line = (row: string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(HEAD), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
