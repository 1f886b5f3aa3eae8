/** A SAML provider that says what a test wants said: its keys, its place in a tenant file, and a page to arrive at. */
import { createServer } from 'node:http';
import { type AttackContext, attackContext } from '../../fixtures/saml/reject/attack.ts';
import { bareCertificate, type KeyPair, testKey, toBase64 } from '../../fixtures/saml/signer.ts';
import { parseSp } from '../../fixtures/sample-idp/saml-request.ts';
import { listening } from './gateway.ts';
import { requestIn, type Visitor } from './visitor.ts';

export const ENTITY_ID = 'https://idp.acme.example/metadata';

export interface ScriptedProvider {
  key: KeyPair;
  /** A connection as a tenant file has it. */
  connection(id: string, more?: object): object;
  close(): Promise<void>;
}

export async function startScriptedProvider(): Promise<ScriptedProvider> {
  const key = await testKey('idp.acme.example');
  const server = createServer((_request, response) => void response.end('the provider, waiting to be told what to answer'));
  const { port } = await listening(server);
  const idp = { entityId: ENTITY_ID, ssoUrl: `http://127.0.0.1:${port}/sso`, certificates: [bareCertificate(key.certificate)] };
  return {
    key,
    connection: (id, more) => ({ id, name: `Sign-in ${id}`, protocol: 'saml', domains: ['acme.example'], idp, ...more }),
    close: () => new Promise((resolve) => server.closeAllConnections() ?? server.close(() => resolve())),
  };
}

export interface Login {
  /** Whose answers this browser's attempt would take. */
  context: AttackContext;
  /** Names the attempt. */
  relayState: string;
  acsUrl: string;
}

/** What the gateway says of itself, for whoever answers it. */
export async function counterpart(baseUrl: string, key: KeyPair, { tenant = 'acme', connection = 'corp' } = {}) {
  const at = `${baseUrl}/t/${tenant}/saml/${connection}`;
  const { encryption: spCertificate } = parseSp(await (await fetch(`${at}/metadata`)).text());
  const otherKey = await testKey('evil.example');
  const parties = { acsUrl: `${at}/acs`, entityId: `${at}/metadata`, idpEntityId: ENTITY_ID, idpKey: key, otherKey, spCertificate };
  return {
    acsUrl: parties.acsUrl,
    contextFor: (requestId: string, now = new Date()): AttackContext => attackContext({ ...parties, requestId, now }),
    /** Sends a browser on its way to the provider. */
    async start({ browser }: Pick<Visitor, 'browser'>, query = ''): Promise<Login> {
      const page = await browser.get(`${baseUrl}/t/${tenant}/login/${connection}${query}`);
      if (page.status !== 200) throw new Error(`the sign-in did not start: ${page.status} ${page.body}`);
      return this.loginAt(page.url);
    },
    /** The login whose request is in the address of the provider's page. */
    loginAt(url: string): Login {
      const { requestId, relayState } = requestIn(url);
      return { context: this.contextFor(requestId), relayState, acsUrl: parties.acsUrl };
    },
  };
}
export type Counterpart = Awaited<ReturnType<typeof counterpart>>;

/** The form as a browser posts it; XML is encoded, anything else goes as it is. */
export function formWith(attempt: string | { samlResponse: unknown; relayState?: string }, relayState: string | null): [string, string][] {
  const responses = typeof attempt === 'string' ? [toBase64(attempt)] : [attempt.samlResponse].flat().map(String);
  const state = (typeof attempt === 'string' ? undefined : attempt.relayState) ?? relayState;
  return [...responses.map((one): [string, string] => ['SAMLResponse', one]), ...(state === null ? [] : [['RelayState', state] as [string, string]])];
}
