/**
 * A process of its own: what is delivered to. A sample platform without limits, one that is down, and a receiver of webhooks that takes everything.
 * Says where they are; asked for `calls`, how many calls came since it was last asked, and over how long.
 * Asked to `hold`, the receiver answers nobody until it is asked to `go`.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startSamplePlatform } from '../fixtures/sample-platform/sample-platform.ts';

export interface School {
  url: string;
  subdomain: string;
  apiKey: string;
  accessToken: string;
}
export interface Places {
  up: School;
  down: School;
  hook: string;
}
export interface Calls {
  calls: number;
  /** Answered with an error. */
  refused: number;
  /** Milliseconds from the first to the last. */
  ms: number;
}

const limits = { perMinute: null, concurrent: null, points: null, pointsAtOnce: null };
const [up, down] = await Promise.all([startSamplePlatform({ limits }), startSamplePlatform({ limits })]);
down.faults.down();
const told: number[] = [];
const hook = createServer((request, response) => {
  told.push(Date.now());
  request.resume().once('end', () => (held ? held.push(response) : response.writeHead(204).end()));
});
/** Answers that wait for `go`. */
let held: ServerResponse[] | null = null;
await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));

process.on('message', (message: { asked?: string }) => {
  if (message.asked === 'hold') held ??= [];
  if (message.asked === 'go') {
    for (const response of held ?? []) response.writeHead(204).end();
    held = null;
  }
  if (message.asked === 'hold' || message.asked === 'go') process.send?.({});
  if (message.asked !== 'calls') return;
  const calls = up.calls.splice(0);
  const times = [...calls.map(({ at }) => at.getTime()), ...told.splice(0)];
  const refused = calls.filter(({ status }) => (status ?? 500) >= 400).length;
  process.send?.({ calls: times.length, refused, ms: Math.max(...times) - Math.min(...times) } satisfies Calls);
});
const schoolOf = ({ url, subdomain, apiKey, accessToken }: School): School => ({ url, subdomain, apiKey, accessToken });
const address = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
process.send?.({ up: schoolOf(up), down: schoolOf(down), hook: address } satisfies Places);
process.on('disconnect', () => process.exit());
