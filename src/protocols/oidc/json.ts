/** Reading JSON and JWTs in exactly one way, so that no two readers can see different things in the same bytes. */
import { Refusal } from '../../core/refusal.ts';

export type JsonObject = Record<string, unknown>;

/** A JWT whose parts were read; nothing about its signature is known. */
export interface DecodedJwt {
  header: JsonObject;
  claims: JsonObject;
}

const MAX_DEPTH = 16;
/** Strings and the marks that structure is made of. Only for text that JSON.parse has accepted. */
const TOKEN = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}[\]]/g;

/**
 * A JSON object without duplicate keys at any depth (RFC 7519 §4 leaves them to the reader) and at most 16 levels deep.
 * @param what for the detail: `token answer`, `ID token`
 * @throws Refusal `oidc/json`, `oidc/duplicate-key`, `oidc/json-depth`
 */
export function parseJsonObject(text: string, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal('message-malformed', 'oidc/json', `the ${what} is not JSON`);
  }
  if (!isJsonObject(value)) throw new Refusal('message-malformed', 'oidc/json', `the ${what} is not a JSON object`);
  checkKeys(text, what);
  return value;
}

export const isJsonObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

function checkKeys(text: string, what: string): void {
  const open: (Set<string> | null)[] = [];
  for (const match of text.matchAll(TOKEN)) {
    const [token, key, colon] = match;
    if (token === '}' || token === ']') open.pop();
    else if (token === '{' || token === '[') open.push(token === '{' ? new Set() : null);
    else if (key !== undefined && colon !== undefined) addKey(open.at(-1), JSON.parse(key), what);
    if (open.length > MAX_DEPTH) throw new Refusal('message-malformed', 'oidc/json-depth', `the ${what} is nested too deeply`);
  }
}

function addKey(keys: Set<string> | null | undefined, key: string, what: string): void {
  if (keys?.has(key)) throw new Refusal('message-malformed', 'oidc/duplicate-key', `the ${what} has a key twice`);
  keys?.add(key);
}

/**
 * Header and claims of a signed JWT in compact form. Encrypted tokens are not supported.
 * @throws Refusal `oidc/jwt`, and those of `parseJsonObject`
 */
export function decodeJwt(token: string, what: string): DecodedJwt {
  const parts = token.split('.');
  if (parts.length !== 3) throw new Refusal('message-malformed', 'oidc/jwt', `the ${what} is not a signed JWT`);
  const [header, claims] = parts.slice(0, 2).map((part) => parseJsonObject(decodeSegment(part, what), what));
  return { header: header!, claims: claims! };
}

function decodeSegment(segment: string, what: string): string {
  const bytes = Buffer.from(segment, 'base64url');
  if (bytes.toString('base64url') !== segment) throw new Refusal('message-malformed', 'oidc/jwt', `the ${what} is not strict base64url`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal('message-malformed', 'oidc/jwt', `the ${what} is not UTF-8`);
  }
}
