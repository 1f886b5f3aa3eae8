/** Who may present the assertion: its bearer, at our address, in answer to our request, now (saml-profiles 4.1.4.3). */
import { Refusal } from '../../core/refusal.ts';
import type { Expectation } from './expectation.ts';
import { timeOf } from './times.ts';
import { METHOD_BEARER } from './vocabulary.ts';
import { printable } from './xml-text.ts';
import { attribute, child, children, type XmlElement } from './xml-tree.ts';

/** One and the same bearer confirmation must meet everything at once (G5). The reason given is the first one's. */
export function checkSubjectConfirmation(assertion: XmlElement, expected: Expectation): void {
  const confirmations = children(child(assertion, 'saml:Subject')!, 'saml:SubjectConfirmation');
  const bearers = confirmations.filter((confirmation) => attribute(confirmation, 'Method') === METHOD_BEARER);
  if (bearers.length === 0) throw new Refusal('message-malformed', 'saml/no-bearer-confirmation');
  const reasons = bearers.map((bearer) => reasonAgainst(bearer, expected));
  if (!reasons.includes(null)) throw reasons[0]!;
}

function reasonAgainst(bearer: XmlElement, { acsUrl, requestId, now, skewMs }: Expectation): Refusal | null {
  const data = child(bearer, 'saml:SubjectConfirmationData');
  if (!data) return new Refusal('message-malformed', 'saml/no-confirmation-data');
  const recipient = attribute(data, 'Recipient');
  const inResponseTo = attribute(data, 'InResponseTo');
  const notOnOrAfter = timeOf(data, 'NotOnOrAfter');
  if (recipient !== acsUrl) return new Refusal('message-misdirected', 'saml/recipient', printable(recipient ?? 'absent'));
  if (inResponseTo !== requestId) return new Refusal('login-unknown', 'saml/confirmation-in-response-to', printable(inResponseTo ?? 'absent'));
  if (attribute(data, 'NotBefore') !== null) return new Refusal('message-malformed', 'saml/confirmation-not-before');
  if (notOnOrAfter === null) return new Refusal('message-malformed', 'saml/confirmation-not-on-or-after');
  if (notOnOrAfter <= now - skewMs) return new Refusal('message-expired', 'saml/confirmation-expired');
  return null;
}
