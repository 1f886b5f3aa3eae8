/**
 * A SAML provider that answers quickly: each shape of response is built and canonicalised once, by the libraries, and then only filled and signed.
 * What comes out is what fixtures/saml/signer.ts would make.
 */
import { createHash, createPrivateKey, type KeyObject, randomUUID, sign } from 'node:crypto';
import { SignedXml } from 'xml-crypto';
import { ALGORITHMS, bareCertificate, type KeyPair, type Parties, responseXml, type Shape, toBase64 } from '../fixtures/saml/signer.ts';
import type { Person } from './people.ts';

export type Signed = 'both' | 'assertion';

/** For the same people and connection, as base64: a response to this request. */
export type Respond = (person: Pick<Person, 'id' | 'email'>, requestId: string) => string;

const HOLES = { requestId: 'HOLE-REQUEST', responseId: '_HOLE-RESPONSE', assertionId: '_HOLE-ASSERTION', id: 'HOLE-PERSON', email: 'HOLE-EMAIL' };
const CAPTURE = 'urn:bench:capture';

export function createResponder(
  { key, signed, groups }: { key: KeyPair; signed: Signed; groups: string[] },
  parties: Omit<Parties, 'requestId'>,
): Respond {
  const shape: Shape = {
    responseId: HOLES.responseId,
    assertionId: HOLES.assertionId,
    nameId: HOLES.id,
    attributes: [
      ['email', [HOLES.email]],
      ['userName', [HOLES.email]],
      ['givenName', ['Amara']],
      ['familyName', ['Okafor']],
      ['groups', groups],
    ],
  };
  const wire = responseXml({ ...parties, requestId: HOLES.requestId }, shape);
  const text = { wire, response: canonical(wire, 'Response', key), assertion: canonical(wire, 'Assertion', key) };
  const signer = { key: createPrivateKey(key.privateKey), certificate: bareCertificate(key.certificate) };

  return ({ id, email }, requestId) => {
    const values = { id, email, requestId, responseId: `_${randomUUID()}`, assertionId: `_${randomUUID()}` };
    const fill = (template: string) =>
      Object.entries(HOLES).reduce((xml, [name, hole]) => xml.replaceAll(hole, values[name as keyof typeof values]), template);
    const assertion = signature(values.assertionId, fill(text.assertion), signer);
    const withAssertion = (template: string) => after(fill(template), 2, assertion);
    if (signed === 'assertion') return toBase64(withAssertion(text.wire));
    const response = signature(values.responseId, withAssertion(text.response), signer);
    return toBase64(after(withAssertion(text.wire), 1, response));
  };
}

/** `inserted` behind the Issuer of the response (1) or of the assertion (2), where the schema has signatures. */
function after(xml: string, issuer: 1 | 2, inserted: string): string {
  const end = '</saml:Issuer>';
  let at = 0;
  for (let i = 0; i < issuer; i++) at = xml.indexOf(end, at) + end.length;
  return xml.slice(0, at) + inserted + xml.slice(at);
}

/** What a signature of the element would digest (exclusive canonicalisation), as xml-crypto sees it. */
function canonical(xml: string, element: 'Response' | 'Assertion', key: KeyPair): string {
  let text = '';
  const signer = new SignedXml({
    privateKey: key.privateKey,
    signatureAlgorithm: ALGORITHMS.rsaSha256,
    canonicalizationAlgorithm: ALGORITHMS.exclusive,
  });
  signer.HashAlgorithms[CAPTURE] = class {
    getAlgorithmName = () => CAPTURE;
    getHash = (canonicalised: string) => {
      text = canonicalised;
      return '';
    };
  };
  signer.addReference({
    xpath: `//*[local-name(.)='${element}']`,
    transforms: [ALGORITHMS.enveloped, ALGORITHMS.exclusive],
    digestAlgorithm: CAPTURE,
  });
  signer.computeSignature(xml);
  return text;
}

/** Written in canonical form, so that its SignedInfo, with the namespace it inherits, is what is signed. */
function signature(id: string, canonicalText: string, { key, certificate }: { key: KeyObject; certificate: string }): string {
  const ns = ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"';
  const method = (name: string, uri: string) => `<ds:${name} Algorithm="${uri}"></ds:${name}>`;
  const digest = createHash('sha256').update(canonicalText).digest('base64');
  const info =
    method('CanonicalizationMethod', ALGORITHMS.exclusive) +
    method('SignatureMethod', ALGORITHMS.rsaSha256) +
    `<ds:Reference URI="#${id}"><ds:Transforms>${method('Transform', ALGORITHMS.enveloped)}${method('Transform', ALGORITHMS.exclusive)}</ds:Transforms>` +
    `${method('DigestMethod', ALGORITHMS.sha256)}<ds:DigestValue>${digest}</ds:DigestValue></ds:Reference>`;
  const value = sign('sha256', Buffer.from(`<ds:SignedInfo${ns}>${info}</ds:SignedInfo>`), key).toString('base64');
  return (
    `<ds:Signature${ns}><ds:SignedInfo>${info}</ds:SignedInfo><ds:SignatureValue>${value}</ds:SignatureValue>` +
    `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>`
  );
}
