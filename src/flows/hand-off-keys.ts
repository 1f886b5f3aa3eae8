/** The gateway's own keys for signed hand-offs: one pair per tenant, hand-off and algorithm, made when first needed, the private half sealed in the vault. */
import { type CryptoKey, calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type JWK } from 'jose';
import type { SigningKey } from '../connectors/hand-off/signed.ts';
import type { SignedHandOff } from '../core/tenant.ts';
import type { Vault } from '../lib/secrets.ts';
import type { Store } from '../store/store.ts';

export interface HandOffKeysDeps {
  store: Pick<Store, 'vault'>;
  vault: Vault;
  now: () => Date;
}

/** `published`: the public half, as it stands in the key set. */
export interface OwnKey extends SigningKey {
  key: CryptoKey;
  published: JWK;
}

export interface HandOffKeys {
  of(tenantId: string, handOff: SignedHandOff): Promise<OwnKey>;
}

export function createHandOffKeys(deps: HandOffKeysDeps): HandOffKeys {
  // Keyed by the hand-off's own object: a changed tenant file makes new ones, and what was read for the old goes with them.
  const ready = new WeakMap<SignedHandOff, Promise<OwnKey>>();
  return {
    of(tenantId, handOff) {
      const known = ready.get(handOff);
      if (known) return known;
      const reading = readOrMake(deps, tenantId, handOff);
      ready.set(handOff, reading);
      reading.catch(() => ready.delete(handOff));
      return reading;
    },
  };
}

/** Of two nodes that make one at the same time, the first to store it wins. */
async function readOrMake({ store, vault, now }: HandOffKeysDeps, tenantId: string, { id, algorithm }: SignedHandOff): Promise<OwnKey> {
  const purpose = `hand-off/${id}/${algorithm}`;
  const seal = `${tenantId}/${purpose}`;
  const row =
    (await store.vault.get(tenantId, purpose)) ?? (await store.vault.putIfAbsent({ tenantId, purpose, ...(await make()), createdAt: now() }));
  const published = JSON.parse(row.public) as JWK;
  return { key: await importPKCS8(vault.open(row.sealed, seal), algorithm), kid: published.kid!, published };

  async function make(): Promise<{ sealed: string; public: string }> {
    // What it protects is valid for a minute, and it signs at every hand-off, where 3072 bits cost three times as much.
    const pair = await generateKeyPair(algorithm, { extractable: true, modulusLength: 2048 });
    const jwk = await exportJWK(pair.publicKey);
    const whole: JWK = { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: algorithm, use: 'sig' };
    return { sealed: vault.seal(await exportPKCS8(pair.privateKey), seal), public: JSON.stringify(whole) };
  }
}
