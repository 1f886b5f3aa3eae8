/** How a case is measured: in rounds, of which the median counts, since other work on the machine and the garbage collector come in bursts. */
import type { Usage } from './process.ts';

/** Times are milliseconds. `cpu_ms_per_op`: user and system time of the measured process, all its threads. */
export interface Figures {
  /** By the clock, over all rounds. */
  ops_per_s: number;
  cpu_ms_per_op: number;
  p50_ms: number;
  p99_ms: number;
  /** The process's resident memory after the last round, megabytes. */
  rss_mb: number;
  n: number;
}

export interface Work {
  /** Operations to measure, over all rounds. */
  n: number;
  /** What the measured process has used so far. */
  usage(): Promise<Usage>;
  /** Does so many operations; milliseconds by the clock for each, without what the driver does around it. */
  batch(size: number): Promise<number[]>;
}

export interface Rounds {
  count: number;
  /** CPU milliseconds per operation of this round. */
  next(): Promise<number>;
  figures(): Promise<Figures>;
}

const ROUNDS = 9;

/** Rounds that are run one by one, so that two cases can take turns under the same conditions. */
export function rounds({ n, usage, batch }: Work): Rounds {
  const times: number[] = [];
  const cpu: number[] = [];
  let elapsed = 0;
  const count = Math.min(ROUNDS, n);
  const size = Math.round(n / count);
  return {
    count,
    async next() {
      const before = await usage();
      elapsed += await timed(async () => void times.push(...(await batch(size))));
      const after = await usage();
      const each = (after.cpuMs - before.cpuMs) / size;
      cpu.push(each);
      return each;
    },
    async figures() {
      const { rssMb } = await usage();
      return {
        ops_per_s: round((times.length / elapsed) * 1000, 1),
        cpu_ms_per_op: round(quantile(cpu, 0.5), 4),
        p50_ms: round(quantile(times, 0.5), 3),
        p99_ms: round(quantile(times, 0.99), 3),
        rss_mb: Math.round(rssMb),
        n: times.length,
      };
    },
  };
}

/** A case by itself: a warm-up of `warmUp` operations, then all rounds. */
export async function measure(work: Work, warmUp: number): Promise<Figures> {
  await work.batch(warmUp);
  const measured = rounds(work);
  for (let i = 0; i < measured.count; i++) await measured.next();
  return measured.figures();
}

/** A batch of one operation, one after the other. `once` gives its milliseconds. */
export const oneByOne = (once: () => Promise<number>) => (size: number) => inTurns(once, { size, atOnce: 1 });

/** A batch of one operation, four under way at any time: a server that has to do costs less per operation than one that is woken for each. */
export const fourAtOnce = (once: () => Promise<number>) => (size: number) => inTurns(once, { size, atOnce: 4 });

async function inTurns(once: () => Promise<number>, { size, atOnce }: { size: number; atOnce: number }): Promise<number[]> {
  const times: number[] = [];
  let begun = 0;
  const worker = async () => {
    for (; begun < size; ) {
      begun += 1;
      times.push(await once());
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return times;
}

/** Milliseconds that `work` takes by the clock. */
export async function timed(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Of the process that this runs in. */
export async function ownUsage(): Promise<Usage> {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, rssMb: process.memoryUsage.rss() / 2 ** 20 };
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
  return low + (high - low) * (at - Math.floor(at));
}

export const round = (value: number, digits: number): number => Number(value.toFixed(digits));
