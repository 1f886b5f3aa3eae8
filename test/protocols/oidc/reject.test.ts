import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Attack } from '../../../fixtures/oidc/attack.ts';
import { connectionTo } from '../../../fixtures/oidc/connection.ts';
import { authorise, type HostileOp, startHostileOp } from '../../../fixtures/oidc/hostile-op.ts';
import { attacks } from '../../../fixtures/oidc/reject/all.ts';
import { Refusal } from '../../../src/core/refusal.ts';
import { createGuardedFetch } from '../../../src/lib/fetch.ts';
import { randomToken } from '../../../src/lib/secrets.ts';
import { createOidcProvider, type OidcSignIn } from '../../../src/protocols/oidc/oidc.ts';

const fetch = createGuardedFetch({ loopback: true, deadlineMs: 1_500 });
let op: HostileOp;

beforeAll(async () => {
  op = await startHostileOp();
});
afterAll(() => op.close());
beforeEach(() => {
  op.bends = {};
});

/** One login, played through a gateway that has not met this provider before. */
async function play(attack: Omit<Attack, 'name' | 'why' | 'refused'>): Promise<OidcSignIn> {
  const connection = connectionTo(op, attack.connection);
  const redirectUri = 'https://gateway.example/t/acme/oidc/op/callback';
  const provider = createOidcProvider({ connection, redirectUri, credential: op.clientSecret, fetch, loopback: true });
  const secrets = { state: randomToken(), nonce: randomToken(), codeVerifier: randomToken() };
  await attack.arrange?.(op);
  const { url } = await provider.start({ ...secrets, loginHint: null, now: new Date() });
  if (attack.at === 'start') throw new Error('the browser was sent away');
  const parameters = await authorise(url);
  attack.callback?.(parameters, op);
  return provider.finish({ ...secrets, query: parameters.toString(), now: new Date() });
}

const refusalOf = (attack: Attack): Promise<unknown> =>
  play(attack).then(
    (signIn) => signIn,
    (error: unknown) => error,
  );

describe('an honest login', () => {
  it.each(['plain', 'entra'] as const)('of a %s provider is accepted, so that what is refused below is refused for its one change', async (kind) => {
    await expect(play({ connection: kind })).resolves.toMatchObject({ sub: 'subject-1', email: 'ada@example.com' });
  });
});

describe('is refused for its own reason:', () => {
  it.each(attacks)('$name', async (attack) => {
    const error = await refusalOf(attack);
    if (!(error instanceof Refusal)) throw error instanceof Error ? error : new Error(`signed in: ${JSON.stringify(error)}`);
    expect({ code: error.code, check: error.check }).toEqual(attack.refused);
  });

  it('each attack under its own name, with its defence', () => {
    expect(attacks.length).toBeGreaterThanOrEqual(30);
    expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length);
    for (const { why } of attacks) expect(why).toMatch(/\.$/);
  });

  it('the provider’s own words reach a log on one line only', async () => {
    const refusal = await refusalOf(attacks.find(({ name }) => name === 'provider-says-no')!);
    expect((refusal as Refusal).message).toContain('access_denied: not assigned  to this application');
  });
});
