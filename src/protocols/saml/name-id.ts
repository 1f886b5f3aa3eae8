/** The person's name and the stable id that identities are keyed by. */
import { Refusal } from '../../core/refusal.ts';
import type { Expectation } from './expectation.ts';
import { FORMAT_PERSISTENT, FORMAT_TRANSIENT } from './vocabulary.ts';
import { attribute, child, type XmlElement } from './xml-tree.ts';

export interface NameId {
  value: string;
  format: string | null;
  nameQualifier: string | null;
  spNameQualifier: string | null;
}

/** UTF-16 units; saml-core 8.3.7 allows 256 for persistent ones, directory names may be longer. */
const MAX_ID = 512;

export function readNameId(assertion: XmlElement): NameId {
  const element = child(child(assertion, 'saml:Subject')!, 'saml:NameID')!;
  return {
    value: element.text,
    format: attribute(element, 'Format'),
    nameQualifier: attribute(element, 'NameQualifier'),
    spNameQualifier: attribute(element, 'SPNameQualifier'),
  };
}

/** Text that is one id: not empty, bounded, and without characters that make two look like one. */
export function checkNameId(assertion: XmlElement): void {
  checkId(readNameId(assertion).value, 'name-id');
}

function checkId(value: string, check: string): void {
  if (value.trim() === '') throw new Refusal('subject-missing', `saml/${check}-empty`);
  if (value.length > MAX_ID) throw new Refusal('message-malformed', `saml/${check}-too-long`, `${value.length}`);
  if (/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(value) || value !== value.trim()) throw new Refusal('message-malformed', `saml/${check}-characters`);
}

/**
 * By `connection.claims.subject`: the first of these that was sent. `@nameid` is the NameID, refused when transient (another at every sign-in).
 * @throws Refusal `subject-missing`
 */
export function readSubject(nameId: NameId, attributes: ReadonlyMap<string, readonly string[]>, expected: Expectation): string {
  const names = expected.connection.claims.subject;
  const name = names.find((one) => one === '@nameid' || attributes.has(one));
  if (name === undefined) throw new Refusal('subject-missing', 'saml/subject-claim', names.join(' '));
  if (name === '@nameid') {
    if (nameId.format === FORMAT_TRANSIENT) throw new Refusal('subject-missing', 'saml/transient-name-id');
    return subjectOf(nameId, expected);
  }
  const values = new Set(attributes.get(name));
  if (values.size !== 1) throw new Refusal('subject-missing', 'saml/subject-claim', `${name} has ${values.size} values`);
  const [value] = [...values] as [string];
  checkId(value, 'subject');
  return plain(value);
}

/** A persistent NameID is an id within its qualifiers (saml-core 8.3.7); those that say no more than who we two are do not count. */
function subjectOf({ value, format, nameQualifier, spNameQualifier }: NameId, { idpEntityId, entityId }: Expectation): string {
  const idp = nameQualifier === idpEntityId ? null : nameQualifier;
  const sp = spNameQualifier === entityId ? null : spNameQualifier;
  return format === FORMAT_PERSISTENT && (idp !== null || sp !== null) ? JSON.stringify([value, idp, sp]) : plain(value);
}

/** A value never reads as a qualified one. */
const plain = (value: string): string => (value.startsWith('[') ? JSON.stringify([value]) : value);
