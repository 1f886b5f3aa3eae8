/**
 * The cookie that ties a login attempt to the browser that began it. One per attempt, named after the attempt's handle,
 * so that several tabs can sign in at once and none overwrites another's.
 *
 * SAML answers with a POST from the provider's site. A Lax cookie stays away from that, so over https the cookie of a SAML attempt is SameSite=None.
 * Over plain http on loopback browsers refuse None (it needs Secure); there a provider on another port is the same site, so Lax comes along.
 */
import type { Request, Response } from 'express';
import type { Connection } from '../core/tenant.ts';

/** More attempts than this are not under way in one browser: the oldest are given up, so that cookies cannot pile up. */
const KEPT = 8;
const HANDLE = /^[\w-]{16,128}$/;

export interface FlowCookies {
  /** Remembers the attempt in this browser. `ttlMs`: how long the attempt lives. */
  set(req: Request, res: Response, flow: { handle: string; ttlMs: number; secret: string; protocol: Connection['protocol'] }): void;
  /** The browser's secret for the attempt that a message names, or null. The handle comes from outside and may be anything. */
  read(req: Request, handle: unknown): string | null;
  /** The attempt is over. */
  clear(res: Response, handle: unknown, protocol: Connection['protocol']): void;
}

export function createFlowCookies({ secureCookies }: { secureCookies: boolean }): FlowCookies {
  const prefix = secureCookies ? '__Host-mf-' : 'mf-';
  const nameOf = (handle: unknown): string | null => (typeof handle === 'string' && HANDLE.test(handle) ? `${prefix}${handle.slice(0, 16)}` : null);
  const options = (protocol: Connection['protocol']) =>
    ({ path: '/', httpOnly: true, secure: secureCookies, sameSite: secureCookies && protocol === 'saml' ? 'none' : 'lax' }) as const;

  return {
    set(req, res, { handle, ttlMs, secret, protocol }) {
      const name = nameOf(handle);
      if (name === null) throw new Error('a login attempt has a handle that no cookie can be named after');
      // Browsers list older cookies first (RFC 6265 §5.4), so the front of the list is given up.
      const others = [...cookiesOf(req).keys()].filter((other) => other.startsWith(prefix) && other !== name);
      for (const old of others.slice(0, Math.max(0, others.length - (KEPT - 1)))) res.clearCookie(old, options(protocol));
      res.cookie(name, secret, { ...options(protocol), maxAge: ttlMs });
    },
    read(req, handle) {
      const name = nameOf(handle);
      return name === null ? null : (cookiesOf(req).get(name) ?? null);
    },
    clear(res, handle, protocol) {
      const name = nameOf(handle);
      if (name !== null) res.clearCookie(name, options(protocol));
    },
  };
}

/** The request's cookies by name; of several with one name the first counts (RFC 6265 §5.4). Values of ours need no decoding. */
function cookiesOf(req: Request): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of (req.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at).trim();
    if (at > 0 && /^[\w-]+$/.test(name) && !cookies.has(name)) cookies.set(name, pair.slice(at + 1).trim());
  }
  return cookies;
}
