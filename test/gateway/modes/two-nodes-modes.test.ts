/** What an operator changes on one node holds on the other at once: not within the second in which it would have noticed by itself. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type OidcIdp, startOidcIdp } from '../../../fixtures/sample-idp/oidc-idp.ts';
import type { SamplePerson } from '../../../fixtures/sample-idp/people.ts';
import { targetsOf } from '../../../src/core/diff.ts';
import { createKey } from '../../../src/flows/admin.ts';
import { provision } from '../../../src/flows/provision.ts';
import { assertion } from '../../core/world.ts';
import { describeWith } from '../../services.ts';
import { type Place, postgres } from '../../store/backends.ts';
import { environment, freePort, type TenantFolder, type TestGateway, tenantFolder } from '../gateway.ts';
import { type GatewayProcess, spawnGateway } from '../process.ts';
import { type Answer, createClient, GROUP, type ScimClient } from '../scim/client.ts';
import { basePath, beside, company, SECRETS } from '../scim/world.ts';
import { createVisitor, shown, type Visitor } from '../visitor.ts';
import { type Consequences, learner, RULES } from './operator.ts';

jest.setTimeout(120_000); // each node is a process of its own

/** The nodes look once a second: after this each knows what there is. */
const NOTICED_MS = 1500;
const [A, B] = [0, 1];

describeWith('postgres', 'modes on two nodes', () => {
  let place: Place;
  let folder: TenantFolder;
  let oidc: OidcIdp;
  let nodes: GatewayProcess[] = [];
  let house: TestGateway['house'];
  let closeHouse: () => void = () => {};
  let houseClosed: Promise<void> = Promise.resolve();
  let key = '';

  beforeAll(async () => {
    [oidc, place] = await Promise.all([startOidcIdp({ people: [], clients: [] }), postgres.make()]);
    const connection = { ...company().connections[0], issuer: oidc.issuer };
    const acme = { ...company(), provisioning: { initialMode: 'jit' }, connections: [connection], groups: {}, rules: RULES };
    folder = tenantFolder({ tenants: { acme }, files: SECRETS });
    const secret = randomBytes(32).toString('base64');
    const envs = await Promise.all(
      [A, B].map(async () => ({ ...environment(await freePort(), folder.path, { database: place.url }), MATRICULA_SECRET: secret })),
    );
    nodes = envs.map((one) => spawnGateway(one));
    await Promise.all(nodes.map(({ ready }) => ready));
    const redirectUris = nodes.map(({ url }) => `${url}/t/acme/oidc/oidc/callback`);
    oidc.setClients([{ clientId: 'acme', clientSecret: SECRETS['secrets/oidc'], redirectUris, auth: 'client_secret_basic' }]);
    // One look at the database for as long as the tests run: opening it anew would take longer than what is to be seen.
    house = await new Promise((resolve, reject) => {
      const closed = new Promise<void>((end) => {
        closeHouse = end;
      });
      houseClosed = beside(envs[0]!, (opened) => {
        resolve(opened);
        return closed;
      });
      houseClosed.catch(reject);
    });
    await house.tenants.refresh();
    const { store, vault, flow } = house;
    key = (await createKey({ store, vault, now: flow.now, newId: flow.newId }, { name: 'operators', tenantId: null, expiresAt: null })).key;
    const [tenantId, domain, at] = ['acme', 'acme.example', new Date()];
    const line = { id: 'proof', tenantId, at, actor: 'test', cause: 'domain', action: null, resourceType: 'Domain', resourceId: domain };
    await store.domains.add(
      { tenantId, domain, challenge: 'c', held: domain, verifiedAt: at, checkedAt: at, failure: null, createdAt: at },
      { ...line, outcome: 'SUCCESS', code: null, reference: null, mappingVersion: null, detail: {} },
    );
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    closeHouse();
    await houseClosed;
    await oidc?.close();
    await place?.drop();
    folder?.remove();
  });

  interface Changed {
    kind: string;
    consequences: Consequences;
    token: { token: string } | null;
  }
  const ask = async <T>(node: number, method: string, path: string, body?: object): Promise<{ status: number; body: T }> => {
    const answer = await fetch(`${nodes[node]!.url}/api/v1/tenants/acme${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as T };
  };
  /** On node A. Shown and confirmed until it is done: what a directory does in between may make a confirmation worthless. */
  async function change(path: string, body: object = {}): Promise<Changed> {
    for (let tries = 1; tries <= 200; tries++) {
      const shownFirst = await ask<Changed>(A, 'POST', path, body);
      if (shownFirst.body.kind === 'unchanged') return shownFirst.body;
      if (shownFirst.body.kind !== 'to-confirm') throw new Error(`${path}: ${shownFirst.status} ${JSON.stringify(shownFirst.body)}`);
      const done = await ask<Changed>(A, 'POST', path, { ...body, confirm: shownFirst.body.consequences.confirm });
      if (done.body.kind === 'done') return done.body;
      if (done.status !== 409) throw new Error(`${path}: ${done.status} ${JSON.stringify(done.body)}`);
    }
    throw new Error(`${path} was never done`);
  }
  const to = (mode: string) => change('/provisioning-mode', { mode });
  /** The tenant in `jit`, and both nodes know it. */
  async function inJit(): Promise<void> {
    await to('manual');
    await to('jit');
    await sleep(NOTICED_MS);
  }
  const on = (node: number, token: string): ScimClient => createClient(nodes[node]!.url + basePath('acme'), token);

  let people = 0;
  const fresh = (): string => `person${++people}`;
  /** As a sign-in makes somebody, without a browser and without a node. The tenant is in `jit`. */
  async function arrives(name: string, groups: string[]): Promise<string> {
    await house.tenants.refresh();
    const lookup = { by: 'assertion' as const, source: 'connection:oidc' as const, subject: name, emailKey: `${name}@acme.example` };
    const live = house.tenants.get('acme')!;
    expect(live.mode).toBe('jit');
    const done = await provision(house.flow, { live, intent: assertion('oidc', name, { groups }), lookup, actor: 'test', reference: null });
    return done.after.user.id;
  }
  const stateOf = async (id: string) => {
    const state = (await house.store.people.state('acme', id))!;
    return [state.user.status, ...[...targetsOf(state)].sort()];
  };
  const known: SamplePerson[] = [];
  /** A first sign-in on node B that lacks its last step: the browser stands before the callback. */
  async function atTheDoor(name: string): Promise<{ visitor: Visitor; callback: string }> {
    known.push(learner(name, ['Sales']));
    oidc.setPeople(known);
    const visitor = createVisitor(nodes[B]!.url, { stopAt: (url) => url.includes('/oidc/oidc/callback?') });
    const { url } = await visitor.byOidc(`${name}@acme.example`);
    expect(url).toContain('/oidc/oidc/callback?');
    return { visitor, callback: url };
  }
  const named = (name: string) => house.store.people.find('acme', `${name}@acme.example`);

  describe('a directory that is made to begin again', () => {
    it.each([1, 2, 3])('is held on the other node from its first request on (%i)', async () => {
      await inJit();
      const [gone, locked] = [await arrives(fresh(), ['Sales']), await arrives(fresh(), ['Sales'])];
      await to('scim');
      await change('/hand-over/complete');
      // Both know the tenant as one whose directory counts in full.
      await sleep(NOTICED_MS);
      expect(await stateOf(gone)).toEqual(['active', 'bundle:sales']);
      await to('manual');
      const { token } = await to('scim');
      const directory = on(B, token!.token);
      const answers = await Promise.all([
        directory.patch(`/Users/${locked}`, { op: 'replace', path: 'active', value: false }),
        directory.delete(`/Users/${gone}`),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([200, 204]);
      expect(await stateOf(locked)).toEqual(['active', 'bundle:sales']);
      expect(await stateOf(gone)).toEqual(['active', 'bundle:sales']);
      const { held } = (await ask<{ held: { userId: string; what: string }[] }>(A, 'GET', '/held')).body;
      expect(held.filter(({ what }) => what === 'status').map(({ userId }) => userId)).toEqual(expect.arrayContaining([locked, gone]));
      await change('/hand-over/complete');
      expect([(await stateOf(locked))[0], (await stateOf(gone))[0]]).toEqual(['suspended', 'deleted']);
    });
  });

  describe('a tenant that a directory takes over', () => {
    it.each(['scim', 'manual'])('lets nobody in on the other node who is not there already (%s)', async (mode) => {
      await inJit();
      const before = fresh();
      const first = await atTheDoor(before);
      expect((await first.visitor.browser.get(first.callback)).status).toBe(200);
      expect(await named(before)).not.toBeNull();
      const strangers = [fresh(), fresh(), fresh()];
      const doors = [];
      for (const name of strangers) doors.push(await atTheDoor(name));
      await to(mode);
      const pages = await Promise.all(doors.map(({ visitor, callback }) => visitor.browser.get(callback)));
      expect(pages.map((page) => (page.status === 200 ? { status: 200 } : shown(page)))).toMatchObject(
        pages.map(() => ({ status: 403, code: 'not-provisioned' })),
      );
      expect(await Promise.all(strangers.map(named))).toEqual([null, null, null]);
      // Who is there signs in all the same, and is taught nothing.
      const again = await atTheDoor(before);
      expect((await again.visitor.browser.get(again.callback)).status).toBe(200);
    });
  });

  describe('seats', () => {
    const seats = (many: number | null) => ask<{ seats: number | null; active: number }>(A, 'POST', '/seats', { seats: many });
    afterAll(() => seats(null));

    it('lowered on one node are no more on the other: a first sign-in is refused, and nobody is created', async () => {
      await inJit();
      await seats(null);
      await sleep(NOTICED_MS);
      const names = [fresh(), fresh(), fresh()];
      const doors = [];
      for (const name of names) doors.push(await atTheDoor(name));
      const { active } = (await seats(null)).body;
      await sleep(NOTICED_MS);
      expect((await seats(active)).body).toMatchObject({ seats: active, active });
      const pages = await Promise.all(doors.map(({ visitor, callback }) => visitor.browser.get(callback)));
      expect(pages.map((page) => (page.status === 200 ? { status: 200 } : shown(page)))).toMatchObject(
        pages.map(() => ({ status: 403, code: 'seats-exhausted' })),
      );
      expect(await Promise.all(names.map(named))).toEqual([null, null, null]);
      expect((await ask<{ active: number }>(A, 'GET', '/provisioning-mode')).body.active).toBe(active);
    });

    it('lowered to one that is free, racing sign-ins on the other node take that one', async () => {
      await inJit();
      const { active } = (await seats(null)).body;
      await sleep(NOTICED_MS);
      const names = Array.from({ length: 6 }, fresh);
      const doors = [];
      for (const name of names) doors.push(await atTheDoor(name));
      await seats(active + 1);
      const pages = await Promise.all(doors.map(({ visitor, callback }) => visitor.browser.get(callback)));
      expect(pages.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403, 403, 403]);
      expect((await Promise.all(names.map(named))).filter(Boolean)).toHaveLength(1);
    });

    it('raised on one node are there on the other', async () => {
      await inJit();
      const { active } = (await seats(null)).body;
      await seats(active);
      await sleep(NOTICED_MS);
      const name = fresh();
      const { visitor, callback } = await atTheDoor(name);
      await seats(active + 1);
      expect((await visitor.browser.get(callback)).status).toBe(200);
      expect(await named(name)).not.toBeNull();
    });
  });

  describe('a tenant that is left while the directory works on the other node', () => {
    const PEOPLE = 60;
    const REQUESTS = 200;
    const AT_ONCE = 16;
    const ids: string[] = [];

    /** Everybody with version, grants, memberships and what waits; and every group as it stands. */
    async function everything(): Promise<Record<string, unknown>> {
      const { states } = await house.store.people.states('acme', { after: null, limit: 1000 });
      const all = states.map(({ user, grants, memberships, held }): [string, unknown] => [
        user.id,
        {
          version: user.version,
          status: user.status,
          grants: grants.map(({ target, source, rule }) => `${target} ${source} ${rule}`).sort(),
          memberships: memberships.map(({ groupId, source }) => `${groupId} ${source}`).sort(),
          held: held.map(({ what, target }) => `${what} ${target}`).sort(),
        },
      ]);
      const { groups } = await house.store.groups.page('acme', { after: null, limit: 100 });
      return Object.fromEntries([...all, ...groups.map((group): [string, unknown] => [group.id, group])]);
    }
    const enrolments = async () => Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await stateOf(id)] as const)));

    const ways: Record<string, { begin: () => Promise<unknown>; leave: () => Promise<unknown>; keeps: boolean }> = {
      'live, to manual': { begin: () => change('/hand-over/complete'), leave: () => to('manual'), keeps: false },
      'adopting, to manual': { begin: async () => {}, leave: () => to('manual'), keeps: false },
      'adopting, by abort': { begin: async () => {}, leave: () => change('/hand-over/abort'), keeps: true },
    };
    it.each(Object.keys(ways))('(%s) nothing is written any more once the operator has the answer, and the rest get 401', async (way) => {
      const { begin, leave, keeps } = ways[way]!;
      await inJit();
      ids.length = 0;
      for (let i = 0; i < PEOPLE; i++) ids.push(await arrives(fresh(), i % 3 === 0 ? ['Sales', 'Board'] : ['Sales']));
      const had = await enrolments();
      const { token } = await to('scim');
      await begin();
      await sleep(NOTICED_MS);
      const directory = on(B, token!.token);
      const groupIds: string[] = [];
      for (const displayName of ['Sales', 'Board']) {
        const there = (await directory.find('Groups', `displayName eq "${displayName}"`)).body.Resources[0];
        groupIds.push(there?.id ?? (await directory.post('/Groups', { displayName })).body.id);
      }
      const members = (of: (i: number) => boolean) => ids.filter((_, i) => of(i)).map((value) => ({ value }));
      // Ids like ours that are nobody's make a list long: the people at its end come late.
      const gone = () => Array.from({ length: 200 }, () => ({ value: house.flow.newId() }));
      const request = (n: number): Promise<Answer> => {
        const [displayName, path] = [['Sales', 'Board'][n % 2]!, `/Groups/${groupIds[n % 2]}`];
        const some = [...gone(), ...members((i) => i % 5 !== n % 5)];
        if (n % 4 < 2) return directory.put(path, { schemas: [GROUP], displayName, members: some });
        return directory.patch(path, { op: n % 8 < 4 ? 'remove' : 'add', path: 'members', value: some });
      };
      const answers: { sent: number; status: number }[] = [];
      let sent = 0;
      const worker = async () => {
        while (sent < REQUESTS) {
          const n = sent++;
          answers.push({ sent: n, status: (await request(n)).status });
        }
      };
      const working = Promise.all(Array.from({ length: AT_ONCE }, worker));
      while (answers.length < 30) await sleep(1);
      await leave();
      const [sentBefore, left] = [sent, await everything()];
      await working;
      const after = await everything();
      expect([...new Set(answers.map(({ status }) => status))].filter((status) => ![200, 204, 401].includes(status))).toEqual([]);
      expect(answers.filter(({ status }) => status < 300).length).toBeGreaterThanOrEqual(30);
      expect(sentBefore).toBeLessThan(REQUESTS);
      expect(answers.filter((one) => one.sent >= sentBefore && one.status !== 401)).toEqual([]);
      const moved = Object.keys(after).filter((id) => JSON.stringify(after[id]) !== JSON.stringify(left[id]));
      expect(moved.map((id) => ({ was: left[id], is: after[id] }))).toEqual([]);
      expect(Object.keys(after)).toEqual(Object.keys(left));
      if (keeps) expect(await enrolments()).toEqual(had);
    });
  });
});
