/** A small tenant and people to plan for, and a memory that plays the store: apply = replay. */

import { replay } from '../../src/core/diff.ts';
import { restoreKeyOf } from '../../src/core/fold.ts';
import type { Candidates, DirectoryStatement, EmailTrust, Intent } from '../../src/core/intent.ts';
import type { Condition, Rule } from '../../src/core/mapping.ts';
import type { Phase } from '../../src/core/mode.ts';
import {
  type GroupClaim,
  type Mode,
  type Plan,
  type Profile,
  type Role,
  type Statement,
  sourceOf,
  type Target,
  type UserState,
} from '../../src/core/model.ts';
import { plan } from '../../src/core/plan.ts';
import { foldKey } from '../../src/core/profile.ts';
import type { Connection, Tenant } from '../../src/core/tenant.ts';
import type { World } from '../../src/core/world.ts';

export const NOW = new Date('2026-01-02T03:04:05.678Z');

export const group = (equals: string): Condition => ({ kind: 'group', test: { equals }, ignoreCase: false, label: equals, ids: null });

export const rule = (id: string, when: Condition, enrol: string[], role: Role | null = null): Rule => ({
  id,
  when,
  enrol: enrol as Target[],
  role,
  line: 1,
});

export function makeTenant(rules: Rule[], overrides: { connections?: string[]; provisioning?: Partial<Tenant['provisioning']> } = {}): Tenant {
  return {
    id: 'acme',
    name: 'Acme',
    contact: null,
    domains: ['acme.example'],
    provisioning: {
      initialMode: 'jit',
      linking: 'verified-email',
      defaultRole: 'learner',
      whenGroupsMissing: 'keep',
      limits: { removals: { share: 0.3, atLeast: 10 } },
      retentionDays: null,
      lease: null,
      ...overrides.provisioning,
    },
    connections: (overrides.connections ?? ['sso', 'second']).map(
      (id) => ({ id, protocol: 'oidc', issuer: `https://${id}.example`, claims: { groups: { claims: ['groups'] } } }) as Connection,
    ), // what planning and applying read of a connection
    catalogue: { courses: [], bundles: [], collections: [], groups: [] },
    platforms: [],
    handOffs: [],
    seats: null,
    scim: { fields: {}, groups: { sameName: 'allow', matchLocal: true } },
    mapping: { version: 1, rules },
    tests: [],
    returnTo: [],
  };
}

export function statement(
  said: { email?: string; groups?: GroupClaim | string[]; active?: boolean; profile?: Partial<Profile>; claims?: Record<string, string[]> } = {},
): Statement {
  const groups: GroupClaim = Array.isArray(said.groups) ? { said: 'listed', groups: said.groups } : (said.groups ?? { said: 'absent' });
  return {
    profile: { ...(said.email === undefined ? {} : { email: said.email }), ...said.profile },
    fields: {},
    groups,
    claims: said.claims ?? {},
    ...(said.active === undefined ? {} : { active: said.active }),
  };
}

export const assertion = (
  connection: string,
  subject: string,
  said: Parameters<typeof statement>[0],
  emailTrust: EmailTrust = { trusted: true },
): Intent => ({
  kind: 'assertion',
  source: sourceOf(connection),
  subject,
  statement: statement({ email: `${subject}@acme.example`, ...said }),
  emailTrust,
});

/** All that a directory says of a person. */
export const directorySays = (said: {
  userName: string;
  email?: string;
  externalId?: string;
  active?: boolean;
  title?: string;
}): DirectoryStatement => ({
  resource: { userName: said.userName },
  externalId: said.externalId ?? null,
  active: said.active ?? true,
  profile: {
    userName: said.userName,
    email: said.email ?? '',
    displayName: said.userName,
    givenName: '',
    familyName: '',
    locale: '',
    timezone: '',
    title: said.title ?? '',
  },
  fields: {},
  claims: {},
});

/** Users by id, and the plans that made them. */
export function makeMemory(tenant: Tenant, mode: Mode = 'jit') {
  const users = new Map<string, UserState>();
  let n = 0;
  const activeUsers = () => [...users.values()].filter(({ user }) => user.status === 'active').length;
  const world = (): World => ({
    tenant: memory.tenant,
    mode: memory.mode,
    now: memory.now,
    newId: () => `id${++n}`,
    phase: memory.phase,
    brake: memory.brake,
    seats: memory.seats === null ? null : { limit: memory.seats, active: activeUsers() },
  });

  function candidates(intent: Intent, userId?: string): Candidates {
    const all = [...users.values()];
    if (intent.kind === 'resource' && intent.write === 'create') return restorable(all, intent.revise(null));
    const email = intent.kind === 'assertion' ? intent.statement.profile.email : intent.kind === 'edit' ? intent.profile?.email : undefined;
    const key = email === undefined ? null : foldKey(email);
    const bySubject = all.find((s) =>
      intent.kind === 'assertion' ? s.identities.some((i) => i.source === intent.source && i.subject === intent.subject) : s.user.id === userId,
    );
    const byEmail = all.filter(({ user }) => user.status !== 'deleted' && key !== null && (user.emailKey === key || user.userNameKey === key));
    return { bySubject: bySubject ?? null, byEmail };
  }

  function restorable(all: UserState[], { profile, externalId }: DirectoryStatement): Candidates {
    const [nameKey, emailKey] = [foldKey(profile.userName), foldKey(profile.email)];
    const key = restoreKeyOf({ externalId, userNameKey: nameKey });
    const live = all.filter(({ user }) => user.status !== 'deleted');
    const byEmail = live.filter(
      ({ user }) =>
        user.userNameKey === nameKey || (emailKey !== '' && user.emailKey === emailKey) || (externalId !== null && user.externalId === externalId),
    );
    return { bySubject: all.find(({ user }) => user.restoreKey === key) ?? null, byEmail };
  }

  const memory = {
    tenant,
    mode,
    phase: null as Phase | null,
    seats: null as number | null,
    brake: null as 'limit' | null,
    now: NOW,
    users,
    world,
    dryRun: (intent: Intent, userId?: string): Plan => plan(candidates(intent, userId), intent, world()),
    run(intent: Intent, userId?: string, released = false): Plan {
      const found = candidates(intent, userId);
      const made = plan(found, intent, world(), released);
      const before = users.get(made.userId) ?? null;
      const after = replay(before, made);
      if (after) users.set(made.userId, after);
      return made;
    },
    only(): UserState {
      const [state, another] = [...users.values()];
      if (!state || another) throw new Error(`${users.size} users`);
      return state;
    },
  };
  return memory;
}

/** `target source rule`, sorted: what someone has and by what. */
export const grantsOf = (state: UserState): string[] => state.grants.map((g) => `${g.target} ${g.source} ${g.rule}`.trim()).sort();
