/**
 * explain: why somebody has an enrolment, and why not: what was said, which rules looked at it and what they saw, since when there is a grant, how it came
 * and went, and whether the learning platform has heard of it. From the kept facts and the mapping in force, by the judgement that `derive` uses.
 */
import { resolve, resourceKey } from '../core/entitlement.ts';
import { type Explanation, explain } from '../core/explain.ts';
import { historyOf, type Moment } from '../core/history.ts';
import type { GroupClaim, Mode, Source, Target, UserState } from '../core/model.ts';
import type { PlatformGiven } from '../store/ledger.ts';
import { PLACE } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';
import type { PlatformCatalogue } from './platform-catalogue.ts';
import { enabledOf } from './platforms.ts';
import type { LiveTenant } from './tenants.ts';

export interface ExplainDeps {
  store: Pick<Store, 'journal' | 'outbox' | 'ledger'>;
  catalogue: Pick<PlatformCatalogue, 'known'>;
}

/** What one platform still has to hear of this person; a platform that is not listed has heard everything. */
export interface Waiting {
  platform: string;
  /** `dead`: a dead letter; nothing is tried until somebody has looked. */
  state: 'waiting' | 'dead';
  since: Date;
  attempts: number;
  failedReason: string | null;
}

/**
 * What the ledger says of a target at one platform. `ordered`: the platform took the order and does it later. `by-hand`: a task. `unknown`: the platform
 * has no such thing. `not-yet`: it should be there.
 */
export interface AtPlatform {
  platform: string;
  state: 'given' | 'ordered' | 'by-hand' | 'unknown' | 'not-yet';
}

export interface Explained extends Explanation {
  platforms: AtPlatform[];
  /** Newest first, of at most so many lines of the journal as are looked at. */
  history: Moment[];
}

export interface PersonExplained {
  user: { id: string; userName: string; status: string; role: string };
  mode: Mode;
  mappingVersion: number;
  /** Who has said anything, and how they spoke of groups last. */
  facts: { source: Source; subject: string; groupsSaid: GroupClaim['said'] | null }[];
  explanations: Explained[];
  waiting: Waiting[];
}

/** Lines of the journal that are looked at. */
const LINES = 200;

export async function explainPerson(
  { store, catalogue }: ExplainDeps,
  live: LiveTenant,
  state: UserState,
  target?: Target,
): Promise<PersonExplained> {
  const { id, userName, status, role, tenantId } = state.user;
  const lines = await store.journal.list(tenantId, { resourceId: id, limit: LINES });
  const rows = await store.outbox.ofUser(tenantId, id);
  const books = await Promise.all(enabledOf(live.tenant).map((platform) => bookOf({ store, catalogue }, { tenantId, platform, userId: id })));
  return {
    user: { id, userName, status, role },
    mode: live.mode,
    mappingVersion: live.tenant.mapping.version,
    facts: state.identities.map(({ source, subject, facts }) => ({ source, subject, groupsSaid: facts?.groupsSaid ?? null })),
    explanations: explain(state, live, target).map((one) => ({
      ...one,
      platforms: books.flatMap((book) => atPlatform(book, live, { target: one.target, should: one.enrolled && status === 'active' })),
      history: historyOf(lines, one.target),
    })),
    waiting: rows.map(({ platform, place, createdAt, attempts, failedReason }) => ({
      ...{ platform, since: createdAt, attempts, failedReason },
      state: place === PLACE.dead ? 'dead' : 'waiting',
    })),
  };
}

interface Book {
  platform: string;
  given: Map<string, PlatformGiven['state']>;
  /** What it offers, as it was read last; null = never, or it is given our targets themselves. */
  entries: Awaited<ReturnType<PlatformCatalogue['known']>>;
}

async function bookOf({ store, catalogue }: ExplainDeps, key: { tenantId: string; platform: string; userId: string }): Promise<Book> {
  const [{ given }, entries] = await Promise.all([store.ledger.of(key), catalogue.known(key)]);
  return { platform: key.platform, entries, given: new Map(given.map((one) => [resourceKey(one), one.state])) };
}

/** None where there is nothing to say: it should not be there, and is not. */
function atPlatform(
  { platform, given, entries }: Book,
  { tenant }: LiveTenant,
  { target, should }: { target: Target; should: boolean },
): AtPlatform[] {
  const itself = { kind: 'target' as const, id: target };
  if (given.get(resourceKey(itself)) === 'unknown') return [{ platform, state: 'unknown' }];
  const found = entries === null ? [itself] : resolve(target, tenant.catalogue, entries);
  if (typeof found === 'string') return should ? [{ platform, state: 'unknown' }] : [];
  // A collection that holds nothing.
  if (found.length === 0) return [];
  const states = found.map((one) => given.get(resourceKey(one)));
  const some = (...wanted: (PlatformGiven['state'] | undefined)[]) => states.some((state) => wanted.includes(state));
  if (should)
    return [{ platform, state: some('give-by-hand') ? 'by-hand' : some(undefined) ? 'not-yet' : some('giving', 'queued') ? 'ordered' : 'given' }];
  // What another target gives as well is not this one's.
  if (some('take-by-hand')) return [{ platform, state: 'by-hand' }];
  return [];
}
