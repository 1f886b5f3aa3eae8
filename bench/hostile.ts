/**
 * Messages that mean harm: large, deep or full to the limits, and never signed by the provider. What each costs the gateway until it is refused
 * is how long it keeps everybody else waiting.
 */
import { randomBytes } from 'node:crypto';
import { ALGORITHMS, type Parties, responseXml, type Shape, testKey, toBase64 } from '../fixtures/saml/signer.ts';
import { startGateway } from './gateway.ts';
import { type Client, newClient } from './http.ts';
import type { Cases } from './main.ts';
import { measure, oneByOne, timed } from './measure.ts';
import { requestIdOf, samlConnections, samlParties } from './saml-parties.ts';

/** Just below the 256 kB that a message may have. */
const FULL = 250_000;

const filled = (piece: string, bytes = FULL): string => piece.repeat(Math.floor(bytes / piece.length));
const many = (count: number, make: (i: number) => string): string => Array.from({ length: count }, (_, i) => make(i)).join('');
const statement = (values: string): Shape => ({
  attributeXml: `<saml:AttributeStatement><saml:Attribute Name="groups">${values}</saml:Attribute></saml:AttributeStatement>`,
});

/** Each with a signature of the right form over the response, with a digest and a value that are none. */
const MESSAGES: Record<string, Shape> = {
  'empty elements, 250 kB': statement(filled('<a/>')),
  'empty values, 250 kB': statement(filled('<saml:AttributeValue/>')),
  'as many values as are read': statement(many(4_900, () => '<saml:AttributeValue>x</saml:AttributeValue>')),
  'nested elements, 250 kB': statement(
    `<saml:AttributeValue>${filled('<a>', FULL / 2)}${'</a>'.repeat(Math.floor(FULL / 2 / 4))}</saml:AttributeValue>`,
  ),
  'many attributes': statement(`<saml:AttributeValue${many(20_000, (i) => ` a${i}=""`)}/>`),
  'many namespaces': statement(`<saml:AttributeValue${many(8_000, (i) => ` xmlns:n${i}="u:${i}"`)}/>`),
  'one long text, 250 kB': statement(`<saml:AttributeValue>${filled('x')}</saml:AttributeValue>`),
  'text of references, 250 kB': statement(`<saml:AttributeValue>${filled('&amp;')}</saml:AttributeValue>`),
};

export const hostile: Cases = async (run) => {
  const nameOf = (message: string) => `refused: ${message}`;
  const cases = Object.entries(MESSAGES).filter(([message]) => run.wanted(nameOf(message)));
  if (cases.length === 0) return;
  const key = await testKey('Sample SAML provider');
  const gateway = await startGateway(samlConnections(key));
  try {
    const client = newClient();
    const location = (await client.get(`${gateway.url}/login/both`)).location ?? '';
    const parties = { ...samlParties(gateway.url, 'both'), requestId: requestIdOf(location) };
    for (const [message, shape] of cases) {
      const fields = { SAMLResponse: forged(parties, shape), RelayState: new URL(location).searchParams.get('RelayState') ?? '' };
      const once = () => timed(() => refused(client, `${gateway.url}/saml/both/acs`, fields));
      run.print({ name: nameOf(message), ...(await measure({ n: run.count(10), usage: gateway.usage, batch: oneByOne(once) }, 3)) });
    }
  } finally {
    await gateway.end();
  }
};

async function refused(client: Client, url: string, fields: Record<string, string>): Promise<void> {
  const { status } = await client.post(url, fields);
  if (status !== 400) throw new Error(`a hostile message was answered with ${status}`);
}

function forged(parties: Parties, shape: Shape): string {
  const unsigned = responseXml(parties, { ...shape, responseId: '_response', assertionId: '_assertion' });
  const [response = '', assertion = '', rest = ''] = unsigned.split(/(?<=<\/saml:Issuer>)/);
  return toBase64(response + signature('_response') + assertion + signature('_assertion') + rest);
}

/** The right form, and nothing that anyone signed. */
function signature(id: string): string {
  const method = (name: string, uri: string) => `<ds:${name} Algorithm="${uri}"/>`;
  return (
    `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>${method('CanonicalizationMethod', ALGORITHMS.exclusive)}` +
    `${method('SignatureMethod', ALGORITHMS.rsaSha256)}<ds:Reference URI="#${id}"><ds:Transforms>${method('Transform', ALGORITHMS.enveloped)}` +
    `${method('Transform', ALGORITHMS.exclusive)}</ds:Transforms>${method('DigestMethod', ALGORITHMS.sha256)}<ds:DigestValue>` +
    `${randomBytes(32).toString('base64')}</ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>` +
    `${randomBytes(256).toString('base64')}</ds:SignatureValue></ds:Signature>`
  );
}
