/**
 * kv: short-lived, atomic values with a time to live: login attempts, replay memory, sessions, rate limits.
 * Owns the contract and its two implementations (database, redis). Holds nothing that must outlive its time to live.
 * Imports only lib and store/database; flows and http use it.
 */

import { createHash } from 'node:crypto';

/** Key spaces, so that no two uses can meet. */
export type Space = 'login' | 'replay' | 'session' | 'rate' | 'oidc-jti' | 'sweep' | 'removals';

/** Every function may reject with `KvUnavailable`; then it is unknown whether a write was done. */
export interface Kv {
  /** The value, or null when it was never set, was deleted or has run out. */
  get(space: Space, key: string): Promise<string | null>;
  /** Set or replace. `ttlMs` > 0, milliseconds from now. */
  set(space: Space, key: string, value: string, ttlMs: number): Promise<void>;
  /** Set only where nothing live is there; of any number of simultaneous calls exactly one gets true. */
  add(space: Space, key: string, value: string, ttlMs: number): Promise<boolean>;
  /** Read and delete in one step; of any number of simultaneous calls at most one gets the value. */
  take(space: Space, key: string): Promise<string | null>;
  delete(space: Space, key: string): Promise<void>;
  /** Count up from 1; the window starts with the first call and lasts `ttlMs`. */
  increment(space: Space, key: string, ttlMs: number): Promise<{ count: number; resetInMs: number }>;
  /**
   * A bucket of permits: `burst` at once, and one more after every `intervalMs` (whole milliseconds, GCRA). 0 = one was taken; else nothing was, and so
   * many milliseconds later there may be one.
   */
  spend(space: Space, key: string, bucket: { intervalMs: number; burst: number }): Promise<number>;
  /** Rejects when the store does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The store of short-lived values is away. Surfaces answer 503; it recovers by itself. */
export class KvUnavailable extends Error {
  override readonly name = 'KvUnavailable';
}

/**
 * The key as implementations store it, SHA-256 in base64url. Keys come from outside (session ids, RelayState, assertion ids): hashed they
 * are of one length, free of what a database cannot hold, and a copy of the store holds no session id that anyone could use.
 */
export const storedKey = (key: string): string => createHash('sha256').update(key).digest('base64url');
