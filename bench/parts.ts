/** What a sign-in is made of, one part at a time and alone: where the difference to node-saml goes. All but the first in this process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyPair, testKey } from '../fixtures/saml/signer.ts';
import type { SamlConnection } from '../src/core/tenant.ts';
import { createDatabaseKv } from '../src/kv/database.ts';
import { createKeyPair } from '../src/lib/certificates.ts';
import { newId } from '../src/lib/ids.ts';
import { createSamlProvider, type SamlProvider } from '../src/protocols/saml/saml.ts';
import { openDatabase } from '../src/store/open.ts';
import { createStore } from '../src/store/store.ts';
import { startGateway } from './gateway.ts';
import { newClient } from './http.ts';
import type { Cases } from './main.ts';
import { measure, oneByOne, ownUsage, timed } from './measure.ts';
import { library } from './node-saml.ts';
import { person } from './people.ts';
import { sampleTenant } from './planner.ts';
import { createResponder } from './provider.ts';
import { samlConnections, samlParties } from './saml-parties.ts';

const REQUEST_ID = '_request';
const GROUPS = 5;

export const parts: Cases = async (run) => {
  const print = async (part: string, once: () => Promise<unknown>, n: number) => {
    const name = `part: ${part}`;
    if (run.wanted(name)) run.print({ name, ...(await measure({ n: run.count(n), usage: ownUsage, batch: oneByOne(() => timed(once)) }, n)) });
  };
  const key = await testKey('Sample SAML provider');
  if (run.wanted('part: one request and answer of the gateway')) await oneRequest(run, key);

  const parties = samlParties('http://127.0.0.1:8080/t/acme', 'both');
  const samlResponse = createResponder({ key, signed: 'both', groups: person('any', GROUPS).groups }, parties)(person('any', GROUPS), REQUEST_ID);
  const provider = await ready(parties);
  const alone = library({ ...parties, certificate: key.certificate, want: { response: true, assertion: true } });
  await print(
    'request for the provider, signed',
    () => provider.start({ requestId: REQUEST_ID, relayState: 'r'.repeat(43), loginHint: null, now: new Date() }),
    100,
  );
  await print('response verified, by node-saml alone', () => alone.validatePostResponseAsync({ SAMLResponse: samlResponse }), 100);
  await print('response verified, all checks', () => provider.verify({ samlResponse, requestId: REQUEST_ID, now: new Date() }), 100);
  await keeping(print);
};

async function ready(parties: ReturnType<typeof samlParties>): Promise<SamlProvider> {
  const connection = (await sampleTenant(1)).connections.find(({ id }) => id === 'both') as SamlConnection;
  const { idpEntityId, ...ours } = parties;
  const { ssoRedirectUrl, ssoPostUrl, certificates } = connection.idp;
  const idp = { entityId: idpEntityId, ssoRedirectUrl, ssoPostUrl, certificates, validUntil: null, cacheUntil: null };
  const [signing, decryption] = [await createKeyPair('signs', { bits: 2048 }), await createKeyPair('decrypts')];
  return createSamlProvider({ ...ours, connection, sloUrl: parties.acsUrl, idp, signing, decryption, loopback: false });
}

/** The gateway's cheapest answer. A sign-in is two requests. */
async function oneRequest(run: Parameters<Cases>[0], key: KeyPair): Promise<void> {
  const gateway = await startGateway(samlConnections(key));
  const client = newClient();
  const once = () => timed(() => client.get(new URL('/healthz', gateway.url).href));
  try {
    run.print({
      name: 'part: one request and answer of the gateway',
      ...(await measure({ n: run.count(500), usage: gateway.usage, batch: oneByOne(once) }, 500)),
    });
  } finally {
    await gateway.end();
  }
}

/** On SQLite in a file, as the gateway does it: attempt, limits, replay memory, session; and the line in the sign-in log. */
async function keeping(print: (part: string, once: () => Promise<unknown>, n: number) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'matricula-bench-'));
  const database = await openDatabase(`sqlite:${join(folder, 'bench.db')}`);
  const kv = createDatabaseKv(database, () => new Date());
  const { journal } = createStore(database);
  const [minute, value] = [60_000, 'v'.repeat(300)];
  const brief = async () => {
    const id = newId();
    for (const surface of ['start', 'acs']) await kv.increment('rate', surface, minute);
    await kv.set('login', id, value, minute);
    for (let i = 0; i < 2; i++) await kv.get('login', id);
    await kv.add('replay', id, '1', minute);
    await kv.take('login', id);
    await kv.set('login', id, value, minute);
    await kv.add('session', id, value, minute);
    await kv.set('session', `${id}:used`, '1', minute);
  };
  const entry = { tenantId: 'acme', connectionId: 'both', userId: 'u', outcome: 'SUCCESS' as const, code: null, check: null, reference: 'r' };
  try {
    await print('what a sign-in keeps for a short time', brief, 200);
    await print('line in the sign-in log', () => journal.appendSignIn({ ...entry, id: newId(), at: new Date(), detail: { groups: 'listed' } }), 200);
  } finally {
    await kv.close();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
