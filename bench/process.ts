/** Processes of their own, so that what is measured shares neither CPU time nor heap with who measures. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Since the process began: CPU milliseconds, user and system, all its threads. */
export interface Usage {
  cpuMs: number;
  rssMb: number;
}

export interface Started {
  usage(): Promise<Usage>;
  /** Sends a message and resolves with the next one that comes back. */
  ask<T>(message: object): Promise<T>;
  /** The next message. */
  hear<T>(): Promise<T>;
  end(): Promise<void>;
}

const compiled = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** `script`: beside this file, or a path from here. Its standard output goes nowhere. Rejects waiting calls when the process ends. */
export function start(script: string, { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {}): Started {
  const child = fork(compiled(script), args, {
    env: { ...process.env, ...env },
    execArgv: ['--import', compiled('./report.js'), ...profiling(script)],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  // A case that fails leaves no process behind.
  process.once('exit', () => child.kill());
  const hear = <T>() => nextMessage<T>(child);
  const ask = async <T>(message: object | string): Promise<T> => {
    const answer = hear<T>();
    child.send(message);
    return answer;
  };
  return {
    ask,
    hear,
    usage: async () => (await ask<{ usage: Usage }>('usage')).usage,
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}

function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null) => reject(new Error(`a measured process ended with ${code}`));
    child.once('exit', gone);
    child.once('message', (message) => {
      child.off('exit', gone);
      resolve(message as T);
    });
  });
}

/** `BENCH_PROFILE=<folder>`: a CPU profile of every gateway is left there. */
function profiling(script: string): string[] {
  const folder = process.env['BENCH_PROFILE'];
  return folder && script.endsWith('cli.js') ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [];
}
