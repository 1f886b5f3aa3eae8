/** fold: learn what an intent brings. What a source stays silent about is kept (DESIGN §3.3). */
import type { Intent } from './intent.ts';
import type { Linked } from './link.ts';
import { type Facts, type Grant, grantKey, type Identity, type Profile, type Statement, type User, type UserState } from './model.ts';
import { foldKey } from './profile.ts';
import type { Provisioning } from './tenant.ts';
import type { World } from './world.ts';

export function fold(linked: Linked, intent: Intent, world: World): UserState {
  const state = linked.state ?? { user: blank(world), identities: [], grants: [] };
  switch (intent.kind) {
    case 'assertion':
      return foldAssertion(state, intent, world);
    case 'edit':
      return foldEdit(state, intent, world);
    case 'remap':
      return state;
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
  const user = { ...profiled, fields: { ...profiled.fields, ...intent.fields }, ...(intent.status ? { status: intent.status } : {}) };
  return { ...state, user: intent.status === 'deleted' ? tombstone(user) : user, grants };
}

/** A tombstone keeps its identity and gives its names free for others. */
const tombstone = (user: User): User => ({ ...user, userNameKey: `deleted:${user.id}`, externalId: null });

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
  version: 0,
  createdAt: world.now,
});
