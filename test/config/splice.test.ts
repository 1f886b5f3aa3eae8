import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { foreignParts, withRulesOf } from '../../src/config/splice.ts';

const example = readFileSync(new URL('../../config/examples/acme.yaml', import.meta.url), 'utf8');
const changed = (change: (file: Record<string, unknown>) => void): string => {
  const file = parse(example) as Record<string, unknown>;
  change(file);
  return stringify(file);
};
type Entries = Record<string, unknown>[];

describe('who edits mappings', () => {
  it('may change rules, aliases, tests and the catalogue', () => {
    const other = changed((file) => {
      file['groups'] = { aliases: {} };
      file['rules'] = [];
      file['tests'] = [];
      file['catalogue'] = { bundles: [{ slug: 'sales-onboarding', title: 'Sales', ref: 'other' }] };
    });
    expect(foreignParts(example, other)).toEqual([]);
  });

  it.each<[part: string, what: string, after: (entries: Entries) => unknown]>([
    ['platforms', 'where enrolments are sent', (all) => all.map((one) => ({ ...one, url: 'https://other.example/' }))],
    ['platforms', 'which secret is used', (all) => all.map((one) => ({ ...one, apiKey: 'env:OTHER' }))],
    ['platforms', 'that there are none', () => undefined],
    ['handOffs', 'who is told about learners', (all) => all.map((one) => ({ ...one, url: 'https://other.example/' }))],
    ['handOffs', 'what is told about learners', (all) => all.map((one) => ({ ...one, claims: { all: '{email}' } }))],
    ['handOffs', 'their order', (all) => all.toReversed()],
  ])('may not change %s: %s', (part, _what, after) => {
    const other = changed((file) => {
      file[part] = after(file[part] as Entries);
    });
    expect(foreignParts(example, other)).toEqual([part]);
  });
});

describe('an earlier mapping that comes back', () => {
  it('comes without the platforms and hand-offs of its day', () => {
    const earlier = changed((file) => {
      file['rules'] = [];
      file['tests'] = [];
      delete file['platforms'];
      delete file['handOffs'];
    });
    const { rules, platforms, handOffs } = parse(withRulesOf(example, earlier)) as Record<string, unknown>;
    const now = parse(example) as Record<string, unknown>;
    expect({ rules, platforms, handOffs }).toEqual({ rules: [], platforms: now['platforms'], handOffs: now['handOffs'] });
  });
});
