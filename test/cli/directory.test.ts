/** An operator and a directory, beside a gateway that serves both. Each test goes on from what the one before has left. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startWorld, type World } from '../../fixtures/demo/demo.ts';
import { signInBySaml } from '../../fixtures/demo/once.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore } from '../../src/store/store.ts';
import { commandIn, type Ended } from './command.ts';

jest.setTimeout(120_000); // every command is a process of its own

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const folder = mkdtempSync(join(tmpdir(), 'matricula-cli-'));
let world: World;
let matricula: (...args: string[]) => Promise<Ended>;
let token = '';

beforeAll(async () => {
  writeFileSync(join(folder, 'ports.json'), JSON.stringify({ gateway: 0, saml: 0, oidc: 0, academy: 0 }));
  world = await startWorld({ folder, quiet: true });
  matricula = commandIn({ tenants: join(folder, 'tenants'), database: join(folder, 'matricula.db'), baseUrl: world.baseUrl });
  await signInBySaml(world, 'acme-amara');
});
afterAll(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

const json = async <T>(...args: string[]): Promise<T> => {
  const { code, out, err } = await matricula('--json', ...args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as T;
};

function scim(path: string, { method = 'GET', body, bearer = token }: { method?: string; body?: object; bearer?: string } = {}): Promise<Response> {
  return fetch(`${world.baseUrl}/api/v1/scim/acme/v2${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/scim+json', 'user-agent': 'Okta SCIM Client 1.0.0' },
    ...(body && { body: JSON.stringify(body) }),
  });
}

/** The gateway looks every second for what other processes did. */
async function eventually<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  for (let left = 100; ; left--) {
    const answer = await ask();
    if (holds(answer) || left === 0) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** As if its record had been looked up. */
async function proved(domain: string): Promise<void> {
  const database = await openDatabase(`sqlite:${join(folder, 'matricula.db')}`);
  const now = new Date();
  const line = {
    id: `proof-${domain}`,
    tenantId: 'acme',
    at: now,
    actor: 'test',
    cause: 'domain',
    action: null,
    resourceType: 'Domain',
    resourceId: domain,
  };
  await createStore(database).domains.add(
    { tenantId: 'acme', domain, challenge: 'c', held: domain, verifiedAt: now, checkedAt: now, failure: null, createdAt: now },
    { ...line, outcome: 'SUCCESS', code: null, reference: null, mappingVersion: null, detail: {} },
  );
  await database.close();
}

const codeIn = ({ out }: Ended): string => /--confirm (\w+)/.exec(out)![1]!;

const person = (userName: string, over: object = {}) => ({ schemas: [USER], userName, emails: [{ value: userName, primary: true }], ...over });

describe('the command line over a directory', () => {
  it('makes no token while nobody syncs, and says what to do', async () => {
    const [mode, refused] = await Promise.all([matricula('mode', 'acme'), matricula('token', 'create', 'acme')]);
    expect(mode).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^jit since \S+, 1 active users\n$/) });
    expect(refused).toEqual({ code: 1, out: '', err: 'matricula: acme is in mode jit: matricula mode acme scim\n' });
  });

  it('switches a running gateway to SCIM and shows the first token once; who signed in before is found', async () => {
    expect((await matricula('mode', 'acme', 'scim')).err).toContain('SCIM needs a domain that is verified');
    await proved('acme.example');
    const shown = await matricula('mode', 'acme', 'scim');
    expect(shown).toMatchObject({ code: 0, err: '', out: expect.stringContaining('Nothing has been done.') });
    expect(shown.out).not.toContain('ms_');
    const switched = await matricula('mode', 'acme', 'scim', '--confirm', codeIn(shown));
    expect(switched).toMatchObject({ code: 0, err: '' });
    expect(switched.out).toMatch(/^jit → scim \(adopting\)\n/);
    expect(switched.out).toContain(`The directory's address: ${world.baseUrl}/api/v1/scim/acme/v2\n`);
    token = /^Its token: (ms_[\w-]{43})$/m.exec(switched.out)![1]!;
    const found = await eventually(
      () => scim(`/Users?filter=${encodeURIComponent('emails.value eq "AMARA@acme.example"')}`),
      ({ status }) => status === 200,
    );
    expect((await found.json()) as object).toMatchObject({ totalResults: 1, Resources: [{ userName: 'amara@acme.example' }] });
    const listed = await matricula('token', 'list', 'acme');
    expect(listed.out).not.toContain(token);
    expect(listed.out).toMatch(new RegExp(`  ${token.slice(0, 9)}…  first  live  `));
  });

  it('refuses JIT meanwhile, and a mode that is none', async () => {
    const [jit, none] = await Promise.all([matricula('mode', 'acme', 'jit'), matricula('mode', 'acme', 'both')]);
    expect(jit).toMatchObject({ code: 1, out: '' });
    expect(jit.err).toContain('Cannot enable JIT provisioning while SCIM is active');
    expect(none).toEqual({ code: 2, out: '', err: 'matricula: a mode is manual, jit or scim\n' });
  });

  it('logs what the directory did, for people, machines and spreadsheets', async () => {
    expect((await scim('/Users', { method: 'POST', body: person('lin@acme.example', { title: 'Clerk' }) })).status).toBe(201);
    expect((await scim('/Users', { method: 'POST', body: person('lin@acme.example') })).status).toBe(409);
    expect((await scim(`/Users/${encodeURIComponent('=1+1\u009b31m')}`, { method: 'DELETE' })).status).toBe(404);
    const [{ entries }, failed, csv, api] = await Promise.all([
      json<{ entries: { action: string; outcome: string; actor: string }[] }>('log', 'acme', '--action', 'CREATE'),
      matricula('log', '--outcome', 'FAILED', '--resource', 'User', '--since', '2020-01-01'),
      matricula('log', 'acme', '--csv'),
      json<{ key: string }>('--tenant', 'acme', 'key', 'create', '--name', 'reports'),
    ]);
    expect(entries.map(({ action, outcome, actor }) => [action, outcome, actor])).toEqual([
      ['CREATE', 'FAILED', `scim:${token.slice(0, 9)}`],
      ['CREATE', 'SUCCESS', `scim:${token.slice(0, 9)}`],
    ]);
    expect(failed.out.trimEnd().split('\n')).toHaveLength(3); // the head, a failed POST, a failed DELETE
    expect(failed.out).toContain('uniqueness: ');
    expect(failed.out).not.toContain('\u009b');
    const rows = csv.out.trimEnd().split('\r\n');
    expect(rows).toHaveLength(4);
    expect(rows[0]).toBe('"at","action","resource","id","outcome","reason","actor","reference"');
    expect(rows[1]).toContain(`"'=1+1\ufffd31m"`);
    const read = await fetch(`${world.baseUrl}/api/v1/tenants/acme/sync-log?outcome=FAILED&limit=1`, {
      headers: { authorization: `Bearer ${api.key}` },
    });
    expect((await read.json()) as object).toMatchObject({ entries: [{ action: 'DELETE', outcome: 'FAILED', resourceType: 'User' }] });
  });

  it('is told at once of an option that is none', async () => {
    const answers = await Promise.all([
      matricula('log', '--resource', 'Users'),
      matricula('log', '--action', 'create'),
      matricula('log', '--limit', '0'),
    ]);
    expect(answers.map(({ code, out }) => [code, out])).toEqual([
      [2, ''],
      [2, ''],
      [2, ''],
    ]);
  });

  it('the doctor shows the last requests, with what is personal masked until it is asked for', async () => {
    const seen = await eventually(
      () => matricula('doctor', 'acme', '--bodies'),
      ({ out }) => out.includes('DELETE'),
    );
    expect(seen).toMatchObject({ code: 0, err: '' });
    expect(seen.out).toMatch(/^acme, mode scim: the last \d+ requests, \d+ of them deserve a look\n/);
    expect(seen.out).toMatch(/ {2}201 {2}POST \/Users {2}\d+ ms {2}Okta/);
    expect(seen.out).not.toMatch(/lin@acme|amara@|Clerk/i);
    const revealed = await matricula('doctor', 'acme', '--bodies', '--reveal');
    expect(revealed.out).toContain('"lin@acme.example"');
    expect(revealed.out).not.toContain(token);
    const { exchanges } = await json<{ exchanges: { method: string; request: unknown }[] }>('doctor', 'acme', '--limit', '3');
    expect(exchanges).toHaveLength(3);
    expect(JSON.stringify(exchanges)).not.toMatch(/lin@acme/);
  });

  it('rotates a token, with both living, and revokes one at once', async () => {
    const { tokens } = await json<{ tokens: { id: string; state: string }[] }>('token', 'list');
    const made = await json<{ token: string; oldEnds: string }>('token', 'rotate', 'acme', tokens[0]!.id);
    expect(new Date(made.oldEnds).getTime()).toBeGreaterThan(Date.now() + 23 * 3_600_000);
    expect([(await scim('/Users?count=0')).status, (await scim('/Users?count=0', { bearer: made.token })).status]).toEqual([200, 200]);
    expect(await matricula('token', 'revoke', tokens[0]!.id)).toEqual({ code: 0, out: 'revoked\n', err: '' });
    expect([(await scim('/Users?count=0')).status, (await scim('/Users?count=0', { bearer: made.token })).status]).toEqual([401, 200]);
    token = made.token;
    const again = await matricula('token', 'rotate', 'acme', tokens[0]!.id);
    expect(again).toMatchObject({ code: 1, out: '' });
    const past = await matricula('token', 'create', 'acme', '--expires', '2020-01-01');
    expect(past).toMatchObject({ code: 1, out: '' });
    expect(past.err).toContain('token/expires');
  });
});

describe('groups by hand', () => {
  const group = (...args: string[]) => matricula('group', ...args);

  it('are made, filled, shown and emptied, and their rules hold meanwhile', async () => {
    expect((await group('create', 'Executives')).out).toMatch(/^created, id /);
    expect(await group('create', 'EXECUTIVES')).toMatchObject({ code: 1, out: '', err: 'matricula: there is a group EXECUTIVES already\n' });
    expect(await group('add', 'executives', 'lin@acme.example')).toMatchObject({ code: 0, out: 'done\n' });
    expect(await group('add', 'executives', 'lin@acme.example')).toMatchObject({ code: 0, out: 'nothing to change\n' });
    expect((await group('show', 'Executives')).out).toMatch(/^Executives, made by hand, id \S+\nid .*put in by\n\S+ +lin@acme\.example +hand\n$/);
    const enrolled = async () =>
      (await json<{ grants: { target: string }[] }>('user', 'show', 'lin@acme.example')).grants.map(({ target }) => target);
    expect(await enrolled()).toContain('collection:executive');
    expect(await group('remove', 'Executives', 'lin@acme.example')).toMatchObject({ code: 0, out: 'done\n' });
    expect(await enrolled()).not.toContain('collection:executive');
  });

  it('are deleted with all who were put into them, also those whom the directory has deleted since', async () => {
    const gone = (await (await scim('/Users', { method: 'POST', body: person('gone@acme.example') })).json()) as { id: string };
    await group('add', 'Executives', 'gone@acme.example');
    await group('add', 'Executives', 'lin@acme.example');
    expect((await scim(`/Users/${gone.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await group('delete', 'Executives')).toEqual({ code: 0, out: 'deleted\n', err: '' });
    expect(await group('list')).toMatchObject({ code: 0, out: 'no groups\n' });
  });

  it('a directory’s group is not deleted by hand, and whom it put in stays', async () => {
    const lin = await json<{ user: { id: string } }>('user', 'show', 'lin@acme.example');
    const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Sales', members: [{ value: lin.user.id }] };
    expect((await scim('/Groups', { method: 'POST', body })).status).toBe(201);
    expect(await group('delete', 'Sales')).toEqual({ code: 1, out: '', err: 'matricula: the directory made this group: it is deleted there\n' });
    await group('add', 'Sales', 'lin@acme.example');
    expect((await group('show', 'Sales')).out).toMatch(/lin@acme\.example +directory and hand\n$/);
    expect((await group('remove', 'Sales', 'lin@acme.example')).out).toBe('done; the directory has put them in, too, and they stay\n');
    expect(await group('add', 'Nowhere', 'lin@acme.example')).toMatchObject({ code: 1, err: 'matricula: no group Nowhere in tenant acme\n' });
  });
});

it('leaving SCIM ends the directory’s tokens in the running gateway at once, and nobody loses anything', async () => {
  const before = await json<object>('user', 'show', 'lin@acme.example');
  const shown = await matricula('mode', 'acme', 'manual');
  expect(shown.out).toMatch(/1 token\(s\) of the directory end at once/);
  const left = await matricula('mode', 'acme', 'manual', '--confirm', codeIn(shown));
  expect(left).toEqual({ code: 0, out: 'scim (adopting) → manual\n', err: '' });
  expect((await scim('/Users?count=0')).status).toBe(401);
  expect(await json<object>('user', 'show', 'lin@acme.example')).toEqual(before);
});

it('a new tenant that starts in SCIM is told that its directory needs a token', async () => {
  const acme = readFileSync(join(folder, 'tenants', 'acme.yaml'), 'utf8');
  writeFileSync(
    join(folder, 'tenants', 'globex.yaml'),
    acme.replaceAll('acme.example', 'globex.example').replace('name: Acme Academy', 'name: Globex\nprovisioning: { initialMode: scim }'),
  );
  const applied = await matricula('apply', '--yes');
  expect(applied.code).toBe(0);
  expect(applied.out).toContain('globex: created\n  its directory needs a token: matricula token create globex\n');
  expect((await matricula('token', 'create', 'globex', '--name', 'entra')).out).toMatch(/^ms_[\w-]{43}\n/);
});
