/** The tenants in force, over a real store. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createTenantRegistry, type ParseTenant, type Tenants } from '../../src/flows/tenants.ts';
import type { Log } from '../../src/lib/log.ts';
import { silentLog } from '../../src/lib/log.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore, type Store } from '../../src/store/store.ts';
import { makeTenant } from '../core/world.ts';

let database: Database;
let store: Store;
let registry: Tenants;
let readable: boolean;
let parsed: number;
let logged: string[];

const now = new Date('2026-01-02T03:04:05.678Z');
const parse: ParseTenant = () => {
  parsed++;
  return readable ? { ok: true, tenant: makeTenant([]) } : { ok: false, problems: ['a certificate is missing'] };
};
const log: Log = { ...silentLog, error: (_about, message) => void logged.push(message) };

beforeEach(async () => {
  [readable, parsed, logged] = [false, 0, []];
  database = await openDatabase('sqlite::memory:');
  store = createStore(database);
  registry = createTenantRegistry({ store, parse, log });
  const entry = { id: 'j', tenantId: 'acme', at: now, actor: 'cli', cause: 'apply', action: null, resourceType: 'Tenant', resourceId: 'acme' };
  await store.tenants.create(
    {
      id: 'acme',
      mode: 'jit',
      phase: null,
      modeSince: now,
      modeBefore: null,
      seats: null,
      origin: 'file',
      fileDigest: '',
      brake: null,
      document: 'x',
      digest: 'd',
      revision: 1,
      mappingVersion: 1,
      createdAt: now,
      updatedAt: now,
    },
    { tenantId: 'acme', version: 1, digest: 'd', document: [], text: 'x', author: 'cli', comment: null, createdAt: now },
    { ...entry, outcome: 'SUCCESS', code: null, reference: null, mappingVersion: 1, detail: {} },
  );
});
afterEach(() => database.close());

it('a document that cannot be read is read and logged once, however often it is polled, and stays a problem', async () => {
  for (let i = 0; i < 5; i++) await registry.refresh();
  expect({ parsed, lines: logged.length, problems: registry.problems().length, live: registry.get('acme') }).toEqual({
    parsed: 1,
    lines: 1,
    problems: 1,
    live: null,
  });
});

it('it is read again when an operator reloads, and comes into force', async () => {
  await registry.refresh();
  readable = true;
  registry.report([]);
  await registry.refresh();
  expect(registry.get('acme')?.revision).toBe(1);
  expect(registry.problems()).toEqual([]);
});
