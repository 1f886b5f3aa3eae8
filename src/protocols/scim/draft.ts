/**
 * draft: what a client may write of a User, in the schema's spelling. The leniency that clients need is here and nowhere else (single values for lists,
 * text for booleans, dotted and URN keys, other cases); everything behind it is strict.
 */
import type { Person } from '../../core/model.ts';
import { SEARCHABLE_LENGTH } from '../../core/search.ts';
import { invalidSyntax, invalidValue } from './error.ts';
import { refuseForeign } from './foreign.ts';
import { isObject, keyed } from './own.ts';
import { type Attribute, ENTERPRISE, type Found, findAttribute, named, type ResourceSchema, type Schema, sameUrn, splitUrn } from './schema.ts';

/** Without `id`, `meta`, `groups`, `schemas` and password. Extensions stand under their URN. */
export type UserDraft = Record<string, unknown>;

const UNSEARCHABLE_LENGTH = 65_536;
const USER_NAME_LENGTH = 254;
const MOST_ELEMENTS = 100;
const DEEPEST = 5;
/** No text to anybody; U+0000 and half a surrogate pair cannot be stored. */
const UNREADABLE = /[\0\p{Surrogate}]/u;

/**
 * A body of POST or PUT. `ignored` names what was left out and is worth a line in the sync log.
 * Throws `ScimError` invalidSyntax, invalidValue.
 */
export function readUser(body: unknown, schema: ResourceSchema): { draft: UserDraft; ignored: string[] } {
  if (!isObject(body)) throw invalidSyntax('The body must be a JSON object');
  const reading: Reading = { schema, draft: new Map(), extensions: new Map(), ignored: [] };
  for (const [key, value] of Object.entries(body)) readKey(reading, key, value);
  const extensions = [...reading.extensions.values()].map(({ urn, held }): [string, unknown] => [urn, Object.fromEntries(held)]);
  const draft = Object.fromEntries([...reading.draft, ...extensions]);
  refuseForeign(draft, schema);
  requireUserName(draft);
  return { draft, ignored: reading.ignored };
}

export function requireUserName(draft: UserDraft): void {
  const userName = draft['userName'];
  if (typeof userName !== 'string' || userName.trim() === '') throw invalidValue('userName: required');
}

interface Reading {
  schema: ResourceSchema;
  draft: Map<string, unknown>;
  /** By URN in lower case, whatever a client writes. */
  extensions: Map<string, { urn: string; held: Map<string, unknown> }>;
  ignored: string[];
}

function extensionOf({ extensions }: Reading, urn: string): Map<string, unknown> {
  const key = urn.toLowerCase();
  const known = extensions.get(key) ?? { urn, held: new Map<string, unknown>() };
  extensions.set(key, known);
  return known.held;
}

function readKey(reading: Reading, key: string, value: unknown): void {
  const { schema } = reading;
  const extension = schema.extensions.find(({ id }) => sameUrn(id, key));
  const found = findAttribute(schema, key);
  if (key.toLowerCase() === 'schemas') readSchemas(value);
  else if (extension) readExtension(reading, extension, value);
  else if (sameUrn(key, schema.core.id) && isObject(value)) for (const [inner, one] of Object.entries(value)) readKey(reading, inner, one);
  else if (found) keep(reading, found, value);
  else readForeign(reading, key, value);
}

/** No attribute of the core: one of an extension, written with its URN, or a whole extension that no schema here knows, or nothing that a User has. */
function readForeign(reading: Reading, key: string, value: unknown): void {
  const { urn, name } = splitUrn(key);
  const owner = urn === null ? undefined : reading.schema.extensions.find(({ id }) => sameUrn(id, urn));
  if (owner && !sameUrn(owner.id, ENTERPRISE)) put(reading, owner.id, name, value);
  else if (urn !== null && !owner && isObject(value)) for (const [inner, one] of Object.entries(value)) put(reading, key, inner, one);
  else reading.ignored.push(`${key.slice(0, 100)}: not an attribute of a User`);
}

/** Which schemas there are is told by the attributes; what a client lists is checked for shape only. */
function readSchemas(value: unknown): void {
  const list = value === null ? [] : value;
  if (!Array.isArray(list) || list.some((one) => one !== null && typeof one !== 'string')) throw invalidValue('schemas: a list of URNs');
}

function readExtension(reading: Reading, extension: Schema, value: unknown): void {
  if (value === null || (Array.isArray(value) && value.length === 0)) return;
  if (!isObject(value)) throw invalidValue(`${extension.id}: an object`);
  for (const [key, one] of Object.entries(value)) {
    const found = findAttribute(reading.schema, `${extension.id}:${key}`);
    if (found) keep(reading, found, one);
    else if (sameUrn(extension.id, ENTERPRISE)) reading.ignored.push(`${extension.id}:${key.slice(0, 100)}: not an attribute of that schema`);
    else put(reading, extension.id, key, one);
  }
}

/** An attribute of an extension that no schema describes in detail: kept as it is. */
function put(reading: Reading, urn: string, key: string, value: unknown): void {
  const clean = plain(`${urn}:${key}`, value);
  if (clean === undefined) return;
  checkedText('schemas', urn, SEARCHABLE_LENGTH);
  extensionOf(reading, urn).set(checkedText(urn, key, SEARCHABLE_LENGTH), clean);
}

function keep(reading: Reading, found: Found, value: unknown): void {
  const { attribute, sub, extension } = found;
  // `$ref` is ours to say: it follows from the value.
  if (attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly' || sub?.name === '$ref') return;
  const clean = normaliseValue(found, value);
  if (attribute.returned === 'never' || clean === undefined) return;
  const holder = extension ? extensionOf(reading, extension.id) : reading.draft;
  const before = holder.get(attribute.name);
  holder.set(attribute.name, sub ? withPart(found, before, clean) : mergeComplex(attribute, before, clean));
}

/** `name.givenName`; and `emails.value`, where it is clear which element is meant. */
function withPart({ attribute, sub }: Found, before: unknown, value: unknown): unknown {
  const part = { [sub!.name]: value };
  if (!attribute.multiValued) return { ...(before as object | undefined), ...part };
  const elements = (before ?? []) as object[];
  if (elements.length > 1) throw invalidValue(`${attribute.name}.${sub!.name}: of which element?`);
  return [{ ...elements[0], ...part }];
}

/** `name` and `name.givenName` beside each other mean one name. */
const mergeComplex = ({ type, multiValued }: Attribute, before: unknown, value: unknown): unknown =>
  type === 'complex' && !multiValued && isObject(before) && isObject(value) ? { ...before, ...value } : value;

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

const absent = (value: unknown): boolean => value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);

/** Clients send a bare id, a list of one, or OneLogin's `managerId`. */
function asManager(value: unknown): unknown {
  const one = Array.isArray(value) ? value[0] : value;
  if (typeof one === 'string') return { value: one };
  if (isObject(one) && keyed(one, 'value') === undefined && typeof keyed(one, 'managerid') === 'string') return { value: keyed(one, 'managerid') };
  return one;
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

function complex(path: string, attribute: Attribute, value: unknown): unknown {
  if (absent(value)) return undefined;
  if (!isObject(value)) throw invalidValue(`${path}: an object`);
  const kept = Object.entries(value).flatMap(([key, one]): [string, unknown][] => {
    const sub =
      named(attribute.subAttributes ?? [], key) ?? (key.toLowerCase() === 'displayname' ? named(attribute.subAttributes ?? [], 'display') : null);
    // `$ref` is ours to say: it follows from the value.
    if (!sub || sub.mutability === 'readOnly' || sub.name === '$ref') return [];
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

function checkedText(path: string, text: string, most: number): string {
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

/** A value of an attribute that no schema describes: kept as sent, within bounds. */
function plain(path: string, value: unknown, depth = 0): unknown {
  if (absent(value)) return undefined;
  if (depth > DEEPEST) throw invalidValue(`${path}: nested deeper than ${DEEPEST} levels`);
  if (typeof value === 'string') return checkedText(path, value, SEARCHABLE_LENGTH);
  if (Array.isArray(value)) {
    if (value.length > MOST_ELEMENTS) throw invalidValue(`${path}: at most ${MOST_ELEMENTS} elements`);
    return value.map((one) => plain(path, one, depth + 1)).filter((one) => one !== undefined);
  }
  if (!isObject(value)) return value;
  const kept = Object.entries(value).flatMap(([key, one]): [string, unknown][] => {
    const clean = plain(path, one, depth + 1);
    return clean === undefined ? [] : [[checkedText(path, key, SEARCHABLE_LENGTH), clean]];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** The same of a value in a PATCH. */
export const normaliseForeign = (value: unknown): unknown => plain('value', value);

/** What the directory would say of a person: what it said, or, before it said anything, what is known from elsewhere. */
export function currentDraft({ user, identities }: Person): UserDraft {
  const facts = identities.find((i) => i.source === 'directory')?.facts;
  // While a suspension is held the user is active, and yet the directory has said otherwise: what it says next must not take that back.
  const active = facts && !facts.retired ? facts.active !== false : user.status === 'active';
  if (facts?.resource) return { ...facts.resource, active };
  const name = parts({ givenName: user.givenName, familyName: user.familyName });
  return {
    ...parts({ userName: user.userName, externalId: user.externalId ?? '', displayName: user.displayName, title: user.title }),
    ...(Object.keys(name).length > 0 && { name }),
    ...parts({ locale: user.locale, timezone: user.timezone }),
    ...(user.email !== '' && { emails: [{ value: user.email, type: 'work', primary: true }] }),
    active,
  };
}

const parts = (texts: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ''));
