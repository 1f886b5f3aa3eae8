/**
 * PATCH of a user (RFC 7644 §3.5.2) on what the directory said so far: one operation after the other on a draft that is replaced, never changed,
 * so that a request that fails has done nothing. What attributes hold is patch-values.ts's; this file finds them.
 */
import { isDeepStrictEqual } from 'node:util';
import { requireUserName, type UserDraft } from './draft.ts';
import { invalidPath, invalidValue, mutability } from './error.ts';
import { isCleared, isObject, own, put } from './own.ts';
import { inOperation, type Operation } from './patch.ts';
import { objectOf } from './patch-elements.ts';
import { foreignSteps } from './patch-foreign.ts';
import { revised } from './patch-values.ts';
import { type Path, parsePath } from './path.ts';
import { ENTERPRISE, type Found, findAttribute, type ResourceSchema, type Schema, sameUrn, splitUrn } from './schema.ts';
import { isOurs } from './values.ts';

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
  const foreign: Step[] = [];
  let current = draft;
  for (const [key, one] of Object.entries(isObject(value) ? value : {})) {
    const next: Step = { op, path: parsePath(`${prefix}${key}`), value: one, loose: true };
    if (isForeign(next.path, patching.schema)) foreign.push(next);
    else current = step(current, next, patching);
  }
  // Together: there may be many, and each would copy all that is there.
  return foreign.length === 0 ? current : foreignSteps(current, foreign, patching.schema);
}

function step(draft: UserDraft, one: Step, patching: Patching): UserDraft {
  const { path, op, value } = one;
  const { schema } = patching;
  const found = findAttribute(schema, nameOf(path));
  if (found) return attributeStep(draft, found, one, patching);
  const known = schemaNamed(path, schema);
  if (!known) return foreignSteps(draft, [foreignOnly(one, schema)], schema);
  const removed = op === 'remove' || isCleared(value);
  if (removed && known !== schema.core) return put(draft, known.id, undefined);
  if (removed || !isObject(value)) throw invalidValue(`${known.id}: an object of attributes expected`);
  return spread(draft, { op, value, prefix: `${known.id}:` }, patching);
}

const nameOf = ({ attribute, sub }: Path): string => (sub === null ? attribute : `${attribute}.${sub}`);

const schemaNamed = (path: Path, { core, extensions }: ResourceSchema): Schema | undefined =>
  path.filter ? undefined : [core, ...extensions].find(({ id }) => sameUrn(id, path.attribute));

/** Of an extension, and described by no table. */
function isForeign(path: Path, schema: ResourceSchema): boolean {
  const { urn } = splitUrn(path.attribute);
  if (urn === null || sameUrn(urn, schema.core.id) || sameUrn(urn, ENTERPRISE) || path.filter) return false;
  return !findAttribute(schema, nameOf(path)) && !schemaNamed(path, schema);
}

function foreignOnly(one: Step, schema: ResourceSchema): Step {
  if (!isForeign(one.path, schema)) throw invalidPath(`path: a user has no attribute ${one.path.text.slice(0, 200)}`);
  return one;
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
  if (sub && isOurs(sub)) {
    ignored.add(`${name}: follows from the value`);
    return draft;
  }
  if (path.filter && !(attribute.multiValued && attribute.subAttributes && (sub === null || path.sub !== null)))
    throw invalidPath(`path: ${path.text.slice(0, 200)} has a filter, and ${name} is no list`);
  const container = extension ? objectOf(own(draft, extension.id)) : draft;
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
