/** Headers on every answer, and the content policy of each page. */
import type { Express, RequestHandler, Response } from 'express';
import helmet from 'helmet';

/** Nothing in a request's Host or X-Forwarded-* may move an address or a cookie: what Express would read there is answered from the settings. */
export function addressesFromSettings(app: Express, { baseUrl, secureCookies }: { baseUrl: string; secureCookies: boolean }): void {
  const { protocol, host, hostname } = new URL(baseUrl);
  const fixed = { protocol: protocol.slice(0, -1), host, hostname, secure: secureCookies, subdomains: [] };
  for (const [name, value] of Object.entries(fixed)) Object.defineProperty(app.request, name, { value, configurable: true });
}

/** What is the same everywhere. The content policy is the strictest there is until a page sets its own. */
export function protectiveHeaders({ secureCookies }: { secureCookies: boolean }): RequestHandler {
  const guard = helmet({
    contentSecurityPolicy: false,
    strictTransportSecurity: secureCookies && { maxAge: 63_072_000, includeSubDomains: false },
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
    crossOriginOpenerPolicy: false, // a platform may open the sign-in in a window of its own and wait for it
  });
  return (req, res, next) => {
    res.setHeader('Cache-Control', 'no-store');
    res.setHeader('Content-Security-Policy', "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    guard(req, res, next);
  };
}

/** What a page may do beyond showing itself. */
export interface PagePolicy {
  /** Where its forms go: ourselves, or one address elsewhere, of which the origin counts. Default: nowhere. */
  formsTo?: 'self' | URL;
  /** Whether it loads our one script. */
  script?: boolean;
}

/**
 * Sends a page. A page with forms to ourselves keeps its referrer within the origin: under `no-referrer` browsers send
 * `Origin: null` with a form, and the sign-out could not tell our own page from a stranger's.
 */
export function sendPage(res: Response, page: string, { formsTo, script = false }: PagePolicy = {}): void {
  const forms = formsTo === undefined ? "'none'" : formsTo === 'self' ? "'self'" : formsTo.origin;
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    ...(script ? ["script-src 'self'"] : []),
    `form-action ${forms}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  res.setHeader('Content-Security-Policy', policy.join('; '));
  if (formsTo === 'self') res.setHeader('Referrer-Policy', 'same-origin');
  res.type('html').send(page);
}

/** A redirect with nothing but its address. Express would read and rewrite the address, which is finished already. 303 after a form, 302 after a link. */
export function sendOn(res: Response, address: string, status: 302 | 303 = 303): void {
  res.status(status).setHeader('Location', address).end();
}
