/** The AuthnRequest and its two ways to the provider, always signed with RSA and SHA-256 (saml-core 3.4.1, saml-bindings 3.4 and 3.5). */
import { createHash, type KeyObject, sign } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { Departure, SamlContext } from './saml.ts';
import { BINDING_POST, NAMESPACES } from './vocabulary.ts';
import { canonicalElement, escapeText } from './xml-text.ts';

const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const EXCLUSIVE_C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature';
/** Providers that take the person's e-mail from the address; others ask again. */
const TAKES_LOGIN_HINT = new Set(['entra', 'okta']);

export interface DepartureRequest {
  context: SamlContext;
  /** The private key of `context.signing`, parsed once. */
  key: KeyObject;
  ssoUrl: string;
  requestId: string;
  relayState: string;
  loginHint: string | null;
  now: Date;
}

export async function buildDeparture(request: DepartureRequest): Promise<Departure> {
  const { key } = request;
  const { connection, signing } = request.context;
  const { id, parts } = authnRequest(request);
  const hint =
    request.loginHint !== null && TAKES_LOGIN_HINT.has(connection.preset ?? '') ? `login_hint=${encodeURIComponent(request.loginHint)}` : '';
  if (connection.binding === 'post') {
    const xml = parts.join(envelopedSignature({ id, xml: parts.join(''), certificate: signing.certificate, key }));
    const fields = { SAMLRequest: Buffer.from(xml, 'utf8').toString('base64'), RelayState: request.relayState };
    return { kind: 'post', url: withQuery(request.ssoUrl, hint), fields };
  }
  const message = deflateRawSync(Buffer.from(parts.join(''), 'utf8')).toString('base64'); // half a kilobyte: a thread for it would cost more
  const signed = [
    `SAMLRequest=${encodeURIComponent(message)}`,
    `RelayState=${encodeURIComponent(request.relayState)}`,
    `SigAlg=${encodeURIComponent(RSA_SHA256)}`,
  ].join('&');
  const signature = sign('sha256', Buffer.from(signed, 'utf8'), key).toString('base64');
  return { kind: 'redirect', url: withQuery(request.ssoUrl, `${signed}&Signature=${encodeURIComponent(signature)}`, hint) };
}

/** In canonical form and in two parts: a signature stands right after the Issuer (the schema's order). */
function authnRequest({ context, ssoUrl, requestId, now }: DepartureRequest): { id: string; parts: [string, string] } {
  const { connection, entityId, acsUrl } = context;
  const issuer = canonicalElement('saml:Issuer', { 'xmlns:saml': NAMESPACES.saml }, escapeText(entityId));
  const policy =
    connection.nameIdFormat === null ? '' : canonicalElement('samlp:NameIDPolicy', { AllowCreate: 'true', Format: connection.nameIdFormat });
  const xml = canonicalElement(
    'samlp:AuthnRequest',
    {
      'xmlns:samlp': NAMESPACES.samlp,
      ID: requestId,
      Version: '2.0',
      IssueInstant: now.toISOString(),
      Destination: ssoUrl,
      ForceAuthn: connection.forceAuthn ? 'true' : undefined,
      AssertionConsumerServiceURL: acsUrl,
      ProtocolBinding: BINDING_POST,
    },
    issuer + policy,
  );
  const at = xml.indexOf(issuer) + issuer.length;
  return { id: requestId, parts: [xml.slice(0, at), xml.slice(at)] };
}

/** Digest and signature over our own canonical text; nothing needs to be parsed to be signed. */
function envelopedSignature({ id, xml, certificate, key }: { id: string; xml: string; certificate: string; key: KeyObject }): string {
  const algorithm = (name: string, uri: string) => canonicalElement(`ds:${name}`, { Algorithm: uri });
  const transforms = canonicalElement('ds:Transforms', {}, algorithm('Transform', ENVELOPED) + algorithm('Transform', EXCLUSIVE_C14N));
  const digest = canonicalElement('ds:DigestValue', {}, createHash('sha256').update(xml, 'utf8').digest('base64'));
  const reference = canonicalElement('ds:Reference', { URI: `#${id}` }, transforms + algorithm('DigestMethod', SHA256) + digest);
  const content = algorithm('CanonicalizationMethod', EXCLUSIVE_C14N) + algorithm('SignatureMethod', RSA_SHA256) + reference;
  // Canonicalized alone, SignedInfo carries its namespace.
  const info = canonicalElement('ds:SignedInfo', { 'xmlns:ds': NAMESPACES.ds }, content);
  const value = canonicalElement('ds:SignatureValue', {}, sign('sha256', Buffer.from(info, 'utf8'), key).toString('base64'));
  const x509 = canonicalElement('ds:X509Certificate', {}, certificate.replace(/-----[A-Z ]+-----|\s/g, ''));
  const keyInfo = canonicalElement('ds:KeyInfo', {}, canonicalElement('ds:X509Data', {}, x509));
  return canonicalElement('ds:Signature', { 'xmlns:ds': NAMESPACES.ds }, info + value + keyInfo);
}

/** Parameters after those that the address already has. */
function withQuery(address: string, ...parameters: string[]): string {
  const added = parameters.filter((parameter) => parameter !== '').join('&');
  return added === '' ? address : `${address}${address.includes('?') ? '&' : '?'}${added}`;
}
