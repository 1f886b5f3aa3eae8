/** Key pairs with a self-signed certificate, as SAML metadata carries them: the certificate is a box for the key, nobody checks its chain. */
import { generate } from 'selfsigned';

export interface KeyPair {
  /** PKCS #8, PEM. */
  privateKey: string;
  /** X.509, PEM. */
  certificate: string;
}

const YEARS = 10;

/** RSA, 3072 bits unless told otherwise, SHA-256, valid for ten years from `from`. */
export async function createKeyPair(commonName: string, options: { bits?: number; from?: Date } = {}): Promise<KeyPair> {
  const from = options.from ?? new Date(Date.now() - 3_600_000);
  const until = new Date(from);
  until.setFullYear(until.getFullYear() + YEARS);
  const made = await generate([{ name: 'commonName', value: commonName.slice(0, 64) }], {
    keySize: options.bits ?? 3072,
    algorithm: 'sha256',
    notBeforeDate: from,
    notAfterDate: until,
  });
  return { privateKey: made.private, certificate: made.cert };
}
