/** The last step of every sign-in, whichever the protocol: from a finished flow to a session; and the record of those that were refused. */
import type { Request, RequestHandler, Response } from 'express';
import { Refusal, type RefusalCode } from '../core/refusal.ts';
import type { Arrival, At } from '../flows/signin.ts';
import { contextOf, exchangeOf } from './exchange.ts';
import { createFlowCookies } from './flow-cookies.ts';
import { sendOn } from './headers.ts';
import type { Limits } from './limits.ts';
import type { HttpDeps } from './server.ts';
import type { Sessions } from './session.ts';

/** The message did not hold, so the attempt it names may still be finished by the real one: its cookie stays. */
const ATTEMPT_LIVES = new Set<RefusalCode>([
  'message-malformed',
  'message-forged',
  'message-expired',
  'message-misdirected',
  'login-unknown',
  'unsolicited',
  'provider-unreachable',
]);

/** Finishes a sign-in: `finish` gets the secret that this browser keeps for the attempt that `handle` names. */
export type Arrive = (
  exchange: { req: Request; res: Response; at: At; handle: unknown },
  finish: (browserSecret: string | null) => Promise<Arrival>,
) => Promise<void>;

export function createArrivals({ settings }: Pick<HttpDeps, 'settings'>, sessions: Sessions): Arrive {
  const cookies = createFlowCookies(settings);
  return async ({ req, res, at: { tenant, connection }, handle }, finish) => {
    try {
      const arrival = await finish(cookies.read(req, handle));
      if (arrival.tenantId !== tenant.id || arrival.connectionId !== connection.id)
        throw new Error('a sign-in arrived at another place than it was sent to');
      await sessions.begin(req, arrival);
      cookies.clear(res, handle, connection.protocol);
      sendOn(res, arrival.returnTo);
    } catch (error) {
      if (error instanceof Refusal && !ATTEMPT_LIVES.has(error.code)) cookies.clear(res, handle, connection.protocol);
      throw error;
    }
  };
}

/**
 * A handler of a sign-in route whose refusals are journalled, before they become an answer. Those of a rate limit are not, nor more of one address
 * than `LIMITS.refused`: they would let a stranger fill the journal. Of these the log has a line with code, check and reference.
 */
export const recorded =
  ({ signIn }: Pick<HttpDeps, 'signIn'>, limits: Limits, handler: (req: Request, res: Response) => Promise<void>): RequestHandler =>
  async (req, res) => {
    try {
      await handler(req, res);
    } catch (error) {
      if (error instanceof Refusal && error.code !== 'rate-limited' && (await limits.mayRecord(res))) {
        const { tenant, connection } = exchangeOf(res);
        await signIn.refused(error, { tenant, connection }, contextOf(res));
      }
      throw error;
    }
  };
