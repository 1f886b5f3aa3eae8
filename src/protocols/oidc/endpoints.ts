/** What a discovery document may say: the issuer itself, and endpoints where this connection may be sent. */
import type { ServerMetadata } from 'openid-client';
import { Refusal } from '../../core/refusal.ts';
import type { OidcConnection, Preset } from '../../core/tenant.ts';
import { isLoopbackHost } from '../../lib/address.ts';

/** Origins on which well-known providers keep endpoints besides their issuer's (their discovery documents, November 2026). */
const PRESET_ORIGINS: Partial<Record<Preset, readonly string[]>> = {
  google: ['https://oauth2.googleapis.com', 'https://openidconnect.googleapis.com', 'https://www.googleapis.com'],
  entra: ['https://graph.microsoft.com'],
};

/** Entra's issuers that stand for many tenants at once. */
const SHARED_TENANTS = new Set(['common', 'organizations', 'consumers', '%7btenantid%7d']);

const REQUIRED = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const;
const OPTIONAL = ['userinfo_endpoint', 'end_session_endpoint'] as const;

/** @throws Refusal `oidc/issuer-url`, `oidc/shared-issuer`: an issuer that no discovery can make usable. */
export function checkIssuerUrl(connection: OidcConnection, loopback: boolean): URL {
  const url = URL.canParse(connection.issuer) ? new URL(connection.issuer) : null;
  if (!url || !isAllowedUrl(url, loopback) || url.search || url.hash)
    throw unusable('oidc/issuer-url', 'the issuer must be an https URL without query or user info');
  if (isEntra(connection, url) && SHARED_TENANTS.has(tenantOf(url)))
    throw unusable('oidc/shared-issuer', `the issuer must name one directory, not ${tenantOf(url)}`);
  return url;
}

/** @throws Refusal `oidc/discovery-issuer`, `oidc/endpoint-missing`, `oidc/endpoint-url`, `oidc/endpoint-origin` */
export function checkMetadata(metadata: ServerMetadata, connection: OidcConnection, loopback: boolean): void {
  // Exactly: the library compares parsed URLs, and for Microsoft and B2C not even those.
  if (metadata.issuer !== connection.issuer) throw unusable('oidc/discovery-issuer', 'the discovery document names another issuer');
  const origins = new Set([
    new URL(connection.issuer).origin,
    ...connection.allowedOrigins,
    ...(PRESET_ORIGINS[connection.preset ?? 'generic'] ?? []),
  ]);
  const required: readonly string[] = connection.userinfo ? [...REQUIRED, 'userinfo_endpoint'] : REQUIRED;
  for (const name of [...REQUIRED, ...OPTIONAL]) {
    const value: unknown = metadata[name];
    if (value !== undefined) checkEndpoint(name, value, { origins, loopback });
    else if (required.includes(name)) throw unusable('oidc/endpoint-missing', `discovery names no ${name}`);
  }
}

function checkEndpoint(name: string, value: unknown, { origins, loopback }: { origins: ReadonlySet<string>; loopback: boolean }): void {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null;
  if (!url || !isAllowedUrl(url, loopback) || url.hash) throw unusable('oidc/endpoint-url', `${name} is no https URL without user info`);
  if (!origins.has(url.origin)) throw unusable('oidc/endpoint-origin', `${name} is on ${url.origin}, which this connection does not allow`);
}

/** The directory that an Entra issuer names: the first segment of its path. Null for other providers. */
export function entraTenant(connection: OidcConnection): string | null {
  const url = new URL(connection.issuer);
  return isEntra(connection, url) ? tenantOf(url) : null;
}

const isEntra = (connection: OidcConnection, issuer: URL) => connection.preset === 'entra' || issuer.hostname === 'login.microsoftonline.com';
const tenantOf = (issuer: URL) => (issuer.pathname.split('/')[1] ?? '').toLowerCase();
const isAllowedUrl = (url: URL, loopback: boolean) =>
  !url.username && !url.password && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback && isLoopbackHost(url.hostname)));
const unusable = (check: string, detail: string) => new Refusal('connection-unusable', check, detail);
