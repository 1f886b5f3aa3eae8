/** OpenID Connect sign-ins over HTTP: start → the provider (its own process) → callback, with the gateway's call for the tokens → session → redirect. */
import { freePort, startGateway } from './gateway.ts';
import { type Client, newClient } from './http.ts';
import type { Cases } from './main.ts';
import { fourAtOnce, measure, timed } from './measure.ts';
import type { Told } from './oidc-provider.ts';
import { person } from './people.ts';
import { start } from './process.ts';

const CLIENT_ID = 'matricula-bench';
const SECRET = 'of no use outside the bench';
const SIZES = [5, 50];

export const oidc: Cases = async (run) => {
  const cases = SIZES.map((groups) => ({ groups, name: `oidc login, repeat, ${groups} groups` })).filter(({ name }) => run.wanted(name));
  if (cases.length === 0) return;
  const port = await freePort();
  const people = SIZES.map((groups) => person(`oidc-${groups}`, groups));
  const redirectUri = `http://127.0.0.1:${port}/t/acme/oidc/oidc/callback`;
  const told: Told = { people, clientId: CLIENT_ID, clientSecret: SECRET, redirectUri };
  const provider = start('./oidc-provider.js', { args: [JSON.stringify(told)] });
  const { issuer } = await provider.hear<{ issuer: string }>();
  const gateway = await startGateway(connection(issuer), { secrets: { BENCH_OIDC_SECRET: SECRET }, port });
  try {
    for (const { name, groups } of cases) {
      const signInOnce = () => signIn(newClient(), { url: gateway.url, email: person(`oidc-${groups}`, groups).email, redirectUri });
      run.print({ name, ...(await measure({ n: run.count(60), usage: gateway.usage, batch: fourAtOnce(signInOnce) }, 30)) });
    }
  } finally {
    await gateway.end();
    await provider.end();
  }
};

const connection = (issuer: string) =>
  [
    '  - id: oidc',
    '    name: Sample provider',
    '    protocol: oidc',
    `    issuer: ${issuer}`,
    `    clientId: ${CLIENT_ID}`,
    '    clientSecret: env:BENCH_OIDC_SECRET',
  ].join('\n');

/** Milliseconds that the browser waited for the gateway. */
async function signIn(client: Client, { url, email, redirectUri }: { url: string; email: string; redirectUri: string }): Promise<number> {
  let next: string | null = '';
  const started = await timed(async () => {
    next = (await client.get(`${url}/login/oidc?login_hint=${encodeURIComponent(email)}`)).location;
  });
  for (let hops = 0; next !== null && !next.startsWith(redirectUri) && hops < 10; hops++) next = (await client.get(next)).location;
  if (!next?.startsWith(redirectUri)) throw new Error('the sample provider did not send the browser back');
  const callback = next;
  const finished = await timed(async () => {
    const { status, body } = await client.get(callback);
    if (status !== 303) throw new Error(`a sign-in ended with ${status}: ${body.slice(0, 500)}`);
  });
  return started + finished;
}
