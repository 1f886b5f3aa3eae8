/** `Retry-After` (RFC 9110 §10.2.3): seconds, or a date. */

/** Nobody is made to wait longer, whatever the answer says. */
const LONGEST_MS = 24 * 3_600_000;

/** Milliseconds from now on, from 0 to a day; null where it says nothing that can be understood. */
export function retryAfterMs(headers: Headers, now: Date): number | null {
  const text = headers.get('retry-after')?.trim() ?? '';
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) - now.getTime() : Number.NaN;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), LONGEST_MS);
}
