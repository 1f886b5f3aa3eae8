/** A login attempt: what the gateway remembers between sending a browser to its provider and its coming back. Lives in kv, is used once. */
import { createHash } from 'node:crypto';
import { Refusal } from '../core/refusal.ts';
import type { Connection, Tenant } from '../core/tenant.ts';
import type { Kv } from '../kv/kv.ts';
import { randomToken, safeEqual } from '../lib/secrets.ts';

export interface LoginAttempt {
  tenantId: string;
  connectionId: string;
  /** SHA-256 of the secret in the browser's flow cookie. */
  browser: string;
  /** SAML: the AuthnRequest's ID. OIDC: the nonce. */
  requestId: string;
  codeVerifier: string;
  /** A place that was allowed when the attempt began; null = the tenant's own page. */
  returnTo: string | null;
  finished: boolean;
}

/** Milliseconds that a person has to sign in at the provider. */
export const ATTEMPT_MS = 15 * 60_000;

/** How many bytes SAML's RelayState may have at the least is 80 (Bindings §3.4.3); this handle has 43. */
export async function beginAttempt(kv: Kv, attempt: Omit<LoginAttempt, 'finished' | 'browser'> & { browserSecret: string }): Promise<string> {
  const handle = randomToken(32);
  const { browserSecret, ...rest } = attempt;
  await kv.set('login', handle, JSON.stringify({ ...rest, browser: hashOf(browserSecret), finished: false } satisfies LoginAttempt), ATTEMPT_MS);
  return handle;
}

/** The attempt behind a handle, for this browser and this connection only. Throws `Refusal`. Does not use it up. */
export async function findAttempt(
  kv: Kv,
  handle: string,
  at: { tenant: Tenant; connection: Connection; browserSecret: string | null },
): Promise<LoginAttempt> {
  const attempt = await readAttempt(kv, handle);
  if (!attempt) throw new Refusal('login-unknown', 'flow/unknown', 'no login attempt has this handle, or it has run out');
  if (attempt.tenantId !== at.tenant.id || attempt.connectionId !== at.connection.id) throw new Refusal('login-unknown', 'flow/other-connection');
  // Before the cookie, which is gone by then: whoever goes back or reloads is told what happened. It lets nobody in.
  if (attempt.finished) throw new Refusal('message-replayed', 'flow/finished', 'this login attempt was finished before');
  if (at.browserSecret === null) throw new Refusal('login-unknown', 'flow/no-cookie', 'the browser did not bring the cookie of this attempt');
  if (!safeEqual(attempt.browser, hashOf(at.browserSecret))) throw new Refusal('login-unknown', 'flow/other-browser');
  return attempt;
}

/** Of any number of simultaneous calls exactly one returns; the others throw `Refusal`. The handle stays known as finished until it runs out. */
export async function finishAttempt(kv: Kv, handle: string): Promise<void> {
  const won = await kv.take('login', handle);
  if (won === null || (JSON.parse(won) as LoginAttempt).finished) {
    if (won !== null) await kv.set('login', handle, won, ATTEMPT_MS);
    throw new Refusal('message-replayed', 'flow/finished', 'this login attempt was finished before');
  }
  await kv.set('login', handle, JSON.stringify({ ...(JSON.parse(won) as LoginAttempt), finished: true }), ATTEMPT_MS);
}

/** Whether the handle is one of ours at all; what is not ours may still be an unsolicited response's own RelayState. */
export async function readAttempt(kv: Kv, handle: string): Promise<LoginAttempt | null> {
  const found = /^[\w-]{20,64}$/.test(handle) ? await kv.get('login', handle) : null;
  return found === null ? null : (JSON.parse(found) as LoginAttempt);
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');
