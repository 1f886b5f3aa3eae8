/** How connectors call out: the guarded fetch, taken in turn, with every way in which a call can fail told in the words of the contract. */
import { decodeUtf8, FetchError, type FetchFailure, type GuardedFetch } from '../lib/fetch.ts';
import { type PlatformAnswer, type PlatformRequest, type Send, TerminalFailure, TransientFailure } from './connector.ts';

/** Where each call waits for its turn. Resolves with what is called when the call is over; rejects when `signal` ends first. */
export interface Gate {
  enter(signal: AbortSignal, counted: boolean): Promise<() => void>;
}

/** Nobody waits. */
export const openGate: Gate = { enter: async () => () => {} };

const DEADLINE_MS = 10_000;
const MAX_BYTES = 1_048_576;

/** `fetch` must allow a call at least as long as the longest deadline that a connector asks for. */
export function createSend(fetch: GuardedFetch, gate: Gate): Send {
  return async (request) => {
    const headers = sendable(request);
    const leave = await gate.enter(request.signal, request.counted ?? true);
    try {
      return await call(fetch, request, headers);
    } catch (error) {
      throw failureOf(error, request.signal);
    } finally {
      leave();
    }
  };
}

async function call(
  fetch: GuardedFetch,
  { method, url, body, signal, deadlineMs = DEADLINE_MS }: PlatformRequest,
  headers: Headers,
): Promise<PlatformAnswer> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
  const response = await fetch(url, { method, headers, body, signal: within, maxBytes: MAX_BYTES });
  return { status: response.status, headers: response.headers, text: decodeUtf8(new Uint8Array(await response.arrayBuffer())) };
}

/** Checked here, because the error of whoever finds it later quotes the value, and that may be a secret. */
function sendable({ headers }: PlatformRequest): Headers {
  try {
    return new Headers(headers);
  } catch {
    throw new TerminalFailure('configuration', 'a credential or header holds characters that cannot be sent', { scope: 'platform' });
  }
}

function failureOf(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return new TransientFailure('timeout', 'the attempt ended before the platform answered', { scope: 'platform', cause: error });
  if (!(error instanceof FetchError)) return error;
  return FAILURES[error.failure](error.message.slice(error.failure.length + 2), error);
}

type Told = (message: string, cause: FetchError) => TransientFailure | TerminalFailure;

const refused: Told = (message, cause) => new TerminalFailure('configuration', message, { scope: 'platform', cause });
const nonsense: Told = (message, cause) => new TransientFailure('nonsense', message, { cause });

const FAILURES: Record<FetchFailure, Told> = {
  url: refused,
  scheme: refused,
  address: refused,
  network: (message, cause) => new TransientFailure('network', message, { scope: 'platform', cause }),
  deadline: (message, cause) => new TransientFailure('timeout', message, { scope: 'platform', cause }),
  redirect: nonsense,
  size: nonsense,
  encoding: nonsense,
  'content-type': nonsense,
  status: nonsense,
};
