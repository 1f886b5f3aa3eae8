/**
 * SCIM over HTTP: `/api/v1/scim/{tenant}/v2/…`. Owns authentication, limits, methods, bodies and headers; what is asked is answered by flows/directory.
 * The order is the defence: token, limit, method, and only then is a body read.
 */
import express, { type ErrorRequestHandler, type Request, type Response, Router } from 'express';
import type { directoryFailure } from '../flows/directory.ts';
import type { DirectoryAnswer, DirectoryRequest } from '../flows/directory-request.ts';
import type { LiveTenant } from '../flows/tenants.ts';
import { exchangeOf } from './exchange.ts';
import type { HttpDeps } from './server.ts';

/** Whose token it is, and the tenant as it was known before the token was looked at. */
export interface DirectoryHolder {
  tokenId: string;
  prefix: string;
  live: LiveTenant;
}

/** What http needs of the directory; the composition root hands it in. */
export interface Directory {
  /** Null for anything but a live token of a tenant in mode `scim`; costs the same whatever was sent. */
  authenticate(bearer: string, tenantId: string): Promise<DirectoryHolder | null>;
  methods(segments: readonly string[]): string[] | null;
  answer(
    who: DirectoryHolder & { reference: string },
    request: DirectoryRequest,
    seen: { userAgent: string; path: string },
  ): Promise<DirectoryAnswer>;
  failure: typeof directoryFailure;
  bodyBytes: number;
}

const MEDIA_TYPE = 'application/scim+json';
/** Requests a minute with one token, on each node: four times what Entra may send (25 a second). */
export const TOKEN_LIMIT = 6000;
const WINDOW_MS = 60_000;
/** JSON nested deeper than this is no resource of anybody's; it is refused before it is parsed. */
const DEEPEST = 40;

export function scimRouter(deps: HttpDeps): Router {
  const router = Router({ caseSensitive: true });
  const limit = createTokenLimit(deps);
  const refusals = createRefusalLog(deps);
  const raw = express.raw({ type: () => true, limit: deps.directory.bodyBytes });
  router.use('/:tenant/v2', (req, res, next) => {
    answer(deps, { req, res, limit, refusals, raw }).then(
      () => {},
      (error: unknown) => next(error),
    );
  });
  router.use(answerFaults(deps));
  return router;
}

interface Station {
  req: Request;
  res: Response;
  limit: TokenLimit;
  refusals: RefusalLog;
  raw: ReturnType<typeof express.raw>;
}

async function answer({ directory }: HttpDeps, { req, res, limit, refusals, raw }: Station): Promise<void> {
  const exchange = exchangeOf(res);
  const tenantId = String(req.params['tenant']);
  exchange.route = '/api/v1/scim/{tenant}/v2';
  const bearer = /^Bearer ([\w.~+/-]+=*)$/i.exec(req.headers.authorization ?? '')?.[1];
  const holder = bearer === undefined ? null : await directory.authenticate(bearer, tenantId);
  if (!holder) {
    exchange.quiet = !refusals.worthALine(tenantId);
    return send(res, directory.failure(401, null, 'A valid bearer token is required'));
  }
  exchange.tenant = holder.live.tenant;
  const wait = limit.spend(holder.tokenId);
  if (wait !== null) {
    res.setHeader('Retry-After', String(wait));
    return send(res, directory.failure(429, null, `More than ${TOKEN_LIMIT} requests a minute; try again in ${wait} seconds`));
  }
  const segments = segmentsOf(req.path);
  if (!segments) return send(res, directory.failure(400, 'invalidPath', 'The path is not valid percent-encoding'));
  exchange.route = `/api/v1/scim/{tenant}/v2/${templateOf(segments)}`;
  const method = req.method === 'HEAD' ? 'GET' : req.method;
  const methods = directory.methods(segments);
  if (methods && !methods.includes(method)) {
    res.setHeader('Allow', methods.join(', '));
    return send(res, directory.failure(405, null, `${method} is not supported here`));
  }
  const body = method === 'GET' || method === 'DELETE' ? { ok: true as const, value: undefined } : await bodyOf({ req, res, raw, directory });
  if (!body.ok) return send(res, body.failure);
  const request = {
    method,
    segments,
    query: { ...req.query } as DirectoryRequest['query'],
    body: body.value,
    ifMatch: req.headers['if-match'],
    ifNoneMatch: req.headers['if-none-match'],
  };
  const who = { ...holder, reference: exchange.reference };
  return send(res, await directory.answer(who, request, { userAgent: req.headers['user-agent'] ?? '', path: req.url }));
}

function segmentsOf(path: string): string[] | null {
  try {
    return path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
  } catch {
    return null;
  }
}

/** For the log: which kind of place, never which person. */
const KNOWN = new Set(['Users', 'Groups', 'Me', 'Bulk', '.search', 'Schemas', 'ResourceTypes', 'ServiceProviderConfig']);
const templateOf = (segments: string[]): string => segments.map((part, i) => (KNOWN.has(part) ? part : i === 0 ? '{unknown}' : '{id}')).join('/');

type Body = { ok: true; value: unknown } | { ok: false; failure: DirectoryAnswer };

async function bodyOf({ req, res, raw, directory }: Omit<Station, 'limit' | 'refusals'> & Pick<HttpDeps, 'directory'>): Promise<Body> {
  const type = req.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? MEDIA_TYPE;
  const refuse = (...why: Parameters<typeof directoryFailure>): Body => ({ ok: false, failure: directory.failure(...why) });
  if (!/^application\/(scim\+)?json$/.test(type)) return refuse(415, null, `Content-Type must be ${MEDIA_TYPE} or application/json`);
  const error = await new Promise<unknown>((resolve) => raw(req, res, resolve));
  if (error) {
    const { status } = error as { status?: unknown };
    if (status === 413) return refuse(413, null, `The body is larger than ${directory.bodyBytes} bytes`);
    if (typeof status === 'number' && status < 500) return refuse(status, status === 400 ? 'invalidSyntax' : null, 'The body cannot be read');
    throw error;
  }
  const bytes: unknown = req.body;
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) return refuse(400, 'invalidSyntax', 'The request has no body');
  const text = bytes.toString('utf8').replace(/^\ufeff/, '');
  if (deeperThan(text, DEEPEST)) return refuse(400, 'invalidSyntax', `The body is nested deeper than ${DEEPEST} levels`);
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return refuse(400, 'invalidSyntax', 'The body is not valid JSON');
  }
}

/** Counts brackets outside of strings: recursion over what was parsed stays shallow. */
function deeperThan(text: string, most: number): boolean {
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"?|[[{]|[\]}]/gs)) {
    if (token === '[' || token === '{') {
      if (++depth > most) return true;
    } else if (token === ']' || token === '}') depth--;
  }
  return false;
}

function send(res: Response, { status, body, headers }: DirectoryAnswer): void {
  if (status >= 400) exchangeOf(res).refused ??= { code: `scim-${status}`, check: (body as { scimType?: string } | null)?.scimType ?? '' };
  res.status(status);
  if (status === 401)
    res.setHeader('WWW-Authenticate', `Bearer realm="matricula"${res.req.headers.authorization === undefined ? '' : ', error="invalid_token"'}`);
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  if (body === null) return void res.end();
  // Not res.type(): it would look the type up and lose it.
  res.setHeader('Content-Type', `${MEDIA_TYPE}; charset=utf-8`);
  res.end(res.req.method === 'HEAD' ? undefined : JSON.stringify(body));
}

/** Known by name, as in errors.ts: http may not know the stores' own classes. */
const AWAY = new Set(['Unavailable', 'KvUnavailable', 'Conflict']);

const answerFaults =
  ({ log, directory }: HttpDeps): ErrorRequestHandler =>
  (error: unknown, _req, res, _next) => {
    const { reference } = exchangeOf(res);
    if (res.headersSent) return void res.destroy();
    if (error instanceof URIError) return send(res, directory.failure(400, 'invalidPath', 'The path is not valid percent-encoding'));
    const away = error instanceof Error && AWAY.has(error.name);
    log.error({ reference, err: error }, away ? 'a store is away' : 'fault');
    if (away) res.setHeader('Retry-After', '5');
    send(res, directory.failure(away ? 503 : 500, null, `${away ? 'Temporarily unavailable' : 'Internal error'}; reference ${reference}`));
  };

/** A directory that goes on after its token ended asks all day: one line a minute tells as much as all of them. */
interface RefusalLog {
  worthALine(tenantId: string): boolean;
}

const MOST_NAMES = 1000;

function createRefusalLog({ clock }: Pick<HttpDeps, 'clock'>): RefusalLog {
  const last = new Map<string, number>();
  return {
    worthALine(tenantId) {
      const now = clock().getTime();
      // Made-up names share one line once there are many.
      const name = last.size < MOST_NAMES || last.has(tenantId) ? tenantId : '';
      const before = last.get(name);
      if (before !== undefined && now - before < WINDOW_MS && now >= before) return false;
      last.set(name, now);
      return true;
    },
  };
}

interface TokenLimit {
  /** Seconds to wait, or null where the request may go on. */
  spend(tokenId: string): number | null;
}

/** Per node and in memory: it protects this process from a client that runs wild, and must not cost a write for each request. */
function createTokenLimit({ settings, clock }: Pick<HttpDeps, 'settings' | 'clock'>): TokenLimit {
  const windows = new Map<string, { until: number; spent: number }>();
  return {
    spend(tokenId) {
      if (!settings.rateLimits) return null;
      const now = clock().getTime();
      const window = windows.get(tokenId);
      if (!window || window.until <= now) {
        windows.set(tokenId, { until: now + WINDOW_MS, spent: 1 });
        return null;
      }
      window.spent++;
      return window.spent <= TOKEN_LIMIT ? null : Math.max(1, Math.ceil((window.until - now) / 1000));
    },
  };
}
