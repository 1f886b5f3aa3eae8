/** From what zod found to what a person can mend: which key, what stands there, what would be right. */
import type * as z from 'zod';
import { nearest } from '../core/near.ts';
import { type Path, quote, type Report } from './problem.ts';
import type { YamlSource } from './yaml-source.ts';

type Issue = z.core.$ZodIssue;

/** Never shown: what stands there may be a secret, or is of no help. */
const UNQUOTED = new Set(['clientSecret', 'clientKey', 'certificates', 'xml', 'apiKey', 'accessToken', 'secret', 'secrets', 'token']);

/** Reports every issue. `data` is what was parsed. */
export function reportIssues(issues: readonly Issue[], source: YamlSource, report: Report): void {
  const settled = issues.flatMap(settle);
  // A text where a list should be is not also too long a list.
  const mistyped = new Set(settled.filter(({ code }) => code === 'invalid_type').map(({ path }) => JSON.stringify(path)));
  for (const issue of settled) {
    const path = issue.path as Path;
    if (['too_big', 'too_small'].includes(issue.code) && mistyped.has(JSON.stringify(path))) continue;
    // Of a list that is too long, the schema reads no entry.
    if (issue.code === 'too_big' && Array.isArray(dig(source.data, path))) report.unread(path);
    if (issue.code === 'unrecognized_keys') unknownKeys(path, issue.keys, issue.message, report);
    else if (issue.code === 'invalid_key')
      report.keyError(path, `the key ${quote(String(path.at(-1)))} cannot be used`, issue.issues[0]?.message ?? 'use another name');
    else report.error(path, sayWrong(issue, path, source), sayRight(issue, path, source));
  }
}

/** Of a union, the branch that was meant: the one whose kind of value (text, list, map) was written. Else the union itself. */
function settle(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const branches = issue.errors
    .map((errors) => errors.flatMap(settle))
    .filter((errors) => !errors.some((inner) => inner.path.length === 0 && ['invalid_type', 'invalid_value', 'invalid_union'].includes(inner.code)));
  const meant = branches.toSorted((a, b) => a.length - b.length)[0];
  return meant ? meant.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })) : [issue];
}

function dig(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}

/** In one map; of more than these, only how many. */
const MAX_UNKNOWN_KEYS = 50;

function unknownKeys(path: Path, keys: readonly string[], known: string, report: Report): void {
  for (const key of keys.slice(0, MAX_UNKNOWN_KEYS)) unknownKey(path, key, known, report);
  const next = keys[MAX_UNKNOWN_KEYS];
  if (next !== undefined)
    report.keyError([...path, next], `${keys.length - MAX_UNKNOWN_KEYS} more unknown keys`, `known here: ${known.split(' ').join(', ')}`);
}

function unknownKey(path: Path, key: string, known: string, report: Report): void {
  const names = known.split(' ');
  const other = OTHER_WORDS.get(key);
  const near = other && names.includes(other) ? other : nearest(key, names);
  const hint = near !== null ? `did you mean ${quote(near)}?` : `known here: ${names.join(', ')}`;
  report.keyError([...path, key], `unknown key ${quote(key)}`, hint);
}

/** What people write who come from elsewhere. */
const OTHER_WORDS: ReadonlyMap<string, string> = new Map([
  ['if', 'when'],
  ['match', 'when'],
  ['condition', 'when'],
  ['then', 'enrol'],
  ['targets', 'enrol'],
  ['groups', 'group'],
  ['or', 'any'],
  ['and', 'all'],
  ['domain', 'emailDomain'],
  ['email', 'emailDomain'],
  ['catalog', 'catalogue'],
  ['secret', 'clientSecret'],
  ['type', 'kind'],
  ['ttl', 'life'],
  ['lifeSeconds', 'life'],
  ['iatOffsetSeconds', 'iatOffset'],
  ['key', 'apiKey'],
]);

/** `"domains"`, or `entry 2 of "domains"`. */
function label(path: Path): string {
  const last = path.at(-1);
  if (last === undefined) return 'the file';
  return typeof last === 'number' ? `entry ${last + 1} of ${quote(String(path.findLast((step) => typeof step === 'string') ?? ''))}` : quote(last);
}

function sayWrong(issue: Issue, path: Path, source: YamlSource): string {
  const value = dig(source.data, path);
  const name = label(path);
  if (value === undefined) return `${name} is missing`;
  if (value === null) return `${name} is empty`;
  if (issue.code === 'custom' && typeof issue.params?.['wrong'] === 'string') return `${name} ${issue.params['wrong']}`;
  if (Array.isArray(value))
    return issue.code === 'too_small'
      ? `${name} is an empty list`
      : issue.code === 'too_big'
        ? `${name} has ${value.length} entries`
        : `${name} is a list`;
  if (typeof value === 'object') return `${name} is a map`;
  if (path.some((step) => UNQUOTED.has(String(step)))) return `${name} cannot be what is written here`;
  if (typeof value === 'string') return issue.code === 'too_big' ? `${name} has ${value.length} characters` : sayText(issue, name, value);
  return `${name} is the ${typeof value} ${quote(source.written(path) ?? String(value)).slice(1, -1)}`;
}

function sayText(issue: Issue, name: string, value: string): string {
  if (value === '') return `${name} is empty`;
  return issue.code === 'invalid_type' ? `${name} is the text ${quote(value)}` : `${name} cannot be ${quote(withoutUser(value))}`;
}

/** An address may have been written with a password in it. */
const withoutUser = (value: string): string => value.replace(/:\/\/[^/]*@/, '://…@');

function sayRight(issue: Issue, path: Path, source: YamlSource): string {
  const value = dig(source.data, path);
  if ((typeof value === 'number' || typeof value === 'boolean') && takesText(issue) && !path.some((step) => UNQUOTED.has(String(step))))
    return `put it in quotes: ${quote(source.written(path) ?? String(value))}; ${issue.message}`;
  const near = typeof value === 'string' ? nearest(value, choices(issue)) : null;
  return near === null ? issue.message : `did you mean ${quote(near)}? ${issue.message}`;
}

/** The words of which one must stand here, if it is such a place. */
function choices(issue: Issue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  return issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
}

function takesText(issue: Issue): boolean {
  if (issue.code === 'invalid_type') return issue.expected === 'string';
  return issue.code === 'invalid_union' && issue.errors.some((errors) => errors.some((inner) => inner.path.length === 0 && takesText(inner)));
}
