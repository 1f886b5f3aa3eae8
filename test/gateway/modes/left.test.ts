/** A directory that nobody told: it goes on after its tenant has left SCIM. */
import { expect, it } from '@jest/globals';
import { startOperator } from './operator.ts';

it('is refused with 401 every time, and the log has one line a minute of it', async () => {
  let now = new Date('2026-11-26T08:00:00.000Z');
  const operator = await startOperator({ now: () => now });
  try {
    await operator.prove('acme.example');
    const { token } = await operator.change('/provisioning-mode', { mode: 'scim' });
    const directory = operator.directory(token!.token);
    await operator.change('/provisioning-mode', { mode: 'manual' });
    const lines = () => operator.gateway.log.filter(({ status, route }) => status === 401 && String(route).includes('scim')).length;
    for (let i = 0; i < 50; i++) expect((await directory.get('/Users?count=0')).status).toBe(401);
    expect(lines()).toBe(1);
    now = new Date(now.getTime() + 60_000);
    for (let i = 0; i < 50; i++) expect((await directory.get('/Users?count=0')).status).toBe(401);
    expect(lines()).toBe(2);
  } finally {
    await operator.close();
  }
});
