/** From one source's facts and the mapping to targets and role; and the same judgement told step by step, for explain. */
import type { ClaimTest, Condition, Mapping, TextTest } from './mapping.ts';
import { comparable, globMatches } from './match.ts';
import { ROLES, type Role, type Source, type Target } from './model.ts';
import { emailDomain } from './profile.ts';

/** What conditions look at: the facts of one source. Conditions never mix two sources. */
export interface Subject {
  source: Source;
  /** '' where the source is no connection. */
  connectionId: string;
  email: string | null;
  groups: readonly string[];
  /** Those of `groups` that may be ids: what aliases are bound to. Absent: all of them. */
  groupIds?: readonly string[];
  claims: Readonly<Record<string, readonly string[]>>;
}

export interface Conclusion {
  /** In the mapping's order, each (target, rule) once. */
  targets: { target: Target; rule: string }[];
  /** The highest role that a matching rule gives; null where none gives any. */
  role: Role | null;
}

/** A condition, whether it holds, and what was seen, down to the leaves. */
export interface Verdict {
  condition: Condition;
  holds: boolean;
  /** What the facts hold where the condition looked; at most 20 values. */
  saw: string[];
  of: Verdict[];
}

/** Pure in (subject, mapping). */
export function conclude(subject: Subject, mapping: Mapping): Conclusion {
  const seen = index(subject);
  const matching = mapping.rules.filter((rule) => holds(rule.when, seen));
  const targets = matching.flatMap((rule) => [...new Set(rule.enrol)].map((target) => ({ target, rule: rule.id })));
  return { targets, role: highest(matching.map((rule) => rule.role)) };
}

/** The last of `ROLES` that occurs. */
export function highest(roles: readonly (Role | null)[]): Role | null {
  return ROLES.findLast((role) => roles.includes(role)) ?? null;
}

/** The judgement with its reasons. `judge(c, s).holds` is what `conclude` used. */
export function judge(condition: Condition, subject: Subject): Verdict {
  const seen = index(subject);
  const walk = (c: Condition): Verdict => {
    const of = c.kind === 'any' || c.kind === 'all' ? c.of.map(walk) : c.kind === 'not' ? [walk(c.of)] : [];
    return { condition: c, holds: holds(c, seen), saw: sawOf(c, subject).slice(0, 20), of };
  };
  return walk(condition);
}

interface Seen {
  subject: Subject;
  groups: ReadonlySet<string>;
  ids: ReadonlySet<string>;
  folded: () => ReadonlySet<string>;
  domain: string | null;
}

function index(subject: Subject): Seen {
  let folded: Set<string> | undefined;
  return {
    subject,
    groups: new Set(subject.groups),
    ids: new Set(subject.groupIds ?? subject.groups),
    folded: () => {
      folded ??= new Set(subject.groups.map((g) => comparable(g, true)));
      return folded;
    },
    domain: subject.email === null ? null : emailDomain(subject.email),
  };
}

function holds(c: Condition, seen: Seen): boolean {
  switch (c.kind) {
    case 'any':
      return c.of.some((one) => holds(one, seen));
    case 'all':
      return c.of.every((one) => holds(one, seen));
    case 'not':
      return !holds(c.of, seen);
    case 'connection':
      return seen.subject.connectionId === c.connection;
    case 'emailDomain':
      return seen.domain === c.domain;
    case 'claim':
      return claimHolds(c.test, claimOf(seen.subject, c.name), c.ignoreCase);
    case 'group':
      return groupHolds(c, seen);
  }
}

function groupHolds(c: Extract<Condition, { kind: 'group' }>, seen: Seen): boolean {
  // A name that is bound to ids means those ids only: names can be taken by others, ids cannot (FEATURES B8).
  if (c.ids) return c.ids.some((id) => seen.ids.has(id));
  if ('equals' in c.test) return (c.ignoreCase ? seen.folded() : seen.groups).has(comparable(c.test.equals, c.ignoreCase));
  return textAmong(c.test, c.ignoreCase ? [...seen.folded()] : seen.subject.groups, false, c.ignoreCase);
}

function claimHolds(test: ClaimTest, values: readonly string[] | undefined, ignoreCase: boolean): boolean {
  if ('exists' in test) return (values !== undefined && values.length > 0) === test.exists;
  if (!values) return false;
  if ('in' in test) return test.in.some((one) => textAmong({ equals: one }, values, ignoreCase, ignoreCase));
  return textAmong(test, values, ignoreCase, ignoreCase);
}

function textAmong(test: TextTest, values: readonly string[], foldValues: boolean, foldTest: boolean): boolean {
  const want = comparable('equals' in test ? test.equals : test.glob, foldTest);
  return values.some((value) => {
    const text = foldValues ? comparable(value, true) : value;
    return 'equals' in test ? text === want : globMatches(want, text);
  });
}

/** Own properties only: a rule on a claim called `constructor` sees what was released, nothing else. */
const claimOf = (subject: Subject, name: string): readonly string[] | undefined =>
  Object.hasOwn(subject.claims, name) ? subject.claims[name] : undefined;

function sawOf(c: Condition, subject: Subject): string[] {
  if (c.kind === 'group') return [...subject.groups];
  if (c.kind === 'claim') return [...(claimOf(subject, c.name) ?? [])];
  if (c.kind === 'emailDomain') return subject.email === null ? [] : [emailDomain(subject.email)];
  return c.kind === 'connection' ? [subject.connectionId] : [];
}
