import { type Apply, createApply } from './apply.ts';
import type { Database } from './database.ts';
import { createIdpMetadata, type IdpMetadata } from './idp-metadata.ts';
import { createJournal, type Journal } from './journal.ts';
import { createKeys, createVaultStore, type Keys, type VaultStore } from './keys.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { createPeople, type People } from './people.ts';
import { createTenants, type Tenants } from './tenants.ts';

/** All readers and writers over one database. Hand a function the one it needs, not the bundle. */
export interface Store {
  people: People;
  apply: Apply;
  journal: Journal;
  tenants: Tenants;
  outbox: Outbox;
  keys: Keys;
  vault: VaultStore;
  metadata: IdpMetadata;
}

export const createStore = (db: Database): Store => ({
  people: createPeople(db),
  apply: createApply(db),
  journal: createJournal(db),
  tenants: createTenants(db),
  outbox: createOutbox(db),
  keys: createKeys(db),
  vault: createVaultStore(db),
  metadata: createIdpMetadata(db),
});
