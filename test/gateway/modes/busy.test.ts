/** A directory that never stops writing is in nobody's way who leaves it: the switch waits for what is under way, and for nothing that comes after. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../../services.ts';
import { postgres } from '../../store/backends.ts';
import type { ScimClient } from '../scim/client.ts';
import { type Consequences, type Operator, startOperator } from './operator.ts';

const AT_ONCE = 10;
const MEMBERS = 50;
/** As many requests as any of them may still send; a switch that is starved never sees their end. */
const MOST = 400;

describeWith('postgres', 'a tenant whose directory is busy', () => {
  let operator: Operator;
  let directory: ScimClient;
  const ids: string[] = [];
  beforeAll(async () => {
    operator = await startOperator({ backend: postgres });
    await operator.prove('acme.example');
    for (let i = 0; i < AT_ONCE * MEMBERS; i++) ids.push(await operator.arrives(`p${i}`, ['Sales']));
    directory = operator.directory((await operator.change('/provisioning-mode', { mode: 'scim' })).token!.token);
  }, 120_000);
  afterAll(() => operator?.close());

  it('is left while it writes, and what comes after is refused', async () => {
    let [sent, left] = [0, false];
    const worker = async (k: number) => {
      const mine = ids.slice(k * MEMBERS, (k + 1) * MEMBERS).map((value) => ({ value }));
      const group = String((await directory.post('/Groups', { displayName: `G${k}`, members: mine })).body.id);
      for (let n = 0; n < MOST; n++) {
        const value = n % 2 === 0 ? [] : mine;
        const { status } = await directory.patch(`/Groups/${group}`, { op: 'replace', path: 'members', value });
        sent++;
        if (status === 401) return true;
      }
      return false;
    };
    const workers = Array.from({ length: AT_ONCE }, (_, k) => worker(k));
    while (sent < 2 * AT_ONCE) await new Promise((resolve) => setTimeout(resolve, 20));
    const asked = { mode: 'manual' };
    const { consequences } = (await operator.post<{ consequences: Consequences }>('/provisioning-mode', asked)).body;
    const done = await operator.post<{ kind: string }>('/provisioning-mode', { ...asked, confirm: consequences.confirm });
    left = true;
    expect([done.status, done.body.kind, left]).toEqual([200, 'done', true]);
    // Each of them was refused before it had nothing more to send.
    expect(await Promise.all(workers)).toEqual(Array(AT_ONCE).fill(true));
  }, 180_000);
});
