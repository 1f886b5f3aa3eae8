/** Is everything protected as this connection wants it: signed where it must be, encrypted or not, by algorithms that may be used? */
import { Refusal } from '../../core/refusal.ts';
import type { SamlConnection } from '../../core/tenant.ts';
import { checkEncryptionAlgorithms } from './algorithms.ts';
import { attribute, child, type XmlElement } from './xml-tree.ts';

/** The one thing in a response that says who someone is. */
export interface Sent {
  element: XmlElement;
  encrypted: boolean;
}

/** Which signatures node-saml must find good. */
export interface Demand {
  response: boolean;
  assertion: boolean;
}

/** Exactly one Assertion or EncryptedAssertion. */
export function theAssertion(response: XmlElement): Sent {
  const found = response.children.filter((e) => e.name === 'saml:Assertion' || e.name === 'saml:EncryptedAssertion');
  const [element] = found;
  if (!element) throw new Refusal('message-malformed', 'saml/no-assertion');
  if (found.length > 1) throw new Refusal('message-malformed', 'saml/two-assertions', `${found.length}`);
  return { element, encrypted: element.name === 'saml:EncryptedAssertion' };
}

/**
 * A signature of the response is always verified when it is there. The assertion's own is verified where it is wanted, and where it is the only one.
 * Nothing is decrypted that the provider has not signed, so an encrypted assertion demands a signed response (G15).
 */
export function demandSignatures(response: XmlElement, sent: Sent, { wantSigned }: SamlConnection): Demand {
  const responseSigned = child(response, 'ds:Signature') !== null;
  const assertionSigned = child(sent.element, 'ds:Signature') !== null;
  if (sent.encrypted && !responseSigned) throw forged('encrypted-unsigned');
  if ((wantSigned === 'response' || wantSigned === 'both') && !responseSigned) throw forged('response-unsigned');
  const wantAssertion = wantSigned === 'assertion' || wantSigned === 'both';
  if (wantAssertion && !sent.encrypted && !assertionSigned) throw forged('assertion-unsigned');
  if (!responseSigned && !assertionSigned) throw forged('unsigned');
  return { response: responseSigned, assertion: wantAssertion || !responseSigned };
}

export function checkEncryption(sent: Sent, connection: SamlConnection): void {
  if (sent.encrypted && connection.encryption === 'refused') throw forged('encrypted');
  if (!sent.encrypted && connection.encryption === 'required') throw forged('not-encrypted');
  if (sent.encrypted) checkEncryptionAlgorithms(sent.element, connection);
}

/** The bytes that were verified are those of the assertion that was looked at. */
export function checkSame(verified: XmlElement, sent: Sent): void {
  if (!sent.encrypted && attribute(verified, 'ID') !== attribute(sent.element, 'ID')) throw forged('verified-other');
}

const forged = (check: string, detail = '') => new Refusal('message-forged', `saml/${check}`, detail);
