/** reset: when a platform that counts calls wants to be asked again. */
import { retryAfterMs } from '../retry-after.ts';

/** Where it does not say. */
const USUAL_MS = 60_000;
const SHORTEST_MS = 1000;
const LONGEST_MS = 15 * 60_000;
/** Thinkific's own documents say an epoch, newer ones say milliseconds; above this it can only be those. */
const MILLISECONDS_FROM = 1e10;
/** September 2001: what is smaller is no moment, but a while from now. */
const EPOCH_FROM = 1e9;

/** Milliseconds from `now`, between a second and a quarter of an hour, from `RateLimit-Reset` and `Retry-After`; the later of them where both are there. */
export function retryAfterOf(headers: Headers, now: Date): number {
  const told = [resetIn(headers.get('ratelimit-reset'), now), retryAfterMs(headers, now)].filter((one) => one !== null);
  return told.length > 0 ? bounded(Math.max(...told)) : USUAL_MS;
}

/** The same from a moment in ISO 8601, as GraphQL names it. */
export function untilMoment(moment: unknown, now: Date): number {
  const at = typeof moment === 'string' ? Date.parse(moment) : Number.NaN;
  return Number.isNaN(at) ? USUAL_MS : bounded(at - now.getTime());
}

const bounded = (ms: number): number => Math.min(Math.max(Math.ceil(ms), SHORTEST_MS), LONGEST_MS);

function resetIn(header: string | null, now: Date): number | null {
  const value = numberIn(header);
  if (value === null) return null;
  if (value > MILLISECONDS_FROM) return value - now.getTime();
  if (value >= EPOCH_FROM) return value * 1000 - now.getTime();
  // No window lasts longer than the longest wait: a greater number counts milliseconds.
  return value * 1000 <= LONGEST_MS ? value * 1000 : value;
}

const numberIn = (header: string | null): number | null => (header !== null && /^\s*\d{1,16}(\.\d+)?\s*$/.test(header) ? Number(header) : null);
