/**
 * Can a condition ever hold? Sound, not complete: what is called impossible is; what is not may still be.
 * The condition becomes alternatives of plain tests (each asked for or ruled out); an alternative is impossible where two of its tests contradict each other.
 */
import { judge } from '../core/conclude.ts';
import type { Condition } from '../core/mapping.ts';
import { quote } from './problem.ts';

export type Leaf = Extract<Condition, { kind: 'group' | 'claim' | 'emailDomain' | 'connection' }>;
interface Test {
  wanted: boolean;
  leaf: Leaf;
}
type Alternative = Test[];

/** What the rest of the file says that bears on it. */
export interface Setting {
  connections: readonly string[];
  /** Why a claim of this name is never kept, or null. */
  neverKept: (claim: string, connections: readonly string[]) => Impossible | null;
}

export interface Impossible {
  message: string;
  hint: string;
}

/** More alternatives than this are not looked into. */
const MAX_ALTERNATIVES = 256;

/** Why it can never hold; null where it can, or where that cannot be told. */
export function whyNever(condition: Condition, setting: Setting): Impossible | null {
  const alternatives = expand(condition, true);
  if (alternatives === null) return null;
  const reasons = alternatives.map((tests) => contradiction(tests, setting));
  return reasons.every((reason) => reason !== null) ? (reasons[0] ?? NOTHING) : null;
}

const NOTHING: Impossible = { message: 'no condition is left that could hold', hint: 'remove it, or list what should match' };

/** Null where there would be too many. */
function expand(c: Condition, wanted: boolean): Alternative[] | null {
  if (c.kind === 'not') return expand(c.of, !wanted);
  if (c.kind !== 'any' && c.kind !== 'all') return [[{ wanted, leaf: c }]];
  const each = c.of.map((one) => expand(one, wanted));
  if (each.some((one) => one === null)) return null;
  const sets = each as Alternative[][];
  if ((c.kind === 'any') === wanted) return sets.flat().length > MAX_ALTERNATIVES ? null : sets.flat();
  let product: Alternative[] = [[]];
  for (const set of sets) {
    if (product.length * set.length > MAX_ALTERNATIVES) return null;
    product = product.flatMap((left) => set.map((right) => [...left, ...right]));
  }
  return product;
}

function contradiction(tests: Alternative, setting: Setting): Impossible | null {
  return bothWays(tests) ?? twoAtOnce(tests) ?? noConnectionLeft(tests, setting) ?? absentAndSent(tests) ?? ruledOut(tests) ?? unkept(tests, setting);
}

const meaning = (leaf: Leaf): string => JSON.stringify(leaf, (key, value) => (key === 'label' ? undefined : value));

function bothWays(tests: Alternative): Impossible | null {
  const wanted = new Set(tests.filter((t) => t.wanted).map((t) => meaning(t.leaf)));
  const clash = tests.find((t) => !t.wanted && wanted.has(meaning(t.leaf)));
  return clash ? { message: `${tell(clash.leaf)} is both asked for and ruled out`, hint: 'remove one of the two' } : null;
}

const only = <K extends Leaf['kind']>(tests: Alternative, kind: K, wanted: boolean) =>
  tests.filter((t) => t.wanted === wanted && t.leaf.kind === kind).map((t) => t.leaf as Extract<Leaf, { kind: K }>);

function twoAtOnce(tests: Alternative): Impossible | null {
  const connections = [...new Set(only(tests, 'connection', true).map((c) => c.connection))];
  if (connections.length > 1)
    return { message: `nobody signs in at ${quote(connections[0]!)} and ${quote(connections[1]!)} at once`, hint: 'put alternatives under any:' };
  const domains = [...new Set(only(tests, 'emailDomain', true).map((c) => c.domain))];
  return domains.length > 1
    ? { message: `no e-mail is in ${quote(domains[0]!)} and in ${quote(domains[1]!)} at once`, hint: 'put alternatives under any:' }
    : null;
}

function connectionsLeft(tests: Alternative, { connections }: Setting): string[] {
  const wanted = only(tests, 'connection', true).map((c) => c.connection);
  const out = only(tests, 'connection', false).map((c) => c.connection);
  return connections.filter((id) => (wanted.length === 0 || wanted.includes(id)) && !out.includes(id));
}

function noConnectionLeft(tests: Alternative, setting: Setting): Impossible | null {
  if (!tests.some((t) => t.leaf.kind === 'connection') || connectionsLeft(tests, setting).length > 0) return null;
  return { message: 'every connection is ruled out', hint: 'leave at least one' };
}

function absentAndSent(tests: Alternative): Impossible | null {
  const claims = tests.flatMap(({ leaf, wanted }) => (leaf.kind === 'claim' ? [{ ...leaf, wanted }] : []));
  const absent = new Set(claims.filter((c) => 'exists' in c.test && c.test.exists !== c.wanted).map((c) => c.name));
  const clash = claims.find((c) => absent.has(c.name) && ('exists' in c.test ? c.test.exists === c.wanted : c.wanted));
  return clash ? { message: `claim ${quote(clash.name)} is both asked for and asked to be absent`, hint: 'remove one of the two' } : null;
}

/** What is asked for by its full name must be there; a test that is ruled out and holds on that alone holds always. */
function ruledOut(tests: Alternative): Impossible | null {
  const must = (anyCase: boolean) => {
    const leaves = tests.filter((t) => t.wanted && (anyCase || !('ignoreCase' in t.leaf && t.leaf.ignoreCase))).map((t) => t.leaf);
    const claims = new Map<string, string[]>();
    for (const leaf of leaves) if (leaf.kind === 'claim') claims.set(leaf.name, [...(claims.get(leaf.name) ?? []), ...exactValue(leaf)]);
    const groups = leaves.flatMap((leaf) => (leaf.kind === 'group' ? exactValue(leaf) : []));
    return { source: 'manual', connectionId: '', email: null, groups, claims: Object.fromEntries(claims) } as const;
  };
  const clash = tests.find(({ leaf, wanted }) => {
    if (wanted || (leaf.kind !== 'group' && leaf.kind !== 'claim') || (leaf.kind === 'claim' && 'exists' in leaf.test)) return false;
    return judge(leaf, must(leaf.ignoreCase)).holds;
  });
  return clash ? { message: `${tell(clash.leaf)} is ruled out, and what is asked for matches it`, hint: 'narrow one of the two' } : null;
}

function exactValue(leaf: Extract<Leaf, { kind: 'group' | 'claim' }>): string[] {
  if (leaf.kind === 'group' && leaf.ids) return leaf.ids.length === 1 ? leaf.ids : [];
  if ('equals' in leaf.test) return [leaf.test.equals];
  return 'in' in leaf.test && leaf.test.in.length === 1 ? leaf.test.in : [];
}

function unkept(tests: Alternative, setting: Setting): Impossible | null {
  const left = connectionsLeft(tests, setting);
  for (const claim of only(tests, 'claim', true)) {
    const reason = 'exists' in claim.test && !claim.test.exists ? null : setting.neverKept(claim.name, left);
    if (reason) return reason;
  }
  return null;
}

/** A test in a few words. */
export function tell(leaf: Leaf): string {
  if (leaf.kind === 'group') return `group ${quote(leaf.label)}`;
  if (leaf.kind === 'emailDomain') return `e-mail domain ${quote(leaf.domain)}`;
  if (leaf.kind === 'connection') return `connection ${quote(leaf.connection)}`;
  const [test, value] = Object.entries(leaf.test)[0]!;
  return `claim ${quote(leaf.name)} ${test} ${Array.isArray(value) ? value.map(quote).join(', ') : typeof value === 'string' ? quote(value) : value}`;
}
