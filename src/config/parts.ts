/** The entries of a tenant file that are sound in themselves, each with its place, so that what they mean together can be checked even beside broken ones. */
import type { TargetKind } from '../core/model.ts';
import type { ConnectionFile } from './connection-schema.ts';
import type { HandOffFile } from './hand-off-schema.ts';
import type { RuleFile, TestFile } from './mapping-schema.ts';
import type { PlatformFile } from './platform-schema.ts';
import type { Path, Report } from './problem.ts';
import { asList } from './scalars.ts';
import type { CatalogueFile } from './tenant-schema.ts';

export interface Item<T> {
  value: T;
  path: Path;
}

type CourseFile = NonNullable<CatalogueFile['courses']>[number];
export type OfferFile = NonNullable<CatalogueFile['bundles']>[number];

export const OFFERS = [
  ['bundle', 'bundles'],
  ['collection', 'collections'],
  ['group', 'groups'],
] as const satisfies readonly (readonly [TargetKind, keyof CatalogueFile])[];

export interface Parts {
  domains: Item<string>[];
  connections: Item<ConnectionFile>[];
  courses: Item<CourseFile>[];
  offers: (Item<OfferFile> & { kind: TargetKind })[];
  platforms: Item<PlatformFile>[];
  handOffs: Item<HandOffFile>[];
  rules: Item<RuleFile>[];
  tests: Item<TestFile>[];
  aliases: Item<{ name: string; ids: string[] }>[];
  /** Every name that the file declares, of broken entries too: what refers to one of those is no second mistake. */
  declared: {
    connections: string[];
    courses: string[];
    targets: string[];
    domains: string[];
    platforms: string[];
    /** Custom fields that the directory fills. */
    directoryFields: string[];
  };
}

/** Entries that the schema refused are left out; the rest are what the schema says they are. */
export function partsOf(data: unknown, report: Report): Parts {
  const at = (...path: string[]) => itemsAt(data, path);
  const sound = <T>(...path: string[]) => at(...path).filter((item) => !report.broken(item.path)) as Item<T>[];
  const named = (key: string, ...path: string[]) => at(...path).flatMap(({ value }) => ownText(value, key));
  return {
    domains: sound('domains'),
    connections: sound('connections'),
    courses: sound('catalogue', 'courses'),
    offers: OFFERS.flatMap(([kind, key]) => sound<OfferFile>('catalogue', key).map((item) => ({ ...item, kind }))),
    platforms: sound('platforms'),
    handOffs: sound('handOffs'),
    rules: sound('rules'),
    tests: sound('tests'),
    aliases: aliasItems(data, report),
    declared: {
      connections: named('id', 'connections'),
      courses: named('slug', 'catalogue', 'courses'),
      targets: OFFERS.flatMap(([kind, key]) => named('slug', 'catalogue', key).map((slug) => `${kind}:${slug}`)),
      domains: at('domains').flatMap(({ value }) => (typeof value === 'string' ? [value] : [])),
      platforms: named('id', 'platforms'),
      directoryFields: texts(own(own(data, 'scim'), 'fields')),
    },
  };
}

function aliasItems(data: unknown, report: Report): Parts['aliases'] {
  const path = ['groups', 'aliases'];
  const aliases = own(own(data, 'groups'), 'aliases');
  if (typeof aliases !== 'object' || aliases === null || (report.broken(path) && Array.isArray(aliases))) return [];
  return Object.entries(aliases)
    .map(([name, ids]) => ({ value: { name, ids: asList(ids as string | string[]) }, path: [...path, name] }))
    .filter((item) => !report.broken(item.path));
}

function itemsAt(data: unknown, path: readonly string[]): Item<unknown>[] {
  const found = path.reduce(own, data);
  return Array.isArray(found) ? found.map((value, i) => ({ value, path: [...path, i] })) : [];
}

function own(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

function ownText(value: unknown, key: string): string[] {
  const found = own(value, key);
  return typeof found === 'string' ? [found] : [];
}

/** The texts among a map's values. */
function texts(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.values(value).filter((one) => typeof one === 'string') : [];
}
