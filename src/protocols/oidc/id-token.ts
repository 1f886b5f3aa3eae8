/**
 * What an ID token must be, besides signed (OpenID Connect Core §3.1.3.7; facts: security.md O4, O6). One line per check, in order; the first
 * that does not hold is the refusal. openid-client verifies the signature and repeats some of these; nothing here relies on it for more than that.
 */
import { createHash } from 'node:crypto';
import { Refusal, type RefusalCode } from '../../core/refusal.ts';
import type { OidcConnection } from '../../core/tenant.ts';
import { safeEqual } from '../../lib/secrets.ts';
import { entraTenant } from './endpoints.ts';
import type { DecodedJwt, JsonObject } from './json.ts';

export interface Expected {
  connection: OidcConnection;
  nonce: string;
  /** What the token came with and for. */
  accessToken: unknown;
  code: string;
  now: Date;
}

/** Claims whose presence and type the checks have established. */
export interface IdTokenClaims extends JsonObject {
  iss: string;
  sub: string;
  aud: string | string[];
  exp: number;
  iat: number;
}

/** Seconds. A token is issued for this very code, so it is young; no provider we know issues them for more than a day. */
const MAX_AGE = 600;
const MAX_LIFETIME = 86_400;

interface Subject extends DecodedJwt {
  expected: Expected;
  /** Seconds since 1970, and the skew allowed either way. */
  now: number;
  skew: number;
}

type Check = readonly [check: string, code: RefusalCode, holds: (token: Subject) => boolean];

const CHECKS: readonly Check[] = [
  ['oidc/alg', 'message-forged', ({ header, expected }) => header.alg === expected.connection.idTokenAlg],
  ['oidc/typ', 'message-malformed', ({ header }) => header.typ === undefined || (isText(header.typ) && /^(application\/)?jwt$/i.test(header.typ))],
  ['oidc/crit', 'message-malformed', ({ header }) => header.crit === undefined],
  ['oidc/issuer', 'message-misdirected', ({ claims, expected }) => claims.iss === expected.connection.issuer],
  ['oidc/audience', 'message-misdirected', ({ claims, expected }) => audience(claims)?.includes(expected.connection.clientId) === true],
  ['oidc/azp', 'message-misdirected', ({ claims, expected }) => azpHolds(claims, expected.connection.clientId)],
  ['oidc/tid', 'message-misdirected', ({ claims, expected }) => tenantHolds(claims, expected.connection)],
  ['oidc/required-claim', 'message-misdirected', ({ claims, expected }) => requiredHold(claims, expected.connection)],
  ['oidc/nonce', 'login-unknown', ({ claims, expected }) => isText(claims.nonce) && safeEqual(claims.nonce, expected.nonce)],
  ['oidc/events', 'message-malformed', ({ claims }) => claims.events === undefined],
  ['oidc/times', 'message-malformed', ({ claims }) => [claims.exp, claims.iat].every(isTime) && [claims.nbf, claims.auth_time].every(isTimeOrAbsent)],
  ['oidc/expired', 'message-expired', ({ claims, now, skew }) => time(claims.exp) + skew > now],
  ['oidc/not-before', 'message-expired', ({ claims, now, skew }) => claims.nbf === undefined || time(claims.nbf) - skew <= now],
  ['oidc/iat', 'message-expired', ({ claims, now, skew }) => time(claims.iat) - skew <= now && time(claims.iat) + MAX_AGE + skew >= now],
  ['oidc/lifetime', 'message-malformed', ({ claims }) => time(claims.exp) - time(claims.iat) <= MAX_LIFETIME && time(claims.exp) >= time(claims.iat)],
  ['oidc/auth-time', 'message-expired', authTimeHolds],
  ['oidc/at-hash', 'message-forged', ({ header, claims, expected }) => hashHolds(claims.at_hash, expected.accessToken, header.alg)],
  ['oidc/c-hash', 'message-forged', ({ header, claims, expected }) => hashHolds(claims.c_hash, expected.code, header.alg)],
  ['oidc/sub', 'subject-missing', ({ claims }) => isSubject(claims.sub)],
];

/** @throws Refusal with the check that does not hold. */
export function checkIdToken(token: DecodedJwt, expected: Expected): IdTokenClaims {
  const subject: Subject = { ...token, expected, now: expected.now.getTime() / 1000, skew: expected.connection.clockSkewSeconds };
  for (const [check, code, holds] of CHECKS) if (!holds(subject)) throw new Refusal(code, check, 'the ID token');
  return token.claims as IdTokenClaims;
}

/** At most 255 printable ASCII characters (OpenID Connect Core §2), one of them no space. */
export const isSubject = (value: unknown): value is string => isText(value) && /^[\x20-\x7e]{1,255}$/.test(value) && value.trim() !== '';

const isText = (value: unknown): value is string => typeof value === 'string';
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isTimeOrAbsent = (value: unknown) => value === undefined || isTime(value);
const time = (value: unknown): number => value as number; // after oidc/times

function audience({ aud }: JsonObject): string[] | null {
  const list = Array.isArray(aud) ? aud : [aud];
  return list.every(isText) ? list : null;
}

/** Several audiences need an authorised party; where one is named it is us. */
function azpHolds(claims: JsonObject, clientId: string): boolean {
  const several = (audience(claims)?.length ?? 0) > 1;
  return claims.azp === undefined ? !several : claims.azp === clientId;
}

/** Entra signs for all directories with the same keys: the directory in the token is the one in the issuer. */
function tenantHolds({ tid }: JsonObject, connection: OidcConnection): boolean {
  const tenant = entraTenant(connection);
  return tenant === null || (isText(tid) && tid.toLowerCase() === tenant);
}

/** Some issuers serve everyone (Google): what the connection requires says whose people may come in. */
function requiredHold(claims: JsonObject, { require = {} }: OidcConnection): boolean {
  return Object.entries(require).every(([name, allowed]) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    return (Array.isArray(value) ? value : [value]).some((one) => isText(one) && allowed.includes(one));
  });
}

function authTimeHolds({ claims, expected, now, skew }: Subject): boolean {
  const { maxAgeSeconds } = expected.connection;
  if (claims.auth_time === undefined) return maxAgeSeconds === null;
  const at = time(claims.auth_time);
  return at - skew <= now && (maxAgeSeconds === null || at + maxAgeSeconds + skew >= now);
}

/** Left half of the hash that goes with the algorithm (OpenID Connect Core §3.1.3.6). Absent is allowed in the code flow, wrong is not. */
function hashHolds(hash: unknown, of: unknown, alg: unknown): boolean {
  if (hash === undefined) return true;
  if (!isText(hash) || !isText(of) || !isText(alg)) return false;
  const digest = createHash(alg === 'EdDSA' ? 'sha512' : `sha${alg.slice(-3)}`)
    .update(of, 'ascii')
    .digest();
  return safeEqual(hash, digest.subarray(0, digest.length / 2).toString('base64url'));
}
