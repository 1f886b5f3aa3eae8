/** members: who is meant by an element of a group's members, in whatever way clients write it (RFC 7643 §4.2). */
import { invalidValue } from './error.ts';
import { isObject, keyed } from './own.ts';

const LONGEST_ID = 256;

const NO_ID = () => invalidValue('members: each needs the id of a user as its value');

export interface Member {
  id: string;
  /** A group in the group: left out. */
  group: boolean;
}

/** An object or a bare id; named by `value`, or by `$ref` alone. Null where it names nobody. Throws `ScimError` invalidValue where that is no id. */
export function memberIn(one: unknown): Member | null {
  const element = isObject(one) ? one : { value: one };
  const [type, reference] = [keyed(element, 'type'), keyed(element, '$ref')];
  const address = typeof reference === 'string' ? reference : '';
  const group = typeof type === 'string' ? type.toLowerCase() === 'group' : /(^|\/)Groups\/[^/]*$/i.test(address);
  const value = keyed(element, 'value') ?? lastOf(address);
  if (value === '') return null;
  if (typeof value !== 'string') throw NO_ID();
  return { id: value, group };
}

/** `https://…/Users/01hx…`, or relative: the id is the last part. */
function lastOf(address: string): string {
  const last = address.slice(address.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** In a PATCH each operation says of whom; an id that can be nobody's is refused there, and left out of a whole list. */
export function checkedId(value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.length > LONGEST_ID || /[\p{Cc}\p{Surrogate}]/u.test(value)) throw NO_ID();
  return value;
}
