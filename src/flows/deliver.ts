/** deliver: the outbox's worker. Takes a key (user × platform), reads the present state and makes it so; at least once, idempotent. */
import { type Connector, TerminalFailure, TransientFailure } from '../connectors/connector.ts';
import type { Log } from '../lib/log.ts';
import type { OutboxRow } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';

export interface DeliverDeps {
  store: Pick<Store, 'outbox' | 'people'>;
  connectors: ReadonlyMap<string, Connector>;
  worker: string;
  now: () => Date;
  log: Log;
}

const BATCH = 20;
/** A worker that dies gives its rows back after this long. */
const CLAIM_MS = 60_000;
const MAX_BACKOFF_MS = 3_600_000;

/** Delivers what is due, one batch; how many rows it took. */
export async function deliverDue(deps: DeliverDeps): Promise<number> {
  const now = deps.now();
  const rows = await deps.store.outbox.claim(deps.worker, BATCH, now, new Date(now.getTime() + CLAIM_MS));
  for (const row of rows) await deliverOne(deps, row);
  return rows.length;
}

async function deliverOne(deps: DeliverDeps, row: OutboxRow): Promise<void> {
  try {
    const connector = deps.connectors.get(row.platform);
    if (!connector) throw new TerminalFailure(`no connector for platform ${row.platform}`);
    const state = await deps.store.people.state(row.tenantId, row.userId);
    if (state) await connector.deliver(state);
    await deps.store.outbox.done(row, deps.worker);
  } catch (error) {
    deps.log.warn({ err: error, tenant: row.tenantId, platform: row.platform, attempts: row.attempts }, 'a delivery failed');
    await deps.store.outbox.retry(row, deps.worker, new Date(deps.now().getTime() + backoff(row.attempts, error)), reasonOf(error));
  }
}

/** Doubling from one second, with jitter; what the platform asks for goes before, what cannot succeed waits longest. */
function backoff(attempts: number, error: unknown): number {
  if (error instanceof TerminalFailure) return MAX_BACKOFF_MS;
  const asked = error instanceof TransientFailure ? error.retryAfterMs : null;
  return asked ?? Math.min(1000 * 2 ** Math.min(attempts, 12), MAX_BACKOFF_MS) * (0.5 + Math.random() / 2);
}

const reasonOf = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 500);
