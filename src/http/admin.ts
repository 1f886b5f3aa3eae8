/** The administrators' API, read-only so far: `/api/v1/tenants/{tenant}/…`, and its description at `/api/v1/openapi.json`. */
import { type Request, type Response, Router } from 'express';
import type { User, UserState } from '../core/model.ts';
import { Refusal } from '../core/refusal.ts';
import { OPERATIONS, type Operation, openApi } from './admin-operations.ts';
import { notAllowed } from './errors.ts';
import { exchangeOf } from './exchange.ts';
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
  authenticate(bearer: string): Promise<{ keyId: string; tenantId: string | null } | null>;
  users(tenantId: string, page: { after: string | null; limit: number; search?: string }): Promise<{ users: User[]; next: string | null }>;
  user(tenantId: string, userId: string): Promise<UserState | null>;
  journal(tenantId: string, query: JournalQuery): Promise<JournalLine[]>;
  syncLog(tenantId: string, query: SyncLogQuery): Promise<JournalLine[]>;
  signIns(tenantId: string, query: { userId?: string; reference?: string; limit: number }): Promise<SignInLine[]>;
}

/** Routes are made from the same table as their description. */
export function adminRouter(deps: HttpDeps): Router {
  const router = Router({ caseSensitive: true });
  router
    .route('/openapi.json')
    .get((_req, res) => void res.json(openApi(deps.settings.baseUrl)))
    .all(notAllowed('GET, HEAD'));
  for (const operation of OPERATIONS)
    router
      .route(operation.path.replaceAll(/\{(\w+)\}/g, ':$1'))
      .get(answer(deps, operation))
      .all(notAllowed('GET, HEAD'));
  router.use(() => {
    throw new Refusal('not-found', 'api/route');
  });
  return router;
}

const answer =
  (deps: HttpDeps, operation: Operation) =>
  async (req: Request, res: Response): Promise<void> => {
    const tenantId = await permitted(deps, req, res);
    const query = operation.query.safeParse({ ...req.query });
    if (!query.success) throw new Refusal('request-malformed', 'api/query');
    res.json(await operation.read(deps.admin, { tenantId, id: String(req.params['id'] ?? ''), query: query.data }));
  };

/** The tenant that the key may read. A tenant of another key and one that does not exist are the same thing: not there. */
async function permitted({ admin, tenants }: HttpDeps, req: Request, res: Response): Promise<string> {
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
  return tenantId;
}
