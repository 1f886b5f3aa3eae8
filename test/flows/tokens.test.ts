/** What a directory proves itself with, over a real store and a clock that tests move. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { authenticate, createKey } from '../../src/flows/admin.ts';
import { authenticateToken, createToken, listTokens, revokeToken, rotateToken, type TokenDeps } from '../../src/flows/tokens.ts';
import { newId } from '../../src/lib/ids.ts';
import { createVault } from '../../src/lib/secrets.ts';
import { type Database, Unavailable } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore, type Store } from '../../src/store/store.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const START = new Date('2026-01-02T03:04:05.678Z').getTime();

let database: Database;
let store: Store;
let deps: TokenDeps;
let passed: number;
const at = (ms: number) => new Date(START + ms);

beforeEach(async () => {
  passed = 0;
  database = await openDatabase('sqlite::memory:');
  store = createStore(database);
  deps = { store, vault: createVault(randomBytes(32)), now: () => at(passed), newId: () => newId() };
});
afterEach(() => database.close());

const acme = { tenantId: 'acme', actor: 'test' };
const make = (expiresAt: Date | null = null) => createToken(deps, { ...acme, name: 'entra', expiresAt });
const lives = async (token: string) => (await authenticateToken(deps, token)) !== null;
const rowOf = async (id: string) => (await store.keys.get(id))!;

describe('a token', () => {
  it('is 256 random bits behind its prefix, proves one tenant, and is stored nowhere', async () => {
    const { id, token, prefix } = await make();
    expect(token).toMatch(/^ms_[\w-]{43}$/);
    expect(token.startsWith(prefix)).toBe(true);
    expect(await authenticateToken(deps, token)).toEqual({ tokenId: id, prefix, tenantId: 'acme' });
    const written = JSON.stringify([await store.keys.list('scim'), await store.journal.list('acme', { limit: 9 })]);
    expect(written).not.toContain(token.slice(prefix.length));
  });

  it('is nobody’s where one character differs, in another case, cut, or empty', async () => {
    const { token } = await make();
    for (const other of [`${token}x`, token.slice(0, -1), token.toUpperCase(), '', 'ms_', 'x'.repeat(5000)]) expect(await lives(other)).toBe(false);
  });

  it('of another installation opens nothing here', async () => {
    const { token } = await make();
    expect(await authenticateToken({ ...deps, vault: createVault(randomBytes(32)) }, token)).toBeNull();
  });

  it('opens no administrators’ API, and a key of that API is no token', async () => {
    const { token } = await make();
    const { key } = await createKey(deps, { name: 'ci', tenantId: 'acme', expiresAt: null });
    expect(await authenticate(deps, token)).toBeNull();
    expect(await authenticateToken(deps, key)).toBeNull();
    expect(await authenticate(deps, key)).toMatchObject({ tenantId: 'acme' });
  });

  it('ends when it was to, and is told of thirty days before', async () => {
    const { token } = await make(at(40 * DAY));
    const state = async () => (await listTokens(deps, 'acme'))[0]!.state;
    expect(await state()).toBe('live');
    passed = 11 * DAY;
    expect(await state()).toBe('expires-soon');
    passed = 40 * DAY - 1;
    expect(await lives(token)).toBe(true);
    passed = 40 * DAY;
    expect(await lives(token)).toBe(false);
    expect(await state()).toBe('expired');
  });

  it('that would have ended already is not made', async () => {
    await expect(make(at(0))).rejects.toMatchObject({ code: 'request-malformed', check: 'token/expires' });
    expect(await store.keys.list('scim')).toEqual([]);
  });

  it('is revoked at once, by its own tenant only', async () => {
    const { id, token } = await make();
    await expect(revokeToken(deps, { tenantId: 'beta', actor: 'test', id })).rejects.toMatchObject({ code: 'not-found', check: 'token/unknown' });
    expect(await lives(token)).toBe(true);
    await revokeToken(deps, { ...acme, id });
    expect(await lives(token)).toBe(false);
    expect(await listTokens(deps, 'acme')).toMatchObject([{ id, state: 'revoked' }]);
    expect(await listTokens(deps, 'beta')).toEqual([]);
  });

  it('leaves a line in the journal whenever something is done to it', async () => {
    const { id } = await make();
    const { id: second } = await rotateToken(deps, { ...acme, id });
    await revokeToken(deps, { ...acme, id });
    const lines = await store.journal.list('acme', { limit: 9 });
    expect(lines.map(({ cause, code, resourceId, actor }) => [cause, code, resourceId, actor]).sort()).toEqual(
      [
        ['token', 'created', id, 'test'],
        ['token', 'revoked', id, 'test'],
        ['token', 'rotated', second, 'test'],
      ].sort(),
    );
  });
});

describe('a rotation', () => {
  it('leaves both tokens living for a day, then the new one', async () => {
    const old = await make();
    const made = await rotateToken(deps, { ...acme, id: old.id });
    expect(made.oldEnds).toEqual(at(DAY));
    expect([await lives(old.token), await lives(made.token)]).toEqual([true, true]);
    passed = DAY;
    expect([await lives(old.token), await lives(made.token)]).toEqual([false, true]);
  });

  it('never prolongs the old one, and makes none everlasting that was to end', async () => {
    const old = await make(at(10 * DAY));
    passed = 9.5 * DAY;
    const made = await rotateToken(deps, { ...acme, id: old.id });
    expect(made.oldEnds).toEqual(at(10 * DAY));
    expect(await rowOf(made.id)).toMatchObject({ expiresAt: at(19.5 * DAY), name: 'entra' });
    const asked = await rotateToken(deps, { ...acme, id: made.id, expiresAt: at(15 * DAY) });
    expect(await rowOf(asked.id)).toMatchObject({ expiresAt: at(15 * DAY) });
  });

  it('of what does not live, or is another’s, makes nothing', async () => {
    const { id } = await make();
    await expect(rotateToken(deps, { tenantId: 'beta', actor: 'test', id })).rejects.toMatchObject({ code: 'not-found' });
    await revokeToken(deps, { ...acme, id });
    await expect(rotateToken(deps, { ...acme, id })).rejects.toMatchObject({ check: 'token/not-live' });
    expect(await store.keys.list('scim')).toHaveLength(1);
  });
});

describe('the last use', () => {
  it('is written down at most every five minutes', async () => {
    const { id, token } = await make();
    const used = async (ms: number) => {
      passed = ms;
      await authenticateToken(deps, token);
      return (await rowOf(id)).lastUsedAt;
    };
    expect(await used(MINUTE)).toEqual(at(MINUTE));
    expect(await used(4 * MINUTE)).toEqual(at(MINUTE));
    expect(await used(6 * MINUTE)).toEqual(at(MINUTE));
    expect(await used(6 * MINUTE + 1)).toEqual(at(6 * MINUTE + 1));
  });

  it('keeps nobody out where it cannot be written', async () => {
    const { token } = await make();
    const touch = () => Promise.reject(new Unavailable('read-only after a fail-over'));
    expect(await authenticateToken({ ...deps, store: { keys: { ...store.keys, touch } } }, token)).toMatchObject({ tenantId: 'acme' });
  });
});
