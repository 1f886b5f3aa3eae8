/** `matricula user …`, `explain`, `journal`: the people of a tenant, read from the kept facts, and edits by hand. */
import type { House } from '../app.ts';
import { targetsOf } from '../core/diff.ts';
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

export async function journal(house: House, live: LiveTenant, filter: Parameters<House['store']['journal']['list']>[1], out: Output): Promise<void> {
  const entries = await house.store.journal.list(live.tenant.id, filter);
  const rows = entries.map((e) => [e.at.toISOString(), e.outcome, e.cause, e.code ?? '', plain(e.resourceId ?? ''), e.actor, e.reference ?? '']);
  out.result({ entries }, entries.length === 0 ? 'nothing yet' : table(['at', 'outcome', 'cause', 'code', 'resource', 'actor', 'reference'], rows));
}
