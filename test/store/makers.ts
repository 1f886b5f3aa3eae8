/** Rows and plans by hand: the store's suites need no planner. */
import type { Change, Facts, Grant, Group, Identity, Membership, Plan, Target, User, UserState } from '../../src/core/model.ts';
import { foldKey } from '../../src/core/profile.ts';
import type { Write } from '../../src/store/apply.ts';
import type { JournalEntry, SignInEntry } from '../../src/store/journal.ts';
import { PLACE } from '../../src/store/outbox.ts';
import type { Publication } from '../../src/store/publications.ts';
import type { MappingVersion, TenantRow } from '../../src/store/tenants.ts';

export const NOW = new Date('2026-01-02T03:04:05.678Z');
export const later = (ms: number) => new Date(NOW.getTime() + ms);

export const facts = (groups: string[] = ['eng']): Facts => ({
  profile: { email: 'ada@example.com', displayName: 'Ada O’Née' },
  fields: { costcentre: '42', empty: '' },
  groups,
  groupsSaid: 'listed',
  active: true,
  claims: { department: ['R&D', '数学'], said_none: [], ['__proto__']: ['own'], literal: ['\\u0000'] },
});

export const user = (over: Partial<User> & { id: string }): User => ({
  tenantId: 'acme',
  userName: `${over.id}@Example.com`,
  userNameKey: `${over.id}@example.com`,
  email: `${over.id}@Example.com`,
  emailKey: `${over.id}@example.com`,
  displayName: 'Ada Lovelace',
  givenName: 'Ada',
  familyName: 'Lovelace',
  locale: 'en-GB',
  timezone: 'Europe/London',
  title: 'Countess',
  externalId: null,
  status: 'active',
  statusSince: NOW,
  role: 'learner',
  fields: { costcentre: '42' },
  barredAt: null,
  lapsedAt: null,
  restoreKey: null,
  version: 1,
  createdAt: NOW,
  updatedAt: NOW,
  ...over,
});

export const identity = (owner: User, over: Partial<Identity> = {}): Identity => ({
  tenantId: owner.tenantId,
  source: 'connection:okta',
  subject: `subject-${owner.id}`,
  userId: owner.id,
  facts: facts(),
  createdAt: NOW,
  ...over,
});

export const grant = (owner: User, target: Target, over: Partial<Grant> = {}): Grant => ({
  tenantId: owner.tenantId,
  userId: owner.id,
  target,
  source: 'connection:okta',
  rule: 'engineers',
  since: NOW,
  ...over,
});

export const group = (id: string, over: Partial<Group> = {}): Group => ({
  tenantId: 'acme',
  id,
  displayName: `Group ${id}`,
  displayNameKey: foldKey(over.displayName ?? `Group ${id}`),
  externalId: null,
  source: 'directory',
  version: 1,
  unsettledSince: null,
  createdAt: NOW,
  updatedAt: NOW,
  ...over,
});

export const membership = (owner: User, groupId: string, over: Partial<Membership> = {}): Membership => ({
  tenantId: owner.tenantId,
  userId: owner.id,
  groupId,
  source: 'directory',
  since: NOW,
  ...over,
});

/** A user as one first sign-in leaves it. */
export function person(id: string, over: Partial<User> = {}): UserState {
  const owner = user({ id, ...over });
  return {
    user: owner,
    identities: [identity(owner)],
    grants: [grant(owner, 'bundle:basics'), grant(owner, 'collection:more')],
    memberships: [],
    groups: [],
    held: [],
  };
}

const planOf = (id: string, { user: owner }: UserState, rest: Pick<Plan, 'changes' | 'effects'>): Plan => ({
  id,
  tenantId: owner.tenantId,
  userId: owner.id,
  intent: 'assertion',
  mappingVersion: 1,
  groups: [],
  held: [],
  ...rest,
});

export function creation(id: string, state: UserState): Plan {
  const changes: Change[] = [
    { entity: 'user', before: null, after: state.user, reason: 'first-sign-in' },
    ...state.identities.map((after): Change => ({ entity: 'identity', before: null, after, reason: 'first-sign-in' })),
    ...state.memberships.map((after): Change => ({ entity: 'membership', before: null, after, reason: 'joined-group' })),
    ...state.grants.map((after): Change => ({ entity: 'grant', before: null, after, reason: 'rule-matched' })),
    ...state.held.map((after): Change => ({ entity: 'held', before: null, after, reason: 'held' })),
  ];
  const gained = [...new Set(state.grants.map((g) => g.target))];
  return planOf(id, state, { changes, effects: { gained, lost: [], status: { from: null, to: state.user.status } } });
}

/** `moved` is the user row's own difference; the version moves by itself. */
export function edit(
  id: string,
  state: UserState,
  { moved = {}, gone = [], come = [], joins = [] }: { moved?: Partial<User>; gone?: Grant[]; come?: Grant[]; joins?: Membership[] },
): Plan {
  const after = { ...state.user, ...moved, version: state.user.version + 1 };
  const changes: Change[] = [
    { entity: 'user', before: state.user, after, reason: 'below-changed' },
    ...joins.map((row): Change => ({ entity: 'membership', before: null, after: row, reason: 'joined-group' })),
    ...gone.map((before): Change => ({ entity: 'grant', before, after: null, reason: 'rule-no-longer-matches' })),
    ...come.map((row): Change => ({ entity: 'grant', before: null, after: row, reason: 'manual' })),
  ];
  return planOf(id, state, { changes, effects: { gained: come.map((g) => g.target), lost: gone.map((g) => g.target) } });
}

/** One write of a plan, with nothing beside it but its journal line. */
export const write = (plan: Plan, over: Partial<Write> = {}): Write => ({
  plan,
  entry: entryOf(plan),
  deliveries: [{ platform: 'lms', place: PLACE.signIn }],
  search: { gone: [], come: [] },
  seats: null,
  bound: null,
  ...over,
});

export const entryOf = (plan: Plan, over: Partial<JournalEntry> = {}): JournalEntry =>
  entry(`j-${plan.id}`, { tenantId: plan.tenantId, resourceId: plan.userId, ...over });

export const entry = (id: string, over: Partial<JournalEntry> = {}): JournalEntry => ({
  id,
  tenantId: 'acme',
  at: NOW,
  actor: 'connection:okta',
  cause: 'assertion',
  action: null,
  resourceType: 'user',
  resourceId: null,
  outcome: 'SUCCESS',
  code: null,
  reference: null,
  mappingVersion: 1,
  detail: { gained: ['bundle:basics'], nested: { deep: [1, true, null] } },
  ...over,
});

export const signIn = (id: string, over: Partial<SignInEntry> = {}): SignInEntry => ({
  id,
  tenantId: 'acme',
  connectionId: 'okta',
  userId: 'u1',
  at: NOW,
  outcome: 'SUCCESS',
  code: null,
  check: null,
  reference: `ref-${id}`,
  detail: { protocol: 'saml' },
  ...over,
});

export const tenantRow = (id: string, over: Partial<TenantRow> = {}): TenantRow => ({
  id,
  mode: 'jit',
  phase: null,
  modeSince: NOW,
  modeBefore: null,
  seats: null,
  document: `name: ${id}\n`,
  digest: '0'.repeat(64),
  origin: 'file',
  fileDigest: '0'.repeat(64),
  brake: null,
  revision: 1,
  mappingVersion: 1,
  createdAt: NOW,
  updatedAt: NOW,
  ...over,
});

export const mapping = (tenantId: string, version: number): MappingVersion => ({
  tenantId,
  version,
  digest: `${version}`.repeat(64).slice(0, 64),
  document: [{ id: 'engineers', when: { kind: 'emailDomain', domain: 'example.com' }, enrol: ['bundle:basics'], role: null, line: 3 }],
  text: `version: ${version}\n`,
  author: 'cli',
  comment: version === 1 ? null : `version ${version}`,
  createdAt: NOW,
});

/** The walk that follows the document which made this revision. */
export const publication = (tenantId: string, revision: number, over: Partial<Publication> = {}): Publication => ({
  tenantId,
  revision,
  mappingVersion: 1,
  actor: 'cli',
  comment: null,
  brake: null,
  state: 'running',
  cursor: '',
  people: 3,
  done: 0,
  changed: 0,
  gaining: 0,
  losing: 0,
  holding: 0,
  claimedBy: null,
  claimedUntil: null,
  startedAt: NOW,
  updatedAt: NOW,
  ...over,
});
