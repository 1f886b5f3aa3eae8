/** People and groups of a directory, loaded in bulk: each row as the product itself writes it, made by the product's own functions. */
import { randomBytes } from 'node:crypto';
import { replay } from '../src/core/diff.ts';
import { plan } from '../src/core/plan.ts';
import { foldKey } from '../src/core/profile.ts';
import type { World } from '../src/core/world.ts';
import { createToken } from '../src/flows/tokens.ts';
import { newId } from '../src/lib/ids.ts';
import { createVault } from '../src/lib/secrets.ts';
import { readUser } from '../src/protocols/scim/draft.ts';
import { ENTERPRISE, USER, userResource } from '../src/protocols/scim/schema.ts';
import { searchMoves } from '../src/protocols/scim/searchable.ts';
import { statementOf } from '../src/protocols/scim/statement.ts';
import type { Write } from '../src/store/apply.ts';
import type { Database } from '../src/store/database.ts';
import { openDatabase } from '../src/store/open.ts';
import { createStore } from '../src/store/store.ts';
import { sampleTenant, worldOf } from './planner.ts';

/** What Entra creates somebody with. */
export const resourceOf = (name: string, title = 'Engineer') => ({
  schemas: [USER, ENTERPRISE],
  userName: `${name}@acme.example`,
  externalId: `object-${name}`,
  active: true,
  displayName: `Amara ${name}`,
  title,
  preferredLanguage: 'en-US',
  name: { formatted: `Amara ${name}`, familyName: name, givenName: 'Amara' },
  emails: [{ primary: true, type: 'work', value: `${name}@acme.example` }],
  [ENTERPRISE]: { department: 'Sales', employeeNumber: name },
});
export const nameOf = (i: number): string => `user${String(i).padStart(7, '0')}`;

const SCHEMA = userResource({});
const TOGETHER = 200;

export async function directoryWorld(): Promise<World> {
  return { ...worldOf(await sampleTenant(20)), mode: 'scim', phase: 'live', newId: () => newId() };
}

export function writeOf(world: World, name: string): Write {
  const said = statementOf(readUser(resourceOf(name), SCHEMA).draft, SCHEMA, {});
  const made = plan({ bySubject: null, byEmail: [] }, { kind: 'resource', write: 'create', ifVersion: null, revise: () => said }, world);
  const line = { cause: 'resource', action: 'CREATE' as const, resourceType: 'User', resourceId: made.userId, outcome: 'SUCCESS' as const };
  const entry = {
    ...line,
    id: made.id,
    tenantId: 'acme',
    at: world.now,
    actor: 'scim:bench',
    code: 'created-by-directory',
    reference: null,
    mappingVersion: 1,
    detail: {},
  };
  return { plan: made, entry, deliveries: [], search: searchMoves(null, replay(null, made)!), seats: null, bound: null };
}

/** Ids in order. */
export async function loadPeople(database: Database, world: World, count: number): Promise<string[]> {
  const { apply } = createStore(database);
  const ids: string[] = [];
  for (let i = 0; i < count; i += TOGETHER) {
    const writes = Array.from({ length: Math.min(TOGETHER, count - i) }, (_, n) => writeOf(world, nameOf(i + n)));
    await apply.apply(writes, world.now);
    ids.push(...writes.map(({ plan: made }) => made.userId));
  }
  return ids;
}

export async function loadGroup(
  database: Database,
  world: World,
  { displayName, members }: { displayName: string; members: string[] },
): Promise<string> {
  const { groups } = createStore(database);
  const id = world.newId();
  const { now } = world;
  const source = 'directory' as const;
  const group = {
    tenantId: 'acme',
    id,
    displayName,
    displayNameKey: foldKey(displayName),
    externalId: null,
    source,
    version: 1,
    unsettledSince: null,
  };
  await groups.create({ ...group, createdAt: now, updatedAt: now }, null);
  for (let i = 0; i < members.length; i += TOGETHER) {
    const rows = members.slice(i, i + TOGETHER).map((userId) => ({ tenantId: 'acme', userId, groupId: id, source, since: now }));
    await database.query.insert(database.tables.membership).values(rows);
  }
  return id;
}

export interface Loaded {
  secret: string;
  token: string;
  ids: string[];
  small: string;
  large: string;
}

/** A database with so many people, a group of a hundred, one of fifty thousand (or of all), and a token. */
export async function loadDirectory(url: string, count: number): Promise<Loaded> {
  const database = await openDatabase(url);
  try {
    const world = await directoryWorld();
    const ids = await loadPeople(database, world, count);
    const small = await loadGroup(database, world, { displayName: 'Small', members: ids.slice(0, 100) });
    const large = await loadGroup(database, world, { displayName: 'Large', members: ids.slice(0, 50_000) });
    const secret = randomBytes(32);
    const deps = { store: createStore(database), vault: createVault(secret), now: () => new Date(), newId: () => newId() };
    const { token } = await createToken(deps, { tenantId: 'acme', name: 'bench', expiresAt: null, actor: 'bench' });
    return { secret: secret.toString('base64'), token, ids, small, large };
  } finally {
    await database.close();
  }
}
