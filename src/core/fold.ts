/** fold: learn what an intent brings. What a source stays silent about is kept (DESIGN §3.3). */
import type { DirectoryStatement, Intent } from './intent.ts';
import type { Linked } from './link.ts';
import {
  type Beside,
  type Facts,
  type Grant,
  grantKey,
  type HeldChange,
  type Identity,
  type Membership,
  membershipKey,
  type Profile,
  type Statement,
  type User,
  type UserState,
} from './model.ts';
import { foldKey } from './profile.ts';
import type { Provisioning } from './tenant.ts';
import type { World } from './world.ts';

export function fold(linked: Linked, intent: Intent, world: World): UserState {
  const state = linked.state
    ? heardIn(linked.state, world)
    : { user: blank(world), identities: [], grants: [], memberships: [], groups: [], held: [] };
  switch (intent.kind) {
    case 'assertion':
      return foldAssertion(state, intent, world);
    case 'edit':
      return foldEdit(state, intent, world);
    case 'remap':
      return foldRemap(intent.retire ? undeleted(state) : state, intent);
    case 'keep':
      return foldKeep(state, world);
    case 'lapse':
      return { ...state, user: { ...state.user, lapsedAt: state.user.lapsedAt ?? world.now } };
    case 'resource':
      if (intent.write === 'delete') return foldDeletion(state, intent.adopt, world);
      return foldResource(state, intent.revise(linked.state && state.user.restoreKey === null ? state : null), world);
    case 'group':
      return foldGroup(state, intent, world);
  }
}

/**
 * What the mode makes of what a directory left behind. Outside `scim` nobody is deleted by it any more, and what was held when it was left does not happen
 * later either: it stays beside the directory's word. In `scim` its word stands alone.
 */
function heardIn(state: UserState, { mode, phase }: World): UserState {
  if (mode === 'scim')
    return mapDirectory(state, ({ beside: _, trial, ...facts }) => ({ ...facts, ...(trial && phase === 'adopting' && { trial }) }));
  const left = mapDirectory(undeleted(state), ({ trial: _, ...facts }) => facts);
  const held = left.held.filter(({ cause }) => cause === 'hand-over');
  return held.length === 0 ? left : mapDirectory(left, (facts) => ({ ...facts, beside: besideOf(left, held, facts.beside) }));
}

function besideOf({ user }: UserState, held: readonly HeldChange[], before: Beside | undefined): Beside {
  const grants = held.flatMap(({ what, target, source, rule }) =>
    what === 'grant' && target !== '' && source !== '' ? [{ target, source, rule }] : [],
  );
  const all = new Map([...(before?.grants ?? []), ...grants].map((grant) => [grantKey(grant), grant]));
  return { grants: [...all.values()], role: held.some(({ what }) => what === 'role') ? user.role : (before?.role ?? null) };
}

const mapDirectory = (state: UserState, change: (facts: Facts) => Facts): UserState => ({
  ...state,
  identities: state.identities.map((i) => (i.source === 'directory' && i.facts ? { ...i, facts: change(i.facts) } : i)),
});

function foldAssertion(state: UserState, intent: Extract<Intent, { kind: 'assertion' }>, world: World): UserState {
  const { source, subject } = intent;
  const known = state.identities.find((i) => i.source === source && i.subject === subject);
  const identity: Identity = known ?? { tenantId: world.tenant.id, source, subject, userId: state.user.id, facts: null, createdAt: world.now };
  // Outside `jit` an assertion authenticates and teaches nothing (DESIGN §3.5).
  if (world.mode !== 'jit') return { ...state, identities: [...state.identities.filter((i) => i !== known), identity] };
  const taught = { ...identity, facts: learn(identity.facts, intent, world.tenant.provisioning) };
  // From here on this person's sign-ins speak for them, and not what a directory said before the tenant left it; unless they are silent
  // about groups where the directory was not.
  const directed = state.memberships.some((m) => m.source === 'directory') || state.identities.some(({ facts }) => facts?.beside);
  const silent = taught.facts.groups === undefined && directed;
  const others = (silent ? state : retired(state)).identities.filter((i) => i.source !== source || i.subject !== subject);
  return { ...state, user: { ...state.user, lapsedAt: null }, identities: [...others, taught] };
}

const retired = (state: UserState): UserState => mapDirectory(state, (facts) => ({ ...facts, retired: true }));

/** Held enrolments stay as given by hand. Of what the directory said, the word that would lock or delete is taken back; it may say it again. */
function foldKeep(state: UserState, world: World): UserState {
  const given = state.held.flatMap(({ what, target }): Grant[] =>
    what === 'grant' && target !== ''
      ? [{ tenantId: world.tenant.id, userId: state.user.id, target, source: 'manual', rule: '', since: world.now }]
      : [],
  );
  const locked = state.held.some(({ what }) => what === 'status');
  const unlocked = locked ? mapDirectory(state, ({ gone: _, ...facts }) => ({ ...facts, active: true })) : state;
  return {
    ...unlocked,
    user: { ...state.user, lapsedAt: null, ...(locked && { restoreKey: null }) },
    grants: [...new Map([...given, ...state.grants].map((g) => [grantKey(g), g])).values()],
  };
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
  // Let in by hand where no directory has a say: one that comes and finds its old word there has to say it again.
  const heard =
    intent.status === 'active' && world.mode !== 'scim' ? mapDirectory(state, ({ gone: _, ...facts }) => ({ ...facts, active: true })) : state;
  return { ...heard, user: intent.status === 'deleted' ? tombstone(user, state) : user, grants };
}

/** What is done by hand is undone by hand: who is barred stays so, whatever a source says. */
const statusByHand = ({ barredAt }: User, status: User['status'], { now }: World): Pick<User, 'status' | 'barredAt'> => ({
  status,
  barredAt: status === 'suspended' ? (barredAt ?? now) : status === 'active' ? null : barredAt,
});

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
  const user = state.user.restoreKey === null ? state.user : { ...state.user, status: 'active' as const, restoreKey: null };
  const before = known?.facts;
  const trial = world.phase === 'adopting' && (!before || before.retired || before.trial) ? (true as const) : undefined;
  return {
    ...state,
    user: { ...user, externalId: said.externalId },
    identities: [...state.identities.filter((i) => i !== known), { ...identity, facts: { ...directoryFacts(said), ...(trial && { trial }) } }],
  };
}

/** Whether the directory speaks for this person. What it said before a mode was left must be said again. */
const spoken = ({ identities }: UserState): boolean => identities.some((i) => i.source === 'directory' && i.facts && !i.facts.retired);

/** A deletion that was held is dropped with the hand-over: to the directory, too, the person is there again. */
function undeleted(state: UserState): UserState {
  if (state.user.restoreKey === null || state.user.status === 'deleted') return state;
  return { ...mapDirectory(state, ({ gone: _, ...facts }) => facts), user: { ...state.user, restoreKey: null } };
}

/** Once more from the facts kept; those of the directory as they are read now. */
function foldRemap(state: UserState, { retire, restate }: Extract<Intent, { kind: 'remap' }>): UserState {
  // What an earlier directory said counted before the hand-over that is taken back.
  if (retire) return mapDirectory(state, (facts) => (facts.trial ? { ...facts, retired: true } : facts));
  if (!restate) return state;
  return mapDirectory(state, (said) => {
    const { resource, active, gone, retired: left, beside } = said;
    if (!resource) return said;
    return {
      ...directoryFacts(restate(resource, active !== false)),
      ...(gone && { gone }),
      ...(left && { retired: left }),
      ...(beside && { beside }),
    };
  });
}

const directoryFacts = ({ resource, active, profile, fields, claims }: DirectoryStatement): Facts => ({
  profile,
  fields,
  groupsSaid: 'listed',
  active,
  emailTrusted: true,
  claims,
  resource,
});

/** Its memberships go with the resource; those given by hand wait under the tombstone. Whom the directory never spoke of it deletes all the same. */
function foldDeletion(unadopted: UserState, adopt: (state: UserState) => DirectoryStatement, world: World): UserState {
  const state = spoken(unadopted) ? unadopted : foldResource(unadopted, adopt(unadopted), world);
  return { ...mapDirectory(state, (facts) => ({ ...facts, gone: true })), memberships: state.memberships.filter((m) => m.source !== 'directory') };
}

/** The directory's first word on somebody adopts them, be it that they are in a group: from then on it speaks for them. */
function foldGroup(state: UserState, { group, by, member, adopt }: Extract<Intent, { kind: 'group' }>, world: World): UserState {
  const key = membershipKey({ groupId: group.id, source: by });
  const there = state.memberships.some((m) => membershipKey(m) === key);
  // Said by a directory that was left, it is nobody's word: said again, it is this one's.
  if (there === member && !(member && by === 'directory' && !spoken(state))) return state;
  const adopted = by === 'directory' && !spoken(state) ? foldResource(state, adopt(state), world) : state;
  if (!member) return { ...adopted, memberships: adopted.memberships.filter((m) => membershipKey(m) !== key) };
  if (there) return adopted;
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
export const tombstone = (user: User, { identities }: UserState): User => ({
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
  statusSince: world.now,
  barredAt: null,
  lapsedAt: null,
  restoreKey: null,
  version: 0,
  createdAt: world.now,
  updatedAt: world.now,
});
