/** The reject list of fixtures/saml/reject against a whole gateway: a real login, a real browser's cookies, a real form post. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ATTACKS } from '../../fixtures/saml/reject/attacks.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { expectRefused, untouched } from './refused.ts';
import { type Counterpart, counterpart, formWith, type ScriptedProvider, startScriptedProvider } from './saml-provider.ts';
import { createVisitor } from './visitor.ts';

let provider: ScriptedProvider;
let gateway: TestGateway;
let corp: Counterpart;

beforeAll(async () => {
  provider = await startScriptedProvider();
  const acme = { name: 'Acme', domains: ['acme.example'], connections: [provider.connection('corp')] };
  gateway = await startGateway({ tenants: { acme } });
  corp = await counterpart(gateway.baseUrl, provider.key);
});
afterAll(async () => {
  await gateway?.close();
  await provider?.close();
});

/** As pages and as JSON by turns: both show the same. */
const asked = (turn: number) => ({ accept: turn % 2 === 0 ? 'text/html' : 'application/json' });

/** Through a whole gateway a replay meets the finished login attempt first; the memory of assertions is met in flow.test.ts. */
const FINISHED = { code: 'message-replayed', check: 'flow/finished' } as const;

describe('an honest login', () => {
  it('is accepted, so that what is refused below is refused for its one change', async () => {
    const visitor = createVisitor(gateway.baseUrl);
    const { context, relayState, acsUrl } = await corp.start(visitor);
    const page = await visitor.browser.post(acsUrl, formWith(await context.good(), relayState));
    expect(page).toMatchObject({ status: 200, url: `${gateway.baseUrl}/t/acme/learning` });
    expect((await visitor.me()).user.email).toBe('amara@acme.example');
    await gateway.settled();
  });
});

describe('is refused for its own reason, and leaves nothing but its record:', () => {
  it('at least 40 attacks', () => expect(ATTACKS.length).toBeGreaterThanOrEqual(40));

  it.each(ATTACKS.map((attack, turn) => ({ ...attack, turn })))('$name', async ({ build, refused, replay, unsolicited, turn }) => {
    const first = createVisitor(gateway.baseUrl);
    const login = unsolicited ? { context: corp.contextFor('_of-no-login'), relayState: null } : await corp.start(first);
    const form = formWith(await build(login.context), login.relayState);
    if (replay) expect((await first.browser.post(corp.acsUrl, form)).status).toBe(200);
    const before = await untouched(gateway);
    const visitor = replay ? createVisitor(gateway.baseUrl) : first;
    const page = await visitor.browser.post(corp.acsUrl, form, asked(turn));
    await expectRefused(gateway, { connection: 'corp', page, visitor, refused: replay ? FINISHED : refused });
    expect(await untouched(gateway)).toEqual(before);
  });
});
