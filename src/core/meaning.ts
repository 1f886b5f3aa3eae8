/** meaning: what a tenant's targets are at a platform, by the names in its tenant file and the platform's catalogue; and whom it concerns when that changes. Pure. */
import { type CatalogueEntry, resolve, resourceKey } from './entitlement.ts';
import type { Target } from './model.ts';
import type { Catalogue } from './tenant.ts';

export interface Names {
  catalogue: Catalogue;
  entries: readonly CatalogueEntry[];
}

/** Keys of what each target is there, sorted; null = nothing that could be found. */
export function meaningsOf({ catalogue, entries }: Names): Map<Target, string[] | null> {
  const targets = [
    ...catalogue.bundles.map(({ slug }): Target => `bundle:${slug}`),
    ...catalogue.collections.map(({ slug }): Target => `collection:${slug}`),
    ...catalogue.groups.map(({ slug }): Target => `group:${slug}`),
  ];
  return new Map(
    targets.map((target) => {
      const found = resolve(target, catalogue, entries);
      return [target, typeof found === 'string' ? null : found.map(resourceKey).sort()];
    }),
  );
}

/** Targets of both that are something else than before, and those of them that are less: what cannot be found takes nothing away (core/entitlement). */
export function shiftsBetween(before: Names, after: Names): { changed: Target[]; losing: Target[] } {
  const [was, is] = [meaningsOf(before), meaningsOf(after)];
  const changed: Target[] = [];
  const losing: Target[] = [];
  for (const [target, has] of is) {
    const had = was.get(target);
    if (had === undefined || JSON.stringify(had) === JSON.stringify(has)) continue;
    changed.push(target);
    if (had && has && had.some((key) => !has.includes(key))) losing.push(target);
  }
  return { changed, losing };
}
