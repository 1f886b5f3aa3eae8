/** The one way anything about a person changes (DESIGN §1): read, plan, apply. A dry run is the same way with the last step left out. */
import { replay } from '../core/diff.ts';
import type { Guard } from '../core/guard.ts';
import type { Candidates, Intent, Lookup } from '../core/intent.ts';
import type { Plan, UserState } from '../core/model.ts';
import { plan } from '../core/plan.ts';
import { Refusal } from '../core/refusal.ts';
import type { Turns } from '../lib/turns.ts';
import { Conflict } from '../store/database.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { Store } from '../store/store.ts';
import type { LiveTenant } from './tenants.ts';

export interface ProvisionDeps {
  store: Pick<Store, 'people' | 'apply'>;
  turns: Turns;
  now: () => Date;
  newId: () => string;
  /** Platforms that hear of a tenant's effects; the outbox gets one row for each. */
  platforms: (tenantId: string) => string[];
}

export interface Request {
  live: LiveTenant;
  intent: Intent;
  lookup: Lookup;
  /** Who asked, for the journal: `connection:<id>`, `cli`, `key:<prefix>`. */
  actor: string;
  reference: string | null;
  brake?: Guard;
  dryRun?: boolean;
}

export interface Provisioned {
  plan: Plan;
  before: UserState | null;
  /** What is there after the plan (or would be, for a dry run). */
  after: UserState;
}

/**
 * A plan loses a race only when another machine writes first; then it is made again from what is there now. Each loss is somebody else's
 * success, so this many contenders for one user all succeed, however the turns fall.
 */
const ATTEMPTS = 50;
/** Milliseconds after which no other attempt begins: waiting for a lock may make each of them long. */
const PATIENCE_MS = 10_000;
const LONGEST_PAUSE_MS = 50;

/** Throws `Refusal` where the plan may not be made, `Conflict` when every attempt lost its race. */
export async function provision(deps: ProvisionDeps, request: Request): Promise<Provisioned> {
  const attempt = () => once(deps, request);
  if (request.dryRun) return attempt();
  return deps.turns.take(turnKeys(request), async () => {
    const began = performance.now();
    for (let lost = 1; ; lost++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof Conflict) || lost === ATTEMPTS || performance.now() - began > PATIENCE_MS) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(4 * lost, LONGEST_PAUSE_MS)));
      }
    }
  });
}

async function once(deps: ProvisionDeps, request: Request): Promise<Provisioned> {
  const { live, intent, lookup } = request;
  const now = deps.now();
  const candidates = await deps.store.people.candidates(live.tenant.id, lookup);
  const made = plan(candidates, intent, { tenant: live.tenant, mode: live.mode, now, newId: deps.newId }, request.brake);
  const before = stateOf(candidates, made.userId);
  const after = replay(before, made);
  if (!after) throw new Error(`plan ${made.id} leaves no user`);
  await refuseTakenName(deps, request, { candidates, before, after });
  if (made.changes.length > 0 && !request.dryRun) {
    await deps.store.apply.apply(made, journalEntry(request, made, now), deliveries(deps, made), now);
  }
  return { plan: made, before, after };
}

/**
 * The planner was shown who has the e-mail. Who has a userName of another spelling is looked up when it is new: it can be anything that a
 * provider sends. `Conflict` where the owner came between the two looks: it may be the same person, signing in twice at once.
 */
async function refuseTakenName(
  { store }: ProvisionDeps,
  { live, lookup }: Request,
  seen: { candidates: Candidates; before: UserState | null; after: UserState },
) {
  const { id, userNameKey } = seen.after.user;
  const shown = lookup.by === 'user' ? null : lookup.emailKey;
  if (userNameKey === seen.before?.user.userNameKey || userNameKey === shown) return;
  const owner = await store.people.find(live.tenant.id, userNameKey);
  if (!owner || owner.id === id || owner.userNameKey !== userNameKey) return;
  const now = await store.people.candidates(live.tenant.id, lookup);
  if (stateOf(now, owner.id) && !stateOf(seen.candidates, owner.id)) throw new Conflict('the owner of the userName came just now');
  throw new Refusal('email-in-use', 'provision/user-name-in-use', `the userName belongs to user ${owner.id}`);
}

const stateOf = ({ bySubject, byEmail }: Candidates, userId: string): UserState | null =>
  [bySubject, ...byEmail].find((state) => state?.user.id === userId) ?? null;

const deliveries = (deps: ProvisionDeps, { tenantId }: Plan) => deps.platforms(tenantId).map((platform) => ({ platform }));

/** Everything that could meet in the same rows takes turns: the same user, the same subject, the same e-mail. */
function turnKeys({ live, lookup }: Request): string[] {
  const key = (kind: string, value: string) => JSON.stringify([live.tenant.id, kind, value]);
  if (lookup.by === 'user') return [key('user', lookup.userId)];
  if (lookup.by === 'name') return [key('email', lookup.emailKey), key('email', lookup.userNameKey)];
  return [key(lookup.source, lookup.subject), ...(lookup.emailKey === null ? [] : [key('email', lookup.emailKey)])];
}

/** What was changed and why, without the values: the journal outlives the people in it. */
function journalEntry({ actor, reference }: Request, made: Plan, now: Date): JournalEntry {
  const changes = made.changes.map((change) => {
    const grant = change.entity === 'grant' ? (change.after ?? change.before) : null;
    const action = change.before === null ? 'create' : change.after === null ? 'delete' : 'update';
    return {
      entity: change.entity,
      action,
      reason: change.reason,
      ...(grant ? { target: grant.target, source: grant.source, rule: grant.rule } : {}),
    };
  });
  return {
    id: made.id,
    tenantId: made.tenantId,
    at: now,
    actor,
    cause: made.intent,
    resourceType: 'User',
    resourceId: made.userId,
    outcome: 'SUCCESS',
    code: made.changes[0]?.reason ?? null,
    reference,
    mappingVersion: made.mappingVersion,
    detail: { changes, effects: made.effects, ...(made.held.length > 0 ? { held: made.held.length } : {}) },
  };
}
