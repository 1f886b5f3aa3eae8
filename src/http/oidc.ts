/** OpenID Connect on the wire: `GET /t/{tenant}/oidc/{connection}/callback`. What an answer is worth is decided in protocols/oidc. */
import { type Request, type Response, Router } from 'express';
import { createArrivals, recorded } from './arrive.ts';
import { notAllowed } from './errors.ts';
import { contextOf } from './exchange.ts';
import type { Limits } from './limits.ts';
import { connectionAt } from './place.ts';
import type { HttpDeps } from './server.ts';
import type { Sessions } from './session.ts';
import { counted } from './sign-in.ts';

export function oidcRouter(deps: HttpDeps, { sessions, limits }: { sessions: Sessions; limits: Limits }): Router {
  const router = Router({ caseSensitive: true });
  router
    .route('/t/:tenant/oidc/:connection/callback')
    .get(sessions.middleware, recorded(deps, limits, receive(deps, { sessions, limits })))
    .all(notAllowed('GET, HEAD'));
  return router;
}

/** The query goes on as it came; read here is only which attempt it names, to find that attempt's cookie. */
function receive(deps: HttpDeps, { sessions, limits }: { sessions: Sessions; limits: Limits }) {
  const arrive = createArrivals(deps, sessions);
  return async (req: Request, res: Response): Promise<void> => {
    const at = await counted(limits, res, 'callback', () => connectionAt(deps, { req, res, protocol: 'oidc' }));
    const query = rawQuery(req);
    const states = new URLSearchParams(query).getAll('state');
    const state = states.length === 1 && states[0] ? states[0] : null;
    await arrive({ req, res, at, handle: state }, (browserSecret) => deps.signIn.finishOidc({ ...at, query, state, browserSecret }, contextOf(res)));
  };
}

/** The request's query string as it was sent, without the question mark. */
function rawQuery({ originalUrl }: Request): string {
  const mark = originalUrl.indexOf('?');
  return mark === -1 ? '' : originalUrl.slice(mark + 1);
}
