/**
 * The shape that a response may have, by namespaces, closed: an element that is not listed where it stands is refused.
 * Written after saml-schema-protocol-2.0, saml-schema-assertion-2.0, xmldsig-core-schema and xenc-schema, less what a login has no use for.
 */
import { Refusal } from '../../core/refusal.ts';
import { printable } from './xml-text.ts';
import { attribute, descend, readTree, type TreeLimits, type XmlElement } from './xml-tree.ts';

/** Content models: `?` at most one, `*` any number, `+` at least one, otherwise exactly one; order is free. `''` holds text only, `ANY` is opaque. */
const ANY = 'ANY';
const GRAMMAR: Record<string, string> = {
  'samlp:Response': 'saml:Issuer? ds:Signature? samlp:Extensions? samlp:Status saml:Assertion* saml:EncryptedAssertion*',
  'samlp:Extensions': ANY,
  'samlp:Status': 'samlp:StatusCode samlp:StatusMessage? samlp:StatusDetail?',
  'samlp:StatusCode': 'samlp:StatusCode?',
  'samlp:StatusMessage': '',
  'samlp:StatusDetail': ANY,
  'saml:Assertion': 'saml:Issuer ds:Signature? saml:Subject saml:Conditions saml:Advice? saml:AuthnStatement+ saml:AttributeStatement*',
  'saml:Issuer': '',
  'saml:Subject': 'saml:NameID saml:SubjectConfirmation+',
  'saml:NameID': '',
  'saml:SubjectConfirmation': 'saml:NameID? saml:SubjectConfirmationData?',
  'saml:SubjectConfirmationData': '',
  'saml:Conditions': 'saml:AudienceRestriction* saml:OneTimeUse? saml:ProxyRestriction?',
  'saml:AudienceRestriction': 'saml:Audience+',
  'saml:Audience': '',
  'saml:OneTimeUse': '',
  'saml:ProxyRestriction': 'saml:Audience*',
  'saml:Advice': ANY,
  'saml:AuthnStatement': 'saml:SubjectLocality? saml:AuthnContext',
  'saml:SubjectLocality': '',
  'saml:AuthnContext': 'saml:AuthnContextClassRef? saml:AuthnContextDeclRef? saml:AuthenticatingAuthority*',
  'saml:AuthnContextClassRef': '',
  'saml:AuthnContextDeclRef': '',
  'saml:AuthenticatingAuthority': '',
  'saml:AttributeStatement': 'saml:Attribute*',
  'saml:Attribute': 'saml:AttributeValue*',
  'saml:AttributeValue': ANY,
  'saml:EncryptedAssertion': 'xenc:EncryptedData xenc:EncryptedKey*',
  'ds:Signature': 'ds:SignedInfo ds:SignatureValue ds:KeyInfo?',
  'ds:SignedInfo': 'ds:CanonicalizationMethod ds:SignatureMethod ds:Reference',
  'ds:CanonicalizationMethod': 'ec:InclusiveNamespaces?',
  'ds:SignatureMethod': '',
  'ds:Reference': 'ds:Transforms ds:DigestMethod ds:DigestValue',
  'ds:Transforms': 'ds:Transform+',
  'ds:Transform': 'ec:InclusiveNamespaces?',
  'ec:InclusiveNamespaces': '',
  'ds:DigestMethod': '',
  'ds:DigestValue': '',
  'ds:SignatureValue': '',
  'ds:KeyInfo': 'ds:KeyName* ds:KeyValue* ds:X509Data* ds:RetrievalMethod? xenc:EncryptedKey?',
  'ds:KeyName': '',
  'ds:KeyValue': 'ds:RSAKeyValue?',
  'ds:RSAKeyValue': 'ds:Modulus ds:Exponent',
  'ds:Modulus': '',
  'ds:Exponent': '',
  'ds:X509Data': 'ds:X509Certificate* ds:X509IssuerSerial* ds:X509SubjectName* ds:X509SKI*',
  'ds:X509Certificate': '',
  'ds:X509IssuerSerial': 'ds:X509IssuerName ds:X509SerialNumber',
  'ds:X509IssuerName': '',
  'ds:X509SerialNumber': '',
  'ds:X509SubjectName': '',
  'ds:X509SKI': '',
  'ds:RetrievalMethod': '',
  'xenc:EncryptedData': 'xenc:EncryptionMethod ds:KeyInfo xenc:CipherData',
  'xenc:EncryptionMethod': 'ds:DigestMethod? xenc:KeySize?',
  'xenc:KeySize': '',
  'xenc:CipherData': 'xenc:CipherValue',
  'xenc:CipherValue': '',
  'xenc:EncryptedKey': 'xenc:EncryptionMethod ds:KeyInfo? xenc:CipherData xenc:ReferenceList? xenc:CarriedKeyName?',
  'xenc:ReferenceList': 'xenc:DataReference*',
  'xenc:DataReference': '',
  'xenc:CarriedKeyName': '',
};

/** How much there may be of what is opaque, altogether. */
const MAX_OPAQUE = 100;

/** 5,000 attribute values and what surrounds them. */
const LIMITS: TreeLimits = { depth: 16, elements: 6_000, attributes: 24, allAttributes: 14_000 };

interface ContentModel {
  opaque: boolean;
  children: Map<string, { required: boolean; many: boolean }>;
}
const MODELS = new Map<string, ContentModel>(Object.entries(GRAMMAR).map(([name, model]) => [name, compile(model)]));

/** Local names that mean something in a login: inside opaque content they are look-alikes, whatever their namespace. */
const RESERVED = new Set([
  ...Object.keys(GRAMMAR).map((name) => name.slice(name.indexOf(':') + 1)),
  ...['Object', 'Manifest', 'SignatureProperties', 'EncryptedID', 'BaseID', 'EncryptedAttribute'],
]);

function compile(model: string): ContentModel {
  const words = model === ANY ? [] : model.split(' ').filter((word) => word !== '');
  const children = words.map((word) => [word.replace(/[?*+]$/, ''), { required: !/[?*]$/.test(word), many: /[*+]$/.test(word) }] as const);
  return { opaque: model === ANY, children: new Map(children) };
}

/** @param root what the document must be: the response as sent, or the assertion whose signature was verified */
export function readStructure(xml: string, root: 'samlp:Response' | 'saml:Assertion'): XmlElement {
  const tree = readTree(xml, LIMITS, (problem, detail) => malformed(problem, detail));
  if (tree.name !== root) throw malformed('root', tree.name);
  checkContent(tree, { opaque: 0 });
  checkIds(tree);
  checkReferences(tree);
  return tree;
}

function checkContent(element: XmlElement, count: { opaque: number }): void {
  const model = MODELS.get(element.name)!;
  if (model.opaque) {
    checkOpaque(element, count);
    return;
  }
  if (model.children.size > 0 && element.text.trim() !== '') throw malformed('mixed-content', element.name);
  const seen = new Set<string>();
  for (const one of element.children) {
    const rule = model.children.get(one.name);
    if (!rule) throw unexpected(one, element);
    if (seen.has(one.name) && !rule.many) throw malformed(`repeated-${kebab(one.local)}`, element.name);
    seen.add(one.name);
    checkContent(one, count);
  }
  for (const [name, { required }] of model.children) {
    if (required && !seen.has(name)) throw malformed(`missing-${kebab(name.slice(name.indexOf(':') + 1))}`, element.name);
  }
}

/** Free content holds none of our names; the one use in the wild is a NameID as attribute value (eduPersonTargetedID). */
function checkOpaque(element: XmlElement, count: { opaque: number }): void {
  for (const one of element.children) {
    const targetedId = one.name === 'saml:NameID' && element.name === 'saml:AttributeValue' && one.children.length === 0;
    if (RESERVED.has(one.local) && !targetedId) throw unexpected(one, element);
    count.opaque += 1;
    if (count.opaque > MAX_OPAQUE) throw malformed('too-many-elements', `more than ${MAX_OPAQUE} in ${element.name}`);
    checkOpaque(one, count);
  }
}

function unexpected(element: XmlElement, parent: XmlElement): Refusal {
  const where = `${element.name} in ${parent.name}`;
  if (element.name === 'ds:Object') return malformed('signature-object', where);
  if (element.name === 'ds:Signature') return malformed('misplaced-signature', where);
  if (element.name === 'saml:Assertion' || element.name === 'saml:EncryptedAssertion') return malformed('misplaced-assertion', where);
  if (RESERVED.has(element.local) && !MODELS.has(element.name) && !element.name.startsWith('saml:')) return malformed('foreign-namespace', where);
  if (parent.name === 'saml:Conditions') return malformed('unknown-condition', where);
  return malformed('unexpected-element', where);
}

/** Whatever is spelt like an ID counts, in any namespace and case: libraries look all of these up. */
function checkIds(root: XmlElement): void {
  const seen = new Set<string>();
  for (const element of descend(root)) {
    for (const [name, value] of element.attributes) {
      if (!/(^|[:}])id$/i.test(name)) continue;
      if (seen.has(value)) throw malformed('duplicate-id', value.slice(0, 64));
      seen.add(value);
    }
    const named = element.name === 'samlp:Response' || element.name === 'saml:Assertion';
    if (named && !NCNAME.test(attribute(element, 'ID') ?? '')) throw malformed('id', element.name);
  }
}
const NCNAME = /^[A-Za-z_][\w.-]{0,255}$/;

/** A signature speaks of the element it stands in, and of nothing else. */
function checkReferences(root: XmlElement): void {
  for (const element of descend(root)) {
    if (element.name !== 'ds:Reference') continue;
    const owner = signatureOwner(root, element);
    if (attribute(element, 'URI') !== `#${owner ? attribute(owner, 'ID') : ''}`)
      throw malformed('reference', attribute(element, 'URI')?.slice(0, 64));
  }
}

const signatureOwner = (root: XmlElement, reference: XmlElement): XmlElement | undefined =>
  [root, ...root.children].find((owner) =>
    owner.children.some((s) => s.name === 'ds:Signature' && s.children.some((info) => info.children.includes(reference))),
  );

const kebab = (local: string) => local.replace(/([a-z])([A-Z])/g, '$1-$2').toLowerCase();
const malformed = (check: string, detail = '') => new Refusal('message-malformed', `saml/${check}`, printable(detail));
