/** Points in time, read strictly and judged on the caller's clock. Milliseconds since the epoch throughout. */
import { Refusal } from '../../core/refusal.ts';
import type { Expectation } from './expectation.ts';
import { printable } from './xml-text.ts';
import { attribute, child, children, type XmlElement } from './xml-tree.ts';

const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/** An xs:dateTime with a zone (saml-core 1.3.3), of a day that exists; null for anything else. */
export function parseDateTime(text: string): number | null {
  const parts = DATE_TIME.exec(text);
  if (!parts) return null;
  const [, year, month, day, hour, minute, second] = parts.map(Number) as number[];
  const fields = Date.UTC(year!, month! - 1, day!, hour!, minute!, second!);
  const read = new Date(fields).toISOString().slice(0, 19);
  if (read !== text.slice(0, 19)) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

/** The attribute as a time; null where it is absent. @throws Refusal where it is no time */
export function timeOf(element: XmlElement, name: string): number | null {
  const text = attribute(element, name);
  if (text === null) return null;
  const time = parseDateTime(text);
  if (time === null) throw new Refusal('message-malformed', 'saml/date-time', `${element.name} ${name}: ${printable(text)}`);
  return time;
}

export function requiredTime(element: XmlElement, name: string, check: string): number {
  const time = timeOf(element, name);
  if (time === null) throw new Refusal('message-malformed', `saml/${check}`, `${element.name} has no ${name}`);
  return time;
}

/** Of the Response and of the Assertion. */
export function checkIssueInstant(element: XmlElement, { now, skewMs }: Expectation): void {
  if (requiredTime(element, 'IssueInstant', 'issue-instant') > now + skewMs)
    throw new Refusal('message-expired', 'saml/issued-in-the-future', element.name);
}

/** The assertion's window is open, and not longer than this connection accepts. */
export function checkValidity(assertion: XmlElement, { now, skewMs, connection }: Expectation): void {
  const conditions = child(assertion, 'saml:Conditions')!;
  const notBefore = timeOf(conditions, 'NotBefore');
  const notOnOrAfter = requiredTime(conditions, 'NotOnOrAfter', 'not-on-or-after');
  if (notBefore !== null && notBefore >= notOnOrAfter) throw new Refusal('message-malformed', 'saml/validity-order');
  if (notBefore !== null && notBefore > now + skewMs) throw new Refusal('message-expired', 'saml/not-yet-valid', attribute(conditions, 'NotBefore')!);
  if (notOnOrAfter <= now - skewMs) throw new Refusal('message-expired', 'saml/expired', attribute(conditions, 'NotOnOrAfter')!);
  const lifetime = notOnOrAfter - requiredTime(assertion, 'IssueInstant', 'issue-instant');
  if (lifetime > connection.maxAssertionAgeSeconds * 1000) throw new Refusal('message-expired', 'saml/valid-for-too-long', `${lifetime / 1000} s`);
}

/** The person was authenticated, not in the future, and the provider's session has not ended: without skew, since ours could not even begin. */
export function checkAuthentication(assertion: XmlElement, { now, skewMs }: Expectation): void {
  for (const statement of children(assertion, 'saml:AuthnStatement')) {
    if (requiredTime(statement, 'AuthnInstant', 'authn-instant') > now + skewMs)
      throw new Refusal('message-expired', 'saml/authenticated-in-the-future');
    const sessionEnd = timeOf(statement, 'SessionNotOnOrAfter');
    if (sessionEnd !== null && sessionEnd <= now) throw new Refusal('message-expired', 'saml/session-over');
  }
}
