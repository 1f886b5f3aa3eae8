/** meaning: what a tenant's targets are at a platform, by the names in its tenant file and the platform's catalogue; and whom it concerns when that changes. Pure. */
import { type CatalogueEntry, find, itself, resourceKey } from './entitlement.ts';
import type { Target } from './model.ts';
import type { Catalogue } from './tenant.ts';

export interface Names {
  catalogue: Catalogue;
  /** Null = the platform has no catalogue, and our targets are things of their names there. */
  entries: readonly CatalogueEntry[] | null;
}

/** What one target is there: keys of things, sorted. */
export interface Meaning {
  keys: string[];
  /** False: it cannot be found; `keys` are what it was when it could. */
  found: boolean;
}
export type Meanings = Record<Target, Meaning>;

/** `before`: what they were, for those that cannot be found, and for those that the tenant file does not name any more. */
export function meaningsOf({ catalogue, entries }: Names, before: Meanings = {}): Meanings {
  const targets = new Set<Target>([
    ...catalogue.bundles.map(({ slug }): Target => `bundle:${slug}`),
    ...catalogue.collections.map(({ slug }): Target => `collection:${slug}`),
    ...catalogue.groups.map(({ slug }): Target => `group:${slug}`),
    ...(Object.keys(before) as Target[]),
  ]);
  return Object.fromEntries(
    [...targets].map((target): [Target, Meaning] => {
      const here = entries === null ? [itself(target, catalogue)] : find(target, catalogue, entries);
      if (!Array.isArray(here)) return [target, { keys: before[target]?.keys ?? [], found: false }];
      return [target, { keys: here.map((one) => (entries === null ? `${resourceKey(one)} ${one.name}` : resourceKey(one))).sort(), found: true }];
    }),
  );
}

/** Targets of both that are something else than before, and those of them that are less: what cannot be found takes nothing away (core/entitlement). */
export function shiftsBetween(before: Meanings, after: Meanings): { changed: Target[]; losing: Target[] } {
  const changed: Target[] = [];
  const losing: Target[] = [];
  for (const [target, is] of Object.entries(after) as [Target, Meaning][]) {
    const was = before[target];
    if (!was || isSame(was, is)) continue;
    changed.push(target);
    if (is.found && was.keys.some((key) => !is.keys.includes(key))) losing.push(target);
  }
  return { changed, losing };
}

const isSame = (a: Meaning, b: Meaning): boolean =>
  a.found === b.found && a.keys.length === b.keys.length && a.keys.every((key, at) => key === b.keys[at]);
