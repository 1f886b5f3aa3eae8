/** The administrators' API: `/api/v1/tenants/{tenant}/…`, and its description at `/api/v1/openapi.json`. */
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import type { ModeRequest } from '../core/mode.ts';
import type { Target, User, UserState } from '../core/model.ts';
import { Refusal } from '../core/refusal.ts';
import type { GivenClaims, PublishAsked } from '../flows/workbench.ts';
import { OPERATIONS, type Operation, openApi } from './admin-operations.ts';
import { notAllowed } from './errors.ts';
import { exchangeOf } from './exchange.ts';
import type { PlatformOperations } from './platform-operations.ts';
import type { HttpDeps } from './server.ts';

export interface JournalLine {
  id: string;
  at: Date;
  actor: string;
  cause: string;
  action: 'CREATE' | 'UPDATE' | 'DELETE' | null;
  resourceType: string;
  resourceId: string | null;
  outcome: 'SUCCESS' | 'SKIPPED' | 'FAILED';
  code: string | null;
  reference: string | null;
  mappingVersion: number | null;
  detail: Record<string, unknown>;
}

export interface SignInLine {
  id: string;
  at: Date;
  connectionId: string | null;
  userId: string | null;
  outcome: 'SUCCESS' | 'FAILED';
  code: string | null;
  check: string | null;
  reference: string;
  detail: Record<string, unknown>;
}

export interface JournalQuery {
  resourceId?: string;
  outcome?: JournalLine['outcome'];
  reference?: string;
  since?: Date;
  /** The id of the last line of the page before. */
  before?: string;
  limit: number;
}

export interface SyncLogQuery extends JournalQuery {
  action?: 'CREATE' | 'UPDATE' | 'DELETE';
  resourceType?: string;
  until?: Date;
}

/** What the API reads. Newest first, but for users, which come in order of id. */
export interface AdminReads {
  /** Null for anything but a live key. `tenantId` null: a key for every tenant. */
  authenticate(bearer: string): Promise<{ keyId: string; prefix: string; tenantId: string | null } | null>;
  users(tenantId: string, page: { after: string | null; limit: number; search?: string }): Promise<{ users: User[]; next: string | null }>;
  user(tenantId: string, userId: string): Promise<UserState | null>;
  journal(tenantId: string, query: JournalQuery): Promise<JournalLine[]>;
  syncLog(tenantId: string, query: SyncLogQuery): Promise<JournalLine[]>;
  signIns(tenantId: string, query: { userId?: string; reference?: string; limit: number }): Promise<SignInLine[]>;
  modes: ModeOperations;
  mapping: MappingOperations;
  platforms: PlatformOperations;
  explain(tenantId: string, userId: string, target: Target | undefined): Promise<object>;
}

/** What an operator does about a tenant's mode. Each answers plain JSON, and throws `Refusal` where it may not be. */
export interface ModeOperations {
  state(tenantId: string): Promise<object>;
  change(asked: { tenantId: string; request: ModeRequest; confirm: string | null; held: 'release' | 'drop'; actor: string }): Promise<object>;
  handOver(tenantId: string, limit: number): Promise<object>;
  held(tenantId: string, page: { after: string | null; limit: number }): Promise<object>;
  endHeld(asked: { tenantId: string; how: 'release' | 'drop'; users: string[] | 'all'; reason: string; actor: string }): Promise<object>;
  setSeats(asked: { tenantId: string; seats: number | null; actor: string }): Promise<object>;
  domains(tenantId: string): Promise<object>;
  addDomain(asked: { tenantId: string; domain: string; actor: string }): Promise<object>;
  verifyDomain(asked: { tenantId: string; domain: string; actor: string }): Promise<object>;
}

/** What an admin does with a mapping. Each answers plain JSON, and throws `Refusal` where it may not be. */
export interface MappingOperations {
  document(tenantId: string): Promise<object>;
  plan(tenantId: string, document: string): Promise<object>;
  people(tenantId: string, document: string, asked: PageAsked): Promise<object>;
  publish(asked: PublishAsked): Promise<object>;
  publications(tenantId: string, limit: number): Promise<object[]>;
  cancel(tenantId: string, revision: number, actor: string): Promise<object>;
  versions(tenantId: string, limit: number): Promise<object[]>;
  version(tenantId: string, version: number): Promise<object>;
  diff(tenantId: string, from: number | undefined, to: number | undefined): Promise<object>;
  rollBack(tenantId: string, version: number): Promise<string>;
  who(tenantId: string, asked: PageAsked & { group?: string }): Promise<object>;
  claims(tenantId: string, given: GivenClaims): Promise<object>;
}

interface PageAsked {
  after: string | null;
  limit: number;
  rule?: string;
  target?: Target;
}

/** Routes are made from the same table as their description. */
export function adminRouter(deps: HttpDeps): Router {
  const router = Router({ caseSensitive: true });
  router
    .route('/openapi.json')
    .get((_req, res) => void res.json(openApi(deps.settings.baseUrl)))
    .all(notAllowed('GET, HEAD'));
  for (const operation of OPERATIONS) addOperation(router, deps, operation);
  for (const path of new Set(OPERATIONS.map((operation) => routeOf(operation)))) router.route(path).all(notAllowed(methodsOf(path)));
  router.use(() => {
    throw new Refusal('not-found', 'api/route');
  });
  return router;
}

const routeOf = ({ path }: Operation): string => path.replaceAll(/\{(\w+)\}/g, ':$1');
const methodsOf = (route: string): string =>
  OPERATIONS.filter((operation) => routeOf(operation) === route)
    .map(({ method }) => (method === 'get' ? 'GET, HEAD' : method.toUpperCase()))
    .join(', ');

const BODY_BYTES = 64 * 1024;

function addOperation(router: Router, deps: HttpDeps, operation: Operation): void {
  const route = router.route(routeOf(operation));
  if (operation.method === 'get') route.get(answer(deps, operation));
  // The key is looked at before a body is read.
  else route[operation.method](permit(deps), express.json({ limit: operation.bodyBytes ?? BODY_BYTES, type: () => true }), answer(deps, operation));
}

const permit =
  (deps: HttpDeps): RequestHandler =>
  async (req, res, next) => {
    await permitted(deps, req, res);
    next();
  };

const answer =
  (deps: HttpDeps, operation: Operation) =>
  async (req: Request, res: Response): Promise<void> => {
    const { tenantId, actor } = await permitted(deps, req, res);
    const query = operation.query.safeParse({ ...req.query });
    if (!query.success) throw new Refusal('request-malformed', 'api/query');
    const body = operation.body ? operation.body.safeParse(req.body ?? {}) : { success: true as const, data: {} };
    if (!body.success) throw new Refusal('request-malformed', 'api/body');
    const asked = { tenantId, actor, id: String(req.params['id'] ?? ''), query: query.data, body: body.data };
    res.json(await operation.run(deps.admin, asked));
  };

/** The tenant that the key may read. A tenant of another key and one that does not exist are the same thing: not there. */
async function permitted({ admin, tenants }: HttpDeps, req: Request, res: Response): Promise<{ tenantId: string; actor: string }> {
  const bearer = /^Bearer ([\w.~+/-]+=*)$/i.exec(req.headers.authorization ?? '')?.[1];
  const holder = bearer === undefined ? null : await admin.authenticate(bearer);
  if (!holder) {
    res.setHeader('WWW-Authenticate', `Bearer realm="matricula"${bearer === undefined ? '' : ', error="invalid_token"'}`);
    throw new Refusal('not-signed-in', 'api/key');
  }
  const tenantId = String(req.params['tenant']);
  const live = holder.tenantId === null || holder.tenantId === tenantId ? tenants.get(tenantId) : null;
  if (!live) throw new Refusal('not-found', 'api/tenant');
  exchangeOf(res).tenant = live.tenant;
  return { tenantId, actor: `key:${holder.prefix}` };
}
