/** `connections:` as an administrator writes it. */
import * as z from 'zod';
import { address, choice, domain, flag, list, object, oneOrMore, origin, secretPlace, slug, some, text, whole } from './scalars.ts';

export const PRESETS = ['entra', 'okta', 'google', 'keycloak', 'adfs', 'generic'] as const;
export const NAME_ID_FORMATS = {
  persistent: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  emailAddress: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
  unspecified: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
} as const;

const claimName = text('a claim name as the provider sends it', 256);
const claimNames = oneOrMore(claimName, 'a claim name, or a list of which the first that was sent counts', 20);
const profileClaim = (what: string) => claimNames.optional().describe(`Where ${what} is found. Overrides the preset.`);

const groupClaims = object(
  {
    claim: claimNames.optional(),
    splitAt: text('the character between groups, such as ";"', 5).optional().describe('One string holds several groups, separated by this.'),
    overflowAt: z
      .union([z.literal('none'), whole(1, 100_000, 'groups')], { error: 'a number of groups, or none' })
      .optional()
      .describe("The provider's limit: a list this long may have been cut, so it takes nothing away. none: it is always complete."),
  },
  'a claim name, or { claim: memberOf, splitAt: ";", overflowAt: 100 }',
);

const active = z.union(
  [
    z.literal('none'),
    object(
      { claim: claimName, disabledValues: some(text('a value', 200), 'the values that mean disabled, such as ["false"]', 20).optional() },
      'such as { claim: account_enabled, disabledValues: ["false"] }',
    ),
  ],
  { error: 'such as { claim: account_enabled, disabledValues: ["false"] }, or none' },
);

export const fieldRef = z
  .string({ error: 'a field in lower case, such as cost_center' })
  .regex(/^[a-z][a-z0-9_]{0,62}$/, { error: 'a field in lower case: letters, digits and _, such as cost_center' });

const claims = object(
  {
    subject: claimNames.optional().describe('The id that never changes. @nameid is the SAML NameID, @sub the OIDC subject.'),
    email: profileClaim('the e-mail'),
    userName: profileClaim('the user name'),
    displayName: profileClaim('the full name'),
    givenName: profileClaim('the given name'),
    familyName: profileClaim('the family name'),
    locale: profileClaim('the language'),
    timezone: profileClaim('the time zone'),
    title: profileClaim('the job title'),
    groups: z
      .union([claimName, some(claimName, 'claim names', 20), groupClaims], {
        error: 'a claim name, a list of them, or { claim: memberOf, splitAt: ";" }',
      })
      .optional()
      .describe('Where the groups are found.'),
    active: active.optional().describe('The claim that says whether the account is enabled.'),
    fields: z
      .record(claimName, fieldRef, { error: 'claim name: field, such as { costCenter: cost_center }' })
      .optional()
      .describe('Custom fields: claim name, exactly as sent → field, in lower case.'),
    drop: list(claimName, 'a list of claim names', 100).optional().describe('Claims that are not kept.'),
  },
  'names of claims, such as { groups: memberOf }',
);

const common = {
  id: slug('an id', 'entra').describe('Part of the addresses that the provider is given. Never change it.'),
  name: text('what people see on the sign-in page, such as Acme Entra ID', 100),
  enabled: flag().optional().meta({ default: true }),
  preset: choice(PRESETS).optional().describe('Which product it is, so that no claim names are needed.'),
  domains: list(domain, 'a list such as [acme.example]', 200).optional().describe('E-mail domains that the common sign-in page sends here.'),
  trustEmail: choice(['verified-claim', 'domains', 'never']).optional().describe("May this provider's word on an e-mail link accounts?"),
  claims: claims.optional().describe('Only where the provider deviates from the preset.'),
  clockSkewSeconds: whole(0, 300, 'seconds').optional().meta({ default: 60 }),
};

const CERTIFICATE = 'a certificate as PEM or base64, or file:certs/acme.pem';
const metadata = object(
  {
    url: address('an https address of metadata').optional(),
    file: text('a path, from the folder of this file', 1000).optional(),
    xml: z.string({ error: 'the XML, as a block after |' }).max(250_000, { error: 'at most 250000 characters' }).optional(),
    entityId: text("the provider's entity ID", 1024).optional().describe('Demanded of the metadata, where given.'),
  },
  'one of { url: https://… }, { file: … }, { xml: | … }',
);
const idp = object(
  {
    entityId: text("the provider's entity ID", 1024),
    ssoUrl: address('the https address of its sign-in by redirect').optional(),
    ssoPostUrl: address('the https address of its sign-in by POST').optional(),
    certificates: some(
      z.string({ error: CERTIFICATE }).min(1, { error: CERTIFICATE }).max(20_000, { error: CERTIFICATE }),
      `a list: ${CERTIFICATE}`,
      10,
    ),
  },
  '{ entityId: …, ssoUrl: https://…, certificates: [file:certs/acme.pem] }',
);

export const samlConnection = object(
  {
    ...common,
    protocol: z.literal('saml'),
    metadata: metadata.optional().describe("The provider's metadata: the best way, since certificates follow by themselves."),
    idp: idp.optional().describe('Without metadata: the same by hand.'),
    binding: choice(['redirect', 'post']).optional().meta({ default: 'redirect' }),
    allowIdpInitiated: flag().optional().meta({ default: false }),
    wantSigned: choice(['either', 'assertion', 'response', 'both']).optional().meta({ default: 'either' }),
    encryption: choice(['required', 'optional', 'refused']).optional().meta({ default: 'optional' }),
    allowCbc: flag().optional().meta({ default: false }).describe('Only where the provider cannot encrypt with AES-GCM.'),
    forceAuthn: flag().optional().meta({ default: false }),
    nameIdFormat: z
      .enum(['persistent', 'emailAddress', 'unspecified', 'none'], {
        error: 'persistent, emailAddress, unspecified or none; a transient NameID is never used',
      })
      .optional(),
    maxAssertionAgeSeconds: whole(60, 86_400, 'seconds').optional().meta({ default: 7200 }),
  },
  'a connection',
);

export const oidcConnection = object(
  {
    ...common,
    protocol: z.literal('oidc'),
    issuer: address('the https address that the provider calls its issuer'),
    clientId: text('the client id that the provider gave', 512),
    clientSecret: secretPlace('env:ACME_SECRET or file:secrets/acme').optional(),
    clientAuth: choice(['client_secret_basic', 'client_secret_post']).optional().meta({ default: 'client_secret_basic' }),
    clientKey: secretPlace('file:keys/acme.pem or env:ACME_KEY').optional().describe('Instead of a secret: a private key (private_key_jwt).'),
    clientKeyId: text('the kid of the key', 200).optional(),
    clientKeyAlg: choice(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'])
      .optional()
      .meta({ default: 'RS256' }),
    scopes: list(
      z.string({ error: 'a scope' }).regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, { error: 'a scope without spaces or quotes' }),
      'a list of scopes',
      30,
    )
      .optional()
      .meta({ default: ['openid', 'profile', 'email'] }),
    idTokenAlg: choice(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'])
      .optional()
      .meta({ default: 'RS256' }),
    userinfo: flag().optional().describe('Ask the userinfo endpoint too. The preset knows.'),
    maxAgeSeconds: whole(0, 31_536_000, 'seconds').optional(),
    prompt: choice(['login', 'select_account', 'consent']).optional(),
    require: z
      .record(claimName, oneOrMore(text('a value', 512), 'a value, or a list of which one must be there'), { error: 'claim name: value' })
      .optional()
      .describe("Claims that the ID token must carry with one of these values. Preset google: hd is one of the connection's domains."),
    allowedOrigins: list(origin, 'a list of origins', 20)
      .optional()
      .describe("Origins besides the issuer's own on which the provider may name its endpoints."),
  },
  'a connection',
);

export const connection = z.discriminatedUnion('protocol', [samlConnection, oidcConnection], {
  error: 'a connection with protocol: saml or protocol: oidc',
});

export type SamlFile = z.input<typeof samlConnection>;
export type OidcFile = z.input<typeof oidcConnection>;
export type ConnectionFile = z.input<typeof connection>;
export type ClaimsFile = z.input<typeof claims>;
