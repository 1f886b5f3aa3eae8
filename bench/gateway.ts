/** The gateway as `matricula serve` runs it, compiled, in a process of its own, with one tenant and a database in a folder that goes afterwards. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hangUp, newClient } from './http.ts';
import { tenantFile } from './people.ts';
import { type Started, start } from './process.ts';

export interface BenchGateway extends Pick<Started, 'usage'> {
  /** Of the tenant: `http://127.0.0.1:…/t/acme`. */
  url: string;
  end(): Promise<void>;
}

interface Start {
  secrets?: Record<string, string>;
  port?: number;
  provisioning?: string;
  /** A whole tenant file in the place of the sample one with these connections. */
  file?: string;
}

/** Everything is on as in production: rate limits, the log at its usual level (written to nowhere), a proxy in front. */
export async function startGateway(
  connections: string,
  { secrets = {}, port, provisioning, file = tenantFile({ rules: 20, connections }) }: Start = {},
): Promise<BenchGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'matricula-bench-'));
  const address = `127.0.0.1:${port ?? (await freePort())}`;
  const url = `http://${address}/t/acme`;
  mkdirSync(join(folder, 'tenants'));
  writeFileSync(join(folder, 'tenants', 'acme.yaml'), `${provisioning === undefined ? '' : `${provisioning}\n`}${file}`);
  const child = start('../src/cli.js', {
    args: ['serve'],
    env: {
      NODE_ENV: 'production',
      MATRICULA_LISTEN: address,
      MATRICULA_DATABASE: process.env['BENCH_DATABASE'] ?? `sqlite:${join(folder, 'matricula.db')}`,
      MATRICULA_TENANTS: join(folder, 'tenants'),
      MATRICULA_LOOPBACK: 'allow',
      MATRICULA_TRUST_PROXY: '1',
      ...secrets,
    },
  });
  await ready(`http://${address}/readyz`);
  return {
    url,
    usage: child.usage,
    async end() {
      hangUp();
      await child.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ready(url: string): Promise<void> {
  for (const deadline = Date.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const status = await newClient()
      .get(url)
      .then(
        (answer) => answer.status,
        () => 0,
      );
    if (status === 200) return;
    if (Date.now() > deadline) throw new Error(`the gateway did not come up: ${status}`);
  }
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
