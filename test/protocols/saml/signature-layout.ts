/** Responses whose signatures are written in every way that XML allows, signed by the library's own canonicalization: what no provider template covers. */
import { createHash, createSign } from 'node:crypto';
import { DOMParser } from '@xmldom/xmldom';
import fc from 'fast-check';
import { SignedXml } from 'xml-crypto';
import { ALGORITHMS, responseXml } from '../../../fixtures/saml/signer.ts';
import { NAMESPACES } from '../../../src/protocols/saml/vocabulary.ts';
import { idpKey, PARTIES } from './provider.ts';

export interface Layout {
  signed: ('assertion' | 'response')[];
  /** The response's signature stands at its end, after the assertion's. */
  last: boolean;
  /** `''` is the default namespace. */
  prefixes: { samlp: string; saml: string; ds: string };
  dsDeclaredAt: 'root' | 'assertion' | 'signature';
  /** Declarations that nothing in SignedInfo uses, by the element that carries them. */
  extra: Record<'root' | 'assertion' | 'signature' | 'info', string>;
  canonicalization: string;
  prefixList: string[] | null;
  space: string;
  quote: '"' | "'";
  empty: '/>' | ' />' | 'pair';
  /** Algorithms with a character reference in them. */
  referenced: boolean;
  infoId: boolean;
}

const declarations = fc.subarray([' xmlns:x="urn:x"', ' xmlns:y="urn:y"', " xmlns:aa='urn:aa'"]).map((list) => list.join(''));
const shadowing = fc.constantFrom('', ' xmlns:x="urn:other"', ' xmlns:y="urn:other" xmlns:zz="urn:zz"');

export const layouts: fc.Arbitrary<Layout> = fc.record({
  signed: fc.constantFrom<Layout['signed']>(['assertion'], ['response'], ['assertion', 'response']),
  last: fc.boolean(),
  prefixes: fc.constantFrom(
    { samlp: 'samlp', saml: 'saml', ds: 'ds' },
    { samlp: 'saml2p', saml: 'saml2', ds: 'dsig' },
    { samlp: 'p', saml: '', ds: 'Z' },
    { samlp: '', saml: 'a', ds: 'ds' },
    { samlp: 'samlp', saml: '', ds: '' },
    { samlp: '', saml: 'saml', ds: '' },
  ),
  dsDeclaredAt: fc.constantFrom('root' as const, 'assertion' as const, 'signature' as const),
  extra: fc.record({ root: declarations, assertion: shadowing, signature: shadowing, info: shadowing }),
  canonicalization: fc.constantFrom(ALGORITHMS.exclusive, ALGORITHMS.inclusive),
  prefixList: fc.option(fc.subarray(['x', 'y', 'aa', 'xs', 'saml', 'ds', '#default', 'unbound'], { minLength: 1 })),
  space: fc.constantFrom('', ' ', '\n', '\n      ', '\t', '\r\n  '),
  quote: fc.constantFrom('"' as const, "'" as const),
  empty: fc.constantFrom('/>' as const, ' />' as const, 'pair' as const),
  referenced: fc.boolean(),
  infoId: fc.boolean(),
});

const IDS = { response: '_layout-response', assertion: '_layout-assertion' };

/** A response that signs in, laid out like this. */
export function signedResponse(layout: Layout): string {
  return layout.signed.reduce((xml, what) => fillIn(xml, IDS[what]), unsignedResponse(layout));
}

/** The first SignedInfo of what is signed, as the library makes it canonical. */
export function libraryCanonical(xml: string, what: 'assertion' | 'response'): string {
  const { document, signature } = loaded(xml, IDS[what]);
  return signature.getCanonSignedInfoXml(document);
}

function unsignedResponse(layout: Layout): string {
  const { prefixes, extra, signed, last, dsDeclaredAt } = layout;
  const signatureOf = (what: 'assertion' | 'response') => (signed.includes(what) ? signatureXml(layout, what) : '');
  const [head = '', middle = '', rest = ''] = responseXml(PARTIES, { responseId: IDS.response, assertionId: IDS.assertion }).split(
    /(?<=<\/saml:Issuer>)/,
  );
  const response = last ? head + middle : head + signatureOf('response') + middle;
  const whole = response + signatureOf('assertion') + (last ? rest.replace(/(?=<\/samlp:Response>)/, () => signatureOf('response')) : rest);
  const dsAt = (place: string) => (dsDeclaredAt === place && prefixes.ds !== '' ? ` xmlns:${prefixes.ds}="${NAMESPACES.ds}"` : '');
  return (['samlp', 'saml'] as const)
    .reduce((xml, prefix) => renamed(xml, prefix, prefixes[prefix]), whole)
    .replace(/Response xmlns/, () => `Response${extra.root}${dsAt('root')} xmlns`)
    .replace(/Assertion xmlns/, () => `Assertion${extra.assertion}${dsAt('assertion')} xmlns`);
}

const renamed = (xml: string, from: string, to: string): string =>
  xml
    .replaceAll(new RegExp(`(</?)${from}:`, 'g'), (_, open) => (to === '' ? open : `${open}${to}:`))
    .replaceAll(`xmlns:${from}=`, to === '' ? 'xmlns=' : `xmlns:${to}=`);

function signatureXml(layout: Layout, what: 'assertion' | 'response'): string {
  const { prefixes, dsDeclaredAt, extra, space, quote, empty, canonicalization, prefixList } = layout;
  const name = (local: string) => (prefixes.ds === '' ? local : `${prefixes.ds}:${local}`);
  const element = (local: string, attributes: string, content: string[] | string) => {
    const inner = Array.isArray(content) ? space + content.join(space) + space : content;
    return `<${name(local)}${attributes}>${inner}</${name(local)}>`;
  };
  const algorithm = (uri: string) => ` Algorithm=${quote}${layout.referenced ? uri.replace('#', '&#x23;') : uri}${quote}`;
  const method = (local: string, uri: string, inner = '') => {
    if (inner === '' && empty !== 'pair') return `<${name(local)}${algorithm(uri)}${empty}`;
    return element(local, algorithm(uri), inner);
  };
  const inherited = dsDeclaredAt === 'root' || (dsDeclaredAt === 'assertion' && what === 'assertion');
  const declared = prefixes.ds === '' ? ` xmlns="${NAMESPACES.ds}"` : inherited ? '' : ` xmlns:${prefixes.ds}="${NAMESPACES.ds}"`;
  const list = prefixList ? `<ec:InclusiveNamespaces xmlns:ec="${NAMESPACES.ec}" PrefixList="${prefixList.join(' ')}"/>` : '';
  const reference = element('Reference', ` URI=${quote}#${IDS[what]}${quote}`, [
    element('Transforms', '', [method('Transform', ALGORITHMS.enveloped), method('Transform', ALGORITHMS.exclusive)]),
    method('DigestMethod', ALGORITHMS.sha256),
    element('DigestValue', '', `digest-of-${IDS[what]}`),
  ]);
  const info = element('SignedInfo', extra.info + (layout.infoId ? ` Id="_info-${what}"` : ''), [
    method('CanonicalizationMethod', canonicalization, list),
    method('SignatureMethod', ALGORITHMS.rsaSha256),
    reference,
  ]);
  return element('Signature', declared + extra.signature, [info, element('SignatureValue', '', `value-of-${IDS[what]}`)]);
}

/** Digest and value, over what the library makes of the document; wrapped, as many providers do. */
function fillIn(given: string, id: string): string {
  const { document, signature, owner } = loaded(given, id);
  const reference = { ...signature.getReferences()[0]!, xpath: `//*[@ID='${id}']` };
  const digest = createHash('sha256')
    .update(signature.getCanonReferenceXml(document, reference, owner))
    .digest('base64');
  const xml = given.replace(`digest-of-${id}`, () => digest);
  const filled = loaded(xml, id);
  const value = createSign('sha256').update(filled.signature.getCanonSignedInfoXml(filled.document)).sign(idpKey.privateKey, 'base64');
  return xml.replace(`value-of-${id}`, () => `\n${value.match(/.{1,76}/g)!.join('\n')}\n`);
}

/** What xml-crypto keeps to itself. */
type Opened = Pick<SignedXml, 'getReferences' | 'loadSignature'> & {
  getCanonSignedInfoXml(document: Document): string;
  getCanonReferenceXml(document: Document, reference: object, owner: Element): string;
};

function loaded(given: string, id: string) {
  const document = new DOMParser().parseFromString(given.replace(/\r\n?/g, '\n'), 'text/xml');
  const signatures = document.getElementsByTagNameNS(NAMESPACES.ds, 'Signature');
  const node = Array.from({ length: signatures.length }, (_, i) => signatures[i]!).find(
    (one) => (one.parentNode as Element).getAttribute('ID') === id,
  )!;
  const signature = new SignedXml() as unknown as Opened;
  signature.loadSignature(node);
  return { document, signature, owner: node.parentNode as Element };
}
