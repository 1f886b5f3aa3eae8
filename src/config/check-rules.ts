/** Rules that cannot mean what they say: never matching, giving nothing, shadowed, or a pattern written as a name. */
import type { Condition, Rule } from '../core/mapping.ts';
import { comparable, globMatches } from '../core/match.ts';
import { ROLES, type Role } from '../core/model.ts';
import { type Checked, suggestion } from './check-names.ts';
import type { ClaimsFile, ConnectionFile } from './connection-schema.ts';
import { claimsOf } from './connections.ts';
import type { ConditionFile, RuleFile } from './mapping-schema.ts';
import type { Item } from './parts.ts';
import { type Path, quote } from './problem.ts';
import { type Impossible, type Setting, whyNever } from './reach.ts';
import { type Aliases, idsOf, ruleOf } from './rules.ts';

export interface RulesContext {
  aliases: Aliases;
  defaultRole: Role;
}

export function checkRules(checked: Checked, context: RulesContext): void {
  const { parts, report } = checked;
  for (const rule of parts.rules) shapes(checked, rule);
  const setting: Setting = {
    connections: parts.declared.connections,
    neverKept: (claim, at) =>
      neverKept(
        parts.connections.map((c) => c.value),
        claim,
        at,
      ),
  };
  const sound: { rule: Rule; path: Path }[] = [];
  for (const { value, path } of parts.rules.filter((rule) => !report.broken([...rule.path, 'when']))) {
    const places = new Map<Condition, Path>();
    const rule = ruleOf(value, context.aliases, { line: checked.lineAt(path), path, visit: (c, at) => void places.set(c, at) });
    if (reach(checked, { rule, path, places, setting })) sound.push({ rule, path });
    names(checked, places, context.aliases);
    gives(checked, value, path, context.defaultRole);
  }
  shadowed(checked, sound);
}

/** What the schema cannot say: exactly one test, at least one condition, connections that are there. */
function shapes(checked: Checked, { value, path }: Item<RuleFile>): void {
  if (value.when !== 'everyone') shape(checked, value.when, [...path, 'when']);
}

function shape(checked: Checked, when: ConditionFile, path: Path): void {
  const { report, parts } = checked;
  if (Object.keys(when).length === 0) report.error(path, 'no condition is given', 'such as { group: Sales }; for all people write when: everyone');
  const many = Array.isArray(when.group);
  [when.group ?? []].flat().forEach((test, i) => {
    const at = many ? [...path, 'group', i] : [...path, 'group'];
    if (typeof test !== 'string' && (test.equals === undefined) === (test.glob === undefined))
      report.error(at, 'a group needs one test', 'equals or glob');
  });
  if (when.claim && ['equals', 'in', 'glob', 'exists'].filter((test) => Object.hasOwn(when.claim!, test)).length !== 1)
    report.error([...path, 'claim'], 'a claim needs one test', 'exactly one of equals, in, glob and exists');
  [when.connection ?? []].flat().forEach((id, i) => {
    const at = Array.isArray(when.connection) ? [...path, 'connection', i] : [...path, 'connection'];
    if (!parts.declared.connections.includes(id))
      report.error(at, `unknown connection ${quote(id)}`, suggestion(id, parts.declared.connections, 'a connection of this file'));
  });
  for (const kind of ['any', 'all'] as const) for (const [i, one] of (when[kind] ?? []).entries()) shape(checked, one, [...path, kind, i]);
  if (when.not) shape(checked, when.not, [...path, 'not']);
}

interface Reached {
  rule: Rule;
  path: Path;
  places: Map<Condition, Path>;
  setting: Setting;
}

/** An error where the whole rule can never match, a warning at each alternative that cannot. */
function reach({ report }: Checked, { rule, path, places, setting }: Reached): boolean {
  const never = whyNever(rule.when, setting);
  if (never) {
    report.error([...path, 'when'], `rule ${quote(rule.id)} can never match: ${never.message}`, never.hint);
    return false;
  }
  const look = (c: Condition): void => {
    if (c.kind !== 'any' && c.kind !== 'all') return;
    for (const one of c.of) {
      const dead = whyNever(one, setting);
      const at = places.get(one);
      if (dead && at) report.warning(at, `this can never match: ${dead.message}`, dead.hint);
      else look(one);
    }
  };
  look(rule.when);
  return true;
}

function neverKept(connections: readonly ConnectionFile[], claim: string, at: readonly string[]): Impossible | null {
  if (claim.startsWith('@')) return { message: `${quote(claim)} is no claim that is kept`, hint: 'the name of a claim that the provider sends' };
  const left = connections.filter((c) => at.includes(c.id)).map((c) => claimsOf(c));
  if (left.length === 0 || left.length < at.length) return null;
  if (left.every((names) => names.groups.claims.includes(claim)))
    return { message: `claim ${quote(claim)} is read as the groups`, hint: 'write group: instead of claim:' };
  const lost = left.every((names) => names.groups.claims.includes(claim) || names.drop.includes(claim));
  return lost ? { message: `claim ${quote(claim)} is not kept`, hint: 'it says nothing of the person, or is listed under claims: drop:' } : null;
}

function names({ report, parts }: Checked, places: Map<Condition, Path>, aliases: Aliases): void {
  const entraIds = parts.connections.length > 0 && parts.connections.every((c) => c.value.preset === 'entra' && !namesGroups(c.value.claims));
  for (const [c, path] of places) {
    if (c.kind === 'emailDomain' && !parts.declared.domains.includes(c.domain))
      report.warning(
        path,
        `${quote(c.domain)} is not one of the tenant's domains`,
        'such an e-mail is only what the provider says; add it to domains: if it is yours',
      );
    if (c.kind !== 'group' || c.ids) continue;
    if ('glob' in c.test) globOverAliases(checkedWarning(report.warning, path), c.test.glob, c.ignoreCase, aliases);
    else if (/[*?]/.test(c.test.equals))
      report.warning(
        path,
        `${quote(c.test.equals)} matches only a group of exactly that name`,
        `write { glob: ${quote(c.test.equals)} } for a pattern`,
      );
    else if (entraIds && !/^[0-9a-f]{8}-/i.test(c.test.equals))
      report.warning(path, `Entra sends object ids, not the name ${quote(c.test.equals)}`, 'bind the name to its id under groups: aliases:');
  }
}

const namesGroups = (claims: ClaimsFile | undefined): boolean => claims?.groups !== undefined;
const checkedWarning = (warn: Checked['report']['warning'], path: Path) => (message: string, hint: string) => warn(path, message, hint);

function globOverAliases(warn: (message: string, hint: string) => void, glob: string, ignoreCase: boolean, aliases: Aliases): void {
  const hit = [...aliases.keys()].find((name) => globMatches(comparable(glob, ignoreCase), comparable(name, ignoreCase)));
  if (hit !== undefined && idsOf(hit, false, aliases))
    warn(`the pattern ${quote(glob)} does not look at aliases such as ${quote(hit)}`, 'list those names: group: [..]');
}

function gives({ report }: Checked, rule: RuleFile, path: Path, defaultRole: Role): void {
  if ((rule.enrol ?? []).length > 0) return;
  if (rule.role === undefined) report.error(path, `rule ${quote(rule.id)} gives nothing`, 'add enrol: or role:');
  else if (ROLES.indexOf(rule.role) <= ROLES.indexOf(defaultRole))
    report.warning([...path, 'role'], `rule ${quote(rule.id)} gives nothing: everybody is at least ${defaultRole}`, 'a higher role, or enrol:');
}

/** All that the rule gives is given to the same people by another one: of the same condition, of one that it contains, or of everybody. */
function shadowed({ report }: Checked, rules: { rule: Rule; path: Path }[]): void {
  const place = new Map(rules.map(({ rule }, i) => [rule, i]));
  const byKey = new Map<string, Rule[]>();
  for (const { rule } of rules) byKey.set(sameAs(rule.when), [...(byKey.get(sameAs(rule.when)) ?? []), rule]);
  for (const { rule, path } of rules) {
    if (rule.enrol.length === 0 && rule.role === null) continue;
    const key = sameAs(rule.when);
    const wider = [EVERYBODY, ...(rule.when.kind === 'all' ? rule.when.of.map(sameAs) : [])].filter((one) => one !== key);
    const same = (byKey.get(key) ?? []).filter(
      (other) => other !== rule && covers(other, rule) && (place.get(other)! < place.get(rule)! || !covers(rule, other)),
    );
    const by = [...same, ...wider.flatMap((one) => byKey.get(one) ?? []).filter((other) => covers(other, rule))].sort(
      (a, b) => place.get(a)! - place.get(b)!,
    )[0];
    if (by) report.warning(path, `rule ${quote(rule.id)} adds nothing to rule ${quote(by.id)} on line ${by.line}`, 'remove one of them');
  }
}

const sameAs = (c: Condition): string => JSON.stringify(c, (key, value) => (key === 'label' ? undefined : value));
const EVERYBODY = sameAs({ kind: 'all', of: [] });

const covers = (big: Rule, small: Rule): boolean =>
  small.enrol.every((target) => big.enrol.includes(target)) &&
  (small.role === null || (big.role !== null && ROLES.indexOf(big.role) >= ROLES.indexOf(small.role)));
