/** group: a Group as a client writes and reads it (RFC 7643 §4.2). */
import { isDeepStrictEqual } from 'node:util';
import type { Group } from '../../core/model.ts';
import { SEARCHABLE_LENGTH } from '../../core/search.ts';
import { invalidSyntax, invalidValue, ScimError } from './error.ts';
import { type Members, MOST_MEMBERS, membersIn } from './members.ts';
import { isObject } from './own.ts';
import { etagOf } from './resource.ts';
import { findAttribute, GROUP, type ResourceSchema, sameUrn, splitUrn } from './schema.ts';

export interface GroupWritten {
  displayName: string;
  externalId: string | null;
  /** Null: not said. `nested` are groups, which are left out. */
  members: Members | null;
  ignored: string[];
}

const WRITABLE = new Set(['displayName', 'externalId', 'members']);

/** A body of POST or PUT: attributes by name, with or without the schema's URN, or below it. Throws 400: invalidSyntax, invalidValue, tooMany. */
export function readGroup(body: unknown, schema: ResourceSchema): GroupWritten {
  if (!isObject(body)) throw invalidSyntax('The body must be a JSON object');
  const reading: Reading = { schema, said: new Map(), ignored: [] };
  for (const [key, value] of Object.entries(body)) {
    if (sameUrn(key, GROUP) && isObject(value)) for (const [inner, one] of Object.entries(value)) readKey(reading, inner, one);
    else readKey(reading, key, value);
  }
  const { said, ignored } = reading;
  return {
    displayName: groupName(said.get('displayName')),
    externalId: groupExternalId(said.get('externalId')),
    members: readMembers(said.get('members')),
    ignored,
  };
}

interface Reading {
  schema: ResourceSchema;
  /** By the schema's own names. */
  said: Map<string, unknown>;
  ignored: string[];
}

function readKey({ schema, said, ignored }: Reading, key: string, value: unknown): void {
  const found = findAttribute(schema, key);
  // `members.value` says the same as `members`.
  if (found?.sub && found.sub.name !== 'value') ignored.push(`${key.slice(0, 100)}: set by the server`);
  else if (found && WRITABLE.has(found.attribute.name)) say(said, found.attribute.name, value);
  else if (!found && (!/^(urn:|https?:)/i.test(key) || sameUrn(splitUrn(key).urn ?? '', GROUP)))
    ignored.push(`${key.slice(0, 100)}: not an attribute of a Group`);
}

/** Said under two names it must be the same: whichever was left out, members would be lost. */
function say(said: Map<string, unknown>, name: string, value: unknown): void {
  const before = said.get(name) ?? null;
  if (before !== null && value !== null && !isDeepStrictEqual(before, value)) throw invalidValue(`${name}: given twice, and not the same`);
  said.set(name, before ?? value);
}

/** Kept as sent. */
export function groupName(value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '') throw invalidValue('displayName: required');
  return checked('displayName', value);
}

export function groupExternalId(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string' && typeof value !== 'number') throw invalidValue('externalId: text');
  return checked('externalId', String(value));
}

function checked(name: string, text: string): string {
  if (text.length > SEARCHABLE_LENGTH) throw invalidValue(`${name}: at most ${SEARCHABLE_LENGTH} characters`);
  if (/[\p{Cc}\p{Surrogate}]/u.test(text)) throw invalidValue(`${name}: characters that are no text`);
  return text;
}

function readMembers(value: unknown): GroupWritten['members'] {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value) && value.length > MOST_MEMBERS) throw new ScimError(400, 'tooMany', `members: at most ${MOST_MEMBERS} in one request`);
  return membersIn(value, 'lenient');
}

/** `members` null: not wanted, and not read. An empty group has no `members`. */
export function toGroup(
  group: Group,
  members: readonly { userId: string; display: string }[] | null,
  { base }: { base: string },
): Record<string, unknown> {
  const { id, displayName, externalId, version, createdAt, updatedAt } = group;
  return {
    schemas: [GROUP],
    id,
    ...(externalId !== null && { externalId }),
    displayName,
    ...(members !== null &&
      members.length > 0 && {
        members: members.map(({ userId, display }) => ({ value: userId, $ref: `${base}/Users/${userId}`, display, type: 'User' })),
      }),
    meta: {
      resourceType: 'Group',
      created: createdAt.toISOString(),
      lastModified: updatedAt.toISOString(),
      location: `${base}/Groups/${id}`,
      version: etagOf(version),
    },
  };
}
