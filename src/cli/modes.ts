/** `matricula mode`, `hand-over`, `held`, `seats`: how a tenant is provisioned, and what waits for an operator. */
import { type House, operateOf } from '../app.ts';
import type { ModeRequest, ModeState } from '../core/mode.ts';
import type { Consequences } from '../flows/mode.ts';
import type { LiveTenant } from '../flows/tenants.ts';
import { EXIT, Exit, type Output, plain, table } from './output.ts';
import { stateOf } from './people.ts';

const named = ({ mode, phase }: ModeState): string => (phase === null ? mode : `${mode} (${phase})`);

export async function modeShow(house: House, { tenant }: LiveTenant, out: Output): Promise<void> {
  const state = await operateOf(house).state(tenant.id);
  const seats = state.seats === null ? `${state.active} active users` : `${state.active} of ${state.seats} seats taken`;
  out.result({ tenant: tenant.id, ...state }, `${named(state)} since ${state.since.toISOString()}, ${seats}`);
}

interface Change {
  request: ModeRequest;
  confirm: string | undefined;
  drop: boolean;
  /** The command without its confirmation, for the hint. */
  command: string;
}

/** Without a confirmation nothing is done: what it would mean is shown, with the confirmation that belongs to it. */
export async function modeChange(house: House, { tenant }: LiveTenant, { request, confirm, drop, command }: Change, out: Output): Promise<void> {
  const asked = { tenantId: tenant.id, request, confirm: confirm ?? null, held: drop ? ('drop' as const) : ('release' as const), actor: 'cli' };
  const done = await operateOf(house).change(asked);
  if (done.kind === 'unchanged') return out.result(done, `${named(done.state)} already`);
  const { consequences } = done;
  if (done.kind === 'to-confirm')
    return out.result(
      done,
      [...told(consequences, drop), '', 'Nothing has been done. To do it:', `  ${command} --confirm ${consequences.confirm}`].join('\n'),
    );
  const token = done.token
    ? [`The directory's address: ${done.scimBaseUrl}`, `Its token: ${done.token.token}`, 'Keep it now: it is not shown again.']
    : [];
  out.result(done, [`${named(consequences.from)} → ${named(consequences.to)}`, ...token].join('\n'));
}

function told({ from, to, tokensRevoked, users, active, enrolments, held, lastDirectoryRequest, outcome }: Consequences, drop: boolean): string[] {
  const become = { none: 'stay as they are', released: drop ? 'are dropped' : 'happen', dropped: 'are dropped' }[held.become];
  return [
    `${named(from)} → ${named(to)}`,
    outcome,
    `${users} users, ${active} active, ${enrolments} enrolments: all stay`,
    ...(held.changes > 0 ? [`${held.changes} held changes of ${held.people} people ${become}`] : []),
    ...(tokensRevoked > 0
      ? [`${tokensRevoked} token(s) of the directory end at once; its last request was ${lastDirectoryRequest?.toISOString() ?? 'never'}`]
      : []),
  ];
}

export async function handOver(house: House, { tenant }: LiveTenant, limit: number, out: Output): Promise<void> {
  const report = await operateOf(house).handOver(tenant.id, limit);
  const { adopted, created, notYetSeen, conflicting, wouldLose, duplicates } = report;
  const lines = [
    `adopting since ${report.since.toISOString()}, ${report.days} days${report.forgotten ? ': forgotten? complete or abort it' : ''}`,
    `${adopted.people} adopted, ${created.people} created, ${notYetSeen.people} not yet seen by the directory`,
    ...notYetSeen.some.map((p) => `  not yet seen: ${plain(p.userName)}`),
    `${conflicting.length} conflicting`,
    ...conflicting.map((c) => `  ${plain(c.subject)}: ${plain(c.why)}. ${c.advice}`),
    `${wouldLose.people} people would lose something`,
    ...wouldLose.changes.map((h) => `  ${plain(h.person.userName)}: ${h.what === 'grant' ? h.target : `${h.what} ${h.value}`}`),
    ...duplicates.map((d) => `  perhaps one person: ${plain(d.created.userName)} (created) and ${plain(d.notYetSeen.userName)} (not yet seen)`),
  ];
  out.result(report, lines.join('\n'));
}

export async function heldList(house: House, { tenant }: LiveTenant, page: { after: string | null; limit: number }, out: Output): Promise<void> {
  const { held, next, people, changes } = await operateOf(house).held(tenant.id, page);
  const rows = held.map((h) => [
    h.person.id,
    plain(h.person.userName),
    h.what,
    h.what === 'grant' ? h.target : String(h.value),
    h.cause,
    `${h.days} days`,
  ]);
  const more = next ? `\nmore: --after ${next}` : '';
  out.result(
    { people, changes, held, next },
    rows.length === 0 ? 'nothing is held' : `${table(['user', 'userName', 'what', 'would go, or become', 'held by', 'for'], rows)}${more}`,
  );
}

export async function heldEnd(
  house: House,
  live: LiveTenant,
  { how, users, all, reason }: { how: 'release' | 'drop'; users: string[]; all: boolean; reason: string },
  out: Output,
): Promise<void> {
  if (all === users.length > 0) throw new Exit(EXIT.usage, 'name users, or say --all');
  const ids: string[] = [];
  for (const term of users) ids.push((await stateOf(house, live, term)).user.id);
  const done = await operateOf(house).endHeld({ tenantId: live.tenant.id, how, users: all ? 'all' : ids, reason, actor: 'cli' });
  out.result(done, `${done.people} people ${how === 'release' ? 'released' : 'dropped'}`);
}

export async function seats(house: House, { tenant }: LiveTenant, to: string | undefined, out: Output): Promise<void> {
  if (to === undefined) {
    const { seats: limit, active } = await operateOf(house).state(tenant.id);
    return out.result({ seats: limit, active }, limit === null ? `no ceiling, ${active} active` : `${active} of ${limit} taken`);
  }
  if (to !== 'file' && !/^\d{1,8}$/.test(to)) throw new Exit(EXIT.usage, 'a number of seats, or file for what the tenant file says');
  const done = await operateOf(house).setSeats({ tenantId: tenant.id, seats: to === 'file' ? null : Number(to), actor: 'cli' });
  out.result(done, done.seats === null ? `no ceiling, ${done.active} active` : `${done.active} of ${done.seats} taken`);
}
