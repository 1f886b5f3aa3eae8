/**
 * What each identity provider sends by default, so that a connection needs no claim names.
 * Sources: the vendors' pages on SAML and token claims as gathered in facts/identity-providers §4 and B4 (2026-11).
 * A claim that a tenant file names overrides that one name; the rest of the preset stays.
 *
 * Two things are never here: a transient NameID, and a second choice for groups that an *other* fact could fill (roles):
 * a group claim that was left out must read as absent, not as a short list (DESIGN §3.3).
 */
import type { ClaimNames, OidcConnection, Preset, SamlConnection } from '../core/tenant.ts';

export interface SamlPreset {
  claims: ClaimNames;
  nameIdFormat: SamlConnection['nameIdFormat'];
}

export interface OidcPreset {
  claims: ClaimNames;
  /** Whether the ID token alone says too little. */
  userinfo: boolean;
  /** Where the provider has its endpoints besides the issuer's origin. */
  allowedOrigins: string[];
  scopes: OidcConnection['scopes'];
}

const SOAP = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/';
const MICROSOFT = 'http://schemas.microsoft.com/';
const OID = 'urn:oid:';

/** Any of these providers can be told to send such a claim; where it is not sent, it says nothing. */
const ACTIVE: ClaimNames['active'] = { claim: 'account_enabled', disabledValues: ['false', '0', 'no', 'disabled'] };

/** Differ from sign-in to sign-in and say nothing of the person. */
const PER_SIGN_IN = {
  saml: [
    `${MICROSOFT}claims/authnmethodsreferences`,
    `${MICROSOFT}ws/2008/06/identity/claims/authenticationmethod`,
    `${MICROSOFT}ws/2008/06/identity/claims/authenticationinstant`,
    'http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-client-ip',
    'SessionIndex',
  ],
  oidc: ['acr', 'amr', 'auth_time', 'sid', 'session_state', 'aio', 'rh', 'uti', 'ipaddr'],
};

const SAML_BASE: ClaimNames = {
  subject: ['@nameid'],
  profile: {
    userName: ['userName', 'username', 'login', 'uid', `${OID}1.3.6.1.4.1.5923.1.1.1.6`, `${SOAP}upn`],
    email: ['email', 'mail', 'Email', 'emailAddress', `${OID}0.9.2342.19200300.100.1.3`, `${SOAP}emailaddress`],
    displayName: ['displayName', 'name', `${OID}2.16.840.1.113730.3.1.241`],
    givenName: ['givenName', 'firstName', 'given_name', `${OID}2.5.4.42`, `${SOAP}givenname`],
    familyName: ['familyName', 'lastName', 'surname', 'sn', 'family_name', `${OID}2.5.4.4`, `${SOAP}surname`],
    locale: ['locale', 'preferredLanguage', `${OID}2.16.840.1.113730.3.1.39`],
    timezone: ['timezone', 'zoneinfo'],
    title: ['title', `${OID}2.5.4.12`],
  },
  fields: {},
  groups: {
    claims: ['groups', 'Groups', 'group', 'memberOf', 'member', `${OID}1.3.6.1.4.1.5923.1.5.1.1`],
    delimiter: null,
    overflowAt: null,
  },
  active: ACTIVE,
  drop: PER_SIGN_IN.saml,
};

const OIDC_BASE: ClaimNames = {
  subject: ['@sub'],
  profile: {
    userName: ['preferred_username'],
    email: ['email'],
    displayName: ['name'],
    givenName: ['given_name'],
    familyName: ['family_name'],
    locale: ['locale'],
    timezone: ['zoneinfo'],
    title: ['title', 'job_title'],
  },
  fields: {},
  groups: { claims: ['groups'], delimiter: null, overflowAt: null },
  active: ACTIVE,
  drop: PER_SIGN_IN.oidc,
};

interface Deviation {
  subject?: string[];
  profile?: ClaimNames['profile'];
  groups?: string[];
  overflowAt?: number;
}
const but = (base: ClaimNames, { subject, profile, groups, overflowAt }: Deviation): ClaimNames => ({
  ...base,
  subject: subject ?? base.subject,
  profile: { ...base.profile, ...profile },
  groups: { delimiter: null, claims: groups ?? base.groups.claims, overflowAt: overflowAt ?? null },
});

const scopes = ['openid', 'profile', 'email'];

export const SAML_PRESETS: Record<Preset, SamlPreset> = {
  /** `oid` is the same for all applications of the directory; NameID is the UPN, which changes. Overage (150) is signalled, so there is no limit to guess. */
  entra: {
    claims: but(SAML_BASE, {
      subject: [`${MICROSOFT}identity/claims/objectidentifier`],
      profile: {
        userName: [`${SOAP}name`, `${SOAP}upn`],
        email: [`${SOAP}emailaddress`],
        displayName: [`${MICROSOFT}identity/claims/displayname`],
        givenName: [`${SOAP}givenname`],
        familyName: [`${SOAP}surname`],
      },
      groups: [`${MICROSOFT}ws/2008/06/identity/claims/groups`],
    }),
    nameIdFormat: null,
  },
  /** Sends nothing stable unless told to: name the attribute that carries `user.id` as `subject` (Okta's own example calls it userUID). */
  okta: {
    claims: but(SAML_BASE, {
      profile: { userName: ['login', 'userName', '@nameid'], email: ['email', 'mail', 'Email', `${SOAP}emailaddress`, '@nameid'] },
      groups: ['groups', 'Groups'],
    }),
    nameIdFormat: null,
  },
  /** NameID is the primary e-mail. Up to 75 groups by name, chosen in the console. */
  google: {
    claims: but(SAML_BASE, {
      profile: { userName: ['@nameid'], email: ['email', 'mail', '@nameid'] },
      groups: ['groups', 'Groups', 'group', 'memberOf'],
      overflowAt: 75,
    }),
    nameIdFormat: null,
  },
  /** Makes a persistent id (`G-…`) where one is asked for; its default is the user name. */
  keycloak: {
    claims: but(SAML_BASE, {
      profile: { userName: ['username', `${OID}0.9.2342.19200300.100.1.1`, 'uid'] },
      groups: ['member', 'groups', 'memberOf'],
    }),
    nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  },
  /** Sends what its claim rules say; a format that no rule issues would fail, so none is asked for. */
  adfs: {
    claims: but(SAML_BASE, {
      profile: {
        userName: [`${SOAP}upn`, `${MICROSOFT}ws/2008/06/identity/claims/windowsaccountname`],
        email: [`${SOAP}emailaddress`],
        displayName: [`${SOAP}name`, 'http://schemas.xmlsoap.org/claims/CommonName'],
        givenName: [`${SOAP}givenname`],
        familyName: [`${SOAP}surname`],
      },
      groups: ['http://schemas.xmlsoap.org/claims/Group'],
    }),
    nameIdFormat: null,
  },
  /** Federations of universities send subject-id or pairwise-id with a transient NameID (SAML V2.0 Subject Identifier Attributes 1.0). */
  generic: {
    claims: but(SAML_BASE, {
      subject: ['urn:oasis:names:tc:SAML:attribute:subject-id', 'urn:oasis:names:tc:SAML:attribute:pairwise-id', '@nameid'],
    }),
    nameIdFormat: null,
  },
};

export const OIDC_PRESETS: Record<Preset, OidcPreset> = {
  /** `sub` differs per application, `oid` does not. Overage (200) is signalled. */
  entra: {
    claims: but(OIDC_BASE, { subject: ['oid'], profile: { locale: ['xms_pl', 'locale'] } }),
    userinfo: false,
    allowedOrigins: ['https://graph.microsoft.com'],
    scopes,
  },
  /** The group functions return at most 100: exactly there a list may have been cut. The org server's ID token is thin. */
  okta: { claims: but(OIDC_BASE, { overflowAt: 100 }), userinfo: true, allowedOrigins: [], scopes },
  /** Has no group claim at any setting. */
  google: {
    claims: but(OIDC_BASE, { profile: { userName: ['email'] }, groups: [] }),
    userinfo: false,
    allowedOrigins: ['https://oauth2.googleapis.com', 'https://www.googleapis.com', 'https://openidconnect.googleapis.com'],
    scopes,
  },
  keycloak: { claims: OIDC_BASE, userinfo: false, allowedOrigins: [], scopes },
  adfs: {
    claims: but(OIDC_BASE, { profile: { userName: ['upn', 'unique_name'], email: ['email', 'upn'] }, groups: ['group', 'groups'] }),
    userinfo: false,
    allowedOrigins: [],
    scopes,
  },
  generic: { claims: OIDC_BASE, userinfo: true, allowedOrigins: [], scopes },
};
