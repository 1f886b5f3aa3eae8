/** From verified documents to what they say of a person: one list of claims, the ID token's word before userinfo's. */

import type { Statement } from '../../core/model.ts';
import { Refusal } from '../../core/refusal.ts';
import { readStatement } from '../../core/statement.ts';
import type { ClaimNames, OidcConnection } from '../../core/tenant.ts';
import { type IdTokenClaims, isSubject } from './id-token.ts';
import { isJsonObject, type JsonObject } from './json.ts';

const MAX_CLAIMS = 200;
const MAX_VALUES = 5_000;
const MAX_DEPTH = 3;

/** Claims of the protocol and the session: they differ between two identical sign-ins, or say nothing of the person. */
const DROPPED = new Set(
  (
    'iss aud exp iat nbf jti nonce at_hash c_hash s_hash auth_time acr amr azp client_id scope scp typ sid session_state ' +
    'uti rh aio ver ipaddr login_hint hasgroups _claim_names _claim_sources updated_at pwd_exp idp cnf events sub_jwk'
  ).split(' '),
);

/** Claims that say whether the claim `email` was verified. */
const VERIFIED_WORDS = ['email_verified', 'xms_edov'];

/** What userinfo cannot set, whatever it sends. */
const ID_TOKEN_ONLY = new Set([...DROPPED, 'sub', 'tid', 'oid']);

export interface Person {
  subject: string;
  statement: Statement;
  email: string | null;
  emailVerified: boolean | null;
}

/** @throws Refusal `oidc/subject`, `oidc/claims-limit` */
export function readPerson(idToken: IdTokenClaims, userinfo: JsonObject | null, connection: OidcConnection): Person {
  const claims = mergeClaims(idToken, userinfo);
  const { released, unreadable } = releaseClaims(claims, connection.claims);
  released.set('@sub', [idToken.sub]);
  const dropped = [...released.keys()].filter((name) => DROPPED.has(name.split('.')[0]!) || name.startsWith('xms_'));
  const overflow = overflowOf(claims, connection.claims);
  return {
    subject: subjectOf(released, connection.claims.subject),
    statement: readStatement(released, { names: connection.claims, overflow, unreadable, dropped }),
    ...emailOf(claims, connection),
  };
}

/** An e-mail and the word on it stay together: where the ID token has one of the two, userinfo has no say in either. */
function mergeClaims(idToken: JsonObject, userinfo: JsonObject | null): Map<string, unknown> {
  const merged = new Map(Object.entries(idToken));
  const emailIsSaid = merged.has('email');
  if (!emailIsSaid) for (const word of VERIFIED_WORDS) merged.delete(word);
  for (const [name, value] of Object.entries(userinfo ?? {})) {
    const isEmail = name === 'email' || VERIFIED_WORDS.includes(name);
    if (!ID_TOKEN_ONLY.has(name) && (isEmail ? !emailIsSaid : !merged.has(name))) merged.set(name, value);
  }
  return merged;
}

/** Names beginning with `@` are ours and cannot be sent. Values of one claim are distinct; numbers and booleans are texts. */
function releaseClaims(
  claims: ReadonlyMap<string, unknown>,
  names: ClaimNames,
): { released: Map<string, readonly string[]>; unreadable: string | null } {
  const released = new Map<string, readonly string[]>();
  const noLists = new Set<string>();
  const groupClaims = new Set(names.groups.claims);
  const release = (name: string, value: unknown, depth: number): void => {
    if (name.startsWith('@') || (depth > 1 && claims.has(name))) return;
    if (isList(value)) released.set(name, texts(value));
    else if (groupClaims.has(name)) noLists.add(name);
    else if (!isJsonObject(value)) return;
    else if (depth < MAX_DEPTH) for (const [key, inner] of Object.entries(value)) release(`${name}.${key}`, inner, depth + 1);
  };
  for (const [name, value] of claims) if (!name.startsWith('_claim_')) release(name, value, 1);
  checkLimits(released, groupClaims);
  const first = names.groups.claims.find((name) => released.has(name) || noLists.has(name));
  return { released, unreadable: first !== undefined && noLists.has(first) ? `${first} is no list of names` : null };
}

const isScalar = (value: unknown) => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
const isList = (value: unknown) => value === null || isScalar(value) || (Array.isArray(value) && value.every(isScalar));
/** More than can be held are cut, still far more than make a group list overlong. */
const texts = (value: unknown): string[] => {
  const list: unknown[] = Array.isArray(value) ? value : value === null ? [] : [value];
  return [...new Set(list.map(String))].slice(0, MAX_VALUES);
};

function checkLimits(released: ReadonlyMap<string, readonly string[]>, groupClaims: ReadonlySet<string>): void {
  const values = [...released].reduce((sum, [name, list]) => sum + (groupClaims.has(name) ? 0 : list.length), 0);
  if (released.size > MAX_CLAIMS || values > MAX_VALUES)
    throw new Refusal(
      'message-malformed',
      'oidc/claims-limit',
      `${released.size} claims with ${values} values; ${MAX_CLAIMS} and ${MAX_VALUES} are allowed`,
    );
}

/** Entra leaves a long group list out and says where it could be fetched; that address is never called. */
function overflowOf(claims: ReadonlyMap<string, unknown>, names: ClaimNames): string | null {
  const elsewhere = claims.get('_claim_names');
  const left = ['groups', ...names.groups.claims].find((name) => isJsonObject(elsewhere) && Object.hasOwn(elsewhere, name));
  if (left) return `${left} was left out: too many groups for the token`;
  return [true, 'true'].includes(claims.get('hasgroups') as boolean | string) ? 'groups were left out: hasgroups' : null;
}

function subjectOf(released: ReadonlyMap<string, readonly string[]>, names: readonly string[]): string {
  const name = names.find((n) => released.has(n));
  const values = name === undefined ? [] : released.get(name)!;
  if (values.length === 1 && isSubject(values[0])) return values[0];
  throw new Refusal('subject-missing', 'oidc/subject', name ? `${name} is not one printable text` : `none of ${names.join(', ')} was sent`);
}

/** The provider's word counts for the claim `email` only: a user name that looks like an e-mail is not one it has verified. */
function emailOf(claims: ReadonlyMap<string, unknown>, { claims: names, preset }: OidcConnection): Pick<Person, 'email' | 'emailVerified'> {
  const name = (names.profile.email ?? ['email']).find((n) => claims.has(n));
  const value = name === undefined ? null : claims.get(name);
  if (typeof value !== 'string' || value === '') return { email: null, emailVerified: null };
  return { email: value, emailVerified: name === 'email' ? verifiedWord(claims, preset === 'entra') : null };
}

/** Entra says nothing in `email_verified`; its optional claim `xms_edov` does (a boolean, in older tokens 1 or "1"). */
function verifiedWord(claims: ReadonlyMap<string, unknown>, entra: boolean): boolean | null {
  const word = claims.get(entra && claims.has('xms_edov') ? 'xms_edov' : 'email_verified');
  if (word === undefined || word === null) return null;
  return word === true || (entra && claims.has('xms_edov') && (word === 1 || word === '1'));
}
