/**
 * core: what the gateway knows and how it decides. Pure: no I/O, no clock, no randomness.
 * Owns the words of DESIGN §2 as plain data, and the planner. Knows nothing of wire formats, SQL, HTTP or YAML.
 * Anyone may import it; it imports nothing but `node:util`.
 */

/** How a tenant is provisioned: exactly one at a time (DESIGN §4). */
export type Mode = 'manual' | 'jit' | 'scim';

/** Who said it. `connection:<id>` is an SSO connection, `directory` the SCIM client, `manual` a person at the console or CLI. */
export type Source = `connection:${string}` | 'directory' | 'manual';

/** A thing one can be enrolled in, `<kind>:<slug>`. */
export type TargetKind = 'bundle' | 'collection' | 'group';
export type Target = `${TargetKind}:${string}`;

/** Lowest first: a rule can only raise. */
export const ROLES = ['learner', 'instructor', 'admin'] as const;
export type Role = (typeof ROLES)[number];
export const isBelow = (role: Role, other: Role): boolean => ROLES.indexOf(role) < ROLES.indexOf(other);

/** `locked`: the provider says disabled. `suspended`: deprovisioned by the directory or by hand. `deleted`: a tombstone. */
export type UserStatus = 'active' | 'locked' | 'suspended' | 'deleted';

/** Attributes with a column of their own; all optional where a source may stay silent. */
export interface Profile {
  userName: string;
  email: string;
  displayName: string;
  givenName: string;
  familyName: string;
  locale: string;
  timezone: string;
  title: string;
}

/**
 * What a message said about groups. The five are different facts (DESIGN §3.3): only `listed` may take anything away.
 * `listed` with no groups = said none. `overflow` = the provider left the list out or cut it because it is too long (Entra above 150 or 200);
 * `overlong` = more groups, or longer names, than we hold; `unreadable` = something was sent that is no list of names.
 */
export type GroupClaim =
  | { said: 'listed'; groups: string[] }
  | { said: 'absent' }
  | { said: 'overflow'; detail: string }
  | { said: 'overlong'; detail: string }
  | { said: 'unreadable'; detail: string };

/** What one verified message says of one person, before it is folded into what was known. `undefined` = did not say. */
export interface Statement {
  profile: Partial<Profile>;
  /** Custom fields by their field reference (lower case); `''` = said empty. */
  fields: Record<string, string>;
  groups: GroupClaim;
  /** The provider's status claim, if one is configured and was sent. */
  active?: boolean;
  /** Every other released claim by its exact name, without session and protocol claims. `[]` = said none. */
  claims: Record<string, string[]>;
}

/** What one source last said of one person; kept, so a mapping can be re-evaluated without a sign-in. */
export interface Facts {
  profile: Partial<Profile>;
  fields: Record<string, string>;
  /** The last list that could be read; `undefined` = never said, `[]` = said none. */
  groups?: string[];
  /** How the latest message spoke of groups, for people who wonder why nothing was removed. */
  groupsSaid: GroupClaim['said'];
  active?: boolean;
  /** The e-mail above could be trusted when it was said; absent where it could not. What nobody vouched for can be anybody's (core/link). */
  emailTrusted?: boolean;
  /** The provider said that the e-mail above is not verified: no condition looks at its domain. */
  emailDenied?: boolean;
  claims: Record<string, string[]>;
  /** Directory only: the whole resource. Its groups are memberships, not `groups`. */
  resource?: ResourceAttributes;
  /** Directory only: it deleted the person. Concluded like anything else, so that a hand-over can hold it. */
  gone?: true;
  /** Directory only: another source has taken over since (core/derive). Kept to be read. */
  retired?: true;
  /** Directory only: what it would have taken away when it was left; that stays beside its word until a sign-in speaks (core/derive). */
  beside?: Beside;
  /** Directory only: first said in the hand-over that is going on. Aborted, it was never said. */
  trial?: true;
}

export interface Beside {
  grants: Pick<Grant, 'target' | 'source' | 'rule'>[];
  /** Null: no role was held. */
  role: Role | null;
}

/** What the directory said of one person, as it comes back to it: attributes in the schema's spelling, values exactly as sent (RFC 7643). */
export type ResourceAttributes = Record<string, unknown>;

/** The learner's account here. `version` moves with every change below it and is part of every update's key. */
export interface User extends Profile {
  id: string;
  tenantId: string;
  /** Folded `userName` (NFC, lower case): unique in the tenant. */
  userNameKey: string;
  /** Folded `email`: how a sign-in is found by e-mail. */
  emailKey: string;
  externalId: string | null;
  status: UserStatus;
  /** Since when it has this status. */
  statusSince: Date;
  role: Role;
  fields: Record<string, string>;
  /** Suspended by hand since then: no source undoes that. Null = not. */
  barredAt: Date | null;
  /** Access by signing in ran out then (`lease` of the tenant file): rules give nothing until the next sign-in. Null = it did not. */
  lapsedAt: Date | null;
  /** On a tombstone that the directory left: by what it is found when the directory creates the person again (core/fold). */
  restoreKey: string | null;
  version: number;
  createdAt: Date;
  /** Of the latest version. */
  updatedAt: Date;
}

/** The link (source, subject) → user. `facts` is null while the source has only authenticated and taught nothing. */
export interface Identity {
  tenantId: string;
  source: Source;
  subject: string;
  userId: string;
  facts: Facts | null;
  createdAt: Date;
}

/** One reason for one enrolment. A person is enrolled in a target while at least one grant names it. */
export interface Grant {
  tenantId: string;
  userId: string;
  target: Target;
  source: Source;
  /** The rule's id; `''` for a manual grant. */
  rule: string;
  since: Date;
}

/** Who put a person in a group, or made the group. */
export type GroupSource = Extract<Source, 'directory' | 'manual'>;

/** A group of the tenant. `version` moves with its attributes and its members. */
export interface Group {
  tenantId: string;
  id: string;
  displayName: string;
  /** Folded `displayName`. Not unique: a directory may have two of one name. */
  displayNameKey: string;
  externalId: string | null;
  source: GroupSource;
  version: number;
  /** Renamed then, and members have still to be concluded under the new name. Null = all are. */
  unsettledSince: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

/** Under what names a rule may know a group. */
export type GroupNames = Pick<Group, 'id' | 'displayName' | 'externalId'>;

/** User in group. One person may be in it by the directory and by hand, independently. */
export interface Membership {
  tenantId: string;
  userId: string;
  groupId: string;
  source: GroupSource;
  since: Date;
}

/** What a plan would take away and may not yet: until an operator says so, or the reason is gone. Concluded at every plan, never executed from here. */
export interface HeldChange {
  tenantId: string;
  userId: string;
  what: 'grant' | 'status' | 'role';
  /** The grant; `''` where it is none. */
  target: Target | '';
  source: Source | '';
  rule: string;
  /** The status or role that is to come; `''` for a grant. */
  value: UserStatus | Role | '';
  cause: 'hand-over' | 'lease' | 'limit';
  since: Date;
}

/** All that is known of one user: what a plan starts from and what it must match when applied. */
export interface UserState {
  user: User;
  identities: Identity[];
  grants: Grant[];
  memberships: Membership[];
  /** The groups that memberships name. Read beside them; a plan on a user never changes a group. */
  groups: GroupNames[];
  held: HeldChange[];
}

/** A user without what it is enrolled in: what a directory sees of it. */
export type Person = Omit<UserState, 'grants' | 'held'>;

export interface Rows {
  user: User;
  identity: Identity;
  grant: Grant;
  membership: Membership;
  held: HeldChange;
}
export type Entity = keyof Rows;

/** Why a row differs, for people. `before` and `after` alone decide what the store does. */
export type Reason =
  | 'first-sign-in'
  | 'linked-by-email'
  | 'asserted'
  | 'rule-matched'
  | 'rule-no-longer-matches'
  | 'manual'
  | 'locked-by-provider'
  | 'unlocked-by-provider'
  | 'created-by-directory'
  | 'adopted-by-directory'
  | 'changed-by-directory'
  | 'suspended-by-directory'
  | 'reactivated-by-directory'
  | 'deleted-by-directory'
  | 'restored-by-directory'
  | 'joined-group'
  | 'left-group'
  | 'held'
  | 'held-no-more'
  | 'kept-by-hand'
  | 'lapsed'
  | 'below-changed';

export interface ChangeOf<E extends Entity> {
  entity: E;
  before: Rows[E] | null;
  after: Rows[E] | null;
  reason: Reason;
}
export type Change = { [E in Entity]: ChangeOf<E> }[Entity];

/** Net targets: a target that another grant still holds is neither gained nor lost. */
export interface Effects {
  gained: Target[];
  lost: Target[];
  /** Something of the person that platforms are told has changed. */
  profile?: true;
  status?: { from: UserStatus | null; to: UserStatus };
}

/** What would be done to one user. An empty `changes` means there is nothing to do. */
export interface Plan {
  id: string;
  tenantId: string;
  userId: string;
  intent: 'assertion' | 'edit' | 'remap' | 'resource' | 'group' | 'keep' | 'lapse';
  mappingVersion: number;
  changes: Change[];
  /** The groups that new memberships name, for whoever reads the outcome. */
  groups: GroupNames[];
  /** Planned, but waiting for an operator (guard): all that is held of this user then. */
  held: HeldChange[];
  effects: Effects;
}

export const sourceOf = (connectionId: string): Source => `connection:${connectionId}`;
export const identityKey = (i: Pick<Identity, 'source' | 'subject'>): string => JSON.stringify([i.source, i.subject]);
export const membershipKey = (m: Pick<Membership, 'groupId' | 'source'>): string => JSON.stringify([m.groupId, m.source]);
export const heldKey = (h: Pick<HeldChange, 'what' | 'target' | 'source' | 'rule'>): string => JSON.stringify([h.what, h.target, h.source, h.rule]);
export const grantKey = (g: Pick<Grant, 'target' | 'source' | 'rule'>): string => JSON.stringify([g.target, g.source, g.rule]);
