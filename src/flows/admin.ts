/** What an administrator reads through the API, and how a bearer key is known. Keys are stored as keyed hashes only. */
import type { User } from '../core/model.ts';
import { foldKey } from '../core/profile.ts';
import { randomToken, safeEqual, type Vault } from '../lib/secrets.ts';
import { Unavailable } from '../store/database.ts';
import type { ApiKeyRow } from '../store/keys.ts';
import type { Store } from '../store/store.ts';

export interface AdminDeps {
  store: Pick<Store, 'keys'>;
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

/** What a kind of bearer key begins with, what its hash is for, and how often its last use is written down: not at every request. */
const KINDS = {
  api: { prefix: 'mk_', purpose: 'api-key', touchMs: 3_600_000 },
  scim: { prefix: 'ms_', purpose: 'scim-token', touchMs: 300_000 },
} as const;
export type KeyKind = keyof typeof KINDS;

/** 256 random bits; what is stored of them is the keyed hash and the first characters, by which people tell keys apart. */
export function makeKey({ vault }: Pick<AdminDeps, 'vault'>, kind: KeyKind): { key: string; prefix: string; hash: string } {
  const { prefix, purpose } = KINDS[kind];
  const key = prefix + randomToken(32);
  return { key, prefix: key.slice(0, prefix.length + 6), hash: vault.keyedHash(key, purpose) };
}

/** The row of a live key; null for anything else. One look-up by keyed hash, whatever was sent. */
export async function liveKey(
  { store, vault, now }: Pick<AdminDeps, 'store' | 'vault' | 'now'>,
  kind: KeyKind,
  bearer: string,
): Promise<ApiKeyRow | null> {
  const { prefix, purpose, touchMs } = KINDS[kind];
  if (bearer.length > 200) return null;
  const hash = vault.keyedHash(bearer, purpose);
  const row = await store.keys.byHash(hash);
  const moment = now();
  const known = row !== null && safeEqual(row.hash, hash) && row.kind === kind && bearer.startsWith(prefix);
  if (!known || row.revokedAt !== null || (row.expiresAt !== null && row.expiresAt <= moment)) return null;
  if (row.lastUsedAt === null || moment.getTime() - row.lastUsedAt.getTime() > touchMs) await noteUse(store, row, moment);
  return row;
}

/** A key that holds opens the door, even where its use cannot be written down just now. */
async function noteUse(store: Pick<Store, 'keys'>, { id }: ApiKeyRow, moment: Date): Promise<void> {
  try {
    await store.keys.touch(id, moment);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
  }
}

/** The key itself is returned once, here, and nowhere else. `expiresAt` null: until revoked. */
export async function createKey(
  { store, vault, now, newId }: AdminDeps,
  request: { name: string; tenantId: string | null; expiresAt: Date | null },
): Promise<{ key: string; id: string; prefix: string }> {
  const { key, prefix, hash } = makeKey({ vault }, 'api');
  const id = newId();
  await store.keys.create({ id, kind: 'api', ...request, prefix, hash, createdAt: now(), revokedAt: null, lastUsedAt: null });
  return { key, id, prefix };
}

/** Null for anything but a live key. */
export async function authenticate(deps: AdminDeps, bearer: string): Promise<KeyHolder | null> {
  const row = await liveKey(deps, 'api', bearer);
  return row && { keyId: row.id, prefix: row.prefix, tenantId: row.tenantId };
}

/** By id, userName or e-mail. */
export async function findUser(deps: { store: Pick<Store, 'people'> }, tenantId: string, term: string): Promise<User | null> {
  return deps.store.people.find(tenantId, term.includes('@') ? foldKey(term) : term);
}
