/** From a connection as written, over its preset, to the connection that protocols read. Call it on what the checks have passed. */
import type { ClaimNames, Connection, OidcConnection, SamlConnection } from '../core/tenant.ts';
import { type ClaimsFile, type ConnectionFile, NAME_ID_FORMATS, type OidcFile, type SamlFile } from './connection-schema.ts';
import { placeOf, readCertificate, secretPlaceOf } from './files.ts';
import { OIDC_PRESETS, SAML_PRESETS } from './presets.ts';
import { asList } from './scalars.ts';

export interface ConnectionContext {
  baseDir: string;
  /** The tenant's own domains. */
  tenantDomains: readonly string[];
}

export function connectionOf(file: ConnectionFile, context: ConnectionContext): Connection {
  return file.protocol === 'saml' ? samlOf(file, context) : oidcOf(file, context);
}

/** The preset's claim names with those of the file over them, one by one. */
export function claimsOf(file: Pick<ConnectionFile, 'protocol' | 'preset' | 'claims'>): ClaimNames {
  const preset = (file.protocol === 'saml' ? SAML_PRESETS : OIDC_PRESETS)[file.preset ?? 'generic'].claims;
  return over(preset, file.claims ?? {});
}

function over(preset: ClaimNames, { subject, groups, active, fields, drop, ...profile }: ClaimsFile): ClaimNames {
  const named = Object.entries(profile).filter(([, names]) => names !== undefined);
  return {
    subject: subject === undefined ? preset.subject : asList(subject),
    profile: { ...preset.profile, ...Object.fromEntries(named.map(([attribute, names]) => [attribute, asList(names)])) },
    fields: { ...preset.fields, ...fields },
    groups: groupsOver(preset.groups, groups),
    active: activeOver(preset.active, active),
    drop: [...new Set([...preset.drop, ...(drop ?? [])])],
  };
}

function groupsOver(preset: ClaimNames['groups'], written: ClaimsFile['groups']): ClaimNames['groups'] {
  if (written === undefined) return preset;
  if (typeof written === 'string' || Array.isArray(written)) return { ...preset, claims: asList(written) };
  const { claim, splitAt, overflowAt } = written;
  return {
    claims: claim === undefined ? preset.claims : asList(claim),
    delimiter: splitAt ?? preset.delimiter,
    overflowAt: overflowAt === undefined ? preset.overflowAt : overflowAt === 'none' ? null : overflowAt,
  };
}

function activeOver(preset: ClaimNames['active'], written: ClaimsFile['active']): ClaimNames['active'] {
  if (written === undefined) return preset;
  return written === 'none' ? null : { claim: written.claim, disabledValues: written.disabledValues ?? preset?.disabledValues ?? ['false'] };
}

function baseOf(file: ConnectionFile) {
  const domains = file.domains ?? [];
  return {
    id: file.id,
    name: file.name,
    enabled: file.enabled ?? true,
    preset: file.preset ?? null,
    domains,
    // A SAML message carries no word on the e-mail: being bound to the domain is what makes it trustworthy (DESIGN §3.7).
    trustEmail: file.trustEmail ?? (file.protocol === 'oidc' ? 'verified-claim' : domains.length > 0 ? 'domains' : 'never'),
    claims: claimsOf(file),
    clockSkewSeconds: file.clockSkewSeconds ?? 60,
  } as const;
}

function samlOf(file: SamlFile, { baseDir }: ConnectionContext): SamlConnection {
  const preset = SAML_PRESETS[file.preset ?? 'generic'];
  return {
    ...baseOf(file),
    protocol: 'saml',
    idp: {
      entityId: file.metadata?.entityId ?? file.idp?.entityId ?? null,
      metadata: metadataOf(file.metadata, baseDir),
      ssoRedirectUrl: file.idp?.ssoUrl ?? null,
      ssoPostUrl: file.idp?.ssoPostUrl ?? null,
      certificates: (file.idp?.certificates ?? []).flatMap((written) => {
        const read = readCertificate(baseDir, written);
        return read.ok ? [read.pem] : [];
      }),
    },
    binding: file.binding ?? 'redirect',
    allowIdpInitiated: file.allowIdpInitiated ?? false,
    wantSigned: file.wantSigned ?? 'either',
    encryption: file.encryption ?? 'optional',
    allowCbc: file.allowCbc ?? false,
    forceAuthn: file.forceAuthn ?? false,
    nameIdFormat: file.nameIdFormat === undefined ? preset.nameIdFormat : file.nameIdFormat === 'none' ? null : NAME_ID_FORMATS[file.nameIdFormat],
    maxAssertionAgeSeconds: file.maxAssertionAgeSeconds ?? 7200,
  };
}

function metadataOf(file: SamlFile['metadata'], baseDir: string): SamlConnection['idp']['metadata'] {
  if (file?.url !== undefined) return { kind: 'url', url: file.url };
  if (file?.xml !== undefined) return { kind: 'xml', xml: file.xml };
  const path = file?.file === undefined ? null : placeOf(baseDir, file.file);
  return path === null ? null : { kind: 'file', path };
}

function oidcOf(file: OidcFile, context: ConnectionContext): OidcConnection {
  const preset = OIDC_PRESETS[file.preset ?? 'generic'];
  const base = baseOf(file);
  const require = requiredOf(file, context);
  return {
    ...base,
    protocol: 'oidc',
    issuer: file.issuer,
    clientId: file.clientId,
    clientAuth: clientAuthOf(file, context.baseDir),
    scopes: [...new Set(['openid', ...(file.scopes ?? preset.scopes)])],
    idTokenAlg: file.idTokenAlg ?? 'RS256',
    userinfo: file.userinfo ?? preset.userinfo,
    maxAgeSeconds: file.maxAgeSeconds ?? null,
    prompt: file.prompt ?? null,
    allowedOrigins: [...new Set([...preset.allowedOrigins, ...(file.allowedOrigins ?? [])])],
    ...(require && { require }),
  };
}

function clientAuthOf(file: OidcFile, baseDir: string): OidcConnection['clientAuth'] {
  const place = secretPlaceOf(baseDir, file.clientSecret ?? file.clientKey ?? '');
  return file.clientKey === undefined
    ? { method: file.clientAuth ?? 'client_secret_basic', secret: place }
    : { method: 'private_key_jwt', key: place, kid: file.clientKeyId ?? null, alg: file.clientKeyAlg ?? 'RS256' };
}

/** Google's issuer is the same for every Google account in the world; `hd` says which Workspace it is. */
function requiredOf(file: OidcFile, { tenantDomains }: ConnectionContext): Record<string, string[]> | undefined {
  const written = new Map(Object.entries(file.require ?? {}).map(([claim, values]) => [claim, asList(values)]));
  if (file.preset === 'google' && !written.has('hd')) written.set('hd', [...(file.domains?.length ? file.domains : tenantDomains)]);
  return written.size === 0 ? undefined : Object.fromEntries(written);
}
