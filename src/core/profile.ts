/** How text about a person is cleaned and folded before anything compares or stores it. */

const LIMITS = { userName: 254, email: 254, displayName: 256, givenName: 128, familyName: 128, locale: 35, timezone: 64, title: 256 } as const;

/** Control characters (U+0000 is refused by PostgreSQL), bidirectional overrides and zero-width marks: never part of a name, often part of a forgery. */
const INVISIBLE = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** NFC, invisible characters gone, white space folded to single spaces, cut to `max` code points. */
export function cleanText(text: string, max: number): string {
  const clean = text.replace(INVISIBLE, ' ').replace(LONE_SURROGATE, '').normalize('NFC').replace(/\s+/gu, ' ').trim();
  return clean.length <= max ? clean : Array.from(clean).slice(0, max).join('').trim();
}

/** What any database can hold, for text that is kept to be read and not believed: U+0000 and halves of surrogate pairs become visible. */
export const legible = (text: string): string => text.replace(/[\0\p{Surrogate}]/gu, '\ufffd');

/** Letters outside ASCII that normalisation or case folding would turn into ASCII ones: U+212A KELVIN SIGN into `k`, U+037E into `;`. */
const LOOKALIKE = /[\u037e\u1fef\u212a]/u;
const LOOKALIKES = new RegExp(LOOKALIKE, 'gu');

/**
 * The key by which names and e-mails are compared: NFC, lower case. A letter outside ASCII never folds into ASCII,
 * so that nobody's key can be reached by a look-alike. Idempotent.
 */
export const foldKey = (text: string): string => text.replace(LOOKALIKES, '\ufffd').normalize('NFC').toLowerCase().normalize('NFC').trim();

/** The address with white space around it gone, or null where it is no usable address (RFC 5321 length, one `@`, a dotted domain). */
export function cleanEmail(text: string): string | null {
  if (LOOKALIKE.test(text) || text.length > 2 * LIMITS.email) return null;
  const email = text.trim().normalize('NFC');
  if (email.length > LIMITS.email || email.search(INVISIBLE) !== -1 || email.search(LONE_SURROGATE) !== -1) return null;
  return /^[^\s@"(),:;<>[\\\]]{1,64}@[^\s@.]+(\.[^\s@.]+)+$/u.test(email) ? email : null;
}

/** The lower-case domain of an e-mail that `cleanEmail` passed. */
export const emailDomain = (email: string): string => foldKey(email.slice(email.lastIndexOf('@') + 1));

/** One profile attribute as it may be stored, or undefined where nothing usable was said. */
export function cleanAttribute(name: keyof typeof LIMITS, value: string): string | undefined {
  return name === 'email' ? (cleanEmail(value) ?? undefined) : cleanText(value, LIMITS[name]) || undefined;
}
