/** What an administrator reads through the API, and how a bearer key is known. Keys are stored as keyed hashes only. */
import type { User } from '../core/model.ts';
import { foldKey } from '../core/profile.ts';
import { randomToken, type Vault } from '../lib/secrets.ts';
import type { Store } from '../store/store.ts';

export interface AdminDeps {
  store: Pick<Store, 'keys' | 'people' | 'journal'>;
  vault: Vault;
  now: () => Date;
  newId: () => string;
}

export interface KeyHolder {
  keyId: string;
  prefix: string;
  /** Null: every tenant. */
  tenantId: string | null;
}

const PREFIX = 'mk_';
const HOUR = 3_600_000;

/** The key itself is returned once, here, and nowhere else. `expiresAt` null: until revoked. */
export async function createKey(
  { store, vault, now, newId }: AdminDeps,
  request: { name: string; tenantId: string | null; expiresAt: Date | null },
): Promise<{ key: string; id: string; prefix: string }> {
  const key = PREFIX + randomToken(32);
  const prefix = key.slice(0, PREFIX.length + 6);
  const id = newId();
  await store.keys.create({ id, ...request, prefix, hash: vault.keyedHash(key, 'api-key'), createdAt: now(), revokedAt: null, lastUsedAt: null });
  return { key, id, prefix };
}

/** Null for anything but a live key; one look-up by keyed hash, whatever was sent. */
export async function authenticate({ store, vault, now }: AdminDeps, bearer: string): Promise<KeyHolder | null> {
  if (bearer.length > 200 || !bearer.startsWith(PREFIX)) return null;
  const row = await store.keys.byHash(vault.keyedHash(bearer, 'api-key'));
  const moment = now();
  if (!row || row.revokedAt !== null || (row.expiresAt !== null && row.expiresAt <= moment)) return null;
  if (row.lastUsedAt === null || moment.getTime() - row.lastUsedAt.getTime() > HOUR) await store.keys.touch(row.id, moment);
  return { keyId: row.id, prefix: row.prefix, tenantId: row.tenantId };
}

/** By id, userName or e-mail. */
export async function findUser(deps: Pick<AdminDeps, 'store'>, tenantId: string, term: string): Promise<User | null> {
  return deps.store.people.find(tenantId, term.includes('@') ? foldKey(term) : term);
}
