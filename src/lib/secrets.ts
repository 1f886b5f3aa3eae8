/** Secrets: where they come from, how they are sealed at rest, and how tokens are made, kept and compared. Knows nothing of the product. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** A secret that cannot be had or opened. The message names the reference or the purpose, never a value. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}

const MAX_SECRET_BYTES = 64 * 1024;

/**
 * The value behind `env:NAME` or `file:path` (relative to `baseDir`). One trailing line break is cut off.
 * @throws SecretError when it is not there, empty or unreadable.
 */
export function resolveSecret(ref: string, { baseDir, env }: { baseDir: string; env: Record<string, string | undefined> }): string {
  const value = readRef(ref, baseDir, env).replace(/\r?\n$/, '');
  if (value === '') throw new SecretError(`${ref} is empty`);
  return value;
}

function readRef(ref: string, baseDir: string, env: Record<string, string | undefined>): string {
  if (ref.startsWith('env:')) {
    const name = ref.slice(4);
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value === undefined) throw new SecretError(`${ref} is not set`);
    return value;
  }
  if (ref.startsWith('file:')) return readSecretFile(ref, resolve(baseDir, ref.slice(5)));
  throw new SecretError('a secret is given as env:NAME or file:path');
}

function readSecretFile(ref: string, path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new SecretError(`${ref} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
  if (bytes.length > MAX_SECRET_BYTES) throw new SecretError(`${ref} is larger than ${MAX_SECRET_BYTES} bytes`);
  return bytes.toString('utf8');
}

/** What is sealed for one purpose cannot be opened for another; neither can a hash be carried over. */
export interface Vault {
  /** `v1.` and base64url of nonce, ciphertext and tag. Twice the same text gives two different seals. */
  seal(plain: string, purpose: string): string;
  /** @throws SecretError on anything but an unaltered seal of this vault and purpose. */
  open(sealed: string, purpose: string): string;
  /** HMAC-SHA-256 in hex: how API keys and tokens are kept, so that a copy of the database opens nothing. */
  keyedHash(value: string, purpose: string): string;
}

const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param secret at least 32 random bytes. One key per use and purpose is derived from it (HKDF-SHA-256, RFC 5869). */
export function createVault(secret: Buffer): Vault {
  if (secret.length < 32) throw new SecretError('the secret must have at least 32 bytes');
  const keys = new Map<string, Buffer>();
  const keyFor = (use: 'seal' | 'hash', purpose: string): Buffer => {
    const info = `matricula/${VERSION}/${use}/${purpose}`;
    const known = keys.get(info);
    if (known) return known;
    const key = Buffer.from(hkdfSync('sha256', secret, '', info, 32));
    keys.set(info, key);
    return key;
  };
  return {
    seal: (plain, purpose) => seal(plain, keyFor('seal', purpose)),
    open(sealed, purpose) {
      const plain = open(sealed, keyFor('seal', purpose));
      if (plain === null) throw new SecretError(`not a seal of this installation for ${purpose}, or altered`);
      return plain;
    },
    keyedHash: (value, purpose) => createHmac('sha256', keyFor('hash', purpose)).update(value, 'utf8').digest('hex'),
  };
}

function seal(plain: string, key: Buffer): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(VERSION));
  const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return `${VERSION}.${Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url')}`;
}

function open(sealed: string, key: Buffer): string | null {
  const [version, body, ...rest] = sealed.split('.');
  if (version !== VERSION || body === undefined || rest.length > 0) return null;
  const bytes = Buffer.from(body, 'base64url');
  // Node skips what is no base64url: only the one spelling that we write is accepted.
  if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== body) return null;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(VERSION))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

/** Random token in base64url; 32 bytes, 256 bits, unless told. */
export const randomToken = (bytes = 32): string => randomBytes(bytes).toString('base64url');

/** Compares in time that depends on the lengths only. */
export function safeEqual(a: string, b: string): boolean {
  const left = Buffer.from(a, 'utf8');
  const right = Buffer.from(b, 'utf8');
  return left.length === right.length && timingSafeEqual(left, right);
}
