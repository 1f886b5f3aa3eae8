/** A SAML connection made ready: the provider's metadata (fetched, kept, refreshed) and the gateway's own keys. */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Refusal } from '../core/refusal.ts';
import type { SamlConnection, Tenant } from '../core/tenant.ts';
import { createKeyPair, type KeyPair } from '../lib/certificates.ts';
import { fetchText, type GuardedFetch } from '../lib/fetch.ts';
import type { Log } from '../lib/log.ts';
import type { Vault } from '../lib/secrets.ts';
import { createSamlProvider, type IdpMetadata, readIdpMetadata, type SamlProvider } from '../protocols/saml/saml.ts';
import type { Store } from '../store/store.ts';

export interface SamlConnectionDeps {
  store: Pick<Store, 'vault' | 'metadata'>;
  vault: Vault;
  fetch: GuardedFetch;
  log: Log;
  now: () => Date;
  baseUrl: string;
  /** The folder that `file:` paths of tenant files are relative to. */
  baseDir: string;
  loopback: boolean;
}

const DAY = 86_400_000;
const METADATA_BYTES = 5_000_000;

export const samlAddresses = (baseUrl: string, tenantId: string, connectionId: string) => {
  const at = `${baseUrl}/t/${tenantId}/saml/${connectionId}`;
  return { entityId: `${at}/metadata`, acsUrl: `${at}/acs`, sloUrl: `${at}/slo` };
};

/** Throws `Refusal` 'connection-unusable' where a certificate, an address or the metadata is missing. */
export async function readySamlProvider(
  deps: SamlConnectionDeps,
  tenant: Tenant,
  connection: SamlConnection,
): Promise<{ provider: SamlProvider; staleAt: Date }> {
  const { idp, staleAt } = await idpOf(deps, tenant, connection);
  const [signing, decryption] = await Promise.all([ownKeys(deps, tenant.id, 'saml-signing'), ownKeys(deps, tenant.id, 'saml-decryption')]);
  const provider = createSamlProvider({
    connection,
    ...samlAddresses(deps.baseUrl, tenant.id, connection.id),
    idp,
    signing,
    decryption,
    loopback: deps.loopback,
  });
  return { provider, staleAt };
}

/**
 * What was encrypted may be kept by others for years. A request's signature protects minutes, of something that providers take unsigned as well,
 * and is made at every sign-in, where 3072 bits cost three times as much.
 */
const KEY_BITS = { 'saml-signing': 2048, 'saml-decryption': 3072 } as const;

/** One pair per tenant and purpose, made when first needed; of two nodes that make one, the first to store it wins. */
async function ownKeys({ store, vault, now }: SamlConnectionDeps, tenantId: string, purpose: keyof typeof KEY_BITS): Promise<KeyPair> {
  const seal = `${tenantId}/${purpose}`;
  const kept = await store.vault.get(tenantId, purpose);
  if (kept) return { privateKey: vault.open(kept.sealed, seal), certificate: kept.public };
  const made = await createKeyPair(`Matricula ${tenantId}`, { bits: KEY_BITS[purpose] });
  const row = await store.vault.putIfAbsent({
    tenantId,
    purpose,
    sealed: vault.seal(made.privateKey, seal),
    public: made.certificate,
    createdAt: now(),
  });
  return { privateKey: vault.open(row.sealed, seal), certificate: row.public };
}

async function idpOf(deps: SamlConnectionDeps, tenant: Tenant, connection: SamlConnection): Promise<{ idp: IdpMetadata; staleAt: Date }> {
  const now = deps.now();
  const read = (xml: string) => readIdpMetadata(xml, { now, loopback: deps.loopback, entityId: connection.idp.entityId });
  const { metadata } = connection.idp;
  const idp = !metadata
    ? byHand(connection)
    : metadata.kind === 'xml'
      ? read(metadata.xml)
      : metadata.kind === 'file'
        ? read(await fromFile(resolve(deps.baseDir, metadata.path)))
        : await fetched(deps, { tenantId: tenant.id, connectionId: connection.id, url: metadata.url }, read);
  const stale = [now.getTime() + DAY, idp.validUntil?.getTime() ?? Infinity, idp.cacheUntil?.getTime() ?? Infinity];
  // A provider that asks for refreshing every second gets every five minutes.
  return { idp, staleAt: new Date(Math.max(Math.min(...stale), now.getTime() + 300_000)) };
}

function byHand({ id, idp }: SamlConnection): IdpMetadata {
  if (idp.entityId === null) throw new Refusal('connection-unusable', 'saml-connection/entity-id', `connection ${id} names no entity id`);
  return {
    entityId: idp.entityId,
    ssoRedirectUrl: idp.ssoRedirectUrl,
    ssoPostUrl: idp.ssoPostUrl,
    certificates: idp.certificates,
    validUntil: null,
    cacheUntil: null,
  };
}

/** A file that is not there is the connection's trouble, not the gateway's. */
async function fromFile(path: string): Promise<string> {
  try {
    if ((await stat(path)).size <= METADATA_BYTES) return await readFile(path, 'utf8');
  } catch (error) {
    throw new Refusal('connection-unusable', 'saml-metadata/file', `the metadata file cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  throw new Refusal('connection-unusable', 'saml-metadata/too-large', `the metadata file has more than ${METADATA_BYTES} bytes`);
}

/** Today's copy, else what the address gives now, else the last good copy as long as it is valid. Only what could be read is kept. */
async function fetched(
  deps: SamlConnectionDeps,
  at: { tenantId: string; connectionId: string; url: string },
  read: (xml: string) => IdpMetadata,
): Promise<IdpMetadata> {
  const now = deps.now();
  const row = await deps.store.metadata.get(at.tenantId, at.connectionId);
  const kept = row?.url === at.url ? row : null;
  // Perhaps the tenant file names another entity since: then this copy is none.
  const readKept = (): IdpMetadata | null => (kept ? unlessRefused(() => read(kept.xml)) : null);
  const today = kept !== null && now.getTime() - kept.fetchedAt.getTime() < DAY ? readKept() : null;
  if (today) return today;
  try {
    const xml = await fetchText(deps.fetch, at.url, { maxBytes: METADATA_BYTES });
    const idp = read(xml);
    await deps.store.metadata.put({ ...at, xml, fetchedAt: now, validUntil: idp.validUntil });
    return idp;
  } catch (error) {
    deps.log.warn({ err: error, tenant: at.tenantId, connection: at.connectionId }, 'SAML metadata could not be refreshed');
    const last = readKept();
    if (last) return last;
    throw error instanceof Refusal
      ? error
      : new Refusal('provider-unreachable', 'saml-metadata/fetch', 'metadata could not be fetched and no good copy is kept');
  }
}

/** Null where it may not be used any more; it says so itself (`validUntil`). */
function unlessRefused<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}
