/** Taking tenant files in, over a real store: by several nodes at once, and by one that dies on the way. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { targetsOf } from '../../src/core/diff.ts';
import type { Tenant } from '../../src/core/tenant.ts';
import { type ApplyTenantsDeps, applyTenant, planTenants, type TenantFile, takeIn, withoutFile } from '../../src/flows/apply-tenants.ts';
import { provision } from '../../src/flows/provision.ts';
import { createTenantRegistry } from '../../src/flows/tenants.ts';
import { newId } from '../../src/lib/ids.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createTurns } from '../../src/lib/turns.ts';
import { Conflict, type Database, Unavailable } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore, type Store } from '../../src/store/store.ts';
import { assertion, group, makeTenant, rule } from '../core/world.ts';

let database: Database;
let store: Store;
let deps: ApplyTenantsDeps;
const options = { actor: 'test', allowRemovals: true };

/** A document is the name of the bundle that the group Sales opens. */
const tenantOf = (text: string): Tenant => makeTenant([rule('sales', group('Sales'), [`bundle:${text}`])]);
const file = (text: string): TenantFile => ({ tenantId: 'acme', file: 'acme.yaml', text, parsed: { ok: true, tenant: tenantOf(text) } });

beforeEach(async () => {
  database = await openDatabase('sqlite::memory:');
  store = createStore(database);
  const parse: ApplyTenantsDeps['parse'] = (text) => ({ ok: true, tenant: tenantOf(text) });
  const tenants = createTenantRegistry({ store, parse, log: silentLog });
  deps = { store, parse, tenants, turns: createTurns(), worker: 'test', now: () => new Date(), newId: () => newId() };
});
afterEach(() => database.close());

async function signIn(subject: string, text: string): Promise<string> {
  const intent = assertion('sso', subject, { groups: ['Sales'] });
  const lookup = { by: 'assertion', source: 'connection:sso', subject, emailKey: `${subject}@acme.example` } as const;
  const live = { tenant: tenantOf(text), mode: 'jit', phase: null, seats: null, brake: null, revision: 1 } as const;
  return (await provision(deps, { live, intent, lookup, actor: 'test', reference: null })).after.user.id;
}
const enrolments = async (id: string) => [...targetsOf(await store.people.state('acme', id))];

describe('nodes that start together', () => {
  it('take a new tenant in once, and none of them fails', async () => {
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => takeIn(deps, file('one'), options)));
    expect(outcomes.map((o) => o.outcome).sort()).toEqual(['created', 'unchanged', 'unchanged', 'unchanged', 'unchanged']);
  });

  it('take a changed file in, and what was planned before somebody else was quicker is a conflict', async () => {
    await takeIn(deps, file('one'), options);
    const [planned] = await planTenants(deps, [file('two')]);
    await Promise.all(Array.from({ length: 3 }, () => takeIn(deps, file('two'), options)));
    expect((await store.tenants.get('acme'))?.document).toBe('two');
    await expect(applyTenant(deps, planned!, options)).rejects.toBeInstanceOf(Conflict);
  });
});

it('a process that dies between the file and the people leaves the people to whoever comes next', async () => {
  await takeIn(deps, file('one'), options);
  const ids = [await signIn('ada', 'one'), await signIn('bob', 'one')];
  const dying: ApplyTenantsDeps['store'] = { ...store, apply: { apply: () => Promise.reject(new Unavailable('killed')) } };
  await expect(takeIn({ ...deps, store: dying }, file('two'), options)).rejects.toThrow('killed');
  expect(await Promise.all(ids.map(enrolments))).toEqual([['bundle:one'], ['bundle:one']]);

  // The document is in force; the walk over everybody goes on where it was, once its worker has not been heard of for a while.
  const again = await takeIn({ ...deps, worker: 'another', now: () => new Date(Date.now() + 60_000) }, file('two'), options);
  expect(again).toMatchObject({ outcome: 'unchanged', publication: { state: 'done', done: 2, changed: 2 } });
  expect(await Promise.all(ids.map(enrolments))).toEqual([['bundle:two'], ['bundle:two']]);
  expect((await takeIn(deps, file('two'), options)).outcome).toBe('unchanged');
});

describe('a connection that would trust another provider', () => {
  const moved = (text: string): TenantFile => {
    const tenant = tenantOf(text);
    const connections = tenant.connections.map((connection) => ({ ...connection, issuer: 'https://other.example' }) as Tenant['connections'][number]);
    return { ...file(text), parsed: { ok: true, tenant: { ...tenant, connections } } };
  };

  it('is not taken in unasked: its subjects would be taken for the people of the old one', async () => {
    await takeIn(deps, file('one'), options);
    const refused = await takeIn(deps, moved('two'), options);
    expect(refused.outcome).toBe('other-provider');
    expect(refused.problems).toHaveLength(2);
    expect((await store.tenants.get('acme'))?.document).toBe('one');
  });

  it('is taken in where an operator insists', async () => {
    await takeIn(deps, file('one'), options);
    expect((await takeIn(deps, moved('two'), { ...options, allowOtherProvider: true })).outcome).toBe('updated');
  });
});

it('a tenant whose file is gone is named', async () => {
  await takeIn(deps, file('one'), options);
  expect(await withoutFile(deps, [file('one')])).toEqual([]);
  expect(await withoutFile(deps, [])).toEqual(['acme']);
});
