/** Names across a tenant file: each given once, each reference to something that is there. */
import { nearest } from '../core/near.ts';
import { type Item, OFFERS, type Parts } from './parts.ts';
import { type Path, quote, type Report } from './problem.ts';
import { SLUG } from './scalars.ts';

export interface Checked {
  parts: Parts;
  report: Report;
  /** The line of what stands at a path. */
  lineAt: (path: Path) => number;
}

export function checkNames(checked: Checked): void {
  const { parts } = checked;
  once(
    checked,
    'domain',
    parts.domains.map((d) => ({ value: d.value, path: d.path })),
  );
  once(checked, 'connection id', keyed(parts.connections, 'id'));
  once(checked, 'course', keyed(parts.courses, 'slug'));
  for (const [kind] of OFFERS)
    once(
      checked,
      kind,
      keyed(
        parts.offers.filter((o) => o.kind === kind),
        'slug',
      ),
    );
  once(checked, 'platform id', keyed(parts.platforms, 'id'));
  once(checked, 'hand-off id', keyed(parts.handOffs, 'id'));
  once(checked, 'rule id', keyed(parts.rules, 'id'));
  once(checked, 'test name', keyed(parts.tests, 'name'));
  for (const offer of parts.offers) references(checked, offer.value.courses ?? [], [...offer.path, 'courses']);
  for (const rule of parts.rules) targets(checked, rule.value.enrol ?? [], [...rule.path, 'enrol']);
  for (const test of parts.tests) targets(checked, test.value.expect.enrol, [...test.path, 'expect', 'enrol']);
  for (const test of parts.tests) testConnection(checked, test);
  for (const domain of parts.domains) publicMail(checked, domain);
}

function keyed<K extends string>(items: Item<Record<K, string>>[], key: K): Item<string>[] {
  return items.map((item) => ({ value: item.value[key], path: [...item.path, key] }));
}

function once({ report, lineAt }: Checked, what: string, names: Item<string>[]): void {
  const first = new Map<string, Path>();
  for (const { value, path } of names) {
    const before = first.get(value);
    if (before)
      report.error(
        path,
        `${what} ${quote(value)} is used twice`,
        `${what === 'domain' ? 'once is enough' : 'another one'}; the first is on line ${lineAt(before)}`,
      );
    else first.set(value, path);
  }
}

function references(checked: Checked, names: string[], path: Path): void {
  const declared = checked.parts.declared.courses;
  names.forEach((name, i) => {
    const at = [...path, i];
    if (!declared.includes(name))
      checked.report.error(at, `unknown course ${quote(name)}`, suggestion(name, declared, 'add it under catalogue: courses:'));
    else if (names.indexOf(name) < i) checked.report.warning(at, `${quote(name)} is listed twice`, 'once is enough');
  });
}

function targets({ parts, report }: Checked, names: string[], path: Path): void {
  names.forEach((name, i) => {
    const known = parts.declared.targets;
    if (!known.includes(name)) report.error([...path, i], `unknown target ${quote(name)}`, targetHint(name, known));
    else if (names.indexOf(name) < i) report.warning([...path, i], `${quote(name)} is listed twice`, 'once is enough');
  });
}

function targetHint(name: string, known: string[]): string {
  const colon = name.indexOf(':');
  const [kind, slug] = colon === -1 ? ['', name] : [name.slice(0, colon), name.slice(colon + 1).trim()];
  const other = known.find((target) => target.slice(target.indexOf(':') + 1) === slug);
  if (other) return `did you mean ${quote(other)}?`;
  if (kind === 'course') return 'people are enrolled in bundles, collections and groups; put the course in one of them';
  const offered = OFFERS.find(([one]) => one === kind);
  if (!offered || !SLUG.test(slug))
    return suggestion(name, known, 'kind:slug, such as bundle:sales-onboarding, collection:executive or group:cohort-7');
  return suggestion(name, known, `add it under catalogue: ${offered[1]}:`);
}

function testConnection({ parts, report }: Checked, { value, path }: Parts['tests'][number]): void {
  const known = parts.declared.connections;
  const { connection } = value.given;
  if (connection === undefined) {
    if (known.length > 1) report.error([...path, 'given'], '"connection" is missing', `at which connection: ${known.map(quote).join(', ')}`);
  } else if (!known.includes(connection)) {
    report.error(
      [...path, 'given', 'connection'],
      `unknown connection ${quote(connection)}`,
      suggestion(connection, known, 'a connection of this file'),
    );
  }
}

export function suggestion(name: string, known: readonly string[], otherwise: string): string {
  const near = nearest(name, known);
  if (near !== null) return `did you mean ${quote(near)}?`;
  const all = [...new Set(known)];
  const shown = all.slice(0, 8).map(quote).join(', ');
  return shown === '' ? otherwise : `${otherwise}; there are ${shown}${all.length > 8 ? ', …' : ''}`;
}

/** Services where anybody can have an address: vouching for one would let strangers be linked to accounts. */
const PUBLIC_MAIL = new Set(
  `gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com icloud.com me.com mac.com aol.com gmx.com gmx.net gmx.de
     web.de t-online.de freenet.de proton.me protonmail.com pm.me tutanota.com mail.com zoho.com yandex.com yandex.ru mail.ru qq.com 163.com 126.com
     naver.com orange.fr free.fr laposte.net libero.it wp.pl o2.pl seznam.cz comcast.net fastmail.com hey.com`.split(/\s+/),
);

function publicMail({ report }: Checked, { value, path }: Item<string>): void {
  if (PUBLIC_MAIL.has(value)) report.error(path, `${quote(value)} is a public mail service`, "a domain that is the organisation's own");
}
