/** Files that a tenant file points at: certificates, and the places of keys and metadata. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { SecretRef } from '../core/tenant.ts';

export type Certificate = { ok: true; pem: string } | { ok: false; message: string; hint: string };

const MAX_CERTIFICATE_BYTES = 64 * 1024;

/** Absolute, or null where a relative path would leave the tenant file's folder. */
export function placeOf(baseDir: string, written: string): string | null {
  if (path.isAbsolute(written)) return path.normalize(written);
  const full = path.resolve(baseDir, written);
  const relative = path.relative(path.resolve(baseDir), full);
  return relative === '' || relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative) ? null : full;
}

export const OUTSIDE = 'a path below the folder of this file, or an absolute one such as /run/secrets/acme';

/** With `file:` made absolute, so that whoever resolves it need not know the tenant file. Null where the path leaves the folder. */
export function secretRef(baseDir: string, written: string): SecretRef | null {
  if (written.startsWith('env:')) return written as SecretRef;
  const place = placeOf(baseDir, written.slice('file:'.length));
  return place === null ? null : `file:${place}`;
}

/** Of what the checks have passed. */
export const secretPlaceOf = (baseDir: string, written: string): SecretRef => secretRef(baseDir, written) ?? 'env:';

/** PEM, bare base64 or `file:path` → PEM. Says nothing of what was read when it is no certificate: it may be a key. */
export function readCertificate(baseDir: string, written: string): Certificate {
  if (!written.startsWith('file:')) return parseCertificate(written);
  const place = placeOf(baseDir, written.slice('file:'.length));
  if (place === null) return { ok: false, message: 'leaves the folder of this file', hint: OUTSIDE };
  try {
    const file = statSync(place);
    if (!file.isFile()) return { ok: false, message: 'names what is no file', hint: 'the path of a PEM file, from the folder of this file' };
    if (file.size > MAX_CERTIFICATE_BYTES) return { ok: false, message: 'is too large', hint: 'a file with one certificate' };
    return parseCertificate(readFileSync(place, 'utf8'));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    return { ok: false, message: `names a file that cannot be read (${code})`, hint: 'the path of a PEM file, from the folder of this file' };
  }
}

function parseCertificate(content: string): Certificate {
  if (content.includes('PRIVATE KEY'))
    return { ok: false, message: 'holds a private key', hint: "the provider's certificate only; if that key is in use, replace it" };
  if (content.split('-----BEGIN').length > 2) return { ok: false, message: 'holds several certificates', hint: 'one certificate in each entry' };
  const base64 = content.replace(/-----[A-Z ]+-----/g, '').replace(/\s+/g, '');
  try {
    return { ok: true, pem: new X509Certificate(Buffer.from(base64, 'base64')).toString().trim() };
  } catch {
    return { ok: false, message: 'is no X.509 certificate', hint: 'a certificate as PEM or base64, or file:certs/acme.pem' };
  }
}
