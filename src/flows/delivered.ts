/** delivered: how far a person is at a platform, for whoever is about to enter it. Their own delivery is made at once, and waited for a little. */
import type { FailureCode } from '../connectors/connector.ts';
import { type OutboxKey, PLACE } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';
import type { Deliverer } from './deliver.ts';
import type { Delivered } from './hand-off.ts';

export interface DeliveredDeps {
  store: Pick<Store, 'ledger' | 'outbox' | 'platforms'>;
  deliverer: Pick<Deliverer, 'now' | 'isPaused'>;
  now: () => Date;
  newId: () => string;
}

type Progress = Awaited<ReturnType<Delivered['progress']>>;

const LOOK_MS = 50;

export function createDelivered(deps: DeliveredDeps): Delivered {
  const { outbox, ledger, platforms } = deps.store;

  async function standing(key: OutboxKey): Promise<Progress | 'unknown'> {
    const row = await outbox.one(key);
    if (row?.place === PLACE.dead) return { kind: 'failed', code: (row.failedCode ?? 'upstream') as FailureCode };
    const halted = row ? (await platforms.get(key))?.haltedCode : null;
    if (halted) return { kind: 'failed', code: halted as FailureCode };
    if (row && row.place < PLACE.lookAfter) return { kind: 'waiting' };
    const { account } = await ledger.of(key);
    return account?.accountId ? { kind: 'ready', accountId: account.accountId, privileged: account.privileged === 1 } : 'unknown';
  }

  return {
    async progress(key, waitMs) {
      const before = await standing(key);
      // Whoever comes has their dead letter tried once more: what stood in the way may have been mended since.
      const revived = before !== 'unknown' && before.kind === 'failed' && (await outbox.revive(key, deps.now())) > 0;
      const first = revived ? ({ kind: 'waiting' } as const) : before;
      if (first === 'unknown')
        // Nothing was ever to be told of them: they have nothing there yet, and come all the same.
        await outbox.enqueue([{ ...key, id: deps.newId(), place: PLACE.signIn, look: false }], deps.now());
      else if (first.kind !== 'waiting') return first;
      const done = deps.deliverer.now(key).then(() => 'done' as const);
      for (const deadline = performance.now() + waitMs; ; ) {
        const pause = new Promise<'look'>((resolve) => setTimeout(() => resolve('look'), LOOK_MS));
        const over = (await Promise.race([done, pause])) === 'done';
        const seen = await standing(key);
        if (seen !== 'unknown' && seen.kind !== 'waiting') return seen;
        // Nothing comes of waiting for a platform that is known to be away.
        if (performance.now() >= deadline || deps.deliverer.isPaused(key)) return { kind: 'waiting' };
        // Another worker has it, or its platform is away: looked at now and then.
        if (over) await pause;
      }
    },
  };
}
