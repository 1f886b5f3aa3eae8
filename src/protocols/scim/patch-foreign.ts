/** PATCH of extensions of which there is no table: held as they are sent, whole or attribute by attribute. Each extension is copied once a request's value. */
import type { UserDraft } from './draft.ts';
import { invalidValue } from './error.ts';
import { checkExtensions, type ForeignChange, foreignRevised } from './foreign.ts';
import { isCleared, isObject, own } from './own.ts';
import type { Operation } from './patch.ts';
import { objectOf } from './patch-elements.ts';
import type { Path } from './path.ts';
import { type ResourceSchema, splitUrn } from './schema.ts';

export interface ForeignStep {
  op: Operation['op'];
  path: Path;
  value: unknown;
}

/** What is to become of one extension. `emptied`: nothing of before is left. */
interface Revision {
  urn: string;
  emptied: boolean;
  changes: ForeignChange[];
}

/** By URN in lower case; of what is held and not touched, without changes. */
type Revisions = Map<string, Revision>;

/** Throws 400 invalidValue: no object for a whole extension, and what `foreignRevised` and `checkExtensions` refuse. */
export function foreignSteps(draft: UserDraft, steps: readonly ForeignStep[], schema: ResourceSchema): UserDraft {
  const known = [...schema.extensions.map(({ id }) => id), ...Object.keys(draft).filter((key) => /^urn:/i.test(key))];
  const revisions: Revisions = new Map(known.map((urn) => [urn.toLowerCase(), { urn, emptied: false, changes: [] }]));
  for (const one of steps) plan(revisions, one);
  const after = new Map(Object.entries(draft));
  for (const { urn, emptied, changes } of revisions.values()) {
    if (!emptied && changes.length === 0) continue;
    const next = foreignRevised(urn, emptied ? {} : objectOf(own(draft, urn)), changes);
    if (isCleared(next)) after.delete(urn);
    else after.set(urn, next);
  }
  const revised = Object.fromEntries(after);
  checkExtensions(draft, revised, schema);
  return revised;
}

function plan(revisions: Revisions, { op, path, value }: ForeignStep): void {
  const { urn, name } = splitUrn(path.attribute);
  const owner = revisions.get((urn ?? '').toLowerCase());
  const isWhole = revisions.has(path.attribute.toLowerCase()) || (owner === undefined && isObject(value));
  if (isWhole) {
    planWhole(revisionOf(revisions, path.attribute), { op, value });
    return;
  }
  const [attribute = '', sub] = name.split('.');
  const change = { name: attribute, ...(sub !== undefined && { sub }), value: op === 'remove' ? undefined : value };
  revisionOf(revisions, urn ?? '').changes.push(change);
}

function revisionOf(revisions: Revisions, urn: string): Revision {
  const revision = revisions.get(urn.toLowerCase()) ?? { urn, emptied: false, changes: [] };
  revisions.set(urn.toLowerCase(), revision);
  return revision;
}

function planWhole(revision: Revision, { op, value }: Pick<ForeignStep, 'op' | 'value'>): void {
  if (op === 'remove' || isCleared(value)) {
    revision.emptied = true;
    revision.changes = [];
    return;
  }
  if (!isObject(value)) throw invalidValue(`${revision.urn}: an object of attributes expected`);
  for (const [name, one] of Object.entries(value)) revision.changes.push({ name, value: one });
}
