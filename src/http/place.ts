/** Which tenant and connection a path names. What is found is noted on the exchange, for page, log and journal. */
import type { Request, Response } from 'express';
import { Refusal } from '../core/refusal.ts';
import type { Connection, Tenant } from '../core/tenant.ts';
import { exchangeOf } from './exchange.ts';
import type { HttpDeps } from './server.ts';

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The tenant of `/t/:tenant/…`. Throws `Refusal` `tenant-unknown`. */
export function tenantAt(deps: Pick<HttpDeps, 'tenants'>, req: Request, res: Response): Tenant {
  const id = req.params['tenant'];
  const live = typeof id === 'string' && NAME.test(id) ? deps.tenants.get(id) : null;
  if (!live) throw new Refusal('tenant-unknown', 'http/tenant');
  exchangeOf(res).tenant = live.tenant;
  return live.tenant;
}

/** The enabled connection of `/t/:tenant/…/:connection…`, of the protocol that the path is for. Throws `Refusal`. */
export function connectionAt<P extends Connection['protocol']>(
  deps: Pick<HttpDeps, 'tenants'>,
  { req, res, protocol }: { req: Request; res: Response; protocol?: P },
): { tenant: Tenant; connection: Extract<Connection, { protocol: P }> } {
  const tenant = tenantAt(deps, req, res);
  const connection = tenant.connections.find(({ id }) => id === req.params['connection']);
  if (!connection || (protocol !== undefined && connection.protocol !== protocol)) throw new Refusal('connection-unknown', 'http/connection');
  exchangeOf(res).connection = connection;
  if (!connection.enabled) throw new Refusal('connection-disabled', 'http/connection-disabled');
  return { tenant, connection: connection as Extract<Connection, { protocol: P }> };
}
