/** list: what a client asks of a list, in a query string or as a SearchRequest (RFC 7644 §3.4.2, §3.4.3; RFC 9865 §2). */
import { LIMITS } from './discovery.ts';
import { invalidFilter, invalidSyntax, invalidValue, ScimError } from './error.ts';
import { isObject, keyed } from './own.ts';

export interface ListQuery {
  filter: string | null;
  sortBy: string | null;
  descending: boolean;
  attributes: string | readonly string[] | null;
  excludedAttributes: string | readonly string[] | null;
  page: { kind: 'index'; startIndex: number; count: number } | { kind: 'cursor'; cursor: string; count: number };
}

/** Unknown parameters are ignored; one that is given twice means nothing. Throws 400. */
export function readListQuery(query: Readonly<Record<string, string | string[] | undefined>>): ListQuery {
  const one = (name: string): string | null => {
    const value = Object.hasOwn(query, name) ? query[name] : undefined;
    if (Array.isArray(value)) throw invalidValue(`${name}: given more than once`);
    return value ?? null;
  };
  return listQuery({
    filter: one('filter'),
    sortBy: one('sortBy'),
    sortOrder: one('sortOrder'),
    attributes: one('attributes'),
    excludedAttributes: one('excludedAttributes'),
    startIndex: one('startIndex'),
    count: one('count'),
    cursor: one('cursor'),
  });
}

/** The body of `.search`: the same words, attributes as lists. */
export function readSearchRequest(body: unknown): ListQuery {
  if (!isObject(body)) throw invalidSyntax('The body must be a SearchRequest');
  const text = (name: string): string | null => {
    const value = keyed(body, name.toLowerCase()) ?? null;
    if (value !== null && typeof value !== 'string') throw invalidValue(`${name}: text`);
    return value;
  };
  const number = (name: string): string | null => {
    const value = keyed(body, name.toLowerCase()) ?? null;
    if (value === null || typeof value === 'string') return value;
    if (typeof value !== 'number') throw invalidValue(`${name}: a whole number`);
    return String(capped(value));
  };
  const names = (name: string): string | string[] | null => {
    const value = keyed(body, name.toLowerCase()) ?? null;
    if (value === null || typeof value === 'string') return value;
    if (!Array.isArray(value) || value.some((one) => typeof one !== 'string')) throw invalidValue(`${name}: a list of names`);
    return value as string[];
  };
  return listQuery({
    filter: text('filter'),
    sortBy: text('sortBy'),
    sortOrder: text('sortOrder'),
    attributes: names('attributes'),
    excludedAttributes: names('excludedAttributes'),
    startIndex: number('startIndex'),
    count: number('count'),
    cursor: text('cursor'),
  });
}

interface Sent extends Pick<ListQuery, 'filter' | 'sortBy' | 'attributes' | 'excludedAttributes'> {
  sortOrder: string | null;
  startIndex: string | null;
  count: string | null;
  cursor: string | null;
}

function listQuery({ filter, sortBy, sortOrder, attributes, excludedAttributes, startIndex, count, cursor }: Sent): ListQuery {
  if (filter !== null && filter.trim() === '') throw invalidFilter('filter: empty');
  const order = (sortOrder ?? 'ascending').toLowerCase();
  if (order !== 'ascending' && order !== 'descending') throw invalidValue('sortOrder: ascending or descending');
  const many = countOf(count, cursor !== null);
  return {
    filter,
    sortBy: sortBy === '' ? null : sortBy,
    descending: order === 'descending',
    attributes,
    excludedAttributes,
    page:
      cursor !== null
        ? { kind: 'cursor', cursor, count: many }
        : { kind: 'index', startIndex: Math.max(1, integer('startIndex', startIndex, 1)), count: many },
  };
}

/** Below zero means none, above the maximum the maximum; neither is an error. */
function countOf(text: string | null, cursor: boolean): number {
  if (text !== null && cursor && !INTEGER.test(text.trim())) throw new ScimError(400, 'invalidCount', 'count: a whole number');
  return Math.min(Math.max(0, integer('count', text, LIMITS.defaultPage)), LIMITS.filterResults);
}

const INTEGER = /^[+-]?\d+$/;

/** What a database can still count by. Nobody has more. */
const MOST = 999_999_999_999_999;
const capped = (value: number): number => Math.min(Math.max(value, -MOST), MOST);

function integer(name: string, text: string | null, usual: number): number {
  if (text === null || text.trim() === '') return usual;
  if (!INTEGER.test(text.trim())) throw invalidValue(`${name}: a whole number`);
  return capped(Number(text.trim()));
}
