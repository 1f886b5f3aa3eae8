/** SAML on the wire: `GET /t/{tenant}/saml/{connection}/metadata` and `POST …/acs`. What a response is worth is decided in protocols/saml. */
import { type Request, type Response, Router } from 'express';
import { Refusal } from '../core/refusal.ts';
import { createArrivals, recorded } from './arrive.ts';
import { notAllowed } from './errors.ts';
import { contextOf } from './exchange.ts';
import { formReader } from './form.ts';
import type { Limits } from './limits.ts';
import { connectionAt } from './place.ts';
import type { HttpDeps } from './server.ts';
import type { Sessions } from './session.ts';
import { counted } from './sign-in.ts';

/** 256 kB of XML in base64, percent-encoded, with line breaks: at most about 405 kB, and the RelayState. */
const ACS_BODY_BYTES = 416 * 1024;

export function samlRouter(deps: HttpDeps, { sessions, limits }: { sessions: Sessions; limits: Limits }): Router {
  const router = Router({ caseSensitive: true });
  router.route('/t/:tenant/saml/:connection/metadata').get(metadata(deps)).all(notAllowed('GET, HEAD'));
  router
    .route('/t/:tenant/saml/:connection/acs')
    .post(sessions.middleware, recorded(deps, limits, consume(deps, { sessions, limits })))
    .all(notAllowed('POST'));
  return router;
}

const metadata =
  (deps: HttpDeps) =>
  async (req: Request, res: Response): Promise<void> => {
    const { tenant, connection } = connectionAt(deps, { req, res, protocol: 'saml' });
    res.type('application/samlmetadata+xml').send(await deps.signIn.samlMetadata(tenant, connection));
  };

/** The assertion consumer service: exactly one SAMLResponse, at most one RelayState, nothing decoded here. */
function consume(deps: HttpDeps, { sessions, limits }: { sessions: Sessions; limits: Limits }) {
  const readForm = formReader({ limit: ACS_BODY_BYTES, code: 'message-malformed', check: 'saml/form' });
  const arrive = createArrivals(deps, sessions);
  return async (req: Request, res: Response): Promise<void> => {
    const at = await counted(limits, res, 'acs', () => connectionAt(deps, { req, res, protocol: 'saml' }));
    const form = await readForm(req, res);
    const samlResponse = form.get('SAMLResponse');
    const relayState = form.get('RelayState');
    if (typeof samlResponse !== 'string') throw new Refusal('message-malformed', 'saml/parameter', 'not exactly one SAMLResponse');
    if (relayState !== undefined && typeof relayState !== 'string')
      throw new Refusal('message-malformed', 'saml/parameter', 'more than one RelayState');
    await arrive({ req, res, at, handle: relayState }, (browserSecret) =>
      deps.signIn.finishSaml({ ...at, samlResponse, relayState: relayState ?? null, browserSecret }, contextOf(res)),
    );
  };
}
