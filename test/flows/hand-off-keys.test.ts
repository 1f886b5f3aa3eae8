/** The gateway's own keys for hand-offs: one pair, whoever needs it first, whose private half nobody can read in the database. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { compactVerify, importJWK, SignJWT } from 'jose';
import type { SignedHandOff } from '../../src/core/tenant.ts';
import { createHandOffKeys } from '../../src/flows/hand-off-keys.ts';
import { createVault } from '../../src/lib/secrets.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore } from '../../src/store/store.ts';
import { describeWith } from '../services.ts';
import { type Place, postgres, sqliteFile } from '../store/backends.ts';

const NOW = new Date('2026-05-04T09:30:00.000Z');
/** What keys are made by; the rest of a hand-off is none of their business. */
const handOff = (id: string, algorithm: SignedHandOff['algorithm'] = 'ES256') => ({ id, algorithm }) as SignedHandOff;

for (const backend of [sqliteFile, postgres]) {
  describeWith(backend.needs, `keys of hand-offs on ${backend.name}`, () => {
    let place: Place;
    let databases: Database[];
    beforeAll(async () => {
      place = await backend.make();
      databases = [await openDatabase(place.url), await openDatabase(place.url)];
    });
    afterAll(async () => {
      for (const database of databases) await database.close();
      await place.drop();
    });
    /** As a process that has just started; two of them on connections of their own. */
    const node = (which: 0 | 1, secret = 7) =>
      createHandOffKeys({ store: createStore(databases[which]!), vault: createVault(Buffer.alloc(32, secret)), now: () => NOW });

    it.each(['RS256', 'ES256'] as const)('two nodes that need a first %s key at the same moment have the same', async (algorithm) => {
      const id = algorithm.toLowerCase();
      const [one, other] = await Promise.all([0, 1].map((which) => node(which as 0 | 1).of('acme', handOff(id, algorithm))));
      expect(one!.published).toEqual(other!.published);
      const token = await new SignJWT({}).setProtectedHeader({ alg: algorithm }).sign(one!.key);
      const { protectedHeader } = await compactVerify(token, await importJWK(other!.published, algorithm));
      expect(protectedHeader.alg).toBe(algorithm);
    });

    it('a process that comes later finds it', async () => {
      const { kid } = await node(0).of('acme', handOff('desk'));
      expect((await node(1).of('acme', handOff('desk'))).kid).toBe(kid);
    });

    it('each tenant, hand-off and algorithm has its own', async () => {
      const all = [
        await node(0).of('acme', handOff('desk')),
        await node(0).of('acme', handOff('other')),
        await node(0).of('beta', handOff('desk')),
        await node(0).of('acme', handOff('desk', 'RS256')),
      ];
      expect(new Set(all.map(({ kid }) => kid)).size).toBe(all.length);
    });

    it('its private half is sealed, and opens with no other secret', async () => {
      await node(0).of('acme', handOff('sealed'));
      const row = (await createStore(databases[0]!).vault.get('acme', 'hand-off/sealed/ES256'))!;
      expect(row.sealed).toMatch(/^v1\./);
      expect(Object.keys(JSON.parse(row.public)).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
      await expect(node(0, 8).of('acme', handOff('sealed'))).rejects.toMatchObject({ name: 'SecretError' });
    });
  });
}
