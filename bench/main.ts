/**
 * bench: what things cost, in CPU milliseconds of the process that does them. Owns the cases, the sample load and the way of measuring;
 * the gateway that is measured is the real one, compiled, in a process of its own. Nobody imports it.
 *
 * `npm run bench [-- <part of a name>] [--n <operations per case>]`: one line of JSON per case, the ratios to node-saml last.
 */
import { parseArgs } from 'node:util';
import { deliver } from './deliver.ts';
import { deliverWaiting } from './deliver-waiting.ts';
import { hostile } from './hostile.ts';
import { oidc } from './oidc.ts';
import { outlook } from './outlook.ts';
import { pages } from './pages.ts';
import { parts } from './parts.ts';
import { planner } from './planner.ts';
import { saml } from './saml.ts';
import { scim } from './scim.ts';
import { store } from './store.ts';

/** One line of the output. Times are milliseconds; `cpu_ms_per_op` is user and system time of the measured process, median of the rounds. */
export interface Line {
  name: string;
  [figure: string]: unknown;
}

export interface Run {
  /** Whether a case of this name was asked for. */
  wanted(name: string): boolean;
  /** Operations of one case: what was asked for, or what the case thinks right. */
  count(usual: number): number;
  print(line: Line): void;
}

/** A group of cases that share a set-up. Prints a line per case that is wanted, and sets nothing up where none is. */
export type Cases = (run: Run) => Promise<void>;

const { values, positionals } = parseArgs({ options: { n: { type: 'string' } }, allowPositionals: true });
const n = values.n === undefined ? null : Number(values.n);
if (n !== null && !(Number.isInteger(n) && n > 0)) throw new Error('--n takes a whole number above 0');

const ratios: Record<string, number> = {};
const run: Run = {
  wanted: (name) => positionals.every((part) => name.includes(part)),
  count: (usual) => n ?? usual,
  print(line) {
    if (typeof line['ratio'] === 'number') ratios[line.name] = line['ratio'];
    process.stdout.write(`${JSON.stringify(line)}\n`);
  },
};
for (const cases of [saml, oidc, pages, hostile, planner, outlook, store, scim, deliver, deliverWaiting, parts] satisfies Cases[]) await cases(run);
if (Object.keys(ratios).length > 0) run.print({ name: 'ratio', of: "CPU, to node-saml's own validation of the same response", cases: ratios });
