/**
 * Filters evaluated plainly over a resource as it is answered: what a search must find, said a second time and without a store, and how PATCH
 * picks elements. Independent of where.ts on purpose: each is tested against the other.
 */
import { foldKey } from '../../core/profile.ts';
import type { Comparison } from '../../core/search.ts';
import { invalidFilter } from './error.ts';
import type { Filter, Literal } from './filter.ts';
import { elementsOf, type Leaf, leafOf, leavesOf, literalText, type Scope, wholeResource } from './operand.ts';
import { isObject, type Json, own } from './own.ts';
import type { Found, ResourceSchema } from './schema.ts';

/** Throws 400 invalidFilter where `compileFilter` does. */
export const matches = (filter: Filter, resource: Json, schema: ResourceSchema): boolean => holds(filter, resource, wholeResource(schema));

/** Whether one element of `list` fits a value filter; of any sub-attribute, searchable or not. */
export const matchesElement = (filter: Filter, element: unknown, { list, schema }: { list: Found; schema: ResourceSchema }): boolean =>
  holds(filter, objectOf(element), { schema, list, anything: true });

/** Every branch is looked at, so that what is wrong with a filter does not depend on the resource. */
function holds(filter: Filter, at: Json, scope: Scope): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.of.map((one) => holds(one, at, scope)).every(Boolean);
    case 'or':
      return filter.of.map((one) => holds(one, at, scope)).some(Boolean);
    case 'not':
      return !holds(filter.of, at, scope);
    case 'present':
      return present(filter.path, at, scope);
    case 'element':
      return someElement(filter, at, scope);
    default:
      return filter.value === null ? comparesWithNull(filter, at, scope) : compares(filter, filter.value, at, scope);
  }
}

function someElement({ path, filter }: Filter & { kind: 'element' }, at: Json, scope: Scope): boolean {
  const inner = elementsOf(path, scope);
  // An element of nothing, for the errors.
  holds(filter, {}, inner);
  const elements = listOf(own(containerOf(inner.list, at), inner.list.attribute.name)).map(objectOf);
  return elements.filter((element) => isFound(element, inner)).some((element) => holds(filter, element, inner));
}

/** Of an element without any searchable value (a picture without a type) no search knows. */
const isFound = (element: Json, { list }: { list: Found }): boolean =>
  (list.attribute.subAttributes ?? []).some(({ name, searchable }) => searchable && isSaid(own(element, name)));

const present = (path: string, at: Json, scope: Scope): boolean => leavesOf(path, scope).some((leaf) => textsOf(leaf, at, scope).length > 0);

function comparesWithNull({ path, op }: { path: string; op: Comparison }, at: Json, scope: Scope): boolean {
  if (op !== 'eq' && op !== 'ne') throw invalidFilter(`filter: ${path} ${op} null means nothing`);
  return present(path, at, scope) === (op === 'ne');
}

function compares({ path, op }: { path: string; op: Comparison }, value: Exclude<Literal, null>, at: Json, scope: Scope): boolean {
  const leaf = leafOf(path, scope);
  const literal = literalText(leaf, op, value);
  const texts = textsOf(leaf, at, scope);
  return op === 'ne' ? texts.length === 0 || texts.some((text) => text !== literal) : texts.some((text) => testText(op, text, literal));
}

/** By bytes of UTF-8, as the databases order text; JavaScript's own order is another beyond U+FFFF. */
export function testText(op: Comparison, text: string, literal: string): boolean {
  if (op === 'co') return text.includes(literal);
  if (op === 'sw') return text.startsWith(literal);
  if (op === 'ew') return text.endsWith(literal);
  const order = Buffer.compare(Buffer.from(text), Buffer.from(literal));
  return { eq: order === 0, ne: order !== 0, gt: order > 0, ge: order >= 0, lt: order < 0, le: order <= 0 }[op];
}

/** Null and `''` are no values (RFC 7643 §2.5). */
const isSaid = (value: unknown): boolean => (typeof value === 'string' && value !== '') || typeof value === 'boolean' || typeof value === 'number';

/** The values there are, as they are compared. */
function textsOf(leaf: Leaf, at: Json, { list }: Scope): string[] {
  const { attribute, sub, simple } = leaf;
  const values = list
    ? [own(at, sub!.name)]
    : listOf(own(containerOf(leaf, at), attribute.name)).map((one) => (sub ? own(objectOf(one), sub.name) : one));
  return values.filter(isSaid).map((value) => textOf(value, simple));
}

function textOf(value: unknown, { type, caseExact }: Leaf['simple']): string {
  if (type === 'dateTime') return new Date(String(value)).toISOString();
  return caseExact || type === 'boolean' ? String(value) : foldKey(String(value));
}

const containerOf = ({ extension }: Found, at: Json): Json => (extension ? objectOf(own(at, extension.id)) : at);
const objectOf = (value: unknown): Json => (isObject(value) ? value : {});
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);
