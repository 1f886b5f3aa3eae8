import { describe, expect, it } from '@jest/globals';
import type { Operation, Resource } from '../../../src/connectors/connector.ts';
import { type EnrolmentsData, enrolmentsChanged, learnerUpdated } from '../../../src/connectors/webhook/messages.ts';
import { attemptOf, makePerson } from '../people.ts';

const thing = (n: number, name = `Offer ${n}`): Resource => ({ kind: 'target', id: `bundle:offer-${n}`, name });
const add = (resource: Resource): Operation => ({ kind: 'add', resource });
const dataOf = (body: string) => JSON.parse(body).data as EnrolmentsData;
const many = (count: number, name?: string) => Array.from({ length: count }, (_, i) => thing(i, name));

describe('a message', () => {
  const person = makePerson({ fields: { team: 'North', cost_centre: '7' } });

  it('tells of a learner all that a receiver may know, when, and whether they are active', () => {
    const { type, body } = learnerUpdated(attemptOf('k', person, []));
    const { emailTrusted: _, active: __, updatedAt: ___, ...told } = person;
    expect(JSON.parse(body)).toEqual({ type: 'learner.updated', timestamp: person.updatedAt.toISOString(), data: { ...told, status: 'active' } });
    expect(type).toBe('learner.updated');
    expect(JSON.parse(learnerUpdated(attemptOf('k', { ...person, active: false }, [])).body).data.status).toBe('inactive');
  });

  it('tells what was added, what was removed, and all that is there after it', () => {
    const parts = enrolmentsChanged([{ kind: 'remove', resource: thing(1) }, add(thing(2))], attemptOf('k', person, [thing(2), thing(3)]));
    expect(parts).toHaveLength(1);
    expect(JSON.parse(parts[0]!.message.body)).toEqual({
      type: 'enrolments.changed',
      timestamp: person.updatedAt.toISOString(),
      data: {
        learner: person.id,
        added: [{ target: 'bundle:offer-2', name: 'Offer 2' }],
        removed: [{ target: 'bundle:offer-1', name: 'Offer 1' }],
        enrolments: [
          { target: 'bundle:offer-2', name: 'Offer 2' },
          { target: 'bundle:offer-3', name: 'Offer 3' },
        ],
      },
    });
  });

  it('has an id without a dot that is the same for the same change, and another for another change or another content', () => {
    const id = (key: string, over = {}) => learnerUpdated(attemptOf(key, { ...person, ...over }, [])).id;
    expect(id('a')).toMatch(/^msg_[A-Za-z0-9_-]{43}$/);
    expect(id('a', { fields: { cost_centre: '7', team: 'North' } })).toBe(id('a'));
    const enrolments = enrolmentsChanged([add(thing(1))], attemptOf('a', person, [thing(1)]))[0]!.message.id;
    expect(new Set([id('a'), id('b'), id('a', { title: 'Dr' }), enrolments]).size).toBe(4);
  });
});

describe('a message that would be 20 kB or more', () => {
  const person = makePerson();
  const size = (body: string) => Buffer.byteLength(body);

  it('leaves out all that is there after it, and says so', () => {
    const desired = many(400, 'Fjördübung '.repeat(3));
    const [only, ...others] = enrolmentsChanged([add(desired[0]!)], attemptOf('k', person, desired));
    expect(others).toEqual([]);
    expect(size(only!.message.body)).toBeLessThan(20_000);
    expect(dataOf(only!.message.body)).toMatchObject({ added: [{ target: 'bundle:offer-0' }], enrolments: null });
  });

  it('becomes several, each smaller, that together tell everything once and in order', () => {
    const desired = many(1000);
    const operations = desired.map(add);
    const parts = enrolmentsChanged(operations, attemptOf('k', person, desired));
    expect(parts.length).toBeGreaterThan(1);
    for (const { message } of parts) expect(size(message.body)).toBeLessThan(20_000);
    expect(parts.flatMap((part) => part.operations)).toEqual(operations);
    expect(parts.flatMap(({ message }) => dataOf(message.body).added.map(({ target }) => target))).toEqual(desired.map(({ id }) => id));
    expect(new Set(parts.map(({ message }) => message.id)).size).toBe(parts.length);
  });

  it('says only in the last of several what is there in the end', () => {
    const added = many(500);
    const parts = enrolmentsChanged(
      [...added.map((resource): Operation => ({ kind: 'remove', resource })), add(thing(900))],
      attemptOf('k', person, [thing(900)]),
    );
    const ends = parts.map(({ message }) => dataOf(message.body).enrolments);
    expect(ends.slice(0, -1).every((one) => one === null)).toBe(true);
    expect(ends.at(-1)).toEqual([{ target: 'bundle:offer-900', name: 'Offer 900' }]);
  });

  it('leaves out a learner’s own fields, and says so; what is still too large is refused', () => {
    const fields = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`field_${i}`, 'x'.repeat(100)]));
    const { body } = learnerUpdated(attemptOf('k', { ...person, fields }, []));
    expect(size(body)).toBeLessThan(20_000);
    expect(JSON.parse(body).data).toMatchObject({ id: person.id, email: person.email, fields: null });
    const endless = { ...person, title: 'x'.repeat(20_000) };
    expect(() => learnerUpdated(attemptOf('k', endless, []))).toThrow(
      expect.objectContaining({ name: 'TerminalFailure', code: 'validation', scope: 'person' }),
    );
  });
});
