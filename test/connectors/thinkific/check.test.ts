import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { effects } from '../../../fixtures/sample-platform/faults.ts';
import type { Connector } from '../../../src/connectors/connector.ts';
import { createThinkificConnector } from '../../../src/connectors/thinkific/thinkific.ts';
import { sendOnLoopback } from '../send.ts';
import { makeWorld, platformAt, signal, type World } from './world.ts';

describe('a check of a Thinkific site', () => {
  let world: World;
  beforeEach(async () => {
    world = await makeWorld();
  });
  afterEach(() => world.close());
  const verdicts = async (connector: Connector = world.connector) =>
    Object.fromEntries((await connector.check(signal())).map(({ check, ok }) => [check, ok]));
  const WELL = { reachable: true, credentials: true, plan: true, clock: true, graphql: true, 'hand-off': true };

  it('finds all well, with two calls that change nothing', async () => {
    world.platform.school.addUser({ email: 'a@acme.example', firstName: 'A', lastName: 'B' });
    expect(await verdicts()).toEqual(WELL);
    expect(world.asked()).toEqual(['GET /users 200', 'MatriculaGroupsOfUser 200']);
  });

  it('a school in which there is nobody is well, too', async () => expect(await verdicts()).toEqual(WELL));

  it('names wrong credentials and a plan without the API, with what to do', async () => {
    const wrong = world.connect({ apiKey: 'x'.repeat(32) });
    expect(await verdicts(wrong)).toEqual({ reachable: true, credentials: false, 'hand-off': true });
    expect(await verdicts(world.connect({}, { subdomain: 'another' }))).toMatchObject({ credentials: false });
    world.platform.plan.api = false;
    expect(await verdicts()).toEqual({ reachable: true, credentials: true, plan: false, 'hand-off': true });
    for (const { ok, next } of [...(await wrong.check(signal())), ...(await world.connector.check(signal()))])
      expect(ok || (next ?? '').length > 20).toBe(true);
  });

  it('without an access token says that leaving groups is a manual task', async () => {
    const findings = await world.connect({ accessToken: null }).check(signal());
    expect(findings.find(({ check }) => check === 'graphql')).toMatchObject({ ok: true, message: expect.stringContaining('manual') });
  });

  it('finds an access token that has ended although the key is well', async () => {
    expect(await verdicts(world.connect({ accessToken: 'x'.repeat(43) }))).toEqual({ ...WELL, graphql: false });
  });

  it('finds that nobody can be handed over without a key', async () => {
    expect(await verdicts(world.connect({ apiKey: null }))).toEqual({ ...WELL, 'hand-off': false });
    expect(await verdicts(world.connect({ apiKey: world.platform.accessToken, accessToken: null }))).toEqual({ ...WELL, 'hand-off': false });
  });

  it.each([
    [-61, false],
    [61, false],
    [59, true],
  ])('a clock that is %i s off is well: %s', async (seconds, ok) => {
    const now = () => new Date(world.now().getTime() + seconds * 1000);
    const { apiKey, accessToken } = world.platform;
    const connector = createThinkificConnector(platformAt(world.platform), { apiKey, accessToken }, { send: sendOnLoopback, now });
    expect(await verdicts(connector)).toEqual({ ...WELL, clock: ok });
  });

  it('never throws for what the platform answers', async () => {
    for (const effect of [
      effects.html(),
      effects.brokenJson(),
      effects.wrongShape(),
      effects.empty(),
      effects.serverError(),
      effects.proxyError(),
      effects.tooMany(),
      effects.cut(),
    ]) {
      const remove = world.platform.faults.add({ effect });
      expect(await verdicts()).toEqual({ reachable: false, 'hand-off': true });
      remove();
      const removeGraphql = world.platform.faults.add({ path: /graphql/, effect });
      expect(await verdicts()).toEqual({ ...WELL, graphql: false });
      removeGraphql();
    }
    expect(await verdicts(world.connect({ apiKey: null, accessToken: null }))).toEqual({ credentials: false, 'hand-off': false });
    expect(await verdicts(world.connect({}, { api: 'http://192.0.2.1' }))).toEqual({ credentials: false, 'hand-off': true });
  });
});
