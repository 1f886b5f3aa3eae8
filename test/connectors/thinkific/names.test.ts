import { describe, expect, it } from '@jest/globals';
import { namesOf } from '../../../src/connectors/thinkific/names.ts';
import { makePerson } from '../people.ts';

const named = (over: Partial<ReturnType<typeof makePerson>>) =>
  namesOf(makePerson({ givenName: '', familyName: '', displayName: '', email: 'quill@acme.example', ...over }));
const both = (over: Parameters<typeof named>[0]) => {
  const { first, last } = named(over);
  return [first, last];
};

describe('a first and a last name', () => {
  it('are those that were said', () => {
    expect(named({ givenName: ' Mary  Ann ', familyName: 'Lee', displayName: 'Somebody Else' })).toEqual({
      first: 'Mary Ann',
      last: 'Lee',
      said: { first: true, last: true },
    });
  });

  it('are taken from the whole name where one or both are missing', () => {
    expect(both({ displayName: 'Ludwig van Beethoven' })).toEqual(['Ludwig', 'van Beethoven']);
    expect(both({ displayName: 'van Beethoven, Ludwig' })).toEqual(['Ludwig', 'van Beethoven']);
    expect(both({ givenName: 'Mary Ann', displayName: 'Mary Ann Lee' })).toEqual(['Mary Ann', 'Lee']);
    expect(both({ familyName: 'van Beethoven', displayName: 'Ludwig van Beethoven' })).toEqual(['Ludwig', 'van Beethoven']);
  });

  it('a single word is filled up with a dash that replaces nothing', () => {
    expect(named({ displayName: 'Sukarno' })).toEqual({ first: 'Sukarno', last: '-', said: { first: true, last: false } });
    expect(named({ familyName: 'Sukarno' })).toEqual({ first: '-', last: 'Sukarno', said: { first: false, last: true } });
  });

  it('are guessed from the address when nothing was said, and then replace nothing', () => {
    expect(named({ email: 'mary-ann.lee@acme.example' })).toEqual({ first: 'Mary-Ann', last: 'Lee', said: { first: false, last: false } });
    expect(both({ displayName: 'mary.lee@acme.example', email: 'mary.lee@acme.example' })).toEqual(['Mary', 'Lee']);
    expect(both({ email: 'quill@acme.example' })).toEqual(['Quill', '-']);
    expect(both({ email: '', userName: '@' })).toEqual(['-', '-']);
  });

  it('hold no control characters and are never too long', () => {
    const { first, last } = named({ givenName: 'A\u0000\nB', familyName: '😀'.repeat(400) });
    expect(first).toBe('A B');
    expect([...last]).toHaveLength(255);
  });
});
