/**
 * Every way in which a sign-in or a request can be refused: a closed union, so that each surface must own a table from code to its wire form.
 * A refusal is an expected answer. Anything else that is thrown is a fault: 500, a reference, details in the log only.
 */
export type RefusalCode =
  // the message itself: status 400
  | 'message-malformed' // not what the protocol allows: size, encoding, structure
  | 'message-forged' // signature, key or algorithm does not hold; decryption failed
  | 'message-expired' // outside its validity, beyond skew
  | 'message-replayed' // used before
  | 'message-misdirected' // issuer, audience, destination, recipient or tenant is another
  | 'login-unknown' // no login attempt of this browser belongs to it
  | 'login-expired' // the attempt is too old or was finished
  | 'unsolicited' // IdP-initiated and not allowed
  | 'provider-refused' // the provider answered with an error
  | 'provider-unreachable' // discovery, keys, token or userinfo could not be fetched
  // the person: status 403
  | 'subject-missing' // no stable id, or a transient one
  | 'profile-incomplete' // no usable e-mail
  | 'email-not-trusted' // the e-mail belongs to a user here and the provider's word is not enough
  | 'email-ambiguous' // more than one user has it
  | 'email-in-use' // the provider changed it to one that another user has
  | 'external-id-in-use' // another user has it
  | 'identity-conflict' // the user is already linked to another subject of this connection
  | 'not-provisioned' // this mode creates nobody at sign-in
  | 'account-locked' // the provider says disabled
  | 'account-suspended' // deprovisioned
  | 'account-deleted'
  | 'seats-exhausted' // the tenant's licence is full
  | 'platform-refused' // the learning platform does not take this account
  // the place
  | 'tenant-unknown'
  | 'connection-unknown'
  | 'connection-disabled'
  | 'connection-unusable' // no certificate, secret missing, metadata expired
  | 'hand-off-unusable' // the way into the learning platform: secret missing, platform away or switched off
  | 'domain-unknown' // no tenant's connection takes this e-mail's domain
  | 'return-to-refused'
  | 'rate-limited'
  | 'not-signed-in'
  | 'not-found'
  | 'domain-taken' // another tenant has proved it
  | 'mode-conflict' // not from this mode, or not yet
  | 'version-mismatch' // changed since the client read it
  | 'request-malformed';

/** Thrown by protocols and flows, turned into a page or JSON by the surface. `detail` is for log and journal, never for the page. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  /** The precise reason, a stable kebab-case word: `saml/audience`, `oidc/nonce`. What tests and operators look for. */
  readonly check: string;
  readonly detail: string;
  constructor(code: RefusalCode, check: string, detail = '') {
    super(`${code} (${check})${detail ? `: ${detail}` : ''}`);
    this.code = code;
    this.check = check;
    this.detail = detail;
  }
}
