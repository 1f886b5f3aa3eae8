/** The provider's discovery document, checked and kept for an hour; the last good one outlives a failing refresh. */
import { allowInsecureRequests, customFetch, discovery, type ServerMetadata } from 'openid-client';
import { Refusal } from '../../core/refusal.ts';
import type { OidcConnection } from '../../core/tenant.ts';
import type { GuardedFetch } from '../../lib/fetch.ts';
import { checkIssuerUrl, checkMetadata } from './endpoints.ts';
import { refusalOf } from './library-error.ts';
import { strictFetch } from './transport.ts';

const TIME_TO_LIVE_MS = 3_600_000;
/** After a failed refresh the last good document is used this long before the next try. */
const RETRY_MS = 60_000;

export interface DiscoveryOptions {
  connection: OidcConnection;
  fetch: GuardedFetch;
  loopback: boolean;
}

/** Concurrent callers share one request. @throws Refusal where there is neither a new nor an older good document. */
export type Discovery = (now: Date) => Promise<ServerMetadata>;

export function createDiscovery(options: DiscoveryOptions): Discovery {
  let good: { metadata: ServerMetadata; refreshAt: number } | null = null;
  let pending: Promise<ServerMetadata> | null = null;

  const refresh = async (now: number): Promise<ServerMetadata> => {
    try {
      const metadata = await discover(options);
      good = { metadata, refreshAt: now + TIME_TO_LIVE_MS };
      return metadata;
    } catch (error) {
      if (!good || !(error instanceof Refusal)) throw error;
      good.refreshAt = now + RETRY_MS;
      return good.metadata;
    } finally {
      pending = null;
    }
  };

  return (now) => {
    if (good && now.getTime() < good.refreshAt) return Promise.resolve(good.metadata);
    pending ??= refresh(now.getTime());
    return pending;
  };
}

async function discover({ connection, fetch, loopback }: DiscoveryOptions): Promise<ServerMetadata> {
  const issuer = checkIssuerUrl(connection, loopback);
  const configuration = await discovery(issuer, connection.clientId, undefined, undefined, {
    [customFetch]: strictFetch(fetch),
    ...(loopback ? { execute: [allowInsecureRequests] } : {}),
  }).catch((error: unknown) => {
    throw refusalOf(error, 'discovery');
  });
  const metadata = configuration.serverMetadata();
  checkMetadata(metadata, connection, loopback);
  return metadata;
}
