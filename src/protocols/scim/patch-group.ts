/**
 * PATCH of a group, reduced to what is to become of it (RFC 7644 §3.5.2). Who is in the group is not looked at, so that one member more costs
 * the same in any group: additions and removals are sets.
 */

import { invalidPath, invalidValue, mutability } from './error.ts';
import type { Filter } from './filter.ts';
import { MOST_MEMBERS, memberId, membersIn } from './members.ts';
import { isObject, keyed } from './own.ts';
import { inOperation, type Operation } from './patch.ts';
import { type Path, parsePath } from './path.ts';
import { type Found, findAttribute, type ResourceSchema, splitUrn } from './schema.ts';
import { normaliseValue } from './values.ts';

export interface GroupRevision {
  displayName?: string;
  /** Null: taken away. */
  externalId?: string | null;
  members: {
    /** The list was replaced: exactly those of `add` are left. */
    reset: boolean;
    add: string[];
    remove: string[];
    /** Groups among the members that were to be added: left out. */
    nested: string[];
  };
  /** Parts of the request that were left out, and why. */
  ignored: string[];
}

interface Draft {
  displayName?: string;
  externalId?: string | null;
  reset: boolean;
  add: Set<string>;
  remove: Set<string>;
  nested: Set<string>;
  ignored: string[];
}

/** Throws 400 with the operation's number: invalidPath, invalidValue, mutability. */
export function patchGroup(operations: readonly Operation[], schema: ResourceSchema): GroupRevision {
  const draft: Draft = { reset: false, add: new Set(), remove: new Set(), nested: new Set(), ignored: [] };
  for (const operation of operations) inOperation(operation.number, () => apply(draft, operation, schema));
  const { reset, add, remove, nested, ...rest } = draft;
  return { ...rest, members: { reset, add: [...add], remove: [...remove], nested: [...nested] } };
}

function apply(draft: Draft, { op, path, value }: Operation, schema: ResourceSchema): void {
  if (path) {
    change(draft, targetOf(path, schema), { op, value });
    return;
  }
  for (const [key, one] of Object.entries(isObject(value) ? value : {})) {
    if (splitUrn(key).urn === null && /^https?:/i.test(key)) draft.ignored.push(`${key.slice(0, 100)}: not a schema of groups`);
    else if (isServers(key, schema)) draft.ignored.push(`${key}: set by the server`);
    else change(draft, targetOf(parsePath(key), schema), { op, value: one });
  }
}

const isServers = (key: string, schema: ResourceSchema): boolean => {
  const name = findAttribute(schema, key)?.attribute.name;
  return name === 'id' || name === 'schemas' || name === 'meta';
};

interface Target {
  path: Path;
  found: Found;
}

function targetOf(path: Path, schema: ResourceSchema): Target {
  const found = findAttribute(schema, path.sub === null ? path.attribute : `${path.attribute}.${path.sub}`);
  if (!found) throw invalidPath(`path: a group has no attribute ${path.text.slice(0, 200)}`);
  const { name, mutability: writable, multiValued } = found.attribute;
  if (writable === 'readOnly' || name === 'schemas') throw mutability(`${name}: set by the server`);
  if (path.filter && !multiValued) throw invalidPath(`path: ${name} is no list`);
  return { path, found };
}

type Change = Pick<Operation, 'op' | 'value'>;

function change(draft: Draft, { path, found }: Target, { op, value }: Change): void {
  if (found.attribute.name !== 'members') changeOwn(draft, found, { op, value });
  else if (path.filter) changeChosen(draft, { filter: path.filter, found }, { op, value });
  else changeMembers(draft, found, { op, value });
}

/** What the group itself says. */
function changeOwn(draft: Draft, found: Found, { op, value }: Change): void {
  const next = op === 'remove' ? undefined : normaliseValue(found, value);
  if (found.attribute.name === 'externalId') draft.externalId = typeof next === 'string' ? next : null;
  if (found.attribute.name !== 'displayName') return;
  if (op === 'remove') throw mutability('displayName: a group cannot be without it');
  if (typeof next !== 'string') throw invalidValue('displayName: a group cannot be without it');
  draft.displayName = next;
}

/** `members`, or `members.value`, which says the same. */
function changeMembers(draft: Draft, { sub }: Found, { op, value }: Change): void {
  if (sub && sub.name !== 'value') throw mutability(`members.${sub.name}: set by the server`);
  // Without a list of values RFC 7644 and every client mean all of them; with one, Entra means these only.
  const everybody = op === 'remove' && (value === undefined || value === null);
  const { users, nested } = everybody ? { users: [], nested: [] } : membersIn(value, 'strict');
  if (everybody || op === 'replace') empty(draft);
  if (op === 'remove') takeOut(draft, [...users, ...nested]);
  else putIn(draft, users, nested);
}

function empty(draft: Draft): void {
  draft.reset = true;
  draft.add.clear();
  draft.remove.clear();
  draft.nested.clear();
}

function putIn(draft: Draft, ids: readonly string[], nested: readonly string[]): void {
  for (const id of ids) {
    draft.add.add(id);
    draft.remove.delete(id);
  }
  for (const id of nested) draft.nested.add(id);
  if (draft.add.size > MOST_MEMBERS) throw invalidValue(`members: more than ${MOST_MEMBERS} in one request`);
}

function takeOut(draft: Draft, ids: readonly string[]): void {
  for (const id of ids) {
    draft.add.delete(id);
    draft.nested.delete(id);
    // Of a list that was replaced, nobody else is left.
    if (!draft.reset) draft.remove.add(id);
  }
  if (draft.remove.size > MOST_MEMBERS) throw invalidValue(`members: more than ${MOST_MEMBERS} in one request`);
}

/** `members[value eq "u1"]`. A member is its id: there is nothing of it to be changed. */
function changeChosen(draft: Draft, { filter, found: { sub } }: { filter: Filter; found: Found }, { op, value }: Change): void {
  const ids = chosen(filter);
  if (sub && sub.name !== 'value') throw mutability(`members.${sub.name}: set by the server`);
  if (op === 'remove') {
    takeOut(draft, ids);
    return;
  }
  const others = membersIn(isObject(value) && !keyed(value, 'value') ? [] : value, 'strict').users.filter((id) => !ids.includes(id));
  if (others.length > 0) throw mutability('members.value: a member is added or removed, never changed');
  putIn(draft, ids, []);
}

function chosen(filter: Filter): string[] {
  if (filter.kind === 'or') return filter.of.flatMap(chosen);
  if (filter.kind === 'and') return chosenByAll(filter.of);
  if (filter.kind !== 'compare' || filter.path.toLowerCase() !== 'value' || filter.op !== 'eq' || typeof filter.value !== 'string')
    throw invalidPath('path: members are chosen by value eq "…", one or several with or');
  return [memberId(filter.value)];
}

/** `value eq "u1" and type eq "User"`: every member here is a User. */
function chosenByAll(parts: readonly Filter[]): string[] {
  const types = parts.filter((one) => one.kind === 'compare' && one.op === 'eq' && one.path.toLowerCase() === 'type');
  const [first = [], ...more] = parts.filter((one) => !types.includes(one)).map(chosen);
  const users = types.every((one) => one.kind === 'compare' && String(one.value).toLowerCase() === 'user');
  return users ? first.filter((id) => more.every((ids) => ids.includes(id))) : [];
}
