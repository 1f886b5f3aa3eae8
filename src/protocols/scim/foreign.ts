/**
 * foreign: attributes that no table describes, of an extension that is unknown here or known in part. Kept as they are sent, within bounds; read once
 * each, however many there are, because a client chooses how many.
 */
import { SEARCHABLE_LENGTH } from '../../core/search.ts';
import { LIMITS } from './discovery.ts';
import { invalidValue } from './error.ts';
import { isObject, type Json } from './own.ts';
import type { ResourceSchema } from './schema.ts';
import { absent, checkedText, MOST_ELEMENTS } from './values.ts';

/** What is to become of one attribute, or of a part of it; what is absent takes it away. */
export interface ForeignChange {
  name: string;
  sub?: string;
  value: unknown;
}

const DEEPEST = 5;

/** The extension after these changes, in one copy. Throws `ScimError` invalidValue, naming the extension, also where it would grow beyond its bound. */
export function foreignRevised(urn: string, before: Json, changes: readonly ForeignChange[]): Json {
  checkedText('schemas', urn, SEARCHABLE_LENGTH);
  const after = bounded(urn, before);
  const opened = new Map<string, Bounded>();
  for (const { name, sub, value } of changes) {
    const kept = plain(`${urn}:${name}`, value);
    if (sub === undefined) after.set(name, kept);
    else partsOf(`${urn}:${name}`, after.get(name), { name, opened }).set(sub, kept);
    if (sub === undefined) opened.delete(name);
    else after.set(name, {}); // its place, until all parts are known
  }
  for (const [name, parts] of opened) after.set(name, nonEmpty(parts.all()));
  return after.all();
}

function partsOf(path: string, before: unknown, { name, opened }: { name: string; opened: Map<string, Bounded> }): Bounded {
  const parts = opened.get(name) ?? bounded(path, isObject(before) ? before : {});
  opened.set(name, parts);
  return parts;
}

interface Bounded {
  get(name: string): unknown;
  /** Undefined takes it away. */
  set(name: string, value: unknown): void;
  all(): Json;
}

/** Attributes by name. What was larger before there was a bound may stay, and shrink. */
function bounded(path: string, before: Json): Bounded {
  const held = new Map(Object.entries(before));
  const most = Math.max(LIMITS.extensionAttributes, held.size);
  return {
    get: (name) => held.get(name),
    set(name, value) {
      if (value === undefined) held.delete(name);
      else held.set(checkedText(path, name, SEARCHABLE_LENGTH), value);
      if (held.size > most) throw invalidValue(`${path}: at most ${LIMITS.extensionAttributes} attributes`);
    },
    all: () => Object.fromEntries(held),
  };
}

const nonEmpty = (value: Json): Json | undefined => (Object.keys(value).length === 0 ? undefined : value);

/** Throws `ScimError` invalidValue where a draft has more extensions than a resource may, and more than it had. `last` is named. */
export function checkExtensions(before: Json, after: Json, schema: ResourceSchema): void {
  const described = new Set(schema.extensions.map(({ id }) => id));
  const foreign = (draft: Json) => Object.keys(draft).filter((key) => key.includes(':') && !described.has(key));
  const [was, is] = [new Set(foreign(before)), foreign(after)];
  if (is.length > Math.max(LIMITS.extensions, was.size))
    throw invalidValue(`${is.findLast((urn) => !was.has(urn))}: at most ${LIMITS.extensions} extensions that no schema here describes`);
}

/** One value as it is stored: as sent, within bounds; undefined where nothing is. */
function plain(path: string, value: unknown, depth = 0): unknown {
  if (absent(value)) return undefined;
  if (depth > DEEPEST) throw invalidValue(`${path}: nested deeper than ${DEEPEST} levels`);
  if (typeof value === 'string') return checkedText(path, value, SEARCHABLE_LENGTH);
  if (Array.isArray(value)) return plainList(path, value, depth);
  if (!isObject(value)) return value;
  const kept = bounded(path, {});
  for (const [key, one] of Object.entries(value)) kept.set(key, plain(path, one, depth + 1));
  return nonEmpty(kept.all());
}

function plainList(path: string, value: readonly unknown[], depth: number): unknown {
  if (value.length > MOST_ELEMENTS) throw invalidValue(`${path}: at most ${MOST_ELEMENTS} elements`);
  const kept = value.map((one) => plain(path, one, depth + 1)).filter((one) => one !== undefined);
  return kept.length === 0 ? undefined : kept;
}
