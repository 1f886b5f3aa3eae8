/** names: first and last name for a platform that insists on both, from whatever was said of a person. */
import type { Person } from '../connector.ts';

export interface Names {
  first: string;
  last: string;
  /** Somebody said it: it may replace what is there. False for what was made from an address or filled in. */
  said: { first: boolean; last: boolean };
}

/** A surname that nobody knows. The same sign as at the hand-off (hand-off/name.ts). */
const NOBODY = '-';
const LONGEST = 255;

/** Given and family name; what is missing is taken from the display name, else from what stands before the `@`, else filled in. */
export function namesOf({
  givenName,
  familyName,
  displayName,
  email,
  userName,
}: Pick<Person, 'givenName' | 'familyName' | 'displayName' | 'email' | 'userName'>): Names {
  const [given, family, whole] = [clean(givenName), clean(familyName), clean(displayName)];
  if (given && family) return named(given, family);
  const shown = whole.includes('@') ? { first: '', last: '' } : partsOf(whole, given, family);
  const first = given || shown.first;
  const last = family || shown.last;
  if (first && last) return named(first, last);
  if (first || last) return { ...named(first || NOBODY, last || NOBODY), said: { first: first !== '', last: last !== '' } };
  const guessed = partsOf(clean((email || userName).replace(/@.*$/s, '').replace(/[._+]+/g, ' ')), '', '');
  return { ...named(capital(guessed.first) || NOBODY, capital(guessed.last) || NOBODY), said: { first: false, last: false } };
}

const named = (first: string, last: string): Names => ({ first: cut(first), last: cut(last), said: { first: true, last: true } });

function partsOf(whole: string, given: string, family: string): { first: string; last: string } {
  if (given && whole.startsWith(`${given} `)) return { first: given, last: whole.slice(given.length + 1) };
  if (family && whole.endsWith(` ${family}`)) return { first: whole.slice(0, -family.length - 1), last: family };
  const [surname = '', rest = ''] = whole.split(/,\s*/, 2);
  if (surname && rest) return { first: rest, last: surname };
  const [first = '', ...others] = whole.split(' ');
  return { first, last: others.join(' ') };
}

const clean = (text: string): string => text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
const cut = (text: string): string => [...text].slice(0, LONGEST).join('');
const capital = (text: string): string =>
  text.replace(/(^|[\s-])(\p{Ll})/gu, (_all, before: string, letter: string) => before + letter.toUpperCase());
