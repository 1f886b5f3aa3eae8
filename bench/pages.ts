/** What a signed-in learner costs afterwards: their page, and the same as JSON. */
import { type KeyPair, testKey } from '../fixtures/saml/signer.ts';
import { startGateway } from './gateway.ts';
import { type Client, newClient } from './http.ts';
import type { Cases } from './main.ts';
import { fourAtOnce, measure, timed } from './measure.ts';
import { person } from './people.ts';
import { createResponder } from './provider.ts';
import { signIn } from './saml.ts';
import { samlConnections, samlParties } from './saml-parties.ts';

const PATHS = ['learning', 'me'];

export const pages: Cases = async (run) => {
  const cases = PATHS.map((path) => ({ path, name: `page after sign-in: ${path}` })).filter(({ name }) => run.wanted(name));
  if (cases.length === 0) return;
  const key = await testKey('Sample SAML provider');
  const gateway = await startGateway(samlConnections(key));
  try {
    const client = await signedIn(gateway, key);
    for (const { path, name } of cases) {
      const visit = () =>
        timed(async () => {
          const { status } = await client.get(`${gateway.url}/${path}`);
          if (status !== 200) throw new Error(`${path} answered ${status}`);
        });
      run.print({ name, ...(await measure({ n: run.count(400), usage: gateway.usage, batch: fourAtOnce(visit) }, 200)) });
    }
  } finally {
    await gateway.end();
  }
};

async function signedIn(gateway: { url: string }, key: KeyPair): Promise<Client> {
  const who = person('visitor', 50);
  const client = newClient();
  const respond = createResponder({ key, signed: 'both', groups: who.groups }, samlParties(gateway.url, 'both'));
  await signIn(client, { gateway, signed: 'both', respond, who });
  return client;
}
