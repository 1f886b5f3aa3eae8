/**
 * publish: a document comes into force, and everybody is concluded under it. From the moment it is written every plan on every node is made under it
 * (store/bound); the walk over everybody goes on in the background, page by page, on whatever node takes it up, and holds up no sign-in.
 * Who is concluded twice is changed once: the second plan is empty.
 */
import { isLowered, isMoved, personOutlook } from '../core/outlook.ts';
import { Refusal } from '../core/refusal.ts';
import { breathe } from '../lib/breathe.ts';
import { Conflict, Unavailable } from '../store/database.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { Lane } from '../store/outbox.ts';
import type { Progress, Publication, PublicationKey } from '../store/publications.ts';
import type { Store } from '../store/store.ts';
import { lineOf } from './line.ts';
import { remapIntent } from './outlook.ts';
import { FULL } from './platform-upkeep.ts';
import { enabledOf } from './platforms.ts';
import { type ProvisionDeps, type Provisioned, provisionTogether, TOGETHER } from './provision.ts';
import type { LiveTenant } from './tenants.ts';

export interface PublishDeps extends ProvisionDeps {
  store: Pick<Store, 'people' | 'apply' | 'publications' | 'journal' | 'outbox' | 'platforms'>;
}

/** How long a worker keeps a publication without a word; then another goes on. */
const KEPT_MS = 30_000;
/** Who signed in so lately is likely to be here, and comes first. */
const LATELY_MS = 15 * 60_000;
const NOTHING: Progress = { done: 0, changed: 0, gaining: 0, losing: 0, holding: 0 };
const MOST_LATELY = 500;

export type OnProgress = (publication: Publication) => void;

/**
 * Concludes everybody who is not done yet. The publication as it is afterwards: still `running` where another worker has it, or this node cannot read
 * the document.
 */
export async function runPublication(deps: PublishDeps, key: PublicationKey, worker: string, onProgress?: OnProgress): Promise<Publication> {
  // Two walks of one process are two workers.
  const by = `${worker}:${deps.newId()}`;
  const { publications } = deps.store;
  const until = () => new Date(deps.now().getTime() + KEPT_MS);
  const present = async () => {
    const found = await publications.get(key);
    if (!found) throw new Refusal('not-found', 'publication/unknown', 'there is no such publication');
    return found;
  };
  await deps.tenants.refresh();
  const live = deps.tenants.get(key.tenantId);
  if (!live || live.unreadable || live.revision < key.revision) return present();
  if (!(await publications.claim(key, { by, until: until(), now: deps.now() }))) return present();
  const began = await present();
  const step = async (cursor: string, progress: Progress): Promise<boolean> => {
    const kept = await publications.advance(key, { by, until: until(), cursor, progress, now: deps.now() });
    if (kept) onProgress?.(await present());
    return kept;
  };
  // They are counted here for what becomes of them, and in the walk for being done.
  if (began.cursor === '' && !(await step('', { ...(await concludeLately(deps, live, began.actor)), done: 0 }))) return present();
  for (let cursor = began.cursor; ; ) {
    // Who publishes can wait, who signs in cannot: with so many to deliver already the walk is left to be taken up again, and the queue has an end.
    if (await deps.store.outbox.isFull(await takers(deps, live), FULL)) {
      await publications.advance(key, { by, until: deps.now(), cursor, progress: NOTHING, now: deps.now() });
      return present();
    }
    const { users, next } = await deps.store.people.page(key.tenantId, { after: cursor === '' ? null : cursor, limit: TOGETHER });
    const ids = users.filter(({ status }) => status !== 'deleted').map(({ id }) => id);
    const done = await conclude(deps, live, { ids, actor: began.actor });
    cursor = users.at(-1)?.id ?? cursor;
    // Where it was cancelled, or went on without us, it is not ours any more.
    if (!(await step(cursor, done))) return present();
    if (next === null) break;
    await breathe();
  }
  await publications.finish(key, { by, now: deps.now() }, ended(deps, await present(), 'published'));
  await deps.tenants.refresh();
  return present();
}

/** Platforms that take deliveries: one that is away, or takes none until somebody mends it, keeps nobody from publishing. */
async function takers({ store }: PublishDeps, { tenant }: LiveTenant): Promise<Lane[]> {
  const lanes = enabledOf(tenant).map((platform) => ({ tenantId: tenant.id, platform }));
  const standings = await Promise.all(lanes.map((lane) => store.platforms.standing(lane)));
  return lanes.filter((_, at) => !standings[at]?.haltedAt && !standings[at]?.awayAt);
}

const LOOK_MS = 300;

/** The same, and where another worker has it, until that one is done: for whoever waits for the end. */
export async function seeThrough(deps: PublishDeps, key: PublicationKey, by: string, onProgress?: OnProgress): Promise<Publication> {
  for (;;) {
    const publication = await runPublication(deps, key, by, onProgress);
    if (publication.state !== 'running' || deps.tenants.get(key.tenantId)?.unreadable) return publication;
    onProgress?.(publication);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** People who signed in just now: what they see next is already what the document says. They come once more in the walk, and nothing happens then. */
async function concludeLately(deps: PublishDeps, live: LiveTenant, actor: string): Promise<Progress> {
  const since = new Date(deps.now().getTime() - LATELY_MS);
  const lines = await deps.store.journal.signIns(live.tenant.id, { limit: MOST_LATELY });
  const ids = [...new Set(lines.flatMap(({ at, userId }) => (at >= since && userId !== null ? [userId] : [])))];
  const all: Progress = { ...NOTHING };
  for (let i = 0; i < ids.length; i += TOGETHER) {
    const some = await conclude(deps, live, { ids: ids.slice(i, i + TOGETHER), actor });
    for (const what of Object.keys(all) as (keyof Progress)[]) all[what] += some[what];
  }
  return all;
}

/** Somebody who cannot be concluded for whatever reason keeps nobody else from it; that is journalled. */
async function conclude(deps: PublishDeps, live: LiveTenant, { ids, actor }: { ids: string[]; actor: string }): Promise<Progress> {
  const intent = remapIntent(live);
  const requests = ids.map((userId) => ({ live, intent, lookup: { by: 'user' as const, userId }, actor, reference: null }));
  const progress: Progress = { done: ids.length, changed: 0, gaining: 0, losing: 0, holding: 0 };
  const take = async (some: typeof requests) => {
    for (const one of await provisionTogether(deps, some)) if (!(one instanceof Refusal)) add(progress, one);
  };
  try {
    await take(requests);
  } catch (error) {
    if (isAway(error)) throw error;
    const failed: string[] = [];
    for (const request of requests)
      await take([request]).catch((fault: unknown) => {
        if (isAway(fault)) throw fault;
        failed.push(request.lookup.userId);
      });
    // Where nobody can be, it is no fault of theirs.
    if (failed.length === requests.length && requests.length > 1) throw error;
    for (const userId of failed)
      await deps.store.journal.append({ ...notConcluded(deps, live, actor), resourceType: 'User', resourceId: userId, outcome: 'FAILED' });
  }
  return progress;
}

/** A store that is away, or rows that others hold: the whole walk tries again later. */
const isAway = (error: unknown): boolean => error instanceof Unavailable || error instanceof Conflict;

const notConcluded = (deps: PublishDeps, { tenant }: LiveTenant, actor: string): JournalEntry =>
  lineOf(deps, { tenantId: tenant.id, actor, cause: 'publish', code: 'not-concluded', mappingVersion: tenant.mapping.version, detail: {} });

function add(progress: Progress, { plan, before, after }: Provisioned): void {
  if (plan.changes.length === 0 || !before) return;
  const one = personOutlook(before, after);
  progress.changed++;
  if (!isMoved(one)) return;
  if (one.gained.length > 0) progress.gaining++;
  if (one.lost.length > 0 || isLowered(one)) progress.losing++;
  if (one.held.length > 0) progress.holding++;
}

/** More tenants than publish at once. */
const MOST_WAITING = 1000;

/** What nobody works on: this node takes it up. How many were worked on. */
export async function runWaiting(deps: PublishDeps, by: string): Promise<number> {
  const waiting = await deps.store.publications.waiting(deps.now(), MOST_WAITING);
  const readable = waiting.filter(({ tenantId }) => !deps.tenants.get(tenantId)?.unreadable);
  for (const one of readable) await runPublication(deps, one, by);
  return readable.length;
}

/** Throws `Refusal` where it does not go on any more. */
export async function cancelPublication(deps: PublishDeps, key: PublicationKey, actor: string): Promise<Publication> {
  const found = await deps.store.publications.get(key);
  if (!found) throw new Refusal('not-found', 'publication/unknown', 'there is no such publication');
  if (!(await deps.store.publications.cancel(key, deps.now(), ended(deps, found, 'publication-cancelled', actor))))
    throw new Refusal('mode-conflict', 'publication/ended', `it is ${found.state} already`);
  return (await deps.store.publications.get(key))!;
}

const ended = (deps: PublishDeps, publication: Publication, code: string, actor = publication.actor): JournalEntry => {
  const { tenantId, mappingVersion, people, changed, gaining, losing, holding } = publication;
  return lineOf(deps, { tenantId, actor, cause: 'publish', code, mappingVersion, detail: { people, changed, gaining, losing, holding } });
};
