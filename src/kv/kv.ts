/**
 * kv: short-lived, atomic values with a time to live: login attempts, replay memory, sessions, rate limits.
 * Owns the contract and its two implementations (database, redis). Holds nothing that must outlive its time to live.
 * Imports only lib and store/database; flows and http use it.
 */

/** Key spaces, so that no two uses can meet. */
export type Space = 'login' | 'replay' | 'session' | 'rate' | 'oidc-jti';

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
  /** Rejects when the store does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
