/** members: who a client means by the members of a group (RFC 7643 §4.2): ids, objects with an id, or addresses alone; one or a list. */
import { invalidValue } from './error.ts';
import { isObject, keyed } from './own.ts';
import { readReference } from './reference.ts';

export interface Members {
  users: string[];
  /** Groups, which are left out. */
  nested: string[];
}

export const MOST_MEMBERS = 100_000;
const LONGEST_ID = 256;

/**
 * Each once. In a whole group (`lenient`) who names nobody is passed over, and any text is taken: whom nobody knows is left out later, and keeps
 * nobody else out. In a PATCH (`strict`) both are refused. Throws `ScimError` invalidValue.
 */
export function membersIn(value: unknown, reading: 'strict' | 'lenient'): Members {
  const [users, nested] = [new Set<string>(), new Set<string>()];
  for (const one of Array.isArray(value) ? value : missing(value) ? [] : [value]) {
    const { id, isGroup } = member(isObject(one) ? one : { value: one });
    if (reading === 'lenient' && missing(id)) continue;
    (isGroup ? nested : users).add(reading === 'lenient' && typeof id === 'string' ? id : memberId(id));
  }
  return { users: [...users], nested: [...nested] };
}

const missing = (value: unknown): boolean => value === undefined || value === null || value === '';

/** The value counts; without one, the last segment of the address (`https://…/Users/u1`, `../Users/u1`). */
function member(element: Record<string, unknown>): { id: unknown; isGroup: boolean } {
  const [value, type, address] = ['value', 'type', '$ref'].map((name) => keyed(element, name));
  const named = readReference(typeof address === 'string' ? address : '');
  const isGroup = (typeof type === 'string' && type.toLowerCase() === 'group') || named.kind.toLowerCase() === 'groups';
  return { id: missing(value) ? named.id : value, isGroup };
}

/** Throws `ScimError` invalidValue. */
export function memberId(value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.length > LONGEST_ID || /[\p{Cc}\p{Surrogate}]/u.test(value))
    throw invalidValue('members: each needs the id of a user as its value');
  return value;
}
