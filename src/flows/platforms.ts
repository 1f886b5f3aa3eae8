/** platforms: a tenant's learning platforms made ready to be called, one connector each, made anew when the tenant file changes. */
import { isDeepStrictEqual } from 'node:util';
import { type Connector, TerminalFailure } from '../connectors/connector.ts';
import { createScimConnector } from '../connectors/scim/scim.ts';
import { createSend } from '../connectors/send.ts';
import { createThinkificConnector } from '../connectors/thinkific/thinkific.ts';
import { createWebhookConnector } from '../connectors/webhook/webhook.ts';
import type { CatalogueEntry } from '../core/entitlement.ts';
import type { Names } from '../core/meaning.ts';
import type { Platform, SecretRef, Tenant } from '../core/tenant.ts';
import type { Kv } from '../kv/kv.ts';
import type { GuardedFetch } from '../lib/fetch.ts';
import { resolveSecret } from '../lib/secrets.ts';
import { createTurnstile, type Turnstile } from './gate.ts';

export interface PlatformsDeps {
  fetch: GuardedFetch;
  kv: Pick<Kv, 'spend'>;
  now: () => Date;
  env: Record<string, string | undefined>;
  baseDir: string;
}

export interface Ready {
  platform: Platform;
  connector: Connector;
}

export interface Platforms {
  /** Null where the tenant has no such platform, or it is disabled. Throws `TerminalFailure` `configuration` where a secret is not to be had. */
  of(tenant: Tenant, platformId: string, how?: { urgent: boolean }): Ready | null;
  /** Its secrets are read anew when it is called the next time. */
  renew(platform: Platform | null): void;
}

export function createPlatforms(deps: PlatformsDeps): Platforms {
  // Keyed by the platform's own object: a changed tenant file makes new ones, and what was made from the old goes with them.
  const made = new WeakMap<Platform, Record<'urgent' | 'usual', Connector>>();
  // What is under way is counted on when the connector is another, and when the tenant file is.
  const gates = new Map<string, { limits: Platform['limits']; gate: Turnstile }>();
  const gateOf = (tenant: Tenant, { id, limits }: Platform): Turnstile => {
    const key = `${tenant.id}:${id}`;
    const known = gates.get(key);
    if (known && isDeepStrictEqual(known.limits, limits)) return known.gate;
    const gate = createTurnstile({ ...deps, key, limits });
    gates.set(key, { limits, gate });
    return gate;
  };
  const make = (tenant: Tenant, platform: Platform) => {
    const gate = gateOf(tenant, platform);
    return { urgent: connect(deps, platform, { gate, urgent: true }), usual: connect(deps, platform, { gate, urgent: false }) };
  };
  return {
    of(tenant, platformId, { urgent } = { urgent: false }) {
      const platform = tenant.platforms.find(({ id }) => id === platformId);
      if (!platform?.enabled) return null;
      const both = made.get(platform) ?? make(tenant, platform);
      made.set(platform, both);
      return { platform, connector: urgent ? both.urgent : both.usual };
    },
    renew(platform) {
      if (platform) made.delete(platform);
    },
  };
}

function connect(deps: PlatformsDeps, platform: Platform, { gate, urgent }: { gate: Turnstile; urgent: boolean }): Connector {
  const send = createSend(deps.fetch, { enter: (signal, counted) => gate.enter(signal, { counted, urgent }) });
  const secret = (ref: SecretRef): string => {
    try {
      return resolveSecret(ref, deps);
    } catch (error) {
      throw new TerminalFailure('configuration', `platform ${platform.id}: ${(error as Error).message}`, { scope: 'platform' });
    }
  };
  const optional = (ref: SecretRef | null) => (ref === null ? null : secret(ref));
  switch (platform.kind) {
    case 'thinkific':
      return createThinkificConnector(
        platform,
        { apiKey: optional(platform.apiKey), accessToken: optional(platform.accessToken) },
        { send, now: deps.now },
      );
    case 'webhook':
      return createWebhookConnector(platform, platform.secrets.map(secret), { send, now: deps.now });
    case 'scim':
      return createScimConnector(platform, { token: secret(platform.token) }, { send, now: deps.now });
  }
}

/** By which names a tenant's targets are known there; null = by none that could change, or its catalogue was never read. */
export function namesAt(platform: Platform, { catalogue }: Pick<Tenant, 'catalogue'>, entries: CatalogueEntry[] | null): Names | null {
  switch (platform.kind) {
    case 'thinkific':
      return entries && { catalogue, entries };
    case 'scim':
      return platform.groups === 'none' ? null : { catalogue, entries: null };
    case 'webhook':
      return null;
  }
}

/** Which place a platform is. Where it changes, the ledger of the old one says nothing of the new one. Where a receiver of events is does not matter. */
export function placeOf(platform: Platform): string {
  switch (platform.kind) {
    case 'thinkific':
      return `thinkific ${platform.api} ${platform.subdomain}`;
    case 'webhook':
      return 'webhook';
    case 'scim':
      return `scim ${platform.url}`;
  }
}

/** Platforms that hear of a tenant's changes. */
export const enabledOf = ({ platforms }: Pick<Tenant, 'platforms'>): string[] => platforms.filter(({ enabled }) => enabled).map(({ id }) => id);
