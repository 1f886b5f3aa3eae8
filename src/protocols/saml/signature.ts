/**
 * The one place that calls node-saml: signatures, decryption, and the bytes that they cover. To replace it, keep `verifiedAssertion`.
 * Everything the library concludes beyond that is a second opinion: it may refuse, and nothing of its profile is used.
 */
import { type CacheProvider, SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import { Refusal, type RefusalCode } from '../../core/refusal.ts';
import type { Expectation } from './expectation.ts';
import type { Demand } from './protection.ts';
import { printable } from './xml-text.ts';

export interface SignedMessage {
  /** The response, filtered and scanned. */
  xml: string;
  demand: Demand;
  /** The public keys that may have signed, as PEM; never empty. */
  keys: readonly string[];
  /** PEM. */
  decryptionKey: string;
}

/**
 * The assertion's XML as the verified signature covers it, decrypted where it was encrypted.
 * @throws Refusal one code and check for every failure of signature, decryption and parsing, so that none can be told from another
 */
export async function verifiedAssertion(message: SignedMessage, expected: Expectation): Promise<string> {
  let xml: string | undefined;
  try {
    const SAMLResponse = Buffer.from(message.xml, 'utf8').toString('base64');
    const { profile } = await library(message, expected).validatePostResponseAsync({ SAMLResponse });
    xml = profile?.getAssertionXml?.();
  } catch (error) {
    // Whatever a library throws at odd input, TypeErrors too, is a message that does not hold.
    throw reasonOf(error instanceof Error ? error.message : '');
  }
  if (!xml) throw new Refusal('message-forged', 'saml/signature', 'no profile');
  return xml;
}

/** An instance costs microseconds and holds nothing, so each message gets one: its memory knows this one request and forgets nothing early (G6). */
function library({ demand, keys, decryptionKey }: SignedMessage, expected: Expectation): SAML {
  return new SAML({
    callbackUrl: expected.acsUrl,
    issuer: expected.entityId,
    audience: expected.entityId,
    idpCert: [...keys],
    decryptionPvk: decryptionKey,
    wantAuthnResponseSigned: demand.response,
    wantAssertionsSigned: demand.assertion,
    validateInResponseTo: expected.requestId === null ? ValidateInResponseTo.never : ValidateInResponseTo.always,
    cacheProvider: onlyThis(expected.requestId),
    // The library looks at the process's clock, we at the caller's; the distance is nought in production.
    acceptedClockSkewMs: expected.skewMs + Math.abs(expected.now - Date.now()),
    maxAssertionAgeMs: expected.connection.maxAssertionAgeSeconds * 1000,
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
  });
}

function onlyThis(requestId: string | null): CacheProvider {
  return {
    saveAsync: async () => null,
    getAsync: async (key) => (key === requestId ? new Date().toISOString() : null),
    removeAsync: async () => null,
  };
}

/** What the library says of content only after signature and decryption held, in our words: so an expired encrypted assertion is expired, not forged. */
const AFTER_SIGNATURE: readonly (readonly [RegExp, RefusalCode, string])[] = [
  [/^SAML assertion (audience mismatch|has no AudienceRestriction|AudienceRestriction has no)/, 'message-misdirected', 'saml/audience'],
  [/^SAML assertion not yet valid$/, 'message-expired', 'saml/not-yet-valid'],
  [/^SAML assertion expired: /, 'message-expired', 'saml/expired'],
  [/^(InResponseTo does not match subjectInResponseTo|SubjectInResponseTo is not valid)$/, 'login-unknown', 'saml/confirmation-in-response-to'],
  [/^No valid subject confirmation found/, 'message-expired', 'saml/confirmation-expired'],
];

function reasonOf(text: string): Refusal {
  const [, code, check] = AFTER_SIGNATURE.find(([pattern]) => pattern.test(text)) ?? [null, 'message-forged' as const, 'saml/signature'];
  return new Refusal(code, check, printable(text));
}
