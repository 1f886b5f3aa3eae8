/**
 * http: Express, and nothing that decides. Owns routes, cookies, sessions, headers, rate limits and what a refusal looks like on the wire.
 * What a sign-in means is decided in flows, what a page says in web. Only app imports it; it imports core, lib, web, flows and kv.
 *
 * One router per surface; every request passes the same few stations, top to bottom of `createHttpApp`.
 */
import express, { type Express } from 'express';
import type { UserState } from '../core/model.ts';
import { Refusal } from '../core/refusal.ts';
import type { Connection, SamlConnection, Tenant } from '../core/tenant.ts';
import type { HandOffs } from '../flows/hand-off.ts';
import type { At, RequestContext, SignIn } from '../flows/signin.ts';
import type { Kv } from '../kv/kv.ts';
import type { Log } from '../lib/log.ts';
import type { RightOfWay } from '../lib/right-of-way.ts';
import type { Learning } from '../web/learning.ts';
import { type AdminReads, adminRouter } from './admin.ts';
import { answerErrors } from './errors.ts';
import { followRequests } from './exchange.ts';
import { handOffRouter } from './hand-off.ts';
import { addressesFromSettings, protectiveHeaders } from './headers.ts';
import { learnerRouter } from './learner.ts';
import { createLimits } from './limits.ts';
import { oidcRouter } from './oidc.ts';
import { operationRouter } from './operation.ts';
import { samlRouter } from './saml.ts';
import { type Directory, scimRouter } from './scim.ts';
import { createSessions } from './session.ts';
import { signInRouter } from './sign-in.ts';

/** The use-cases of a sign-in, and what surrounds them. */
export interface SignInFlows extends SignIn {
  /** Journals and logs a refusal; resolves even where that fails. */
  refused(refusal: Refusal, at: { tenant: Tenant | null; connection: Connection | null }, context: RequestContext): Promise<void>;
  samlMetadata(tenant: Tenant, connection: SamlConnection): Promise<string>;
}

export interface HttpSettings {
  /** The public address, without a path. The only source of addresses; the request's Host is none. */
  baseUrl: string;
  /** Whether the public address is https: `__Host-` cookies, Secure, HSTS. */
  secureCookies: boolean;
  sessionIdleMs: number;
  sessionAbsoluteMs: number;
  rateLimits: boolean;
  /** How many proxies stand before us. They decide the client's address and nothing else. */
  trustProxy: number;
  /** Signs the session cookie. */
  cookieSecret: string;
}

export interface HttpDeps {
  settings: HttpSettings;
  kv: Kv;
  log: Log;
  tenants: {
    get(id: string): { tenant: Tenant } | null;
    byDomain(domain: string): At[];
    problems(): { tenant: string; file: string; problems: string[] }[];
  };
  signIn: SignInFlows;
  learner: {
    read(tenantId: string, userId: string): Promise<UserState | null>;
    learning(tenant: Tenant, state: UserState): Learning;
  };
  handOffs: HandOffs;
  admin: AdminReads;
  directory: Directory;
  health: { ready(): Promise<{ ok: boolean; checks: Record<string, string> }> };
  clock: () => Date;
  /** Requests under way are noted here: what can wait gives way to them. */
  rightOfWay: Pick<RightOfWay, 'entered'>;
}

/** The whole gateway as one Express application. It does not listen. */
export function createHttpApp(deps: HttpDeps): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag').enable('case sensitive routing');
  app.set('trust proxy', deps.settings.trustProxy);
  addressesFromSettings(app, deps.settings);

  const sessions = createSessions(deps);
  const limits = createLimits(deps);

  app.use(followRequests(deps));
  app.use(protectiveHeaders(deps.settings));
  app.use(operationRouter(deps));
  app.use((_req, res, next) => {
    res.once('close', deps.rightOfWay.entered());
    next();
  });
  app.use('/api/v1/scim', scimRouter(deps));
  app.use('/api/v1', adminRouter(deps));
  app.use(signInRouter(deps, limits));
  app.use(samlRouter(deps, { sessions, limits }));
  app.use(oidcRouter(deps, { sessions, limits }));
  app.use(learnerRouter(deps, sessions));
  app.use(handOffRouter(deps, { sessions, limits }));
  app.use(() => {
    throw new Refusal('not-found', 'http/route');
  });
  app.use(answerErrors(deps));
  return app;
}
