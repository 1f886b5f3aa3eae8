/** For whoever runs the gateway: `/healthz` (the process lives), `/readyz` (its stores answer); and the files of the pages. */
import { type Request, type Response, Router } from 'express';
import { Refusal } from '../core/refusal.ts';
import { assets } from '../web/assets.ts';
import { notAllowed } from './errors.ts';
import { exchangeOf } from './exchange.ts';
import type { HttpDeps } from './server.ts';

export function operationRouter(deps: HttpDeps): Router {
  const router = Router({ caseSensitive: true });
  const only = notAllowed('GET, HEAD');
  router
    .route('/healthz')
    .get((_req, res) => void res.json({ status: 'ok' }))
    .all(only);
  router.route('/readyz').get(ready(deps)).all(only);
  router.route('/assets/:name').get(asset).all(only);
  return router;
}

/**
 * 503 while a store does not answer. A broken tenant file is no reason to take traffic away, since its last good version serves on:
 * it is named, how many problems it has and where; their text may quote the file and is for `matricula check` and the log.
 */
const ready =
  ({ health, tenants, log }: HttpDeps) =>
  async (_req: Request, res: Response): Promise<void> => {
    const { ok, checks } = await health.ready().catch((error: unknown) => {
      log.error({ reference: exchangeOf(res).reference, err: error }, 'readiness could not be checked');
      return { ok: false, checks: { readiness: 'failed' } };
    });
    const problems = tenants
      .problems()
      .map(({ tenant, file, problems: found }) => ({ tenant, file: bare(file), problems: found.length, at: found.flatMap(placeOf) }));
    res.status(ok ? 200 : 503).json({ status: ok ? 'ready' : 'unavailable', checks, problems });
  };

const bare = (path: string): string => path.replace(/^.*[/\\]/, '');

/** `acme.yaml:12:3` of `tenants/acme.yaml:12:3 what is wrong`; nothing of a problem that has no place in the file. */
const placeOf = (problem: string): string[] => /^.*?:\d+:\d+(?= )/.exec(problem)?.slice(0, 1).map(bare) ?? [];

/** Addresses carry the content's digest, so what was fetched once is good for ever. */
function asset(req: Request, res: Response): void {
  const name = req.params['name'];
  const file = typeof name === 'string' ? assets.get(name) : undefined;
  if (!file) throw new Refusal('not-found', 'http/asset');
  const pinned = req.query['v'] === file.digest;
  res.setHeader('Cache-Control', pinned ? 'public, max-age=31536000, immutable' : 'public, max-age=300');
  res.setHeader('Content-Type', file.type);
  res.end(file.body);
}
