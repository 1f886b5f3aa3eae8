/** The signed-in learner: `GET /t/{tenant}/learning`, `GET …/me`, `POST …/logout`, and the page after signing out. */
import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Grant } from '../core/model.ts';
import { Refusal } from '../core/refusal.ts';
import { learningPage } from '../web/learning.ts';
import { signedOutPage } from '../web/sign-in.ts';
import { isOurForm } from './csrf.ts';
import { notAllowed, wantsJson } from './errors.ts';
import { exchangeOf } from './exchange.ts';
import { formReader } from './form.ts';
import { sendOn, sendPage } from './headers.ts';
import { tenantAt } from './place.ts';
import type { HttpDeps } from './server.ts';
import type { Sessions } from './session.ts';
import { askToSignIn, signedIn } from './signed-in.ts';

export function learnerRouter(deps: HttpDeps, sessions: Sessions): Router {
  const router = Router({ caseSensitive: true });
  const only = notAllowed('GET, HEAD');
  router.route('/t/:tenant/learning').get(sessions.middleware, learning(deps, sessions)).all(only);
  router.route('/t/:tenant/me').get(jsonOnly, sessions.middleware, me(deps, sessions)).all(jsonOnly, only);
  router.route('/t/:tenant/logout').post(sessions.middleware, logout(deps, sessions)).all(notAllowed('POST'));
  router.route('/t/:tenant/signed-out').get(signedOut(deps)).all(only);
  return router;
}

const jsonOnly: RequestHandler = (_req, res, next) => {
  exchangeOf(res).jsonOnly = true;
  next();
};

const learning =
  (deps: HttpDeps, sessions: Sessions) =>
  async (req: Request, res: Response): Promise<void> => {
    const here = await signedIn(deps, sessions, { req, res });
    if (!here) return askToSignIn(deps, { req, res, returnTo: null });
    const { tenant, session, state } = here;
    const page = learningPage({ tenant, user: state.user, learning: deps.learner.learning(tenant, state), csrf: session.csrf });
    sendPage(res, page, { formsTo: 'self' });
  };

const me =
  (deps: HttpDeps, sessions: Sessions) =>
  async (req: Request, res: Response): Promise<void> => {
    const here = await signedIn(deps, sessions, { req, res });
    if (!here) throw new Refusal('not-signed-in', 'session/none');
    const { id, userName, email, displayName, status, role, fields } = here.state.user;
    res.json({
      user: { id, userName, email, displayName, status, role, fields },
      enrolments: enrolmentsOf(here.state.grants),
      session: { connection: here.session.connectionId, since: new Date(here.session.since).toISOString() },
    });
  };

/** One per target, with every grant that holds it. A manual grant has no rule. */
function enrolmentsOf(grants: Grant[]) {
  const targets = [...new Set(grants.map(({ target }) => target))].sort();
  return targets.map((target) => ({
    target,
    grants: grants
      .filter((grant) => grant.target === target)
      .map(({ source, rule, since }) => ({ source, rule: rule === '' ? null : rule, since: since.toISOString() })),
  }));
}

/** Ends the session, if the request comes from a page of ours. Signing out twice is no mistake. */
function logout(deps: HttpDeps, sessions: Sessions) {
  const readForm = formReader({ limit: 4096, code: 'request-malformed', check: 'http/logout-form' });
  return async (req: Request, res: Response): Promise<void> => {
    const tenant = tenantAt(deps, req, res);
    const session = sessions.of(req);
    if (session?.tenantId === tenant.id) {
      const form = req.is('application/x-www-form-urlencoded') ? await readForm(req, res) : new Map<string, unknown>();
      if (!isOurForm(req, { token: form.get('csrf'), expected: session.csrf, baseUrl: deps.settings.baseUrl }))
        throw new Refusal('request-malformed', 'http/csrf');
      await sessions.end(req, res);
    }
    if (wantsJson(req, res)) res.status(204).end();
    else sendOn(res, `/t/${tenant.id}/signed-out`);
  };
}

const signedOut =
  (deps: HttpDeps) =>
  (req: Request, res: Response): void => {
    const tenant = tenantAt(deps, req, res);
    sendPage(res, signedOutPage({ tenantName: tenant.name, signInHref: `/t/${tenant.id}` }));
  };
