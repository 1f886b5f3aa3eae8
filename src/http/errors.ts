/** The one place where errors become answers: a page, JSON, or problem+json on the API. Nothing else writes a status from 400 up, but for the sign-in page itself. */
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { Refusal, type RefusalCode } from '../core/refusal.ts';
import { REFUSALS } from '../web/refusals.ts';
import { FAULT, faultPage, refusalPage, UNAVAILABLE, unavailablePage, type Whereabouts } from '../web/trouble.ts';
import { exchangeOf } from './exchange.ts';
import { sendPage } from './headers.ts';
import type { HttpDeps } from './server.ts';

interface Trouble {
  status: number;
  code: string;
  title: string;
  /** What an administrator is told beside the title; never of a person's message. */
  detail?: string;
  /** What is wrong with a document, each with its place. */
  problems?: string[];
  page: (at: Whereabouts) => string;
}

/** On the API these read differently than to a learner. */
const API_TITLES: Partial<Record<RefusalCode, string>> = {
  'not-signed-in': 'A valid bearer key is required',
  'not-found': 'Not found',
  'request-malformed': 'The request is not valid',
  'mode-conflict': 'Not possible in the present mode',
  'domain-taken': 'Another organisation has proved this domain',
  'provider-unreachable': 'The platform does not answer as it should',
  'connection-unusable': 'The platform cannot be used as it is set up',
};

export const isApi = (req: Request): boolean => req.originalUrl.startsWith('/api/');
export const wantsJson = (req: Request, res: Response): boolean => exchangeOf(res).jsonOnly || req.accepts(['html', 'json']) === 'json';

/** For `route.all(…)`, after the methods that the route has. */
export const notAllowed =
  (allow: string): RequestHandler =>
  (_req, res) => {
    res.setHeader('Allow', allow);
    throw new Refusal('request-malformed', 'http/method');
  };

export const answerErrors =
  ({ log }: Pick<HttpDeps, 'log'>): ErrorRequestHandler =>
  (error: unknown, req, res, _next) => {
    const exchange = exchangeOf(res);
    const refusal = asRefusal(error);
    if (!refusal) log.error({ reference: exchange.reference, err: error }, isAway(error) ? 'a store is away' : 'fault');
    if (res.headersSent) return void res.destroy(); // half an answer must not look like a whole one
    const trouble = refusal ? refused(refusal) : isAway(error) ? AWAY : BROKEN;
    exchange.refused ??= { code: trouble.code, check: refusal?.check ?? trouble.code };
    if (trouble === AWAY) res.setHeader('Retry-After', '5');
    res.status(trouble.status);
    const { reference, tenant } = exchange;
    if (isApi(req)) sendProblem(res, trouble, reference);
    else if (wantsJson(req, res)) res.json({ code: trouble.code, reference, title: trouble.title });
    else sendPage(res, trouble.page({ reference, tenant }));
  };

const BROKEN: Trouble = { ...FAULT, page: faultPage };
const AWAY: Trouble = { ...UNAVAILABLE, page: unavailablePage };

/** Refusals of what an operator asked: their reason is for the operator. */
const FOR_OPERATORS = new Set<RefusalCode>(['mode-conflict', 'domain-taken', 'version-mismatch']);

function refused(refusal: Refusal): Trouble {
  const { code, check, detail } = refusal;
  const { problems } = refusal as { problems?: string[] };
  const { status, title } = REFUSALS[code];
  const said =
    FOR_OPERATORS.has(code) || /^(held|mode|seats|domain|hand-over|mapping|publication|explain|platform|task|delivery)\//.test(check)
      ? { detail }
      : {};
  return { code, title, ...said, ...(problems && { problems }), status: check === 'http/method' ? 405 : status, page: (at) => refusalPage(code, at) };
}

/** RFC 9457. */
function sendProblem(res: Response, { code, status, title, detail, problems }: Trouble, reference: string): void {
  const said = { ...(detail && { detail }), ...(problems && { problems }) };
  const body = { type: 'about:blank', title: API_TITLES[code as RefusalCode] ?? title, status, ...said, code, reference };
  res.type('application/problem+json').send(JSON.stringify(body));
}

/** Known by name, since http may not know the stores' own classes. A `Conflict` that comes so far lost every race, or its lock: trying again is right. */
const AWAY_NAMES = new Set(['Unavailable', 'KvUnavailable', 'Conflict']);
const isAway = (error: unknown): boolean => error instanceof Error && AWAY_NAMES.has(error.name);

/** What Express and its body parser say of a request that they cannot read, in our words. Their own may quote the request. */
function asRefusal(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  if (error instanceof URIError) return new Refusal('request-malformed', 'http/path');
  const { status, expose } = (error ?? {}) as { status?: unknown; expose?: unknown };
  const clients = error instanceof Error && expose === true && typeof status === 'number' && status >= 400 && status < 500;
  return clients ? new Refusal('request-malformed', 'http/body') : null;
}
