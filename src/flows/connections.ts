/** Connections made ready to use, one instance each, rebuilt when the tenant file changes or the provider's metadata grows old. */
import { Refusal } from '../core/refusal.ts';
import type { Connection, OidcConnection, SamlConnection, Tenant } from '../core/tenant.ts';
import { resolveSecret } from '../lib/secrets.ts';
import { createOidcProvider, type OidcProvider } from '../protocols/oidc/oidc.ts';
import type { SamlProvider } from '../protocols/saml/saml.ts';
import { readySamlProvider, type SamlConnectionDeps } from './saml-connection.ts';

export interface Connections {
  saml(tenant: Tenant, connection: SamlConnection): Promise<SamlProvider>;
  oidc(tenant: Tenant, connection: OidcConnection): Promise<OidcProvider>;
}

/** Milliseconds that a connection which could not be made ready is left alone: whoever asks in a loop has nobody's metadata fetched and read in a loop. */
const RETRY_MS = 10_000;

interface Ready {
  provider: SamlProvider;
  staleAt: Date;
}

export function createConnections(deps: SamlConnectionDeps & { env: Record<string, string | undefined> }): Connections {
  // Keyed by the connection's own object: a changed tenant file makes new objects, and the old instances go with the old ones.
  const saml = new WeakMap<Connection, Promise<Ready>>();
  const unusable = new WeakMap<Connection, { refusal: Refusal; until: Date }>();
  const oidc = new WeakMap<Connection, OidcProvider>();

  function makeSaml(tenant: Tenant, connection: SamlConnection): Promise<Ready> {
    const making = readySamlProvider(deps, tenant, connection);
    saml.set(connection, making);
    making.catch((error: unknown) => {
      saml.delete(connection);
      if (error instanceof Refusal) unusable.set(connection, { refusal: error, until: new Date(deps.now().getTime() + RETRY_MS) });
    });
    return making;
  }

  return {
    async saml(tenant, connection) {
      const known = unusable.get(connection);
      if (known && known.until > deps.now()) throw known.refusal;
      const ready = await (saml.get(connection) ?? makeSaml(tenant, connection));
      if (ready.staleAt > deps.now()) return ready.provider;
      return (await makeSaml(tenant, connection)).provider;
    },
    async oidc(tenant, connection) {
      const ready = oidc.get(connection);
      if (ready) return ready;
      const redirectUri = `${deps.baseUrl}/t/${tenant.id}/oidc/${connection.id}/callback`;
      const provider = createOidcProvider({
        connection,
        redirectUri,
        credential: credentialOf(connection, deps),
        fetch: deps.fetch,
        loopback: deps.loopback,
      });
      oidc.set(connection, provider);
      return provider;
    },
  };
}

function credentialOf({ id, clientAuth }: OidcConnection, options: { baseDir: string; env: Record<string, string | undefined> }): string {
  try {
    return resolveSecret(clientAuth.method === 'private_key_jwt' ? clientAuth.key : clientAuth.secret, options);
  } catch (error) {
    throw new Refusal('connection-unusable', 'oidc-connection/secret', `connection ${id}: ${(error as Error).message}`);
  }
}
