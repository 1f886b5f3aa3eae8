import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { handOff } from '../../src/config/hand-off-schema.ts';
import { platform } from '../../src/config/platform-schema.ts';
import { formatProblem, type Parsed, parseTenantFile, readTenantFolder } from '../../src/config/tenant-file.ts';
import { createKeyPair, type KeyPair } from '../../src/lib/certificates.ts';

const examples = path.resolve(import.meta.dirname, '../../config/examples');
const example = readFileSync(path.join(examples, 'acme.yaml'), 'utf8');

let dir: string;
let pair: KeyPair;
beforeAll(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'matricula-config-'));
  pair = await createKeyPair('idp.acme.example', { bits: 2048 });
});
afterAll(() => rmSync(dir, { recursive: true }));

const parse = (text: string): Parsed => parseTenantFile(text, { file: 'acme.yaml', tenantId: 'acme', baseDir: dir });
function tenantOf(text: string) {
  const parsed = parse(text);
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join('\n'));
  return parsed.tenant;
}
function problemsOf(text: string): string[] {
  const parsed = parse(text);
  return (parsed.ok ? parsed.warnings : parsed.problems).map(formatProblem);
}

describe('the example file', () => {
  it('is sound and warns of nothing', () => expect(problemsOf(example)).toEqual([]));

  it('becomes the tenant that the rest of the house reads', () => {
    const tenant = tenantOf(example);
    expect(tenant).toMatchObject({
      id: 'acme',
      name: 'Acme',
      contact: 'helpdesk@acme.example',
      domains: ['acme.example', 'acme.test'],
      provisioning: {
        initialMode: 'jit',
        linking: 'verified-email',
        defaultRole: 'learner',
        whenGroupsMissing: 'keep',
        limits: { removals: { share: 0.1, atLeast: 10 } },
        retentionDays: null,
        lease: null,
      },
      returnTo: ['https://academy.acme.example/'],
    });
    expect(tenant.connections.map(({ id, protocol, enabled, trustEmail }) => ({ id, protocol, enabled, trustEmail }))).toEqual([
      { id: 'entra', protocol: 'oidc', enabled: true, trustEmail: 'verified-claim' },
      { id: 'okta', protocol: 'saml', enabled: true, trustEmail: 'domains' },
    ]);
    expect(tenant.platforms.map(({ id, kind }) => `${id}: ${kind}`)).toEqual(['school: thinkific', 'events: webhook', 'thrive: scim']);
    expect(tenant.handOffs.map(({ id, kind }) => `${id}: ${kind}`)).toEqual([
      'school: thinkific',
      'help: signed',
      'wiki: signed',
      'forum: discourse',
      'portal: redirect',
    ]);
    expect(tenant.catalogue.bundles).toEqual([
      { slug: 'sales-onboarding', title: 'Sales onboarding', ref: '48213', courses: ['welcome', 'selling'] },
    ]);
    expect(tenant.mapping.version).toBe(0);
    expect(tenant.mapping.rules[1]).toEqual({
      id: 'sales',
      when: { kind: 'group', test: { equals: 'Sales' }, ignoreCase: false, label: 'Sales', ids: ['0f3c1d2e-5a7b-4c8d-9e0f-1a2b3c4d5e6f'] },
      enrol: ['bundle:sales-onboarding', 'group:cohort-7'],
      role: null,
      line: example.split('\n').findIndex((line) => line.includes('id: sales')) + 1,
    });
    expect(tenant.tests[0]).toMatchObject({ given: { groups: ['0f3c1d2e-5a7b-4c8d-9e0f-1a2b3c4d5e6f'] }, expect: { role: 'learner' }, column: 5 });
  });
});

describe('a secret', () => {
  it.each(['SECRET', 'DATABASE', 'REDIS'])('of the gateway itself (%s) is never one that a provider is sent', (name) => {
    const connection = { id: 'x', name: 'X', protocol: 'oidc', issuer: 'https://idp.example', clientId: 'c', clientSecret: `env:MATRICULA_${name}` };
    expect(problemsOf(JSON.stringify({ name: 'A', connections: [connection] }))).toEqual([expect.stringContaining('a secret of the gateway itself')]);
  });
});

describe('the page about tenant files', () => {
  it('shows a smallest file that is sound', () => {
    const page = readFileSync(path.join(examples, '../../docs/tenant-file.md'), 'utf8');
    const shown = /```yaml\n(name: [\s\S]*?)```/.exec(page)?.[1] ?? '';
    expect(tenantOf(shown).mapping.rules).toHaveLength(1);
    expect(problemsOf(shown)).toEqual([]);
  });

  it.each(['Learning platforms', 'Hand-over'])('shows examples of every kind under "%s" that are sound', (heading) => {
    const page = readFileSync(path.join(examples, '../../docs/tenant-file.md'), 'utf8');
    const section = page.slice(page.indexOf(`\n## ${heading}\n`) + 1).split('\n## ')[0]!;
    const school = heading === 'Hand-over' ? 'platforms: [{ id: school, kind: thinkific, subdomain: a, apiKey: env:K, accessToken: env:T }]\n' : '';
    const tenants = [...section.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, shown]) => {
      expect(problemsOf(`name: A\n${school}${shown}`)).toEqual([]);
      return tenantOf(`name: A\n${school}${shown}`);
    });
    const kinds = (of: 'platforms' | 'handOffs') => [...new Set(tenants.flatMap((tenant) => tenant[of].map(({ kind }) => kind)))].sort();
    if (heading === 'Hand-over') expect(kinds('handOffs')).toEqual(['discourse', 'redirect', 'signed', 'thinkific']);
    else expect(kinds('platforms')).toEqual(['scim', 'thinkific', 'webhook']);
  });

  it.each([
    ['Learning platforms', Object.values(platform.options)],
    ['Hand-over', Object.values(handOff.options)],
  ])('names every key under "%s"', (heading, kinds) => {
    const page = readFileSync(path.join(examples, '../../docs/tenant-file.md'), 'utf8');
    const section = page.slice(page.indexOf(`\n## ${heading}\n`) + 1).split('\n## ')[0]!;
    for (const key of new Set(kinds.flatMap(({ shape }) => Object.keys(shape)))) expect(section).toMatch(new RegExp(`\\b${key}\\b`));
  });
});

describe('what the file is silent about', () => {
  it('is as careful as it can be', () => {
    expect(tenantOf('name: Acme\n')).toEqual({
      id: 'acme',
      name: 'Acme',
      contact: null,
      domains: [],
      provisioning: {
        initialMode: 'jit',
        linking: 'verified-email',
        defaultRole: 'learner',
        whenGroupsMissing: 'keep',
        limits: { removals: { share: 0.1, atLeast: 10 } },
        retentionDays: null,
        lease: null,
      },
      connections: [],
      catalogue: { courses: [], bundles: [], collections: [], groups: [] },
      platforms: [],
      handOffs: [],
      mapping: { version: 0, rules: [] },
      tests: [],
      seats: null,
      scim: { fields: {}, groups: { sameName: 'allow', matchLocal: true } },
      returnTo: [],
    });
  });

  it('a SAML connection takes nothing unsolicited, no CBC, and trusts no e-mail without a domain of its own', () => {
    const [saml] = tenantOf('name: A\nconnections:\n  - { id: s, name: S, protocol: saml, metadata: { url: https://idp.example/m } }\n').connections;
    expect(saml).toMatchObject({
      trustEmail: 'never',
      allowIdpInitiated: false,
      allowCbc: false,
      wantSigned: 'either',
      binding: 'redirect',
      clockSkewSeconds: 60,
      maxAssertionAgeSeconds: 7200,
    });
  });
});

const saml = (body: string) => `name: A\ndomains: [acme.example]\nconnections:\n  - id: s\n    name: S\n    protocol: saml\n${body}`;
const byHand = (certificate: string) =>
  saml(`    idp:\n      entityId: urn:idp\n      ssoUrl: https://idp.acme.example/sso\n      certificates:\n        - ${certificate}\n`);
const block = (pem: string) => `|\n${pem.trim().replace(/^/gm, '            ')}`;

describe('a certificate', () => {
  const given = (text: string) => {
    const [connection] = tenantOf(text).connections;
    return connection?.protocol === 'saml' ? connection.idp.certificates : [];
  };
  const pem = () => pair.certificate.replaceAll('\r', '').trim();

  it('may be PEM, bare base64 or a file beside the tenant file, and is PEM afterwards', () => {
    writeFileSync(path.join(dir, 'idp.pem'), pair.certificate);
    const bare = pem().split('\n').slice(1, -1).join('');
    for (const written of [block(pem()), bare, 'file:idp.pem', `file:${path.join(dir, 'idp.pem')}`]) expect(given(byHand(written))).toEqual([pem()]);
  });

  it('is refused where it is a private key, and the key is not shown', () => {
    writeFileSync(path.join(dir, 'key.pem'), pair.privateKey);
    for (const written of ['file:key.pem', block(pair.privateKey)]) {
      const said = problemsOf(byHand(written)).join();
      expect(said).toContain('certificate 1 holds a private key');
      expect(said).not.toContain(pair.privateKey.split('\n')[1]!.trim());
    }
  });

  it('is refused where two stand in one entry', () =>
    expect(problemsOf(byHand(block(`${pem()}\n${pem()}`))).join()).toContain('holds several certificates'));
});

describe('presets', () => {
  const claims = (lines: string) => tenantOf(saml(`    metadata: { file: idp.xml }\n${lines}`)).connections[0]!.claims;

  it('a claim that the file names overrides that one name only', () => {
    const plain = claims('    preset: entra\n');
    const changed = claims(
      '    preset: entra\n    claims: { email: [mail, upn], groups: memberOf, fields: { costCenter: cost_center }, drop: [x] }\n',
    );
    expect(changed).toEqual({
      ...plain,
      profile: { ...plain.profile, email: ['mail', 'upn'] },
      groups: { ...plain.groups, claims: ['memberOf'] },
      fields: { costCenter: 'cost_center' },
      drop: [...plain.drop, 'x'],
    });
  });

  it('Entra goes by object id, Keycloak by a persistent NameID that is asked for', () => {
    expect(claims('    preset: entra\n').subject).toEqual(['http://schemas.microsoft.com/identity/claims/objectidentifier']);
    const [keycloak] = tenantOf(saml('    metadata: { file: idp.xml }\n    preset: keycloak\n')).connections;
    expect(keycloak).toMatchObject({ claims: { subject: ['@nameid'] }, nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' });
  });

  it('the limits of Google and Okta read as overflow, and can be lifted', () => {
    expect(claims('    preset: google\n').groups.overflowAt).toBe(75);
    expect(claims('    preset: google\n    claims: { groups: { overflowAt: none } }\n').groups).toMatchObject({
      overflowAt: null,
      claims: expect.arrayContaining(['groups']),
    });
    expect(claims('    preset: okta\n').groups.overflowAt).toBeNull();
    const okta =
      'name: A\nconnections:\n  - { id: o, name: O, protocol: oidc, preset: okta, issuer: https://acme.okta.example, clientId: c, clientSecret: env:S }\n';
    expect(tenantOf(okta).connections[0]!.claims.groups.overflowAt).toBe(100);
  });

  it('a Google sign-in must come from one of the Workspace domains', () => {
    const google = (extra: string) =>
      `name: A\ndomains: [acme.example]\nconnections:\n  - { id: g, name: G, protocol: oidc, preset: google, issuer: https://accounts.google.com, clientId: c, clientSecret: env:S${extra} }\n`;
    expect(tenantOf(google('')).connections[0]).toMatchObject({ require: { hd: ['acme.example'] } });
    expect(tenantOf(google(', require: { hd: other.example }')).connections[0]).toMatchObject({ require: { hd: ['other.example'] } });
  });

  it('files are found from the folder of the tenant file', () => {
    const [connection] = tenantOf(saml('    metadata: { file: meta/idp.xml }\n')).connections;
    expect(connection).toMatchObject({ idp: { metadata: { kind: 'file', path: path.join(dir, 'meta/idp.xml') } } });
    const oidc =
      'name: A\nconnections:\n  - { id: o, name: O, protocol: oidc, issuer: https://id.example, clientId: c, clientKey: "file:keys/a.pem" }\n';
    expect(tenantOf(oidc).connections[0]).toMatchObject({
      clientAuth: { method: 'private_key_jwt', key: `file:${path.join(dir, 'keys/a.pem')}`, kid: null, alg: 'RS256' },
    });
  });
});

describe('odd and hostile text', () => {
  it('over 256 kB is refused before it is read', () =>
    expect(problemsOf(`name: ${'a'.repeat(262_144)}\n`)).toEqual(['acme.yaml:1:1 the file has 262151 bytes (at most 262144 bytes (256 kB))']));

  it.each([
    ['brackets', '['.repeat(200_000)],
    ['closing brackets', ']'.repeat(200_000)],
    ['list markers', '- '.repeat(120_000)],
    ['key markers', '? '.repeat(120_000)],
    ['braces', '{a: '.repeat(60_000)],
    ['many keys', Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n')],
    ['one key often', 'k: 1\n'.repeat(20_000)],
    ['anchors', '&a '.repeat(80_000)],
    ['colons', ': '.repeat(30_000)],
    ['more connections than may be, none of them one', `name: A\nconnections: [${'x, '.repeat(60)}]`],
    ['more tests than may be, none of them one', `name: A\ntests: [${'x, '.repeat(2100)}]`],
    ['more platforms than may be, none of them whole', `name: A\nplatforms: [${'{ id: x, kind: webhook }, '.repeat(12)}]`],
    ['more hand-offs than may be, none of them whole', `name: A\nhandOffs: [${'{ id: x, kind: signed, claims: 1 }, '.repeat(30)}]`],
  ])('a file of %s ends in problems, soon', (_, text) => {
    const start = process.cpuUsage();
    const parsed = parse(text);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.problems.length).toBeLessThanOrEqual(200);
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(10);
  });

  it('never throws, whatever stands in the file', () => {
    const characters = fc.constantFrom(...'abc:- \n[]{}"\'|>#&*!%@,?\t012~\\'.split(''));
    fc.assert(
      fc.property(
        fc.array(characters, { maxLength: 60 }).map((all) => all.join('')),
        (text) => {
          for (const p of problemsOf(text)) expect(p).not.toMatch(/[\n\r]/);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('never throws on a sound file with one piece changed, and points into the file', () => {
    const lines = example.split('\n').length;
    const pieces = fc.constantFrom('', 'null', '[]', '{}', '12', '- x', ': ', '"', 'true', '{ a: [b] }', '__proto__', '\u0000');
    fc.assert(
      fc.property(fc.nat(example.length), fc.nat(40), pieces, (at, cut, piece) => {
        const parsed = parse(example.slice(0, at) + piece + example.slice(at + cut));
        for (const p of parsed.ok ? parsed.warnings : parsed.problems) {
          expect(p.line).toBeGreaterThan(0);
          expect(p.line).toBeLessThanOrEqual(lines + 1);
          expect(p.column).toBeGreaterThan(0);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('a file with 2,000 rules is read', () => {
    const rules = Array.from({ length: 2000 }, (_, i) => `  - { id: r${i}, when: { group: Group ${i} }, enrol: [group:g${i % 50}] }`).join('\n');
    const groups = Array.from({ length: 50 }, (_, i) => `{ slug: g${i}, title: G }`).join(', ');
    expect(tenantOf(`name: A\ncatalogue: { groups: [${groups}] }\nrules:\n${rules}\n`).mapping.rules).toHaveLength(2000);
  });

  it('a file with thousands of problems tells the first of them', () => {
    const said = problemsOf(`name: A\nrules:\n${'  - { id: X }\n'.repeat(2000)}`);
    expect(said).toHaveLength(200);
    expect(said.at(-1)).toMatch(/more problems follow/);
  });

  it('line ends of Windows and a byte order mark do not move the places', () => {
    expect(problemsOf('\ufeffname: Acme\r\ncontakt: x\r\n')).toEqual(['acme.yaml:2:1 unknown key "contakt" (did you mean "contact"?)']);
  });
});

describe('a folder of tenant files', () => {
  it('is read in order; a wrong name, a wrong encoding and an unreadable file are problems of that file alone', async () => {
    const folder = mkdtempSync(path.join(dir, 'tenants-'));
    writeFileSync(path.join(folder, 'beta.yaml'), 'name: Beta\n');
    writeFileSync(path.join(folder, 'acme.yaml'), 'name: Acme\n');
    writeFileSync(path.join(folder, 'Gamma.yaml'), 'name: Gamma\n');
    writeFileSync(path.join(folder, 'delta.yml'), 'name: Delta\n');
    writeFileSync(path.join(folder, 'latin.yaml'), Buffer.from('name: M\xfcller\n', 'latin1'));
    writeFileSync(path.join(folder, 'big.yaml'), '#'.repeat(300_000));
    writeFileSync(path.join(folder, 'README.md'), 'not one\n');
    writeFileSync(path.join(folder, '.acme.yaml.swp'), 'not one\n');
    const { files } = await readTenantFolder(folder);
    expect(files.map(({ tenantId, parsed }) => [tenantId, parsed.ok ? 'sound' : parsed.problems[0]!.message])).toEqual([
      ['Gamma', '"Gamma.yaml" is not named like a tenant file'],
      ['acme', 'sound'],
      ['beta', 'sound'],
      ['big', 'the file has 300000 bytes'],
      ['delta', '"delta.yml" is not named like a tenant file'],
      ['latin', 'the file is not UTF-8'],
    ]);
    expect(files[1]).toMatchObject({ file: path.join(folder, 'acme.yaml'), text: 'name: Acme\n' });
  });
});
