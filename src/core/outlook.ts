/**
 * outlook: what a mapping would do to people, counted while they are walked, in bounded memory. One value; several printers (flows/outlook-page, CLI, API),
 * none of which computes. What is counted is what a plan says: there is no other way to find it out.
 */
import { targetsOf } from './diff.ts';
import type { HeldChange, Plan, Role, Target, UserState } from './model.ts';
import { heldKey, isBelow } from './model.ts';

/** People, by what becomes of them. `held`: they would lose it, and keep it until an operator says so. */
export interface Moves {
  gain: number;
  lose: number;
  keep: number;
  held: number;
}

export interface PersonOutlook {
  gained: Target[];
  lost: Target[];
  kept: Target[];
  /** Newly held. */
  held: Target[];
  /** Ids of rules by which the person has something, before and afterwards; a held grant counts as held. */
  rules: { gained: string[]; lost: string[]; kept: string[]; held: string[] };
  /** Null: the same. */
  role: { from: Role; to: Role } | null;
  /** It would be lowered, and waits. */
  roleHeld: boolean;
}

export interface Outlook {
  people: number;
  /** People of whom any row would change. */
  changed: number;
  /** From whom something would be taken, be it that it is held: what limits are measured by. */
  taking: number;
  /** Of whom a learning platform hears something. */
  moved: number;
  gaining: number;
  losing: number;
  held: number;
  byTarget: Record<Target, Moves>;
  byRule: Record<string, Moves>;
  roles: { raised: number; lowered: number; adminsBefore: number; adminsAfter: number };
  /** People whose plan would be refused, by code; they stay as they are. */
  refused: Record<string, number>;
}

export const noOutlook = (): Outlook => ({
  people: 0,
  changed: 0,
  taking: 0,
  moved: 0,
  gaining: 0,
  losing: 0,
  held: 0,
  byTarget: {},
  byRule: {},
  roles: { raised: 0, lowered: 0, adminsBefore: 0, adminsAfter: 0 },
  refused: {},
});

/** Pure in the plan and what it leaves behind. */
export function personOutlook(before: UserState, after: UserState): PersonOutlook {
  const [had, has] = [targetsOf(before), targetsOf(after)];
  const waited = new Set(before.held.map(heldKey));
  const fresh = after.held.filter((one) => one.what === 'grant' && !waited.has(heldKey(one)));
  const held = new Set(fresh.map(({ target }) => target as Target));
  const [ruled, rules] = [rulesOf(before, []), rulesOf(after, after.held)];
  const keeps = rulesOf(after, []);
  return {
    gained: sorted([...has].filter((one) => !had.has(one))),
    lost: sorted([...had].filter((one) => !has.has(one))),
    kept: sorted([...has].filter((one) => had.has(one) && !held.has(one))),
    held: sorted([...held]),
    rules: {
      gained: sorted([...rules].filter((one) => !ruled.has(one))),
      lost: sorted([...ruled].filter((one) => !keeps.has(one))),
      kept: sorted([...rules].filter((one) => ruled.has(one))),
      held: sorted([...keeps].filter((one) => !rules.has(one) && ruled.has(one))),
    },
    role: before.user.role === after.user.role ? null : { from: before.user.role, to: after.user.role },
    roleHeld: after.held.some((one) => one.what === 'role' && !waited.has(heldKey(one))),
  };
}

/** By which rules somebody has something; `without` what is only held. */
function rulesOf({ grants }: UserState, without: readonly HeldChange[]): Set<string> {
  const waiting = new Set(without.map(({ target, source, rule }) => JSON.stringify([target, source, rule])));
  return new Set(
    grants.filter(({ target, source, rule }) => rule !== '' && !waiting.has(JSON.stringify([target, source, rule]))).map(({ rule }) => rule),
  );
}

const sorted = <T extends string>(list: T[]): T[] => list.sort();

/** Adds a person to the count. */
export function count(outlook: Outlook, { changes }: Pick<Plan, 'changes'>, one: PersonOutlook, after: UserState): void {
  outlook.people++;
  if (changes.length > 0) outlook.changed++;
  if (one.gained.length + one.lost.length > 0) outlook.moved++;
  if (one.gained.length > 0) outlook.gaining++;
  if (one.lost.length + one.held.length > 0 || one.roleHeld || isLowered(one)) outlook.taking++;
  // A role that is lowered is taken away like an enrolment.
  if (one.lost.length > 0 || isLowered(one)) outlook.losing++;
  if (one.held.length > 0) outlook.held++;
  for (const [how, targets] of [
    ['gain', one.gained],
    ['lose', one.lost],
    ['keep', one.kept],
    ['held', one.held],
  ] as const)
    for (const target of targets) moves(outlook.byTarget, target)[how]++;
  const { gained, lost, kept, held } = one.rules;
  for (const [how, rules] of [
    ['gain', gained],
    ['lose', lost],
    ['keep', kept],
    ['held', held],
  ] as const)
    for (const rule of rules) moves(outlook.byRule, rule)[how]++;
  countRole(outlook, one, after);
}

function countRole({ roles }: Outlook, { role }: PersonOutlook, { user }: UserState): void {
  if ((role?.from ?? user.role) === 'admin') roles.adminsBefore++;
  if (user.role === 'admin') roles.adminsAfter++;
  if (role) roles[isLowered({ role }) ? 'lowered' : 'raised']++;
}

export const isLowered = ({ role }: Pick<PersonOutlook, 'role'>): boolean => role !== null && isBelow(role.to, role.from);

/** Somebody whose plan is refused stays as they are. */
export function countRefused(outlook: Outlook, code: string): void {
  outlook.people++;
  outlook.refused[code] = (outlook.refused[code] ?? 0) + 1;
}

function moves<K extends string>(all: Record<K, Moves>, key: K): Moves {
  if (!Object.hasOwn(all, key)) all[key] = { gain: 0, lose: 0, keep: 0, held: 0 };
  return all[key];
}

/** Whether anything would become of this person that anybody notices. */
export const isMoved = ({ gained, lost, held, role }: PersonOutlook): boolean => gained.length + lost.length + held.length > 0 || role !== null;
