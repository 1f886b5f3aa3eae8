/**
 * protocols/saml: SAML 2.0 Web Browser SSO, service provider side: wire ↔ core.
 * Owns the AuthnRequest, the verification of responses, our metadata and the reading of the provider's.
 * Owns no state: which login attempts exist, which browser started them and which assertion IDs were used is for flows to know (kv).
 * flows may import this file; inside the folder, verify.ts is the list of checks and signature.ts the only use of node-saml's verification.
 */

import { createPrivateKey } from 'node:crypto';
import type { Statement } from '../../core/model.ts';
import { Refusal } from '../../core/refusal.ts';
import type { SamlConnection } from '../../core/tenant.ts';
import { certificatePem, checkCertificate } from './certificates.ts';
import { checkLocation, type IdpMetadata } from './idp-metadata.ts';
import { buildDeparture } from './request.ts';
import { buildSpMetadata } from './sp-metadata.ts';
import { verify } from './verify.ts';

export { type IdpMetadata, readIdpMetadata } from './idp-metadata.ts';

export interface SamlContext {
  connection: SamlConnection;
  /** Ours; equals the address of our metadata. */
  entityId: string;
  acsUrl: string;
  sloUrl: string;
  /** From `readIdpMetadata`, or by hand from the tenant file; certificates as PEM or bare base64. */
  idp: IdpMetadata;
  /** PEM. Signs our requests. */
  signing: { privateKey: string; certificate: string };
  /** PEM. Decrypts assertions. */
  decryption: { privateKey: string; certificate: string };
  /** http locations at loopback are accepted (MATRICULA_LOOPBACK). */
  loopback: boolean;
}

/** How the browser leaves for the provider: an address to go to, or a form to send. */
export type Departure = { kind: 'redirect'; url: string } | { kind: 'post'; url: string; fields: Record<string, string> };

export interface SamlProvider {
  /** `requestId` becomes the AuthnRequest's ID: an NCName, unguessable, known to the caller's login attempt. `relayState` is an opaque handle (G17). */
  start(request: { requestId: string; relayState: string; loginHint: string | null; now: Date }): Promise<Departure>;
  /**
   * `samlResponse` is the parameter as it arrived. `requestId` is that of this browser's login attempt on this connection, or null when there is
   * none (unsolicited). What is returned was signed by the provider, for us, for this attempt, and is valid at `now`.
   * The caller still owes the replay memory: (connection, `id`) once until `rememberUntil`, atomically.
   * @throws Refusal with a `saml/…` check
   */
  verify(message: { samlResponse: unknown; requestId: string | null; now: Date }): Promise<SamlAssertion>;
  /** Our metadata (SAML metadata 2.0, unsigned) for this connection. */
  metadata(): string;
}

export interface SamlAssertion {
  id: string;
  /** NotOnOrAfter plus skew: until then the same assertion could pass again. */
  rememberUntil: Date;
  /** The stable id by `connection.claims.subject`. */
  subject: string;
  statement: Statement;
  sessionIndex: string | null;
  nameId: { value: string; format: string | null };
  /** When the provider wants the session here to end; the earliest, where several are given. */
  sessionNotOnOrAfter: Date | null;
}

/** @throws Refusal `connection-unusable` when there is no certificate or no address to sign in at: unusable, never unsigned. */
export function createSamlProvider(given: SamlContext): SamlProvider {
  const { connection } = given;
  const certificates = given.idp.certificates.map((text) => certificatePem(text, 'saml/certificate'));
  const idp: IdpMetadata = { ...given.idp, certificates };
  const context: SamlContext = { ...given, idp };
  const ssoUrl = connection.binding === 'post' ? idp.ssoPostUrl : idp.ssoRedirectUrl;
  if (certificates.length === 0) throw new Refusal('connection-unusable', 'saml/no-certificate');
  if (!idp.entityId) throw new Refusal('connection-unusable', 'saml/no-entity-id');
  if (!ssoUrl) throw new Refusal('connection-unusable', 'saml/no-sso-address', `no address for the ${connection.binding} binding`);
  checkLocation(ssoUrl, context.loopback, 'saml/sso-address');
  const trusted = certificates.map((certificate) => checkCertificate(certificate, 'saml/certificate'));

  const key = createPrivateKey(context.signing.privateKey);
  const current = (now: Date) => {
    if (idp.validUntil && now >= idp.validUntil) throw new Refusal('connection-unusable', 'saml/metadata-expired', idp.validUntil.toISOString());
  };
  return {
    async start(request) {
      current(request.now);
      return buildDeparture({ ...request, context, key, ssoUrl });
    },
    async verify(message) {
      current(message.now);
      return verify(message, context, trusted);
    },
    metadata: () => buildSpMetadata(context),
  };
}
