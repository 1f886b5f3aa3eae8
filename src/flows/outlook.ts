/**
 * outlook: what a document would do to everybody known, before it is published. The plan of each person as it would be made (a dry run of the one way),
 * counted page by page: memory does not grow with the tenant. Numbers first; people on demand, planned again for the page that is asked for.
 */
import { createHash } from 'node:crypto';
import { exceeds } from '../core/guard.ts';
import type { Intent } from '../core/intent.ts';
import type { ResourceAttributes, UserState } from '../core/model.ts';
import { count, countRefused, isMoved, noOutlook, type Outlook, type PersonOutlook, personOutlook } from '../core/outlook.ts';
import { Refusal } from '../core/refusal.ts';
import type { Limits } from '../core/tenant.ts';
import { breathe } from '../lib/breathe.ts';
import { userResource } from '../protocols/scim/schema.ts';
import { statementOf } from '../protocols/scim/statement.ts';
import type { Store } from '../store/store.ts';
import { type Provisioned, planned } from './provision.ts';
import { createSightings, type Sightings } from './sightings.ts';
import type { LiveTenant } from './tenants.ts';

export interface OutlookDeps {
  store: Pick<Store, 'people'>;
  now: () => Date;
  newId: () => string;
}

export interface Walked {
  outlook: Outlook;
  /** More people would lose something than the tenant's limits allow without an operator: that is held. */
  overLimit: boolean;
  /** Of what becomes of each person, in order: another outcome for anybody is another digest. */
  outcome: string;
  /** What messages of the past were like: groups and claims, by how many people. */
  sightings: Sightings;
}

/** A mapping, a mode or custom fields moved: what a directory said is read as the document says now. */
export function remapIntent({ tenant: { scim } }: Pick<LiveTenant, 'tenant'>): Intent {
  const schema = userResource(scim.fields);
  const restate = (said: ResourceAttributes, active: boolean) => statementOf({ ...said, active }, schema, scim.fields);
  return { kind: 'remap', restate };
}

export interface Walking {
  /** Beyond them what would be lost is held. */
  limits: Limits;
  /** After each page: people so far, and all. */
  onProgress?: (done: number, all: number) => void;
}

export async function walkOutlook(deps: OutlookDeps, live: LiveTenant, { limits, onProgress }: Walking): Promise<Walked> {
  const outlook = noOutlook();
  const hash = createHash('sha256');
  const sightings = createSightings();
  const { users } = await deps.store.people.headcount(live.tenant.id);
  for await (const page of pages(deps, live, null)) {
    for (const { state, made } of page) {
      sightings.see(state);
      if (made instanceof Refusal) {
        countRefused(outlook, made.code);
        hash.update(`${state.user.id} ${made.code}\n`);
        continue;
      }
      const one = personOutlook(state, made.after);
      count(outlook, made.plan, one, made.after);
      if (made.plan.changes.length > 0) hash.update(`${state.user.id} ${JSON.stringify([one.gained, one.lost, one.held, one.role, one.rules])}\n`);
    }
    onProgress?.(outlook.people, users);
  }
  const overLimit = exceeds(outlook.taking, outlook.people, limits);
  return { outlook, overLimit, outcome: hash.digest('hex'), sightings };
}

export interface PersonMoved extends PersonOutlook {
  id: string;
  userName: string;
  displayName: string;
}

/** People of whom anything would become something, in order of id; of one rule or target only, where asked. */
export async function outlookPeople(
  deps: OutlookDeps,
  live: LiveTenant,
  asked: { after: string | null; limit: number; rule?: string; target?: string },
): Promise<{ people: PersonMoved[]; next: string | null }> {
  const people: PersonMoved[] = [];
  for await (const page of pages(deps, live, asked.after)) {
    for (const { state, made } of page) {
      if (made instanceof Refusal) continue;
      const one = personOutlook(state, made.after);
      if (!isMoved(one) || !concerns(one, asked)) continue;
      const { id, userName, displayName } = state.user;
      people.push({ id, userName, displayName, ...one });
      if (people.length === asked.limit) return { people, next: id };
    }
  }
  return { people, next: null };
}

function concerns({ gained, lost, held, rules }: PersonOutlook, { rule, target }: { rule?: string; target?: string }): boolean {
  if (rule !== undefined && ![...rules.gained, ...rules.lost, ...rules.held].includes(rule)) return false;
  return target === undefined || ([...gained, ...lost, ...held] as string[]).includes(target);
}

const PAGE = 200;

interface Planned {
  state: UserState;
  made: Provisioned | Refusal;
}

/** Everybody who is not deleted, each with the plan that would be made. */
async function* pages(deps: OutlookDeps, live: LiveTenant, after: string | null): AsyncGenerator<Planned[]> {
  const intent = remapIntent(live);
  for (let from = after; ; ) {
    const page = await deps.store.people.states(live.tenant.id, { after: from, limit: PAGE });
    const now = deps.now();
    yield page.states
      .filter(({ user }) => user.status !== 'deleted')
      .map((state) => ({ state, made: dryRun(deps, { live: { ...live, seats: null }, intent, state, now }) }));
    if (page.next === null) return;
    from = page.next;
    await breathe();
  }
}

function dryRun(
  deps: OutlookDeps,
  { live, intent, state, now }: { live: LiveTenant; intent: Intent; state: UserState; now: Date },
): Provisioned | Refusal {
  try {
    return planned(deps, { live, intent }, { candidates: { bySubject: state, byEmail: [] }, now, active: 0 });
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
