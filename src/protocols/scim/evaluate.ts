/**
 * Filters evaluated plainly over a resource as it is answered: what a search must find, said a second time and without a store, and how PATCH
 * picks elements. Independent of where.ts on purpose: each is tested against the other.
 */
import { foldKey } from '../../core/profile.ts';
import type { Comparison } from '../../core/search.ts';
import { invalidFilter } from './error.ts';
import type { Filter, Literal } from './filter.ts';
import { elementsOf, type Leaf, leafOf, leavesOf, literalText, type Scope, schemaNamed, wholeResource } from './operand.ts';
import { isObject, type Json, own } from './own.ts';
import type { Found, ResourceSchema } from './schema.ts';

type Test = (at: Json) => boolean;

/** Throws 400 invalidFilter where `compileFilter` does. */
export const matches = (filter: Filter, resource: Json, schema: ResourceSchema): boolean => testOf(filter, wholeResource(schema))(resource);

/** Whether an element of `list` fits a value filter; of any sub-attribute, searchable or not. */
export const elementTest = (filter: Filter, list: Found, schema: ResourceSchema): Test => testOf(filter, { schema, list, anything: true });

/** Names and values are looked up once, however many resources are tested. */
function testOf(filter: Filter, scope: Scope): Test {
  switch (filter.kind) {
    case 'and': {
      const tests = filter.of.map((one) => testOf(one, scope));
      return (at) => tests.every((test) => test(at));
    }
    case 'or': {
      const tests = filter.of.map((one) => testOf(one, scope));
      return (at) => tests.some((test) => test(at));
    }
    case 'not': {
      const test = testOf(filter.of, scope);
      return (at) => !test(at);
    }
    case 'present':
      return presence(filter.path, scope);
    case 'element':
      return someElement(filter, scope);
    default:
      return filter.value === null ? nullComparison(filter, scope) : comparison(filter, filter.value, scope);
  }
}

function someElement({ path, filter }: Filter & { kind: 'element' }, scope: Scope): Test {
  const inner = elementsOf(path, scope);
  const { list } = inner;
  const test = testOf(filter, inner);
  const elementsAt = (at: Json): Json[] => listOf(own(containerOf(list, at), list.attribute.name)).map(objectOf);
  return (at) => elementsAt(at).some((element) => isFound(element, list) && test(element));
}

/** Of an element without any searchable value (a picture without a type) no search knows. */
const isFound = (element: Json, { attribute }: Found): boolean =>
  (attribute.subAttributes ?? []).some(({ name, searchable }) => searchable && isSaid(own(element, name)));

function presence(path: string, scope: Scope): Test {
  const urn = schemaNamed(path, scope);
  if (urn !== null) return comparison({ path: 'schemas', op: 'eq' }, urn, scope);
  const leaves = leavesOf(path, scope);
  return (at) => leaves.some((leaf) => textsOf(leaf, at, scope).length > 0);
}

function nullComparison({ path, op }: { path: string; op: Comparison }, scope: Scope): Test {
  if (op !== 'eq' && op !== 'ne') throw invalidFilter(`filter: ${path} ${op} null means nothing`);
  const present = presence(path, scope);
  return (at) => present(at) === (op === 'ne');
}

function comparison({ path, op }: { path: string; op: Comparison }, value: Exclude<Literal, null>, scope: Scope): Test {
  const leaf = leafOf(path, scope);
  const literal = literalText(leaf, op, value);
  if (op !== 'ne') return (at) => textsOf(leaf, at, scope).some((text) => testText(op, text, literal));
  return (at) => {
    const texts = textsOf(leaf, at, scope);
    return texts.length === 0 || texts.some((text) => text !== literal);
  };
}

/** By bytes of UTF-8, as the databases order text; JavaScript's own order is another beyond U+FFFF. */
export function testText(op: Comparison, text: string, literal: string): boolean {
  if (op === 'co') return text.includes(literal);
  if (op === 'sw') return text.startsWith(literal);
  if (op === 'ew') return text.endsWith(literal);
  if (op === 'eq') return text === literal;
  const order = Buffer.compare(Buffer.from(text), Buffer.from(literal));
  return { ne: order !== 0, gt: order > 0, ge: order >= 0, lt: order < 0, le: order <= 0 }[op];
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
