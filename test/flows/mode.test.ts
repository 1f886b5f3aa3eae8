/** From one mode to another, over a real store on both databases. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ModeRequest } from '../../src/core/mode.ts';
import type { Mode } from '../../src/core/model.ts';
import type { Tenant } from '../../src/core/tenant.ts';
import { changeMode, type ModeDeps } from '../../src/flows/mode.ts';
import { provision } from '../../src/flows/provision.ts';
import { createTenantRegistry } from '../../src/flows/tenants.ts';
import { authenticateToken, listTokens } from '../../src/flows/tokens.ts';
import { newId } from '../../src/lib/ids.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createVault } from '../../src/lib/secrets.ts';
import { createTurns } from '../../src/lib/turns.ts';
import type { Database } from '../../src/store/database.ts';
import type { DomainRow } from '../../src/store/domains.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore, type Store } from '../../src/store/store.ts';
import { assertion, makeTenant } from '../core/world.ts';
import { describeWith } from '../services.ts';
import { type Place, postgres, sqliteFile } from '../store/backends.ts';

const NOW = new Date('2026-01-02T03:04:05.678Z');

function tokenOf(change: object) {
  if (!('token' in change) || change.token === null) throw new Error('there is no token');
  return change.token as { token: string };
}

describe.each([sqliteFile, postgres])('on $name', (backend) => {
  describeWith(backend.needs, 'the mode of a tenant', () => {
    let place: Place;
    let database: Database;
    let store: Store;
    let deps: ModeDeps;
    let tenant: Tenant;
    /** What the domain's row says once it is proved. */
    let proof: Pick<DomainRow, 'held' | 'verifiedAt' | 'checkedAt'>;

    beforeEach(async () => {
      tenant = makeTenant([]);
      tenant = { ...tenant, connections: tenant.connections.map((connection) => ({ ...connection, enabled: true })) };
      place = await backend.make();
      database = await openDatabase(place.url);
      store = createStore(database);
      const tenants = createTenantRegistry({ store, parse: () => ({ ok: true, tenant }), log: silentLog });
      deps = { store, tenants, vault: createVault(randomBytes(32)), now: () => NOW, newId: () => newId(), turns: createTurns() };
      proof = { held: 'acme.example', verifiedAt: NOW, checkedAt: NOW };
    });
    afterEach(async () => {
      await database.close();
      await place.drop();
    });

    async function startIn(mode: Mode): Promise<void> {
      const entry = { id: 'j', tenantId: 'acme', at: NOW, actor: 'cli', cause: 'apply', action: null, resourceType: 'Tenant', resourceId: 'acme' };
      await store.tenants.create(
        {
          id: 'acme',
          mode,
          phase: mode === 'scim' ? 'live' : null,
          modeSince: NOW,
          modeBefore: null,
          seats: null,
          origin: 'file',
          fileDigest: '',
          brake: null,
          document: 'x',
          digest: 'd',
          revision: 1,
          mappingVersion: 1,
          createdAt: NOW,
          updatedAt: NOW,
        },
        { tenantId: 'acme', version: 1, digest: 'd', document: [], text: 'x', author: 'cli', comment: null, createdAt: NOW },
        { ...entry, outcome: 'SUCCESS', code: null, reference: null, mappingVersion: 1, detail: {} },
      );
      const row = { tenantId: 'acme', domain: 'acme.example', challenge: 'c', failure: null, createdAt: NOW };
      const line = { ...entry, outcome: 'SUCCESS' as const, code: null, reference: null, mappingVersion: null, detail: {} };
      await store.domains.add({ ...row, ...proof }, { ...line, id: 'd' });
      await deps.tenants.refresh();
    }
    const ask = (request: ModeRequest, confirm: string | null) =>
      changeMode(deps, { tenantId: 'acme', request, confirm, held: 'release', actor: 'test' });
    /** Shown, then confirmed, as an operator does it. */
    async function change(request: ModeRequest) {
      const shown = await ask(request, null);
      if (shown.kind !== 'to-confirm') return shown;
      const done = await ask(request, shown.consequences.confirm);
      if (done.kind !== 'done') throw new Error(`it was confirmed and is ${done.kind}`);
      return { ...done, from: done.consequences.from.mode, to: done.consequences.to.mode, tokensRevoked: done.consequences.tokensRevoked };
    }
    const stored = async () => (await store.tenants.get('acme'))!.mode;
    const lines = async () => (await store.journal.list('acme', { limit: 20 })).filter(({ cause }) => cause === 'mode');
    const signIn = (subject: string, title: string) =>
      provision(
        { store, tenants: deps.tenants, turns: createTurns(), now: () => NOW, newId: () => newId() },
        {
          live: { tenant, mode: 'jit', phase: null, seats: null, brake: null, revision: 1 },
          intent: assertion('sso', subject, { profile: { title } }),
          lookup: { by: 'assertion', source: 'connection:sso', subject, emailKey: `${subject}@acme.example` },
          actor: 'test',
          reference: null,
        },
      );

    it('goes between by hand and sign-in, and every change is in the journal', async () => {
      await startIn('jit');
      expect(await change('manual')).toMatchObject({ from: 'jit', to: 'manual', tokensRevoked: 0, token: null });
      expect(await stored()).toBe('manual');
      expect(await change('jit')).toMatchObject({ from: 'manual', to: 'jit' });
      expect((await lines()).map(({ actor, code }) => [actor, code])).toEqual([
        ['test', 'jit'],
        ['test', 'manual'],
      ]);
    });

    it('that it is in already is no change', async () => {
      await startIn('jit');
      expect(await change('jit')).toEqual({ kind: 'unchanged', state: { mode: 'jit', phase: null } });
      expect([(await store.tenants.get('acme'))!.revision, await lines()]).toEqual([1, []]);
    });

    it('scim comes with a first token, and leaving it ends every token at once', async () => {
      await startIn('jit');
      const entered = await change('scim');
      expect(entered).toMatchObject({ from: 'jit', to: 'scim', tokensRevoked: 0 });
      const { token } = tokenOf(entered);
      expect(await authenticateToken(deps, token)).toMatchObject({ tenantId: 'acme' });
      expect(await change('manual')).toMatchObject({ from: 'scim', to: 'manual', tokensRevoked: 1, token: null });
      expect(await authenticateToken(deps, token)).toBeNull();
      expect(tokenOf(await change('scim'))).not.toBeNull();
      expect((await listTokens(deps, 'acme')).map(({ state }) => state)).toEqual(['revoked', 'live']);
    });

    it('jit is refused while scim is on, and nothing changes', async () => {
      await startIn('jit');
      const { token } = tokenOf(await change('scim'));
      await expect(change('jit')).rejects.toMatchObject({
        code: 'mode-conflict',
        check: 'mode/jit-while-scim',
        message: expect.stringContaining('Cannot enable JIT provisioning while SCIM is active'),
      });
      expect(await stored()).toBe('scim');
      expect(await authenticateToken(deps, token)).not.toBeNull();
    });

    it('scim needs a way to sign in and a domain', async () => {
      const whole = tenant;
      tenant = { ...whole, connections: whole.connections.map((connection) => ({ ...connection, enabled: false })) };
      await startIn('manual');
      await expect(change('scim')).rejects.toMatchObject({ code: 'mode-conflict', check: 'mode/enabled-connection' });
      tenant = whole;
      await change('jit');
      const [row] = await store.domains.list('acme');
      await store.domains.checked({ ...row!, held: null, verifiedAt: null }, null);
      await expect(change('scim')).rejects.toMatchObject({ code: 'mode-conflict', check: 'mode/verified-domain' });
      expect([await stored(), await listTokens(deps, 'acme')]).toEqual(['jit', []]);
    });

    it('of a tenant that is not there is refused', async () => {
      await expect(ask('scim', null)).rejects.toMatchObject({ code: 'tenant-unknown' });
    });

    it('is not changed by whom somebody else was quicker than', async () => {
      await startIn('jit');
      const shown = await ask('scim', null);
      if (shown.kind !== 'to-confirm') throw new Error(shown.kind);
      await change('manual');
      await expect(ask('scim', shown.consequences.confirm)).rejects.toMatchObject({ code: 'mode-conflict', check: 'mode/confirmation-stale' });
      expect([await stored(), await listTokens(deps, 'acme')]).toEqual(['manual', []]);
    });

    it('of two who confirm the same at once one is refused', async () => {
      await startIn('jit');
      const shown = await ask('scim', null);
      if (shown.kind !== 'to-confirm') throw new Error(shown.kind);
      const both = await Promise.allSettled([1, 2].map(() => ask('scim', shown.consequences.confirm)));
      expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(await listTokens(deps, 'acme')).toHaveLength(1);
    });

    it('scim finds everybody by any value: who came before there was an index, and who has only in part been in it since', async () => {
      await startIn('jit');
      const people = Array.from({ length: 250 }, (_, i) => `p${i}`);
      for (const subject of people) await signIn(subject, 'Clerk');
      const { searchValue } = database.tables;
      await database.query.delete(searchValue);
      await signIn('p7', 'Director');
      const holding = async (attribute: string, value: string) =>
        (
          await store.search.users('acme', {
            where: { kind: 'compare', attribute, op: 'eq', value },
            sort: null,
            from: { offset: 0 },
            limit: 300,
            count: false,
          })
        ).people.map(({ user }) => user.userName);
      expect(await holding('title', 'clerk')).toEqual([]);
      expect(await holding('emails.value', 'p7@acme.example')).toEqual([]);
      await change('scim');
      expect(await holding('title', 'clerk')).toHaveLength(249);
      expect(await holding('title', 'director')).toEqual(['p7@acme.example']);
      expect(await holding('emails.value', 'p7@acme.example')).toEqual(['p7@acme.example']);
    });
  });
});
