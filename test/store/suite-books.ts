import { beforeAll, expect, it } from '@jest/globals';
import type { Mode } from '../../src/core/model.ts';
import { Conflict } from '../../src/store/database.ts';
import { KEPT, type ScimExchangeRow } from '../../src/store/exchanges.ts';
import type { JournalEntry } from '../../src/store/journal.ts';
import type { ApiKeyRow, VaultRow } from '../../src/store/keys.ts';
import { entry, later, mapping, NOW, publication, signIn, tenantRow } from './makers.ts';
import type { World } from './suite.ts';

export function journalPromises(world: World): void {
  const tenantId = 'books';
  const lines = Array.from({ length: 7 }, (_, i) =>
    // Two share one moment: the id decides between them.
    entry(`b${i}`, {
      tenantId,
      at: later(Math.floor(i / 2) * 1000),
      resourceId: `u${i % 2}`,
      outcome: i === 3 ? 'FAILED' : 'SUCCESS',
      reference: i === 3 ? 'REF-3' : null,
      code: i === 3 ? 'account-locked' : null,
      mappingVersion: i === 3 ? null : 2,
    }),
  );
  beforeAll(async () => {
    for (const line of lines) await world.store.journal.append(line);
    await world.store.journal.append(entry('other', { tenantId: 'other', reference: 'REF-3', resourceId: 'u1' }));
  });
  const ids = async (filter: object, tenant = tenantId) => (await world.store.journal.list(tenant, { limit: 50, ...filter })).map((e) => e.id);

  it('a line comes back as it was written, the newest first', async () => {
    expect(await world.store.journal.list(tenantId, { limit: 50 })).toEqual(lines.toReversed());
  });

  it('lines are found by resource, outcome, reference and time', async () => {
    expect(await ids({ resourceId: 'u1' })).toEqual(['b5', 'b3', 'b1']);
    expect(await ids({ outcome: 'FAILED' })).toEqual(['b3']);
    expect(await ids({ reference: 'REF-3' })).toEqual(['b3']);
    expect(await ids({ since: later(2000) })).toEqual(['b6', 'b5', 'b4']);
    expect(await ids({ resourceId: 'u1', since: later(2000), outcome: 'SUCCESS' })).toEqual(['b5']);
  });

  it('pages go through every line once', async () => {
    const seen: string[] = [];
    for (let before: string | undefined; ; before = seen.at(-1)) {
      const page = await ids({ limit: 2, ...(before === undefined ? {} : { before }) });
      if (page.length === 0) break;
      seen.push(...page);
    }
    expect(seen).toEqual(lines.map((e) => e.id).reverse());
  });

  it('no line of another tenant is found, not even from its own ids', async () => {
    expect(await ids({}, 'other')).not.toEqual(expect.arrayContaining(['b3']));
    expect(await ids({ reference: 'REF-3' }, 'other')).toEqual(['other']);
    expect(await ids({ before: 'b6' }, 'other')).toEqual([]);
  });

  it('a line is never written twice', async () => {
    await expect(world.store.journal.append(lines[0]!)).rejects.toBeInstanceOf(Conflict);
  });

  it('a refused sign-in is in both logs or in none', async () => {
    const { journal } = world.store;
    const failed = signIn('s1', {
      tenantId,
      outcome: 'FAILED',
      code: 'message-replayed',
      check: 'saml/replay',
      userId: null,
      connectionId: null,
      reference: 'REF-9',
    });
    await journal.refused(entry('r1', { tenantId, outcome: 'FAILED', reference: 'REF-9' }), failed);
    expect(await ids({ reference: 'REF-9' })).toEqual(['r1']);
    expect(await journal.signIns(tenantId, { reference: 'REF-9', limit: 5 })).toEqual([failed]);
    await expect(journal.refused(entry('r2', { tenantId }), failed)).rejects.toBeInstanceOf(Conflict);
    expect(await ids({})).not.toContain('r2');
  });

  it('sign-ins are found by user, newest first, and only in their tenant', async () => {
    const { journal } = world.store;
    for (let i = 0; i < 3; i++) await journal.appendSignIn(signIn(`in${i}`, { tenantId, userId: 'ada', at: later(i) }));
    await journal.appendSignIn(signIn('in-other', { tenantId: 'other', userId: 'ada' }));
    expect((await journal.signIns(tenantId, { userId: 'ada', limit: 2 })).map((s) => s.id)).toEqual(['in2', 'in1']);
    expect((await journal.signIns('other', { userId: 'ada', limit: 9 })).map((s) => s.id)).toEqual(['in-other']);
    expect(await journal.signIns('other', { reference: 'REF-9', limit: 9 })).toEqual([]);
  });
}

export function syncLogPromises(world: World): void {
  const tenantId = 'sync';
  const make = (id: string, over: Partial<JournalEntry>) => entry(id, { tenantId, resourceType: 'User', ...over });
  const lines = [
    make('s0', { cause: 'resource', action: 'CREATE', resourceId: 'u1' }),
    make('s1', { cause: 'group', action: 'UPDATE', resourceId: 'u1', at: later(1000) }),
    make('s2', { cause: 'assertion', resourceId: 'u1', at: later(1000) }),
    make('s3', { cause: 'resource', action: 'UPDATE', resourceId: 'u2', outcome: 'SKIPPED', at: later(1000) }),
    make('s4', { cause: 'group', action: 'CREATE', resourceId: 'g1', resourceType: 'Group', at: later(2000) }),
    make('s5', { cause: 'token', resourceType: 'Token', at: later(2000) }),
    make('s6', { cause: 'resource', action: 'DELETE', resourceId: 'u1', outcome: 'FAILED', reference: 'REF-S', code: 'uniqueness', at: later(3000) }),
    make('s7', { cause: 'group', action: 'UPDATE', resourceId: 'u2', at: later(3000) }),
  ];
  beforeAll(async () => {
    for (const line of lines) await world.store.journal.append(line);
    await world.store.journal.append(entry('sync-other', { tenantId: 'sync-other', cause: 'resource', resourceId: 'u1', reference: 'REF-S' }));
  });
  const ids = async (filter: object, tenant = tenantId) => (await world.store.journal.syncLog(tenant, { limit: 50, ...filter })).map(({ id }) => id);

  it('holds what the directory did to people and groups, the newest first, and nothing else', async () => {
    expect(await ids({})).toEqual(['s7', 's6', 's4', 's3', 's1', 's0']);
    expect(await world.store.journal.syncLog(tenantId, { limit: 1, action: 'DELETE' })).toEqual([lines[6]]);
  });

  it('is narrowed by what was asked, how it came out, of what, and when', async () => {
    expect(await ids({ action: 'CREATE' })).toEqual(['s4', 's0']);
    expect(await ids({ outcome: 'SKIPPED' })).toEqual(['s3']);
    expect(await ids({ resourceType: 'Group' })).toEqual(['s4']);
    expect(await ids({ resourceId: 'u1' })).toEqual(['s6', 's1', 's0']);
    expect(await ids({ reference: 'REF-S' })).toEqual(['s6']);
    expect(await ids({ since: later(1000), until: later(2000) })).toEqual(['s4', 's3', 's1']);
    expect(await ids({ resourceId: 'u1', action: 'UPDATE', since: later(1) })).toEqual(['s1']);
  });

  it('is paged through every line once, of both causes and in any narrowing', async () => {
    for (const filter of [{}, { resourceId: 'u1' }, { since: NOW, until: later(9000) }]) {
      const seen: string[] = [];
      for (let before: string | undefined; ; before = seen.at(-1)) {
        const page = await ids({ ...filter, limit: 2, ...(before === undefined ? {} : { before }) });
        if (page.length === 0) break;
        seen.push(...page);
      }
      expect(seen).toEqual(await ids(filter));
    }
  });

  it('shows no line of another tenant, and finds nothing by text that no row can hold', async () => {
    expect(await ids({}, 'sync-other')).toEqual(['sync-other']);
    expect(await ids({ before: 's7' }, 'sync-other')).toEqual([]);
    expect(await ids({ resourceId: 'u1\0' })).toEqual([]);
  });
}

export function exchangesPromises(world: World): void {
  const exchange = (n: number, over: Partial<ScimExchangeRow> = {}): ScimExchangeRow => ({
    id: `x${String(n).padStart(5, '0')}`,
    tenantId: 'doctor',
    at: later(n),
    token: 'scim:ms_abc',
    method: 'PATCH',
    path: '/Users/1?filter=%22a%22',
    client: 'Okta',
    dialect: 'PATCH with paths',
    status: 200,
    ms: 3,
    reference: `REF-${n}`,
    request: { Operations: [{ op: 'replace', value: [true, null, 'ä'] }] },
    answer: null,
    warnings: n === 0 ? ['answered as done, and nothing changed'] : [],
    ...over,
  });

  it('come back as they were, the newest first, of their tenant only', async () => {
    const { exchanges } = world.store;
    await exchanges.append([exchange(0), exchange(1), exchange(2, { tenantId: 'doctor-other' })]);
    expect(await exchanges.list('doctor', 9)).toEqual([exchange(1), exchange(0)]);
    expect(await exchanges.list('doctor', 1)).toHaveLength(1);
    expect((await exchanges.list('doctor-other', 9)).map(({ id }) => id)).toEqual(['x00002']);
    await exchanges.append([]);
  });

  it('make room: the newest stay, and no other tenant loses one', async () => {
    const { exchanges } = world.store;
    for (let from = 10; from < 10 + KEPT + 30; from += 40) await exchanges.append(Array.from({ length: 40 }, (_, i) => exchange(from + i)));
    const kept = await exchanges.list('doctor', 1000);
    expect(kept).toHaveLength(KEPT);
    expect(kept[0]!.id).toBe('x00249');
    expect(kept.at(-1)!.id).toBe('x00050');
    expect(await exchanges.list('doctor-other', 9)).toHaveLength(1);
  });
}

export function tenantsPromises(world: World): void {
  const create = (id: string) => world.store.tenants.create(tenantRow(id), mapping(id, 1), entry(`t-${id}`, { tenantId: id }));
  const change = (id: string, expectRevision: number, version: number | null) =>
    world.store.tenants.update(
      {
        id,
        expectRevision,
        document: `rev ${expectRevision + 1}`,
        digest: 'd',
        origin: 'edit',
        fileDigest: 'f',
        mapping: version === null ? null : mapping(id, version),
        publication: publication(id, expectRevision + 1, { startedAt: later(5), updatedAt: later(5) }),
        now: later(5),
      },
      entry(`t-${id}-${expectRevision}-${version}`, { tenantId: id }),
    );

  it('a tenant is created with its first mapping and its journal entry, once', async () => {
    await create('t1');
    expect(await world.store.tenants.get('t1')).toEqual(tenantRow('t1'));
    expect(await world.store.tenants.mapping('t1', 1)).toEqual(mapping('t1', 1));
    expect(await world.store.journal.list('t1', { limit: 5 })).toHaveLength(1);
    await expect(create('t1')).rejects.toBeInstanceOf(Conflict);
    expect(await world.store.tenants.get('unknown')).toBeNull();
  });

  it('every change moves the revision; new rules are a new version, and the old one stays', async () => {
    await create('t2');
    await change('t2', 1, 2);
    expect(await world.store.tenants.get('t2')).toEqual(
      tenantRow('t2', { revision: 2, document: 'rev 2', digest: 'd', origin: 'edit', fileDigest: 'f', mappingVersion: 2, updatedAt: later(5) }),
    );
    await change('t2', 2, null);
    expect(await world.store.tenants.get('t2')).toMatchObject({ revision: 3, mappingVersion: 2 });
    expect(await world.store.tenants.mappingVersions('t2', 5)).toEqual([mapping('t2', 2), mapping('t2', 1)]);
    expect(await world.store.tenants.mappingVersions('t2', 1)).toEqual([mapping('t2', 2)]);
  });

  it('a change of an old revision is refused whole', async () => {
    await create('t3');
    await change('t3', 1, null);
    await expect(change('t3', 1, 2)).rejects.toBeInstanceOf(Conflict);
    expect(await world.store.tenants.get('t3')).toMatchObject({ revision: 2, mappingVersion: 1 });
    expect(await world.store.tenants.mapping('t3', 2)).toBeNull();
    expect(await world.store.journal.list('t3', { limit: 5 })).toHaveLength(2);
  });

  it('all tenants and their revisions are listed by id', async () => {
    expect((await world.store.tenants.list()).map((t) => t.id)).toEqual(['t1', 't2', 't3']);
    expect(await world.store.tenants.revisions()).toEqual([
      { id: 't1', revision: 1 },
      { id: 't2', revision: 3 },
      { id: 't3', revision: 2 },
    ]);
  });

  it('one tenant sees no mapping of another', async () => {
    expect(await world.store.tenants.mapping('t1', 2)).toBeNull();
    expect((await world.store.tenants.mappingVersions('t1', 5)).map((m) => m.tenantId)).toEqual(['t1']);
  });
}

const key = (id: string, over: Partial<ApiKeyRow> = {}): ApiKeyRow => ({
  kind: 'api',
  id,
  tenantId: null,
  name: 'ci',
  prefix: 'mk_abc',
  hash: `hash-${id}`,
  createdAt: NOW,
  expiresAt: later(9),
  revokedAt: null,
  lastUsedAt: null,
  ...over,
});

/** Tokens of directories: what is done to them is in the journal, in the same transaction. */
export function tokensPromises(world: World): void {
  const token = (id: string, over: Partial<ApiKeyRow> = {}) => key(id, { kind: 'scim', tenantId: 'tok', expiresAt: null, ...over });
  const lines = async (tenantId = 'tok') => (await world.store.journal.list(tenantId, { limit: 50 })).map(({ id }) => id).sort();
  const line = (id: string, tenantId = 'tok') => entry(id, { tenantId, cause: 'token', resourceType: 'Token' });

  it('are listed by kind and tenant, and made with their line or not at all', async () => {
    const { keys } = world.store;
    await keys.create(token('tok1'), line('tl1'));
    await keys.create(token('tok2', { createdAt: later(1) }), line('tl2'));
    await keys.create(token('tok-other', { tenantId: 'tok-other' }), line('tl-other', 'tok-other'));
    await expect(keys.create(token('tok3', { hash: 'hash-tok1' }), line('tl3'))).rejects.toBeInstanceOf(Conflict);
    expect((await keys.list('scim', 'tok')).map(({ id }) => id)).toEqual(['tok1', 'tok2']);
    expect((await keys.list('api')).map(({ id }) => id)).not.toContain('tok1');
    expect(await keys.get('tok1')).toEqual(token('tok1'));
    expect(await lines()).toEqual(['tl1', 'tl2']);
  });

  it('are rotated: both live, the old one until then and never longer than it was to', async () => {
    const { keys } = world.store;
    await keys.rotate(token('tok4'), { id: 'tok1', ends: later(5000) }, line('tl4'));
    expect(await keys.get('tok1')).toMatchObject({ expiresAt: later(5000), revokedAt: null });
    await keys.rotate(token('tok5'), { id: 'tok1', ends: later(9000) }, line('tl5'));
    expect(await keys.get('tok1')).toMatchObject({ expiresAt: later(5000) });
    await keys.rotate(token('tok6'), { id: 'tok1', ends: later(10) }, line('tl6'));
    expect(await keys.get('tok1')).toMatchObject({ expiresAt: later(10) });
    await expect(keys.rotate(token('tok4'), { id: 'tok2', ends: later(1) }, line('tl7'))).rejects.toBeInstanceOf(Conflict);
    expect(await keys.get('tok2')).toMatchObject({ expiresAt: null });
    expect(await lines()).toEqual(['tl1', 'tl2', 'tl4', 'tl5', 'tl6']);
  });

  it('end with the mode, all of the tenant at once, and where the revision has moved nothing ends', async () => {
    const { keys, tenants } = world.store;
    await tenants.create(tenantRow('tok', { mode: 'scim' }), mapping('tok', 1), entry('tm0', { tenantId: 'tok' }));
    await keys.revoke('tok2', later(3), line('tl8'));
    const set = (mode: Mode, expectRevision: number, revokeTokens: boolean, held: { changes: number; newest: Date | null } | null = null) =>
      tenants.setMode(
        { id: 'tok', expectRevision, mode, phase: null, modeSince: later(50), modeBefore: null, revokeTokens, held, now: later(50) },
        entry(`tm-${mode}-${expectRevision}`, { tenantId: 'tok' }),
      );
    await expect(set('manual', 7, true)).rejects.toBeInstanceOf(Conflict);
    expect(await keys.get('tok4')).toMatchObject({ revokedAt: null });
    await set('manual', 1, true, { changes: 0, newest: null });
    expect(await tenants.get('tok')).toMatchObject({ mode: 'manual', revision: 2, updatedAt: later(50), document: tenantRow('tok').document });
    for (const { id, revokedAt } of await keys.list('scim', 'tok')) expect([id, revokedAt]).toEqual([id, later(id === 'tok2' ? 3 : 50)]);
    expect(await keys.get('tok-other')).toMatchObject({ revokedAt: null });
    await keys.create(token('tok7'), line('tl9'));
    await set('jit', 2, false);
    expect(await keys.get('tok7')).toMatchObject({ revokedAt: null });
    expect(await lines()).toEqual(expect.arrayContaining(['tl8', 'tm-jit-2', 'tm-manual-1']));
    expect(await lines()).not.toContain('tm-manual-7');
  });
}

export function keysPromises(world: World): void {
  it('a key is found by its hash only, and a hash is there once', async () => {
    const { keys } = world.store;
    await keys.create(key('k1'));
    await keys.create(key('k2', { tenantId: 't1', expiresAt: null, createdAt: later(1) }));
    expect(await keys.byHash('hash-k1')).toEqual(key('k1'));
    expect(await keys.byHash('k1')).toBeNull();
    await expect(keys.create(key('k3', { hash: 'hash-k1' }))).rejects.toBeInstanceOf(Conflict);
    expect((await keys.list('api')).map((k) => k.id)).toEqual(['k1', 'k2']);
  });

  it('a revoked key stays revoked since the first time', async () => {
    const { keys } = world.store;
    await keys.revoke('k1', later(10));
    await keys.revoke('k1', later(20));
    await keys.touch('k2', later(30));
    expect(await keys.byHash('hash-k1')).toMatchObject({ revokedAt: later(10), lastUsedAt: null });
    expect(await keys.byHash('hash-k2')).toMatchObject({ revokedAt: null, lastUsedAt: later(30) });
  });

  it('of key pairs made at the same time one stays, and everyone gets that one', async () => {
    const pair = (n: number): VaultRow => ({
      tenantId: 't1',
      purpose: 'saml-signing',
      sealed: `sealed-${n}`,
      public: `public-${n}`,
      createdAt: later(n),
    });
    const got = await Promise.all(Array.from({ length: 8 }, (_, n) => world.store.vault.putIfAbsent(pair(n))));
    expect(new Set(got.map((row) => row.public)).size).toBe(1);
    expect(await world.store.vault.get('t1', 'saml-signing')).toEqual(got[0]);
    expect(await world.store.vault.get('t2', 'saml-signing')).toBeNull();
    expect(await world.store.vault.get('t1', 'oidc')).toBeNull();
  });

  it('the last good metadata is kept per connection, and an older copy never replaces it', async () => {
    const { metadata } = world.store;
    const copy = (over: object) => ({
      tenantId: 't1',
      connectionId: 'okta',
      url: 'https://idp/metadata',
      xml: '<a/>',
      fetchedAt: later(10),
      validUntil: null,
      ...over,
    });
    await metadata.put(copy({}));
    await metadata.put(copy({ xml: '<new/>', fetchedAt: later(20), validUntil: later(99) }));
    await metadata.put(copy({ xml: '<old/>', fetchedAt: later(5) }));
    expect(await metadata.get('t1', 'okta')).toEqual(copy({ xml: '<new/>', fetchedAt: later(20), validUntil: later(99) }));
    expect(await metadata.get('t2', 'okta')).toBeNull();
    expect(await metadata.get('t1', 'entra')).toBeNull();
  });
}
