/** What answers of a receiver come to, over real HTTP; and what is sent. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Operation, Resource, Send } from '../../../src/connectors/connector.ts';
import { createSend, openGate } from '../../../src/connectors/send.ts';
import { createGuardedFetch } from '../../../src/lib/fetch.ts';
import { attemptOf, makePerson } from '../people.ts';
import { sendOnLoopback } from '../send.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import { connectorTo, newPair, newSecret } from './world.ts';

const NOW = new Date('2026-05-04T10:00:00.900Z');
const thing = (n: number): Resource => ({ kind: 'target', id: `bundle:offer-${n}`, name: `Offer ${n}` });
const add = (resource: Resource): Operation => ({ kind: 'add', resource });

let receiver: Receiver;
const secret = newSecret();
beforeEach(async () => {
  receiver = await startReceiver([secret]);
});
afterEach(() => receiver.close());

const told = async (answer: Receiver['instead']) => {
  receiver.instead = answer;
  const connector = connectorTo(receiver.url, [secret], { now: () => NOW });
  return connector.upsert(null, attemptOf('k', makePerson(), [])).then(
    () => 'taken',
    ({ name, code, scope, status, retryAfterMs }) => ({ name, code, scope, status, ...(retryAfterMs == null ? {} : { retryAfterMs }) }),
  );
};
const transient = (code: string, rest: object = {}) => ({ name: 'TransientFailure', code, scope: 'person', ...rest });

describe('an answer', () => {
  it.each([200, 201, 202, 204, 299])('%d: the message was taken', async (status) => {
    expect(await told({ status })).toBe('taken');
  });

  it.each([
    [301, 'nonsense', { status: null }],
    [307, 'nonsense', { status: null }],
    [304, 'nonsense', { status: 304 }],
    [400, 'validation', { status: 400 }],
    [401, 'auth', { status: 401 }],
    [403, 'auth', { status: 403 }],
    [404, 'not-found', { status: 404 }],
    [429, 'rate-limited', { status: 429 }],
    [500, 'upstream', { status: 500 }],
    [502, 'upstream', { status: 502 }],
    [504, 'upstream', { status: 504 }],
  ])('%d: the message is tried again, by the plan of this message only', async (status, code, rest) => {
    expect(await told({ status, headers: { location: receiver.url } })).toEqual(transient(code, rest));
    expect(receiver.received).toHaveLength(1);
  });

  it('410: nothing more is sent to anybody', async () => {
    expect(await told({ status: 410 })).toEqual({ name: 'TerminalFailure', code: 'gone', scope: 'platform', status: 410 });
  });

  it('that breaks off: tried again', async () => {
    expect(await told('cut')).toEqual(transient('network', { status: null }));
  });

  it.each([
    ['120', 120_000],
    ['0', 0],
    ['Mon, 04 May 2026 10:02:00 GMT', 119_100],
    ['Mon, 04 May 2026 09:00:00 GMT', 0],
    ['99999999999', 86_400_000],
    ['soon', undefined],
    ['-5', undefined],
  ])('with Retry-After: %s waits as long as it asks for, at most a day', async (text, retryAfterMs) => {
    const asked = retryAfterMs === undefined ? {} : { retryAfterMs };
    expect(await told({ status: 503, headers: { 'retry-after': text } })).toEqual(transient('upstream', { status: 503, ...asked }));
  });
});

describe('what is sent', () => {
  it('has the id of its change at every attempt, and the time of the attempt', async () => {
    let now = NOW;
    const connector = connectorTo(receiver.url, [secret], { now: () => now });
    const attempt = attemptOf('k', makePerson(), []);
    receiver.instead = { status: 500 };
    await expect(connector.upsert(null, attempt)).rejects.toMatchObject({ status: 500 });
    now = new Date(NOW.getTime() + 5_000);
    receiver.instead = { status: 204 };
    await connector.upsert(null, attempt);
    const [first, second] = receiver.received;
    expect(second!.id).toBe(first!.id);
    expect(second!.body).toBe(first!.body);
    expect([first, second].map((one) => one!.headers['webhook-timestamp'])).toEqual(['1777888800', '1777888805']);
    expect(second!.headers['content-type']).toBe('application/json');
  });

  it('is taken by a receiver that knows the new secret, the old one, or the public key, while all are in use', async () => {
    const [older, pair] = [newSecret(), newPair()];
    const connector = connectorTo(receiver.url, [secret, older, pair.secret]);
    for (const known of [[secret], [older], [pair.public]]) {
      receiver.secrets = known;
      const person = makePerson();
      await connector.upsert(null, attemptOf('k', person, []));
      expect(receiver.learners.has(person.id)).toBe(true);
    }
    receiver.secrets = [newSecret()];
    await expect(connector.upsert(null, attemptOf('k', makePerson(), []))).rejects.toMatchObject({ code: 'auth' });
  });

  it('in several messages ends at the first that is not taken; what came before is done', async () => {
    const person = makePerson();
    const things = Array.from({ length: 1000 }, (_, i) => thing(i));
    const connector = connectorTo(receiver.url, [secret]);
    await connector.upsert(null, attemptOf('k', person, []));
    const attempt = attemptOf('k', person, things);
    const limited: Send = async (request) => {
      if (receiver.received.length === 2) receiver.instead = { status: 500 };
      return sendOnLoopback(request);
    };
    const applied = await connectorTo(receiver.url, [secret], { send: limited }).apply({ id: person.id, held: null }, things.map(add), attempt);
    const done = applied.filter(({ outcome }) => outcome === 'done').length;
    expect(receiver.received).toHaveLength(3);
    expect(done).toBe(receiver.learners.get(person.id)!.targets.length);
    expect(done).toBeGreaterThan(0);
    expect(applied.slice(done).every(({ outcome }) => (outcome as { status?: number }).status === 500)).toBe(true);
    receiver.instead = null;
    const again = await connector.apply({ id: person.id, held: null }, things.map(add), attempt);
    expect(again.every(({ outcome }) => outcome === 'done')).toBe(true);
    expect(receiver.learners.get(person.id)!.targets).toHaveLength(1000);
  });
});

describe('nothing is sent', () => {
  it.each([
    ['a secret that cannot be used', ['whsec_hush']],
    ['no secret', []],
  ])('with %s: nobody’s message can succeed until it is mended, and a check says so', async (_what, secrets) => {
    const connector = connectorTo(receiver.url, secrets);
    const failure = { name: 'TerminalFailure', code: 'configuration', scope: 'platform' };
    await expect(connector.upsert(null, attemptOf('k', makePerson(), []))).rejects.toMatchObject(failure);
    const [applied] = await connector.apply({ id: 'x', held: null }, [add(thing(1))], attemptOf('k', makePerson(), [thing(1)]));
    expect(applied!.outcome).toMatchObject(failure);
    expect(receiver.received).toEqual([]);
    const findings = await connector.check(new AbortController().signal);
    expect(findings).toMatchObject([
      { check: 'secrets', ok: false, next: expect.stringMatching(/whsec_/) },
      { check: 'address', ok: true },
    ]);
    expect(JSON.stringify(findings)).not.toContain('hush');
  });

  it.each(['https://10.20.0.1/hook', 'https://169.254.169.254/hook', 'https://localhost/hook', 'http://hooks.acme.example/hook'])(
    'to an address that is not public or not https: %s',
    async (url) => {
      const send = createSend(createGuardedFetch({ loopback: false }), openGate);
      const connector = connectorTo(url, [secret], { send });
      await expect(connector.upsert(null, attemptOf('k', makePerson(), []))).rejects.toMatchObject({ code: 'configuration', scope: 'platform' });
      const findings = await connector.check(new AbortController().signal);
      expect(findings.find(({ check }) => check === 'address')).toMatchObject({
        ok: false,
        next: expect.stringMatching(/MATRICULA_ALLOWED_NETWORKS/),
      });
    },
  );

  it('anywhere else: a redirect is not followed', async () => {
    let came = 0;
    const other = createServer((_, response) => {
      came++;
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    await told({ status: 308, headers: { location: `http://127.0.0.1:${(other.address() as AddressInfo).port}/` } });
    await new Promise((resolve) => other.close(resolve));
    expect({ came, received: receiver.received.length }).toEqual({ came: 0, received: 1 });
  });
});
