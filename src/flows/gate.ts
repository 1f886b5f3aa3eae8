/**
 * gate: everybody's turn at one platform of one tenant: so many calls at the same time in this process, and so many a minute over all processes together (kv).
 * Calls for somebody who is signing in pass before all others.
 */
import { TransientFailure } from '../connectors/connector.ts';
import type { Kv } from '../kv/kv.ts';

export interface GateOptions {
  kv: Pick<Kv, 'increment'>;
  /** What is counted together. */
  key: string;
  limits: { perMinute: number | null; concurrent: number };
  now: () => Date;
}

export interface Turnstile {
  /** Resolves when it is one's turn; what it resolves with is called when the call is over. Throws `TransientFailure` `timeout` when the signal ends first. */
  enter(signal: AbortSignal, how: { counted: boolean; urgent: boolean }): Promise<() => void>;
}

/**
 * Calls are counted in windows that begin with their first call and follow each other: a minute meets at most eleven of them and the parts of two. So the
 * platform's limit is kept in every minute, wherever one begins to count, and no window is so long that a sign-in waits for many seconds.
 */
const WINDOWS = 12;
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
  const share = limits.perMinute === null ? null : windowsOf(limits.perMinute);
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
        if (share && next()?.counted) await permitted(share);
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

  async function permitted({ calls, ms }: { calls: number; ms: number }): Promise<void> {
    while (waiting.length > 0) {
      const { count, resetInMs } = await kv.increment('rate', `platform:${key}`, ms);
      if (count <= calls) return;
      const until = now().getTime() + Math.max(1, resetInMs);
      while (now().getTime() < until && waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK_MS, resetInMs)));
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

/** At least one call in each window. */
function windowsOf(perMinute: number): { calls: number; ms: number } {
  if (perMinute < WINDOWS) return { calls: 1, ms: Math.ceil(MINUTE_MS / perMinute) };
  return { calls: Math.floor(perMinute / WINDOWS), ms: Math.ceil(MINUTE_MS / (WINDOWS - 1)) };
}
