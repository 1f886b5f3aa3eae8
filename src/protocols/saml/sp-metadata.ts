/** Our metadata for one connection (saml-metadata 2.4.4). Single logout is announced when it exists. */
import type { SamlContext } from './saml.ts';
import { BINDING_POST, NAMESPACES } from './vocabulary.ts';
import { canonicalElement, escapeText } from './xml-text.ts';

export function buildSpMetadata({ connection, entityId, acsUrl, signing, decryption }: SamlContext): string {
  const format = connection.nameIdFormat === null ? '' : canonicalElement('md:NameIDFormat', {}, escapeText(connection.nameIdFormat));
  const acs = canonicalElement('md:AssertionConsumerService', { Binding: BINDING_POST, Location: acsUrl, index: '0', isDefault: 'true' });
  const wantAssertion = connection.wantSigned === 'assertion' || connection.wantSigned === 'both';
  const descriptor = canonicalElement(
    'md:SPSSODescriptor',
    { AuthnRequestsSigned: 'true', WantAssertionsSigned: String(wantAssertion), protocolSupportEnumeration: NAMESPACES.samlp },
    keyDescriptor('signing', signing.certificate) + keyDescriptor('encryption', decryption.certificate) + format + acs,
  );
  const entity = canonicalElement('md:EntityDescriptor', { 'xmlns:md': NAMESPACES.md, 'xmlns:ds': NAMESPACES.ds, entityID: entityId }, descriptor);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${entity}\n`;
}

function keyDescriptor(use: 'signing' | 'encryption', certificate: string): string {
  const x509 = canonicalElement('ds:X509Certificate', {}, certificate.replace(/-----[A-Z ]+-----|\s/g, ''));
  const methods =
    use === 'signing' ? '' : [GCM_256, GCM_128, OAEP].map((uri) => canonicalElement('md:EncryptionMethod', { Algorithm: uri })).join('');
  return canonicalElement('md:KeyDescriptor', { use }, canonicalElement('ds:KeyInfo', {}, canonicalElement('ds:X509Data', {}, x509)) + methods);
}

const GCM_256 = 'http://www.w3.org/2009/xmlenc11#aes256-gcm';
const GCM_128 = 'http://www.w3.org/2009/xmlenc11#aes128-gcm';
const OAEP = 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p';
