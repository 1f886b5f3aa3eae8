/** platform-outlook: what a document would mean for one learning platform, said before it is published: who is delivered, what is not there, what must be done by hand. */
import { type Abilities, type CatalogueEntry, type ResourceKind, resolve } from './entitlement.ts';
import type { Target } from './model.ts';
import type { Moves } from './outlook.ts';
import type { Tenant } from './tenant.ts';

export interface PlatformOutlook {
  platform: string;
  /** People of whom it would hear. */
  calls: number;
  /** So long at the least, at its own pace; null = no limit known. */
  minutes: number | null;
  /** Targets that it does not have: one sentence each. Nobody would get them there. */
  unknown: string[];
  /** What it cannot do by itself: one sentence each, with numbers. It becomes manual tasks. */
  byHand: string[];
  /** Why nothing could be delivered at present; null = nothing known. */
  halted: string | null;
}

export interface Seen {
  platform: string;
  can: Abilities;
  perMinute: number | null;
  /** Null = its catalogue was never read, or it has none. */
  entries: readonly CatalogueEntry[] | null;
  /** It has one. */
  catalogue: boolean;
  halted: string | null;
}

/** A first delivery to somebody new takes about so many calls. */
const CALLS_EACH = 4;

export function platformOutlook(
  { catalogue, mapping }: Tenant,
  moves: { byTarget: Record<string, Moves>; calls: number },
  seen: Seen,
): PlatformOutlook {
  const { platform, can, entries, halted } = seen;
  const outlook: PlatformOutlook = {
    platform,
    calls: moves.calls,
    minutes: seen.perMinute === null ? null : Math.ceil((moves.calls * CALLS_EACH) / seen.perMinute),
    unknown: [],
    byHand: [],
    halted,
  };
  const targets = new Set<Target>([...mapping.rules.flatMap(({ enrol }) => enrol), ...(Object.keys(moves.byTarget) as Target[])]);
  for (const target of [...targets].sort()) {
    const found = seen.catalogue ? (entries === null ? [] : resolve(target, catalogue, entries)) : [];
    if (typeof found === 'string') outlook.unknown.push(found);
    const kinds = seen.catalogue ? kindsOf(target) : (['target'] as ResourceKind[]);
    const { gain = 0, lose = 0 } = moves.byTarget[target] ?? {};
    if (gain > 0 && !kinds.some((kind) => can.add.includes(kind))) outlook.byHand.push(`${target}: ${people(gain)} to be added by hand`);
    if (lose > 0 && !kinds.some((kind) => can.remove.includes(kind))) outlook.byHand.push(`${target}: ${people(lose)} to be taken out by hand`);
  }
  return outlook;
}

const people = (n: number): string => (n === 1 ? '1 person' : `${n} people`);

function kindsOf(target: Target): ResourceKind[] {
  if (target.startsWith('collection:')) return ['course', 'bundle'];
  return [target.startsWith('bundle:') ? 'bundle' : 'group'];
}
