/** What a filter's names and values mean by the attribute table: which attribute, whether it can be asked for, and the text it is compared with. */
import { foldKey } from '../../core/profile.ts';
import type { Comparison } from '../../core/search.ts';
import { invalidFilter } from './error.ts';
import type { Literal } from './filter.ts';
import { type Attribute, type Found, findAttribute, named, type ResourceSchema, sameUrn, splitUrn } from './schema.ts';

/** Where names are looked up: in the whole resource, or in one element of a list. */
export interface Scope {
  schema: ResourceSchema;
  /** The list whose element is looked at; null: the resource. */
  list: Found | null;
  /** Whether attributes that no search looks at may be named: in the paths of PATCH. */
  anything: boolean;
}

/** An attribute with values of its own: simple, or a sub-attribute. */
export interface Leaf extends Found {
  name: string;
  simple: Attribute;
}

export const wholeResource = (schema: ResourceSchema): Scope => ({ schema, list: null, anything: false });

/** Throws 400 invalidFilter where the path is no list of complex elements. */
export function elementsOf(path: string, scope: Scope): Scope & { list: Found } {
  const list = find(path, scope);
  if (list.sub || !list.attribute.multiValued || !list.attribute.subAttributes) throw invalidFilter(`filter: ${path} is no list of complex values`);
  return { ...scope, list };
}

/** Entra asks for `manager eq "…"` without the URN: where the core has no such name, an extension's is meant. */
export function findSearched(schema: ResourceSchema, path: string): Found | null {
  const found = findAttribute(schema, path);
  if (found || splitUrn(path).urn !== null) return found;
  return schema.extensions.map(({ id }) => findAttribute(schema, `${id}:${path}`)).find((one) => one !== null) ?? null;
}

/** The schema whose URN `path` is: present in whom has anything of it, which is what `schemas` says. */
export const schemaNamed = (path: string, { schema, list }: Scope): string | null =>
  list ? null : ([schema.core, ...schema.extensions].find(({ id }) => sameUrn(id, path))?.id ?? null);

function find(path: string, { schema, list }: Scope): Found {
  const found = list ? findSub(list, path) : findSearched(schema, path);
  if (!found) throw invalidFilter(`filter: there is no attribute ${list ? `${list.attribute.name}.` : ''}${path}`);
  return found;
}

function findSub(list: Found, name: string): Found | null {
  const sub = named(list.attribute.subAttributes ?? [], name);
  return sub && { ...list, sub, searchName: `${list.searchName}.${sub.name.toLowerCase()}` };
}

/** All that make `path` present: of a complex attribute, any of its sub-attributes (RFC 7644 §3.4.2.2); of a reference, the id. */
export function leavesOf(path: string, scope: Scope): Leaf[] {
  const found = find(path, scope);
  const subs = found.sub ? null : found.attribute.subAttributes;
  if (!subs) return [leaf(path, found, scope)];
  const value = findSub(found, 'value');
  if (value && (named(subs, '$ref') || !value.sub?.searchable)) return [leaf(`${path}.value`, value, scope)];
  return subs.filter((sub) => sub.searchable || scope.anything).map((sub) => leaf(`${path}.${sub.name}`, findSub(found, sub.name)!, scope));
}

/** The one that `path` is compared by: of a complex attribute, its `value`. */
export function leafOf(path: string, scope: Scope): Leaf {
  const found = find(path, scope);
  if (found.sub || !found.attribute.subAttributes) return leaf(path, found, scope);
  const value = findSub(found, 'value');
  if (!value) throw invalidFilter(`filter: ${path} is complex; name one of its sub-attributes`);
  return leaf(`${path}.value`, value, scope);
}

function leaf(name: string, found: Found, { anything }: Scope): Leaf {
  const simple = found.sub ?? found.attribute;
  if (!anything && !(simple.searchable && found.attribute.searchable)) throw invalidFilter(`filter: ${name} cannot be searched`);
  return { ...found, name, simple };
}

const ORDER: ReadonlySet<Comparison> = new Set<Comparison>(['gt', 'ge', 'lt', 'le']);
const PARTS: ReadonlySet<Comparison> = new Set<Comparison>(['co', 'sw', 'ew']);

/** The literal as the attribute's values are compared: folded where case does not count, `true`/`false`, UTC with milliseconds. */
export function literalText({ name, simple }: Leaf, op: Comparison, value: Exclude<Literal, null>): string {
  const { type } = simple;
  const refused = (type === 'boolean' || type === 'binary') && ORDER.has(op);
  if (refused || ((type === 'boolean' || type === 'dateTime') && PARTS.has(op)))
    throw invalidFilter(`filter: ${op} cannot be asked of ${name} (${type})`);
  if (type === 'boolean') return booleanText(name, value);
  if (typeof value !== 'string') throw invalidFilter(`filter: ${name} is compared with a string in double quotes`);
  if (type === 'dateTime') return dateText(name, value);
  if (simple.caseExact) return value;
  return PARTS.has(op) ? foldPart(value) : foldKey(value);
}

/** White space at the ends counts in a part, which `foldKey` takes off a whole. */
const foldPart = (part: string): string => foldKey(`|${part}|`).slice(1, -1);

/** Entra sends `primary eq "True"`. */
function booleanText(name: string, value: string | number | boolean): string {
  const text = String(value).toLowerCase();
  if (text !== 'true' && text !== 'false') throw invalidFilter(`filter: ${name} is compared with true or false`);
  return text;
}

const DATE = /^(\d{4}-\d\d-\d\dT)([01]\d|2[0-3])(:[0-5]\d:[0-5]\d)(\.\d{1,12})?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)?$/;

/** `xsd:dateTime`, any offset; without one it is UTC. Databases know no year 0. */
function dateText(name: string, value: string): string {
  const [, day, hour, rest, fraction = '', zone = 'Z'] = DATE.exec(value.toUpperCase()) ?? [];
  const local = new Date(`${day}${hour}${rest}Z`);
  const invalid = invalidFilter(`filter: ${name} is compared with a date and time such as "2026-01-31T08:00:00Z"`);
  // Date takes the 30th of February for the 2nd of March.
  if (Number.isNaN(local.getTime()) || !local.toISOString().startsWith(day!)) throw invalid;
  const offset = zone === 'Z' ? 0 : Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)));
  const utc = new Date(local.getTime() - offset * 60_000 + Number(fraction.slice(1, 4).padEnd(3, '0')));
  if (utc.getUTCFullYear() < 1 || utc.getUTCFullYear() > 9999) throw invalid;
  return utc.toISOString();
}
