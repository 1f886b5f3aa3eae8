import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { LIMITS } from '../../../src/protocols/scim/discovery.ts';
import { readListQuery, readSearchRequest } from '../../../src/protocols/scim/list.ts';

const MOST = 999_999_999_999_999;
const index = (startIndex: number, count: number = LIMITS.defaultPage) => ({ kind: 'index', startIndex, count });
const nothing = { filter: null, sortBy: null, descending: false, attributes: null, excludedAttributes: null, page: index(1) };

/** The same in a query string and in a SearchRequest. */
const BOTH: [string, Record<string, string>, object][] = [
  ['nothing', {}, {}],
  ['what nobody knows', { who: 'x' }, {}],
  ['a filter', { filter: 'userName eq "a"' }, { filter: 'userName eq "a"' }],
  ['an order', { sortBy: 'userName', sortOrder: 'Descending' }, { sortBy: 'userName', descending: true }],
  ['an order by nothing', { sortBy: '', sortOrder: 'ascending' }, {}],
  ['attributes', { attributes: 'userName,emails' }, { attributes: 'userName,emails' }],
  ['attributes left out', { excludedAttributes: 'members' }, { excludedAttributes: 'members' }],
  ['a page', { startIndex: '11', count: '10' }, { page: index(11, 10) }],
  ['numbers with blanks and signs', { startIndex: ' +11 ', count: '+10 ' }, { page: index(11, 10) }],
  ['empty numbers', { startIndex: '', count: ' ' }, {}],
  ['a page before the first', { startIndex: '0', count: '-5' }, { page: index(1, 0) }],
  ['no results', { count: '0' }, { page: index(1, 0) }],
  ['more than a page holds', { count: '201' }, { page: index(1, LIMITS.filterResults) }],
  ['a cursor', { cursor: 'abc', count: '7' }, { page: { kind: 'cursor', cursor: 'abc', count: 7 } }],
  ['the first cursor', { cursor: '' }, { page: { kind: 'cursor', cursor: '', count: LIMITS.defaultPage } }],
  ['a cursor, and a page besides', { cursor: 'abc', startIndex: '5' }, { page: { kind: 'cursor', cursor: 'abc', count: LIMITS.defaultPage } }],
  ['very large numbers', { startIndex: '1234567890123456', count: '9'.repeat(400) }, { page: index(MOST, LIMITS.filterResults) }],
  ['very small numbers', { startIndex: `-${'9'.repeat(400)}`, count: '-1234567890123456' }, { page: index(1, 0) }],
  [
    'a very large count with a cursor',
    { cursor: 'a', count: '9'.repeat(16) },
    { page: { kind: 'cursor', cursor: 'a', count: LIMITS.filterResults } },
  ],
];

describe.each(BOTH)('%s', (_, asked, read) => {
  it('is read from a query string', () => expect(readListQuery(asked)).toEqual({ ...nothing, ...read }));
  it('is read from a SearchRequest', () => expect(readSearchRequest(asked)).toEqual({ ...nothing, ...read }));
});

const refusal = (scimType: string) => expect.objectContaining({ status: 400, scimType });

describe('refused in both', () => {
  test.each<[string, Record<string, string>, string]>([
    ['an empty filter', { filter: ' ' }, 'invalidFilter'],
    ['an order that is none', { sortOrder: 'up' }, 'invalidValue'],
    ['a count that is none', { count: 'many' }, 'invalidValue'],
    ['a part of a count', { count: '1.5' }, 'invalidValue'],
    ['a count with an exponent', { count: '1e3' }, 'invalidValue'],
    ['a startIndex that is none', { startIndex: '1;2' }, 'invalidValue'],
    ['a count that is none, with a cursor', { cursor: 'a', count: 'x' }, 'invalidCount'],
  ])('%s', (_, asked, scimType) => {
    expect(() => readListQuery(asked)).toThrow(refusal(scimType));
    expect(() => readSearchRequest(asked)).toThrow(refusal(scimType));
  });

  it('a parameter that is given twice', () => {
    for (const name of ['filter', 'sortBy', 'sortOrder', 'attributes', 'excludedAttributes', 'startIndex', 'count', 'cursor'])
      expect(() => readListQuery({ [name]: ['1', '2'] })).toThrow(refusal('invalidValue'));
  });
});

describe('a SearchRequest', () => {
  it('has keys in any case, numbers, lists of names, and nothing as null', () => {
    expect(readSearchRequest({ STARTINDEX: 11, Count: 10, Attributes: ['a', 'b'], excludedattributes: null, filter: null, cursor: null })).toEqual({
      ...nothing,
      attributes: ['a', 'b'],
      page: index(11, 10),
    });
  });

  test.each<[unknown, number]>([
    [1e21, MOST],
    [Number.POSITIVE_INFINITY, MOST],
    [Number.MAX_SAFE_INTEGER, MOST],
    [Number.NEGATIVE_INFINITY, 1],
  ])('begins at most where the last can be: %p', (startIndex, read) => {
    expect(readSearchRequest({ startIndex }).page).toEqual(index(read));
  });

  const NO_NUMBERS: unknown[] = [{}, { toString: 1 }, { toString: null, valueOf: 'x' }, [], [5], true, false, 1.5];
  test.each(NO_NUMBERS.map((one) => [JSON.stringify(one), one]))('has no count and no startIndex that is %s', (_, one) => {
    expect(() => readSearchRequest({ count: one })).toThrow(refusal('invalidValue'));
    expect(() => readSearchRequest({ startIndex: one })).toThrow(refusal('invalidValue'));
  });

  it('is an object, with words as text', () => {
    for (const body of [null, [], 'x', 7]) expect(() => readSearchRequest(body)).toThrow(refusal('invalidSyntax'));
    for (const body of [{ filter: 7 }, { sortBy: [] }, { cursor: 1 }, { attributes: 7 }, { attributes: ['a', 7] }, { excludedAttributes: {} }])
      expect(() => readSearchRequest(body)).toThrow(refusal('invalidValue'));
  });
});

test('whatever is asked, a page is within bounds or it is refused', () => {
  const number = fc.oneof(fc.bigInt().map(String), fc.string(), fc.jsonValue({ maxDepth: 1 }));
  fc.assert(
    fc.property(number, number, (startIndex, count) => {
      try {
        const { page } = readSearchRequest({ startIndex, count });
        expect(page.count).toBeGreaterThanOrEqual(0);
        expect(page.count).toBeLessThanOrEqual(LIMITS.filterResults);
        if (page.kind === 'index') expect(page.startIndex > 0 && Number.isSafeInteger(page.startIndex)).toBe(true);
      } catch (error) {
        expect(error).toEqual(refusal('invalidValue'));
      }
    }),
  );
});
