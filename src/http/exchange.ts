/** What is known of a request while it is answered: its reference, whose place it is at, how it ended. One log line per request is made from it. */
import { randomBytes } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { Connection, Tenant } from '../core/tenant.ts';
import type { RequestContext } from '../flows/signin.ts';
import type { Log } from '../lib/log.ts';

export interface Exchange extends RequestContext {
  tenant: Tenant | null;
  connection: Connection | null;
  /** Why it was refused, for the log line. */
  refused: { code: string; check: string } | null;
  /** The route has no page: whatever the client would rather have, it gets JSON. */
  jsonOnly: boolean;
  /** What the log line says of the place, where the route's own pattern says too little. */
  route: string | null;
  /** Has been logged often enough of late: no line. */
  quiet: boolean;
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'; // no I, L, O, U: it is read out on the telephone

/** Ten characters, 50 random bits. */
export function newReference(): string {
  const code = Array.from(randomBytes(10), (byte) => CROCKFORD[byte & 31]).join('');
  return `${code.slice(0, 4)}-${code.slice(4, 8)}-${code.slice(8)}`;
}

export const exchangeOf = (res: Response): Exchange => res.locals['exchange'] as Exchange;

/** What flows need to know of the request. */
export const contextOf = (res: Response): RequestContext => {
  const { reference, ip } = exchangeOf(res);
  return { reference, ip };
};

/**
 * Gives every request its exchange and, when it is over, its log line. The route's pattern is logged, never the address itself:
 * queries carry codes and e-mails, and a path that matches nothing may hold anything.
 */
export const followRequests =
  ({ log }: { log: Log }): RequestHandler =>
  (req, res, next) => {
    const started = performance.now();
    const exchange: Exchange = {
      reference: newReference(),
      ip: req.ip ?? 'unknown',
      tenant: null,
      connection: null,
      refused: null,
      jsonOnly: false,
      quiet: false,
      route: null,
    };
    res.locals['exchange'] = exchange;
    res.setHeader('X-Request-Reference', exchange.reference);
    res.once('close', () => {
      if (exchange.quiet) return;
      const line = {
        method: req.method,
        route: exchange.route ?? routeOf(req),
        status: res.statusCode,
        ms: Math.round(performance.now() - started),
        reference: exchange.reference,
        ...(exchange.tenant && { tenant: exchange.tenant.id }),
        ...(exchange.connection && { connection: exchange.connection.id }),
        ...exchange.refused,
        ...(!res.writableFinished && { aborted: true }),
      };
      if (res.statusCode >= 500) log.warn(line, 'request');
      else log.info(line, 'request');
    });
    next();
  };

const routeOf = (req: Request): string => (req.route ? `${req.baseUrl}${String((req.route as { path: unknown }).path)}` : 'unmatched');
