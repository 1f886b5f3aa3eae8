/** read: what a user has at the application, of what is asked about. */
import { randomUUID } from 'node:crypto';
import { type Connector, type Resource, TransientFailure } from '../connector.ts';
import { type Groups, isCalled } from './groups.ts';
import { membersOf } from './members.ts';
import { truth } from './told.ts';
import { isPrivileged, type Users } from './users.ts';
import { isGone, isObject, type Json, type Wire } from './wire.ts';

interface ReadDeps {
  wire: Wire;
  users: Users;
  groups: Groups;
  hasGroups: boolean;
}

export function createRead({ wire, users, groups, hasGroups }: ReadDeps): Connector['read'] {
  // Some applications never fill a user's `groups`, or always send it empty: an empty one is believed once another was not.
  let namesGroups = false;

  /** Whether the group itself names the user: asked where the user does not name its groups. */
  async function isMember(name: string, userId: string, signal: AbortSignal): Promise<boolean> {
    const id = await groups.find(name, signal);
    if (id === null) return false;
    try {
      const reply = await wire.ask('GET', `/Groups/${encodeURIComponent(id)}`, { signal });
      if (reply.ok) return membersOf(reply.body).some(({ value }) => value === userId);
      if (!isGone(reply)) throw wire.refusal(reply, 'the reading of a group');
    } catch (error) {
      // More members than one answer may hold.
      if (error instanceof TransientFailure && error.code === 'nonsense') return searchSays(wire, { groupId: id, userId, error }, signal);
      throw error;
    }
    groups.forget(name);
    return false;
  }

  async function isIn(user: Json, { name }: Resource, signal: AbortSignal): Promise<boolean> {
    const named = groupsOf(user);
    if (named.length === 0 && !namesGroups) return isMember(name, String(user['id']), signal);
    if (named.length === 0) return false;
    const byName = named.filter(({ display }) => isCalled(display, name));
    if (byName.length === 1) return true;
    // Named by their ids only, or renamed there, or several of that name.
    if (byName.length === 0 && named.every(({ display }) => typeof display === 'string' && display !== '')) return false;
    const id = await groups.find(name, signal);
    return named.some(({ value }) => value === id);
  }

  return async (accountId, wanted, signal) => {
    const user = await users.get(accountId, signal);
    if (!user) return null;
    namesGroups ||= groupsOf(user).length > 0;
    const resources: Resource[] = [];
    for (const resource of hasGroups ? wanted : []) if (resource.kind === 'target' && (await isIn(user, resource, signal))) resources.push(resource);
    return { resources, active: truth(user['active']), privileged: isPrivileged(user), evidence: null };
  };
}

const groupsOf = ({ groups }: Json): Json[] => (Array.isArray(groups) ? groups.filter(isObject) : []);

interface Doubt {
  groupId: string;
  userId: string;
  /** Why the group itself could not be read. */
  error: TransientFailure;
}

/** Believed where it is seen to filter: an application that takes no notice of it would put everybody into every group. */
async function searchSays(wire: Wire, { groupId, userId, error }: Doubt, signal: AbortSignal): Promise<boolean> {
  const ask = (value: string) => wire.search('Groups', { attribute: 'members.value', value, more: '&excludedAttributes=members' }, signal);
  const found = await ask(userId);
  if (found === null || (found.length > 0 && (await ask(`nobody-${randomUUID()}`))?.length !== 0)) throw error;
  return found.some(({ id }) => id === groupId);
}
