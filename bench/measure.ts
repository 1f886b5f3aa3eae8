/** How a case is measured: in rounds, of which the median counts, since other work on the machine and the garbage collector come in bursts. */
import type { Usage } from './process.ts';

/** Times are milliseconds. `cpu_ms_per_op`: user and system time of the measured process, all its threads. */
export interface Figures {
  /** One after the other, not at once. */
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
  /** `first`: what else is to be done within this round, before its own batch. */
  next(first?: () => Promise<void>): Promise<void>;
  figures(): Promise<Figures>;
}

const ROUNDS = 5;

/** Rounds that are run one by one, so that two cases can take turns under the same conditions. */
export function rounds({ n, usage, batch }: Work): Rounds {
  const times: number[] = [];
  const cpu: number[] = [];
  const count = Math.min(ROUNDS, n);
  const size = Math.round(n / count);
  return {
    count,
    async next(first) {
      const before = await usage();
      await first?.();
      times.push(...(await batch(size)));
      const after = await usage();
      cpu.push((after.cpuMs - before.cpuMs) / size);
    },
    async figures() {
      const { rssMb } = await usage();
      const total = times.reduce((sum, ms) => sum + ms, 0);
      return {
        ops_per_s: round((times.length / total) * 1000, 1),
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

/** A batch of one operation many times. `once` gives its milliseconds. */
export const oneByOne = (once: () => Promise<number>) => async (size: number) => {
  const times: number[] = [];
  for (let i = 0; i < size; i++) times.push(await once());
  return times;
};

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
