/**
 * The words that a tenant file's schema is made of. Each schema's error text is the *hint* ("what would be right");
 * what is wrong is said by schema-problems from the value itself. No schema here transforms or defaults, so that
 * a file's parts stay the plain data they were, position by position.
 */
import { domainToASCII } from 'node:url';
import * as z from 'zod';
import { isLoopbackHost } from '../lib/address.ts';
import { SETTINGS } from './settings.ts';

/** Control, zero-width and bidirectional characters, lone surrogates: never meant, and not to be seen in an editor. */
const INVISIBLE = /[\p{Cc}\p{Surrogate}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

export const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** A check that needs its own words for what is wrong. */
export const wrong = (message: string, hint: string) => ({ error: hint, params: { wrong: message } });

/** One line of text. `max` in UTF-16 units. */
export const text = (hint: string, max = 200) =>
  z
    .string({ error: hint })
    .min(1, { error: hint })
    .max(max, { error: `at most ${max} characters` })
    .refine((value) => !INVISIBLE.test(value), wrong('holds a control or invisible character', 'plain, visible text on one line'))
    .refine((value) => value.trim() === value, wrong('has white space at an end', 'remove it'));

export const slug = (what: string, example: string) =>
  z.string({ error: `${what}: lower-case letters, digits and hyphens, such as ${example}` }).regex(SLUG, {
    error: `${what}: lower-case letters, digits and hyphens, at most 63, such as ${example}`,
  });

export const flag = (hint = 'true or false') => z.boolean({ error: hint });

export const whole = (min: number, max: number, unit: string) => {
  const hint = `a whole number of ${unit} from ${min} to ${max}`;
  return z.int({ error: hint }).min(min, { error: hint }).max(max, { error: hint });
};

export const choice = <const T extends readonly [string, ...string[]]>(of: T) => z.enum(of, { error: `one of ${of.join(', ')}` });

/** A map with these keys and no others. */
export const object = <T extends z.core.$ZodLooseShape>(shape: T, hint: string) =>
  z.strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : hint) });

export const list = <T extends z.ZodType>(of: T, hint: string, max = 1000) =>
  z.array(of, { error: hint }).max(max, { error: `at most ${max} entries` });

/** At least one. */
export const some = <T extends z.ZodType>(of: T, hint: string, max = 1000) =>
  list(of, hint, max).min(1, { error: `at least one, or leave the key out` });

export const oneOrMore = <T extends z.ZodType>(of: T, hint: string, max = 100) => z.union([of, some(of, hint, max)], { error: hint });

/** The input as a list, whether one or more were written. */
export const asList = <T>(value: T | T[] | undefined): T[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const DOMAIN = new RegExp(`^(${LABEL}\\.)+(?=[a-z0-9-]*[a-z])${LABEL}$`);

/** A full domain in lower-case ASCII (RFC 1035; internationalised ones in punycode), no wildcard, no address. */
export const domain = z
  .string({ error: 'a domain such as acme.example' })
  .max(253, { error: 'a domain of at most 253 characters' })
  .refine((d) => !d.includes('*'), wrong('holds a wildcard', 'list each domain; a wildcard would take in domains of others'))
  .refine((d) => d.includes('*') || DOMAIN.test(d), { error: (issue) => domainHint(String(issue.input)) })
  .meta({ pattern: DOMAIN.source });

function domainHint(value: string): string {
  const bare = value.includes('@') ? value.slice(value.lastIndexOf('@') + 1) : value;
  const ascii = domainToASCII(bare).toLowerCase();
  return DOMAIN.test(ascii) ? `write ${ascii}` : 'a full domain in lower-case ASCII, such as acme.example';
}

/** https, or http on loopback (which the process settings must allow as well). Null where it is no such address. */
export function webAddress(value: string): URL | null {
  if (/[\s\\<>{}|^`"]/.test(value) || INVISIBLE.test(value) || !/^https?:\/\/[^/@]+(\/|\?|#|$)/.test(value) || !URL.canParse(value)) return null;
  const url = new URL(value);
  return url.protocol === 'https:' || isLoopbackHost(url.hostname) ? url : null;
}

export const address = (hint: string) =>
  z
    .string({ error: hint })
    .max(2000, { error: 'at most 2000 characters' })
    .refine((value) => webAddress(value) !== null, { error: `${hint}; no user name, no spaces, no placeholders` })
    .meta({ format: 'uri' });

/** An https address of which only scheme, host and port are written. */
export const origin = address('an origin such as https://login.acme.example').refine(
  (value) => webAddress(value) === null || new URL(value).origin === value,
  { error: 'scheme, host and port only, such as https://login.acme.example' },
);

const PLACE = /^(env:[A-Za-z_][A-Za-z0-9_]{0,127}|file:[^\x00-\x1f]{1,1000})$/;

/** What is sent to whichever provider the file names is never what seals or opens the gateway. */
const OUR_OWN = new Set([SETTINGS.secret, SETTINGS.database, SETTINGS.redis].map(({ variable }) => `env:${variable}`));

/** Where a secret is to be found. What was written instead is never shown: it may be the secret. */
export const secretPlace = (example: string) =>
  z
    .string({ error: `name the place of the secret: ${example}` })
    .refine((value) => PLACE.test(value), wrong('holds no reference to a secret', `a secret never stands in this file; name its place: ${example}`))
    .refine(
      (value) => !OUR_OWN.has(value),
      wrong('is a secret of the gateway itself', `a provider is never sent that; name another place: ${example}`),
    )
    .meta({ pattern: PLACE.source });
