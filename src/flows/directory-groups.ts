/** Groups of the directory. The group's own row is written with its journal line; who is in it goes the one way, person by person. */
import { isDeepStrictEqual } from 'node:util';
import type { Group } from '../core/model.ts';
import { foldKey } from '../core/profile.ts';
import { currentDraft } from '../protocols/scim/draft.ts';
import { ScimError } from '../protocols/scim/error.ts';
import { readGroup, toGroup } from '../protocols/scim/group.ts';
import { readPatch } from '../protocols/scim/patch.ts';
import { patchGroup } from '../protocols/scim/patch-group.ts';
import { type Projection, project, readProjection, wants } from '../protocols/scim/projection.ts';
import { etagOf, versionsIn } from '../protocols/scim/resource.ts';
import { GROUP_RESOURCE } from '../protocols/scim/schema.ts';
import { Conflict, Vanished } from '../store/database.ts';
import {
  type At,
  askerOf,
  type DirectoryAnswer,
  type DirectoryDeps,
  type DirectoryRequest,
  record,
  syncLine,
  writeGroup,
} from './directory-request.ts';
import { expected, say } from './directory-users.ts';
import { type MemberChange, type MembersMoved, moveMembers, settleGroup } from './memberships.ts';

/** A changed group is answered whole up to so many members; beyond that with 204 (RFC 7644 §3.5.2), so that one member costs the same in any group. */
export const SHOWN_MEMBERS = 500;
const TRIES = 5;
const PAGE = 1000;

export async function answerGroup(deps: DirectoryDeps, at: At, request: DirectoryRequest): Promise<DirectoryAnswer> {
  const projection = readProjection(request.query, GROUP_RESOURCE);
  if (request.method === 'GET') return readOne(deps, at, request, projection);
  try {
    // Lists that are replaced at once must not be mixed, and of two that create one group the second must see the first's.
    const turn = JSON.stringify([at.live.tenant.id, 'group', request.segments[1] ?? '']);
    return await deps.turns.take([turn], () => write(deps, at, request, projection));
  } catch (error) {
    if (error instanceof Vanished) throw new ScimError(404, null, 'Resource not found');
    throw error;
  }
}

async function write(deps: DirectoryDeps, at: At, request: DirectoryRequest, projection: Projection): Promise<DirectoryAnswer> {
  switch (request.method) {
    case 'POST':
      return create(deps, at, request, projection);
    case 'DELETE':
      return remove(deps, at, request);
    default:
      return change(deps, at, request, projection);
  }
}

async function readOne(deps: DirectoryDeps, at: At, request: DirectoryRequest, projection: Projection): Promise<DirectoryAnswer> {
  const group = await existing(deps, at, request.segments[1]!);
  const known = versionsIn(request.ifNoneMatch);
  const headers = { ETag: etagOf(group.version) };
  if (known === '*' || known?.includes(group.version)) return { status: 304, body: null, headers, changed: null, ignored: [] };
  return { status: 200, body: await shownGroup(deps, at, group, projection), headers, changed: null, ignored: [] };
}

async function existing(deps: DirectoryDeps, at: At, id: string): Promise<Group> {
  const group = await deps.store.groups.get(at.live.tenant.id, id);
  if (!group) throw new ScimError(404, null, 'Resource not found');
  return group;
}

/** What is to become of a group. `undefined` = not said. */
interface Wanted {
  displayName?: string;
  externalId?: string | null;
  members: MemberChange;
  nested: string[];
  ignored: string[];
}

const NO_MEMBERS: MemberChange = { reset: false, add: [], remove: [] };

async function create(deps: DirectoryDeps, at: At, request: DirectoryRequest, projection: Projection): Promise<DirectoryAnswer> {
  const { displayName, externalId, members, ignored } = readGroup(request.body, GROUP_RESOURCE);
  const wanted: Wanted = {
    displayName,
    externalId,
    members: members ? { ...NO_MEMBERS, add: members.users } : NO_MEMBERS,
    nested: members?.nested ?? [],
    ignored,
  };
  const local = await placeFor(deps, at, displayName, externalId);
  // A group made by hand becomes the directory's: with its id, and with the members that were put in by hand.
  if (local) return written(deps, at, { group: local, wanted, method: 'POST', projection, ifMatch: undefined });
  const now = deps.now();
  const group: Group = {
    tenantId: at.live.tenant.id,
    id: deps.newId(),
    displayName,
    displayNameKey: foldKey(displayName),
    externalId,
    source: 'directory',
    version: 1,
    unsettledSince: null,
    createdAt: now,
    updatedAt: now,
  };
  const line = { method: 'POST', resourceType: 'Group', resourceId: group.id, outcome: 'SUCCESS', code: 'created-by-directory', detail: {} } as const;
  try {
    await writeGroup(deps, at, (groups) => groups.create(group, syncLine(deps, at, line)));
  } catch (error) {
    if (error instanceof Conflict) await refuseTaken(deps, at, group); // another node made it just now
    throw error;
  }
  return written(deps, at, { group, wanted, method: 'POST', projection, ifMatch: undefined });
}

/** The group made by hand that this name takes over; null where a new one is to be made. */
async function placeFor(deps: DirectoryDeps, at: At, displayName: string, externalId: string | null): Promise<Group | null> {
  const { sameName, matchLocal } = at.live.tenant.scim.groups;
  const taken = (detail: string) => new ScimError(409, 'uniqueness', detail);
  await refuseTaken(deps, at, { id: '', externalId });
  const named = await deps.store.groups.named(at.live.tenant.id, foldKey(displayName));
  const local = named.find((group) => group.source === 'manual');
  if (local && matchLocal) return local;
  if (named.length > 0 && sameName === 'refuse') throw taken('displayName: another group has this name, and the tenant allows each only once');
  return null;
}

/** An externalId says which group it is when the directory comes back for it. */
async function refuseTaken({ store }: DirectoryDeps, at: At, { id, externalId }: Pick<Group, 'id' | 'externalId'>): Promise<void> {
  if (externalId === null) return;
  const others = (await store.groups.byExternalId(at.live.tenant.id, externalId)).filter((group) => group.id !== id);
  if (others.length > 0) throw new ScimError(409, 'uniqueness', 'externalId: another group has this externalId');
}

async function change(deps: DirectoryDeps, at: At, request: DirectoryRequest, projection: Projection): Promise<DirectoryAnswer> {
  const wanted = request.method === 'PUT' ? replacement(request.body) : revision(request.body);
  const group = await existing(deps, at, request.segments[1]!);
  return written(deps, at, { group, wanted, method: request.method, projection, ifMatch: request.ifMatch });
}

function replacement(body: unknown): Wanted {
  const { displayName, externalId, members, ignored } = readGroup(body, GROUP_RESOURCE);
  const { users, nested } = members ?? { users: [], nested: [] };
  return { displayName, externalId, members: { reset: true, add: users, remove: [] }, nested, ignored };
}

function revision(body: unknown): Wanted {
  const { members, ...rest } = patchGroup(readPatch(body), GROUP_RESOURCE);
  return { ...rest, members, nested: members.nested };
}

interface Writing {
  group: Group;
  wanted: Wanted;
  method: string;
  projection: Projection;
  ifMatch: string | undefined;
}

async function written(deps: DirectoryDeps, at: At, { group, wanted, method, projection, ifMatch }: Writing): Promise<DirectoryAnswer> {
  const { displayName, externalId, members, nested } = wanted;
  const named = await rename(deps, at, { group, displayName, externalId, ifMatch, method });
  const moved = await moveMembers(deps, {
    ...askerOf(at),
    group: named.group,
    change: members,
    by: 'directory',
    adopt: (state) => say(at, currentDraft(state)),
  });
  const left = [...wanted.ignored, ...leftOut(moved, nested)];
  const changed = method === 'POST' || named.changed || moved.changed > 0;
  if (!changed || left.length > 0)
    await record(deps, at, {
      method,
      resourceType: 'Group',
      resourceId: group.id,
      outcome: 'SKIPPED',
      code: changed ? 'left-out' : 'unchanged',
      detail: left.length > 0 ? { ignored: left.slice(0, 20) } : {},
    });
  const after = await existing(deps, at, group.id);
  const headers = { ETag: etagOf(after.version), ...(method === 'POST' && { Location: `${at.base}/Groups/${after.id}` }) };
  const large = method === 'PATCH' && wants(projection, 'members') && (await isLarge(deps, after));
  if (large) return { status: 204, body: null, headers, changed, ignored: left };
  return { status: method === 'POST' ? 201 : 200, body: await shownGroup(deps, at, after, projection), headers, changed, ignored: left };
}

const leftOut = ({ unknown, byHand }: MembersMoved, nested: string[]): string[] => [
  ...unknown.map((id) => `members: there is no user ${id}`),
  ...nested.map((id) => `members: ${id} is a group; groups in groups are left out`),
  ...byHand.map((id) => `members: ${id} was put into the group by hand and stays`),
];

const isLarge = async (deps: DirectoryDeps, { tenantId, id }: Group): Promise<boolean> =>
  (await deps.store.groups.members(tenantId, id, { after: null, limit: SHOWN_MEMBERS + 1 })).length > SHOWN_MEMBERS;

interface Renaming {
  group: Group;
  /** `undefined` = not said. */
  displayName: string | undefined;
  externalId: string | null | undefined;
  ifMatch: string | undefined;
  method: string;
}

/** The group's own row. Whoever writes a group made by hand makes it the directory's. */
async function rename(deps: DirectoryDeps, at: At, wanted: Renaming): Promise<{ group: Group; changed: boolean }> {
  const { group } = wanted;
  const only = refuseStale(wanted.ifMatch, group);
  const displayName = wanted.displayName ?? group.displayName;
  const externalId = wanted.externalId === undefined ? group.externalId : wanted.externalId;
  const after: Group = { ...group, displayName, displayNameKey: foldKey(displayName), externalId, source: 'directory' };
  const changed = !isDeepStrictEqual(after, group);
  if (!changed && only === null) return { group, changed };
  if (externalId !== group.externalId) await refuseTaken(deps, at, after);
  const now = deps.now();
  const renamed = displayName !== group.displayName || externalId !== group.externalId;
  const next = { ...after, updatedAt: now, unsettledSince: renamed ? now : group.unsettledSince };
  const code = group.source === 'manual' ? 'adopted-by-directory' : 'changed-by-directory';
  const line = { method: wanted.method, resourceType: 'Group', resourceId: group.id, outcome: 'SUCCESS', code, detail: {} } as const;
  try {
    // With If-Match the version is taken before the members move, so that of two requests that read the same only one goes on.
    await writeGroup(deps, at, (groups) => groups.update(next, only, changed ? syncLine(deps, at, line) : null));
  } catch (error) {
    if (error instanceof Conflict) {
      refuseStale(wanted.ifMatch, await existing(deps, at, group.id));
      await refuseTaken(deps, at, after);
    }
    throw error;
  }
  if (renamed) await settleGroup(deps, { ...askerOf(at), group: next, most: PAGE });
  return { group: next, changed };
}

/** The version that the client read, or null where any will do. */
function refuseStale(ifMatch: string | undefined, group: Group): number | null {
  const versions = expected(ifMatch);
  if (versions && !versions.includes(group.version)) throw new ScimError(412, null, 'The group has changed since you read it');
  return versions && group.version;
}

async function remove(deps: DirectoryDeps, at: At, request: DirectoryRequest): Promise<DirectoryAnswer> {
  const id = request.segments[1]!;
  for (let left = TRIES; ; left--) {
    const group = await existing(deps, at, id);
    if (left === TRIES) refuseStale(request.ifMatch, group);
    const everybody = { reset: true, add: [], remove: [] };
    await moveMembers(deps, { ...askerOf(at), group, change: everybody, by: 'directory', adopt: (state) => say(at, currentDraft(state)) });
    const line = { method: 'DELETE', resourceType: 'Group', resourceId: id, outcome: 'SUCCESS', code: 'deleted-by-directory', detail: {} } as const;
    try {
      // Whom somebody put in by hand stays, in a group by hand of the same name.
      const local = deps.newId();
      await writeGroup(deps, at, (groups) => groups.remove(group, syncLine(deps, at, line), local, deps.now()));
      return { status: 204, body: null, headers: {}, changed: true, ignored: [] };
    } catch (error) {
      if (!(error instanceof Conflict) || left === 1) throw error;
    }
  }
}

/** Its members are read only where they are wanted. */
export async function shownGroup(deps: DirectoryDeps, at: At, group: Group, projection: Projection): Promise<Record<string, unknown>> {
  const members = wants(projection, 'members') ? await membersOf(deps, group) : null;
  return project(toGroup(group, members, { base: at.base }), projection);
}

async function membersOf(deps: DirectoryDeps, { tenantId, id }: Group): Promise<{ userId: string; display: string }[]> {
  const all: { userId: string; display: string }[] = [];
  for (let after: string | null = null; ; after = all.at(-1)!.userId) {
    const page: { userId: string; display: string }[] = await deps.store.groups.members(tenantId, id, { after, limit: PAGE });
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}
