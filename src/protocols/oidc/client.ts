/** This gateway as an OAuth client of one connection: its credential, and a configuration of openid-client per call. */
import { createPrivateKey } from 'node:crypto';
import { importJWK, importPKCS8 } from 'jose';
import * as openid from 'openid-client';
import { Refusal } from '../../core/refusal.ts';
import type { OidcConnection } from '../../core/tenant.ts';

/** @throws Refusal `oidc/client-credentials` where the secret is empty, `oidc/client-key` where the private key cannot be used; it shows neither. */
export async function clientAuthOf(connection: OidcConnection, credential: string): Promise<openid.ClientAuth> {
  const { clientAuth } = connection;
  if (credential === '') throw new Refusal('connection-unusable', 'oidc/client-credentials', 'the secret is empty');
  switch (clientAuth.method) {
    case 'client_secret_basic':
      return openid.ClientSecretBasic(credential);
    case 'client_secret_post':
      return openid.ClientSecretPost(credential);
    case 'private_key_jwt':
      return openid.PrivateKeyJwt(await importClientKey(credential, clientAuth));
  }
}

/** PEM (PKCS #8, PKCS #1 or SEC 1) or a private JWK as JSON. */
async function importClientKey(text: string, { alg, kid }: { alg: string; kid: string | null }): Promise<openid.PrivateKey> {
  try {
    const jwk = text.trimStart().startsWith('{') ? JSON.parse(text) : null;
    const key = jwk
      ? await importJWK(jwk, alg, { extractable: false })
      : await importPKCS8(createPrivateKey(text).export({ type: 'pkcs8', format: 'pem' }).toString(), alg);
    if (key instanceof Uint8Array || key.type !== 'private') throw new TypeError('not a private key');
    const id = kid ?? jwk?.kid;
    return typeof id === 'string' ? { key, kid: id } : { key };
  } catch {
    throw new Refusal('connection-unusable', 'oidc/client-key', `no private key for ${alg} in PEM or JWK form`);
  }
}

export interface ConfigurationOptions {
  connection: OidcConnection;
  metadata: openid.ServerMetadata;
  clientAuth: openid.ClientAuth;
  fetch: openid.CustomFetch;
  loopback: boolean;
  now: Date;
  keys?: openid.ExportedJWKSCache | undefined;
}

/**
 * One per call, because the library keeps its clock in the configuration: the offset between `now` and this machine's clock.
 * Algorithms are pinned by the connection, whatever discovery says, and ID tokens are verified although TLS brought them (O1).
 */
export function configurationOf({ connection, metadata, clientAuth, fetch, loopback, now, keys }: ConfigurationOptions): openid.Configuration {
  const client = {
    id_token_signed_response_alg: connection.idTokenAlg,
    [openid.clockSkew]: Math.round((now.getTime() - Date.now()) / 1000),
    [openid.clockTolerance]: connection.clockSkewSeconds,
  };
  const server = { ...metadata, userinfo_signing_alg_values_supported: [connection.idTokenAlg] };
  const configuration = new openid.Configuration(server, connection.clientId, client, clientAuth);
  configuration[openid.customFetch] = fetch;
  openid.enableNonRepudiationChecks(configuration);
  if (loopback) openid.allowInsecureRequests(configuration);
  if (keys) openid.setJwksCache(configuration, keys);
  return configuration;
}
