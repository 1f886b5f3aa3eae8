/** mapping-diff: what one version of a tenant's rules says that another does not, by what it means. Where a rule stands is no part of that. */
import { isDeepStrictEqual } from 'node:util';
import type { Condition, Rule } from './mapping.ts';
import type { Role, Target } from './model.ts';

export interface RuleChange {
  rule: string;
  /** What it gives more and less. */
  targets: { added: Target[]; removed: Target[] };
  /** Null: the same. */
  role: { from: Role | null; to: Role | null } | null;
  /** Whether it is about other people. */
  condition: boolean;
}

export interface MappingDiff {
  added: string[];
  removed: string[];
  changed: RuleChange[];
}

export function diffRules(before: readonly Rule[], after: readonly Rule[]): MappingDiff {
  const old = new Map(before.map((rule) => [rule.id, rule]));
  const now = new Set(after.map(({ id }) => id));
  return {
    added: after.filter(({ id }) => !old.has(id)).map(({ id }) => id),
    removed: before.filter(({ id }) => !now.has(id)).map(({ id }) => id),
    changed: after.flatMap((rule) => {
      const was = old.get(rule.id);
      const change = was && changeOf(was, rule);
      return change ? [change] : [];
    }),
  };
}

function changeOf(was: Rule, is: Rule): RuleChange | null {
  const change: RuleChange = {
    rule: is.id,
    targets: { added: is.enrol.filter((t) => !was.enrol.includes(t)), removed: was.enrol.filter((t) => !is.enrol.includes(t)) },
    role: was.role === is.role ? null : { from: was.role, to: is.role },
    condition: !isDeepStrictEqual(meaning(was.when), meaning(is.when)),
  };
  const same = change.targets.added.length + change.targets.removed.length === 0 && change.role === null && !change.condition;
  return same ? null : change;
}

/** How an alias is called is no part of what it means where it is bound to ids. */
function meaning(condition: Condition): unknown {
  if (condition.kind === 'any' || condition.kind === 'all') return { kind: condition.kind, of: condition.of.map(meaning) };
  if (condition.kind === 'not') return { kind: 'not', of: meaning(condition.of) };
  if (condition.kind !== 'group') return condition;
  const { label: _, ...rest } = condition;
  return rest.ids ? { kind: 'group', ids: [...rest.ids].sort() } : rest;
}

export const isEmpty = ({ added, removed, changed }: MappingDiff): boolean => added.length + removed.length + changed.length === 0;
