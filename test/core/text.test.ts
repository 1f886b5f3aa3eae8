import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { globMatches } from '../../src/core/match.ts';
import { cleanEmail, cleanText, emailDomain, foldKey } from '../../src/core/profile.ts';
import { HELD, readStatement } from '../../src/core/statement.ts';
import type { ClaimNames } from '../../src/core/tenant.ts';

describe('a glob', () => {
  it.each([
    ['Sales-*', 'Sales-EU', true],
    ['Sales-*', 'sales-EU', false],
    ['*', '', true],
    ['?', '😀', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['*/sub/*', '/parent/sub/x', true],
    ['DOM\\*', 'DOM\\users', true],
    ['*a*b*c', 'xxaxxbxxc', true],
    ['*a*b*c', 'xxaxxbxx', false],
    ['[a]', 'a', false],
    ['.*', 'anything', false],
  ])('%s against %s is %s', (pattern, text, matches) => expect(globMatches(pattern, text)).toBe(matches));

  it('means what the plain recursive definition means', () => {
    const simple = (p: string[], t: string[]): boolean =>
      p.length === 0
        ? t.length === 0
        : p[0] === '*'
          ? simple(p.slice(1), t) || (t.length > 0 && simple(p, t.slice(1)))
          : t.length > 0 && (p[0] === '?' || p[0] === t[0]) && simple(p.slice(1), t.slice(1));
    const text = (alphabet: string[]) => fc.array(fc.constantFrom(...alphabet), { maxLength: 8 });
    fc.assert(
      fc.property(text(['a', 'b', '😀', '*', '?']), text(['a', 'b', '😀']), (p, t) => expect(globMatches(p.join(''), t.join(''))).toBe(simple(p, t))),
      { numRuns: 3000 },
    );
  });

  it('stays linear-ish where a backtracking matcher would not end', () => {
    expect(globMatches(`${'*a'.repeat(200)}*b`, 'a'.repeat(2000))).toBe(false);
  });
});

describe('keys', () => {
  it('fold case and composition, and never a foreign letter into ASCII', () => {
    expect(foldKey('ADA@Acme.Example')).toBe('ada@acme.example');
    expect(foldKey('Zoe\u0308')).toBe(foldKey('ZO\u00cb'));
    // every letter of Unicode, alone: only ASCII folds into ASCII
    for (let code = 0x80; code <= 0x10ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const folded = foldKey(`x${String.fromCodePoint(code)}x`);
      if (/^x[\x21-\x7e]*x$/.test(folded) && folded !== 'xx') throw new Error(`U+${code.toString(16)} folds into ${folded}`);
    }
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expect(foldKey(foldKey(text))).toBe(foldKey(text))));
  });

  it('accept usable e-mails only', () => {
    for (const good of ['ada@acme.example', "zoë.o'brien@acme.example", 'a+b@sub.acme.example']) expect(cleanEmail(good)).toBe(good);
    for (const bad of [
      '',
      'ada',
      '@acme.example',
      'ada@',
      'ada@acme',
      'a@b@c.d',
      'a b@c.d',
      'ada@acme.example\n',
      'a\u200bda@acme.example',
      'a\ud800@acme.example',
      `${'x'.repeat(250)}@acme.example`,
      'a@.b',
      '<a@b.c>',
    ].filter((b) => b.trim() === b))
      expect(cleanEmail(bad)).toBeNull();
    expect(emailDomain('ada@ACME.Example')).toBe('acme.example');
  });

  it('hold no control characters whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 1, max: 50 }), (text, max) => {
        const clean = cleanText(text, max);
        expect(clean).not.toMatch(/[\p{Cc}\u202e\u200b\p{Surrogate}]/u);
        expect(Array.from(clean).length).toBeLessThanOrEqual(max);
      }),
    );
  });
});

const names: ClaimNames = {
  subject: ['@sub'],
  profile: { email: ['email'], givenName: ['given', 'first'], displayName: ['name'] },
  fields: { costCenter: 'cost_center' },
  groups: { claims: ['groups', 'memberOf'], delimiter: null, overflowAt: null },
  active: { claim: 'enabled', disabledValues: ['false'] },
  drop: ['noise'],
};
const read = (released: Record<string, string[]>, options: Partial<Parameters<typeof readStatement>[1]> = {}) =>
  readStatement(new Map(Object.entries(released)), { names, overflow: null, unreadable: null, dropped: ['exp'], ...options });

describe('a statement', () => {
  it('tells absent, empty, overlong, overflowing and unreadable groups apart', () => {
    expect(read({}).groups).toEqual({ said: 'absent' });
    expect(read({ groups: [] }).groups).toEqual({ said: 'listed', groups: [] });
    expect(read({ groups: [''] }).groups).toEqual({ said: 'listed', groups: [] });
    expect(read({ groups: Array.from({ length: HELD.groups + 1 }, (_, i) => `g${i}`) }).groups.said).toBe('overlong');
    expect(read({ groups: ['x'.repeat(HELD.groupName + 1)] }).groups.said).toBe('overlong');
    expect(read({ groups: ['a'] }, { overflow: 'groups.link' }).groups.said).toBe('overflow');
    expect(read({ groups: ['a'] }, { unreadable: 'an object' }).groups.said).toBe('unreadable');
    expect(read({ groups: ['a', 'b'] }, { names: { ...names, groups: { ...names.groups, overflowAt: 2 } } }).groups.said).toBe('overflow');
  });

  it('is the same whatever order the provider lists things in', () => {
    expect(read({ groups: ['b', 'a', 'b'], extra: ['2', '1'] })).toEqual(read({ extra: ['1', '2'], groups: ['a', 'b'] }));
  });

  it('splits one delimited string where the file says so', () => {
    expect(read({ groups: ['a; b;'] }, { names: { ...names, groups: { ...names.groups, delimiter: ';' } } }).groups).toEqual({
      said: 'listed',
      groups: ['a', 'b'],
    });
  });

  it('takes the first claim that was sent, and no attribute that has two values', () => {
    expect(read({ first: ['Ada'] }).profile.givenName).toBe('Ada');
    expect(read({ given: ['Ada'], first: ['Bob'] }).profile.givenName).toBe('Ada');
    expect(read({ email: ['a@acme.example', 'b@acme.example'] }).profile.email).toBeUndefined();
  });

  it('reads the status claim, and silence as silence', () => {
    expect(read({ enabled: ['FALSE'] }).active).toBe(false);
    expect(read({ enabled: ['true'] }).active).toBe(true);
    expect(read({}).active).toBeUndefined();
  });

  it('keeps custom fields by their reference and drops what is not to be kept', () => {
    const said = read({ costCenter: ['42'], noise: ['1'], exp: ['1'], dept: ['x'], groups: ['a'] });
    expect(said.fields).toEqual({ cost_center: '42' });
    expect(Object.keys(said.claims).sort()).toEqual(['costCenter', 'dept']);
  });

  it('keeps no claim under a name that a database could not hold', () => {
    expect(read({ 'a\0b': ['x'], 'c\ud800': ['x'], dept: ['x'] }).claims).toEqual({ dept: ['x'] });
  });

  it('lets no claim reach a prototype', () => {
    const said = readStatement(
      new Map([
        ['__proto__', ['x']],
        ['constructor', ['y']],
      ]),
      { names, overflow: null, unreadable: null, dropped: [] },
    );
    expect(Object.hasOwn(said.claims, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(said.claims)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});
