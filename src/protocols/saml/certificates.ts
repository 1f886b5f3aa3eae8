/** Certificates as configuration and metadata give them. In SAML a certificate is a wrapper for a key: its dates and issuer are not judged. */
import { X509Certificate } from 'node:crypto';
import { Refusal } from '../../core/refusal.ts';

/** Bits of an RSA modulus, at the least. */
const MIN_RSA_BITS = 2048;

/** PEM from PEM or bare base64. @throws Refusal `connection-unusable` where it is no certificate */
export function certificatePem(text: string, check: string): string {
  const body = text.replace(/-----(BEGIN|END) CERTIFICATE-----/g, '').replace(/\s+/g, '');
  if (body === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(body)) throw new Refusal('connection-unusable', check, 'not a certificate');
  return `-----BEGIN CERTIFICATE-----\n${body.match(/.{1,64}/g)!.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** RSA of at least 2048 bits: other kinds of key cannot be verified here. @throws Refusal `connection-unusable` */
export function checkCertificate(pem: string, check: string): void {
  const { asymmetricKeyType, asymmetricKeyDetails } = publicKeyOf(pem, check);
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  if (asymmetricKeyType !== 'rsa' || bits < MIN_RSA_BITS) throw new Refusal('connection-unusable', `${check}-weak`, `${asymmetricKeyType} ${bits}`);
}

export const isRsa = (pem: string, check: string): boolean => publicKeyOf(pem, check).asymmetricKeyType === 'rsa';

function publicKeyOf(pem: string, check: string) {
  try {
    return new X509Certificate(pem).publicKey;
  } catch {
    throw new Refusal('connection-unusable', check, 'not a certificate');
  }
}

/**
 * The same certificates, those first that the message itself names. A hint that saves a failed attempt per message while certificates roll over;
 * what is trusted stays the list.
 */
export function likelyFirst(certificates: readonly string[], named: ReadonlySet<string>): string[] {
  const isNamed = (pem: string) => named.has(pem.replace(/-----[A-Z ]+-----|\s/g, ''));
  return [...certificates.filter(isNamed), ...certificates.filter((pem) => !isNamed(pem))];
}
