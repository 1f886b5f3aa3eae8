/** From filters to core/search, which the store compiles to SQL: names and values resolved, constants of the resource type worked out here. */
import type { Comparison, Where } from '../../core/search.ts';
import { invalidFilter, invalidPath } from './error.ts';
import { testText } from './evaluate.ts';
import type { Filter, Literal } from './filter.ts';
import { elementsOf, findSearched, type Leaf, leafOf, leavesOf, literalText, type Scope, schemaNamed, wholeResource } from './operand.ts';
import { named, type ResourceSchema } from './schema.ts';

const EVERYTHING: Where = { kind: 'all', of: [] };
const NOTHING: Where = { kind: 'any', of: [] };

/** Throws 400 invalidFilter: an attribute that is not there or not searchable, an operator or a value that does not fit it. */
export const compileFilter = (filter: Filter, schema: ResourceSchema): Where => compile(filter, wholeResource(schema));

function compile(filter: Filter, scope: Scope): Where {
  switch (filter.kind) {
    case 'and':
      return all(filter.of.map((one) => compile(one, scope)));
    case 'or':
      return any(filter.of.map((one) => compile(one, scope)));
    case 'not':
      return not(compile(filter.of, scope));
    case 'present':
      return present(filter.path, scope);
    case 'element': {
      const inner = elementsOf(filter.path, scope);
      return element(inner.list.searchName, compile(filter.filter, inner));
    }
    default:
      return filter.value === null ? compareNull(filter, scope) : compare(filter, filter.value, scope);
  }
}

function present(path: string, scope: Scope): Where {
  const urn = schemaNamed(path, scope);
  if (urn !== null) return compare({ path: 'schemas', op: 'eq' }, urn, scope);
  return any(leavesOf(path, scope).map((leaf) => constantOf(leaf, scope)?.where ?? { kind: 'present', attribute: leaf.searchName }));
}

/** `eq null` is `not pr` (RFC 7643 §2.5: null is the same as not there). */
function compareNull({ path, op }: { path: string; op: Comparison }, scope: Scope): Where {
  if (op !== 'eq' && op !== 'ne') throw invalidFilter(`filter: ${path} ${op} null means nothing`);
  return op === 'ne' ? present(path, scope) : not(present(path, scope));
}

function compare({ path, op }: { path: string; op: Comparison }, literal: Exclude<Literal, null>, scope: Scope): Where {
  const leaf = leafOf(path, scope);
  const { searchName: attribute } = leaf;
  const value = literalText(leaf, op, literal);
  const constant = constantOf(leaf, scope);
  const rest: Where =
    value === '' && (op === 'co' || op === 'sw' || op === 'ew') ? { kind: 'present', attribute } : { kind: 'compare', attribute, op, value };
  if (!constant) return rest;
  const { where, more } = constant;
  if (op !== 'ne') return any([testText(op, constant.value, value) ? where : NOTHING, more ? rest : NOTHING]);
  return constant.value === value ? any([not(where), more ? { kind: 'present', attribute } : NOTHING]) : EVERYTHING;
}

interface Constant {
  value: string;
  /** Who has it. */
  where: Where;
  /** Whether there are others beside it, for which the store must be asked. */
  more: boolean;
}

/** Values that no row holds, because they are the same for all. */
function constantOf({ searchName }: Leaf, { schema, list }: Scope): Constant | null {
  if (searchName === 'meta.resourcetype') return { value: schema.type, where: EVERYTHING, more: false };
  if (searchName === 'schemas') return { value: schema.core.id, where: EVERYTHING, more: schema.type === 'User' };
  if (searchName !== 'groups.type') return null;
  return { value: 'direct', where: list ? EVERYTHING : { kind: 'present', attribute: 'groups.value' }, more: false };
}

const isEverything = (where: Where): boolean => where.kind === 'all' && where.of.length === 0;
const isNothing = (where: Where): boolean => where.kind === 'any' && where.of.length === 0;

function all(of: Where[]): Where {
  const parts = of.flatMap((one) => (one.kind === 'all' ? one.of : [one]));
  if (parts.some(isNothing)) return NOTHING;
  return parts.length === 1 ? parts[0]! : { kind: 'all', of: parts };
}

function any(of: Where[]): Where {
  const parts = of.flatMap((one) => (one.kind === 'any' ? one.of : [one]));
  if (parts.some(isEverything)) return EVERYTHING;
  return parts.length === 1 ? parts[0]! : { kind: 'any', of: parts };
}

function not(of: Where): Where {
  if (isEverything(of)) return NOTHING;
  if (isNothing(of)) return EVERYTHING;
  return of.kind === 'not' ? of.of : { kind: 'not', of };
}

/** Where one value decides, it need not be asked which element it is of: one question to the database instead of one within another. */
function element(attribute: string, where: Where): Where {
  if (isNothing(where)) return NOTHING;
  if (isEverything(where)) return { kind: 'present', attribute: `${attribute}.value` };
  if (where.kind === 'any') return any(where.of.map((one) => element(attribute, one)));
  if (where.kind === 'present' || (where.kind === 'compare' && where.op !== 'ne')) return where;
  return { kind: 'element', attribute, where };
}

/**
 * The attribute to sort by, in the names of core/search: of a complex one its `value`. Throws 400 invalidPath where there is none, or no sorting by
 * it (RFC 7644 §3.4.2.3 names no error). What is the same for all leaves the order to `id`.
 */
export function compileSort(sortBy: string, schema: ResourceSchema): string {
  const found = findSearched(schema, sortBy);
  if (!found) throw invalidPath(`sortBy: there is no attribute ${sortBy.slice(0, 100)}`);
  const { attribute, sub, searchName } = found;
  const value = sub ?? (attribute.subAttributes ? named(attribute.subAttributes, 'value') : attribute);
  if (!value?.searchable || !attribute.searchable) throw invalidPath(`sortBy: nothing can be sorted by ${sortBy.slice(0, 100)}`);
  if (CONSTANT.has(searchName)) return 'id';
  return value === sub || value === attribute ? searchName : `${searchName}.value`;
}

const CONSTANT: ReadonlySet<string> = new Set(['meta.resourcetype', 'schemas', 'groups.type']);
