/** Attributes by exact Name, from the verified assertion, into a Map: nothing sent can reach a property or shadow another field. */

import type { Statement } from '../../core/model.ts';
import { Refusal } from '../../core/refusal.ts';
import { readStatement } from '../../core/statement.ts';
import type { Expectation } from './expectation.ts';
import type { NameId } from './name-id.ts';
import { FORMAT_TRANSIENT } from './vocabulary.ts';
import { printable } from './xml-text.ts';
import { attribute, children, type XmlElement } from './xml-tree.ts';

const MAX_ATTRIBUTES = 200;
const MAX_VALUES = 5_000;
/** UTF-16 units. A value may hold a whole list of groups (GroupClaimNames.delimiter). */
const MAX_NAME = 512;
const MAX_VALUE = 65_536;

/** Entra sends this instead of groups above 150 (facts/identity-providers 4.1). */
const GROUPS_LEFT_OUT = 'http://schemas.microsoft.com/claims/groups.link';

/** Of the sign-in and not of the person: different every time, so never kept. */
const OF_THE_SIGN_IN = [
  GROUPS_LEFT_OUT,
  'http://schemas.microsoft.com/claims/authnmethodsreferences',
  'http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationinstant',
  'http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationmethod',
  'http://schemas.microsoft.com/ws/2008/06/identity/claims/expiration',
  'http://schemas.microsoft.com/2012/12/certificatecontext/field/x509version',
  'http://schemas.microsoft.com/2014/03/psso',
  'http://schemas.microsoft.com/2012/01/requestcontext/claims/client-request-id',
  'http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-client-ip',
  'http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-client-user-agent',
  'urn:oasis:names:tc:SAML:2.0:ac:classes',
];

export interface Attributes {
  values: Map<string, string[]>;
  /** Names with at least one value that is no text. */
  unreadable: Set<string>;
}

/** Several attributes of one Name are one list. An Attribute without values, or with nil ones only, was said empty: `[]`. */
export function readAttributes(assertion: XmlElement): Attributes {
  const attributes = children(assertion, 'saml:AttributeStatement').flatMap((statement) => children(statement, 'saml:Attribute'));
  if (attributes.length > MAX_ATTRIBUTES) throw malformed('too-many-claims', `${attributes.length}`);
  const read: Attributes = { values: new Map(), unreadable: new Set() };
  let count = 0;
  for (const element of attributes) {
    const name = nameOfAttribute(element);
    const values = children(element, 'saml:AttributeValue').filter((value) => !isNil(value));
    count += values.length;
    if (count > MAX_VALUES) throw malformed('too-many-values', `more than ${MAX_VALUES}`);
    const texts = values.map(textOf);
    if (texts.includes(null)) read.unreadable.add(name);
    else read.values.set(name, [...(read.values.get(name) ?? []), ...(texts as string[])]);
  }
  // What could be read in part was not read.
  for (const name of read.unreadable) read.values.delete(name);
  return read;
}

/** What the attributes and the NameID say of the person. A NameID that changes at every sign-in says nothing. */
export function readPersonStatement({ values, unreadable }: Attributes, nameId: NameId, { connection }: Expectation): Statement {
  const { claims } = connection;
  const released = new Map(values);
  if (nameId.format !== FORMAT_TRANSIENT) released.set('@nameid', [nameId.value]);
  const groups = claims.groups.claims.find((name) => unreadable.has(name));
  return readStatement(released, {
    names: claims,
    overflow: values.has(GROUPS_LEFT_OUT) ? 'the provider sent a link instead of the groups' : null,
    unreadable: groups === undefined ? null : `${groups} has values that are no text`,
    dropped: OF_THE_SIGN_IN,
  });
}

/** Names with `@` are ours (`@nameid`). */
function nameOfAttribute(element: XmlElement): string {
  const name = attribute(element, 'Name') ?? '';
  if (name === '' || name.length > MAX_NAME || name.startsWith('@')) throw malformed('claim-name', name.slice(0, 64));
  return name;
}

const isNil = (value: XmlElement) => ['true', '1'].includes(attribute(value, 'xsi:nil') ?? '');

/** The text, also where it is wrapped in a NameID (eduPersonTargetedID); null where it is something else. */
function textOf(value: XmlElement): string | null {
  const [wrapped, ...more] = value.children;
  const text =
    wrapped === undefined ? value.text : more.length === 0 && wrapped.name === 'saml:NameID' && value.text.trim() === '' ? wrapped.text : null;
  if (text !== null && text.length > MAX_VALUE) throw malformed('value-too-long', `${text.length}`);
  return text;
}

const malformed = (check: string, detail: string) => new Refusal('message-malformed', `saml/${check}`, printable(detail));
