/** docs/mapping.md: every example in it is a part of a tenant file that can be taken in, and the tests that stand in it hold. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { parseTenantFile } from '../../src/config/tenant-file.ts';

const page = readFileSync(new URL('../../docs/mapping.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text], i) => [i + 1, text!] as const);

/** What surrounds an example: two providers, and a catalogue of all that it names. */
function whole(text: string): { file: string; rules: number; tests: { expect: { enrol: string[] } }[] } {
  const example = parse(text) as { rules: { enrol?: string[] }[]; tests: { expect: { enrol: string[] } }[] };
  const targets = new Set(example.rules.flatMap(({ enrol }) => enrol ?? []));
  const offers = (kind: string) => [...targets].filter((one) => one.startsWith(`${kind}:`)).map((one) => ({ slug: one.split(':')[1], title: one }));
  const connection = (id: string) => ({
    id,
    name: id,
    protocol: 'oidc',
    issuer: `https://${id}.example`,
    clientId: 'acme',
    clientSecret: 'env:SECRET',
  });
  const tests = example.tests.map((test) => ({ ...test, given: { connection: 'entra', ...(test as { given?: object }).given } }));
  const file = {
    name: 'Acme',
    domains: ['acme.example'],
    connections: [connection('entra'), connection('okta')],
    catalogue: { bundles: offers('bundle'), collections: offers('collection'), groups: offers('group') },
    ...example,
    tests,
  };
  return { file: stringify(file), rules: example.rules.length, tests: example.tests };
}

describe('the examples of docs/mapping.md', () => {
  it('are there', () => expect(examples.length).toBeGreaterThanOrEqual(8));

  it.each(examples)('number %i can be taken in, and its tests hold', (_, text) => {
    const { file, rules } = whole(text);
    const parsed = parseTenantFile(file, { file: 'acme.yaml', tenantId: 'acme', baseDir: '.' });
    expect(parsed).toMatchObject({ ok: true });
    if (!parsed.ok) return;
    expect(parsed.tenant.mapping.rules).toHaveLength(rules);
    expect(parsed.tenant.tests.length).toBeGreaterThan(0);
  });

  it.each(examples)('number %i would fail if its tests expected anything else', (_, text) => {
    const { file } = whole(text);
    const other = parse(file) as { tests: { expect: { enrol: string[] } }[] };
    const [test] = other.tests;
    test!.expect.enrol = test!.expect.enrol.length > 0 ? [] : [String(/(bundle|collection|group):[\w-]+/.exec(file)?.[0] ?? 'bundle:none')];
    expect(parseTenantFile(stringify(other), { file: 'acme.yaml', tenantId: 'acme', baseDir: '.' })).toMatchObject({ ok: false });
  });
});
