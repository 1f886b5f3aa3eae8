/**
 * values: what a client may write of one attribute that a table describes, in its stored form. The leniency that clients need is here (single values
 * for lists, text for booleans, other cases); everything behind it is strict.
 */
import { SEARCHABLE_LENGTH } from '../../core/search.ts';
import { invalidValue } from './error.ts';
import { isObject, keyed } from './own.ts';
import { readReference } from './reference.ts';
import { type Attribute, type Found, named } from './schema.ts';

const UNSEARCHABLE_LENGTH = 65_536;
const USER_NAME_LENGTH = 254;
export const MOST_ELEMENTS = 100;
/** No text to anybody; U+0000 and half a surrogate pair cannot be stored. */
const UNREADABLE = /[\0\p{Surrogate}]/u;

/**
 * One attribute or sub-attribute as it is stored; undefined where nothing is (null, `''`, an empty list or object).
 * Values are kept exactly as sent. Throws `ScimError` invalidValue, naming the attribute.
 */
export function normaliseValue({ attribute, sub, extension }: Found, value: unknown): unknown {
  const owner = extension ? `${extension.id}:` : '';
  if (sub) return simple(`${owner}${attribute.name}.${sub.name}`, sub, value);
  return ofAttribute(`${owner}${attribute.name}`, attribute, value);
}

function ofAttribute(path: string, attribute: Attribute, value: unknown): unknown {
  if (absent(value)) return undefined;
  if (attribute.multiValued) return list(path, attribute, value);
  if (attribute.type !== 'complex') return simple(path, attribute, value);
  return complex(path, attribute, attribute.name === 'manager' ? asManager(value) : value);
}

export const absent = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);

/** Clients send a bare id, a list of one, an address alone, or OneLogin's `managerId`. */
function asManager(value: unknown): unknown {
  const one = Array.isArray(value) ? value[0] : value;
  if (typeof one === 'string') return { value: one };
  if (!isObject(one) || keyed(one, 'value') !== undefined) return one;
  const [theirs, address] = [keyed(one, 'managerid'), keyed(one, '$ref')];
  if (typeof theirs === 'string') return { value: theirs };
  return typeof address === 'string' ? { value: readReference(address).id } : one;
}

function list(path: string, attribute: Attribute, value: unknown): unknown {
  // OneLogin's templates have one object where a list belongs.
  const items = Array.isArray(value) ? value : isObject(value) ? [value] : null;
  if (!items) throw invalidValue(`${path}: a list`);
  if (items.length > MOST_ELEMENTS) throw invalidValue(`${path}: at most ${MOST_ELEMENTS} elements`);
  const elements = items.map((one) => element(path, attribute, one)).filter((one) => one !== undefined);
  if (elements.filter((one) => isObject(one) && one['primary'] === true).length > 1) throw invalidValue(`${path}: more than one element is primary`);
  return elements.length === 0 ? undefined : elements;
}

function element(path: string, attribute: Attribute, one: unknown): unknown {
  if (absent(one)) return undefined;
  if (attribute.type !== 'complex') return simple(path, attribute, one);
  return complex(path, attribute, isObject(one) ? one : { value: one });
}

/** `$ref` is ours to say too: it follows from the value. */
export const isOurs = ({ mutability, name }: Attribute): boolean => mutability === 'readOnly' || name === '$ref';

function complex(path: string, attribute: Attribute, value: unknown): unknown {
  if (absent(value)) return undefined;
  if (!isObject(value)) throw invalidValue(`${path}: an object`);
  const kept = Object.entries(value).flatMap(([key, one]): [string, unknown][] => {
    const sub =
      named(attribute.subAttributes ?? [], key) ?? (key.toLowerCase() === 'displayname' ? named(attribute.subAttributes ?? [], 'display') : null);
    if (!sub || isOurs(sub)) return [];
    const clean = simple(`${path}.${sub.name}`, sub, one);
    return clean === undefined ? [] : [[sub.name, clean]];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function simple(path: string, attribute: Attribute, value: unknown): unknown {
  if (absent(value)) return undefined;
  if (attribute.type === 'boolean') return boolean(path, value);
  if (typeof value !== 'string') throw invalidValue(`${path}: text`);
  return checkedText(path, value, limitOf(attribute));
}

const limitOf = ({ name, uniqueness, searchable }: Attribute): number =>
  name === 'userName' && uniqueness === 'server' ? USER_NAME_LENGTH : searchable ? SEARCHABLE_LENGTH : UNSEARCHABLE_LENGTH;

export function checkedText(path: string, text: string, most: number): string {
  if (text.length > most) throw invalidValue(`${path}: at most ${most} characters`);
  if (UNREADABLE.test(text)) throw invalidValue(`${path}: characters that are no text`);
  return text;
}

/** Entra without `aadOptscim062020` sends "True". */
function boolean(path: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  const said = typeof value === 'string' ? value.trim().toLowerCase() : '';
  if (said !== 'true' && said !== 'false') throw invalidValue(`${path}: true or false`);
  return said === 'true';
}
