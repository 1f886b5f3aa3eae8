/**
 * gate: everybody's turn at one platform of one tenant: so many calls at the same time in this process, and so many a minute over all processes together (kv).
 * Calls for somebody who is signing in pass before all others; then whoever began first, so that what was begun is ended before more is begun.
 */
import { NotCalled } from '../connectors/connector.ts';
import { type Kv, KvUnavailable } from '../kv/kv.ts';

export interface GateOptions {
  kv: Pick<Kv, 'spend'>;
  /** What is counted together. */
  key: string;
  limits: { perMinute: number | null; concurrent: number };
  now: () => Date;
}

export interface Turnstile {
  /**
   * Resolves when it is one's turn; what it resolves with is called when the call is over. `signal`: the attempt's own, by which its calls are known as one
   * attempt's. Throws `NotCalled` when it ends first, or when calls cannot be counted.
   */
  enter(signal: AbortSignal, how: { counted: boolean; urgent: boolean }): Promise<() => void>;
}

const MINUTE_MS = 60_000;
/** How often a waiting call looks at the clock. */
const LOOK_MS = 50;
/** Where calls cannot be counted nobody asks for a moment. */
const UNCOUNTED_MS = 2000;

interface Waiting {
  counted: boolean;
  urgent: boolean;
  /** Of the attempt: the smaller, the earlier it began. */
  began: number;
  go(leave: () => void): void;
  fail(error: unknown): void;
}

export function createTurnstile({ kv, key, limits, now }: GateOptions): Turnstile {
  const waiting: Waiting[] = [];
  let inside = 0;
  let pumping = false;
  const bucket = limits.perMinute === null ? null : bucketOf(limits.perMinute);
  const attemptOf = attemptsInOrder();
  const first = (): Waiting | undefined => waiting.reduce<Waiting | undefined>((best, one) => (best && !isBefore(one, best) ? best : one), undefined);

  /** Never rejects. */
  async function pump(): Promise<void> {
    if (pumping) return;
    pumping = true;
    try {
      while (waiting.length > 0 && inside < limits.concurrent) {
        if (bucket && first()?.counted) await permitted(bucket);
        // Whose turn it is by now: somebody may have come, or gone, while the permit was waited for.
        const one = first();
        if (!one) return;
        waiting.splice(waiting.indexOf(one), 1);
        inside++;
        one.go(onceOnly(leave));
      }
    } catch (error) {
      // Nobody calls uncounted.
      for (const one of waiting.splice(0)) one.fail(error);
    } finally {
      pumping = false;
    }
  }

  function leave(): void {
    inside--;
    void pump();
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
    enter: (signal, how) =>
      new Promise((resolve, reject) => {
        const attempt = attemptOf(signal);
        const late = () => {
          const at = waiting.indexOf(mine);
          if (at !== -1) waiting.splice(at, 1);
          reject(new NotCalled('its turn did not come in time', { begun: attempt.calls > 0 }));
        };
        const mine: Waiting = {
          ...how,
          began: attempt.ordinal,
          go(leaveIt) {
            attempt.calls++;
            signal.removeEventListener('abort', late);
            resolve(leaveIt);
          },
          fail(error) {
            signal.removeEventListener('abort', late);
            reject(error instanceof KvUnavailable ? uncounted() : error);
          },
        };
        if (signal.aborted) return late();
        signal.addEventListener('abort', late, { once: true });
        waiting.push(mine);
        void pump();
      }),
  };
}

const isBefore = (a: Waiting, b: Waiting): boolean => (a.urgent === b.urgent ? a.began < b.began : a.urgent);

const uncounted = () =>
  new NotCalled('calls cannot be counted just now, and nobody calls uncounted', { code: 'network', retryAfterMs: UNCOUNTED_MS });

function onceOnly(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}

interface AttemptSeen {
  /** In the order of their first call. */
  ordinal: number;
  /** That had their turn. */
  calls: number;
}
function attemptsInOrder(): (attempt: AbortSignal) => AttemptSeen {
  const known = new WeakMap<AbortSignal, AttemptSeen>();
  let last = 0;
  return (attempt) => {
    const seen = known.get(attempt) ?? { ordinal: ++last, calls: 0 };
    known.set(attempt, seen);
    return seen;
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
