/**
 * hand-over: from sign-ins to a directory, in which nobody loses a course. While a tenant is `adopting`, what the directory would take away is held
 * (core/guard); this file tells an operator how far it is, and ends it person by person.
 */
import type { HeldChange, User } from '../core/model.ts';
import { Refusal } from '../core/refusal.ts';
import { breathe } from '../lib/breathe.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { Store } from '../store/store.ts';
import type { TenantRow } from '../store/tenants.ts';
import { type ProvisionDeps, provisionTogether, TOGETHER } from './provision.ts';
import type { LiveTenant } from './tenants.ts';

export interface HandOverDeps extends ProvisionDeps {
  store: Pick<Store, 'people' | 'apply' | 'tenants' | 'journal'>;
}

/** People by what the directory did about them; numbers first, names on demand. */
export interface HandOverReport {
  since: Date;
  /** Whole days; from the fourteenth on it is `forgotten`. Nothing completes by itself. */
  days: number;
  forgotten: boolean;
  adopted: Group;
  created: Group;
  notYetSeen: Group;
  /** The directory asked for somebody whom it could not have: why, and what to do. */
  conflicting: Conflicting[];
  wouldLose: { people: number; changes: HeldOf[] };
  /** Somebody whom the directory created, and somebody not yet seen who may be the same person. */
  duplicates: { created: PersonOf; notYetSeen: PersonOf }[];
}

export interface PersonOf {
  id: string;
  userName: string;
  email: string;
}
interface Group {
  people: number;
  /** At most as many as asked for. */
  some: PersonOf[];
}
export interface Conflicting {
  subject: string;
  code: string;
  why: string;
  advice: string;
  at: Date;
}
export type HeldOf = HeldChange & { person: PersonOf };

export const FORGOTTEN_DAYS = 14;
const DAY = 86_400_000;
const LINES = 1000;

export async function handOverReport(deps: HandOverDeps, row: TenantRow, most: number): Promise<HandOverReport> {
  if (row.mode !== 'scim' || row.phase !== 'adopting') throw new Refusal('mode-conflict', 'hand-over/none', 'There is no hand-over going on');
  const seen = { adopted: group(), created: group(), notYetSeen: group() };
  const unseenByName = new Map<string, PersonOf>();
  const fresh: PersonOf[] = [];
  for await (const { user, directory } of everybody(deps, row.id)) {
    const kind = !directory ? 'notYetSeen' : user.createdAt < row.modeSince ? 'adopted' : 'created';
    seen[kind].people++;
    const person = personOf(user);
    if (seen[kind].some.length < most) seen[kind].some.push(person);
    for (const key of likeness(user)) if (kind === 'notYetSeen') unseenByName.set(key, person);
    if (kind === 'created') fresh.push(person);
  }
  const held = await deps.store.people.held(row.id, { after: null, limit: most });
  const counts = await deps.store.people.heldCounts(row.id);
  const days = Math.floor((deps.now().getTime() - row.modeSince.getTime()) / DAY);
  return {
    since: row.modeSince,
    days,
    forgotten: days >= FORGOTTEN_DAYS,
    ...seen,
    conflicting: await conflicts(deps, row),
    wouldLose: { people: counts.people, changes: held.changes },
    duplicates: fresh.flatMap((created) => {
      const other = likenessOf(created)
        .map((key) => unseenByName.get(key))
        .find(Boolean);
      return other ? [{ created, notYetSeen: other }] : [];
    }),
  };
}

const group = (): Group => ({ people: 0, some: [] });
export const personOf = ({ id, userName, email }: User): PersonOf => ({ id, userName, email });

/** By what two accounts look like one person's: the name before the @, or the displayed name. */
const likeness = (user: User): string[] => [...likenessOf(user), ...(user.displayName ? [`name ${user.displayName.toLowerCase()}`] : [])];
const likenessOf = ({ email, userName }: PersonOf): string[] =>
  [email, userName].filter((text) => text !== '').map((text) => `local ${text.toLowerCase().split('@')[0]}`);

const PAGE = 200;

async function* everybody({ store }: HandOverDeps, tenantId: string): AsyncGenerator<{ user: User; directory: boolean }> {
  let after: string | null = null;
  do {
    const page = await store.people.states(tenantId, { after, limit: PAGE });
    for (const { user, identities } of page.states) {
      if (user.status !== 'deleted') yield { user, directory: identities.some((i) => i.source === 'directory' && i.facts && !i.facts.retired) };
    }
    after = page.next;
    await breathe();
  } while (after !== null);
}

const ADVICE: Record<string, string> = {
  uniqueness: 'Two people would share a name or an address. Correct one of them in the directory, or here: matricula user edit',
  'seats-exhausted': 'The licence is full. Free a seat, or raise the number of seats',
};

/** Refused creations that no later request mended: each name once, the newest word on it. */
async function conflicts(deps: HandOverDeps, row: TenantRow): Promise<Conflicting[]> {
  const lines = await deps.store.journal.syncLog(row.id, { outcome: 'FAILED', resourceType: 'User', since: row.modeSince, limit: LINES });
  const bySubject = new Map<string, JournalEntry>();
  for (const line of lines) {
    const subject = line.detail['subject'];
    if (typeof subject === 'string' && !bySubject.has(subject)) bySubject.set(subject, line);
  }
  const open: Conflicting[] = [];
  for (const [subject, line] of bySubject) {
    const there = await deps.store.people.byUserName(row.id, subject);
    const heard = there?.identities.some((i) => i.source === 'directory' && i.facts && !i.facts.retired);
    if (heard) continue;
    const code = line.code ?? 'refused';
    open.push({ subject, code, why: String(line.detail['reason'] ?? ''), advice: ADVICE[code] ?? 'See the sync log', at: line.at });
  }
  return open;
}

/** Everybody with held changes is concluded afresh, as the tenant now is. Resumable: who is done has none any more. How many people. */
export async function settleHeld(deps: HandOverDeps, live: LiveTenant, actor: string): Promise<number> {
  let people = 0;
  for (let after: string | null = null; ; ) {
    const page = await deps.store.people.heldPeople(live.tenant.id, { after, limit: TOGETHER, cause: 'hand-over' });
    if (page.length === 0) return people;
    await provisionTogether(
      deps,
      page.map((userId) => ({ live, intent: { kind: 'remap' as const }, lookup: { by: 'user' as const, userId }, actor, reference: null })),
    );
    people += page.length;
    after = page.at(-1)!;
    await breathe();
  }
}

/** What the directory said of anybody counts no more; whoever had something from sign-ins has it again. */
export async function retireDirectory(deps: HandOverDeps, live: LiveTenant, actor: string): Promise<void> {
  let after: string | null = null;
  do {
    const page = await deps.store.people.states(live.tenant.id, { after, limit: TOGETHER });
    // What an earlier directory said counted before the hand-over, and goes on to count.
    const adopted = page.states.filter(({ user, identities }) => user.status !== 'deleted' && identities.some((i) => i.facts?.trial));
    await provisionTogether(
      deps,
      adopted.map(({ user }) => ({
        live,
        intent: { kind: 'remap' as const, retire: 'directory' as const },
        lookup: { by: 'user' as const, userId: user.id },
        actor,
        reference: null,
        released: 'hand-over' as const,
      })),
    );
    after = page.next;
    await breathe();
  } while (after !== null);
}

export interface Ending {
  live: LiveTenant;
  /** Null: everybody. */
  userIds: string[] | null;
  /** Why, for the journal. */
  reason: string;
  actor: string;
}

/** Held changes happen: each person is planned afresh, without the brake. How many people changed. */
export const releaseHeld = (deps: HandOverDeps, ending: Ending): Promise<number> => end(deps, ending, { kind: 'remap' }, true);

/** Held changes do not happen: what would have been lost stays, as given by hand. */
export const dropHeld = (deps: HandOverDeps, ending: Ending): Promise<number> => end(deps, ending, { kind: 'keep' }, false);

async function end(
  deps: HandOverDeps,
  { live, userIds, reason, actor }: Ending,
  intent: { kind: 'remap' } | { kind: 'keep' },
  released: boolean,
): Promise<number> {
  if (reason.trim() === '') throw new Refusal('request-malformed', 'held/reason', 'say why: it is kept in the journal');
  let people = 0;
  const some = async (ids: string[]) => {
    const done = await provisionTogether(
      deps,
      ids.map((userId) => ({ live, intent, lookup: { by: 'user' as const, userId }, actor, reference: null, released, noted: () => ({ reason }) })),
    );
    for (const one of done) {
      if (one instanceof Refusal) throw one;
      if (one.plan.changes.length > 0) people++;
    }
  };
  if (userIds) {
    await refuseUnknown(deps, live, userIds);
    for (let i = 0; i < userIds.length; i += TOGETHER) await some(userIds.slice(i, i + TOGETHER));
    return people;
  }
  for (let after: string | null = null; ; ) {
    const page = await deps.store.people.heldPeople(live.tenant.id, { after, limit: TOGETHER });
    if (page.length === 0) return people;
    await some(page);
    after = page.at(-1)!;
    await breathe();
  }
}

/** All or nothing: a name that is nobody's is told before anything is done. */
async function refuseUnknown({ store }: HandOverDeps, { tenant }: LiveTenant, userIds: string[]): Promise<void> {
  for (let i = 0; i < userIds.length; i += PAGE) {
    const ids = userIds.slice(i, i + PAGE);
    const there = new Map((await store.people.many(tenant.id, ids)).map(({ user }) => [user.id, user]));
    const unknown = ids.find((id) => (there.get(id)?.status ?? 'deleted') === 'deleted');
    if (unknown !== undefined) throw new Refusal('not-found', 'held/user', `there is no user ${unknown}`);
  }
}
