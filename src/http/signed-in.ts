/** Who is signed in, for the routes that are a learner's own, and what somebody sees there who is not. */
import type { Request, Response } from 'express';
import type { UserState, UserStatus } from '../core/model.ts';
import { Refusal, type RefusalCode } from '../core/refusal.ts';
import type { Tenant } from '../core/tenant.ts';
import { chooserPage } from '../web/sign-in.ts';
import { wantsJson } from './errors.ts';
import { exchangeOf } from './exchange.ts';
import { sendPage } from './headers.ts';
import { tenantAt } from './place.ts';
import type { HttpDeps } from './server.ts';
import type { LearnerSession, Sessions } from './session.ts';
import { waysOf } from './sign-in.ts';

export interface SignedIn {
  tenant: Tenant;
  session: LearnerSession;
  state: UserState;
}

const BARRED: Record<Exclude<UserStatus, 'active'>, RefusalCode> = {
  locked: 'account-locked',
  suspended: 'account-suspended',
  deleted: 'account-deleted',
};

/**
 * Who is signed in here, read anew at every request. Null where nobody is; a session of another tenant is nobody's.
 * Who may not be here any more loses the session at once and gets a `Refusal`.
 */
export async function signedIn(deps: HttpDeps, sessions: Sessions, { req, res }: { req: Request; res: Response }): Promise<SignedIn | null> {
  const tenant = tenantAt(deps, req, res);
  const session = sessions.of(req);
  if (session?.tenantId !== tenant.id) return null;
  const connection = tenant.connections.find(({ id }) => id === session.connectionId);
  const state = connection?.enabled ? await deps.learner.read(tenant.id, session.userId) : null;
  if (connection?.enabled && state?.user.tenantId === tenant.id && state.user.status === 'active') return { tenant, session, state };
  await sessions.end(req, res);
  if (!connection?.enabled) throw new Refusal('connection-disabled', 'session/connection');
  const status = state?.user.status ?? 'deleted';
  throw new Refusal(BARRED[status === 'active' ? 'deleted' : status], 'session/user-status');
}

/** The chooser in the page's place: one step fewer than a page that says to sign in. `returnTo`: where the sign-in leads; null = its usual place. */
export function askToSignIn(deps: HttpDeps, { req, res, returnTo }: { req: Request; res: Response; returnTo: string | null }): void {
  const refusal = new Refusal('not-signed-in', 'session/none');
  if (wantsJson(req, res)) throw refusal;
  const tenant = tenantAt(deps, req, res);
  const exchange = exchangeOf(res);
  exchange.refused = { code: refusal.code, check: refusal.check };
  res.status(401);
  const ways = waysOf(tenant, { returnTo });
  const note = 'You are not signed in, or your session has ended.';
  sendPage(res, chooserPage({ tenantName: tenant.name, ways, note, reference: exchange.reference }));
}
