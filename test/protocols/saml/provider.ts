/** A connection, its provider's key and ours, ready to verify: what the SAML tests share. */

import { attackContext } from '../../../fixtures/saml/reject/attack.ts';
import { type KeyPair, type Parties, testKey } from '../../../fixtures/saml/signer.ts';
import type { SamlConnection } from '../../../src/core/tenant.ts';
import { createSamlProvider, type SamlContext, type SamlProvider } from '../../../src/protocols/saml/saml.ts';

export const NOW = new Date('2026-11-24T12:00:00Z');
export const IDP = 'https://idp.acme.example/metadata';
export const ENTITY_ID = 'https://learn.example/t/acme/saml/corp/metadata';
export const ACS = 'https://learn.example/t/acme/saml/corp/acs';
export const REQUEST = '_8f0e3a5d2c1b4a69';
export const PARTIES: Parties & { requestId: string } = { acsUrl: ACS, entityId: ENTITY_ID, idpEntityId: IDP, requestId: REQUEST, now: NOW };

export const idpKey: KeyPair = await testKey('idp.acme.example');
export const otherKey: KeyPair = await testKey('evil.example');
export const spSigning: KeyPair = await testKey('sp signing');
export const spDecryption: KeyPair = await testKey('sp decryption');

export const CONNECTION: SamlConnection = {
  id: 'corp',
  name: 'Acme',
  protocol: 'saml',
  enabled: true,
  preset: null,
  domains: ['acme.example'],
  trustEmail: 'domains',
  claims: {
    subject: ['@nameid'],
    profile: { email: ['email', '@nameid'], givenName: ['givenName'], familyName: ['familyName'] },
    fields: {},
    groups: { claims: ['groups'], delimiter: null, overflowAt: null },
    active: null,
    drop: [],
  },
  idp: { entityId: IDP, metadata: null, ssoRedirectUrl: null, ssoPostUrl: null, certificates: [] },
  binding: 'redirect',
  allowIdpInitiated: false,
  wantSigned: 'either',
  encryption: 'optional',
  allowCbc: false,
  forceAuthn: false,
  nameIdFormat: null,
  clockSkewSeconds: 60,
  maxAssertionAgeSeconds: 7200,
};

export interface Differences {
  connection?: Partial<SamlConnection>;
  idp?: Partial<SamlContext['idp']>;
}

export function contextOf({ connection, idp }: Differences = {}): SamlContext {
  return {
    connection: { ...CONNECTION, ...connection },
    entityId: ENTITY_ID,
    acsUrl: ACS,
    sloUrl: 'https://learn.example/t/acme/saml/corp/slo',
    idp: {
      entityId: IDP,
      ssoRedirectUrl: 'https://idp.acme.example/sso?app=42',
      ssoPostUrl: 'https://idp.acme.example/sso/post',
      certificates: [idpKey.certificate],
      validUntil: null,
      cacheUntil: null,
      ...idp,
    },
    signing: spSigning,
    decryption: spDecryption,
    loopback: false,
  };
}

export const providerOf = (differences: Differences = {}): SamlProvider => createSamlProvider(contextOf(differences));

export const attacker = attackContext({ ...PARTIES, idpKey, otherKey, spCertificate: spDecryption.certificate });
