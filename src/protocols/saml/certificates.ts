/** Certificates as configuration and metadata give them. In SAML a certificate is a wrapper for a key: its dates and issuer are not judged. */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { Refusal } from '../../core/refusal.ts';

/** Bits of an RSA modulus, at the least. */
const MIN_RSA_BITS = 2048;

/** PEM from PEM or bare base64. @throws Refusal `connection-unusable` where it is no certificate */
export function certificatePem(text: string, check: string): string {
  const body = text.replace(/-----(BEGIN|END) CERTIFICATE-----/g, '').replace(/\s+/g, '');
  if (body === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(body)) throw new Refusal('connection-unusable', check, 'not a certificate');
  return `-----BEGIN CERTIFICATE-----\n${body.match(/.{1,64}/g)!.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** The key of a trusted certificate, read once: reading costs more than verifying. */
export interface TrustedKey {
  key: KeyObject;
  /** PEM in PKCS #1, for a library that reads it again each time: a quarter of what a certificate costs it. */
  pem: string;
}

/** RSA of at least 2048 bits: other kinds of key cannot be verified here. @throws Refusal `connection-unusable` */
export function checkCertificate(pem: string, check: string): TrustedKey {
  const key = publicKeyOf(pem, check);
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  if (asymmetricKeyType !== 'rsa' || bits < MIN_RSA_BITS) throw new Refusal('connection-unusable', `${check}-weak`, `${asymmetricKeyType} ${bits}`);
  return { key, pem: key.export({ type: 'pkcs1', format: 'pem' }) as string };
}

export const isRsa = (pem: string, check: string): boolean => publicKeyOf(pem, check).asymmetricKeyType === 'rsa';

function publicKeyOf(pem: string, check: string) {
  try {
    return new X509Certificate(pem).publicKey;
  } catch {
    throw new Refusal('connection-unusable', check, 'not a certificate');
  }
}
