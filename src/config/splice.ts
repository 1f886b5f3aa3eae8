/** Parts of one tenant file put into another, comments and all: how an earlier mapping comes back without the connections of its day. */
import { isDeepStrictEqual } from 'node:util';
import { parseDocument, stringify } from 'yaml';
import type { MappingTest } from '../core/tenant.ts';
import { MAX_FILE_BYTES } from './yaml-guard.ts';
import { readYaml } from './yaml-source.ts';

/** What says who gets what. The catalogue is no part of it: courses come and go by themselves. */
const MAPPING = ['groups', 'rules', 'tests'] as const;

/** What may be edited by whom edits mappings. All else (connections, secrets, domains, limits) is the operator's, who has the files. */
const EDITABLE: ReadonlySet<string> = new Set([...MAPPING, 'catalogue']);

/**
 * Parts of the second document that differ from the first and are no part of a mapping. Looked at before the document is understood: that reads the
 * files which connections name, and a document from outside must not choose them. None where it cannot be read at all; then it is broken anyway.
 */
export function foreignParts(document: string, other: string): string[] {
  const [is, wants] = [document, other].map((text) => readYaml(text.replace(/^\ufeff/, ''), '').source?.data);
  if (!isRecord(is) || !isRecord(wants)) return [];
  const names = [...new Set([...Object.keys(is), ...Object.keys(wants)])].filter((name) => !EDITABLE.has(name));
  return names.filter((name) => !isDeepStrictEqual(is[name], wants[name])).sort();
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `document` with rules, aliases and tests of `other`. Both have been read before, so both are YAML. */
export function withRulesOf(document: string, other: string): string {
  const [into, from] = [parseDocument(document), parseDocument(other)];
  for (const key of MAPPING) {
    const node = from.get(key, true);
    if (node === undefined) into.delete(key);
    else into.set(key, node);
  }
  const text = into.toString({ lineWidth: 0 });
  // A compact document is written a little wider; one that was nearly as large as may be must not become too large by that.
  return Buffer.byteLength(text) <= MAX_FILE_BYTES ? text : into.toString({ lineWidth: 0, flowCollectionPadding: false });
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
