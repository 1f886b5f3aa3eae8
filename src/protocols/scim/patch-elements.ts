/** What an operation makes of the elements of a list, and of one complex value's parts (RFC 7644 §3.5.2). Stored forms in and out. */
import { isDeepStrictEqual } from 'node:util';
import { invalidValue, noTarget } from './error.ts';
import { elementTest } from './evaluate.ts';
import type { Filter, Literal } from './filter.ts';
import { isCleared, isObject, type Json, own, put } from './own.ts';
import type { Operation } from './patch.ts';
import { type Attribute, type Found, named, type ResourceSchema } from './schema.ts';
import { normaliseValue } from './values.ts';

export interface Revision {
  op: Operation['op'];
  /** With `sub` where a sub-attribute is named, behind a filter too. */
  found: Found;
  filter: Filter | null;
  value: unknown;
  schema: ResourceSchema;
}

/** Each of a request's operations looks at each element. */
const MOST_ELEMENTS = 100;

export function elementsRevised(elements: Json[], revision: Revision): Json[] {
  const after = revision.filter ? chosenRevised(elements, revision.filter, revision) : listRevised(elements, revision);
  if (after.length > Math.max(MOST_ELEMENTS, elements.length))
    throw invalidValue(`${revision.found.attribute.name}: more than ${MOST_ELEMENTS} elements`);
  return onePrimary(after, elements);
}

export const objectOf = (value: unknown): Json => (isObject(value) ? value : {});

/** One sub-attribute set or taken away. Of a reference, the address goes with the id. */
export function withSub(element: Json, sub: Attribute, { op, found, value }: Revision): Json {
  const next = put(element, sub.name, op === 'remove' ? undefined : normaliseValue({ ...found, sub }, value));
  const stale = isReference(found) && sub.name === 'value' && !isDeepStrictEqual(own(next, 'value'), own(element, 'value'));
  return stale ? put(put(next, '$ref', undefined), 'displayName', undefined) : next;
}

/** `manager`: another id is another person, of whom nothing said before is true. */
export const isReference = ({ attribute }: Found): boolean => named(attribute.subAttributes ?? [], '$ref') !== null;

function listRevised(elements: Json[], revision: Revision): Json[] {
  const { op, found, value } = revision;
  const { sub } = found;
  if (sub) return subRevised(elements, sub, revision);
  if (op === 'replace') return unique(elementsIn(found, value));
  if (op === 'add') return unique([...elements, ...elementsIn(found, value)]);
  // Entra removes with a list of values, and means these only.
  if (value === undefined || value === null) return [];
  const gone = elementsIn(found, value)
    .map(identity)
    .filter((said) => said.length > 0);
  return elements.filter((element) => !gone.some((said) => said.every(([key, one]) => own(element, key) === one)));
}

/** What tells an element from others, as far as it is said: value and type; without a value, all. */
const identity = (element: Json): [string, unknown][] =>
  Object.entries(element).filter(([key]) => element['value'] === undefined || key === 'value' || key === 'type');

/** `emails.display`: of all elements; where there is none, one is made. */
function subRevised(elements: Json[], sub: Attribute, revision: Revision): Json[] {
  const after = (elements.length === 0 ? [{}] : elements).map((element) => withSub(element, sub, revision));
  return after.filter(saysSomething);
}

/** Values as elements, one or a list, in stored form. */
function elementsIn(found: Found, value: unknown): Json[] {
  if (isCleared(value)) return [];
  if (typeof value !== 'object') throw invalidValue(`${found.attribute.name}: a list of objects expected`);
  const stored = normaliseValue({ ...found, sub: null }, value);
  return Array.isArray(stored) ? stored.map(objectOf) : [];
}

/** An element that is there already takes what the later one says besides. Two are the same by value and type, or in all they say. */
function unique(elements: readonly Json[]): Json[] {
  const kept = new Map<string, Json>();
  for (const element of elements) {
    const { value, type } = element;
    const same = value !== undefined && type !== undefined ? [value, type] : Object.entries(element).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify(same);
    kept.set(key, { ...kept.get(key), ...element });
  }
  return [...kept.values()];
}

function chosenRevised(elements: Json[], filter: Filter, revision: Revision): Json[] {
  const { found, schema } = revision;
  const fits = elementTest(filter, { ...found, sub: null }, schema);
  const chosen = new Set(elements.filter(fits));
  if (takesAway(revision) || chosen.size > 0) {
    const after = elements.flatMap((element) => (chosen.has(element) ? chosenElement(element, revision) : [element]));
    return found.sub ? after : unique(after);
  }
  const created = chosenElement(asked(filter, found), revision)[0] ?? {};
  if (Object.keys(created).length === 0) throw noTarget(`path: no element of ${found.attribute.name} matches the filter`);
  return [...elements, created];
}

function chosenElement(element: Json, revision: Revision): Json[] {
  const { op, found, value } = revision;
  const { sub } = found;
  if (sub) return [withSub(element, sub, revision)].filter((one) => saysSomething(one) || !takesAway(revision));
  if (takesAway(revision)) return [];
  const [said, ...more] = elementsIn(found, value);
  if (more.length > 0) throw invalidValue(`${found.attribute.name}: one element expected behind a filter`);
  if (op === 'add') return [{ ...element, ...said }];
  // The element keeps what it is found by, so that the next operation on it finds it again.
  const kept = Object.fromEntries(Object.entries(element).filter(([key]) => key === 'type' || key === 'primary'));
  return [{ ...kept, ...said }];
}

/** `''` and null unassign, whatever the operation is called (Entra replaces with them); nothing added is nothing done. */
function takesAway({ op, found, value }: Revision): boolean {
  if (op === 'remove') return true;
  if (found.sub) return normaliseValue(found, value) === undefined;
  return isCleared(value) && (op === 'replace' || typeof value !== 'object' || value === null);
}

/** What only says which element it is says nothing. */
const saysSomething = (element: Json): boolean => Object.keys(element).some((key) => key !== 'type' && key !== 'primary');

/**
 * The element that a filter asks for where none matches: Entra writes `phoneNumbers[type eq "mobile"].value` to make one. Only where the filter says
 * what it is: `type eq` and `primary eq`, joined by `and`; a value that is not there is 400 noTarget, as in the RFC.
 */
function asked(filter: Filter, found: Found): Json {
  const said = new Map<string, unknown>();
  for (const [name, literal] of equalities(filter, found)) {
    const sub = named(found.attribute.subAttributes ?? [], name);
    const value = sub ? normaliseValue({ ...found, sub }, literal) : undefined;
    if (!sub || (sub.name !== 'type' && sub.name !== 'primary') || value === undefined || (said.has(sub.name) && said.get(sub.name) !== value))
      throw noMatch(found);
    said.set(sub.name, value);
  }
  return Object.fromEntries(said);
}

function equalities(filter: Filter, found: Found): [string, Literal][] {
  if (filter.kind === 'and') return filter.of.flatMap((one) => equalities(one, found));
  if (filter.kind !== 'compare' || filter.op !== 'eq') throw noMatch(found);
  return [[filter.path, filter.value]];
}

const noMatch = ({ attribute }: Found) => noTarget(`path: no element of ${attribute.name} matches the filter, and it does not say what to create`);

/** At most one is primary (RFC 7643 §2.4): who became it last. */
function onePrimary(after: Json[], before: readonly Json[]): Json[] {
  const primaries = after.filter(({ primary }) => primary === true);
  if (primaries.length < 2) return after;
  const chosen = primaries.findLast((one) => !before.some((was) => was['primary'] === true && isDeepStrictEqual(was, one))) ?? primaries[0];
  return after.map((element) => (element === chosen || element['primary'] !== true ? element : { ...element, primary: false }));
}
