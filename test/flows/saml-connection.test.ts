/** A SAML connection made ready from metadata that comes, goes and changes, over a real store and a real address. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { bareCertificate, testKey } from '../../fixtures/saml/signer.ts';
import { parseTenantFile } from '../../src/config/tenant-file.ts';
import type { SamlConnection, Tenant } from '../../src/core/tenant.ts';
import { type Connections, createConnections } from '../../src/flows/connections.ts';
import { createGuardedFetch } from '../../src/lib/fetch.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createVault } from '../../src/lib/secrets.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore } from '../../src/store/store.ts';

let server: Server;
let asked: number;
let answer: { status: number; body: string };
let database: Database;
let connections: Connections;
let now: Date;

beforeEach(async () => {
  asked = 0;
  server = createServer((_request, response) => {
    asked++;
    response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  database = await openDatabase('sqlite::memory:');
  now = new Date();
  connections = createConnections({
    store: createStore(database),
    vault: createVault(Buffer.alloc(32, 7)),
    fetch: createGuardedFetch({ loopback: true }),
    log: silentLog,
    now: () => now,
    env: {},
    baseUrl: 'http://127.0.0.1:8080',
    baseDir: '/nowhere',
    loopback: true,
  });
});
afterEach(async () => {
  await database.close();
  await new Promise((resolve) => server.close(resolve));
});

async function metadataOf(entityId: string): Promise<string> {
  const certificate = bareCertificate((await testKey('idp.acme.example')).certificate);
  const key = `<KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`;
  const service = '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.acme.example/sso"/>';
  const descriptor = `<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">${key}${service}</IDPSSODescriptor>`;
  return `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${entityId}">${descriptor}</EntityDescriptor>`;
}

/** A tenant file's connection, each time a new one, as after a change of the file. */
function written(metadata: object): { tenant: Tenant; connection: SamlConnection } {
  const connection = { id: 'corp', name: 'Corp', protocol: 'saml', metadata };
  const parsed = parseTenantFile(JSON.stringify({ name: 'Acme', connections: [connection] }), {
    file: 'acme.yaml',
    tenantId: 'acme',
    baseDir: '/nowhere',
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return { tenant: parsed.tenant, connection: parsed.tenant.connections[0] as SamlConnection };
}
const ready = ({ tenant, connection }: ReturnType<typeof written>) => connections.saml(tenant, connection);
const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/metadata`;

it('a metadata file that is not there makes the connection unusable; it is no fault', async () => {
  await expect(ready(written({ file: 'missing.xml' }))).rejects.toMatchObject({ code: 'connection-unusable', check: 'saml-metadata/file' });
});

it('metadata that cannot be used is not fetched once per request, and is tried again soon', async () => {
  answer = { status: 200, body: '<not-metadata/>' };
  const corp = written({ url: address() });
  for (let i = 0; i < 20; i++) await expect(ready(corp)).rejects.toMatchObject({ check: 'saml-metadata/root' });
  expect(asked).toBe(1);
  answer = { status: 200, body: await metadataOf('https://idp.acme.example') };
  now = new Date(now.getTime() + 11_000);
  expect((await ready(corp)).metadata()).toContain('SPSSODescriptor');
});

it('a provider that changed its name is read anew when the tenant file says so, though today’s copy is kept', async () => {
  answer = { status: 200, body: await metadataOf('https://old.example') };
  await ready(written({ url: address(), entityId: 'https://old.example' }));
  answer = { status: 200, body: await metadataOf('https://new.example') };
  await ready(written({ url: address(), entityId: 'https://new.example' }));
  expect(asked).toBe(2);
});

it('the last good copy serves while the address gives nothing', async () => {
  answer = { status: 200, body: await metadataOf('https://idp.acme.example') };
  await ready(written({ url: address() }));
  answer = { status: 500, body: '' };
  now = new Date(now.getTime() + 2 * 86_400_000);
  expect((await ready(written({ url: address() }))).metadata()).toContain('SPSSODescriptor');
  expect(asked).toBe(2);
});
