/** resource: a person as the directory reads them (RFC 7643 §4.1), and entity tags. */
import type { Person } from '../../core/model.ts';
import { currentDraft, type UserDraft } from './draft.ts';
import { ENTERPRISE, type ResourceSchema, USER } from './schema.ts';

export interface UserContext {
  /** `https://…/api/v1/scim/acme/v2` */
  base: string;
  schema: ResourceSchema;
  /** A manager's name, where it is known. */
  nameOf?: (userId: string) => string | undefined;
}

/** Everything as sent; what the server knows better (id, meta, groups, active, the manager's name) is said by the server. */
export function toUser(person: Person, { base, nameOf }: UserContext): Record<string, unknown> {
  const { user } = person;
  const { userName, externalId, ...said } = currentDraft(person);
  // Suspended here or by the directory, be it that the latter is held: it must read what it said, or it would say it again for ever.
  const draft: UserDraft = { ...said, active: said['active'] === true && user.status === 'active' };
  const { [ENTERPRISE]: enterprise, ...rest } = draft;
  const groups = groupsOf(person, base);
  // In an order of our own: PostgreSQL keeps none.
  const extensions = Object.keys(draft)
    .filter((key) => key.includes(':'))
    .sort((a, b) => Number(b === ENTERPRISE) - Number(a === ENTERPRISE) || (a < b ? -1 : 1));
  return {
    schemas: [USER, ...extensions],
    id: user.id,
    ...(externalId !== undefined && { externalId }),
    userName,
    ...rest,
    ...(groups.length > 0 && { groups }),
    ...(enterprise !== undefined && { [ENTERPRISE]: withManager(enterprise as Record<string, unknown>, { base, nameOf }) }),
    meta: {
      resourceType: 'User',
      created: user.createdAt.toISOString(),
      lastModified: user.updatedAt.toISOString(),
      location: `${base}/Users/${user.id}`,
      version: etagOf(user.version),
    },
  };
}

function groupsOf({ memberships, groups }: Person, base: string): object[] {
  const joined = new Set(memberships.map((m) => m.groupId));
  return groups
    .filter(({ id }) => joined.has(id))
    .map(({ id, displayName }) => ({ value: id, $ref: `${base}/Groups/${id}`, display: displayName, type: 'direct' }));
}

/** Always an object, even where somebody is meant who is not here yet. */
function withManager(
  enterprise: Record<string, unknown>,
  { base, nameOf }: { base: string; nameOf: UserContext['nameOf'] },
): Record<string, unknown> {
  const manager = enterprise['manager'] as { value?: string } | undefined;
  if (manager?.value === undefined) return enterprise;
  const displayName = nameOf?.(manager.value);
  const whole = {
    value: manager.value,
    $ref: `${base}/Users/${encodeURIComponent(manager.value)}`,
    ...(displayName !== undefined && { displayName }),
  };
  return { ...enterprise, manager: whole };
}

/** Weak: the same version may be written differently (RFC 7644 §3.14). */
export const etagOf = (version: number): string => `W/"${version}"`;

/** The versions that If-Match or If-None-Match names; null where the header is absent, `*` for any. What is no tag of ours matches nothing. */
export function versionsIn(header: string | undefined): number[] | '*' | null {
  if (header === undefined) return null;
  if (header.trim() === '*') return '*';
  return header.split(',').flatMap((tag) => {
    const version = /^\s*(?:W\/)?"(\d{1,10})"\s*$/.exec(tag)?.[1];
    return version === undefined ? [] : [Number(version)];
  });
}
