/** A gateway whose tenants are driven by their directory: one token each, and a look at what a directory's requests left behind. */
import { Writable } from 'node:stream';
import { afterAll, beforeAll } from '@jest/globals';
import { openHouse } from '../../../src/app.ts';
import { readSettings } from '../../../src/config/settings.ts';
import type { UserStatus } from '../../../src/core/model.ts';
import { createToken } from '../../../src/flows/tokens.ts';
import { createLog } from '../../../src/lib/log.ts';
import type { JournalEntry } from '../../../src/store/journal.ts';
import { describeWith } from '../../services.ts';
import { type Backend, postgres, sqliteFile } from '../../store/backends.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { createClient, type ScimClient } from './client.ts';

export const basePath = (tenant: string): string => `/api/v1/scim/${tenant}/v2`;

/** Who a group makes what. `Directors` and `Cohort` are known by the directory's ids, so that their names may change. */
export const company = (over: object = {}) => ({
  name: 'Acme',
  domains: ['acme.example'],
  // A directory that is tested takes away as much as it likes; what the brake does has tests of its own.
  provisioning: { initialMode: 'scim', limits: { removals: { share: '100%', atLeast: 100 } } },
  connections: [
    {
      id: 'oidc',
      name: 'Acme',
      protocol: 'oidc',
      issuer: 'http://127.0.0.1:9',
      clientId: 'acme',
      clientSecret: 'file:secrets/oidc',
      domains: ['acme.example'],
    },
  ],
  catalogue: {
    bundles: [{ slug: 'sales', title: 'Sales' }],
    collections: [{ slug: 'board', title: 'The board' }],
    groups: [
      { slug: 'staff', title: 'Staff' },
      { slug: 'cohort', title: 'A cohort' },
    ],
  },
  groups: { aliases: { Directors: 'b7c1f0de-2f0e-4a53-9e0a-5d1c7a2f9b11', Cohort: 'cohort-seven' } },
  rules: [
    { id: 'staff', when: 'everyone', enrol: ['group:staff'] },
    { id: 'sales', when: { group: { glob: 'Sales*' } }, enrol: ['bundle:sales'] },
    { id: 'board', when: { group: 'Directors' }, enrol: ['collection:board'] },
    { id: 'cohort', when: { group: 'Cohort' }, enrol: ['group:cohort'] },
  ],
  ...over,
});
export const DIRECTORS = 'b7c1f0de-2f0e-4a53-9e0a-5d1c7a2f9b11';
export const SECRETS = { 'secrets/oidc': 'a secret of the sample provider' };

export interface Seen {
  status: UserStatus;
  /** Names of groups, sorted. */
  groups: string[];
  /** Targets, sorted. */
  enrolled: string[];
}

export interface ScimWorld {
  gateway: TestGateway;
  client: ScimClient;
  /** A tenant's own client; `acme` is `client`. */
  clientOf(tenant: string): ScimClient;
  /** What is there of a user, read from the tables and not from the answers. */
  seen(userId: string, tenant?: string): Promise<Seen>;
  /** Lines of one resource, oldest first, each with its first reason: `SUCCESS created-by-directory`, `SUCCESS joined-group`. */
  lines(resourceId: string, tenant?: string): Promise<string[]>;
  journal(tenant?: string): Promise<JournalEntry[]>;
  close(): Promise<void>;
}

export interface WorldOptions {
  tenants?: Record<string, object>;
  backend?: Backend;
  now?: () => Date;
  env?: Record<string, string>;
}

export async function startWorld({ tenants = { acme: company() }, backend = sqliteFile, now, env }: WorldOptions = {}): Promise<ScimWorld> {
  const place = await backend.make();
  const gateway = await startGateway({ tenants, files: SECRETS, database: place.url, ...(now && { now }), ...(env && { env }) }).catch(
    async (error: unknown) => {
      await place.drop();
      throw error;
    },
  );
  const problems = gateway.house.tenants.problems();
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const clients = new Map<string, ScimClient>();
  for (const tenant of Object.keys(tenants))
    clients.set(tenant, createClient(gateway.baseUrl + basePath(tenant), await tokenFor(gateway.house, tenant)));
  return { gateway, ...readers(gateway, clients), close: () => gateway.close().finally(() => place.drop()) };
}

/** A token of a tenant, as an operator makes one. */
export async function tokenFor({ store, vault, flow }: TestGateway['house'], tenantId: string): Promise<string> {
  const deps = { store, vault, now: flow.now, newId: flow.newId };
  const { token } = await createToken(deps, { tenantId, name: 'the directory', expiresAt: null, actor: 'test' });
  return token;
}

function readers({ house: { store } }: TestGateway, clients: Map<string, ScimClient>): Omit<ScimWorld, 'gateway' | 'close'> {
  const clientOf = (tenant: string) => {
    const client = clients.get(tenant);
    if (!client) throw new Error(`there is no tenant ${tenant}: ${[...clients.keys()]}`);
    return client;
  };
  const journal = (tenant = 'acme') => store.journal.list(tenant, { limit: 1000 });
  return {
    clientOf,
    client: clientOf([...clients.keys()][0]!),
    journal,
    async seen(userId, tenant = 'acme') {
      const state = await store.people.state(tenant, userId);
      if (!state) throw new Error(`there is no user ${userId}`);
      const enrolled = [...new Set(state.grants.map(({ target }) => target))].sort();
      const held = new Set(state.memberships.map(({ groupId }) => groupId));
      const groups = state.groups.filter(({ id }) => held.has(id)).map(({ displayName }) => displayName);
      return { status: state.user.status, groups: groups.sort(), enrolled };
    },
    async lines(resourceId, tenant = 'acme') {
      const lines = await store.journal.list(tenant, { resourceId, limit: 1000 });
      return lines.reverse().map(({ outcome, code, detail }) => `${outcome} ${whyOf(detail) ?? code}`);
    },
  };
}

/** A user's row moves with whatever happens below it: what happened there says more. */
function whyOf(detail: JournalEntry['detail']): string | undefined {
  const changes = (detail['changes'] ?? []) as { reason: string }[];
  return changes.map(({ reason }) => reason).find((reason) => reason !== 'below-changed');
}

/** The same promises on each database. `world` is there inside tests only. */
export function onEach(name: string, tenants: () => Record<string, object>, body: (world: () => ScimWorld) => void): void {
  for (const backend of [sqliteFile, postgres]) {
    describeWith(backend.needs, `${name} on ${backend.name}`, () => {
      let world: ScimWorld;
      beforeAll(async () => {
        world = await startWorld({ backend, tenants: tenants() });
      });
      afterAll(() => world?.close());
      body(() => world);
    });
  }
}

/** A token made on the database of gateways that run as processes of their own. */
export async function tokenBeside(env: Record<string, string>, tenantId = 'acme'): Promise<string> {
  return beside(env, (house) => tokenFor(house, tenantId));
}

/** A look at a database that other processes use, with everything that a command has. */
export async function beside<T>(env: Record<string, string>, look: (house: TestGateway['house']) => Promise<T>): Promise<T> {
  const read = readSettings(env);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  const log = createLog('silent', new Writable({ write: (_chunk, _encoding, done) => done() }));
  const house = await openHouse({ settings: read.settings, secret: read.settings.secret!, log });
  try {
    return await look(house);
  } finally {
    await house.close();
  }
}
