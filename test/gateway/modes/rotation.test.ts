/** Tokens by a clock that stands still: what a rotation leaves, to the millisecond. */
import { expect, it } from '@jest/globals';
import { rotateToken } from '../../../src/flows/tokens.ts';
import { startOperator } from './operator.ts';

const HOUR = 3_600_000;

it('the old token goes on for exactly twenty-four hours beside the new one', async () => {
  let now = new Date('2026-11-26T08:00:00.000Z');
  const operator = await startOperator({ now: () => now });
  try {
    await operator.prove('acme.example');
    const { token } = await operator.change('/provisioning-mode', { mode: 'scim' });
    const { store, vault, flow } = operator.gateway.house;
    const deps = { store, vault, now: flow.now, newId: flow.newId };
    const [first] = await store.keys.list('scim', 'acme');
    const fresh = await rotateToken(deps, { tenantId: 'acme', id: first!.id, actor: 'test' });
    const status = async (bearer: string) => (await operator.directory(bearer).get('/Users?count=0')).status;
    expect([await status(token!.token), await status(fresh.token)]).toEqual([200, 200]);
    now = new Date(now.getTime() + 24 * HOUR - 1);
    expect([await status(token!.token), await status(fresh.token)]).toEqual([200, 200]);
    now = new Date(now.getTime() + 1);
    expect([await status(token!.token), await status(fresh.token)]).toEqual([401, 200]);
    now = new Date(now.getTime() + 365 * 24 * HOUR);
    expect(await status(fresh.token)).toBe(200);
  } finally {
    await operator.close();
  }
});
