/** The two SAML connections of the sample tenant, named after what is signed, and who speaks to whom on them. */
import { inflateRawSync } from 'node:zlib';
import { bareCertificate, type KeyPair, type Parties } from '../fixtures/saml/signer.ts';
import type { Signed } from './provider.ts';

const IDP = 'https://idp.acme.example/metadata';

export const samlParties = (url: string, signed: Signed): Omit<Parties, 'requestId'> => ({
  acsUrl: `${url}/saml/${signed}/acs`,
  entityId: `${url}/saml/${signed}/metadata`,
  idpEntityId: IDP,
  now: new Date(),
});

/** For the tenant file. Nobody goes to the provider's address: the driver answers in its place. */
export function samlConnections(key: KeyPair): string {
  const connection = (signed: Signed) => [
    `  - id: ${signed}`,
    `    name: Signed ${signed}`,
    '    protocol: saml',
    `    wantSigned: ${signed}`,
    `    idp: { entityId: "${IDP}", ssoUrl: "https://idp.acme.example/sso", certificates: ["${bareCertificate(key.certificate)}"] }`,
  ];
  return [...connection('both'), ...connection('assertion')].join('\n');
}

/** The ID of the AuthnRequest in the address that the browser is sent to. */
export function requestIdOf(location: string): string {
  const request = new URL(location).searchParams.get('SAMLRequest') ?? '';
  return / ID="([^"]+)"/.exec(inflateRawSync(Buffer.from(request, 'base64')).toString())![1]!;
}
