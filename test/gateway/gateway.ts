/**
 * A whole gateway for tests: the real process of src/main.ts on a loopback port of its own, over a folder of its own.
 * What a test may look at is the world: answers, rows, lines of the log. Nothing in here stands in for code of ours.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings, type Settings } from '../../src/config/settings.ts';
import { createLog } from '../../src/lib/log.ts';
import { type Running, serve } from '../../src/main.ts';
import type { JournalEntry, SignInEntry } from '../../src/store/journal.ts';

export interface GatewayOptions {
  /** Tenant id → its file: YAML, or an object, which is written as JSON and hence is YAML too. */
  tenants: Record<string, string | object>;
  /** Further files of the tenant folder by relative path: metadata, secrets. */
  files?: Record<string, string>;
  /** Address of the database; a SQLite file in the gateway's folder unless told. */
  database?: string;
  redis?: string;
  now?: () => Date;
  /** Any further setting, or another value for one of these. */
  env?: Record<string, string>;
}

export interface TestGateway {
  running: Running;
  house: Running['gateway']['house'];
  /** The public address; this gateway listens there. */
  baseUrl: string;
  folder: TenantFolder;
  /** One parsed object per line that was logged. */
  log: Record<string, unknown>[];
  /** Every row of every table but the journal, the sign-in log and kv, as one canonical text. */
  snapshot(): Promise<string>;
  /** What kv holds in these spaces on the database, as sorted lines; live or not. */
  held(...spaces: string[]): Promise<string[]>;
  /** Both lines that a refusal left under its reference. */
  traces(tenantId: string, reference: string): Promise<{ journal: JournalEntry[]; signIns: SignInEntry[] }>;
  /** Resolves when the outbox is empty, so that a snapshot stands still. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface TenantFolder {
  path: string;
  /** `name` with `.yaml` for a tenant file. */
  write(name: string, content: string | object): void;
  remove(): void;
}

export function tenantFolder({ tenants, files = {} }: Pick<GatewayOptions, 'tenants' | 'files'>): TenantFolder {
  const path = mkdtempSync(join(tmpdir(), 'matricula-gateway-'));
  const write = (name: string, content: string | object) => {
    mkdirSync(dirname(join(path, 'tenants', name)), { recursive: true });
    writeFileSync(join(path, 'tenants', name), typeof content === 'string' ? content : JSON.stringify(content, null, 1));
  };
  for (const [name, content] of Object.entries(files)) write(name, content);
  for (const [id, content] of Object.entries(tenants)) write(`${id}.yaml`, content);
  return { path, write, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The environment of a gateway, in this process or in one of its own. */
export const environment = (port: number, folder: string, { database, redis, env }: Omit<GatewayOptions, 'tenants'>): Record<string, string> => ({
  MATRICULA_LISTEN: `127.0.0.1:${port}`,
  MATRICULA_BASE_URL: `http://127.0.0.1:${port}`,
  MATRICULA_DATABASE: database ?? `sqlite:${join(folder, 'matricula.db')}`,
  MATRICULA_TENANTS: join(folder, 'tenants'),
  MATRICULA_SECRET: randomBytes(32).toString('base64'),
  MATRICULA_LOOPBACK: 'allow',
  MATRICULA_RATE_LIMITS: 'off',
  ...(redis && { MATRICULA_REDIS: redis }),
  ...env,
});

export async function startGateway(options: GatewayOptions): Promise<TestGateway> {
  const folder = tenantFolder(options);
  const settings = settingsFrom(environment(await freePort(), folder.path, options));
  const lines: Record<string, unknown>[] = [];
  const log = createLog('info', new Writable({ write: (chunk, _, done) => done(void lines.push(JSON.parse(String(chunk))) as unknown as null) }));
  const running = await serve({ settings, secret: settings.secret!, log, ...(options.now && { now: options.now }) });
  const { house } = running.gateway;
  return {
    running,
    house,
    baseUrl: settings.baseUrl,
    folder,
    log: lines,
    ...readers(house),
    async close() {
      await running.close();
      folder.remove();
    },
  };
}

function settingsFrom(env: Record<string, string>): Settings {
  const read = readSettings(env);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return read.settings;
}

function readers({ database, store }: TestGateway['house']): Pick<TestGateway, 'snapshot' | 'held' | 'traces' | 'settled'> {
  const { journal: _journal, signIn: _signIn, kv, ...kept } = database.tables;
  return {
    async snapshot() {
      const all: [string, string[]][] = [];
      for (const [name, table] of Object.entries(kept)) {
        const rows = await database.query.select().from(table);
        all.push([name, rows.map((row) => JSON.stringify(row)).sort()]);
      }
      return JSON.stringify(all, null, 1);
    },
    async held(...spaces) {
      const rows = await database.query.select().from(kv);
      return rows
        .filter(({ space }) => spaces.includes(space))
        .map((row) => JSON.stringify(row))
        .sort();
    },
    async traces(tenantId, reference) {
      const filter = { reference, limit: 10 };
      return { journal: await store.journal.list(tenantId, filter), signIns: await store.journal.signIns(tenantId, filter) };
    },
    settled: () => eventually(async () => (await store.outbox.waiting()) === 0 || null).then(() => {}),
  };
}

/** What `look` finds as soon as it finds something; what it throws on the way does not count. Fails after `withinMs`. */
export async function eventually<T>(look: () => Promise<T | null>, withinMs = 10_000): Promise<T> {
  for (const deadline = Date.now() + withinMs; ; await sleep(25)) {
    const found = await look().catch((error: unknown) => (Date.now() < deadline ? null : Promise.reject(error)));
    if (found !== null) return found;
    if (Date.now() >= deadline) throw new Error(`it did not come within ${withinMs} ms: ${look}`);
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  const { port } = await listening(probe);
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

export const listening = (server: Server): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server.address() as AddressInfo));
  });
