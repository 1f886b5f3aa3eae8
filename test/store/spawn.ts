/** Starts `child.ts` and listens to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Child {
  process: ChildProcess;
  /** What it has printed so far, without `ready`. */
  lines: string[];
  ready: Promise<void>;
  /** Its exit code or signal, when it and its output have ended. */
  ended: Promise<number | string>;
  /** What it has written to stderr. */
  complaint: () => string;
}

export function startChild(...args: string[]): Child {
  const script = fileURLToPath(new URL('./child.ts', import.meta.url));
  // Not the jest process's flags: a plain Node that reads TypeScript.
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env });
  const lines: string[] = [];
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => {
    complaint += text.toString();
  });
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  const ready = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') resolve();
      else lines.push(line);
    });
    void ended.then((how) => reject(new Error(`the child ended with ${how} before it was ready: ${complaint}`)));
  });
  return { process: child, lines, ready, ended, complaint: () => complaint };
}
