/** `matricula user …`, `explain`, `journal`: the people of a tenant, read from the kept facts, and edits by hand. */
import type { House } from '../app.ts';
import type { Verdict } from '../core/conclude.ts';
import { targetsOf } from '../core/diff.ts';
import { type Explanation, explain as explainState } from '../core/explain.ts';
import type { Identity, Target, UserState } from '../core/model.ts';
import { findUser } from '../flows/admin.ts';
import { provision } from '../flows/provision.ts';
import type { LiveTenant } from '../flows/tenants.ts';
import { EXIT, Exit, type Output, plain, table } from './output.ts';

/** The tenant asked for, or the only one. */
export function tenantOf(house: House, id: string | undefined): LiveTenant {
  const all = house.tenants.all();
  if (id === undefined && all.length === 1 && all[0]) return all[0];
  const names = all.map((live) => live.tenant.id).join(', ') || 'none: put a file into the tenant folder and run matricula apply --yes';
  if (id === undefined) throw new Exit(EXIT.usage, `which tenant? --tenant <id>; there are: ${names}`);
  const live = house.tenants.get(id);
  if (!live) throw new Exit(EXIT.refused, `no tenant ${id}; there are: ${names}`);
  return live;
}

export async function stateOf(house: House, live: LiveTenant, term: string): Promise<UserState> {
  const user = await findUser(house, live.tenant.id, term);
  const state = user && (await house.store.people.state(live.tenant.id, user.id));
  if (!state) throw new Exit(EXIT.refused, `no user ${plain(term)} in tenant ${live.tenant.id}: give an id, a userName or an e-mail`);
  return state;
}

export async function listUsers(
  house: House,
  live: LiveTenant,
  options: { search?: string; limit: number; after: string | null },
  out: Output,
): Promise<void> {
  const { users, next } = await house.store.people.page(live.tenant.id, options);
  const rows = users.map((u) => [u.id, u.status, u.role, plain(u.userName), plain(u.displayName)]);
  out.result(
    { users, next },
    users.length === 0 ? 'no users' : `${table(['id', 'status', 'role', 'userName', 'name'], rows)}${next ? `\nmore: --after ${next}` : ''}`,
  );
}

export async function showUser(house: House, live: LiveTenant, term: string, out: Output): Promise<void> {
  const state = await stateOf(house, live, term);
  const { user, identities, grants, groups, memberships } = state;
  const lines = [
    `${plain(user.displayName || user.userName)} <${plain(user.email)}>  ${user.status}, ${user.role}, id ${user.id}, version ${user.version}`,
    ...Object.entries(user.fields).map(([field, value]) => `  ${field}: ${plain(value)}`),
    ...identities.map((i) => `  ${i.source} ${plain(i.subject)}: ${saidOf(i)}`),
    ...groups.map(
      ({ id, displayName }) =>
        `  in the group ${plain(displayName)} (${memberships
          .filter((m) => m.groupId === id)
          .map((m) => (m.source === 'manual' ? 'by hand' : 'directory'))
          .join(', ')})`,
    ),
    ...[...targetsOf(state)].sort().map(
      (target) =>
        `  enrolled in ${target} by ${grants
          .filter((g) => g.target === target)
          .map((g) => g.rule || 'hand')
          .join(', ')}`,
    ),
  ];
  out.result(state, lines.join('\n'));
}

function saidOf({ source, facts }: Identity): string {
  if (!facts) return 'authenticates only';
  if (source === 'directory') return 'adopted';
  return `groups ${facts.groups ? facts.groups.map(plain).join(', ') || 'none' : 'never said'} (last: ${facts.groupsSaid})`;
}

export interface Edit {
  grant?: Target[];
  revoke?: Target[];
  status?: 'active' | 'suspended';
}

export async function editUser(house: House, live: LiveTenant, { term, edit }: { term: string; edit: Edit }, out: Output): Promise<void> {
  const { user } = await stateOf(house, live, term);
  const { plan } = await provision(house.flow, {
    live,
    intent: { kind: 'edit', ...edit },
    lookup: { by: 'user', userId: user.id },
    actor: 'cli',
    reference: null,
  });
  const { gained, lost } = plan.effects;
  out.result(
    { changes: plan.changes.length, effects: plan.effects },
    plan.changes.length === 0 ? 'nothing to change' : `done: gained ${gained.join(', ') || 'nothing'}, lost ${lost.join(', ') || 'nothing'}`,
  );
}

/** Why, and why not, from the kept facts and the mapping in force. */
export async function explain(
  house: House,
  live: LiveTenant,
  { term, target }: { term: string; target: Target | undefined },
  out: Output,
): Promise<void> {
  const state = await stateOf(house, live, term);
  const explanations = explainState(state, live, target);
  const facts = state.identities.map(({ source, subject, facts: kept }) => ({ source, subject, groupsSaid: kept?.groupsSaid ?? null }));
  const head = `${plain(state.user.userName)} in ${live.tenant.id}, mode ${live.mode}, mapping version ${live.tenant.mapping.version}`;
  out.result(
    { user: state.user.id, mode: live.mode, mappingVersion: live.tenant.mapping.version, facts, explanations },
    [head, ...explanations.flatMap(explained)].join('\n'),
  );
}

function explained({ target, enrolled, grants, rules }: Explanation): string[] {
  return [
    `${enrolled ? 'yes' : 'no '}  ${target}`,
    ...grants.filter((g) => g.source === 'manual').map((g) => `       given by hand on ${g.since.toISOString()}`),
    ...rules.map((r) =>
      r.firstFailed === null
        ? `       rule ${r.rule.id} (line ${r.rule.line}) holds for ${r.source}: ${told(r.verdict)}`
        : `       rule ${r.rule.id} (line ${r.rule.line}) does not hold for ${r.source}: ${told(r.firstFailed)}; seen: ${r.firstFailed.saw.map(plain).join(', ') || 'nothing'}`,
    ),
    ...(rules.length === 0 && grants.length === 0
      ? ['       no rule that names it was judged: no rule names it, or no source has said anything that counts']
      : []),
  ];
}

function told({ condition: c, of }: Verdict): string {
  switch (c.kind) {
    case 'group':
      return `group ${'glob' in c.test ? `like ${c.test.glob}` : c.label}${c.ids ? ` (${c.ids.join(', ')})` : ''}`;
    case 'claim':
      return `claim ${c.name} ${Object.entries(c.test)
        .map(([how, what]) => `${how} ${Array.isArray(what) ? what.join(' or ') : String(what)}`)
        .join(' ')}`;
    case 'emailDomain':
      return `e-mail domain ${c.domain}`;
    case 'connection':
      return `connection ${c.connection}`;
    case 'not':
      return `not (${of.map(told).join(', ')})`;
    default:
      return `${c.kind} of (${of.map(told).join('; ')})`;
  }
}

export async function journal(house: House, live: LiveTenant, filter: Parameters<House['store']['journal']['list']>[1], out: Output): Promise<void> {
  const entries = await house.store.journal.list(live.tenant.id, filter);
  const rows = entries.map((e) => [e.at.toISOString(), e.outcome, e.cause, e.code ?? '', plain(e.resourceId ?? ''), e.actor, e.reference ?? '']);
  out.result({ entries }, entries.length === 0 ? 'nothing yet' : table(['at', 'outcome', 'cause', 'code', 'resource', 'actor', 'reference'], rows));
}
