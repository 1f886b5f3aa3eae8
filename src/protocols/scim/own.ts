/** JSON objects from a client: own properties only, changed by making new ones, so that `__proto__` is a key like any other. */

export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

export const own = (object: Json, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);

/** An own key in whatever case (`operations`, `Op`); `name` is in lower case. */
export function keyed(object: Json, name: string): unknown {
  const key = Object.keys(object).find((one) => one.toLowerCase() === name);
  return key === undefined ? undefined : object[key];
}

/** The same with this key; `undefined` takes it away. */
export function put(object: Json, key: string, value: unknown): Json {
  const entries = new Map(Object.entries(object));
  if (value === undefined) entries.delete(key);
  else entries.set(key, value);
  return Object.fromEntries(entries);
}

/** Null, `''`, `[]` and `{}` all mean unassigned (RFC 7643 §2.5). */
export const isCleared = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);
