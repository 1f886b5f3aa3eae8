/** fold: learn what an intent brings. What a source stays silent about is kept (DESIGN §3.3). */
import type { DirectoryStatement, Intent } from './intent.ts';
import type { Linked } from './link.ts';
import {
  type Facts,
  type Grant,
  grantKey,
  type Identity,
  type Membership,
  membershipKey,
  type Profile,
  type ResourceAttributes,
  type Statement,
  type User,
  type UserState,
} from './model.ts';
import { foldKey } from './profile.ts';
import type { Provisioning } from './tenant.ts';
import type { World } from './world.ts';

export function fold(linked: Linked, intent: Intent, world: World): UserState {
  const state = linked.state ?? { user: blank(world), identities: [], grants: [], memberships: [], groups: [] };
  switch (intent.kind) {
    case 'assertion':
      return foldAssertion(state, intent, world);
    case 'edit':
      return foldEdit(state, intent, world);
    case 'remap':
      return intent.restate ? restated(state, intent.restate) : state;
    case 'resource':
      return intent.write === 'delete'
        ? foldDeletion(state)
        : foldResource(state, intent.revise(linked.state && !restored(state) ? state : null), world);
    case 'group':
      return foldGroup(state, intent, world);
  }
}

function foldAssertion(state: UserState, intent: Extract<Intent, { kind: 'assertion' }>, world: World): UserState {
  const { source, subject } = intent;
  const known = state.identities.find((i) => i.source === source && i.subject === subject);
  const identity: Identity = known ?? { tenantId: world.tenant.id, source, subject, userId: state.user.id, facts: null, createdAt: world.now };
  // Outside `jit` an assertion authenticates and teaches nothing (DESIGN §3.5).
  const taught = world.mode === 'jit' ? { ...identity, facts: learn(identity.facts, intent, world.tenant.provisioning) } : identity;
  return { ...state, identities: [...state.identities.filter((i) => i !== known), taught] };
}

/** What is known of one source after it has spoken once more. Trust belongs to the e-mail that it was given to: a message without one moves neither. */
export function learn(
  old: Facts | null,
  { statement: said, emailTrust }: Pick<Extract<Intent, { kind: 'assertion' }>, 'statement' | 'emailTrust'>,
  policy: Pick<Provisioning, 'whenGroupsMissing'>,
): Facts {
  const groups = learnGroups(old?.groups, said, policy);
  const active = said.active ?? old?.active;
  const spoke = said.profile.email !== undefined;
  const emailTrusted = spoke ? emailTrust.trusted : old?.emailTrusted;
  const emailDenied = spoke ? !emailTrust.trusted && emailTrust.denied === true : old?.emailDenied;
  return {
    profile: { ...old?.profile, ...said.profile },
    fields: { ...old?.fields, ...said.fields },
    groupsSaid: said.groups.said,
    claims: { ...old?.claims, ...said.claims },
    ...(groups === undefined ? {} : { groups }),
    ...(active === undefined ? {} : { active }),
    ...(emailTrusted ? { emailTrusted } : {}),
    ...(emailDenied ? { emailDenied } : {}),
  };
}

function learnGroups(old: string[] | undefined, { groups }: Statement, policy: Pick<Provisioning, 'whenGroupsMissing'>): string[] | undefined {
  if (groups.said === 'listed') return groups.groups;
  return groups.said === 'absent' && policy.whenGroupsMissing === 'clear' ? [] : old;
}

function foldEdit(state: UserState, intent: Extract<Intent, { kind: 'edit' }>, world: World): UserState {
  const revoked = new Set(intent.revoke ?? []);
  const kept = state.grants.filter((g) => g.source !== 'manual' || !revoked.has(g.target));
  const given = (intent.grant ?? []).map(
    (target): Grant => ({ tenantId: world.tenant.id, userId: state.user.id, target, source: 'manual', rule: '', since: world.now }),
  );
  const grants = [...new Map([...given, ...kept].map((g) => [grantKey(g), g])).values()];
  const profiled = withProfile(state.user, intent.profile ?? {});
  const user = {
    ...profiled,
    fields: { ...profiled.fields, ...intent.fields },
    ...(intent.status ? statusByHand(state.user, intent.status, world) : {}),
  };
  return { ...state, user: intent.status === 'deleted' ? tombstone(user, state) : user, grants };
}

/** What is done by hand is undone by hand: who is barred stays so, whatever a source says. */
const statusByHand = ({ barredAt }: User, status: User['status'], { now }: World): Pick<User, 'status' | 'barredAt'> => ({
  status,
  barredAt: status === 'suspended' ? (barredAt ?? now) : status === 'active' ? null : barredAt,
});

const restored = ({ user }: UserState): boolean => user.status === 'deleted';

/** The directory says all of a person at once. Whom it restores keeps identities and what was given by hand, and nothing else of before. */
function foldResource(state: UserState, said: DirectoryStatement, world: World): UserState {
  const known = state.identities.find((i) => i.source === 'directory');
  const identity: Identity = known ?? {
    tenantId: world.tenant.id,
    source: 'directory',
    subject: state.user.id,
    userId: state.user.id,
    facts: null,
    createdAt: world.now,
  };
  const user = restored(state) ? { ...state.user, status: 'active' as const, restoreKey: null } : state.user;
  return {
    ...state,
    user: { ...user, externalId: said.externalId },
    identities: [...state.identities.filter((i) => i !== known), { ...identity, facts: directoryFacts(said) }],
  };
}

const restated = (state: UserState, restate: (said: ResourceAttributes, active: boolean) => DirectoryStatement): UserState => ({
  ...state,
  identities: state.identities.map((i) =>
    i.source === 'directory' && i.facts?.resource ? { ...i, facts: directoryFacts(restate(i.facts.resource, i.facts.active !== false)) } : i,
  ),
});

const directoryFacts = ({ resource, active, profile, fields, claims }: DirectoryStatement): Facts => ({
  profile,
  fields,
  groupsSaid: 'listed',
  active,
  emailTrusted: true,
  claims,
  resource,
});

/** Its memberships go with the resource; those given by hand wait under the tombstone. */
function foldDeletion(state: UserState): UserState {
  const user: User = { ...state.user, status: 'deleted' };
  return { ...state, user: tombstone(user, state), memberships: state.memberships.filter((m) => m.source !== 'directory') };
}

/** The directory's first word on somebody adopts them, be it that they are in a group: from then on it speaks for them. */
function foldGroup(state: UserState, { group, by, member, adopt }: Extract<Intent, { kind: 'group' }>, world: World): UserState {
  const key = membershipKey({ groupId: group.id, source: by });
  if (state.memberships.some((m) => membershipKey(m) === key) === member) return state;
  const adopted = by === 'directory' && !state.identities.some((i) => i.source === 'directory') ? foldResource(state, adopt(state), world) : state;
  if (!member) return { ...adopted, memberships: adopted.memberships.filter((m) => membershipKey(m) !== key) };
  const membership: Membership = { tenantId: world.tenant.id, userId: state.user.id, groupId: group.id, source: by, since: world.now };
  return {
    ...adopted,
    memberships: [...adopted.memberships, membership],
    groups: [...adopted.groups.filter(({ id }) => id !== group.id), group],
  };
}

/**
 * A tombstone keeps its identity and gives its names free for others. One that the directory knew is found by it again: by externalId where
 * it has one, since a userName may be somebody else's by then.
 */
const tombstone = (user: User, { identities }: UserState): User => ({
  ...user,
  userNameKey: `deleted:${user.id}`,
  externalId: null,
  restoreKey: identities.some((i) => i.source === 'directory') ? restoreKeyOf(user) : null,
});

export const restoreKeyOf = ({ externalId, userNameKey }: Pick<User, 'externalId' | 'userNameKey'>): string =>
  externalId === null ? `name:${userNameKey}` : `external:${externalId}`;

/** The user with these attributes, and the folded keys that follow from them. A user without a userName is called by the e-mail. */
export function withProfile(user: User, profile: Partial<Profile>): User {
  const named = { ...user, ...profile };
  const userName = named.userName || named.email;
  if (user.status === 'deleted') return { ...named, userName };
  return { ...named, userName, userNameKey: foldKey(userName), emailKey: foldKey(named.email) };
}

const blank = (world: World): User => ({
  id: world.newId(),
  tenantId: world.tenant.id,
  userName: '',
  userNameKey: '',
  email: '',
  emailKey: '',
  displayName: '',
  givenName: '',
  familyName: '',
  locale: '',
  timezone: '',
  title: '',
  externalId: null,
  status: 'active',
  role: world.tenant.provisioning.defaultRole,
  fields: {},
  barredAt: null,
  restoreKey: null,
  version: 0,
  createdAt: world.now,
  updatedAt: world.now,
});
