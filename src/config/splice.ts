/** Parts of one tenant file put into another, comments and all: how an earlier mapping comes back without the connections of its day. */
import { parseDocument, stringify } from 'yaml';
import type { MappingTest } from '../core/tenant.ts';

/** What says who gets what. The catalogue is no part of it: courses come and go by themselves. */
const MAPPING = ['groups', 'rules', 'tests'] as const;

/** `document` with rules, aliases and tests of `other`. Both have been read before, so both are YAML. */
export function withRulesOf(document: string, other: string): string {
  const [into, from] = [parseDocument(document), parseDocument(other)];
  for (const key of MAPPING) {
    const node = from.get(key, true);
    if (node === undefined) into.delete(key);
    else into.set(key, node);
  }
  return into.toString({ lineWidth: 0 });
}

/** A test as it stands under `tests:`. */
export function writeTest({ name, given, expect }: Omit<MappingTest, 'line' | 'column'>): string {
  const { connection, email, groups, claims } = given;
  const said = {
    connection,
    ...(email !== null && { email }),
    ...(groups.length > 0 && { groups }),
    ...(Object.keys(claims).length > 0 && { claims }),
  };
  return stringify([{ name, given: said, expect: { enrol: expect.enrol, ...(expect.role && { role: expect.role }) } }], { lineWidth: 0 });
}
