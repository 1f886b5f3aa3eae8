/** From released claims, whatever the protocol, to what they say of a person. */
import type { GroupClaim, Profile, Statement } from './model.ts';
import { cleanAttribute, cleanText, foldKey } from './profile.ts';
import type { ClaimNames, GroupClaimNames } from './tenant.ts';

/** Exact claim name → values. A name that is not there was not said; `[]` was said empty. Names with `@` are the protocol's own (`@nameid`, `@sub`). */
export type Released = ReadonlyMap<string, readonly string[]>;

export interface StatementOptions {
  names: ClaimNames;
  /** Detail when the provider signalled that groups were left out (Entra's overage). */
  overflow: string | null;
  /** Detail when a configured group claim was sent as something that is no list of names. */
  unreadable: string | null;
  /** Protocol and session claims that differ from sign-in to sign-in: never kept. */
  dropped: readonly string[];
}

/** What we hold at most; more groups or longer names read as `overlong`, longer or further claims are left out. */
export const HELD = { groups: 2000, groupName: 256, claims: 100, claimValues: 100, claimValue: 512 } as const;

/** What is no text to anybody, and to PostgreSQL (U+0000, half a surrogate pair) an error. */
const UNSTORABLE = /\p{Cc}|\p{Surrogate}/u;

/** Identical messages yield deeply equal statements: lists are sorted sets, since some providers send them in random order. */
export function readStatement(released: Released, options: StatementOptions): Statement {
  const { names } = options;
  const statement: Statement = {
    profile: readProfile(released, names),
    fields: readFields(released, names),
    groups: readGroups(released, options),
    claims: readClaims(released, options),
  };
  const active = readActive(released, names);
  return active === undefined ? statement : { ...statement, active };
}

/** The values of the first of `names` that was sent; undefined where none was. */
export function firstSaid(released: Released, names: readonly string[]): readonly string[] | undefined {
  const name = names.find((n) => released.has(n));
  return name === undefined ? undefined : released.get(name);
}

/** Attributes of one person are single: two different values of one are as good as none, since their order means nothing. */
function single(released: Released, names: readonly string[]): string | undefined {
  const values = new Set(firstSaid(released, names) ?? []);
  return values.size === 1 ? [...values][0] : undefined;
}

function readProfile(released: Released, names: ClaimNames): Partial<Profile> {
  const profile: Partial<Profile> = {};
  for (const [attribute, claims] of Object.entries(names.profile) as [keyof Profile, string[]][]) {
    const value = single(released, claims);
    const clean = value === undefined ? undefined : cleanAttribute(attribute, value);
    if (clean !== undefined) profile[attribute] = clean;
  }
  return profile;
}

function readFields(released: Released, names: ClaimNames): Record<string, string> {
  const fields: [string, string][] = [];
  for (const [claim, field] of Object.entries(names.fields)) {
    const values = released.get(claim);
    if (values && values.length <= 1) fields.push([field, cleanText(values[0] ?? '', HELD.claimValue)]);
  }
  return Object.fromEntries(fields);
}

function readGroups(released: Released, { names, overflow, unreadable }: StatementOptions): GroupClaim {
  if (overflow !== null) return { said: 'overflow', detail: overflow };
  if (unreadable !== null) return { said: 'unreadable', detail: unreadable };
  const sent = firstSaid(released, names.groups.claims);
  return sent === undefined ? { said: 'absent' } : readGroupList(sent, names.groups);
}

function readGroupList(sent: readonly string[], { delimiter, overflowAt }: GroupClaimNames): GroupClaim {
  const split = delimiter === null ? sent : sent.flatMap((value) => value.split(delimiter));
  const groups = [...new Set(split.map((value) => value.normalize('NFC').trim()).filter((value) => value !== ''))].sort();
  if (overflowAt !== null && groups.length >= overflowAt)
    return { said: 'overflow', detail: `${groups.length} groups, the provider's limit is ${overflowAt}` };
  if (groups.length > HELD.groups) return { said: 'overlong', detail: `${groups.length} groups, at most ${HELD.groups} are held` };
  if (groups.some((name) => name.length > HELD.groupName))
    return { said: 'overlong', detail: `a group name of more than ${HELD.groupName} characters` };
  if (groups.some((name) => UNSTORABLE.test(name))) return { said: 'unreadable', detail: 'a group name with control characters' };
  return { said: 'listed', groups };
}

function readActive(released: Released, { active }: ClaimNames): boolean | undefined {
  const values = active ? released.get(active.claim) : undefined;
  if (!active || !values?.length) return undefined;
  const disabled = new Set(active.disabledValues.map(foldKey));
  return !values.some((value) => disabled.has(foldKey(value)));
}

function readClaims(released: Released, { names, dropped }: StatementOptions): Record<string, string[]> {
  const left = new Set([...dropped, ...names.drop, ...names.groups.claims]);
  const kept = [...released].filter(([name]) => !name.startsWith('@') && !left.has(name) && name.length <= HELD.groupName && !UNSTORABLE.test(name));
  const clean = (values: readonly string[]) =>
    [...new Set(values.filter((v) => v.length <= HELD.claimValue).map((v) => cleanText(v, HELD.claimValue)))].sort().slice(0, HELD.claimValues);
  // fromEntries defines own properties, so a claim called `__proto__` stays a claim.
  return Object.fromEntries(
    kept
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, HELD.claims)
      .map(([name, values]) => [name, clean(values)]),
  );
}
