/** An operator with a key, a tenant whose people sign in through the sample OIDC provider, and a directory: what the tests of modes share. */

import type { Page } from '../../../fixtures/demo/browser.ts';
import { type OidcIdp, startOidcIdp } from '../../../fixtures/sample-idp/oidc-idp.ts';
import type { SamplePerson } from '../../../fixtures/sample-idp/people.ts';
import { createKey } from '../../../src/flows/admin.ts';
import { provision } from '../../../src/flows/provision.ts';
import { assertion } from '../../core/world.ts';
import type { Backend } from '../../store/backends.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { createClient, type ScimClient } from '../scim/client.ts';
import { basePath, company, SECRETS } from '../scim/world.ts';
import { createVisitor, type Visitor } from '../visitor.ts';

export interface Consequences {
  from: { mode: string; phase: string | null };
  to: { mode: string; phase: string | null };
  tokensRevoked: number;
  users: number;
  active: number;
  enrolments: number;
  held: { people: number; changes: number; become: string };
  confirm: string;
}
interface Answer<T = Record<string, unknown>> {
  status: number;
  body: T;
}
interface Changed {
  kind: 'unchanged' | 'to-confirm' | 'done';
  consequences: Consequences;
  token: { token: string } | null;
}

export interface Operator {
  gateway: TestGateway;
  get<T>(path: string): Promise<Answer<T>>;
  post<T>(path: string, body?: object): Promise<Answer<T>>;
  /** Shown first, then confirmed. Throws unless it is done. */
  change(path: string, body?: object): Promise<Changed>;
  /** The directory with the token that entering SCIM gave. */
  directory(token: string): ScimClient;
  /** As a sign-in makes somebody, without a browser. */
  arrives(id: string, groups: string[]): Promise<string>;
  /** The whole way through a browser and the provider. */
  signsIn(person: SamplePerson, stopAt?: (url: string) => boolean): Promise<{ visitor: Visitor; page: Page }>;
  prove(domain: string): Promise<void>;
  close(): Promise<void>;
}

export const RULES = [
  { id: 'sales', when: { group: 'Sales' }, enrol: ['bundle:sales'] },
  { id: 'board', when: { group: 'Board' }, enrol: ['collection:board'] },
];

export interface OperatorOptions {
  backend?: Backend;
  now?: () => Date;
  over?: object;
  /** Further files of the tenant folder. */
  files?: Record<string, string>;
  redis?: string;
}

export async function startOperator({ backend, now, over = {}, files = {}, redis }: OperatorOptions = {}): Promise<Operator> {
  const oidc: OidcIdp = await startOidcIdp({ people: [], clients: [] });
  const place = await backend?.make();
  const connection = {
    id: 'oidc',
    name: 'Acme',
    protocol: 'oidc',
    issuer: oidc.issuer,
    clientId: 'acme',
    clientSecret: 'file:secrets/oidc',
    domains: ['acme.example'],
  };
  const tenant = { ...company(), provisioning: { initialMode: 'jit' }, connections: [connection], groups: {}, rules: RULES, ...over };
  const gateway = await startGateway({
    tenants: { acme: tenant },
    files: { ...SECRETS, ...files },
    ...(redis && { redis }),
    ...(place && { database: place.url }),
    ...(now && { now }),
  });
  const { flow, store, vault, tenants } = gateway.house;
  const redirectUris = [`${gateway.baseUrl}/t/acme/oidc/oidc/callback`];
  oidc.setClients([{ clientId: 'acme', clientSecret: SECRETS['secrets/oidc'], redirectUris, auth: 'client_secret_basic' }]);
  const { key } = await createKey({ store, vault, now: flow.now, newId: flow.newId }, { name: 'operator', tenantId: null, expiresAt: null });
  const ask = async <T>(method: string, path: string, body?: object): Promise<Answer<T>> => {
    const answer = await fetch(`${gateway.baseUrl}/api/v1/tenants/acme${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as T };
  };
  const post = <T>(path: string, body: object = {}) => ask<T>('POST', path, body);
  const known = new Map<string, SamplePerson>();
  return {
    gateway,
    get: (path) => ask('GET', path),
    post,
    async change(path, body = {}) {
      const shown = await post<Changed>(path, body);
      if (shown.body.kind !== 'to-confirm') throw new Error(`${path}: ${shown.status} ${JSON.stringify(shown.body)}`);
      const done = await post<Changed>(path, { ...body, confirm: shown.body.consequences.confirm });
      if (done.body.kind !== 'done') throw new Error(`${path}: ${done.status} ${JSON.stringify(done.body)}`);
      return done.body;
    },
    directory: (token) => createClient(gateway.baseUrl + basePath('acme'), token),
    async arrives(id, groups) {
      const lookup = { by: 'assertion' as const, source: 'connection:oidc' as const, subject: id, emailKey: `${id}@acme.example` };
      const live = tenants.get('acme')!;
      const done = await provision(flow, { live, intent: assertion('oidc', id, { groups }), lookup, actor: 'connection:oidc', reference: null });
      return done.after.user.id;
    },
    async signsIn(person, stopAt) {
      known.set(person.id, person);
      oidc.setPeople([...known.values()]);
      const visitor = createVisitor(gateway.baseUrl, stopAt && { stopAt });
      return { visitor, page: await visitor.byOidc(person.email) };
    },
    async prove(domain) {
      const at = flow.now();
      const line = {
        id: flow.newId(),
        tenantId: 'acme',
        at,
        actor: 'test',
        cause: 'domain',
        action: null,
        resourceType: 'Domain',
        resourceId: domain,
      };
      await store.domains.add(
        { tenantId: 'acme', domain, challenge: 'c', held: domain, verifiedAt: at, checkedAt: at, failure: null, createdAt: at },
        { ...line, outcome: 'SUCCESS', code: null, reference: null, mappingVersion: null, detail: {} },
      );
    },
    async close() {
      await gateway.close();
      await oidc.close();
      await place?.drop();
    },
  };
}

export const learner = (id: string, groups: string[] | null): SamplePerson => ({
  id,
  email: `${id}@acme.example`,
  givenName: id,
  familyName: 'Acme',
  displayName: `${id} Acme`,
  groups,
});
