/**
 * Rate limits, counted in kv so that all nodes share them. They keep one address from working the gateway hard, and are never shared between addresses:
 * no count exists that a stranger could fill up for a tenant. Generous, because a whole company may sit behind one address.
 */
import { isIPv6 } from 'node:net';
import type { Response } from 'express';
import { Refusal } from '../core/refusal.ts';
import { exchangeOf } from './exchange.ts';
import type { HttpDeps } from './server.ts';

const WINDOW_MS = 60_000;

/** Requests a minute, from one address to one connection; `refused` counts those that were refused, and limits only how many of them are journalled. */
export const LIMITS = { email: 120, start: 600, acs: 600, callback: 600, refused: 60 } as const;

export interface Limits {
  /** Counts this request. Throws `Refusal` `rate-limited` beyond the limit, with Retry-After set; rejects where kv is away. */
  spend(surface: Exclude<keyof typeof LIMITS, 'refused'>, res: Response): Promise<void>;
  /** Counts a refusal of this request and says whether it is still to be journalled: a stranger cannot fill the journal. Yes, where kv is away. */
  mayRecord(res: Response): Promise<boolean>;
}

export function createLimits({ kv, settings }: Pick<HttpDeps, 'kv' | 'settings'>): Limits {
  const count = (surface: keyof typeof LIMITS, res: Response) => {
    const { ip, tenant, connection } = exchangeOf(res);
    // Names that do not exist share one count: made-up names cannot make counts without end.
    const place = tenant && connection ? `${tenant.id}/${connection.id}` : '-';
    return kv.increment('rate', `${surface} ${place} ${networkOf(ip)}`, WINDOW_MS);
  };
  return {
    async spend(surface, res) {
      if (!settings.rateLimits) return;
      const { count: spent, resetInMs } = await count(surface, res);
      if (spent <= LIMITS[surface]) return;
      res.setHeader('Retry-After', String(Math.max(1, Math.ceil(resetInMs / 1000))));
      throw new Refusal('rate-limited', `limit/${surface}`);
    },
    async mayRecord(res) {
      if (!settings.rateLimits) return true;
      return count('refused', res).then(
        ({ count: refused }) => refused <= LIMITS.refused,
        () => true,
      );
    },
  };
}

/** Whom an address stands for: an IPv4 address for itself, an IPv6 address for its /64, which one subscriber has whole. */
export function networkOf(ip: string): string {
  const bare = ip.replace(/%.*$/, '').toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare);
  if (mapped) return mapped[1]!;
  if (!isIPv6(bare)) return bare;
  const [head = '', tail] = bare.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? front : [...front, ...Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0'), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
