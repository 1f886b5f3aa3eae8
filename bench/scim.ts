/**
 * A directory: what each of its requests costs, over HTTP, by the number of people of the tenant. `scim 1M postgres` looks at the database alone, at a million
 * people that were generated there; it runs only where its name is asked for.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testKey } from '../fixtures/saml/signer.ts';
import { startGateway } from './gateway.ts';
import type { Cases, Run } from './main.ts';
import { measure, oneByOne, round, timed } from './measure.ts';
import { samlConnections } from './saml-parties.ts';
import { million } from './scim-million.ts';
import { type Loaded, loadDirectory, nameOf, resourceOf } from './scim-people.ts';

const SIZES = [1000, 10_000, 100_000];
const OPERATIONS = [
  'create',
  'filter by userName',
  'get',
  'patch a member of 100',
  'patch a member of many',
  'put',
  'first page',
  'a page by cursor',
  'delta',
] as const;
type Operation = (typeof OPERATIONS)[number];

const sizeName = (size: number): string => `${size / 1000}k`;
const nameOfCase = (operation: Operation, size: number): string => `scim ${operation}, ${sizeName(size)} people`;

export const scim: Cases = async (run) => {
  const cost = new Map<string, number>();
  for (const size of SIZES) {
    if (!OPERATIONS.some((operation) => run.wanted(nameOfCase(operation, size)))) continue;
    await atSize(run, size, cost);
  }
  const most = SIZES.at(-1)!;
  for (const operation of OPERATIONS) {
    const [base, now] = [cost.get(nameOfCase(operation, 1000)), cost.get(nameOfCase(operation, most))];
    if (base !== undefined && now !== undefined) run.print({ name: `scim ${operation}, ${sizeName(most)} to 1k`, times: round(now / base, 2) });
  }
  await million(run);
};

async function atSize(run: Run, size: number, cost: Map<string, number>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'matricula-bench-'));
  const database = `sqlite:${join(folder, 'bench.db')}`;
  const loaded = await loadDirectory(database, size);
  const gateway = await startGateway(samlConnections(await testKey('Sample SAML provider')), {
    provisioning: 'provisioning: { initialMode: scim }',
    // The limit of a token would be reached: four times Entra's rate is less than this asks.
    secrets: { MATRICULA_DATABASE: database, MATRICULA_SECRET: loaded.secret, MATRICULA_RATE_LIMITS: 'off' },
  });
  try {
    const ask = asker(`${new URL(gateway.url).origin}/api/v1/scim/acme/v2`, loaded.token);
    for (const [operation, once] of Object.entries(await operations(ask, loaded))) {
      const name = nameOfCase(operation as Operation, size);
      if (!run.wanted(name)) continue;
      const figures = await measure({ n: run.count(270), usage: gateway.usage, batch: oneByOne(once) }, 60);
      cost.set(name, figures.cpu_ms_per_op);
      run.print({ name, ...figures });
    }
  } finally {
    await gateway.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Ask = (method: string, path: string, body?: object) => Promise<Record<string, unknown>>;

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Answers of 2xx only. */
const asker =
  (base: string, token: string): Ask =>
  (method, path, body) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers = {
        authorization: `Bearer ${token}`,
        ...(text !== undefined && { 'content-type': 'application/scim+json', 'content-length': Buffer.byteLength(text) }),
      };
      const sent = request(`${base}${path}`, { method, agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const said = Buffer.concat(chunks).toString();
          if ((response.statusCode ?? 500) >= 300) reject(new Error(`${method} ${path}: ${response.statusCode} ${said.slice(0, 300)}`));
          else resolve(said === '' ? {} : (JSON.parse(said) as Record<string, unknown>));
        });
      });
      sent.on('error', reject);
      sent.end(text);
    });

async function operations(ask: Ask, { ids, small, large }: Loaded): Promise<Record<Operation, () => Promise<number>>> {
  const any = () => Math.floor(Math.random() * ids.length);
  let made = 0;
  let turn = 0;
  const outside = ids.at(-1)!;
  const member = (group: string) => {
    const op = turn++ % 2 === 0 ? 'add' : 'remove';
    // Of a small tenant everybody is in the large group: then somebody leaves and comes back.
    return timed(() =>
      ask('PATCH', `/Groups/${group}`, {
        Operations: [op === 'add' ? { op, path: 'members', value: [{ value: outside }] } : { op, path: `members[value eq "${outside}"]` }],
      }),
    );
  };
  const filter = (i: number) => `/Users?filter=${encodeURIComponent(`userName eq "${nameOf(i)}@acme.example"`)}`;
  const { nextCursor } = await ask('GET', '/Users?cursor=&count=100');
  return {
    create: () => timed(() => ask('POST', '/Users', resourceOf(`new${++made}`))),
    'filter by userName': () => timed(() => ask('GET', filter(any()))),
    get: () => timed(() => ask('GET', `/Users/${ids[any()]}`)),
    'patch a member of 100': () => member(small),
    'patch a member of many': () => member(large),
    put() {
      const i = any();
      return timed(() => ask('PUT', `/Users/${ids[i]}`, resourceOf(nameOf(i), `Title ${++made}`)));
    },
    'first page': () => timed(() => ask('GET', '/Users?count=100')),
    'a page by cursor': () => timed(() => ask('GET', `/Users?count=100&cursor=${String(nextCursor)}`)),
    // One person of a hundred has changed: looked up, and patched.
    delta: () =>
      timed(async () => {
        const found = (await ask('GET', filter(any()))) as { Resources: { id: string }[] };
        await ask('PATCH', `/Users/${found.Resources[0]!.id}`, { Operations: [{ op: 'Replace', path: 'title', value: `Title ${++made}` }] });
      }),
  };
}
