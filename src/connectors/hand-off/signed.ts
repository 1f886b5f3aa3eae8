/** The signed hand-off: a JWT (RFC 7519) in the query or in a form. Zendesk and Canny are presets of it. */
import { type CryptoKey, type JWTPayload, SignJWT } from 'jose';
import type { SignedHandOff } from '../../core/tenant.ts';
import { type Entry, type Passage, secondsOf } from './hand-off.ts';
import { fillTemplate } from './template.ts';

/** `kid`: under which the public half is published; null where both sides share the key. */
export interface SigningKey {
  key: Uint8Array | CryptoKey;
  kid: string | null;
}

export async function signedPassage(handOff: SignedHandOff, key: SigningKey, entry: Entry): Promise<Passage> {
  const fields: Record<string, string> = { ...handOff.parameters, [handOff.parameter]: await sign(handOff, key, entry) };
  if (handOff.returnToParameter !== null && entry.returnTo !== null) fields[handOff.returnToParameter] = entry.returnTo;
  const url = new URL(handOff.url);
  if (handOff.method === 'form') return { kind: 'form', url: url.href, fields };
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  return { kind: 'redirect', url: url.href };
}

function sign(handOff: SignedHandOff, { key, kid }: SigningKey, entry: Entry): Promise<string> {
  const iat = secondsOf(entry.now);
  // What protects the token is ours, whatever the templates say.
  const registered: JWTPayload = { iat, jti: entry.random };
  if (handOff.exp) registered.exp = iat + handOff.lifeSeconds;
  if (handOff.issuer !== null) registered.iss = handOff.issuer;
  if (handOff.audience !== null) registered.aud = handOff.audience;
  return new SignJWT({ ...claimsOf(handOff, entry), ...registered })
    .setProtectedHeader({ alg: handOff.algorithm, typ: 'JWT', ...(kid !== null && { kid }) })
    .sign(key);
}

function claimsOf({ claims }: SignedHandOff, entry: Entry): Record<string, string | string[]> {
  const said: Record<string, string | string[]> = {};
  for (const [name, template] of Object.entries(claims)) {
    const value = fillTemplate(template, entry);
    if (value !== null) said[name] = value;
  }
  return said;
}
