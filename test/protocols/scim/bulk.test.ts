import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { orderBulk, readBulk, resolveBulkIds, unresolvedIn } from '../../../src/protocols/scim/bulk.ts';
import { ScimError } from '../../../src/protocols/scim/error.ts';

const post = (bulkId: string, data: object = {}, path = '/Users') => ({ method: 'POST', path, bulkId, data });
const read = (...Operations: unknown[]) => readBulk({ Operations }).operations;
const order = (...operations: unknown[]) => orderBulk(read(...operations));
const problemsOf = (...operations: unknown[]) =>
  order(...operations).map(({ index, problem }) => [index, problem?.status ?? 0, problem?.scimType ?? null]);

describe('the message is read', () => {
  test('operations and failOnErrors, keys in any case', () => {
    const { operations, failOnErrors } = readBulk({
      FailOnErrors: 2,
      operations: [
        { Method: 'put', PATH: '/Users/u1', Data: { userName: 'x' }, version: 'W/"1"' },
        { method: 'DELETE', path: '/Users/u2' },
      ],
    });
    expect(failOnErrors).toBe(2);
    expect(operations).toEqual([
      { method: 'PUT', path: '/Users/u1', bulkId: null, version: 'W/"1"', data: { userName: 'x' }, problem: null },
      { method: 'DELETE', path: '/Users/u2', bulkId: null, version: null, data: undefined, problem: null },
    ]);
    expect(readBulk({ Operations: [] })).toEqual({ operations: [], failOnErrors: null });
  });

  test('a message that is none is refused', () => {
    for (const body of [null, [], 'x', {}, { Operations: 'x' }])
      expect(() => readBulk(body)).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidSyntax' }));
    for (const failOnErrors of [0, -1, 1.5, '1', {}])
      expect(() => readBulk({ Operations: [], failOnErrors })).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidValue' }));
  });

  test('more than 1,000 operations are refused with the limit', () => {
    const many = (length: number) => ({ Operations: Array.from({ length }, () => ({ method: 'DELETE', path: '/Users/u1' })) });
    expect(readBulk(many(1000)).operations).toHaveLength(1000);
    expect(() => readBulk(many(1001))).toThrow(expect.objectContaining({ status: 413, scimType: null, message: expect.stringContaining('1000') }));
  });

  test.each<[string, unknown, string]>([
    ['no object', null, 'method'],
    ['GET', { method: 'GET', path: '/Users' }, 'method'],
    ['no path', { method: 'DELETE' }, 'path'],
    ['a path without slash', { method: 'DELETE', path: 'Users/u1' }, 'path'],
    ['a path with a line break', { method: 'DELETE', path: '/Users/\nu1' }, 'path'],
    ['Bulk in Bulk', { method: 'POST', path: '/Bulk', bulkId: 'x', data: {} }, 'Bulk'],
    ['Bulk in Bulk, written otherwise', { method: 'POST', path: '//bulk?x', bulkId: 'x', data: {} }, 'Bulk'],
    ['POST without bulkId', { method: 'POST', path: '/Users', data: {} }, 'bulkId'],
    ['a bulkId twice', post('good'), 'bulkId'],
    ['PUT without data', { method: 'PUT', path: '/Users/u1' }, 'data'],
    ['data that is a list', { method: 'PATCH', path: '/Users/u1', data: [] }, 'data'],
    ['data without end', post('deep', JSON.parse(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)), 'data'],
  ])('%s is an error of that operation only', (_, operation, named) => {
    const [good, bad] = read(post('good'), operation);
    expect(good!.problem).toBeNull();
    expect(bad!.problem).toMatchObject({ status: 400, scimType: 'invalidSyntax', message: expect.stringContaining(named) });
    expect(order(post('good'), operation).map(({ problem }) => problem?.scimType ?? null)).toEqual([null, 'invalidSyntax']);
  });
});

describe('what is referred to is done first', () => {
  const team = (...members: string[]) => post('team', { displayName: 'T', members: members.map((value) => ({ value })) }, '/Groups');

  test('as sent, where nothing refers forward', () => {
    expect(problemsOf(post('a'), team('bulkId:a'), { method: 'DELETE', path: '/Users/u9' })).toEqual([
      [0, 0, null],
      [1, 0, null],
      [2, 0, null],
    ]);
  });

  test('in members, manager, path, address and filter', () => {
    const indexes = (...operations: unknown[]) => order(...operations).map(({ index }) => index);
    expect(indexes(team('bulkId:a', 'u7', 'bulkId:b'), post('b'), post('a'))).toEqual([2, 1, 0]);
    expect(indexes(post('a', { 'urn:x:User': { manager: { value: 'bulkId:boss' } } }), post('boss'))).toEqual([1, 0]);
    expect(indexes({ method: 'PATCH', path: '/Groups/bulkId:team', data: {} }, team('bulkId:a'), post('a'))).toEqual([2, 1, 0]);
    expect(indexes({ method: 'PUT', path: '/Groups/g1', data: { members: [{ $ref: '../Users/bulkId:a' }] } }, post('a'))).toEqual([1, 0]);
    expect(
      indexes({ method: 'PATCH', path: '/Groups/g1', data: { Operations: [{ op: 'remove', path: 'members[value eq "bulkId:a"]' }] } }, post('a')),
    ).toEqual([1, 0]);
  });

  test('unknown references are 400, circles 409, and neither stops the others', () => {
    expect(problemsOf(team('bulkId:nobody'), post('a'))).toEqual([
      [0, 400, 'invalidValue'],
      [1, 0, null],
    ]);
    const manages = (id: string) => ({ manager: `bulkId:${id}` });
    const circle = problemsOf(post('a', manages('b')), post('b', manages('a')), post('c'), team('bulkId:a'), post('self', manages('self')));
    expect(Object.fromEntries(circle.map(([index, status]) => [index, status]))).toEqual({ 0: 409, 1: 409, 2: 0, 3: 409, 4: 409 });
    expect(problemsOf({ method: 'PUT', path: '/Users/u1', bulkId: 'put', data: {} }, team('bulkId:put'))[1]).toEqual([1, 400, 'invalidValue']);
  });

  test('words of JavaScript are names like any other', () => {
    expect(problemsOf(team('bulkId:constructor', 'bulkId:__proto__'), post('__proto__'))).toEqual([
      [1, 0, null],
      [0, 400, 'invalidValue'],
    ]);
  });

  test('a thousand that wait for one another are ordered in no time', () => {
    const chain = Array.from({ length: 1000 }, (_, at) => post(`u${at}`, at < 999 ? { manager: `bulkId:u${at + 1}` } : {}));
    const started = performance.now();
    expect(order(...chain).map(({ index }) => index)).toEqual(Array.from({ length: 1000 }, (_, at) => 999 - at));
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe('references are replaced by ids', () => {
  const ids = new Map([
    ['a', 'u1'],
    ['x/y z', 'u2'],
    ['__proto__', 'u3'],
  ]);

  test('wherever they are, and nothing else is', () => {
    const data = {
      members: [{ value: 'bulkId:a', $ref: '../Users/bulkId:a' }, { value: 'bulkId:x/y z' }],
      n: 1,
      b: null,
      name: 'not bulkId:a',
      other: 'bulkId:zzz',
    };
    expect(resolveBulkIds(data, ids)).toEqual({ ...data, members: [{ value: 'u1', $ref: '../Users/u1' }, { value: 'u2' }] });
    expect(resolveBulkIds('/Users/bulkId:a?attributes=id', ids)).toBe('/Users/u1?attributes=id');
    expect(resolveBulkIds('members[value eq "bulkId:a"]', ids)).toBe('members[value eq "u1"]');
    expect(resolveBulkIds('bulkId:__proto__', ids)).toBe('u3');
    const odd = resolveBulkIds(JSON.parse('{"__proto__":"bulkId:a"}'), ids) as object;
    expect(Object.entries(odd)).toEqual([['__proto__', 'u1']]);
  });

  test('what could not be created is missed', () => {
    const [operation] = read(post('g', { members: ['bulkId:a', 'bulkId:b'] }, '/Groups'));
    expect(unresolvedIn(operation!, ids)).toMatchObject({ status: 409, message: expect.stringContaining('bulkId:b') });
    expect(unresolvedIn(operation!, new Map([...ids, ['b', 'u4']]))).toBeNull();
  });
});

test('whatever is sent, every operation is done or refused once', () => {
  const bulkId = fc.constantFrom('a', 'b', 'c', '__proto__');
  const data = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(
      fc.string(),
      bulkId.map((id) => `bulkId:${id}`),
    ),
  );
  const operation = fc.oneof(
    fc.jsonValue(),
    fc.record({
      method: fc.constantFrom('POST', 'PUT', 'DELETE', 'GET'),
      path: fc.oneof(
        fc.constant('/Users'),
        bulkId.map((id) => `/Users/bulkId:${id}`),
      ),
      bulkId,
      data,
    }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 8 }), (operations) => {
      try {
        const done = order(...operations).map(({ index }) => index);
        expect(done.toSorted((a, b) => a - b)).toEqual(operations.map((_, index) => index));
      } catch (error) {
        if (!(error instanceof ScimError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
