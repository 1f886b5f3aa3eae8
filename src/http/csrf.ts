/** Whether a request that changes something comes from a page of ours. Two locks: where the browser says it comes from, and a token that only our page knows. */
import type { Request } from 'express';
import { safeEqual } from '../lib/secrets.ts';

/**
 * A browser that names another origin is refused, whatever else it brings. After that the session's token decides; without a token
 * (a script of ours, no form) the browser must have named our own origin, which no other site can make it do.
 */
export function isOurForm(req: Request, { token, expected, baseUrl }: { token: unknown; expected: string; baseUrl: string }): boolean {
  const { origin, 'sec-fetch-site': site } = req.headers;
  if (site !== undefined && site !== 'same-origin') return false;
  if (origin !== undefined && origin !== new URL(baseUrl).origin) return false;
  if (token === undefined) return origin !== undefined;
  return typeof token === 'string' && safeEqual(token, expected);
}
