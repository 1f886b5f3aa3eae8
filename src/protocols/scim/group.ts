/** group: a Group as a client writes and reads it (RFC 7643 §4.2). */
import type { Group } from '../../core/model.ts';
import { SEARCHABLE_LENGTH } from '../../core/search.ts';
import { invalidSyntax, invalidValue, ScimError } from './error.ts';
import { memberIn } from './members.ts';
import { isObject, type Json, keyed } from './own.ts';
import { etagOf } from './resource.ts';
import { findAttribute, GROUP, type ResourceSchema, sameUrn, splitUrn } from './schema.ts';

export interface GroupWritten {
  displayName: string;
  externalId: string | null;
  /** Null: not said. `nested` are groups, which are left out. */
  members: { users: string[]; nested: string[] } | null;
  ignored: string[];
}

const MOST_MEMBERS = 100_000;

/** A body of POST or PUT. Throws 400: invalidSyntax, invalidValue, tooMany. */
export function readGroup(body: unknown, schema: ResourceSchema): GroupWritten {
  if (!isObject(body)) throw invalidSyntax('The body must be a JSON object');
  const said = unqualified(body);
  return {
    displayName: groupName(keyed(said, 'displayname')),
    externalId: groupExternalId(keyed(said, 'externalid')),
    members: readMembers(keyed(said, 'members')),
    ignored: Object.keys(said)
      .filter((key) => !findAttribute(schema, key) && !/^(schemas|urn:|https?:)/i.test(key))
      .map((key) => `${key.slice(0, 100)}: not an attribute of a Group`),
  };
}

/** Attributes may be written with the schema's URN before each, or under it (RFC 7644 §3.10); the plain name goes before these. */
function unqualified(body: Json): Json {
  const under: [string, unknown][] = [];
  const before: [string, unknown][] = [];
  const plain: [string, unknown][] = [];
  for (const [key, value] of Object.entries(body)) {
    const { urn, name } = splitUrn(key);
    if (sameUrn(key, GROUP) && isObject(value)) under.push(...Object.entries(value));
    else if (urn !== null && sameUrn(urn, GROUP)) before.push([name, value]);
    else plain.push([key, value]);
  }
  return Object.fromEntries(new Map([...under, ...before, ...plain].map(([key, value]) => [key.toLowerCase(), [key, value] as const])).values());
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
  const list = Array.isArray(value) ? value : [value];
  if (list.length > MOST_MEMBERS) throw new ScimError(400, 'tooMany', `members: at most ${MOST_MEMBERS} in one request`);
  const [users, nested] = [new Set<string>(), new Set<string>()];
  for (const one of list) {
    const member = memberIn(one ?? '');
    if (member) (member.group ? nested : users).add(member.id);
  }
  return { users: [...users], nested: [...nested] };
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
