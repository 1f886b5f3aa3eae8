/** An application that is told by webhook, through a whole gateway: its messages keep their ids over all attempts, come when the plan says, and end when it says so. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Receiver } from '../../connectors/webhook/receiver.ts';
import { startReceiver } from '../../connectors/webhook/receiver.ts';
import { eventually } from '../gateway.ts';
import { type Operator, startOperator } from '../modes/operator.ts';

const [MINUTE, HOUR] = [60_000, 3_600_000];
/** The specification's plan after the first attempt, each with as much added as chance may add. */
const PLAN_MS = [5000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR].map((ms) => ms * 1.1 + 1000);

describe('a webhook', () => {
  let ahead: number;
  let app: Receiver;
  let operator: Operator;
  beforeEach(async () => {
    ahead = 0;
    const secrets = [`whsec_${randomBytes(32).toString('base64')}`, `whsec_${randomBytes(32).toString('base64')}`];
    app = await startReceiver([secrets[1]!]); // the receiver still has the old one only
    operator = await startOperator({
      now: () => new Date(Date.now() + ahead),
      over: {
        rules: [{ id: 'sales', when: { group: 'Sales' }, enrol: ['bundle:sales'] }],
        platforms: [{ id: 'app', kind: 'webhook', url: app.url, secrets: ['file:secrets/new', 'file:secrets/old'] }],
      },
      files: { 'secrets/new': secrets[0]!, 'secrets/old': secrets[1]! },
    });
    const { store } = operator.gateway.house;
    await eventually(async () => (await store.platforms.get({ tenantId: 'acme', platform: 'app' }))?.cursor === null || null);
  });
  afterEach(async () => {
    await operator.close();
    await app.close();
  });
  const settled = () => operator.gateway.settled();
  const letters = async () =>
    (await operator.get<{ deliveries: { state: string; code: string; attempts: number }[] }>('/deliveries')).body.deliveries;
  const told = (i: number) => JSON.parse(app.received[i]!.body) as { type: string; data: Record<string, unknown> };
  const ids = () => app.received.map(({ id }) => id);

  it('tells of a learner and of the enrolments, signed with both secrets, and of what is taken away', async () => {
    const id = await operator.arrives('ada', ['Sales']);
    await settled();
    expect(app.learners.get(id)).toMatchObject({ data: { email: 'ada@acme.example', status: 'active' }, targets: ['bundle:sales'] });
    await operator.arrives('ada', []);
    await settled();
    expect(app.learners.get(id)?.targets).toEqual([]);
    expect(app.received.map(({ body }) => (JSON.parse(body) as { type: string }).type)).toEqual([
      'learner.updated',
      'enrolments.changed',
      'enrolments.changed',
    ]);
    expect(new Set(ids()).size).toBe(3);
    expect(app.received[0]!.headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
  });

  it('is tried as often as the plan says, always under the same id, then is a dead letter, which an operator can send again under that id', async () => {
    app.instead = { status: 500 };
    await operator.arrives('ada', ['Sales']);
    for (const [n, wait] of PLAN_MS.entries()) {
      await eventually(async () => (await letters())[0]?.attempts === n + 1 || null);
      ahead += wait;
    }
    await eventually(async () => (await letters())[0]?.state === 'dead' || null);
    expect(ids()).toHaveLength(10);
    expect(new Set(ids()).size).toBe(1);
    // Its clock is not ahead: it would not take a message of tomorrow.
    app.instead = { status: 200 };
    expect(await operator.post('/deliveries/retry', { platform: 'app' })).toMatchObject({ status: 200, body: { retried: 1 } });
    ahead += MINUTE; // after so many failures in a row it is not asked at once
    await settled();
    expect(ids()[10]).toBe(ids()[0]);
    expect(told(ids().length - 1)).toMatchObject({ type: 'enrolments.changed', data: { enrolments: [{ target: 'bundle:sales' }] } });
  });

  it('that answers 410 is asked no more, whoever comes, until an operator says so; then everybody is told', async () => {
    app.instead = { status: 410 };
    await operator.arrives('ada', ['Sales']);
    const halted = async () => (await operator.get<{ platforms: { halted: { code: string } | null }[] }>('/platforms')).body.platforms[0]!.halted;
    await eventually(halted);
    expect(await halted()).toMatchObject({ code: 'gone' });
    app.instead = { status: 200 };
    await operator.arrives('bob', ['Sales']);
    for (let i = 0; i < 4; i++) {
      ahead += HOUR;
      await new Promise((resolve) => setTimeout(resolve, 1200));
    }
    expect(ids()).toHaveLength(1);
    await operator.post('/deliveries/retry', { platform: 'app' });
    ahead += HOUR;
    await settled();
    const updated = app.received.map((_, i) => told(i)).filter(({ type }) => type === 'learner.updated');
    expect(updated.map(({ data }) => data['email'])).toEqual(['ada@acme.example', 'ada@acme.example', 'bob@acme.example']);
  });

  it('is replayed to whoever asks: everything of one person, anew', async () => {
    const id = await operator.arrives('ada', ['Sales']);
    await settled();
    app.learners.clear(); // it has lost its memory
    expect(await operator.post('/deliveries/replay', { platform: 'app', user: 'ada@acme.example' })).toMatchObject({
      status: 200,
      body: { people: 1 },
    });
    await settled();
    expect(app.learners.get(id)).toMatchObject({ data: { email: 'ada@acme.example' }, targets: ['bundle:sales'] });
  });

  it('of a change that came while the first was still to be told is one message of the last state', async () => {
    app.instead = { status: 500 };
    const id = await operator.arrives('ada', ['Sales']);
    await eventually(async () => (await letters())[0]?.attempts === 1 || null);
    await operator.arrives('ada', []);
    app.instead = null;
    ahead += MINUTE;
    await settled();
    expect(app.learners.get(id)?.targets).toEqual([]);
    expect(app.received.filter(({ body }) => body.includes('enrolments.changed'))).toEqual([]);
  });
});
