/** The reject list of fixtures/oidc against a whole gateway: a real login, the hostile provider, a real callback. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Attack } from '../../fixtures/oidc/attack.ts';
import type { ConnectionKind } from '../../fixtures/oidc/connection.ts';
import { type HostileOp, startHostileOp } from '../../fixtures/oidc/hostile-op.ts';
import { attacks } from '../../fixtures/oidc/reject/all.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { expectRefused, untouched } from './refused.ts';
import { createVisitor } from './visitor.ts';

let op: HostileOp;
let gateway: TestGateway;

/** A gateway remembers discovery and keys, so each attack meets a connection, and hence a provider, of its own. A tenant holds at most 50. */
const PER_TENANT = 45;
const played = attacks.filter(({ connection }) => connection !== 'entra-common');
const places = played.map((attack, i) => ({ attack, tenant: `acme-${Math.floor(i / PER_TENANT)}`, turn: i }));

beforeAll(async () => {
  op = await startHostileOp();
  const tenants: Record<string, { name: string; domains: string[]; connections: object[] }> = {};
  for (const { attack, tenant } of places) {
    tenants[tenant] ??= { name: 'Acme', domains: ['example.com'], connections: [connectionOf('honest')] };
    tenants[tenant].connections.push(connectionOf(attack.name, attack.connection));
  }
  gateway = await startGateway({ tenants, files: { 'secrets/op': op.clientSecret } });
});
afterAll(async () => {
  await gateway?.close();
  await op?.close();
});
beforeEach(() => {
  op.bends = {};
});

const connectionOf = (id: string, kind: ConnectionKind = 'plain') => ({
  id,
  name: id,
  protocol: 'oidc',
  ...(kind === 'plain' ? { issuer: `${op.origin}/${id}` } : { issuer: op.entraIssuer, preset: 'entra' }),
  clientId: op.clientId,
  clientSecret: 'file:secrets/op',
  domains: ['example.com'],
  userinfo: true,
  maxAgeSeconds: 300,
});

/** One login up to the callback, where the attack bends it. */
async function play({ name, arrange, callback }: Partial<Attack>, { tenant = 'acme-0', accept = 'text/html' } = {}) {
  const visitor = createVisitor(gateway.baseUrl, { tenant, stopAt: (url) => url.includes('/callback?') });
  await arrange?.(op);
  const started = await visitor.browser.get(`${gateway.baseUrl}/t/${tenant}/login/${name}`, { accept });
  if (!started.url.includes('/callback?')) return { visitor, page: started };
  const back = new URL(started.url);
  callback?.(back.searchParams, op);
  return { visitor, page: await visitor.browser.get(back.href, { accept }) };
}

describe('an honest login', () => {
  it('is accepted, so that what is refused below is refused for its one change', async () => {
    const { visitor, page } = await play({ name: 'honest' });
    expect(page).toMatchObject({ status: 200, url: `${gateway.baseUrl}/t/acme-0/learning` });
    expect((await visitor.me()).user.email).toBe('ada@example.com');
    await gateway.settled();
  });
});

/** Which attempt an answer names is looked up before the provider's own checks, so these are met there already. */
const MET_EARLIER: Record<string, string> = { 'state-of-another-login': 'flow/unknown', 'state-missing': 'oidc/state-missing' };

describe('is refused for its own reason, and leaves nothing but its record:', () => {
  it('at least 25 attacks', () => expect(played.length).toBeGreaterThanOrEqual(25));

  it.each(places)('$attack.name', async ({ attack, tenant, turn }) => {
    const { name, refused } = attack;
    const before = await untouched(gateway);
    const { visitor, page } = await play(attack, { tenant, accept: turn % 2 === 0 ? 'text/html' : 'application/json' });
    const check = MET_EARLIER[name] ?? refused.check;
    await expectRefused(gateway, { tenant, connection: name, page, visitor, refused: { code: refused.code, check } });
    expect(await untouched(gateway)).toEqual(before);
  });
});
