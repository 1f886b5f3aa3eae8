/**
 * searchable: by which values a user is found. A pure function of the person; kept beside the rows by the store, moved in the plan's own transaction.
 * What the store has columns for (core/search) is left out.
 */
import type { Person } from '../../core/model.ts';
import { foldKey } from '../../core/profile.ts';
import { SEARCHABLE_LENGTH, type SearchValue } from '../../core/search.ts';
import { currentDraft } from './draft.ts';
import { type Attribute, type Found, findAttribute, type ResourceSchema, userResource } from './schema.ts';

/** What is new and what is gone between two states. */
export function searchMoves(before: Person | null, after: Person): { gone: SearchValue[]; come: SearchValue[] } {
  const key = ({ attribute, element, value }: SearchValue) => JSON.stringify([attribute, element, value]);
  const was = new Map((before ? searchValues(before) : []).map((one) => [key(one), one]));
  const is = new Map(searchValues(after).map((one) => [key(one), one]));
  return { gone: [...was].filter(([k]) => !is.has(k)).map(([, one]) => one), come: [...is].filter(([k]) => !was.has(k)).map(([, one]) => one) };
}

const SCHEMA: ResourceSchema = userResource({});
const COLUMNS = new Set(['userName', 'externalId', 'active']);

/** None of a tombstone's. */
export function searchValues(person: Person): SearchValue[] {
  if (person.user.status === 'deleted') return [];
  const values: SearchValue[] = [];
  let extensions = 0;
  // In an order of our own: PostgreSQL keeps none, and an extension is found by its place.
  for (const [key, value] of Object.entries(currentDraft(person)).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (COLUMNS.has(key)) continue;
    if (!key.includes(':')) ofPath(values, key, value);
    else {
      values.push({ attribute: 'schemas', element: extensions++, value: key });
      for (const [name, one] of Object.entries(value as object)) ofPath(values, `${key}:${name}`, one);
    }
  }
  return values;
}

function ofPath(values: SearchValue[], path: string, value: unknown): void {
  const found = findAttribute(SCHEMA, path);
  if (!found) unknown(values, path.toLowerCase(), value);
  else if (found.attribute.type !== 'complex') leaf(values, { attribute: found.searchName, element: 0 }, found.attribute, value);
  else ofElements(values, found, value);
}

function ofElements(values: SearchValue[], { attribute, searchName }: Found, value: unknown): void {
  const elements = Array.isArray(value) ? value : [value];
  elements.forEach((element: Record<string, unknown>, i) => {
    for (const sub of attribute.subAttributes ?? [])
      if (Object.hasOwn(element, sub.name))
        leaf(values, { attribute: `${searchName}.${sub.name.toLowerCase()}`, element: i }, sub, element[sub.name]);
  });
}

/** Of an extension that only the tenant knows: text, case folded. */
function unknown(values: SearchValue[], attribute: string, value: unknown): void {
  (Array.isArray(value) ? value : [value]).forEach((one: unknown, element) => {
    if (typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean')
      push(values, { attribute, element, value: foldKey(String(one)) });
  });
}

function leaf(values: SearchValue[], at: Omit<SearchValue, 'value'>, { type, caseExact, searchable }: Attribute, value: unknown): void {
  if (!searchable) return;
  const text = String(value);
  push(values, { ...at, value: caseExact || type === 'boolean' ? text : foldKey(text) });
}

function push(values: SearchValue[], value: SearchValue): void {
  if (value.attribute.length <= SEARCHABLE_LENGTH && value.value.length <= 2 * SEARCHABLE_LENGTH) values.push(value);
}
