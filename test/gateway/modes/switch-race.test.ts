/** Two operators and a directory, all at once, on two processes: one mode wins, and no request is half done. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createKey } from '../../../src/flows/admin.ts';
import { describeWith } from '../../services.ts';
import { type Place, postgres } from '../../store/backends.ts';
import { environment, eventually, freePort, type TenantFolder, tenantFolder } from '../gateway.ts';
import { type GatewayProcess, spawnGateway } from '../process.ts';
import { createClient } from '../scim/client.ts';
import { basePath, beside, company, SECRETS } from '../scim/world.ts';

interface Change {
  kind: string;
  consequences: { confirm: string };
  token: { token: string } | null;
  detail?: string;
}

describeWith('postgres', 'a switch on two processes', () => {
  let place: Place;
  let folder: TenantFolder;
  let nodes: GatewayProcess[];
  let env: Record<string, string>;
  let key = '';
  beforeAll(async () => {
    place = await postgres.make();
    folder = tenantFolder({ tenants: { acme: { ...company(), provisioning: { initialMode: 'manual' } } }, files: SECRETS });
    const secret = randomBytes(32).toString('base64');
    const envs = await Promise.all(
      [1, 2].map(async () => ({ ...environment(await freePort(), folder.path, { database: place.url }), MATRICULA_SECRET: secret })),
    );
    env = envs[0]!;
    nodes = envs.map((one) => spawnGateway(one));
    await Promise.all(nodes.map(({ ready }) => ready));
    await beside(env, async ({ store, vault, flow }) => {
      const at = new Date();
      key = (await createKey({ store, vault, now: flow.now, newId: flow.newId }, { name: 'operators', tenantId: null, expiresAt: null })).key;
      const line = {
        id: 'proof',
        tenantId: 'acme',
        at,
        actor: 'test',
        cause: 'domain',
        action: null,
        resourceType: 'Domain',
        resourceId: 'acme.example',
      };
      await store.domains.add(
        {
          tenantId: 'acme',
          domain: 'acme.example',
          challenge: 'c',
          held: 'acme.example',
          verifiedAt: at,
          checkedAt: at,
          failure: null,
          createdAt: at,
        },
        { ...line, outcome: 'SUCCESS', code: null, reference: null, mappingVersion: null, detail: {} },
      );
    });
  }, 60_000);
  afterAll(async () => {
    await Promise.all((nodes ?? []).map((node) => node.stop()));
    await place?.drop();
    folder?.remove();
  });

  const ask = async (node: number, body: object): Promise<{ status: number; body: Change }> => {
    const answer = await fetch(`${nodes[node]!.url}/api/v1/tenants/acme/provisioning-mode`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as Change };
  };
  const confirmOf = async (node: number, mode: string) => (await ask(node, { mode })).body.consequences.confirm;
  const stored = () => beside(env, async ({ store }) => (await store.tenants.get('acme'))!.mode);

  it('of two operators who want different modes one wins, and the other is told why', async () => {
    for (let round = 0; round < 3; round++) {
      const [jit, scim] = [await confirmOf(0, 'jit'), await confirmOf(1, 'scim')];
      const answers = await Promise.all([ask(0, { mode: 'jit', confirm: jit }), ask(1, { mode: 'scim', confirm: scim })]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const [winner] = answers.map(({ status }, i) => (status === 200 ? ['jit', 'scim'][i] : null)).filter(Boolean);
      expect(answers.find(({ status }) => status === 409)?.body.detail).toMatch(/./);
      expect(await stored()).toBe(winner);
      const back = await eventually(async () => {
        const shown = await ask(0, { mode: 'manual' });
        return shown.body.kind === 'to-confirm' ? shown.body.consequences.confirm : null;
      });
      expect((await ask(0, { mode: 'manual', confirm: back })).status).toBe(200);
    }
  }, 60_000);

  it('a directory that goes on while it is left is refused on every node, and each of its requests is done whole or not at all', async () => {
    const entered = await ask(0, { mode: 'scim', confirm: await confirmOf(0, 'scim') });
    const { token } = entered.body.token!;
    const clients = nodes.map(({ url }) => createClient(url + basePath('acme'), token));
    // The other node has not heard of the mode yet and takes the token all the same.
    expect((await clients[1]!.get('/Users?count=0')).status).toBe(200);
    const made: string[] = [];
    const refused: number[] = [];
    const working = clients.map(async (client, n) => {
      for (let i = 0; i < 60; i++) {
        const answer = await client.post('/Users', { userName: `u${n}-${i}@acme.example`, externalId: `x${n}-${i}` });
        if (answer.status === 201) made.push(answer.body.id);
        else refused.push(answer.status);
      }
    });
    const leaving = (async () => {
      await eventually(async () => (made.length > 15 ? true : null));
      return ask(1, { mode: 'manual', confirm: await confirmOf(1, 'manual') });
    })();
    const [left] = await Promise.all([leaving, ...working]);
    expect(left.status).toBe(200);
    expect(refused.length).toBeGreaterThan(0);
    expect([...new Set(refused)]).toEqual([401]);
    for (const client of clients) expect((await client.get('/Users?count=0')).status).toBe(401);
    const people = await beside(env, async ({ store }) => (await store.people.states('acme', { after: null, limit: 1000 })).states);
    // Whoever is there is there whole: the identity, the enrolment of everybody, and the line in the sync log; answered or not.
    for (const { user, identities, grants } of people)
      expect({ who: user.userName, identities: identities.length, enrolled: grants.map(({ target }) => target) }).toEqual({
        who: user.userName,
        identities: 1,
        enrolled: ['group:staff'],
      });
    expect(new Set(people.map(({ user }) => user.id))).toEqual(new Set(made));
    const lines = await beside(env, ({ store }) => store.journal.syncLog('acme', { action: 'CREATE', outcome: 'SUCCESS', limit: 1000 }));
    expect(new Set(lines.map(({ resourceId }) => resourceId))).toEqual(new Set(made));
  }, 60_000);

  it('a revoked token is refused by the other process within a second', async () => {
    const entered = await ask(0, { mode: 'scim', confirm: await confirmOf(0, 'scim') });
    const { token } = entered.body.token!;
    const other = createClient(nodes[1]!.url + basePath('acme'), token);
    expect((await other.get('/Users?count=0')).status).toBe(200);
    await beside(env, async ({ store, flow }) => {
      for (const row of await store.keys.list('scim', 'acme')) await store.keys.revoke(row.id, flow.now());
    });
    await eventually(async () => ((await other.get('/Users?count=0')).status === 401 ? true : null), 1000);
  });
});
