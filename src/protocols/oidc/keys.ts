/**
 * The provider's signing keys between sign-ins. openid-client selects the key and verifies; this decides when keys are fetched:
 * every five minutes, and at once when a token names a key that is not there (rotation), but only so often that nobody can make us hammer a provider.
 */
import type { CustomFetch, ExportedJWKSCache } from 'openid-client';
import { Refusal } from '../../core/refusal.ts';
import { isJsonObject, parseJsonObject } from './json.ts';

const FRESH_MS = 300_000;
/** While the provider's keys cannot be fetched, the last ones are good for this long, and the next try comes after a minute. */
const LAST_GOOD_MS = 3_600_000;
const RETRY_MS = 60_000;
/** At most this many early fetches per minute. */
const EARLY_FETCHES = 3;
const EARLY_WINDOW_MS = 60_000;
/** openid-client asks again for an unknown key when its copy is at least this old, in seconds. The pace is ours, so its copy always is. */
const LIBRARY_COOLDOWN_S = 60;

export interface KeySet {
  /** What to give openid-client before it verifies; undefined lets it ask. */
  cached(now: Date): ExportedJWKSCache | undefined;
  /** Answers openid-client's request for the keys. */
  answer(now: Date, load: () => ReturnType<CustomFetch>): Promise<Response>;
}

export function createKeySet(): KeySet {
  let held: { text: string; at: number; freshUntil: number } | null = null;
  let pending: Promise<string> | null = null;
  let early: number[] = [];

  const isFresh = (now: number) => held !== null && now < held.freshUntil;

  const load = async (now: number, fetchKeys: () => ReturnType<CustomFetch>): Promise<string> => {
    const wasFresh = isFresh(now);
    try {
      const text = await readKeys(await fetchKeys());
      held = { text, at: now, freshUntil: now + FRESH_MS };
      return text;
    } catch (error) {
      if (wasFresh || !held || now - held.at >= LAST_GOOD_MS || !(error instanceof Refusal)) throw error;
      held.freshUntil = now + RETRY_MS;
      return held.text;
    } finally {
      pending = null;
    }
  };

  /** Counts an early fetch and says whether it is still within the pace. */
  const mayFetchEarly = (now: number): boolean => {
    early = early.filter((at) => now - at < EARLY_WINDOW_MS);
    if (early.length >= EARLY_FETCHES) return false;
    early.push(now);
    return true;
  };

  const current = (now: number, fetchKeys: () => ReturnType<CustomFetch>): Promise<string> => {
    if (!pending && held && isFresh(now) && !mayFetchEarly(now)) return Promise.resolve(held.text);
    pending ??= load(now, fetchKeys);
    return pending;
  };

  return {
    cached(now) {
      if (!held || !isFresh(now.getTime())) return undefined;
      return { jwks: JSON.parse(held.text), uat: Math.floor(Date.now() / 1000) - LIBRARY_COOLDOWN_S };
    },
    async answer(now, fetchKeys) {
      return new Response(await current(now.getTime(), fetchKeys), { status: 200, headers: { 'content-type': 'application/json' } });
    },
  };
}

async function readKeys(response: Response): Promise<string> {
  if (response.status !== 200) throw new Refusal('provider-unreachable', 'oidc/fetch-status', `keys: ${response.status}`);
  const text = await response.text();
  const { keys } = parseJsonObject(text, 'key set');
  if (!Array.isArray(keys) || !keys.every(isJsonObject)) throw new Refusal('message-malformed', 'oidc/key-set', 'the key set is no list of keys');
  return text;
}
