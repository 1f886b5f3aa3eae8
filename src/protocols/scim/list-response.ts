/** list-response: the envelope of every list (RFC 7644 §3.4.2; RFC 9865 §2 with a cursor). */

export interface Listed {
  resources: readonly object[];
  /** Null: not counted. */
  total: number | null;
  startIndex?: number;
  /** Null or absent on the last page. */
  nextCursor?: string | null;
}

export const listResponse = ({ resources, total, startIndex, nextCursor }: Listed): object => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
  ...(total !== null && { totalResults: total }),
  ...(startIndex !== undefined && { startIndex }),
  itemsPerPage: resources.length,
  ...(typeof nextCursor === 'string' && { nextCursor }),
  Resources: resources,
});
