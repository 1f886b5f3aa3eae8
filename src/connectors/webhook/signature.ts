/** Signatures of the Standard Webhooks specification 1.0 (standardwebhooks.com): `v1` is HMAC-SHA256, `v1a` is Ed25519. */
import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { TerminalFailure } from '../connector.ts';

/** What is signed, and what a receiver checks. */
export interface Signed {
  /** Without a dot. */
  id: string;
  /** Seconds since 1970. */
  timestamp: number;
  body: string;
}

export type SigningKey = (text: string) => string;

/** Bytes of a symmetric secret that the specification allows. */
const SHORTEST = 24;
const LONGEST = 64;

/** Ed25519 in PKCS #8 (RFC 8410), up to the 32 bytes of the key itself. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * From secrets as they are written down: `whsec_` and `whsk_`, each with base64. A `whsk_` key is 32 bytes, or 64 with its public half behind.
 * Throws `TerminalFailure` `configuration`, which says which of them cannot be used and never what it is.
 */
export function readSigningKeys(secrets: readonly string[]): SigningKey[] {
  if (secrets.length === 0) throw unusable('it has no secret, and nothing is sent unsigned');
  return secrets.map((secret, index) => {
    const which = `secret ${index + 1} of ${secrets.length}`;
    if (secret.startsWith('whsec_')) return symmetric(secret.slice('whsec_'.length), which);
    if (secret.startsWith('whsk_')) return asymmetric(secret.slice('whsk_'.length), which);
    throw unusable(`${which} begins with neither whsec_ nor whsk_`);
  });
}

/** The header `webhook-signature`: one signature by each key, in their order. */
export const signatureOf = ({ id, timestamp, body }: Signed, keys: readonly SigningKey[]): string =>
  keys.map((key) => key(`${id}.${timestamp}.${body}`)).join(' ');

function symmetric(text: string, which: string): SigningKey {
  const secret = decode(text, which);
  if (secret.length < SHORTEST || secret.length > LONGEST) throw unusable(`${which} has ${secret.length} bytes, not ${SHORTEST} to ${LONGEST}`);
  return (signed) => `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`;
}

function asymmetric(text: string, which: string): SigningKey {
  const bytes = decode(text, which);
  if (bytes.length !== 32 && bytes.length !== 64) throw unusable(`${which} is no Ed25519 key: it has ${bytes.length} bytes, not 32 or 64`);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, bytes.subarray(0, 32)]), format: 'der', type: 'pkcs8' });
  if (bytes.length === 64 && !publicHalf(key).equals(bytes.subarray(32))) throw unusable(`${which} is no Ed25519 key: its halves do not fit`);
  return (signed) => `v1a,${sign(null, Buffer.from(signed), key).toString('base64')}`;
}

const publicHalf = (key: KeyObject): Buffer => createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);

function decode(text: string, which: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  // Node skips what is no base64; then what was read is not what was written.
  if (text === '' || bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, ''))
    throw unusable(`${which} is not in base64 behind its prefix`);
  return bytes;
}

const unusable = (message: string): TerminalFailure =>
  new TerminalFailure('configuration', `the webhook cannot be signed: ${message}`, { scope: 'platform' });
