/**
 * entitlement: what a person should have at a platform, and what has to be done there so that it is so. Pure: from the person's targets, the platform's
 * catalogue and the ledger of what was given there before. Only what we gave is ever taken away.
 */
import { targetsOf } from './diff.ts';
import type { Target, TargetKind, UserState } from './model.ts';
import { nearest } from './near.ts';
import type { Catalogue, Offer } from './tenant.ts';

/** A thing at a platform that a person can be given. `target`: the platform knows our targets themselves (webhook, SCIM groups). */
export type ResourceKind = 'course' | 'bundle' | 'group' | 'target';
export interface Resource {
  kind: ResourceKind;
  /** In the platform's own id space for this kind. */
  id: string;
  name: string;
}
/** What a person should have, and what for. */
export interface Due extends Resource {
  targets: Target[];
}
export const resourceKey = ({ kind, id }: Pick<Resource, 'kind' | 'id'>): string => `${kind}:${id}`;

/** One entry of a platform's catalogue. */
export interface CatalogueEntry {
  kind: 'course' | 'bundle' | 'collection' | 'group';
  id: string;
  name: string;
  slug: string | null;
  /** Other ids under which people know it: its product's, for instance. */
  otherIds: string[];
  /** A collection's or a bundle's contents. */
  contents: Resource[];
}

/**
 * What was given, in the ledger. `giving`: about to be, so that after a crash it is known as ours. `queued`: the platform took the order and does it later.
 * `foreign`: it was there before us, and stays. `…-by-hand`: the platform cannot do it; somebody is asked. `unknown`: the platform has no such thing.
 */
export type GivenState = 'giving' | 'given' | 'queued' | 'foreign' | 'give-by-hand' | 'take-by-hand' | 'unknown';
/** Given by us, and there as far as we know. */
export const OURS: readonly GivenState[] = ['giving', 'given', 'queued'];
export const isOurs = ({ state }: Pick<Given, 'state'>): boolean => OURS.includes(state);

export interface Given extends Resource {
  state: GivenState;
  /** What it was given for; null = that was not written down. */
  targets: Target[] | null;
  /** Of `queued`: it has been waited for long enough. */
  overdue?: boolean;
}

export interface Unresolved {
  target: Target;
}

export interface Desired {
  resources: Map<string, Due>;
  unresolved: Unresolved[];
}

/** Who is not active has nothing there. Where the platform has no catalogue (`entries` null) it is given our targets as they are. */
export function desiredOf(state: UserState, catalogue: Catalogue, entries: readonly CatalogueEntry[] | null): Desired {
  const desired: Desired = { resources: new Map(), unresolved: [] };
  if (state.user.status !== 'active') return desired;
  for (const target of [...targetsOf(state)].sort()) {
    const found = entries === null ? [itself(target, catalogue)] : find(target, catalogue, entries);
    if (!Array.isArray(found)) desired.unresolved.push({ target });
    else
      for (const resource of found) {
        const key = resourceKey(resource);
        desired.resources.set(key, { ...resource, targets: [...(desired.resources.get(key)?.targets ?? []), target] });
      }
  }
  return desired;
}

const KINDS = { bundle: 'bundles', collection: 'collections', group: 'groups' } as const satisfies Record<TargetKind, keyof Catalogue>;

export function offerOf(target: Target, catalogue: Catalogue): Offer {
  const colon = target.indexOf(':');
  const [kind, slug] = [target.slice(0, colon) as TargetKind, target.slice(colon + 1)];
  return catalogue[KINDS[kind]].find((offer) => offer.slug === slug) ?? { slug, title: slug, ref: null, courses: [] };
}

export const itself = (target: Target, catalogue: Catalogue): Resource => {
  const { ref, title } = offerOf(target, catalogue);
  return { kind: 'target', id: target, name: ref ?? title };
};

/** Why a target is nothing there: so many things are called that; 0 = none is. */
interface Missing {
  name: string;
  called: number;
}

/** The resources that a target is at the platform. */
export function find(target: Target, catalogue: Catalogue, entries: readonly CatalogueEntry[]): Resource[] | Missing {
  const { kind, names, written } = calledThere(target, catalogue);
  for (const name of names) {
    const found = entries.filter((entry) => entry.kind === kind && isCalled(entry, name, written));
    if (found.length > 1) return { name, called: found.length };
    if (found[0]) return kind === 'collection' ? found[0].contents : [{ kind: kind as ResourceKind, id: found[0].id, name: found[0].name }];
  }
  return { name: names[0]!, called: 0 };
}

function calledThere(target: Target, catalogue: Catalogue): { kind: TargetKind; names: string[]; written: boolean } {
  const { ref, slug, title } = offerOf(target, catalogue);
  return { kind: target.slice(0, target.indexOf(':')) as TargetKind, names: ref === null ? [slug, title] : [ref], written: ref !== null };
}

/** The same, or a sentence that says why there are none. It looks for what was meant: for showing, not for everybody's delivery. */
export function resolve(target: Target, catalogue: Catalogue, entries: readonly CatalogueEntry[]): Resource[] | string {
  const found = find(target, catalogue, entries);
  if (Array.isArray(found)) return found;
  const { kind, names } = calledThere(target, catalogue);
  if (found.called > 0)
    return `${target}: the platform has ${found.called} ${KINDS[kind]} called ${JSON.stringify(found.name)}; write one's id as ref:`;
  const near = nearest(
    names[0]!,
    entries.flatMap((entry) => (entry.kind === kind ? [entry.slug ?? '', entry.name, entry.id] : [])),
  );
  return `${target}: the platform has no ${kind} called ${names.map((name) => JSON.stringify(name)).join(' or ')}${near ? `; did you mean ${JSON.stringify(near)}?` : ''}`;
}

/** An id is believed only where it was written as one: a slug of digits is nobody's id. */
const isCalled = ({ id, otherIds, name, slug }: CatalogueEntry, called: string, written: boolean): boolean =>
  slug === called || name === called || (written && (id === called || otherIds.includes(called)));

/** What has to be done at the platform, and what only the ledger has to learn. */
export interface Steps {
  add: Due[];
  remove: Given[];
  /** Rows of the ledger as they will be without anything being asked of the platform. */
  note: Given[];
  /** Rows that go without anything being asked. */
  forget: Resource[];
  /** Something was ordered and is not there yet: to be looked at again. */
  later: boolean;
}

export interface Abilities {
  add: readonly ResourceKind[];
  remove: readonly ResourceKind[];
  /** Our targets are things of their names there: one with another name is another thing. */
  targetsByName?: boolean;
}

/** `present`: what the platform has of this person, keys; null = nobody looked. */
export function stepsFor(
  { resources, unresolved }: Desired,
  { given, present, can }: { given: readonly Given[]; present: ReadonlySet<string> | null; can: Abilities },
): Steps {
  const steps: Steps = { add: [], remove: [], note: [], forget: [], later: false };
  const known = new Map(given.map((one) => [resourceKey(one), one]));
  for (const [key, due] of resources) {
    const was = known.get(key) ?? null;
    const resource = stillFor(due, was, unresolved);
    const isAnother = can.targetsByName === true && was !== null && was.name !== resource.name;
    if (isAnother && isOurs(was)) rename(steps, resource, { was, can });
    // What somebody put there by hand is of the old name.
    else want(steps, resource, { was: isAnother && was.state === 'foreign' ? null : was, there: present?.has(key) ?? null, can });
  }
  for (const one of given)
    if (one.state !== 'unknown' && !resources.has(resourceKey(one)) && !mayBeOf(one, unresolved))
      unwant(steps, one, { there: present?.has(resourceKey(one)) ?? null, can });
  const unknown = unresolved.map(({ target }): Given => ({ kind: 'target', id: target, name: target, state: 'unknown', targets: [target] }));
  for (const row of unknown) if (known.get(resourceKey(row))?.state !== 'unknown') steps.note.push(row);
  for (const one of given) if (one.state === 'unknown' && !unknown.some(({ id }) => id === one.id)) steps.forget.push(one);
  return steps;
}

/** What cannot be found just now is no reason to take away what it gave. */
const mayBeOf = ({ kind, targets }: Given, unresolved: Unresolved[]): boolean =>
  unresolved.some(({ target }) => (targets ? targets.includes(target) : GIVES[target.slice(0, target.indexOf(':')) as TargetKind].includes(kind)));

const GIVES: Record<TargetKind, ResourceKind[]> = { bundle: ['bundle'], collection: ['course', 'bundle'], group: ['group'] };

/** What cannot be found just now may be giving it still. */
function stillFor(due: Due, was: Given | null, unresolved: Unresolved[]): Due {
  const unsure = (was?.targets ?? []).filter((target) => unresolved.some((one) => one.target === target));
  return unsure.length === 0 ? due : { ...due, targets: [...new Set([...due.targets, ...unsure])].sort() };
}

/** Out of what it was called, into what it is called now. */
function rename(steps: Steps, resource: Due, { was, can }: { was: Given; can: Abilities }): void {
  if (!can.add.includes(resource.kind) || !can.remove.includes(was.kind)) return;
  steps.remove.push(was);
  steps.add.push(resource);
}

interface Seen {
  there: boolean | null;
  can: Abilities;
}

function want(steps: Steps, resource: Due, { was: row, there, can }: Seen & { was: Given | null }): void {
  const was = row?.state ?? null;
  const note = (state: GivenState) => void steps.note.push({ ...resource, state });
  const give = () => (can.add.includes(resource.kind) ? void steps.add.push(resource) : note('give-by-hand'));
  // Nobody has taken it away yet, unless it is seen not to be there.
  if (was === 'take-by-hand') there === false ? give() : note('given');
  // Done and not ticked off; or it can be done without anybody's hands by now.
  else if (was === 'give-by-hand') {
    if (there) note('given');
    else if (can.add.includes(resource.kind)) steps.add.push(resource);
  } else if (was === null || was === 'unknown') there ? note('foreign') : give();
  else if (was === 'giving') there ? note('given') : give();
  else if (was === 'queued' && there) note('given');
  // Ordered twice might be done twice.
  else if (was === 'queued' && !row?.overdue) steps.later = true;
  // Looked for and not there: what we gave has gone, what was there before us as well.
  else if ((was === 'given' || was === 'queued' || was === 'foreign') && there === false) give();
  else if ((was === 'given' || was === 'foreign') && row?.targets?.join() !== resource.targets.join()) note(was);
}

function unwant(steps: Steps, one: Given, { there, can }: Seen): void {
  // What is not there yet cannot be taken away: it would come afterwards.
  if (one.state === 'queued' && there === false && !one.overdue) steps.later = true;
  else if (one.state === 'foreign' || one.state === 'give-by-hand' || there === false) steps.forget.push(one);
  else if (can.remove.includes(one.kind)) steps.remove.push(one);
  else if (one.state !== 'take-by-hand') steps.note.push({ ...one, state: 'take-by-hand' });
}
