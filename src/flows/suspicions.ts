/** suspicions: what in a document does not fit what people have had so far. Said with a plan, never in the way of it: a group may come tomorrow. */
import type { Condition } from '../core/mapping.ts';
import { comparable, globMatches } from '../core/match.ts';
import type { Mode } from '../core/model.ts';
import { nearest } from '../core/near.ts';
import type { Outlook } from '../core/outlook.ts';
import type { Tenant } from '../core/tenant.ts';
import type { Sightings } from './sightings.ts';

export interface Suspicion {
  kind: 'group-never-seen' | 'group-unmapped' | 'group-claim-unseen' | 'no-admin-left' | 'nothing-known' | 'mode-manual';
  /** Whole sentences, for people. */
  message: string;
  /** How many people it is about, where that says something. */
  people?: number;
}

/** At most so many of a kind are named; the rest is counted. */
const MOST = 20;

/** `before`: the document in force, where it can be read. */
export function suspicionsOf(
  { tenant, mode }: { tenant: Tenant; mode: Mode },
  before: Tenant | null,
  { outlook, sightings }: { outlook: Outlook; sightings: Sightings },
): Suspicion[] {
  if (outlook.people === 0) return [{ kind: 'nothing-known', message: 'nobody is known yet: nothing can be said of who would gain or lose' }];
  const manual: Suspicion[] = mode === 'manual' ? [{ kind: 'mode-manual', message: MANUAL }] : [];
  return [...manual, ...groupClaims(tenant, before, sightings), ...neverSeen(tenant, sightings), ...unmapped(tenant, sightings), ...admins(outlook)];
}

const MANUAL = 'the tenant is in the mode manual: rules move nobody until it is in another';

type GroupTest = Extract<Condition, { kind: 'group' }>;

function groupTests(condition: Condition): GroupTest[] {
  if (condition.kind === 'group') return [condition];
  if (condition.kind === 'any' || condition.kind === 'all') return condition.of.flatMap(groupTests);
  return condition.kind === 'not' ? groupTests(condition.of) : [];
}

function passes({ ids, test, ignoreCase }: GroupTest, name: string): boolean {
  if (ids) return ids.includes(name);
  const text = comparable(name, ignoreCase);
  return 'equals' in test ? text === comparable(test.equals, ignoreCase) : globMatches(comparable(test.glob, ignoreCase), text);
}

const nameOf = ({ test, label }: GroupTest): string => ('glob' in test ? test.glob : label);

/** At most so many names are gone through for a near miss: each costs as much as its letters. */
const NEAR_NAMES = 2000;

/** Groups that rules name and nobody has had. Looks among names as they are first, and goes through all of them only for patterns. */
function neverSeen({ mapping }: Tenant, { groups, cut }: Sightings): Suspicion[] {
  if (cut) return [];
  const names = [...groups.keys()];
  const folded = new Set(names.map((name) => comparable(name, true)));
  const exact = new Set(names.map((name) => comparable(name, false)));
  const isSeen = (test: GroupTest): boolean => {
    if (test.ids) return test.ids.some((id) => groups.has(id));
    if ('equals' in test.test) return (test.ignoreCase ? folded : exact).has(comparable(test.test.equals, test.ignoreCase));
    return names.some((name) => passes(test, name));
  };
  const frequent = [...groups]
    .sort(([, n], [, m]) => m - n)
    .slice(0, NEAR_NAMES)
    .map(([name]) => name);
  const missing = new Map<string, Suspicion>();
  let patterns = 0;
  for (const rule of mapping.rules)
    for (const test of groupTests(rule.when)) {
      const name = nameOf(test);
      if (missing.size >= MOST) return [...missing.values()];
      if (missing.has(name) || ('glob' in test.test && ++patterns > MOST_PATTERNS) || isSeen(test)) continue;
      const near = nearest(name, frequent);
      const hint = near === null ? '' : `; did you mean ${quote(near)} (${groups.get(near)} people)?`;
      const what = 'glob' in test.test ? `nobody has a group like ${quote(name)}` : `nobody has ever had the group ${quote(name)}`;
      missing.set(name, { kind: 'group-never-seen', message: `${what}, which rule ${quote(rule.id)} on line ${rule.line} names${hint}` });
    }
  return [...missing.values()];
}

/** Patterns that are held against every name. */
const MOST_PATTERNS = 100;

/** Groups that people have and no rule looks at, the largest first. */
function unmapped({ mapping }: Tenant, { groups }: Sightings): Suspicion[] {
  const tests = mapping.rules.flatMap((rule) => groupTests(rule.when));
  const ids = new Set(tests.flatMap((test) => test.ids ?? []));
  const plain = tests.filter((test) => test.ids === null && 'equals' in test.test);
  const named = (ignoreCase: boolean) =>
    new Set(
      plain.filter((test) => test.ignoreCase === ignoreCase).map((test) => comparable('equals' in test.test ? test.test.equals : '', ignoreCase)),
    );
  const [exact, folded] = [named(false), named(true)];
  const patterns = tests.filter((test) => test.ids === null && 'glob' in test.test).slice(0, MOST_PATTERNS);
  const left: [string, number][] = [];
  for (const [name, people] of [...groups].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))) {
    if (left.length >= MOST) break;
    if (ids.has(name) || exact.has(comparable(name, false)) || folded.has(comparable(name, true))) continue;
    if (!patterns.some((test) => passes(test, name))) left.push([name, people]);
  }
  return left.map(([name, people]) => ({
    kind: 'group-unmapped',
    people,
    message: /^[0-9a-f]{8}-[0-9a-f-]{20,}$/i.test(name)
      ? `${people} people have the group id ${quote(name)}, which has no name here and no rule: bind a name to it under groups: aliases:`
      : `${people} people have the group ${quote(name)}, and no rule looks at it`,
  }));
}

/** Groups would be read from a claim that no message of the connection has ever had: then nobody's groups change, and that is no agreement. */
function groupClaims(tenant: Tenant, before: Tenant | null, { claims, connections }: Sightings): Suspicion[] {
  return tenant.connections.flatMap((connection): Suspicion[] => {
    const was = before?.connections.find(({ id }) => id === connection.id)?.claims.groups.claims;
    const now = connection.claims.groups.claims;
    const people = connections.get(connection.id) ?? 0;
    const known = new Set([...(was ?? []), ...(claims.get(connection.id)?.keys() ?? [])]);
    if (!was || people === 0 || now.some((claim) => known.has(claim))) return [];
    return [
      {
        kind: 'group-claim-unseen',
        people,
        message: `connection ${quote(connection.id)} would read groups from ${now.map(quote).join(' or ')}, which none of its ${people} people has ever sent (so far: ${was.map(quote).join(' or ')}). Nothing is taken away while it does not come, and nothing is learnt either`,
      },
    ];
  });
}

function admins({ roles: { adminsBefore, adminsAfter } }: Outlook): Suspicion[] {
  if (adminsBefore === 0 || adminsAfter > 0) return [];
  return [{ kind: 'no-admin-left', people: adminsBefore, message: `all ${adminsBefore} people with the role admin would lose it` }];
}

const quote = (text: string): string => JSON.stringify(text);
