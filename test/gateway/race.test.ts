/** Many at once: one person coming in forty tabs, forty edits of one user, two gateways that start on an empty database. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Intent, Lookup } from '../../src/core/intent.ts';
import type { Target } from '../../src/core/model.ts';
import { type Provisioned, provision } from '../../src/flows/provision.ts';
import { describeWith } from '../services.ts';
import { type Place, postgres, sqliteFile } from '../store/backends.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { counterpart, formWith, type ScriptedProvider, startScriptedProvider } from './saml-provider.ts';
import { createVisitor } from './visitor.ts';

const TIMES = 40;
/** Browsers cost a signature each. */
const BROWSERS = 12;
const each = <T>(work: (i: number) => T, times = TIMES): T[] => Array.from({ length: times }, (_, i) => work(i));

let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startScriptedProvider();
});
afterAll(() => provider?.close());

const acme = () => ({
  name: 'Acme',
  domains: ['acme.example'],
  connections: [provider.connection('corp')],
  catalogue: { groups: [{ slug: 'staff', title: 'Staff' }] },
  rules: [{ id: 'staff', when: { group: 'All Staff' }, enrol: ['group:staff'] }],
});

const ask = ({ house }: TestGateway, intent: Intent, lookup: Lookup): Promise<Provisioned> =>
  provision(house.flow, { live: house.tenants.get('acme')!, intent, lookup, actor: 'test', reference: null });

/** The first sign-in of somebody; the userName is another than the e-mail, so that each of the three unique things is raced for. */
function comes(gateway: TestGateway, who: string): Promise<Provisioned> {
  const profile = { email: `${who}@acme.example`, userName: who };
  const statement = { profile, fields: {}, claims: {}, groups: { said: 'listed' as const, groups: ['All Staff'] } };
  const at = { source: 'connection:corp', subject: who } as const;
  return ask(gateway, { kind: 'assertion', ...at, statement, emailTrust: { trusted: true } }, { by: 'assertion', ...at, emailKey: profile.email });
}

const grants = (gateway: TestGateway, userId: string, target: Target) => ask(gateway, { kind: 'edit', grant: [target] }, { by: 'user', userId });

async function oneUser({ house }: TestGateway, who: string) {
  const { users } = await house.store.people.page('acme', { after: null, limit: 100 });
  const found = users.filter(({ email }) => email === `${who}@acme.example`);
  expect(found).toHaveLength(1);
  const lines = await house.store.journal.list('acme', { resourceId: found[0]!.id, limit: 100 });
  return { user: found[0]!, lines, state: (await house.store.people.state('acme', found[0]!.id))! };
}

describe.each([
  { name: 'SQLite', service: 'none' as const, backend: sqliteFile, gateways: 1 },
  { name: 'PostgreSQL', service: 'postgres' as const, backend: postgres, gateways: 2 },
])('$name', ({ service, backend, gateways, name }) => {
  describeWith(service, `${gateways} gateway(s) on ${name}`, () => {
    let place: Place;
    let all: TestGateway[];
    const at = (i: number) => all[i % gateways]!;

    beforeAll(async () => {
      place = await backend.make();
      const shared = { database: place.url, env: { MATRICULA_SECRET: randomBytes(32).toString('base64') }, tenants: { acme: acme() } };
      // All start at once on an empty database: each migrates it and takes the same tenant file in.
      all = await Promise.all(Array.from({ length: gateways }, () => startGateway(shared)));
    });
    afterAll(async () => {
      await Promise.all((all ?? []).map((gateway) => gateway.close()));
      await place?.drop();
    });

    it('all of them are ready, and the tenant was taken in once', async () => {
      for (const { baseUrl, house } of all) {
        expect((await fetch(`${baseUrl}/readyz`)).status).toBe(200);
        expect(house.tenants.get('acme')).toMatchObject({ revision: 1 });
      }
      expect(await all[0]!.house.store.journal.list('acme', { limit: 10 })).toMatchObject([{ cause: 'apply', outcome: 'SUCCESS' }]);
    });

    it.each(['ada', 'barbara', 'carol', 'dorothy', 'evelyn', 'frances'])(
      `${TIMES} simultaneous first sign-ins of %s make one user, once`,
      async (who) => {
        const came = await Promise.all(each((i) => comes(at(i), who)));
        const { user, lines, state } = await oneUser(all[0]!, who);
        expect(new Set(came.map(({ after }) => after.user.id))).toEqual(new Set([user.id]));
        expect(lines).toMatchObject([{ code: 'first-sign-in' }]);
        expect(user.version).toBe(1);
        expect(state).toMatchObject({ identities: [{ subject: who }], grants: [{ target: 'group:staff', rule: 'staff' }] });
      },
    );

    it(`${TIMES} different racing edits of one user all succeed, and none is lost`, async () => {
      const { user } = (await comes(all[0]!, 'grace')).after;
      await Promise.all(each((i) => grants(at(i), user.id, `group:cohort-${i}`)));
      const { user: after, lines, state } = await oneUser(all[0]!, 'grace');
      expect(state.grants.map(({ target }) => target).sort()).toEqual(['group:staff', ...each((i) => `group:cohort-${i}`)].sort());
      expect(after.version).toBe(user.version + TIMES);
      expect(lines).toHaveLength(1 + TIMES);
    });

    it(`${BROWSERS} browsers of one new person, posting at once, all arrive as one user`, async () => {
      const ways = await Promise.all(all.map(({ baseUrl }) => counterpart(baseUrl, provider.key)));
      const attributes = [
        ['email', ['lise@acme.example']],
        ['userName', ['lise']],
        ['groups', ['All Staff']],
      ] as const;
      const ready = await Promise.all(
        each(async (i) => {
          const visitor = createVisitor(at(i).baseUrl);
          const login = await ways[i % gateways]!.start(visitor);
          return { visitor, login, form: formWith(await login.context.good({ nameId: 'lise', attributes }), login.relayState) };
        }, BROWSERS),
      );
      const pages = await Promise.all(ready.map(({ visitor, login, form }) => visitor.browser.post(login.acsUrl, form)));
      expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]));
      const { user, lines } = await oneUser(all[0]!, 'lise');
      expect(lines).toHaveLength(1);
      expect(new Set(await Promise.all(ready.map(async ({ visitor }) => (await visitor.me()).user.id)))).toEqual(new Set([user.id]));
    });
  });
});
