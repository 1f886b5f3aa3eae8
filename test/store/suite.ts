/** What any backend of the store promises. Called once per backend by conformance.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore, type Store } from '../../src/store/store.ts';
import { describeWith } from '../services.ts';
import type { Backend, Place } from './backends.ts';
import { applyPromises } from './suite-apply.ts';
import { exchangesPromises, journalPromises, keysPromises, syncLogPromises, tenantsPromises, tokensPromises } from './suite-books.ts';
import { boundPromises } from './suite-bound.ts';
import { groupsPromises } from './suite-groups.ts';
import { ledgerPromises } from './suite-ledger.ts';
import { outboxPromises } from './suite-outbox.ts';
import { peoplePromises } from './suite-people.ts';
import { platformsPromises } from './suite-platforms.ts';
import { searchPromises } from './suite-search.ts';
import { togetherPromises } from './suite-together.ts';

export interface World {
  db: Database;
  store: Store;
  url: string;
}

export function storeSuite(backend: Backend): void {
  describeWith(backend.needs, `the store on ${backend.name}`, () => {
    let place: Place;
    const world = {} as World;
    beforeAll(async () => {
      place = await backend.make();
      world.url = place.url;
      world.db = await openDatabase(place.url);
      world.store = createStore(world.db);
    });
    afterAll(async () => {
      await world.db?.close();
      await place?.drop();
    });

    it('answers a ping', async () => {
      await expect(world.db.ping()).resolves.toBeUndefined();
    });
    describe('people', () => peoplePromises(world));
    describe('apply', () => applyPromises(world));
    describe('plans applied together', () => togetherPromises(world));
    describe('search', () => searchPromises(world));
    describe('outbox', () => outboxPromises(world));
    describe('ledger', () => ledgerPromises(world));
    describe('platforms', () => platformsPromises(world));
    describe('groups', () => groupsPromises(world));
    describe('journal', () => journalPromises(world));
    describe('sync log', () => syncLogPromises(world));
    describe('exchanges', () => exchangesPromises(world));
    describe('tenants', () => tenantsPromises(world));
    describe('keys, vault and metadata', () => keysPromises(world));
    describe('tokens of directories', () => tokensPromises(world));
    describe('bound to a tenant', () => boundPromises(world));
  });
}
