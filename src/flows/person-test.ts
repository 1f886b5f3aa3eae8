/** person-test: an example for a tenant file from what a real person's provider said. Only what rules look at is in it. */
import { conclude } from '../core/conclude.ts';
import { countingFacts, subjectOf } from '../core/derive.ts';
import type { Condition } from '../core/mapping.ts';
import type { Target, UserState } from '../core/model.ts';
import { emailDomain } from '../core/profile.ts';
import { Refusal } from '../core/refusal.ts';
import type { MappingTest } from '../core/tenant.ts';
import type { LiveTenant } from './tenants.ts';

/** `masked`: without the person's address. Throws `Refusal` where no sign-in has said anything that counts. */
export function testOfPerson(state: UserState, live: LiveTenant, { masked }: { masked: boolean }): Omit<MappingTest, 'line' | 'column'> {
  const taught = countingFacts(state, { mode: 'jit', tenant: live.tenant }).find(({ source }) => source.startsWith('connection:'));
  if (!taught) throw new Refusal('not-found', 'map-test/no-facts', 'no sign-in of this person has said anything that counts');
  const { connectionId, email, groups, claims } = subjectOf(taught, state);
  const asked = new Set(live.tenant.mapping.rules.flatMap(({ when }) => claimsIn(when)));
  const kept = Object.fromEntries(Object.entries(claims).filter(([name]) => asked.has(name)));
  const address = email === null ? null : masked ? `someone@${emailDomain(email)}` : email;
  const given = { connection: connectionId, email: address, groups: [...new Set(groups)], claims: kept as Record<string, string[]> };
  const { targets, role } = conclude(
    { source: taught.source, connectionId, email: address, groups: given.groups, claims: kept },
    live.tenant.mapping,
  );
  const enrol = [...new Set(targets.map(({ target }) => target))].sort() as Target[];
  return { name: masked ? 'somebody' : state.user.userName, given, expect: { enrol, role: role ?? null } };
}

function claimsIn(condition: Condition): string[] {
  if (condition.kind === 'claim') return [condition.name];
  if (condition.kind === 'any' || condition.kind === 'all') return condition.of.flatMap(claimsIn);
  return condition.kind === 'not' ? claimsIn(condition.of) : [];
}
