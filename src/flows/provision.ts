/** The one way anything about a person changes (DESIGN §1): read, plan, apply. A dry run is the same way with the last step left out. */
import { replay } from '../core/diff.ts';
import type { Candidates, Intent, Lookup } from '../core/intent.ts';
import { isBelow, type Plan, type UserState } from '../core/model.ts';
import { plan, type Released, refuseTaken } from '../core/plan.ts';
import { Refusal } from '../core/refusal.ts';
import type { Turns } from '../lib/turns.ts';
import { searchMoves } from '../protocols/scim/searchable.ts';
import type { Write } from '../store/apply.ts';
import { Conflict, TenantMoved } from '../store/database.ts';
import type { JournalEntry } from '../store/journal.ts';
import { PLACE } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';
import { enabledOf } from './platforms.ts';
import type { LiveTenant, Tenants } from './tenants.ts';

export interface ProvisionDeps {
  store: Pick<Store, 'people' | 'apply'>;
  /** A plan that was made while the tenant moved is made again in what it has become. */
  tenants: Pick<Tenants, 'get' | 'refresh'>;
  turns: Turns;
  now: () => Date;
  newId: () => string;
}

export interface Request {
  live: LiveTenant;
  /** Asked when the tenant has moved since: throws where who asks has nothing to say any more. */
  stands?: (live: LiveTenant) => Promise<void>;
  intent: Intent;
  lookup: Lookup;
  /** Who asked, for the journal: `connection:<id>`, `cli`, `key:<prefix>`. */
  actor: string;
  reference: string | null;
  /** What a directory asked for, for its sync log. */
  action?: JournalEntry['action'];
  /** More for the journal, asked when the plan is made. */
  noted?: () => Record<string, unknown>;
  /** An operator said that what is held may happen. */
  released?: Released;
  /** What would be lost is held, whatever the tenant's own brake is. */
  brake?: 'limit';
  /** Asked where a plan takes something away: null where it may, else the brake under which it is made again. */
  allows?: (userId: string) => Promise<'limit' | null>;
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
  if (request.dryRun) return once(deps, request);
  return deps.turns.take(turnKeys(request), async () => {
    const began = performance.now();
    for (let lost = 1; ; lost++) {
      const live = await standing(deps, request);
      try {
        return await once(deps, { ...request, live });
      } catch (error) {
        const over = lost === ATTEMPTS || performance.now() - began > PATIENCE_MS;
        // What would be refused in the tenant as it was may be welcome as it is: seats were raised, or the mode is another, on another node.
        if (error instanceof Refusal && !over && (await hasMoved(deps, live))) continue;
        if (!(error instanceof Conflict) || over) throw error;
        if (error instanceof TenantMoved) await deps.tenants.refresh();
        else await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(4 * lost, LONGEST_PAUSE_MS)));
      }
    }
  });
}

async function hasMoved({ tenants }: Pick<ProvisionDeps, 'tenants'>, { tenant, revision }: LiveTenant): Promise<boolean> {
  await tenants.refresh();
  return (tenants.get(tenant.id)?.revision ?? revision) > revision;
}

/** The tenant as this node knows it by now; the request goes on in that, if it still may. */
export async function standing({ tenants }: Pick<ProvisionDeps, 'tenants'>, { live, stands }: Pick<Request, 'live' | 'stands'>): Promise<LiveTenant> {
  const known = tenants.get(live.tenant.id);
  if (!known || known.revision <= live.revision) return live;
  await stands?.(known);
  return known;
}

async function once(deps: ProvisionDeps, request: Request): Promise<Provisioned> {
  const candidates = await deps.store.people.candidates(request.live.tenant.id, request.lookup);
  const now = deps.now();
  const made = await allowed(deps, request, { candidates, now, active: await activeIn(deps, request.live) });
  await refuseOthersNames(deps, request, { candidates, ...made });
  if (made.plan.changes.length > 0 && !request.dryRun) await deps.store.apply.apply([written(request, made, now)], now);
  return made;
}

export function planned(
  deps: Pick<ProvisionDeps, 'newId'>,
  { live, intent, released, brake = live.brake ?? undefined }: Pick<Request, 'live' | 'intent' | 'released' | 'brake'>,
  { candidates, now, active }: Read,
): Provisioned {
  const { tenant, mode, phase, seats } = live;
  const world = { tenant, mode, phase, seats: seats === null ? null : { limit: seats, active }, brake: brake ?? null, now, newId: deps.newId };
  const made = plan(candidates, intent, world, released);
  const before = stateOf(candidates, made.userId);
  const after = replay(before, made);
  if (!after) throw new Error(`plan ${made.id} leaves no user`);
  return { plan: made, before, after };
}

/** A plan that takes something away is made under a brake where the asker has taken away too much already. */
async function allowed(deps: ProvisionDeps, request: Request, read: Read): Promise<Provisioned> {
  const made = planned(deps, request, read);
  if (!request.allows || request.dryRun || !takesAway(made)) return made;
  const brake = await request.allows(made.plan.userId);
  return brake ? planned(deps, { ...request, brake }, read) : made;
}

function takesAway({ plan: { effects }, before, after }: Provisioned): boolean {
  const { lost, status } = effects;
  const demoted = before !== null && isBelow(after.user.role, before.user.role);
  return lost.length > 0 || demoted || (status?.from === 'active' && status.to !== 'active');
}

/** What a plan is made from. */
export interface Read {
  candidates: Candidates;
  now: Date;
  /** Active users; 0 where nobody counts them. */
  active: number;
}

const activeIn = async ({ store }: ProvisionDeps, { tenant, seats }: LiveTenant): Promise<number> =>
  seats === null ? 0 : (await store.people.headcount(tenant.id)).active;

const written = (request: Request, made: Provisioned, now: Date): Write => ({
  plan: made.plan,
  entry: journalEntry(request, made.plan, now),
  deliveries: enabledOf(request.live.tenant).map((platform) => ({
    platform,
    place: request.intent.kind === 'assertion' ? PLACE.signIn : PLACE.change,
  })),
  search: searchMoves(made.before, made.after),
  seats: request.live.seats,
  bound: { tenantId: request.live.tenant.id, revision: request.live.revision },
});

/** Members of one group are planned so many at a time: one transaction, and no turn is held for long. */
export const TOGETHER = 50;

/**
 * The same for users who are known by id: all plans in one transaction, which costs the disk one wait instead of many. Where that loses a
 * race each goes its own way. At most `TOGETHER` requests, of different users, from one asker. A refusal stands in the place of what it refused.
 * Throws `Refusal` where the asker has nothing to say any more.
 */
export async function provisionTogether(deps: ProvisionDeps, asked: OfUser[]): Promise<(Provisioned | Refusal)[]> {
  const [first] = asked;
  if (!first) return [];
  const keys = asked.flatMap(turnKeys).sort();
  const done = await deps.turns.take(keys, async () => {
    const live = await standing(deps, first);
    const requests = asked.map((request) => ({ ...request, live }));
    const now = deps.now();
    const ids = requests.map(({ lookup }) => lookup.userId);
    const active = await activeIn(deps, live);
    const states = new Map((await deps.store.people.many(live.tenant.id, ids)).map((state) => [state.user.id, state]));
    const made: (Provisioned | Refusal)[] = [];
    for (const request of requests) {
      const candidates = { bySubject: states.get(request.lookup.userId) ?? null, byEmail: [] };
      made.push(await refused(allowed(deps, request, { candidates, now, active })));
    }
    const writes = made.flatMap((one, i) =>
      one instanceof Refusal || one.plan.changes.length === 0 || requests[i]!.dryRun ? [] : [written(requests[i]!, one, now)],
    );
    try {
      await deps.store.apply.apply(writes, now);
      return made;
    } catch (error) {
      if (error instanceof Conflict) return error;
      throw error;
    }
  });
  if (!(done instanceof Conflict)) return done;
  if (done instanceof TenantMoved) {
    await deps.tenants.refresh();
    await standing(deps, first);
  }
  const one: (Provisioned | Refusal)[] = [];
  for (const request of asked) one.push(await refused(provision(deps, request)));
  return one;
}

/** A refusal is an answer. */
const refused = <T>(work: Promise<T>): Promise<T | Refusal> =>
  work.catch((error: unknown) => {
    if (error instanceof Refusal) return error;
    throw error;
  });

type OfUser = Request & { lookup: { by: 'user' } };

function refusable<T>(work: () => T): T | Refusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/**
 * The planner was shown who has the names that the lookup knew. Who has a name that only the plan brings up is looked up when it is new: it can
 * be anything that a provider sends. `Conflict` where the owner came between the two looks: it may be the same person, signing in twice at once.
 */
async function refuseOthersNames(
  { store }: ProvisionDeps,
  { live, lookup }: Request,
  { candidates, before, after }: Provisioned & { candidates: Candidates },
): Promise<void> {
  const { status, userNameKey, emailKey, externalId } = after.user;
  const seen = new Set([...shown(lookup), '', null]);
  const fresh = (['userNameKey', 'emailKey', 'externalId'] as const).some(
    (key) => after.user[key] !== before?.user[key] && !seen.has(after.user[key]),
  );
  if (status === 'deleted' || !fresh) return;
  const names: Lookup = { by: 'resource', userNameKey, emailKey: emailKey || null, externalId, restoreKeys: [] };
  const owners = await store.people.candidates(live.tenant.id, names);
  const refusal = refusable(() => refuseTaken(owners, before?.user ?? null, after.user));
  if (!(refusal instanceof Refusal)) return;
  const now = await store.people.candidates(live.tenant.id, lookup);
  const came = owners.byEmail.some(({ user }) => stateOf(now, user.id) && !stateOf(candidates, user.id));
  if (came) throw new Conflict('the owner of the name came just now');
  throw refusal;
}

/** The keys whose owners a lookup brings. */
function shown(lookup: Lookup): (string | null)[] {
  if (lookup.by === 'user') return [];
  if (lookup.by === 'assertion') return [lookup.emailKey];
  return [lookup.userNameKey, lookup.emailKey, ...(lookup.by === 'resource' ? [lookup.externalId] : [])];
}

const stateOf = ({ bySubject, byEmail }: Candidates, userId: string): UserState | null =>
  [bySubject, ...byEmail].find((state) => state?.user.id === userId) ?? null;

/** Everything that could meet in the same rows takes turns: the same user, the same subject, the same e-mail. */
function turnKeys({ live, lookup }: Request): string[] {
  const key = (kind: string, value: string) => JSON.stringify([live.tenant.id, kind, value]);
  if (lookup.by === 'user') return [key('user', lookup.userId)];
  if (lookup.by === 'name') return [key('email', lookup.emailKey), key('email', lookup.userNameKey)];
  if (lookup.by === 'resource')
    return [
      key('email', lookup.userNameKey),
      ...[lookup.emailKey, lookup.externalId].filter((name) => name !== null).map((name) => key('email', name)),
    ];
  return [key(lookup.source, lookup.subject), ...(lookup.emailKey === null ? [] : [key('email', lookup.emailKey)])];
}

/** What was changed and why, without the values: the journal outlives the people in it. */
function journalEntry({ actor, reference, action = null, noted }: Request, made: Plan, now: Date): JournalEntry {
  const changes = made.changes.map((change) => {
    const grant = change.entity === 'grant' ? (change.after ?? change.before) : null;
    const membership = change.entity === 'membership' ? (change.after ?? change.before) : null;
    const done = change.before === null ? 'create' : change.after === null ? 'delete' : 'update';
    return {
      entity: change.entity,
      action: done,
      reason: change.reason,
      ...(membership ? { group: membership.groupId, source: membership.source } : {}),
      ...(grant ? { target: grant.target, source: grant.source, rule: grant.rule } : {}),
    };
  });
  return {
    id: made.id,
    tenantId: made.tenantId,
    at: now,
    actor,
    cause: made.intent,
    action,
    resourceType: 'User',
    resourceId: made.userId,
    outcome: 'SUCCESS',
    // A user's row moves with whatever happens below it: what happened there says more.
    code: (made.changes.find(({ reason }) => reason !== 'below-changed') ?? made.changes[0])?.reason ?? null,
    reference,
    mappingVersion: made.mappingVersion,
    detail: { changes, effects: made.effects, ...(made.held.length > 0 ? { held: made.held.length } : {}), ...noted?.() },
  };
}
