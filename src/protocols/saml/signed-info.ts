/**
 * Who signed, asked before it is asked what was signed. node-saml canonicalizes and digests all that a signature refers to before it looks at the
 * signature's value, so a forged message would cost as much as the largest genuine one. Here the value is verified over the SignedInfo alone,
 * which is small: a message that no trusted key has signed ends after one RSA verification per key.
 * Passing proves nothing of the content: node-saml verifies all of it again, with the keys that are returned and no others.
 */
import { constants, type KeyObject, verify } from 'node:crypto';
import { DOMParser } from '@xmldom/xmldom';
import { C14nCanonicalization, ExclusiveCanonicalization, findAncestorNs } from 'xml-crypto';
import { Refusal } from '../../core/refusal.ts';
import { EXCLUSIVE, INCLUSIVE, SIGNATURE_METHODS } from './algorithms.ts';
import type { TrustedKey } from './certificates.ts';
import type { Demand, Sent } from './protection.ts';
import { NAMESPACES } from './vocabulary.ts';
import { printable } from './xml-text.ts';
import { attribute, child, children, type XmlElement } from './xml-tree.ts';

export interface ClaimedSignatures {
  /** The response, filtered and scanned, and the same as text. */
  response: XmlElement;
  xml: string;
  sent: Sent;
  demand: Demand;
}

/** Characters of `outline`; real ones have under 3,000. */
const MAX_OUTLINE = 16_384;

/** xml-crypto's own, so that what is verified here is what node-saml verifies. */
const CANONICALIZERS = new Map<string, ExclusiveCanonicalization | C14nCanonicalization>([
  [EXCLUSIVE, new ExclusiveCanonicalization()],
  [INCLUSIVE, new C14nCanonicalization()],
]);

/**
 * Every signature that node-saml must find good, but for those inside an encryption, has a value that a trusted key made over its SignedInfo.
 * @returns the keys that did, each once
 * @throws Refusal with the code and check of any other signature that does not hold; `saml/signature-size` where the SignedInfo is not small
 */
export function checkSignedInfo({ response, xml, sent, demand }: ClaimedSignatures, trusted: readonly TrustedKey[]): TrustedKey[] {
  const owners = [...(demand.response ? [response] : []), ...(demand.assertion && !sent.encrypted ? [sent.element] : [])];
  const demanded = owners.flatMap((owner) => children(owner, 'ds:Signature'));
  if (demanded.length === 0 || demanded.length < owners.length) throw forged('a signature is missing');

  const signers = canonicalSignedInfo(xml, response, demanded).map((text, i) => {
    const signer = trusted.find(({ key }) => isSignedBy(key, text, demanded[i]!));
    if (!signer) throw forged('no trusted key made the signature value');
    return signer;
  });
  return [...new Set(signers)];
}

function isSignedBy(key: KeyObject, text: string, signature: XmlElement): boolean {
  const { hash, pss } = SIGNATURE_METHODS.get(algorithmOf(signature, 'ds:SignatureMethod'))!;
  const how = pss ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : key;
  return verify(hash, Buffer.from(text), how, Buffer.from(child(signature, 'ds:SignatureValue')!.text, 'base64'));
}

/**
 * What the value of each of these signatures of the response must be about.
 * As xml-crypto has it, the surroundings of the first SignedInfo in the document stand for those of every one.
 */
export function canonicalSignedInfo(xml: string, response: XmlElement, signatures: readonly XmlElement[]): string[] {
  const text = outline(xml, response);
  if (text.length > MAX_OUTLINE) throw new Refusal('message-malformed', 'saml/signature-size', `${text.length} characters`);
  const inOrder = response.children.flatMap((one) => (one.name === 'ds:Signature' ? [one] : children(one, 'ds:Signature')));
  try {
    const document = new DOMParser({ errorHandler: { error: refuse, fatalError: refuse } }).parseFromString(text, 'text/xml');
    const infos = document.getElementsByTagNameNS(NAMESPACES.ds, 'SignedInfo');
    // Found by an XPath, which costs as much as the rest; most signatures do not depend on it.
    const ancestorNamespaces = signatures.some(isInclusive) ? findAncestorNs(document, "//*[local-name()='SignedInfo']") : [];
    return signatures.map((signature) => {
      const canonicalizer = CANONICALIZERS.get(algorithmOf(signature, 'ds:CanonicalizationMethod'))!;
      return canonicalizer.process(infos[inOrder.indexOf(signature)]!, { ancestorNamespaces, defaultNsForPrefix: { ds: NAMESPACES.ds } });
    });
  } catch (error) {
    throw forged(error instanceof Error ? printable(error.message) : '');
  }
}

/** The document with nothing left in it but the SignedInfo elements, as they were written, within the tags that surround them. */
function outline(xml: string, element: XmlElement): string {
  if (element.name === 'ds:SignedInfo') return xml.slice(startOf(xml, element), element.end);
  const inner = element.children.filter((one) => SURROUNDINGS.has(one.name)).map((one) => outline(xml, one));
  return xml.slice(startOf(xml, element), element.startTagEnd) + inner.join('') + xml.slice(xml.lastIndexOf('</', element.end - 1), element.end);
}
const SURROUNDINGS = new Set(['saml:Assertion', 'ds:Signature', 'ds:SignedInfo']);

/** A start tag holds no other `<`: well-formedness forbids it in attribute values. */
const startOf = (xml: string, element: XmlElement): number => xml.lastIndexOf('<', element.startTagEnd - 1);

/** Does the canonical form hold namespaces that are declared around the SignedInfo and not used in it? */
function isInclusive(signature: XmlElement): boolean {
  const method = methodOf(signature, 'ds:CanonicalizationMethod');
  return attribute(method, 'Algorithm') === INCLUSIVE || child(method, 'ec:InclusiveNamespaces') !== null;
}

const methodOf = (signature: XmlElement, name: string): XmlElement => child(child(signature, 'ds:SignedInfo')!, name)!;
const algorithmOf = (signature: XmlElement, name: string): string => attribute(methodOf(signature, name), 'Algorithm')!;

const refuse = (message: string): never => {
  throw new Error(message);
};
const forged = (detail: string) => new Refusal('message-forged', 'saml/signature', detail);
