/** `matricula` run as a process of its own, as an operator runs it. */
import { spawn } from 'node:child_process';
import { built } from '../built.ts';

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** A folder that one gateway lives in: its tenant files, its database. */
export interface Place {
  tenants: string;
  database: string;
  baseUrl?: string;
}

/** Only what is given here and PATH is in the process's environment, so that nobody's own settings are read. */
export const commandIn =
  ({ tenants, database, baseUrl = 'http://127.0.0.1:8080' }: Place) =>
  (...args: string[]): Promise<Ended> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [built('src/cli.ts'), ...args], {
        env: {
          PATH: process.env['PATH'],
          MATRICULA_TENANTS: tenants,
          MATRICULA_DATABASE: `sqlite:${database}`,
          MATRICULA_BASE_URL: baseUrl,
          MATRICULA_LOOPBACK: 'allow',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const ended: Ended = { code: null, out: '', err: '' };
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        ended.out += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        ended.err += text;
      });
      child.once('error', reject);
      child.once('close', (code) => resolve({ ...ended, code }));
    });
