/** What an operation makes of one attribute's value (RFC 7644 §3.5.2.1 to §3.5.2.3): simple, complex, or a list. Stored forms in and out. */

import { isCleared, isObject, type Json } from './own.ts';
import { elementsRevised, isReference, objectOf, type Revision, withSub } from './patch-elements.ts';
import { named } from './schema.ts';
import { normaliseValue } from './values.ts';

/** Undefined: unassigned, before and after. */
export function revised(before: unknown, revision: Revision): unknown {
  const { attribute, sub } = revision.found;
  if (!attribute.subAttributes) return revision.op === 'remove' ? undefined : normaliseValue(revision.found, revision.value);
  if (!attribute.multiValued) return nonEmpty(sub ? withSub(objectOf(before), sub, revision) : revisedComplex(objectOf(before), revision));
  const after = elementsRevised(Array.isArray(before) ? before.map(objectOf) : [], revision);
  return after.length === 0 ? undefined : after;
}

const nonEmpty = (value: Json): Json | undefined => (Object.keys(value).length === 0 ? undefined : value);

/** Sub-attributes that are not named stay (§3.5.2.3); those named with null or `''` go. */
function revisedComplex(before: Json, revision: Revision): Json {
  const { op, found } = revision;
  // Entra sends a manager as a list of one.
  const value = Array.isArray(revision.value) && revision.value.length === 1 ? revision.value[0] : revision.value;
  if (op === 'remove' || (isCleared(value) && !isObject(value))) return {};
  if (isReference(found) || !isObject(value)) return objectOf(normaliseValue(found, value));
  return Object.entries(value).reduce((object, [key, one]) => {
    const sub = named(found.attribute.subAttributes ?? [], key);
    return sub && sub.mutability !== 'readOnly' ? withSub(object, sub, { ...revision, value: one }) : object;
  }, before);
}
