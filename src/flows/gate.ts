/**
 * gate: everybody's turn at one platform of one tenant: so many calls at the same time in this process, and so many a minute over all processes together (kv).
 * Calls for somebody who is signing in pass before all others.
 */
import { TransientFailure } from '../connectors/connector.ts';
import type { Kv } from '../kv/kv.ts';

export interface GateOptions {
  kv: Pick<Kv, 'spend'>;
  /** What is counted together. */
  key: string;
  limits: { perMinute: number | null; concurrent: number };
  now: () => Date;
}

export interface Turnstile {
  /** Resolves when it is one's turn; what it resolves with is called when the call is over. Throws `TransientFailure` `timeout` when the signal ends first. */
  enter(signal: AbortSignal, how: { counted: boolean; urgent: boolean }): Promise<() => void>;
}

const MINUTE_MS = 60_000;
/** How often a waiting call looks at the clock. */
const LOOK_MS = 50;

interface Waiting {
  counted: boolean;
  urgent: boolean;
  go(leave: () => void): void;
}

export function createTurnstile({ kv, key, limits, now }: GateOptions): Turnstile {
  const waiting: Waiting[] = [];
  let inside = 0;
  let pumping = false;
  const bucket = limits.perMinute === null ? null : bucketOf(limits.perMinute);
  const leave = () => {
    inside--;
    void pump();
  };
  const next = (): Waiting | undefined => waiting.find(({ urgent }) => urgent) ?? waiting[0];

  async function pump(): Promise<void> {
    if (pumping) return;
    pumping = true;
    try {
      while (waiting.length > 0 && inside < limits.concurrent) {
        if (bucket && next()?.counted) await permitted(bucket);
        // Whose turn it is by now: somebody may have come, or gone, while the permit was waited for.
        const one = next();
        if (!one) return;
        waiting.splice(waiting.indexOf(one), 1);
        inside++;
        let left = false;
        one.go(() => {
          if (!left) leave();
          left = true;
        });
      }
    } finally {
      pumping = false;
    }
  }

  async function permitted(permits: { intervalMs: number; burst: number }): Promise<void> {
    while (waiting.length > 0) {
      const wait = await kv.spend('rate', `platform:${key}`, permits);
      if (wait === 0) return;
      const until = now().getTime() + wait;
      while (now().getTime() < until && waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK_MS, wait)));
    }
  }

  return {
    enter: (signal, { counted, urgent }) =>
      new Promise((resolve, reject) => {
        const late = () => {
          const at = waiting.indexOf(mine);
          if (at !== -1) waiting.splice(at, 1);
          reject(new TransientFailure('timeout', 'its turn did not come in time', { scope: 'platform' }));
        };
        const mine: Waiting = {
          counted,
          urgent,
          go(leaveIt) {
            signal.removeEventListener('abort', late);
            resolve(leaveIt);
          },
        };
        if (signal.aborted) return late();
        signal.addEventListener('abort', late, { once: true });
        waiting.push(mine);
        pump().catch((error: unknown) => {
          // The counter is away: nobody calls uncounted.
          for (const one of waiting.splice(0)) if (one === mine) reject(error as Error);
        });
      }),
  };
}

/**
 * A third of what a minute allows may be called at once, so that whoever signs in does not wait; the other two thirds come one by one. Together no minute,
 * wherever one begins to count, has more calls than the platform allows.
 */
function bucketOf(perMinute: number): { intervalMs: number; burst: number } {
  const burst = Math.max(1, Math.floor(perMinute / 3));
  return { burst, intervalMs: Math.ceil(MINUTE_MS / Math.max(1, perMinute - burst)) };
}
