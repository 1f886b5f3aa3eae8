/** Is the response a success, from this provider, to this address, in answer to this request? Read from the envelope: it can only make things stricter. */
import { Refusal } from '../../core/refusal.ts';
import type { Expectation } from './expectation.ts';
import { FORMAT_ENTITY, STATUS_SUCCESS } from './vocabulary.ts';
import { printable } from './xml-text.ts';
import { attribute, child, descend, type XmlElement } from './xml-tree.ts';

/** Response and Assertion alike (saml-core 2.3.3, 3.2.2). */
export function checkVersion(element: XmlElement): void {
  if (attribute(element, 'Version') !== '2.0') throw new Refusal('message-malformed', 'saml/version', element.name);
}

/** Success with nothing nested. Anything else is the provider's refusal, and its codes are kept for the operator (saml-core 3.2.2.2). */
export function checkStatus(response: XmlElement): void {
  const status = child(response, 'samlp:Status')!;
  const codes = [...descend(status)].filter((e) => e.name === 'samlp:StatusCode').map((e) => attribute(e, 'Value') ?? '');
  if (codes.length === 1 && codes[0] === STATUS_SUCCESS) return;
  const message = child(status, 'samlp:StatusMessage')?.text ?? '';
  throw new Refusal('provider-refused', 'saml/status', printable([...codes, message].filter((part) => part !== '').join(' ')));
}

/** Required, though the schema makes it optional: without it a response for another place passes (security.md G4). */
export function checkDestination(response: XmlElement, { acsUrl }: Expectation): void {
  const destination = attribute(response, 'Destination');
  if (destination === null) throw new Refusal('message-misdirected', 'saml/no-destination');
  if (destination !== acsUrl) throw new Refusal('message-misdirected', 'saml/destination', printable(destination));
}

/** An answer to the request of this browser's attempt; or, where none is known, no answer to any request and allowed to come so (G6, G14). */
export function checkInResponseTo(response: XmlElement, { requestId, connection }: Expectation): void {
  const inResponseTo = attribute(response, 'InResponseTo');
  if (inResponseTo !== requestId) throw new Refusal('login-unknown', 'saml/in-response-to', printable(inResponseTo ?? 'absent'));
  if (requestId === null && !connection.allowIdpInitiated) throw new Refusal('unsolicited', 'saml/idp-initiated');
}

/** Exact text, no format or that of entities. The response's may be absent, the assertion's not (G8). */
export function checkIssuer(element: XmlElement, { idpEntityId }: Expectation): void {
  const issuer = child(element, 'saml:Issuer');
  if (!issuer) return;
  const format = attribute(issuer, 'Format');
  if (format !== null && format !== FORMAT_ENTITY) throw new Refusal('message-misdirected', 'saml/issuer-format', printable(format));
  if (issuer.text !== idpEntityId) throw new Refusal('message-misdirected', 'saml/issuer', printable(issuer.text));
}
