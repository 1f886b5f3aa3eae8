/** A learner's life through the real protocols: comes, comes again, changes groups, is disabled, comes back. Each promise holds for SAML and for OpenID Connect. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from '../../fixtures/demo/browser.ts';
import { type OidcIdp, startOidcIdp } from '../../fixtures/sample-idp/oidc-idp.ts';
import { PEOPLE, personById, type SamplePerson } from '../../fixtures/sample-idp/people.ts';
import { type SamlIdp, startSamlIdp } from '../../fixtures/sample-idp/saml-idp.ts';
import type { Target } from '../../src/core/model.ts';
import { provision } from '../../src/flows/provision.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { untouched } from './refused.ts';
import { createVisitor, shown, type Visitor } from './visitor.ts';

type Protocol = 'saml' | 'oidc';

let saml: SamlIdp;
let oidc: OidcIdp;
let gateway: TestGateway;

const rule = (id: string, when: object, enrol: string[]) => ({ id, when, enrol });
const company = (connection: object) => ({
  name: 'Acme',
  domains: ['acme.example'],
  connections: [{ name: 'Acme', domains: ['acme.example'], claims: { fields: { department: 'department' } }, ...connection }],
  catalogue: {
    courses: [{ slug: 'selling', title: 'Selling with care' }],
    bundles: [{ slug: 'sales', title: 'Sales', courses: ['selling'] }],
    collections: [{ slug: 'projects', title: 'Projects' }],
    groups: [
      { slug: 'staff', title: 'Staff' },
      { slug: 'field', title: 'In the field' },
    ],
  },
  rules: [
    rule('staff', { group: 'All Staff' }, ['group:staff']),
    rule('sales', { group: 'Sales' }, ['bundle:sales']),
    rule('leads', { group: 'Leads' }, ['bundle:sales', 'group:field']),
    rule('projects', { group: 'Project 249' }, ['collection:projects']),
  ],
});

beforeAll(async () => {
  [saml, oidc] = await Promise.all([startSamlIdp(), startOidcIdp({ people: PEOPLE, clients: [] })]);
  gateway = await startGateway({
    tenants: {
      saml: company({ id: 'saml', protocol: 'saml', metadata: { file: 'idp.xml' } }),
      oidc: company({ id: 'oidc', protocol: 'oidc', issuer: oidc.issuer, clientId: 'acme', clientSecret: 'file:secrets/oidc' }),
    },
    files: { 'idp.xml': saml.metadata, 'secrets/oidc': 'a secret of the sample provider' },
  });
  const redirectUris = [`${gateway.baseUrl}/t/oidc/oidc/oidc/callback`];
  oidc.setClients([{ clientId: 'acme', clientSecret: 'a secret of the sample provider', redirectUris, auth: 'client_secret_basic' }]);
});
afterAll(async () => {
  await gateway?.close();
  await Promise.all([saml?.close(), oidc?.close()]);
});

let people = 0;
/** Somebody whom no other test knows. */
function somebody(groups: string[] | null): SamplePerson {
  const id = `person-${++people}`;
  return { id, email: `${id}@acme.example`, givenName: 'Ada', familyName: 'Byron', displayName: 'Ada Byron', groups };
}

describe.each<Protocol>(['saml', 'oidc'])('by %s', (protocol) => {
  /** Signs in as the provider knows the person now, in a new browser. */
  async function comes(person: SamplePerson): Promise<{ visitor: Visitor; page: Page }> {
    const visitor = createVisitor(gateway.baseUrl, { tenant: protocol });
    (protocol === 'saml' ? saml : oidc).setPeople([person]);
    return { visitor, page: protocol === 'saml' ? await visitor.bySaml(person.id) : await visitor.byOidc(person.email) };
  }
  async function enrolled(person: SamplePerson) {
    const { visitor, page } = await comes(person);
    expect(page).toMatchObject({ status: 200, url: `${gateway.baseUrl}/t/${protocol}/learning` });
    return visitor.enrolments();
  }
  const userOf = (person: SamplePerson) => gateway.house.store.people.find(protocol, person.email);
  const journal = () => gateway.house.store.journal.list(protocol, { limit: 500 });
  async function byHand(person: SamplePerson, grant: Target[]): Promise<void> {
    const [live, user] = [gateway.house.tenants.get(protocol)!, (await userOf(person))!];
    const request = { live, lookup: { by: 'user', userId: user.id }, actor: 'test', reference: null } as const;
    await provision(gateway.house.flow, { ...request, intent: { kind: 'edit', grant } });
  }

  it('the first sign-in creates and enrols, and the page shows the courses', async () => {
    const person = { ...somebody(['Sales', 'All Staff']), attributes: { department: ['Field Sales'] } };
    const { visitor, page } = await comes(person);
    expect(page.body).toContain('Selling with care');
    const { user, session } = await visitor.me();
    expect(user).toMatchObject({ email: person.email, userName: person.email, displayName: 'Ada Byron', status: 'active', role: 'learner' });
    expect(user.fields).toEqual({ department: 'Field Sales' });
    expect(session.connection).toBe(protocol);
    expect(await visitor.enrolments()).toEqual({ 'bundle:sales': ['sales'], 'group:staff': ['staff'] });
  });

  it('the second sign-in plans nothing: no journal line, the same version, the same rows', async () => {
    const person = somebody(['Sales', 'All Staff', 'Leads']);
    await enrolled(person);
    await gateway.settled();
    const before = { lines: (await journal()).length, user: await userOf(person), rows: (await untouched(gateway)).rows };
    await enrolled({ ...person, groups: person.groups!.toReversed() });
    expect({ lines: (await journal()).length, user: await userOf(person), rows: (await untouched(gateway)).rows }).toEqual(before);
  });

  it('a group that is gone takes exactly its rule’s enrolments along; what another rule or a hand gave stays', async () => {
    const person = somebody(['Sales', 'All Staff', 'Leads']);
    expect(await enrolled(person)).toEqual({ 'bundle:sales': ['leads', 'sales'], 'group:field': ['leads'], 'group:staff': ['staff'] });
    await byHand(person, ['group:field']);
    expect(await enrolled({ ...person, groups: ['Sales', 'All Staff'] })).toEqual({
      'bundle:sales': ['sales'],
      'group:field': [null],
      'group:staff': ['staff'],
    });
    expect(await enrolled({ ...person, groups: ['All Staff'] })).toEqual({ 'group:field': [null], 'group:staff': ['staff'] });
    await byHand(person, ['bundle:sales']);
    expect(await enrolled({ ...person, groups: ['Sales'] })).toEqual({ 'bundle:sales': [null, 'sales'], 'group:field': [null] });
    expect(await enrolled({ ...person, groups: [] })).toEqual({ 'bundle:sales': [null], 'group:field': [null] });
  });

  it('a group claim that is absent takes nothing away; an empty list does', async () => {
    const person = somebody(['Sales', 'All Staff']);
    const had = await enrolled(person);
    const { version } = (await userOf(person))!;
    expect(await enrolled({ ...person, groups: null })).toEqual(had);
    expect(await enrolled({ ...person, groups: null })).toEqual(had);
    expect((await userOf(person))!.version).toBeLessThanOrEqual(version + 1); // that it was absent is itself a fact
    expect(await enrolled({ ...person, groups: [] })).toEqual({});
    expect(await enrolled(person)).toEqual(had);
  });

  it('250 groups all count', async () => {
    const many = personById(PEOPLE, 'acme-many')!;
    expect(many.groups).toHaveLength(250);
    expect(await enrolled(many)).toEqual({ 'collection:projects': ['projects'] });
  });

  it('somebody disabled whom we do not know is refused, and nobody is created', async () => {
    const person = { ...somebody(['Sales']), disabled: true };
    const { visitor, page } = await comes(person);
    expect(shown(page)).toMatchObject({ status: 403, code: 'account-locked' });
    expect(page.body).toContain('Your account is locked');
    expect(await userOf(person)).toBeNull();
    expect(await visitor.meStatus()).toBe(401);
  });

  it('somebody disabled whom we know is refused and locked, the open session ends at its next request, and enabling opens again', async () => {
    const person = somebody(['Sales']);
    const { visitor: before } = await comes(person);
    expect(await before.meStatus()).toBe(200);
    const { page } = await comes({ ...person, disabled: true });
    const told = shown(page);
    expect(told).toMatchObject({ status: 403, code: 'account-locked' });
    expect(await gateway.traces(protocol, told.reference)).toMatchObject({
      journal: [
        { outcome: 'FAILED', code: 'account-locked' },
        { outcome: 'SUCCESS', code: 'locked-by-provider' },
      ],
      signIns: [{ outcome: 'FAILED', check: 'signin/locked' }],
    });
    expect((await userOf(person))!.status).toBe('locked');
    const ended = await before.browser.get(`${gateway.baseUrl}/t/${protocol}/learning`);
    expect(shown(ended)).toMatchObject({ status: 403, code: 'account-locked' });
    expect(await before.meStatus()).toBe(401);
    expect(await enrolled(person)).toEqual({ 'bundle:sales': ['sales'] });
    expect((await userOf(person))!.status).toBe('active');
    expect(await before.meStatus()).toBe(401);
  });

  it('accents and an apostrophe arrive as they were sent', async () => {
    const zoe = personById(PEOPLE, 'acme-zoe')!;
    const { visitor, page } = await comes(zoe);
    expect((await visitor.me()).user.displayName).toBe("Zoë O'Brien-Núñez");
    expect(page.body).toContain('Zoë O&#39;Brien-Núñez');
  });

  it('a new e-mail moves with the same account; one that another has is refused and moves nothing', async () => {
    const [person, other] = [somebody(['Sales']), somebody([])];
    await enrolled(person);
    await enrolled(other);
    const before = (await userOf(person))!;
    const married = { ...person, email: `${person.id}-lovelace@acme.example` };
    await enrolled(married);
    expect(await userOf(married)).toMatchObject({ id: before.id, email: married.email, userName: married.email });
    expect(await userOf(person)).toBeNull();
    await gateway.settled();
    const { rows } = await untouched(gateway);
    const { page } = await comes({ ...person, email: other.email });
    expect(shown(page)).toMatchObject({ status: 403, code: 'email-in-use' });
    expect((await untouched(gateway)).rows).toBe(rows);
  });
});
