/** From the core's refusals to SCIM errors: the table that this surface owns (DESIGN §7). */
import type { Refusal, RefusalCode } from '../../core/refusal.ts';
import { ScimError, type ScimType } from './error.ts';

interface WireForm {
  status: number;
  scimType: ScimType | null;
  detail: string;
}

const taken = (detail: string): WireForm => ({ status: 409, scimType: 'uniqueness', detail });
/** No request of a directory can be refused so; should it be, the client is told no more than that. */
const NOT_HERE: WireForm = { status: 400, scimType: null, detail: 'The request was refused.' };

const TABLE: Record<RefusalCode, WireForm> = {
  'email-in-use': taken('emails: another user has this e-mail address'),
  'email-ambiguous': taken('emails: more than one user has this e-mail address'),
  'external-id-in-use': taken('externalId: another user has this externalId'),
  'not-found': { status: 404, scimType: null, detail: 'Resource not found' },
  'version-mismatch': { status: 412, scimType: null, detail: 'The resource has changed since you read it' },
  'request-malformed': { status: 400, scimType: 'invalidValue', detail: 'The request is not valid' },
  'rate-limited': { status: 429, scimType: null, detail: 'Too many requests; try again after the seconds that Retry-After says' },
  'not-signed-in': { status: 401, scimType: null, detail: 'A valid bearer token is required' },
  'tenant-unknown': { status: 401, scimType: null, detail: 'A valid bearer token is required' },
  'seats-exhausted': { status: 403, scimType: null, detail: 'No seats are left: the licence of this tenant is full' },
  'domain-taken': NOT_HERE,
  'mode-conflict': NOT_HERE,
  'message-malformed': NOT_HERE,
  'message-forged': NOT_HERE,
  'message-expired': NOT_HERE,
  'message-replayed': NOT_HERE,
  'message-misdirected': NOT_HERE,
  'login-unknown': NOT_HERE,
  'login-expired': NOT_HERE,
  unsolicited: NOT_HERE,
  'provider-refused': NOT_HERE,
  'provider-unreachable': NOT_HERE,
  'subject-missing': NOT_HERE,
  'profile-incomplete': NOT_HERE,
  'email-not-trusted': NOT_HERE,
  'identity-conflict': NOT_HERE,
  'not-provisioned': NOT_HERE,
  'account-locked': NOT_HERE,
  'account-suspended': NOT_HERE,
  'account-deleted': NOT_HERE,
  'connection-unknown': NOT_HERE,
  'connection-disabled': NOT_HERE,
  'connection-unusable': NOT_HERE,
  'platform-refused': NOT_HERE,
  'hand-off-unusable': NOT_HERE,
  'domain-unknown': NOT_HERE,
  'return-to-refused': NOT_HERE,
};

/** Entra shows `detail` to administrators, so it says which attribute is taken. */
export function scimErrorOf({ code, check }: Refusal): ScimError {
  const { status, scimType, detail } = check === 'plan/user-name-in-use' ? taken('userName: another user has this userName') : TABLE[code];
  return new ScimError(status, scimType, detail);
}
