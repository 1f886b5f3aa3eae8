/** The examples inside a tenant file, run through the same judgement that a sign-in gets. */
import { conclude, highest } from '../core/conclude.ts';
import { sourceOf } from '../core/model.ts';
import type { MappingTest, Tenant } from '../core/tenant.ts';
import { quote } from './problem.ts';

export interface Failure {
  test: MappingTest;
  /** What came out differently. */
  message: string;
  hint: string;
}

/** The tests that do not come out as they say, in order. Pure in the tenant. */
export function failingTests(tenant: Pick<Tenant, 'tests' | 'mapping' | 'provisioning'>): Failure[] {
  return tenant.tests.flatMap((test) => {
    const { given, expect } = test;
    const got = conclude({ source: sourceOf(given.connection), connectionId: given.connection, ...pick(given) }, tenant.mapping);
    const reasons = new Map(got.targets.map(({ target }) => [target, got.targets.filter((t) => t.target === target).map((t) => t.rule)]));
    const missing = expect.enrol.filter((target) => !reasons.has(target)).map((target) => `${target} is missing`);
    const extra = [...reasons]
      .filter(([target]) => !expect.enrol.includes(target))
      .map(([target, rules]) => `${target} comes from rule ${rules.map(quote).join(', ')}`);
    const role = highest([tenant.provisioning.defaultRole, got.role]);
    const wrongRole = expect.role !== null && role !== expect.role ? [`the role is ${role}, not ${expect.role}`] : [];
    const differences = [...missing, ...extra, ...wrongRole];
    if (differences.length === 0) return [];
    return [{ test, message: `test ${quote(test.name)} fails: ${differences.join('; ')}`, hint: 'change the rules or what is expected' }];
  });
}

const pick = ({ email, groups, claims }: MappingTest['given']) => ({ email, groups, claims });
