/** Starts `child.ts`, or another script that says `ready`, and listens to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { built } from '../built.ts';

export interface Child {
  process: ChildProcess;
  /** What it has printed so far, without `ready`. */
  lines: string[];
  ready: Promise<void>;
  /** Its first line after `ready`. */
  first: Promise<void>;
  /** Its exit code or signal, when it and its output have ended. */
  ended: Promise<number | string>;
  /** What it has written to stderr. */
  complaint: () => string;
}

export const startChild = (...args: string[]): Child => startScript(fileURLToPath(new URL('./child.ts', import.meta.url)), args);

export function startScript(script: string, args: string[]): Child {
  // Not the jest process's flags: a plain Node.
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, [built(script), ...args], { stdio: ['pipe', 'pipe', 'pipe'], env });
  const lines: string[] = [];
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => {
    complaint += text.toString();
  });
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  const output = createInterface({ input: child.stdout });
  const upTo = (wanted: (line: string) => boolean) =>
    new Promise<void>((resolve, reject) => {
      output.on('line', (line) => wanted(line) && resolve());
      void ended.then((how) => reject(new Error(`the child ended with ${how} too early: ${complaint}`)));
    });
  output.on('line', (line) => line === 'ready' || lines.push(line));
  const ready = upTo((line) => line === 'ready');
  const first = upTo((line) => line !== 'ready');
  first.catch(() => {}); // not everyone waits for it
  return { process: child, lines, ready, first, ended, complaint: () => complaint };
}
