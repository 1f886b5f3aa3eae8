/** The way in: `GET` and `POST /` (e-mail first), `GET /t/{tenant}` (chooser), `GET /t/{tenant}/login/{connection}` (start). */
import { domainToASCII } from 'node:url';
import { type Request, type Response, Router } from 'express';
import { cleanEmail, emailDomain } from '../core/profile.ts';
import { Refusal, type RefusalCode } from '../core/refusal.ts';
import type { Tenant } from '../core/tenant.ts';
import type { At, SignIn } from '../flows/signin.ts';
import { randomToken } from '../lib/secrets.ts';
import { REFUSALS } from '../web/refusals.ts';
import { chooserPage, continuePage, emailPage, postPage, type Way } from '../web/sign-in.ts';
import { recorded } from './arrive.ts';
import { notAllowed, wantsJson } from './errors.ts';
import { contextOf, exchangeOf } from './exchange.ts';
import { createFlowCookies } from './flow-cookies.ts';
import { formReader } from './form.ts';
import { sendOn, sendPage } from './headers.ts';
import type { Limits } from './limits.ts';
import { connectionAt, tenantAt } from './place.ts';
import type { HttpDeps } from './server.ts';

export function signInRouter(deps: HttpDeps, limits: Limits): Router {
  const router = Router({ caseSensitive: true });
  router
    .route('/')
    .get((_req, res) => sendPage(res, emailPage({ email: '', problem: null }), { formsTo: 'self' }))
    .post(byEmail(deps, limits))
    .all(notAllowed('GET, HEAD, POST'));
  router.route('/t/:tenant').get(choose(deps)).all(notAllowed('GET, HEAD'));
  router
    .route('/t/:tenant/login/:connection')
    .get(recorded(deps, limits, start(deps, limits)))
    .all(notAllowed('GET, HEAD'));
  return router;
}

function byEmail(deps: HttpDeps, limits: Limits) {
  const readForm = formReader({ limit: 4096, code: 'request-malformed', check: 'http/email-form' });
  return async (req: Request, res: Response): Promise<void> => {
    await limits.spend('email', res);
    const typed = (await readForm(req, res)).get('email');
    if (typeof typed !== 'string') throw new Refusal('request-malformed', 'http/email-field');
    const email = cleanEmail(typed);
    if (email === null)
      return askAgain(req, res, { typed, code: 'request-malformed', text: 'Please enter a whole e-mail address, like you@company.example.' });
    const found = deps.tenants.byDomain(domainToASCII(emailDomain(email))).filter(({ connection }) => connection.enabled);
    const { text, next } = REFUSALS['domain-unknown'];
    if (found.length === 0) return askAgain(req, res, { typed: email, code: 'domain-unknown', text: `${text} ${next}` });
    const several = new Set(found.map(({ tenant }) => tenant.id)).size > 1;
    const ways = found.map((at) => wayOf(at, { loginHint: email, organisation: several || found.length === 1 }));
    const [only] = ways;
    if (ways.length === 1 && only) return sendPage(res, continuePage(only));
    sendPage(res, chooserPage({ tenantName: several ? null : (found[0]?.tenant.name ?? null), ways, note: null, reference: null }));
  };
}

/** The form once more, with what is wrong, and nothing about who does have an account here. */
function askAgain(req: Request, res: Response, { typed, code, text }: { typed: string; code: RefusalCode; text: string }): void {
  const refusal = new Refusal(code, 'http/email');
  if (wantsJson(req, res)) throw refusal;
  const { reference } = exchangeOf(res);
  exchangeOf(res).refused = { code, check: refusal.check };
  res.status(REFUSALS[code].status);
  sendPage(res, emailPage({ email: typed.slice(0, 254), problem: { text, reference, code } }), { formsTo: 'self' });
}

const choose =
  (deps: HttpDeps) =>
  (req: Request, res: Response): void => {
    const tenant = tenantAt(deps, req, res);
    const asked = { returnTo: once(req, 'return_to'), loginHint: once(req, 'login_hint') };
    sendPage(res, chooserPage({ tenantName: tenant.name, ways: waysOf(tenant, asked), note: null, reference: null }));
  };

/** Sends the browser to its provider, with a cookie by which the answer finds back to this browser and no other. */
function start(deps: HttpDeps, limits: Limits) {
  const cookies = createFlowCookies(deps.settings);
  return async (req: Request, res: Response): Promise<void> => {
    const at = await counted(limits, res, 'start', () => connectionAt(deps, { req, res }));
    const secret = randomToken(32);
    const request = { ...at, returnTo: once(req, 'return_to'), loginHint: once(req, 'login_hint'), browserSecret: secret };
    const departure = await deps.signIn.start(request, contextOf(res));
    cookies.set(req, res, { ...departure.flow, secret, protocol: at.connection.protocol });
    depart(res, departure, at);
  };
}

/** Finds the place first, so that the count is its own; counts whether or not there is one. */
export async function counted<T>(limits: Limits, res: Response, surface: 'start' | 'acs' | 'callback', find: () => T): Promise<T> {
  let found: { place: T } | { error: unknown };
  try {
    found = { place: find() };
  } catch (error) {
    found = { error };
  }
  await limits.spend(surface, res);
  if ('error' in found) throw found.error;
  return found.place;
}

/** With the POST binding, Chromium holds redirects of the provider's own to `form-action` too: its sign-in address must be on the origin it stays on. */
function depart(res: Response, departure: Awaited<ReturnType<SignIn['start']>>, { tenant, connection }: At): void {
  const to = new URL(departure.url);
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw new Error('a provider has an address that no browser can go to');
  if (departure.kind === 'redirect') {
    sendOn(res, departure.url, 302);
    return;
  }
  const page = postPage({ tenantName: tenant.name, connectionName: connection.name, url: departure.url, fields: departure.fields });
  sendPage(res, page, { formsTo: to, script: true });
}

/** A query parameter that may be there once. Throws `Refusal` where it is repeated. */
export function once(req: Request, name: string): string | null {
  const value: unknown = req.query[name];
  if (value === undefined) return null;
  if (typeof value !== 'string') throw new Refusal('request-malformed', 'http/query');
  return value;
}

interface Asked {
  returnTo?: string | null;
  loginHint?: string | null;
}

/** The ways into a tenant, with what was asked for carried along. */
export const waysOf = (tenant: Tenant, asked: Asked): Way[] =>
  tenant.connections.filter(({ enabled }) => enabled).map((connection) => wayOf({ tenant, connection }, asked));

function wayOf({ tenant, connection }: At, { returnTo, loginHint, organisation = false }: Asked & { organisation?: boolean }): Way {
  const query = new URLSearchParams();
  if (returnTo) query.set('return_to', returnTo);
  if (loginHint) query.set('login_hint', loginHint);
  const href = `/t/${tenant.id}/login/${connection.id}${query.size > 0 ? `?${query}` : ''}`;
  return { href, name: connection.name, organisation: organisation ? tenant.name : null };
}
