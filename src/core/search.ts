/**
 * Search: a filter as it is asked of the store, free of any wire format and of SQL. protocols/scim compiles RFC 7644's filters to it,
 * store/search compiles it to SQL. Attributes are named by their path in lower case: `username`, `emails.value`,
 * `urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:department`. Values are already in the form in which the attribute is compared
 * (folded by `foldKey` unless case counts; `true`/`false`; UTC with milliseconds), so that comparing is comparing bytes.
 */

export type Comparison = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';

export type Where =
  /** Of none: everything. */
  | { kind: 'all'; of: Where[] }
  /** Of none: nothing. */
  | { kind: 'any'; of: Where[] }
  | { kind: 'not'; of: Where }
  | { kind: 'present'; attribute: string }
  /** True where one value of the attribute compares so; `ne` also where there is none. */
  | { kind: 'compare'; attribute: string; op: Comparison; value: string }
  /** True where one element of this multi-valued attribute satisfies all of `where`, whose attributes are its own (`emails.type`). */
  | { kind: 'element'; attribute: string; where: Where };

/** One value by which a user is found. `element` tells elements of a multi-valued attribute apart: values of one element share it. */
export interface SearchValue {
  attribute: string;
  element: number;
  value: string;
}

/** Longer text cannot be indexed (PostgreSQL: 2,704 bytes a row) and is refused at the edge. */
export const SEARCHABLE_LENGTH = 512;

export interface SearchQuery {
  where: Where | null;
  /** Null: in order of id. Values missing come last ascending and first descending; equal ones in order of id. */
  sort: { attribute: string; descending: boolean } | null;
  /** How many to leave out from the start, or the id after which to go on (only without `sort`). */
  from: { offset: number } | { after: string };
  limit: number;
  /** Whether the total is wanted: beyond a page it costs a count. */
  count: boolean;
}
