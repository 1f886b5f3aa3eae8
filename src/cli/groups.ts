/** `matricula group …`: groups made by hand, and people put into any group by hand. What a directory made is the directory's to rename and delete. */
import type { House } from '../app.ts';
import type { Group } from '../core/model.ts';
import { cleanText, foldKey } from '../core/profile.ts';
import { moveMembers } from '../flows/memberships.ts';
import type { LiveTenant } from '../flows/tenants.ts';
import type { JournalEntry } from '../store/journal.ts';
import { EXIT, Exit, type Output, plain, table } from './output.ts';
import { stateOf } from './people.ts';

const PAGE = 1000;

/** By id, or by name where only one group has it. */
async function groupOf(house: House, { tenant }: LiveTenant, term: string): Promise<Group> {
  const byId = await house.store.groups.get(tenant.id, term);
  if (byId) return byId;
  const [only, another] = await house.store.groups.named(tenant.id, foldKey(term));
  if (another) throw new Exit(EXIT.refused, `more than one group is called ${plain(term)}: give the id`);
  if (!only) throw new Exit(EXIT.refused, `no group ${plain(term)} in tenant ${tenant.id}`);
  return only;
}

export async function groupList(house: House, { tenant }: LiveTenant, out: Output): Promise<void> {
  const { groups, next } = await house.store.groups.page(tenant.id, { after: null, limit: PAGE });
  const rows = groups.map((g) => [g.id, g.source, plain(g.displayName), plain(g.externalId ?? '-')]);
  const more = next === null ? '' : `\nand more than these ${PAGE}`;
  out.result({ groups, next }, groups.length === 0 ? 'no groups' : table(['id', 'made by', 'name', 'externalId'], rows) + more);
}

export async function groupShow(house: House, live: LiveTenant, term: string, out: Output): Promise<void> {
  const group = await groupOf(house, live, term);
  const found = await house.store.groups.members(group.tenantId, group.id, { after: null, limit: PAGE + 1 });
  const byHand = new Set(await house.store.groups.memberIds(group.tenantId, group.id, 'manual'));
  const byDirectory = new Set(await house.store.groups.memberIds(group.tenantId, group.id, 'directory'));
  const by = (id: string) => [...(byDirectory.has(id) ? ['directory'] : []), ...(byHand.has(id) ? ['hand'] : [])];
  const members = found.slice(0, PAGE).map((m) => ({ ...m, by: by(m.userId) }));
  const rows = members.map((m) => [m.userId, plain(m.display), m.by.join(' and ')]);
  const more = found.length > PAGE ? `\nand more than these ${PAGE}` : '';
  const head = `${plain(group.displayName)}, made by ${group.source === 'manual' ? 'hand' : 'the directory'}, id ${group.id}`;
  out.result({ group, members }, rows.length === 0 ? `${head}\nnobody in it` : `${head}\n${table(['id', 'name', 'put in by'], rows)}${more}`);
}

export async function groupCreate(house: House, { tenant }: LiveTenant, name: string, out: Output): Promise<void> {
  const displayName = cleanText(name, 256);
  if (displayName === '') throw new Exit(EXIT.usage, 'a group needs a name');
  if ((await house.store.groups.named(tenant.id, foldKey(displayName))).length > 0)
    throw new Exit(EXIT.refused, `there is a group ${plain(displayName)} already`);
  const now = house.flow.now();
  const group: Group = {
    tenantId: tenant.id,
    id: house.flow.newId(),
    displayName,
    displayNameKey: foldKey(displayName),
    externalId: null,
    source: 'manual',
    version: 1,
    unsettledSince: null,
    createdAt: now,
    updatedAt: now,
  };
  await house.store.groups.create(group, entry(house, group, 'created'));
  out.result(group, `created, id ${group.id}`);
}

export async function groupDelete(house: House, live: LiveTenant, term: string, out: Output): Promise<void> {
  const group = await groupOf(house, live, term);
  if (group.source === 'directory') throw new Exit(EXIT.refused, 'the directory made this group: it is deleted there');
  const change = { reset: true, add: [], remove: [] };
  await moveMembers({ ...house.flow, store: house.store }, { live, group, change, by: 'manual', actor: 'cli', reference: null, adopt });
  await house.store.groups.remove(group, entry(house, group, 'deleted'), null, house.flow.now());
  out.result({ deleted: group.id }, 'deleted');
}

export async function groupMember(
  house: House,
  live: LiveTenant,
  { group: term, user, member }: { group: string; user: string; member: boolean },
  out: Output,
): Promise<void> {
  const group = await groupOf(house, live, term);
  const { user: person } = await stateOf(house, live, user);
  const change = { reset: false, add: member ? [person.id] : [], remove: member ? [] : [person.id] };
  const moved = await moveMembers({ ...house.flow, store: house.store }, { live, group, change, by: 'manual', actor: 'cli', reference: null, adopt });
  const stays = !member && moved.byHand.length > 0 ? '; the directory has put them in, too, and they stay' : '';
  out.result(moved, moved.changed === 0 ? `nothing to change${stays}` : `done${stays}`);
}

/** By hand nobody is adopted (core/fold). */
const adopt = (): never => {
  throw new Error('a membership by hand adopts nobody');
};

const entry = ({ flow }: House, group: Group, done: string): JournalEntry => ({
  id: flow.newId(),
  tenantId: group.tenantId,
  at: flow.now(),
  actor: 'cli',
  cause: 'edit',
  action: null,
  resourceType: 'Group',
  resourceId: group.id,
  outcome: 'SUCCESS',
  code: done,
  reference: null,
  mappingVersion: null,
  detail: {},
});
