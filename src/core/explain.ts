/** explain: why someone has a target, and why not, from the kept facts; it asks the same judgement that `derive` used. */
import { judge, type Verdict } from './conclude.ts';
import { countingFacts, subjectOf } from './derive.ts';
import type { Rule } from './mapping.ts';
import type { Grant, Source, Target, UserState } from './model.ts';
import type { World } from './world.ts';

export interface Explanation {
  target: Target;
  enrolled: boolean;
  grants: Grant[];
  /** Every rule that names the target, judged against every source whose facts count. */
  rules: { rule: Rule; source: Source; verdict: Verdict; firstFailed: Verdict | null }[];
}

/** One explanation per target asked for; without one, for every target that a grant or a rule names. */
export function explain(state: UserState, world: Pick<World, 'tenant' | 'mode'>, target?: Target): Explanation[] {
  const { rules } = world.tenant.mapping;
  const all = new Set<Target>([...state.grants.map((g) => g.target), ...rules.flatMap((r) => r.enrol)]);
  const sources = countingFacts(state, world);
  return (target ? [target] : [...all].sort()).map((one) => {
    const grants = state.grants.filter((g) => g.target === one);
    const judged = rules
      .filter((rule) => rule.enrol.includes(one))
      .flatMap((rule) =>
        sources.map((identity) => {
          const verdict = judge(rule.when, subjectOf(identity, state));
          return { rule, source: identity.source, verdict, firstFailed: firstFailed(verdict) };
        }),
      );
    return { target: one, enrolled: grants.length > 0, grants, rules: judged };
  });
}

/** The first leaf that made the whole false: what a person would have to change. Null when it holds. */
export function firstFailed(verdict: Verdict): Verdict | null {
  if (verdict.holds) return null;
  if (verdict.condition.kind === 'all') {
    const failed = verdict.of.find((v) => !v.holds);
    return failed ? firstFailed(failed) : verdict;
  }
  return verdict;
}
