/** From rules and tests as written to the mapping that core judges by. Call it on what the checks have passed. */
import type { ClaimTest, Condition, Rule, TextTest } from '../core/mapping.ts';
import { comparable } from '../core/match.ts';
import type { Target } from '../core/model.ts';
import { cleanText } from '../core/profile.ts';
import type { MappingTest } from '../core/tenant.ts';
import type { ConditionFile, GroupTestFile, RuleFile, TestFile } from './mapping-schema.ts';
import type { Path } from './problem.ts';
import { asList } from './scalars.ts';
import type { Place } from './yaml-source.ts';

/** Alias → the ids it stands for. */
export type Aliases = ReadonlyMap<string, readonly string[]>;

/** Told of every condition and where it is written. */
export type Visit = (condition: Condition, path: Path) => void;

/** What `cleanText` makes of claims before they are kept (core/statement), so that both sides of a comparison are the same. */
const claimText = (value: string): string => cleanText(value, 512);
const groupText = (name: string): string => name.normalize('NFC').trim();

/** Entra writes object ids in lower case, people copy them in either: both spellings count. */
const idTexts = (id: string): string[] => (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id) ? [id, id.toLowerCase()] : [id.normalize('NFC')]);

export function aliasesOf(written: Record<string, string | string[]> | undefined): Map<string, string[]> {
  return new Map(Object.entries(written ?? {}).map(([name, ids]) => [groupText(name), [...new Set(asList(ids).flatMap(idTexts))]]));
}

export function ruleOf(file: RuleFile, aliases: Aliases, at: { line: number; path: Path; visit?: Visit }): Rule {
  const when: Condition =
    file.when === 'everyone'
      ? { kind: 'all', of: [] }
      : conditionOf(file.when, aliases, { path: [...at.path, 'when'], visit: at.visit ?? (() => {}) });
  return { id: file.id, when, enrol: [...new Set(file.enrol ?? [])] as Target[], role: file.role ?? null, line: at.line };
}

interface Where {
  path: Path;
  visit: Visit;
}

/** Several keys at one level become `all`, in the order group, claim, emailDomain, connection, any, all, not. */
function conditionOf(file: ConditionFile, aliases: Aliases, where: Where): Condition {
  const below = (key: string, ...more: (string | number)[]): Where => ({ ...where, path: [...where.path, key, ...more] });
  const parts: Condition[] = [];
  if (file.group !== undefined) parts.push(anyOf(file.group, below('group'), (test, at) => seen(groupOf(test, aliases), at)));
  if (file.claim !== undefined) parts.push(seen(claimOf(file.claim), below('claim')));
  if (file.emailDomain !== undefined)
    parts.push(anyOf(file.emailDomain, below('emailDomain'), (domain, at) => seen({ kind: 'emailDomain', domain }, at)));
  if (file.connection !== undefined)
    parts.push(anyOf(file.connection, below('connection'), (connection, at) => seen({ kind: 'connection', connection }, at)));
  for (const kind of ['any', 'all'] as const) {
    const of = file[kind]?.map((one, i) => conditionOf(one, aliases, below(kind, i)));
    if (of) parts.push(seen({ kind, of }, below(kind)));
  }
  if (file.not !== undefined) parts.push(seen({ kind: 'not', of: conditionOf(file.not, aliases, below('not')) }, below('not')));
  return parts.length === 1 ? parts[0]! : seen({ kind: 'all', of: parts }, where);
}

function seen(condition: Condition, where: Where): Condition {
  where.visit(condition, where.path);
  return condition;
}

function anyOf<T extends string | object>(written: T | T[], where: Where, one: (value: T, where: Where) => Condition): Condition {
  if (!Array.isArray(written)) return one(written, where);
  const of = written.map((value, i) => one(value, { ...where, path: [...where.path, i] }));
  return of.length === 1 ? of[0]! : seen({ kind: 'any', of }, where);
}

function groupOf(file: GroupTestFile, aliases: Aliases): Condition {
  const { equals, glob, ignoreCase = false } = typeof file === 'string' ? { equals: file } : file;
  const test: TextTest = glob !== undefined ? { glob: groupText(glob) } : { equals: groupText(equals ?? '') };
  const ids = 'equals' in test ? idsOf(test.equals, ignoreCase, aliases) : null;
  return { kind: 'group', test, ignoreCase, label: 'equals' in test ? test.equals : test.glob, ids };
}

/** Null where the name is no alias. */
export function idsOf(name: string, ignoreCase: boolean, aliases: Aliases): string[] | null {
  const exact = aliases.get(groupText(name));
  if (exact || !ignoreCase) return exact ? [...exact] : null;
  const folded = comparable(name, true);
  const ids = [...aliases].filter(([alias]) => comparable(alias, true) === folded).flatMap(([, all]) => all);
  return ids.length > 0 ? ids : null;
}

function claimOf(file: NonNullable<ConditionFile['claim']>): Condition {
  return { kind: 'claim', name: file.name, test: claimTestOf(file), ignoreCase: file.ignoreCase ?? false };
}

function claimTestOf({ equals, in: among, glob, exists }: NonNullable<ConditionFile['claim']>): ClaimTest {
  if (equals !== undefined) return { equals: claimText(equals) };
  if (among !== undefined) return { in: among.map(claimText) };
  return glob !== undefined ? { glob: claimText(glob) } : { exists: exists ?? true };
}

/** Groups by alias become the first id that the alias stands for: a rule on that name then sees what it sees in a real message. */
export function testOf(file: TestFile, aliases: Aliases, at: Place & { onlyConnection: string | null }): MappingTest {
  const { connection, email, groups, claims } = file.given;
  return {
    name: file.name,
    given: {
      connection: connection ?? at.onlyConnection ?? '',
      email: email ?? null,
      groups: (groups ?? []).map((name) => aliases.get(groupText(name))?.[0] ?? groupText(name)),
      claims: Object.fromEntries(Object.entries(claims ?? {}).map(([name, values]) => [name, asList(values).map(claimText)])),
    },
    expect: { enrol: file.expect.enrol as Target[], role: file.expect.role ?? null },
    line: at.line,
    column: at.column,
  };
}
