/** Which algorithms a signature and an encryption may use. Everything that is not named here is refused, before anything is verified or decrypted. */
import { Refusal } from '../../core/refusal.ts';
import type { SamlConnection } from '../../core/tenant.ts';
import { printable } from './xml-text.ts';
import { attribute, child, children, descend, type XmlElement } from './xml-tree.ts';

export interface SignatureMethod {
  /** As node:crypto names it. */
  hash: 'sha256' | 'sha512';
  /** RSASSA-PSS with a salt as long as the hash, rather than PKCS #1 v1.5. */
  pss: boolean;
}

/** RSA with SHA-2 (RFC 9231). SHA-384 and ECDSA would be as good; node-saml 5.1 cannot verify them, so they are refused by name rather than as forged. */
export const SIGNATURE_METHODS: ReadonlyMap<string, SignatureMethod> = new Map([
  ['http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', { hash: 'sha256', pss: false }],
  ['http://www.w3.org/2001/04/xmldsig-more#rsa-sha512', { hash: 'sha512', pss: false }],
  ['http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1', { hash: 'sha256', pss: true }],
]);
const DIGEST_METHODS = new Set(['http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2001/04/xmlenc#sha512']);
/** Both without comments. */
export const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
export const INCLUSIVE = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315';
const CANONICALIZATIONS = new Set([EXCLUSIVE, INCLUSIVE]);
const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature';

const CONTENT_GCM = new Set(['http://www.w3.org/2009/xmlenc11#aes128-gcm', 'http://www.w3.org/2009/xmlenc11#aes256-gcm']);
/** Unauthenticated modes, by the connection's switch only. AES-192 is missing because xml-encryption 3.1 cannot decrypt it. */
const CONTENT_CBC = new Set([
  'http://www.w3.org/2001/04/xmlenc#aes128-cbc',
  'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
  'http://www.w3.org/2001/04/xmlenc#tripledes-cbc',
]);
const KEY_TRANSPORT = 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p';
/** The digest inside OAEP; SHA-1 is its default and is not weakened by collisions. */
const OAEP_DIGESTS = new Set([
  'http://www.w3.org/2000/09/xmldsig#sha1',
  'http://www.w3.org/2000/09/xmldsig#sha256',
  'http://www.w3.org/2000/09/xmldsig#sha512',
]);

/** Every signature below `root` (security.md G3). */
export function checkSignatureAlgorithms(root: XmlElement): void {
  for (const signature of descend(root)) {
    if (signature.name !== 'ds:Signature') continue;
    const info = child(signature, 'ds:SignedInfo')!;
    const reference = child(info, 'ds:Reference')!;
    allow(SIGNATURE_METHODS, child(info, 'ds:SignatureMethod'), 'algorithm');
    allow(CANONICALIZATIONS, child(info, 'ds:CanonicalizationMethod'), 'canonicalization');
    allow(DIGEST_METHODS, child(reference, 'ds:DigestMethod'), 'algorithm');
    checkTransforms(children(child(reference, 'ds:Transforms')!, 'ds:Transform'));
  }
}

/** Enveloped first, then at most one canonicalization. */
function checkTransforms([enveloped, canonical, ...more]: XmlElement[]): void {
  if (more.length > 0) throw forged('transform', 'more than two');
  if (!enveloped || algorithm(enveloped) !== ENVELOPED) throw forged('transform', enveloped ? algorithm(enveloped) : 'none');
  if (canonical) allow(CANONICALIZATIONS, canonical, 'transform');
}

/** What an EncryptedAssertion is encrypted with (security.md G15). */
export function checkEncryptionAlgorithms(encrypted: XmlElement, connection: Pick<SamlConnection, 'allowCbc'>): void {
  const data = child(encrypted, 'xenc:EncryptedData')!;
  const method = algorithm(child(data, 'xenc:EncryptionMethod'));
  if (CONTENT_CBC.has(method) && !connection.allowCbc) throw forged('encryption-cbc', method);
  if (!CONTENT_GCM.has(method) && !CONTENT_CBC.has(method)) throw forged('encryption-algorithm', method);

  const keys = [...descend(encrypted)].filter((element) => element.name === 'xenc:EncryptedKey');
  if (keys.length !== 1) throw forged('encrypted-key', `${keys.length} keys`);
  const transport = child(keys[0]!, 'xenc:EncryptionMethod')!;
  if (algorithm(transport) !== KEY_TRANSPORT) throw forged('key-transport', algorithm(transport));
  const digest = child(transport, 'ds:DigestMethod');
  if (digest) allow(OAEP_DIGESTS, digest, 'key-transport');
  checkRetrieval(encrypted, keys[0]!);
}

/** A key beside the data is found by its Id, which is given to a library's XPath: it is a plain name and the key's own. */
function checkRetrieval(encrypted: XmlElement, key: XmlElement): void {
  for (const element of descend(encrypted)) {
    const uri = element.name === 'ds:RetrievalMethod' ? attribute(element, 'URI') : null;
    if (uri !== null && (!/^#[A-Za-z_][\w.-]*$/.test(uri) || uri.slice(1) !== attribute(key, 'Id'))) throw forged('encrypted-key', 'RetrievalMethod');
  }
}

function allow(list: Pick<ReadonlySet<string>, 'has'>, element: XmlElement | null, check: string): void {
  const name = algorithm(element);
  if (list.has(name)) return;
  if (/hmac/i.test(name)) throw forged('algorithm-hmac', name);
  throw forged(check === 'algorithm' && /sha1$/i.test(name) ? 'algorithm-sha1' : check, name);
}

const algorithm = (element: XmlElement | null): string => (element && attribute(element, 'Algorithm')) ?? '';
const forged = (check: string, detail: string) => new Refusal('message-forged', `saml/${check}`, printable(detail));
