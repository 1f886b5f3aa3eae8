/**
 * draft: what a client may write of a User, in the schema's spelling. Dotted and URN keys are understood here and nowhere else, values in values.ts;
 * everything behind them is strict.
 */
import type { Person } from '../../core/model.ts';
import { invalidSyntax, invalidValue } from './error.ts';
import { checkExtensions, type ForeignChange, foreignRevised } from './foreign.ts';
import { isObject, type Json } from './own.ts';
import { type Attribute, ENTERPRISE, type Found, findAttribute, type ResourceSchema, type Schema, sameUrn, splitUrn } from './schema.ts';
import { isOurs, normaliseValue } from './values.ts';

/** Without `id`, `meta`, `groups`, `schemas` and password. Extensions stand under their URN. */
export type UserDraft = Record<string, unknown>;

/**
 * A body of POST or PUT. `ignored` names what was left out and is worth a line in the sync log.
 * Throws `ScimError` invalidSyntax, invalidValue.
 */
export function readUser(body: unknown, schema: ResourceSchema): { draft: UserDraft; ignored: string[] } {
  if (!isObject(body)) throw invalidSyntax('The body must be a JSON object');
  const reading: Reading = { schema, core: holder(null), extensions: new Map(), ignored: [] };
  for (const [key, value] of Object.entries(body)) {
    if (sameUrn(key, schema.core.id) && isObject(value)) for (const [inner, one] of Object.entries(value)) readKey(reading, inner, one);
    else readKey(reading, key, value);
  }
  const draft = whole(reading);
  checkExtensions({}, draft, schema);
  requireUserName(draft);
  return { draft, ignored: reading.ignored };
}

export function requireUserName(draft: UserDraft): void {
  const userName = draft['userName'];
  if (typeof userName !== 'string' || userName.trim() === '') throw invalidValue('userName: required');
}

interface Reading {
  schema: ResourceSchema;
  core: Holder;
  /** By URN in lower case. */
  extensions: Map<string, Holder>;
  ignored: string[];
}

/** What was read of the core (no URN), or of one extension. */
interface Holder {
  urn: string | null;
  attributes: Map<string, unknown>;
  /** Said by dotted keys (`name.givenName`), by attribute. */
  parts: Map<string, { attribute: Attribute; said: Map<string, unknown> }>;
  foreign: ForeignChange[];
}

const holder = (urn: string | null): Holder => ({ urn, attributes: new Map(), parts: new Map(), foreign: [] });

function extensionOf({ extensions }: Reading, urn: string): Holder {
  const key = urn.toLowerCase();
  const known = extensions.get(key) ?? holder(urn);
  extensions.set(key, known);
  return known;
}

function readKey(reading: Reading, key: string, value: unknown): void {
  const { schema } = reading;
  const extension = schema.extensions.find(({ id }) => sameUrn(id, key));
  const found = extension ? null : findAttribute(schema, key);
  if (extension) readExtension(reading, extension, value);
  else if (found) keep(reading, found, value);
  else readForeign(reading, key, value);
}

/** No attribute of the core: one of an extension, written with its URN, or a whole extension that no schema here knows, or nothing that a User has. */
function readForeign(reading: Reading, key: string, value: unknown): void {
  const { urn, name } = splitUrn(key);
  const owner = urn === null ? undefined : reading.schema.extensions.find(({ id }) => sameUrn(id, urn));
  if (owner && !sameUrn(owner.id, ENTERPRISE)) extensionOf(reading, owner.id).foreign.push({ name, value });
  else if (urn !== null && !owner && !sameUrn(key, reading.schema.core.id) && isObject(value)) readUnknown(reading, key, value);
  else reading.ignored.push(`${key.slice(0, 100)}: not an attribute of a User`);
}

function readUnknown(reading: Reading, urn: string, value: Json): void {
  const { foreign } = extensionOf(reading, urn);
  for (const [name, one] of Object.entries(value)) foreign.push({ name, value: one });
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
    else extensionOf(reading, extension.id).foreign.push({ name: key, value: one });
  }
}

function keep(reading: Reading, found: Found, value: unknown): void {
  const { attribute, sub, extension } = found;
  if (attribute.name === 'schemas') readSchemas(value);
  if (attribute.name === 'schemas' || attribute.mutability === 'readOnly' || (sub && isOurs(sub))) return;
  const clean = normaliseValue(found, value);
  if (attribute.returned === 'never' || clean === undefined) return;
  const { attributes, parts } = extension ? extensionOf(reading, extension.id) : reading.core;
  if (!sub) return void attributes.set(attribute.name, merged(attributes.get(attribute.name), clean));
  const { said } = parts.get(attribute.name) ?? { said: new Map<string, unknown>() };
  parts.set(attribute.name, { attribute, said: said.set(sub.name, clean) });
}

/** `name` and `NAME` beside each other mean one name; of anything else the later counts. */
const merged = (before: unknown, value: unknown): unknown => (isObject(before) && isObject(value) ? { ...before, ...value } : value);

/** All that was read. An extension of which nothing is there is not there. */
function whole({ core, extensions }: Reading): UserDraft {
  const held = [...extensions.values()].map((one): [string, Json] => [one.urn ?? '', assembled(one)]);
  return Object.fromEntries([...Object.entries(assembled(core)), ...held.filter(([, one]) => Object.keys(one).length > 0)]);
}

function assembled({ urn, attributes, parts, foreign }: Holder): Json {
  const known = new Map(attributes);
  for (const [name, { attribute, said }] of parts) known.set(name, withParts(attribute, attributes.get(name), Object.fromEntries(said)));
  return urn === null ? Object.fromEntries(known) : foreignRevised(urn, Object.fromEntries(known), foreign);
}

/** `name` and `name.givenName` mean one name. `emails.value` is of one element; of which, is not said where there is a list besides. */
function withParts({ name, multiValued }: Attribute, value: unknown, said: Json): unknown {
  if (!multiValued) return merged(value, said);
  if (value !== undefined) throw invalidValue(`${name}: given as a list, and ${name}.${Object.keys(said)[0]} besides`);
  return [said];
}

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
