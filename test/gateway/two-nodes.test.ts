/** Two processes behind one address: what one began the other ends, and neither forgets what the other has seen. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type OidcIdp, startOidcIdp } from '../../fixtures/sample-idp/oidc-idp.ts';
import { PEOPLE } from '../../fixtures/sample-idp/people.ts';
import { type SamlIdp, startSamlIdp } from '../../fixtures/sample-idp/saml-idp.ts';
import { available, describeWith, redisUrl } from '../services.ts';
import { type Place, postgres } from '../store/backends.ts';
import { environment, eventually, freePort, type TenantFolder, tenantFolder } from './gateway.ts';
import { command, type Front, type GatewayProcess, spawnGateway, startFront } from './process.ts';
import { createVisitor, shown, type Visitor } from './visitor.ts';

jest.setTimeout(120_000); // each node is a process of its own

const SECRET = 'a secret of the sample provider';
const acme = (issuer: string, enrol: string[]) => ({
  name: 'Acme',
  domains: ['acme.example'],
  connections: [
    { id: 'saml', name: 'SAML', protocol: 'saml', metadata: { file: 'idp.xml' }, domains: ['acme.example'] },
    { id: 'open', name: 'Open', protocol: 'saml', metadata: { file: 'idp.xml' }, domains: ['acme.example'], allowIdpInitiated: true },
    { id: 'oidc', name: 'OIDC', protocol: 'oidc', issuer, clientId: 'acme', clientSecret: 'file:secrets/oidc', domains: ['acme.example'] },
  ],
  catalogue: {
    groups: [
      { slug: 'staff', title: 'Staff' },
      { slug: 'new', title: 'New' },
    ],
  },
  rules: [{ id: 'staff', when: { group: 'All Staff' }, enrol }],
});

describe.each([
  { stores: 'PostgreSQL and Redis', needs: (available.postgres ? 'redis' : 'postgres') as 'redis' | 'postgres', redis: redisUrl },
  { stores: 'PostgreSQL alone', needs: 'postgres' as const, redis: '' },
])('on $stores', ({ needs, redis, stores }) => {
  describeWith(needs, `two nodes on ${stores}`, () => {
    let saml: SamlIdp;
    let oidc: OidcIdp;
    let front: Front;
    let place: Place;
    let folder: TenantFolder;
    let nodes: GatewayProcess[] = [];
    let settings: (port: number) => Record<string, string>;
    let visitor: Visitor;

    const on = (node: number) => front.leadsTo(nodes[node]!.url);
    const coming = () => createVisitor(front.baseUrl);

    beforeAll(async () => {
      [saml, oidc, front, place] = await Promise.all([startSamlIdp(), startOidcIdp({ people: PEOPLE, clients: [] }), startFront(), postgres.make()]);
      const redirectUris = [`${front.baseUrl}/t/acme/oidc/oidc/callback`];
      oidc.setClients([{ clientId: 'acme', clientSecret: SECRET, redirectUris, auth: 'client_secret_basic' }]);
      folder = tenantFolder({
        tenants: { acme: acme(oidc.issuer, ['group:staff']) },
        files: { 'idp.xml': saml.metadata, 'secrets/oidc': SECRET },
      });
      const shared = environment(0, folder.path, { database: place.url, ...(redis && { redis }), env: { MATRICULA_BASE_URL: front.baseUrl } });
      settings = (port) => ({ ...shared, MATRICULA_LISTEN: `127.0.0.1:${port}` });
      nodes = [spawnGateway(settings(await freePort())), spawnGateway(settings(await freePort()))];
      await Promise.all(nodes.map(({ ready }) => ready));
    });
    afterAll(async () => {
      const ends = await Promise.all(nodes.map((node) => node.stop()));
      folder?.remove();
      await Promise.all([saml?.close(), oidc?.close(), front?.close(), place?.drop()]);
      expect(ends).toEqual([0, 0]);
    });

    it('a SAML login started on one finishes on the other, and its session is known on both', async () => {
      visitor = coming();
      on(0);
      const { action, fields } = await visitor.samlAnswer('acme-amara');
      on(1);
      expect((await visitor.browser.post(action, fields)).status).toBe(200);
      expect((await visitor.me()).user.email).toBe('amara@acme.example');
      on(0);
      expect(await visitor.enrolments()).toEqual({ 'group:staff': ['staff'] });
    });

    it('an OpenID Connect login started on one finishes on the other', async () => {
      const other = createVisitor(front.baseUrl, { stopAt: (url) => url.includes('/oidc/oidc/callback?') });
      on(0);
      const { url } = await other.byOidc('bjorn@acme.example');
      on(1);
      expect((await other.browser.get(url)).status).toBe(200);
      expect((await other.me()).user.email).toBe('bjorn@acme.example');
    });

    it('an answer used on one is refused on the other', async () => {
      const other = coming();
      on(0);
      const { action, fields } = await other.samlAnswer('acme-zoe');
      expect((await other.browser.post(action, fields)).status).toBe(200);
      on(1);
      expect(shown(await other.browser.post(action, fields))).toMatchObject({ status: 400, code: 'message-replayed' });
    });

    it('posted to both at once it is taken by one', async () => {
      const other = coming();
      on(0);
      const { action, fields } = await other.samlAnswer('acme-zoe');
      const cookie = [...other.browser.cookies(front.baseUrl)].map((pair) => pair.join('=')).join('; ');
      const { pathname } = new URL(action);
      const answers = await Promise.all(
        [0, 1, 0, 1].map((node) =>
          fetch(nodes[node]!.url + pathname, { method: 'POST', body: new URLSearchParams(fields), headers: { cookie }, redirect: 'manual' }),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([303, 400, 400, 400]);
    });

    it('signing out on one ends the session on the other', async () => {
      on(0);
      expect(await visitor.meStatus()).toBe(200);
      const page = await visitor.browser.get(`${front.baseUrl}/t/acme/learning`);
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)![1]!;
      await visitor.browser.post(`${front.baseUrl}/t/acme/logout`, { csrf }, { origin: front.baseUrl });
      on(1);
      expect(await visitor.meStatus()).toBe(401);
    });

    it('tenant files applied from the command line reach both within seconds, and so do their enrolments', async () => {
      on(0);
      visitor = coming();
      await visitor.bySaml('acme-amara');
      folder.write('acme.yaml', { ...acme(oidc.issuer, ['group:staff', 'group:new']), name: 'Acme Worldwide' });
      await command(settings(0), 'apply', '--yes');
      for (const { url } of nodes)
        await eventually(async () => ((await (await fetch(`${url}/t/acme`)).text()).includes('Acme Worldwide') ? true : null), 5000);
      for (const node of [0, 1]) {
        on(node);
        expect(await visitor.enrolments()).toEqual({ 'group:new': ['staff'], 'group:staff': ['staff'] });
      }
    });
  });
});
