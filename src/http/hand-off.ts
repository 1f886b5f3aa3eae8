/** Into the learning platform: `GET /t/{tenant}/go` (the tenant's first hand-off), `GET /t/{tenant}/go/{id}`, and its public keys, `GET …/jwks.json`. */
import { type Request, type Response, Router } from 'express';
import { Refusal } from '../core/refusal.ts';
import type { Tenant } from '../core/tenant.ts';
import { handOffAddress, handOffAt } from '../flows/hand-off-place.ts';
import { goingPage, preparingPage } from '../web/preparing.ts';
import { notAllowed } from './errors.ts';
import { contextOf, exchangeOf } from './exchange.ts';
import { sendOn, sendPage } from './headers.ts';
import type { Limits } from './limits.ts';
import { tenantAt } from './place.ts';
import type { HttpDeps } from './server.ts';
import type { Sessions } from './session.ts';
import { once } from './sign-in.ts';
import { askToSignIn, signedIn } from './signed-in.ts';

/** How long a learner's own delivery is waited for before the page that waits instead. */
const WAIT_MS = 1500;
/** After this the page says that it takes longer than usual. */
const LONG_SECONDS = 60;

export function handOffRouter(deps: HttpDeps, { sessions, limits }: { sessions: Sessions; limits: Limits }): Router {
  const router = Router({ caseSensitive: true });
  const only = notAllowed('GET, HEAD');
  router.route('/t/:tenant/go').get(sessions.middleware, go(deps, { sessions, limits })).all(only);
  router.route('/t/:tenant/go/:handOff').get(sessions.middleware, go(deps, { sessions, limits })).all(only);
  router.route('/t/:tenant/go/:handOff/jwks.json').get(keySet(deps)).all(only);
  return router;
}

/** What was asked for, raw but for the hand-off, which is there. */
interface Asked {
  handOffId: string | null;
  returnTo: string | null;
  sso: string | null;
  sig: string | null;
}

function askedOf(req: Request, tenant: Tenant): Asked {
  const named = req.params['handOff'];
  const handOffId = typeof named === 'string' ? named : null;
  handOffAt(tenant, handOffId);
  return { handOffId, returnTo: once(req, 'return_to'), sso: once(req, 'sso'), sig: once(req, 'sig') };
}

/** This very address, so that a forum's question is still there after the sign-in. */
const addressOf = (tenant: Tenant, { handOffId, returnTo, sso, sig }: Asked, since: string | null = null): string =>
  handOffAddress(tenant.id, handOffId, { return_to: returnTo, sso, sig, since });

function go(deps: HttpDeps, { sessions, limits }: { sessions: Sessions; limits: Limits }) {
  return async (req: Request, res: Response): Promise<void> => {
    const tenant = tenantAt(deps, req, res);
    const asked = askedOf(req, tenant);
    const here = await signedIn(deps, sessions, { req, res });
    if (!here) return askToSignIn(deps, { req, res, returnTo: addressOf(tenant, asked) });
    exchangeOf(res).connection = tenant.connections.find(({ id }) => id === here.session.connectionId) ?? null;
    const step = await noted(deps, { limits, res }, () => deps.handOffs.begin({ tenant, state: here.state, ...asked, waitMs: WAIT_MS }));
    const handOffName = handOffAt(tenant, asked.handOffId)?.name ?? tenant.name;
    if (step.kind === 'redirect') sendOn(res, step.url);
    else if (step.kind === 'form')
      sendPage(res, goingPage({ tenantName: tenant.name, handOffName, url: step.url, fields: step.fields }), {
        formsTo: new URL(step.url),
        script: true,
      });
    else {
      const { since, long } = waiting(req, deps.clock());
      const again = addressOf(tenant, asked, since);
      sendPage(res, preparingPage({ tenant, handOffName, again, long, reference: exchangeOf(res).reference }));
    }
  };
}

/** Since when this browser waits, in seconds since 1970; the address carries it, and it decides nothing but words. */
function waiting(req: Request, at: Date): { since: string; long: boolean } {
  const now = Math.floor(at.getTime() / 1000);
  const said = Number(once(req, 'since') ?? now);
  const since = Number.isSafeInteger(said) && said > 0 && said <= now ? said : now;
  return { since: String(since), long: now - since >= LONG_SECONDS };
}

/** A learner who is refused has a reference to tell: it is journalled, as a refused sign-in is. */
async function noted<T>(deps: HttpDeps, { limits, res }: { limits: Limits; res: Response }, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal && (await limits.mayRecord(res))) {
      const { tenant, connection } = exchangeOf(res);
      await deps.signIn.refused(error, { tenant, connection }, contextOf(res));
    }
    throw error;
  }
}

/** Public, and the same for everybody; receivers may keep it a little. */
const keySet =
  (deps: HttpDeps) =>
  async (req: Request, res: Response): Promise<void> => {
    exchangeOf(res).jsonOnly = true;
    const tenant = tenantAt(deps, req, res);
    const keys = await deps.handOffs.keySet(tenant, String(req.params['handOff']));
    res.setHeader('Cache-Control', 'public, max-age=300');
    res.type('application/jwk-set+json').send(JSON.stringify(keys));
  };
