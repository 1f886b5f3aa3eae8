/** projection: which attributes an answer carries (RFC 7644 §3.9). */
import { invalidValue } from './error.ts';
import { isObject } from './own.ts';
import { findAttribute, type ResourceSchema, sameUrn } from './schema.ts';

/** Paths by key of the resource; an empty set of sub-attributes means the whole. `urn` keys hold the extension's own paths. */
type Paths = Map<string, Set<string>>;
export type Projection = { kind: 'all' } | { kind: 'only' | 'without'; paths: Paths; extensions: Map<string, Paths> };

type Asked = string | readonly string[] | null | undefined;

/** Unknown names are ignored: a client asks for what another server has. Throws 400 where both are given. */
export function readProjection(query: { attributes?: Asked; excludedAttributes?: Asked }, schema: ResourceSchema): Projection {
  const [only, without] = [namesIn(query.attributes), namesIn(query.excludedAttributes)];
  if (only && without) throw invalidValue('attributes and excludedAttributes exclude each other');
  const names = only ?? without;
  if (!names) return { kind: 'all' };
  const projection = { kind: only ? ('only' as const) : ('without' as const), paths: new Map(), extensions: new Map() };
  for (const name of names) add(projection, name, schema);
  return projection;
}

function namesIn(asked: Asked): string[] | null {
  if (asked === undefined || asked === null) return null;
  if (typeof asked !== 'string') {
    if (asked.some((one) => typeof one !== 'string')) throw invalidValue('attributes: names');
    return asked.map((one) => one.trim()).filter((one) => one !== '');
  }
  const names = asked
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  return names.length === 0 ? null : names;
}

function add({ paths, extensions }: Exclude<Projection, { kind: 'all' }>, name: string, schema: ResourceSchema): void {
  const whole = schema.extensions.find(({ id }) => sameUrn(id, name));
  if (whole) return void extensions.set(whole.id, new Map());
  const found = findAttribute(schema, name);
  if (!found) return;
  const { attribute, sub, extension } = found;
  const known = extension && extensions.get(extension.id);
  if (known?.size === 0) return; // the whole of it was asked for
  const into = extension ? (known ?? new Map<string, Set<string>>()) : paths;
  if (extension) extensions.set(extension.id, into);
  const subs = into.get(attribute.name);
  if (subs?.size === 0) return;
  into.set(attribute.name, sub ? new Set([...(subs ?? []), sub.name]) : new Set());
}

/** Always there, whatever is asked (RFC 7643 §7, `returned: always`). */
const ALWAYS = new Set(['id', 'schemas']);

/** Never the password: it is not held. */
export function project(resource: Record<string, unknown>, projection: Projection): Record<string, unknown> {
  if (projection.kind === 'all') return resource;
  const { kind, paths, extensions } = projection;
  const kept = Object.entries(resource).flatMap(([key, value]): [string, unknown][] => {
    if (ALWAYS.has(key)) return [[key, value]];
    const part = key.includes(':') ? ofExtension(value, extensions.get(key), kind) : ofAttribute(value, paths.get(key), kind);
    return part === undefined ? [] : [[key, part]];
  });
  return Object.fromEntries(kept);
}

function ofExtension(value: unknown, paths: Paths | undefined, kind: 'only' | 'without'): unknown {
  if (!paths) return kind === 'only' ? undefined : value;
  if (paths.size === 0) return kind === 'only' ? value : undefined;
  const kept = Object.entries(value as object).flatMap(([name, one]): [string, unknown][] => {
    const part = ofAttribute(one, paths.get(name), kind);
    return part === undefined ? [] : [[name, part]];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function ofAttribute(value: unknown, subs: Set<string> | undefined, kind: 'only' | 'without'): unknown {
  if (!subs) return kind === 'only' ? undefined : value;
  if (subs.size === 0) return kind === 'only' ? value : undefined;
  if (!Array.isArray(value)) return ofElement(value, subs, kind);
  const kept = value.map((one) => ofElement(one, subs, kind)).filter((one) => one !== undefined);
  return kept.length === 0 ? undefined : kept;
}

/** Undefined where nothing is left of it: `{}` is no value (RFC 7643 §2.5). */
function ofElement(value: unknown, subs: Set<string>, kind: 'only' | 'without'): unknown {
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([name]) => subs.has(name) === (kind === 'only'));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Whether any part of this attribute would be in the answer: what would be dropped need not be read. */
export function wants(projection: Projection, attribute: string): boolean {
  if (projection.kind === 'all') return true;
  const subs = projection.paths.get(attribute);
  return projection.kind === 'only' ? subs !== undefined : subs === undefined || subs.size > 0;
}
