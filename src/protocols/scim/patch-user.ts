/**
 * PATCH of a user (RFC 7644 §3.5.2) on what the directory said so far: one operation after the other on a draft that is replaced, never changed,
 * so that a request that fails has done nothing. What attributes hold is patch-values.ts's; this file finds them.
 */
import { isDeepStrictEqual } from 'node:util';
import { normaliseForeign, requireUserName, type UserDraft } from './draft.ts';
import { invalidPath, invalidValue, mutability } from './error.ts';
import { refuseGrown } from './foreign.ts';
import { isCleared, isObject, own, put } from './own.ts';
import { inOperation, type Operation } from './patch.ts';
import { revised } from './patch-values.ts';
import { type Path, parsePath } from './path.ts';
import { ENTERPRISE, type Found, findAttribute, type ResourceSchema, sameUrn, splitUrn } from './schema.ts';

interface Patching {
  schema: ResourceSchema;
  ignored: Set<string>;
}

/** One attribute and what is to become of it. `loose`: named by a key of a value, where clients send what they read. */
interface Step {
  op: Operation['op'];
  path: Path;
  value: unknown;
  loose: boolean;
}

/**
 * `ignored` names what was left out. Throws 400 with the operation's number: invalidPath (no such attribute), invalidValue, invalidFilter, mutability
 * (the server's, or userName taken away), noTarget (a filter that matches nothing and says not what to create).
 */
export function patchUser(draft: UserDraft, operations: readonly Operation[], schema: ResourceSchema): { draft: UserDraft; ignored: string[] } {
  const patching: Patching = { schema, ignored: new Set() };
  const patched = operations.reduce((current, operation) => inOperation(operation.number, () => apply(current, operation, patching)), draft);
  return { draft: patched, ignored: [...patching.ignored] };
}

function apply(draft: UserDraft, { op, path, value }: Operation, patching: Patching): UserDraft {
  return path ? step(draft, { op, path, value, loose: false }, patching) : spread(draft, { op, value, prefix: '' }, patching);
}

/** Keys are paths (`name.givenName`, `urn:…:User:department`, `emails[type eq "work"].value`), or the URN of an extension. */
function spread(draft: UserDraft, { op, value, prefix }: Pick<Step, 'op' | 'value'> & { prefix: string }, patching: Patching): UserDraft {
  return Object.entries(isObject(value) ? value : {}).reduce(
    (current, [key, one]) => step(current, { op, path: parsePath(`${prefix}${key}`), value: one, loose: true }, patching),
    draft,
  );
}

function step(draft: UserDraft, one: Step, patching: Patching): UserDraft {
  const { path, op, value } = one;
  const { schema } = patching;
  const found = findAttribute(schema, path.sub === null ? path.attribute : `${path.attribute}.${path.sub}`);
  if (found) return attributeStep(draft, found, one, patching);
  const known = [schema.core, ...schema.extensions].find(({ id }) => sameUrn(id, path.attribute));
  if (known && !path.filter) {
    const removed = op === 'remove' || isCleared(value);
    if (removed && known !== schema.core) return put(draft, known.id, undefined);
    if (removed || !isObject(value)) throw invalidValue(`${known.id}: an object of attributes expected`);
    return spread(draft, { op, value, prefix: `${known.id}:` }, patching);
  }
  const { urn } = splitUrn(path.attribute);
  if (urn === null || sameUrn(urn, schema.core.id) || sameUrn(urn, ENTERPRISE) || path.filter)
    throw invalidPath(`path: a user has no attribute ${path.text.slice(0, 200)}`);
  return foreignStep(draft, one, schema);
}

function attributeStep(draft: UserDraft, found: Found, { op, path, value, loose }: Step, { schema, ignored }: Patching): UserDraft {
  const { attribute, sub, extension } = found;
  const name = sub ? `${attribute.name}.${sub.name}` : attribute.name;
  if (attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly' || attribute.name === 'schemas') {
    if (!loose) throw mutability(`${name}: set by the server`);
    ignored.add(`${name}: set by the server`);
    return draft;
  }
  if (attribute.mutability === 'writeOnly') return draft;
  if (path.filter && !(attribute.multiValued && attribute.subAttributes && (sub === null || path.sub !== null)))
    throw invalidPath(`path: ${path.text.slice(0, 200)} has a filter, and ${name} is no list`);
  const container = extension ? objectAt(draft, extension.id) : draft;
  const before = own(container, attribute.name);
  const after = revised(before, { op, found, filter: path.filter, value, schema });
  if (isDeepStrictEqual(before, after)) return draft;
  if (after === undefined && attribute.required)
    throw op === 'remove' ? mutability(`${name}: a user cannot be without it`) : invalidValue(`${name}: a user cannot be without it`);
  if (after === undefined && attribute.name === 'active' && !extension) {
    ignored.add('active: true or false, but never unassigned');
    return draft;
  }
  const next = put(container, attribute.name, after);
  if (attribute.name === 'userName' && !extension) requireUserName(next);
  return extension ? put(draft, extension.id, isCleared(next) ? undefined : next) : next;
}

const objectAt = (draft: UserDraft, key: string): UserDraft => {
  const value = own(draft, key);
  return isObject(value) ? value : {};
};

/** Schemas of which there is no table are held as they are sent: whole, or attribute by attribute. */
function foreignStep(draft: UserDraft, { op, path, value }: Step, schema: ResourceSchema): UserDraft {
  const { extensions } = schema;
  const held = [...extensions.map(({ id }) => id), ...Object.keys(draft).filter((key) => /^urn:/i.test(key))];
  const heldAs = (urn: string): string | undefined => held.find((one) => sameUrn(one, urn));
  const { urn, name } = splitUrn(path.attribute);
  const owner = heldAs(urn!);
  const whole = heldAs(path.attribute) ?? (owner === undefined && isObject(value) ? path.attribute : undefined);
  if (whole !== undefined) return grown(wholeForeign(draft, whole, { op, value }), whole, schema);
  const key = owner ?? urn!;
  const [attribute = '', sub] = name.split('.');
  const container = objectAt(draft, key);
  const inner = sub === undefined ? container : objectAt(container, attribute);
  const revisedInner = put(inner, sub ?? attribute, op === 'remove' ? undefined : normaliseForeign(value));
  const next = sub === undefined ? revisedInner : put(container, attribute, isCleared(revisedInner) ? undefined : revisedInner);
  return grown(put(draft, key, isCleared(next) ? undefined : next), key, schema);
}

function grown(draft: UserDraft, urn: string, schema: ResourceSchema): UserDraft {
  refuseGrown(draft, urn, schema);
  return draft;
}

function wholeForeign(draft: UserDraft, urn: string, { op, value }: Pick<Step, 'op' | 'value'>): UserDraft {
  if (op === 'remove' || isCleared(value)) return put(draft, urn, undefined);
  if (!isObject(value)) throw invalidValue(`${urn}: an object of attributes expected`);
  const merged = new Map(Object.entries(objectAt(draft, urn)));
  for (const [key, one] of Object.entries(value)) {
    const clean = normaliseForeign(one);
    if (clean === undefined) merged.delete(key);
    else merged.set(key, clean);
  }
  return put(draft, urn, merged.size === 0 ? undefined : Object.fromEntries(merged));
}
