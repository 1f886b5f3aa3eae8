import { afterAll } from '@jest/globals';
import type { Person } from '../../../src/connectors/connector.ts';
import { basePath, company, type ScimWorld, startWorld } from '../../gateway/scim/world.ts';
import { type Backend, postgres, sqliteFile } from '../../store/backends.ts';
import { attemptOf, makePerson } from '../people.ts';
import { connectorPromises, type Observed, type Side } from '../suite.ts';
import { type Application, type Element, type Quirks, startApplication, TOKEN } from './application.ts';
import { type Between, startBetween } from './between.ts';
import { connectorTo, type PlatformOver, target } from './platform.ts';

const THINGS = ['Sales onboarding', 'The "best" \\ board', 'Cohort 7'].map(target);

type Kept = Pick<Side, 'observe' | 'accounts' | 'putByHand' | 'removeAccount' | 'foreignAccount' | 'makePrivileged'>;

interface Way {
  between: Between;
  token: string;
  /** Of the application's base address. */
  path: string;
  over?: PlatformOver;
  close(): Promise<void>;
}

const sideOf = (kept: Kept, { between, token, path, over = {}, close }: Way): Side => ({
  ...kept,
  connector: connectorTo(between.origin + path, over, token),
  things: THINGS,
  secrets: [token],
  person: makePerson,
  attempt: async (key, person, desired) => attemptOf(key, person, desired),
  loseAnswer: async () => between.loseAnswer(),
  down: async () => between.down(),
  answerNonsense: async () => between.nonsense(),
  up: async () => between.up(),
  close: async () => {
    await between.close();
    await close();
  },
});

const resourcesIn = (names: string[]): Observed['resources'] =>
  THINGS.flatMap(({ kind, id, name }) => names.filter((one) => one.toLowerCase() === name.toLowerCase()).map(() => ({ kind, id })));

// 1. Somebody else's applications.

const APPLICATIONS: { name: string; quirks: Partial<Quirks>; over?: PlatformOver }[] = [
  { name: 'scim, an application by the book', quirks: {} },
  {
    name: 'scim, an application without PATCH that keeps versions',
    quirks: { patch: false, versions: true, userGroups: 'absent' },
    over: { quirks: { update: 'put' } },
  },
  {
    name: 'scim, an application of many quirks',
    quirks: {
      filters: ['userName', 'displayName'],
      leavesOutEmpty: true,
      notFoundAs404: true,
      textBooleans: true,
      lowers: true,
      dropsTypes: true,
      userGroups: 'empty',
      uniqueGroups: true,
    },
    over: { quirks: { findBy: 'userName', booleansAsText: true } },
  },
];

for (const { name, quirks, over } of APPLICATIONS)
  connectorPromises({
    name,
    async make() {
      const application = await startApplication(quirks);
      const between = await startBetween(new URL(application.url).origin);
      return sideOf(keptBy(application), { between, token: TOKEN, path: '/scim/v2', ...(over && { over }), close: application.close });
    },
  });

function keptBy({ users, groups, user, group, quirks }: Application): Kept {
  return {
    async observe(id) {
      const there = users.get(id);
      if (!there) return null;
      const names = [...groups.values()].flatMap(({ members, displayName }) =>
        (members ?? []).filter(({ value }) => value === id).map(() => displayName),
      );
      const { givenName = '', familyName = '' } = there.name ?? {};
      const active = quirks.textBooleans ? there.active === 'True' : (there.active as boolean);
      return { resources: resourcesIn(names), profile: { email: mailOf(there.emails), givenName, familyName }, active };
    },
    accounts: async () => users.size,
    async putByHand(id, { name }) {
      const there = [...groups.values()].find(({ displayName }) => displayName.toLowerCase() === name.toLowerCase()) ?? group(name);
      there.members = [...(there.members ?? []), { value: id }];
    },
    removeAccount: async (id) => {
      users.delete(id);
      for (const one of groups.values()) one.members = (one.members ?? []).filter(({ value }) => value !== id);
    },
    foreignAccount: async ({ userName, email }: Person) =>
      user({ userName, emails: [{ value: email, type: 'work' }], active: quirks.textBooleans ? 'True' : true }).id,
    makePrivileged: async (id) => {
      users.get(id)!.roles = [{ value: 'Site Admin' }];
    },
  };
}

/** One address and no other: a change that leaves the old one there is none. */
const mailOf = (emails: Element[] = []): string => emails.map(({ value }) => value).join(' and ');

// 2. Our own server, a tenant for each test.

const TENANTS = Array.from({ length: 40 }, (_, i) => `t${i}`);

for (const backend of [sqliteFile, postgres]) ownServer(backend);

function ownServer(backend: Backend): void {
  let world: ScimWorld;
  const left = [...TENANTS];
  connectorPromises({
    name: `scim, into Matricula itself on ${backend.name}`,
    needs: backend.needs,
    async make() {
      world ??= await startWorld({ backend, tenants: Object.fromEntries(TENANTS.map((id) => [id, company({ name: id })])) });
      const tenant = left.shift();
      if (!tenant) throw new Error('there are more tests than tenants');
      const between = await startBetween(world.gateway.baseUrl);
      return sideOf(keptIn(world, tenant), { between, token: world.clientOf(tenant).token!, path: basePath(tenant), close: async () => {} });
    },
  });
  afterAll(() => world?.close());
}

function keptIn(world: ScimWorld, tenant: string): Kept {
  const client = world.clientOf(tenant);
  const { store } = world.gateway.house;
  return {
    async observe(id) {
      const state = await store.people.state(tenant, id);
      if (!state || state.user.status === 'deleted') return null;
      const { email, givenName, familyName, status } = state.user;
      const { groups } = await world.seen(id, tenant);
      return { resources: resourcesIn(groups), profile: { email, givenName, familyName }, active: status === 'active' };
    },
    accounts: async () => (await client.get('/Users?count=0')).body.totalResults,
    async putByHand(id, { name }) {
      const found = (await client.find('Groups', `displayName eq ${JSON.stringify(name)}`)).body.Resources[0];
      const group = found ?? (await client.post('/Groups', { displayName: name })).body;
      await client.patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: [{ value: id }] });
    },
    removeAccount: async (id) => void (await client.delete(`/Users/${id}`)),
    foreignAccount: async ({ userName, email }) => (await client.post('/Users', { userName, emails: [{ value: email, type: 'work' }] })).body.id,
    makePrivileged: async (id) => void (await client.patch(`/Users/${id}`, { op: 'add', path: 'roles', value: [{ value: 'admin' }] })),
  };
}
