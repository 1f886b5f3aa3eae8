/** core alone: one plan for a first sign-in and one for a repeated one, by groups of the person and rules of the tenant. */
import { testKey } from '../fixtures/saml/signer.ts';
import { parseTenantFile } from '../src/config/tenant-file.ts';
import { replay } from '../src/core/diff.ts';
import type { Candidates, Intent } from '../src/core/intent.ts';
import { sourceOf, type UserState } from '../src/core/model.ts';
import { plan } from '../src/core/plan.ts';
import type { Tenant } from '../src/core/tenant.ts';
import type { World } from '../src/core/world.ts';
import type { Cases } from './main.ts';
import { type Figures, measure, oneByOne, ownUsage, timed } from './measure.ts';
import { type Person, person, tenantFile } from './people.ts';
import { samlConnections } from './saml-parties.ts';

/** One operation is timed as a packet of several: one alone is shorter than the clock is fine. */
const packetOf = (rules: number): number => (rules > 1000 ? 2 : 20);

export const planner: Cases = async (run) => {
  for (const rules of [20, 2000]) {
    for (const groups of [5, 50, 500]) {
      for (const kind of ['first', 'repeat'] as const) {
        const name = `plan, ${kind} sign-in, ${groups} groups, ${rules} rules`;
        if (!run.wanted(name)) continue;
        const world = worldOf(await sampleTenant(rules));
        const intent = assertionOf(person('planned', groups));
        const candidates: Candidates = { bySubject: kind === 'first' ? null : stateAfter(intent, world), byEmail: [] };
        const packet = async () => {
          for (let i = 0; i < packetOf(rules); i++) plan(candidates, intent, world);
        };
        const measured = await measure({ n: run.count(50), usage: ownUsage, batch: oneByOne(() => timed(packet)) }, 10);
        run.print({ name, ...perOperation(measured, packetOf(rules)) });
      }
    }
  }
};

function perOperation({ ops_per_s, cpu_ms_per_op, p50_ms, p99_ms, rss_mb, n }: Figures, packet: number): Figures {
  const each = (ms: number) => Number((ms / packet).toPrecision(3));
  return {
    ops_per_s: Math.round(ops_per_s * packet),
    cpu_ms_per_op: each(cpu_ms_per_op),
    p50_ms: each(p50_ms),
    p99_ms: each(p99_ms),
    rss_mb,
    n: n * packet,
  };
}

/** As a tenant file makes it, with one connection called `both`. */
export async function sampleTenant(rules: number): Promise<Tenant> {
  const connections = samlConnections(await testKey('Sample SAML provider'));
  const parsed = parseTenantFile(tenantFile({ rules, connections }), { file: 'acme.yaml', tenantId: 'acme', baseDir: '.' });
  if (!parsed.ok) throw new Error(parsed.problems.map((problem) => problem.message).join('\n'));
  return parsed.tenant;
}

let ids = 0;
export const worldOf = (tenant: Tenant): World => ({
  tenant,
  mode: 'jit',
  phase: null,
  seats: null,
  brake: null,
  now: new Date(),
  newId: () => {
    ids += 1;
    return `bench-${String(ids).padStart(10, '0')}`;
  },
});

export const assertionOf = ({ id, email, groups }: Person): Intent => ({
  kind: 'assertion',
  source: sourceOf('both'),
  subject: id,
  statement: {
    profile: { email, userName: email, givenName: 'Amara', familyName: 'Okafor' },
    fields: {},
    groups: { said: 'listed', groups },
    claims: { email: [email], userName: [email], givenName: ['Amara'], familyName: ['Okafor'] },
  },
  emailTrust: { trusted: true },
});

export function stateAfter(intent: Intent, world: World): UserState {
  const state = replay(null, plan({ bySubject: null, byEmail: [] }, intent, world));
  if (!state) throw new Error('a first sign-in left nobody');
  return state;
}
