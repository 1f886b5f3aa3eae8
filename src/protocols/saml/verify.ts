/**
 * The verification of a response, in order. Each line is one check in the file that is named after it; each refuses with a word of its own.
 * The numbers are those of the threat list (security.md); G6, G7 and G17 are shared with the caller, who knows browsers and has a memory.
 */

import { checkDestination, checkInResponseTo, checkIssuer, checkStatus, checkVersion } from './addressing.ts';
import { checkSignatureAlgorithms } from './algorithms.ts';
import { type Attributes, readAttributes, readPersonStatement } from './attributes.ts';
import { checkAudience } from './audience.ts';
import type { TrustedKey } from './certificates.ts';
import { filterXml, openEnvelope } from './envelope.ts';
import type { Expectation } from './expectation.ts';
import { checkNameId, readNameId, readSubject } from './name-id.ts';
import { checkEncryption, checkSame, demandSignatures, theAssertion } from './protection.ts';
import type { SamlAssertion, SamlContext } from './saml.ts';
import { verifiedAssertion } from './signature.ts';
import { checkSignedInfo } from './signed-info.ts';
import { readStructure } from './structure.ts';
import { checkSubjectConfirmation } from './subject-confirmation.ts';
import { checkAuthentication, checkIssueInstant, checkValidity, requiredTime, timeOf } from './times.ts';
import { attribute, child, children, type XmlElement } from './xml-tree.ts';

export async function verify(
  { samlResponse, requestId, now }: { samlResponse: unknown; requestId: string | null; now: Date },
  context: SamlContext,
  trusted: readonly TrustedKey[],
): Promise<SamlAssertion> {
  const expected = expectationOf(context, requestId, now);

  const xml = openEnvelope(samlResponse); //                                         G1   size, encoding, plain elements only
  const response = readStructure(xml, 'samlp:Response'); //                          G2   closed grammar, unique IDs, references
  checkVersion(response); //                                                         G11
  checkStatus(response); //                                                          G9
  checkDestination(response, expected); //                                           G4
  checkInResponseTo(response, expected); //                                          G6, G14
  checkIssuer(response, expected); //                                                G8
  checkIssueInstant(response, expected); //                                          G12
  const sent = theAssertion(response); //                                            G2   exactly one
  checkEncryption(sent, context.connection); //                                      G15
  checkSignatureAlgorithms(response); //                                             G3
  const demand = demandSignatures(response, sent, context.connection); //            who must have signed what
  // A first look at what is claimed spares the cryptography and gives the precise reason; it decides nothing in anyone's favour.
  if (!sent.encrypted) checkAssertion(sent.element, expected);
  const signers = checkSignedInfo({ response, xml, sent, demand }, trusted); //      who signed, before what was signed costs anything

  // What the signature covers is digested by node-saml; its cost is bounded by G1, G2 and the caller's limits on attempts.
  const keys = (sent.encrypted ? withOthers(signers, trusted) : signers).map(({ pem }) => pem);
  const verified = await verifiedAssertion({ xml, demand, keys, decryptionKey: context.decryption.privateKey }, expected);

  // From here on, only what a good signature covers.
  const assertion = readStructure(filterXml(verified), 'saml:Assertion'); //         G1, G2 again, for decrypted text for the first time
  checkSignatureAlgorithms(assertion); //                                            G3
  checkSame(assertion, sent);
  checkAssertion(assertion, expected);
  return readLogin(assertion, expected); //                                          G13
}

function checkAssertion(assertion: XmlElement, expected: Expectation): void {
  checkVersion(assertion); //                                                        G11
  checkIssuer(assertion, expected); //                                               G8
  checkIssueInstant(assertion, expected); //                                         G12
  checkNameId(assertion); //                                                         G11
  checkAudience(assertion, expected); //                                             G11
  checkSubjectConfirmation(assertion, expected); //                                  G5, G14
  checkValidity(assertion, expected); //                                             G12
  checkAuthentication(assertion, expected); //                                       G11, G12
  readAttributes(assertion); //                                                      G13  limits
}

function readLogin(assertion: XmlElement, expected: Expectation): SamlAssertion {
  const nameId = readNameId(assertion);
  const attributes: Attributes = readAttributes(assertion);
  const notOnOrAfter = requiredTime(child(assertion, 'saml:Conditions')!, 'NotOnOrAfter', 'not-on-or-after');
  const statements = children(assertion, 'saml:AuthnStatement');
  const sessionEnds = statements.map((statement) => timeOf(statement, 'SessionNotOnOrAfter')).filter((time) => time !== null);
  return {
    id: attribute(assertion, 'ID')!,
    rememberUntil: new Date(notOnOrAfter + expected.skewMs),
    subject: readSubject(nameId, attributes.values, expected),
    statement: readPersonStatement(attributes, nameId, expected),
    sessionIndex: statements.map((statement) => attribute(statement, 'SessionIndex')).find((index) => index !== null) ?? null,
    nameId: { value: nameId.value, format: nameId.format },
    sessionNotOnOrAfter: sessionEnds.length === 0 ? null : new Date(Math.min(...sessionEnds)),
  };
}

function expectationOf({ connection, entityId, acsUrl, idp }: SamlContext, requestId: string | null, now: Date): Expectation {
  return { connection, entityId, acsUrl, idpEntityId: idp.entityId, requestId, now: now.getTime(), skewMs: connection.clockSkewSeconds * 1000 };
}

/** Within an encryption another of the trusted keys may have signed. */
const withOthers = (signers: readonly TrustedKey[], trusted: readonly TrustedKey[]): TrustedKey[] => [...new Set([...signers, ...trusted])];
