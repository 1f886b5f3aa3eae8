/** What the application of tests understands of SCIM's language: filters by one attribute, and PATCH to the letter, as far as users and members go. */
import type { Element, Operation, Resource, Written } from './application.ts';

export class Refused extends Error {
  readonly status: number;
  readonly scimType: string | undefined;
  constructor(status: number, scimType?: string) {
    super('refused');
    this.status = status;
    this.scimType = scimType;
  }
}

export const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

const STRING = '("(?:[^"\\\\]|\\\\.)*")';

/** Attributes that are not among `filters` are refused. */
export function matcher(filter: string, filters: string[]): (resource: Resource) => boolean {
  const match = new RegExp(`^([\\w.]+) eq ${STRING}$`).exec(filter);
  if (!match || !filters.includes(match[1]!)) throw new Refused(400, 'invalidFilter');
  const [attribute, sub] = match[1]!.split('.') as [string, string?];
  const value = JSON.parse(match[2]!) as string;
  const is = (one: unknown) => typeof one === 'string' && (attribute === 'externalId' ? one === value : same(one, value));
  return (resource) => (sub ? elements(resource, attribute).some((element) => is(element[sub])) : is(resource[attribute]));
}

const elements = (resource: Written, list: string): Element[] => (resource[list] ?? []) as Element[];

/** RFC 7644 §3.5.2: a value path that finds nothing is an error, and a removal without one takes the whole attribute. */
export function patched(resource: Written, operations: Operation[]): Written {
  for (const operation of operations) {
    if (!['add', 'replace', 'remove'].includes(operation.op)) throw new Refused(400, 'invalidSyntax');
    const element = new RegExp(`^(\\w+)\\[(\\w+) eq ${STRING}\\](?:\\.(\\w+))?$`).exec(operation.path);
    if (element) changeElements(resource, operation, element as unknown as [string, string, string, string, string?]);
    else changeAttribute(resource, operation);
  }
  return resource;
}

function changeElements(resource: Written, { op, value }: Operation, [, list, key, text, sub]: [string, string, string, string, string?]): void {
  const those = elements(resource, list).filter((one) => one[key] === JSON.parse(text));
  if (those.length === 0) throw new Refused(400, 'noTarget');
  if (op === 'remove') resource[list] = elements(resource, list).filter((one) => !those.includes(one));
  else for (const one of those) one[sub!] = value;
}

function changeAttribute(resource: Written, { op, path, value }: Operation): void {
  const colon = path.lastIndexOf(':');
  const keys = colon === -1 ? path.split('.') : [path.slice(0, colon), path.slice(colon + 1)];
  const last = keys.pop()!;
  let holder: Record<string, unknown> = resource;
  for (const key of keys) {
    holder[key] ??= {};
    holder = holder[key] as Record<string, unknown>;
  }
  if (op === 'remove') delete holder[last];
  else if (op === 'add' && Array.isArray(value)) {
    const there = elements(resource, last);
    holder[last] = [...there, ...(value as Element[]).filter((one) => !there.some((other) => other.value === one.value))];
  } else holder[last] = value;
}
