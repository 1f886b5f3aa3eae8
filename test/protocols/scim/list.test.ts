/** What a client may ask of a list. */
import { describe, expect, it } from '@jest/globals';
import { LIMITS } from '../../../src/protocols/scim/discovery.ts';
import { readListQuery, readSearchRequest } from '../../../src/protocols/scim/list.ts';

const page = (query: Record<string, string>) => readListQuery(query).page;

describe('count and startIndex', () => {
  it.each([
    [{}, { startIndex: 1, count: LIMITS.defaultPage }],
    [{ count: '0' }, { startIndex: 1, count: 0 }],
    [
      { count: '-5', startIndex: '-1' },
      { startIndex: 1, count: 0 },
    ],
    [{ count: '100000' }, { startIndex: 1, count: LIMITS.filterResults }],
    [{ count: '99999999999999999999999' }, { startIndex: 1, count: LIMITS.filterResults }],
    [{ startIndex: '99999999999999999999999' }, { startIndex: 1_000_000_000_000, count: LIMITS.defaultPage }],
    [
      { startIndex: '7', count: ' 3 ' },
      { startIndex: 7, count: 3 },
    ],
  ])('%j', (query, expected) => {
    expect(page(query)).toEqual({ kind: 'index', ...expected });
    expect(readSearchRequest(query).page).toEqual({ kind: 'index', ...expected });
  });
  it.each(['x', '1.5', '1e3', 'NaN'])('that are no whole number are refused: %s', (text) => {
    expect(() => page({ count: text })).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidValue' }));
    expect(() => page({ cursor: '', count: text })).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidCount' }));
  });
  it.each([[{ count: {} }], [{ count: true }], [{ startIndex: [1] }], [{ Count: 1.5 }]])('in a search request, too: %j', (body) => {
    expect(() => readSearchRequest(body)).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidValue' }));
  });
});

it('a parameter given twice means nothing', () => {
  expect(() => readListQuery({ filter: ['a pr', 'b pr'] })).toThrow(expect.objectContaining({ message: 'filter: given more than once' }));
});
