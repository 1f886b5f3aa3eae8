/** derive: profile, status, role and grants from all facts kept. Depends on facts, mapping and mode only, never on the order of history. */
import { conclude, highest, type Subject } from './conclude.ts';
import { tombstone, withProfile } from './fold.ts';
import { type Facts, type Grant, grantKey, type Identity, type Profile, sourceOf, type User, type UserState } from './model.ts';
import type { World } from './world.ts';

/** An identity whose facts count. */
export type Taught = Identity & { facts: Facts };

export function derive(state: UserState, world: World): UserState {
  const counting = countingFacts(state, world);
  // Where no source's facts count, nothing moves: switching a mode takes nothing away by itself (DESIGN §3.5).
  if (counting.length === 0) return state;
  const concluded = counting.map((identity) => ({ identity, conclusion: conclude(subjectOf(identity, state), world.tenant.mapping) }));
  const since = new Map(state.grants.map((g) => [grantKey(g), g.since]));
  // Nobody is enrolled by rules after deprovisioning, nor when access has lapsed; what was given by hand waits with the tombstone.
  const gone = state.user.status === 'deleted' || lapsed(state.user, counting);
  const ruled = (gone ? [] : concluded).flatMap(({ identity, conclusion }) =>
    conclusion.targets.map(({ target, rule }): Grant => {
      const grant = { tenantId: state.user.tenantId, userId: state.user.id, target, source: identity.source, rule, since: world.now };
      return { ...grant, since: since.get(grantKey(grant)) ?? world.now };
    }),
  );
  const manual = state.grants.filter((g) => g.source === 'manual');
  const { tenantId, id: userId } = state.user;
  const beside = (gone ? [] : besideGrants(state, world)).map(
    (one): Grant => ({ ...one, tenantId, userId, since: since.get(grantKey(one)) ?? world.now }),
  );
  const { defaultRole } = world.tenant.provisioning;
  const roles = [defaultRole, besideIn(state, world.mode)?.role ?? null, ...concluded.map(({ conclusion }) => conclusion.role)];
  const role = highest(roles) ?? defaultRole;
  return {
    ...state,
    user: { ...concludeUser(state, counting, world), role },
    grants: [...new Map([...manual, ...beside, ...ruled].map((g) => [grantKey(g), g])).values()],
  };
}

/**
 * Which facts count is decided by the mode; in order of precedence, the tenant file's order of connections. For whom the directory has spoken it alone
 * does, and in `jit` it goes on to until a sign-in takes over (`retired`): leaving `scim` takes nothing away by itself.
 */
export function countingFacts(state: UserState, { mode, tenant }: Pick<World, 'mode' | 'tenant'>): Taught[] {
  if (mode === 'manual') return [];
  const taught = state.identities.filter((i): i is Taught => i.facts !== null);
  const directory = taught.filter((i) => i.source === 'directory' && !i.facts.retired);
  // A user whom the directory has not adopted yet keeps what the sign-ins gave.
  if (directory.length > 0) return directory;
  return signInsOf(state, tenant);
}

/** What sign-ins said, in the tenant file's order of connections; of one that is not there any more nothing. */
function signInsOf({ identities }: UserState, { connections }: World['tenant']): Taught[] {
  const bySubject = identities.filter((i): i is Taught => i.facts !== null).toSorted((a, b) => (a.subject < b.subject ? -1 : 1));
  return connections.flatMap(({ id }) => bySubject.filter((i) => i.source === sourceOf(id)));
}

/** What was held when a directory was left, as far as the rules still give it: those of sign-ins by what these said, its own by the rule being there. */
function besideGrants(state: UserState, { mode, tenant }: World): Pick<Grant, 'target' | 'source' | 'rule'>[] {
  const beside = besideIn(state, mode);
  if (!beside) return [];
  const said = new Set(
    signInsOf(state, tenant).flatMap((i) =>
      conclude(subjectOf(i, state), tenant.mapping).targets.map((one) => grantKey({ ...one, source: i.source })),
    ),
  );
  const given = ({ target, rule }: Pick<Grant, 'target' | 'rule'>) =>
    tenant.mapping.rules.some(({ id, enrol }) => id === rule && enrol.includes(target));
  return beside.grants.filter((grant) => (grant.source === 'directory' ? given(grant) : said.has(grantKey(grant))));
}

const besideIn = ({ identities }: UserState, mode: World['mode']): Facts['beside'] =>
  mode === 'jit' ? identities.find((i) => i.source === 'directory' && i.facts && !i.facts.retired)?.facts?.beside : undefined;

/**
 * What conditions see of one source. The directory says groups by membership, and by name and id apart; a membership given by hand counts
 * beside whatever a source says.
 */
export function subjectOf({ source, facts }: Taught, { memberships, groups }: Pick<UserState, 'memberships' | 'groups'>): Subject {
  const connectionId = source.startsWith('connection:') ? source.slice('connection:'.length) : '';
  const counted = new Set(memberships.filter((m) => m.source === 'manual' || source === 'directory').map((m) => m.groupId));
  const joined = groups.filter(({ id }) => counted.has(id));
  const ids = joined.flatMap(({ id, externalId }) => (externalId === null ? [id] : [id, externalId]));
  const own = facts.groups ?? [];
  return {
    source,
    connectionId,
    email: facts.emailDenied ? null : facts.profile.email || null,
    groups: [...own, ...joined.map(({ displayName }) => displayName), ...ids],
    // What a sign-in calls a group may be its name or its id: only the provider knows.
    groupIds: [...own, ...ids],
    claims: facts.claims,
  };
}

/** A lease is on what sign-ins said; a directory says what it has to say without anybody's signing in. */
const lapsed = (user: User, counting: Taught[]): boolean => user.lapsedAt !== null && counting[0]?.source !== 'directory';

function concludeUser(state: UserState, counting: Taught[], world: World): User {
  const { user } = state;
  const layers = counting.toReversed(); // the first source wins, so it is laid on last
  const profile: Partial<Profile> = Object.assign({}, ...layers.map((i) => i.facts.profile));
  // Who is called by the e-mail, because no source says a userName, is called by the new one: the old mailbox may be somebody else's soon.
  if (profile.userName === undefined && profile.email !== undefined && user.userNameKey === user.emailKey) profile.userName = profile.email;
  // Many providers send the parts of a name only; platforms and pages want the whole.
  profile.displayName ??= [profile.givenName, profile.familyName].filter(Boolean).join(' ') || user.displayName;
  const fields: Record<string, string> = Object.assign({}, user.fields, ...layers.map((i) => i.facts.fields));
  const profiled = { ...withProfile(user, profile), fields };
  const status = concludeStatus(state, counting, world);
  if (status === 'deleted' && user.status !== 'deleted') return tombstone({ ...profiled, status }, state);
  return { ...profiled, status };
}

/**
 * Locks win: one counting source that says disabled is enough. To the directory that means deprovisioned, and only in its own mode: one that was
 * left neither lets in nor locks out, and a provider that says disabled is heard beside it. What was suspended by hand is nobody's to undo here.
 */
function concludeStatus(state: UserState, counting: Taught[], { mode, tenant }: World): User['status'] {
  const { user } = state;
  if (user.status === 'deleted') return 'deleted';
  if (user.barredAt !== null) return 'suspended';
  if (counting[0]?.source === 'directory' && mode === 'scim') return said(counting[0].facts);
  if (user.status === 'suspended') return 'suspended';
  return signInsOf(state, tenant).some((i) => i.facts.active === false) ? 'locked' : 'active';
}

function said({ gone, active }: Facts): User['status'] {
  if (gone) return 'deleted';
  return active === false ? 'suspended' : 'active';
}
