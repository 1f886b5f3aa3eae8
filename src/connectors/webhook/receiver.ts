/** What a receiver's answer means. Whatever it is, other people's messages go on, each by the retry plan; only a receiver that is gone ends them all. */
import { type FailureCode, NotCalled, type PlatformAnswer, TerminalFailure, TransientFailure } from '../connector.ts';
import { retryAfterMs } from '../retry-after.ts';

/** Returns where the message was taken: 2xx, and nothing else. Throws `TransientFailure`, or `TerminalFailure` `gone`. */
export function judge({ status, headers }: PlatformAnswer, now: Date): void {
  if (status >= 200 && status < 300) return;
  if (status === 410) throw new TerminalFailure('gone', 'the receiver answered 410: it wants no more messages', { scope: 'platform', status });
  throw new TransientFailure(codeOf(status), `the receiver answered ${status}`, { status, retryAfterMs: retryAfterMs(headers, now) });
}

function codeOf(status: number): FailureCode {
  if (status === 429) return 'rate-limited';
  if (status >= 500) return 'upstream';
  if (status === 401 || status === 403) return 'auth';
  if (status === 404) return 'not-found';
  return status >= 400 ? 'validation' : 'nonsense';
}

/** A receiver that cannot be reached is tried again for each message by itself. An attempt that was ended, or a call that was not made, says nothing of the receiver. */
export function ofReceiver(error: unknown, signal: AbortSignal): unknown {
  if (!(error instanceof TransientFailure) || error instanceof NotCalled || error.scope === 'person' || signal.aborted) return error;
  const { code, message, retryAfterMs: asked, status, cause } = error;
  return new TransientFailure(code, message, { scope: 'person', retryAfterMs: asked, status, cause });
}
