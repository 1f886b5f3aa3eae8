import { type Apply, createApply } from './apply.ts';
import type { Database } from './database.ts';
import { createDomains, type Domains } from './domains.ts';
import { createExchanges, type Exchanges } from './exchanges.ts';
import { createGroups, type Groups } from './groups.ts';
import { createIdpMetadata, type IdpMetadata } from './idp-metadata.ts';
import { createJournal, type Journal } from './journal.ts';
import { createKeys, createVaultStore, type Keys, type VaultStore } from './keys.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { createPeople, type People } from './people.ts';
import { createPlatforms, type Platforms } from './platforms.ts';
import { createPublications, type Publications } from './publications.ts';
import { prepareReads } from './reads.ts';
import { createSearch, type Search } from './search.ts';
import { createTenants, type Tenants } from './tenants.ts';
import { createUpkeep, type Upkeep } from './upkeep.ts';

/** All readers and writers over one database. Hand a function the one it needs, not the bundle. */
export interface Store {
  people: People;
  apply: Apply;
  search: Search;
  groups: Groups;
  journal: Journal;
  exchanges: Exchanges;
  tenants: Tenants;
  publications: Publications;
  domains: Domains;
  outbox: Outbox;
  ledger: Ledger;
  platforms: Platforms;
  keys: Keys;
  vault: VaultStore;
  metadata: IdpMetadata;
  upkeep: Upkeep;
}

export const createStore = (db: Database): Store => ({
  people: createPeople(db),
  apply: createApply(db),
  search: createSearch(db, prepareReads(db).personsOf),
  groups: createGroups(db),
  journal: createJournal(db),
  exchanges: createExchanges(db),
  tenants: createTenants(db),
  publications: createPublications(db),
  domains: createDomains(db),
  outbox: createOutbox(db),
  ledger: createLedger(db),
  platforms: createPlatforms(db),
  keys: createKeys(db),
  vault: createVaultStore(db),
  metadata: createIdpMetadata(db),
  upkeep: createUpkeep(db),
});
