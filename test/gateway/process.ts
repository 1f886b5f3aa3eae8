/** The gateway as a process of its own, started as an operator starts it, and a front that stands before several of them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { createInterface } from 'node:readline';
import { built } from '../built.ts';
import { listening } from './gateway.ts';

export interface GatewayProcess {
  url: string;
  /** Parsed lines of the log. */
  log: Record<string, unknown>[];
  signal(name: NodeJS.Signals): void;
  /** Exit code, or the signal that ended it, when it and its output have ended. */
  ended: Promise<number | string>;
  /** It listens. Rejects where it ended before. */
  ready: Promise<void>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<number | string>;
}

/** `matricula <args>` on these settings and nobody's own. */
export function matricula(env: Record<string, string>, ...args: string[]) {
  // Not the jest process's flags: a plain Node.
  return spawn(process.execPath, [built('src/cli.ts'), ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs one command to its end; what it printed. Throws on any other exit code than 0. */
export async function command(env: Record<string, string>, ...args: string[]): Promise<string> {
  const child = matricula(env, ...args);
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => void said.push(text.toString()));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`matricula ${args.join(' ')} ended with ${code}: ${said.join('')}`);
  return said.join('');
}

/** `matricula serve` on the address that the settings name. */
export function spawnGateway(env: Record<string, string>): GatewayProcess {
  const child = matricula(env, 'serve');
  const log: Record<string, unknown>[] = [];
  const complaint: string[] = [];
  child.stderr.on('data', (text: Buffer) => void complaint.push(text.toString()));
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  const ready = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(JSON.parse(line) as Record<string, unknown>);
      if (log.at(-1)?.['msg'] === 'listening') resolve();
    });
    void ended.then((how) => reject(new Error(`the gateway ended with ${how} before it listened: ${complaint.join('')}`)));
  });
  const signal = (name: NodeJS.Signals) => void child.kill(name);
  return {
    url: `http://${env['MATRICULA_LISTEN']}`,
    log,
    signal,
    ready,
    ended,
    stop() {
      signal('SIGTERM');
      return ended;
    },
  };
}

export interface Front {
  /** The public address that all of them have. */
  baseUrl: string;
  /** From now on every request goes there. */
  leadsTo(url: string): void;
  close(): Promise<void>;
}

/** A load balancer that does as it is told. */
export async function startFront(): Promise<Front> {
  let target = '';
  const server = createServer((incoming, answer) => {
    const onward = request(new URL(incoming.url ?? '/', target), { method: incoming.method, headers: incoming.headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.rawHeaders);
      response.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    incoming.pipe(onward);
  });
  const { port } = await listening(server);
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    leadsTo(url) {
      target = url;
    },
    close: () => new Promise((resolve) => server.closeAllConnections() ?? server.close(() => resolve())),
  };
}
