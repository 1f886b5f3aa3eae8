/**
 * mode: an operator moves a tenant between `manual`, `jit` and `scim`. What may follow what is core/mode's table; here it is shown first, with what it
 * costs, and done only with the confirmation that belongs to what was shown.
 */
import { createHash } from 'node:crypto';
import { type ModeRequest, type ModeState, type ModeStep, modeStep, type Prerequisite } from '../core/mode.ts';
import type { Mode, UserState } from '../core/model.ts';
import { Refusal } from '../core/refusal.ts';
import { breathe } from '../lib/breathe.ts';
import { searchValues } from '../protocols/scim/searchable.ts';
import { Conflict } from '../store/database.ts';
import type { HeldShown } from '../store/people.ts';
import type { Store } from '../store/store.ts';
import type { TenantRow } from '../store/tenants.ts';
import { isVerified } from './domains.ts';
import { dropHeld, retireDirectory, settleHeld } from './hand-over.ts';
import { lineOf } from './line.ts';
import type { ProvisionDeps } from './provision.ts';
import type { LiveTenant, Tenants } from './tenants.ts';
import { createToken, type TokenDeps } from './tokens.ts';

export interface ModeDeps extends ProvisionDeps, TokenDeps {
  store: Pick<Store, 'people' | 'apply' | 'tenants' | 'keys' | 'domains' | 'search' | 'journal'>;
  tenants: Pick<Tenants, 'get' | 'refresh'>;
}

/** What a step means, before it is done. */
export interface Consequences {
  from: ModeState;
  to: ModeState;
  tokensRevoked: number;
  users: number;
  active: number;
  enrolments: number;
  /** Changes that wait, and how many people they are of. */
  held: { people: number; changes: number; become: 'none' | 'released' | 'dropped' };
  lastDirectoryRequest: Date | null;
  /** In words: whose word counts from then on. */
  outcome: string;
  /** Belongs to this step from this very state; anything that happens to the tenant in between makes it worthless. */
  confirm: string;
}

export type ModeChange =
  | { kind: 'unchanged'; state: ModeState }
  | { kind: 'to-confirm'; consequences: Consequences }
  /** `token`: the directory's first, shown here and never again. */
  | { kind: 'done'; consequences: Consequences; token: { id: string; token: string; prefix: string } | null };

export interface ModeAsked {
  tenantId: string;
  request: ModeRequest;
  /** Null: show what it would mean. */
  confirm: string | null;
  /** What becomes of what is held when a hand-over is completed. */
  held: 'release' | 'drop';
  actor: string;
}

/** Throws `Refusal`: `mode-conflict` where the table forbids it, a prerequisite is missing, the confirmation is stale, or another operator was quicker. */
export async function changeMode(deps: ModeDeps, asked: ModeAsked): Promise<ModeChange> {
  const row = await deps.store.tenants.get(asked.tenantId);
  const live = deps.tenants.get(asked.tenantId);
  if (!row || !live) throw new Refusal('tenant-unknown', 'mode/tenant');
  const from = stateOf(row);
  const step = modeStep(from, asked.request);
  if (step.kind === 'unchanged') return { kind: 'unchanged', state: from };
  if (step.kind === 'refused') throw new Refusal(step.code, step.check, step.why);
  await refuseMissing(deps, live, step.needs);
  const consequences = await consequencesOf(deps, row, asked, step);
  if (asked.confirm === null) return { kind: 'to-confirm', consequences };
  const { become } = consequences.held;
  const shown = shownBy(asked.confirm);
  if (asked.confirm !== confirmOf(row, asked.request, become, shown))
    throw new Refusal(
      'mode-conflict',
      'mode/confirmation-stale',
      'The confirmation does not belong to this step any more; look at what it would do, and confirm that',
    );
  const held = become === 'released' ? shown : null;
  return { kind: 'done', consequences, token: await take(deps, { ...asked, row, step, to: consequences.to, shown: held }) };
}

/**
 * Belongs to the step, to the tenant as it was, and, where what is held is to happen, to what was held: less may be held by then, nothing newer. What
 * is dropped costs nobody anything, so a directory that goes on working is in nobody's way who leaves it.
 */
function confirmOf({ id, revision }: TenantRow, request: ModeRequest, become: Consequences['held']['become'], held: HeldShown): string {
  const until = become === 'released' && held.newest ? [held.newest.getTime(), held.changes] : null;
  const hash = createHash('sha256')
    .update(JSON.stringify([id, revision, request, become, until]))
    .digest('hex')
    .slice(0, 12);
  return [hash, ...(until ?? []).map((n) => n.toString(36))].join('.');
}

/** What was held when it was shown. */
function shownBy(confirm: string): HeldShown {
  const [, newest, changes] = /^[0-9a-f]{12}\.([0-9a-z]{1,9})\.([0-9a-z]{1,6})$/.exec(confirm) ?? [];
  if (newest === undefined || changes === undefined) return NOTHING;
  return { newest: new Date(Number.parseInt(newest, 36)), changes: Number.parseInt(changes, 36) };
}

export const stateOf = ({ mode, phase }: Pick<TenantRow, 'mode' | 'phase'>): ModeState =>
  mode === 'scim' ? { mode, phase: phase ?? 'live' } : { mode, phase: null };

type Step = Extract<ModeStep, { kind: 'step' }>;
const NOTHING: HeldShown = { changes: 0, newest: null };

const MISSING: Record<Prerequisite, string> = {
  'enabled-connection': 'SCIM needs a connection that is enabled: people still sign in through it',
  'verified-domain': 'SCIM needs a domain that is verified: matricula domain add, then matricula domain verify',
};

async function refuseMissing(deps: ModeDeps, { tenant }: LiveTenant, needs: readonly Prerequisite[]): Promise<void> {
  const refuse = (missing: Prerequisite) => new Refusal('mode-conflict', `mode/${missing}`, MISSING[missing]);
  if (needs.includes('enabled-connection') && !tenant.connections.some((c) => c.enabled)) throw refuse('enabled-connection');
  if (!needs.includes('verified-domain')) return;
  const now = deps.now();
  if (!(await deps.store.domains.list(tenant.id)).some((row) => isVerified(row, now))) throw refuse('verified-domain');
}

async function consequencesOf({ store, now }: ModeDeps, row: TenantRow, { request, held: how }: ModeAsked, step: Step): Promise<Consequences> {
  const [counts, held, tokens] = await Promise.all([store.people.counts(row.id), store.people.heldCounts(row.id), store.keys.list('scim', row.id)]);
  const moment = now();
  const living = tokens.filter((t) => t.revokedAt === null && (t.expiresAt === null || t.expiresAt > moment));
  const used = tokens.flatMap((t) => (t.lastUsedAt ? [t.lastUsedAt.getTime()] : []));
  const before: Mode = row.modeBefore ?? 'manual';
  const become = step.held === 'released' && how === 'drop' ? 'dropped' : step.held;
  return {
    from: stateOf(row),
    to: step.to === 'before' ? stateOf({ mode: before, phase: null }) : step.to,
    tokensRevoked: step.revokesTokens ? living.length : 0,
    users: counts.users,
    active: counts.active,
    enrolments: counts.grants,
    held: { people: held.people, changes: held.changes, become },
    lastDirectoryRequest: used.length === 0 ? null : new Date(Math.max(...used)),
    outcome: step.outcome,
    confirm: confirmOf(row, request, become, held),
  };
}

interface Taking extends ModeAsked {
  row: TenantRow;
  step: Step;
  to: ModeState;
  /** What was held when it was shown; null where it does not matter. */
  shown: HeldShown | null;
}

/** What is long comes before or after the switch; the switch itself, the tokens and the journal line are one transaction. */
async function take(deps: ModeDeps, { row, step, to, request, held, actor, shown }: Taking) {
  const written = { to, revokeTokens: step.revokesTokens, code: request, actor };
  if (request === 'scim') await indexEverybody(deps, row.id);
  if (request === 'abort') await write(deps, { ...written, row: await beginAbort(deps, row, actor), shown: null });
  else if (request === 'complete' && held === 'drop') await completeWithout(deps, { ...written, row, shown: NOTHING });
  else await write(deps, { ...written, row, shown });
  await deps.tenants.refresh();
  const live = deps.tenants.get(row.id);
  // What waits is released or dropped by concluding afresh in the new state; a worker goes on where this process dies.
  if (step.held !== 'none' && live) await settleHeld(deps, live, actor);
  const living = (await deps.store.keys.list('scim', row.id)).some((key) => key.revokedAt === null);
  if (!step.issuesToken || living) return null;
  const { id, token, prefix } = await createToken(deps, { tenantId: row.id, name: 'first', expiresAt: null, actor });
  return { id, token, prefix };
}

/** How often the directory may bring up something more to be held while what is held is dropped. */
const DROPS = 20;

/** What is held is dropped while it still cannot happen; the directory's word counts in full only in the moment in which nothing is held. */
async function completeWithout(deps: ModeDeps, writing: Writing): Promise<void> {
  const { row, actor } = writing;
  for (let left = DROPS; ; left--) {
    const live = deps.tenants.get(row.id);
    if (live) await dropHeld(deps, { live, userIds: null, reason: 'the hand-over was completed without what was held', actor });
    try {
      return void (await write(deps, writing));
    } catch (error) {
      const same = (await deps.store.tenants.get(row.id))?.revision === row.revision;
      if (!(error instanceof Refusal) || !same || left === 1) throw error;
    }
  }
}

/** The directory is silenced first; then what it said is retired, person by person; and only then the mode goes back. Cut off, it is asked for again. */
async function beginAbort(deps: ModeDeps, row: TenantRow, actor: string): Promise<TenantRow> {
  const silenced = await write(deps, { row, to: stateOf(row), revokeTokens: true, code: 'abort-begun', actor, shown: null });
  await deps.tenants.refresh();
  const live = deps.tenants.get(row.id);
  if (live) await retireDirectory(deps, live, actor);
  return silenced;
}

interface Writing {
  row: TenantRow;
  to: ModeState;
  revokeTokens: boolean;
  code: string;
  actor: string;
  shown: HeldShown | null;
}

async function write(deps: ModeDeps, { row, to, revokeTokens, code, actor, shown }: Writing): Promise<TenantRow> {
  const now = deps.now();
  const from = stateOf(row);
  const began = to.phase === 'adopting' && from.mode !== 'scim';
  const modeBefore = began ? from.mode : to.phase === 'adopting' ? row.modeBefore : null;
  const modeSince = from.mode === to.mode && from.phase === to.phase ? row.modeSince : now;
  const next = { mode: to.mode, phase: to.phase, modeSince, modeBefore };
  try {
    await deps.store.tenants.setMode(
      { id: row.id, expectRevision: row.revision, ...next, revokeTokens, held: shown, now },
      lineOf(deps, {
        tenantId: row.id,
        at: now,
        actor,
        cause: 'mode',
        code,
        mappingVersion: row.mappingVersion,
        detail: { from, to, tokensRevoked: revokeTokens },
      }),
    );
  } catch (error) {
    if (error instanceof Conflict)
      throw new Refusal('mode-conflict', 'mode/raced', 'This tenant, or what is held in it, has just changed; look again');
    throw error;
  }
  return { ...row, ...next, revision: row.revision + 1 };
}

const PAGE = 200;

/**
 * A directory must find everybody by any value. People from before there was an index have none in it, or only those that moved since, which looks
 * the same as having all: so everybody's are written, page by page. Whom somebody changes meanwhile is done again.
 */
async function indexEverybody({ store }: ModeDeps, tenantId: string): Promise<void> {
  for (let after: string | null = null; ; ) {
    const page: { states: UserState[]; next: string | null } = await store.people.states(tenantId, { after, limit: PAGE });
    for (let people = page.states; people.length > 0; ) {
      await store.search.index(
        tenantId,
        people.map((person) => ({ userId: person.user.id, values: searchValues(person) })),
      );
      const known = new Map(people.map(({ user }) => [user.id, user.version]));
      people = (await store.people.many(tenantId, [...known.keys()])).filter(({ user }) => user.version !== known.get(user.id));
    }
    if (page.next === null) return;
    after = page.next;
    await breathe();
  }
}
