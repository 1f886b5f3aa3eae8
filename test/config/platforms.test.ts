/** `platforms:`, `handOffs:` and `ref:`: what the rest of the house reads of them. */
import { describe, expect, it } from '@jest/globals';
import { PLACEHOLDERS } from '../../src/config/hand-off-schema.ts';
import { SCIM_ATTRIBUTES } from '../../src/config/platform-schema.ts';
import { formatProblem, parseTenantFile } from '../../src/config/tenant-file.ts';
import type { Person } from '../../src/connectors/connector.ts';
import { fillTemplate } from '../../src/connectors/hand-off/template.ts';
import { newUser } from '../../src/connectors/scim/told.ts';

function tenantOf(file: object) {
  const parsed = parseTenantFile(JSON.stringify({ name: 'Acme', ...file }), { file: 'acme.yaml', tenantId: 'acme', baseDir: '/etc/matricula' });
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join('\n'));
  return parsed.tenant;
}
const platformOf = (platform: object) => tenantOf({ platforms: [platform] }).platforms[0];
const handOffOf = (handOff: object) => tenantOf({ handOffs: [handOff] }).handOffs[0];

const person: Person = {
  id: 'u1',
  userName: 'ada@acme.example',
  email: 'ada@acme.example',
  emailTrusted: true,
  displayName: 'Ada Lovelace',
  givenName: 'Ada',
  familyName: 'Lovelace',
  locale: 'en-GB',
  timezone: 'Europe/London',
  title: 'Countess',
  role: 'learner',
  fields: {},
  active: true,
  updatedAt: new Date(0),
};

describe('a platform of which little is said', () => {
  it('of kind thinkific is asked 120 times a minute, at its own addresses', () =>
    expect(platformOf({ id: 'school', kind: 'thinkific', subdomain: 'acme', apiKey: 'file:secrets/key' })).toEqual({
      id: 'school',
      name: 'school',
      kind: 'thinkific',
      enabled: true,
      subdomain: 'acme',
      api: 'https://api.thinkific.com',
      site: 'https://acme.thinkific.com',
      apiKey: 'file:/etc/matricula/secrets/key',
      accessToken: null,
      provider: 'SSO',
      limits: { perMinute: 120, concurrent: 4 },
    }));

  it('of kind webhook has no limit a minute', () =>
    expect(platformOf({ id: 'events', kind: 'webhook', name: 'Events', url: 'https://a.example/x', secrets: ['env:A', 'env:B'] })).toEqual({
      id: 'events',
      name: 'Events',
      kind: 'webhook',
      enabled: true,
      url: 'https://a.example/x',
      secrets: ['env:A', 'env:B'],
      limits: { perMinute: null, concurrent: 4 },
    }));

  it('of kind scim is taken to keep to the standard', () =>
    expect(platformOf({ id: 'thrive', kind: 'scim', url: 'https://a.example/scim/v2/', token: 'env:T' })).toEqual({
      id: 'thrive',
      name: 'thrive',
      kind: 'scim',
      enabled: true,
      url: 'https://a.example/scim/v2',
      token: 'env:T',
      attributes: null,
      groups: 'create',
      quirks: { update: 'patch', findBy: 'externalId', booleansAsText: false, memberBatch: 100 },
      limits: { perMinute: null, concurrent: 4 },
    }));
});

describe('what is written of a platform', () => {
  it('counts, quirk by quirk and limit by limit', () => {
    const written = {
      id: 'x',
      kind: 'scim',
      url: 'https://a.example',
      token: 'env:T',
      quirks: { update: 'put' },
      limits: { perMinute: 30 },
      enabled: false,
    };
    expect(platformOf(written)).toMatchObject({
      enabled: false,
      quirks: { update: 'put', findBy: 'externalId', memberBatch: 100 },
      limits: { perMinute: 30, concurrent: 4 },
    });
  });

  it.each(SCIM_ATTRIBUTES.filter((name) => name !== 'userName'))('allows %s to an application that is told nothing else', (attribute) => {
    const quirks = { update: 'patch', findBy: 'userName', booleansAsText: false, memberBatch: 100 } as const;
    const told = newUser(person, { attributes: ['userName', attribute], quirks });
    const bare = newUser(person, { attributes: ['userName'], quirks });
    expect(Object.keys(told).filter((key) => !Object.hasOwn(bare, key))).toEqual([attribute.split('.')[0]]);
  });
});

describe('a hand-off', () => {
  it('of kind thinkific adds nothing to the time and leaves places to the school', () =>
    expect(
      tenantOf({
        platforms: [{ id: 'school', kind: 'thinkific', subdomain: 'acme', apiKey: 'env:K' }],
        handOffs: [{ id: 'in', kind: 'thinkific', platform: 'school' }],
      }).handOffs,
    ).toEqual([
      {
        id: 'in',
        name: 'in',
        kind: 'thinkific',
        platform: 'school',
        requireTrustedEmail: false,
        iatOffsetSeconds: 0,
        returnTo: null,
        errorUrl: null,
      },
    ]));

  it('of kind signed is signed with the secret, lives a minute and says when it ends', () =>
    expect(handOffOf({ id: 'wiki', kind: 'signed', url: 'https://wiki.example/', secret: 'env:S', claims: { sub: '{id}' } })).toEqual({
      id: 'wiki',
      name: 'wiki',
      kind: 'signed',
      url: 'https://wiki.example/',
      method: 'query',
      parameter: 'jwt',
      returnToParameter: null,
      requireTrustedEmail: false,
      parameters: {},
      algorithm: 'HS256',
      secret: 'env:S',
      lifeSeconds: 60,
      exp: true,
      issuer: null,
      audience: null,
      claims: { sub: '{id}' },
    }));

  it('to Zendesk posts e-mail, name and our id', () =>
    expect(handOffOf({ id: 'help', kind: 'signed', preset: 'zendesk', url: 'https://acme.zendesk.com/access/jwt', secret: 'env:S' })).toMatchObject({
      requireTrustedEmail: true,
      method: 'form',
      parameter: 'jwt',
      returnToParameter: 'return_to',
      algorithm: 'HS256',
      claims: { email: '{email}', name: '{displayName}', external_id: '{id}' },
    }));

  it('to Canny knows the address', () =>
    expect(handOffOf({ id: 'ideas', kind: 'signed', preset: 'canny', secret: 'env:S', parameters: { companyID: '5f3c' } })).toMatchObject({
      url: 'https://canny.io/api/redirects/sso',
      method: 'query',
      parameter: 'ssoToken',
      returnToParameter: 'redirect',
      parameters: { companyID: '5f3c' },
      claims: { id: '{id}', email: '{email}', name: '{displayName}' },
    }));

  it('says what is written rather than what its preset says, claim by claim', () => {
    const written = {
      url: 'https://help.acme.example/access/jwt',
      secret: 'env:S',
      method: 'query',
      claims: { name: '{givenName}', organization: 'Acme' },
    };
    expect(handOffOf({ id: 'help', kind: 'signed', preset: 'zendesk', ...written })).toMatchObject({
      method: 'query',
      claims: { email: '{email}', name: '{givenName}', external_id: '{id}', organization: 'Acme' },
    });
  });

  it.each(PLACEHOLDERS)('may be told {%s}, and it means something there', (name) => {
    const entry = { tenant: 'acme', person, targets: ['bundle:one'], returnTo: null, now: new Date(0), random: 'r' };
    expect(fillTemplate(`{${name}}`, entry)).toBeTruthy();
  });
});

describe('ref:', () => {
  it('is what an offer is called at the platforms, and nothing where the file is silent', () => {
    const { bundles, groups } = tenantOf({
      catalogue: { bundles: [{ slug: 'a', title: 'A', ref: '12' }], groups: [{ slug: 'b', title: 'B' }] },
    }).catalogue;
    expect([bundles, groups]).toEqual([[{ slug: 'a', title: 'A', ref: '12', courses: [] }], [{ slug: 'b', title: 'B', ref: null, courses: [] }]]);
  });
});
