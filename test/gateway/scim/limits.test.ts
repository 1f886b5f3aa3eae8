/** The limit of one token: far above what Entra may send (25 requests a second), and told as Okta reads it. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TOKEN_LIMIT } from '../../../src/http/scim.ts';
import { expectError } from './people.ts';
import { company, type ScimWorld, startWorld, tokenFor } from './world.ts';

const MINUTE = 60_000;
let world: ScimWorld;
let moment = Date.parse('2026-11-26T12:00:00Z');
beforeAll(async () => {
  world = await startWorld({ tenants: { acme: company(), other: company() }, now: () => new Date(moment), env: { MATRICULA_RATE_LIMITS: 'on' } });
});
afterAll(() => world?.close());

it('a minute of twenty-five requests a second passes; far more is 429 with whole seconds; another token and the next minute are free', async () => {
  const { client } = world;
  const ask = async (many: number) => {
    const answered = new Map<number, number>();
    for (let left = many; left > 0; left -= 50)
      for (const { status } of await Promise.all(Array.from({ length: Math.min(50, left) }, () => client.get('/ServiceProviderConfig'))))
        answered.set(status, (answered.get(status) ?? 0) + 1);
    return Object.fromEntries(answered);
  };
  expect(await ask(25 * 60)).toEqual({ 200: 1500 });
  moment += 20_000;
  expect(await ask(TOKEN_LIMIT - 1500)).toEqual({ 200: TOKEN_LIMIT - 1500 });
  const refused = await client.get('/Users');
  expectError(refused, { status: 429 });
  expect(refused.headers['retry-after']).toBe('40');
  const another = await tokenFor(world.gateway.house, 'acme');
  expect((await client.as(another).get('/Users')).status).toBe(200);
  expect((await world.clientOf('other').get('/Users')).status).toBe(200);
  moment += MINUTE - 20_000;
  expect(await ask(1)).toEqual({ 200: 1 });
}, 60_000);
