/** remap: the mapping moved, so conclude again for everyone from the facts kept. The preview is the same walk with dry runs. */
import { exceeds } from '../core/guard.ts';
import type { ResourceAttributes, Target } from '../core/model.ts';
import { Refusal } from '../core/refusal.ts';
import { userResource } from '../protocols/scim/schema.ts';
import { statementOf } from '../protocols/scim/statement.ts';
import { type ProvisionDeps, provision } from './provision.ts';
import type { LiveTenant } from './tenants.ts';

/** Numbers first; `byTarget` says how many people gain and lose each. */
export interface RemapSummary {
  people: number;
  changed: number;
  gaining: number;
  losing: number;
  byTarget: Record<Target, { gained: number; lost: number }>;
  /** Users whose plan was refused, with the code. */
  refused: { userId: string; code: string }[];
  /** More people would lose something than the tenant's limits allow without being asked. */
  overLimit: boolean;
}

const PAGE = 200;

/** Walks all users of the tenant in pages; holds no more than one page and the summary. */
export async function remap(deps: ProvisionDeps, live: LiveTenant, options: { dryRun: boolean; actor: string }): Promise<RemapSummary> {
  const summary: RemapSummary = { people: 0, changed: 0, gaining: 0, losing: 0, byTarget: {}, refused: [], overLimit: false };
  let after: string | null = null;
  do {
    const page: { users: { id: string }[]; next: string | null } = await deps.store.people.page(live.tenant.id, { after, limit: PAGE });
    for (const user of page.users) await remapOne(deps, live, { ...options, userId: user.id, summary });
    after = page.next;
  } while (after !== null);
  return { ...summary, overLimit: exceeds(summary.losing, summary.people, live.tenant.provisioning.limits) };
}

async function remapOne(
  deps: ProvisionDeps,
  live: LiveTenant,
  { userId, summary, dryRun, actor }: { userId: string; summary: RemapSummary; dryRun: boolean; actor: string },
): Promise<void> {
  summary.people++;
  const { fields } = live.tenant.scim;
  const restate = (said: ResourceAttributes, active: boolean) => statementOf({ ...said, active }, userResource(fields), fields);
  try {
    const { plan } = await provision(deps, {
      live,
      intent: { kind: 'remap', restate },
      lookup: { by: 'user', userId },
      actor,
      reference: null,
      dryRun,
    });
    if (plan.changes.length > 0) summary.changed++;
    if (plan.effects.gained.length > 0) summary.gaining++;
    if (plan.effects.lost.length > 0) summary.losing++;
    for (const target of plan.effects.gained) count(summary, target).gained++;
    for (const target of plan.effects.lost) count(summary, target).lost++;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    summary.refused.push({ userId, code: error.code });
  }
}

function count({ byTarget }: RemapSummary, target: Target): { gained: number; lost: number } {
  byTarget[target] ??= { gained: 0, lost: 0 };
  return byTarget[target];
}
