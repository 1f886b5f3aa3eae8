/** A process of its own: the sample OpenID provider. Told by its argument who there is, it says its address. */
import { startOidcIdp } from '../fixtures/sample-idp/oidc-idp.ts';
import type { Person } from './people.ts';

export interface Told {
  people: Person[];
  clientId: string;
  clientSecret: string;
  redirectUri: string;
}

const told = JSON.parse(process.argv[2]!) as Told;
const people = told.people.map((one) => ({ ...one, givenName: 'Amara', familyName: 'Okafor', displayName: 'Amara Okafor' }));
const client = { clientId: told.clientId, clientSecret: told.clientSecret, redirectUris: [told.redirectUri], auth: 'client_secret_basic' as const };
const { issuer } = await startOidcIdp({ people, clients: [client] });
process.send?.({ issuer });
process.on('disconnect', () => process.exit());
