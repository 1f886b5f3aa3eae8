/** delivered: how far a person is at a platform, for whoever is about to enter it. Their own delivery is made at once, and waited for a little. */
import type { FailureCode } from '../connectors/connector.ts';
import type { UserState } from '../core/model.ts';
import type { Tenant } from '../core/tenant.ts';
import { type OutboxKey, PLACE } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';
import type { Deliverer } from './deliver.ts';
import { isTold, personOf } from './delivery.ts';
import { placeOf } from './platforms.ts';

/** Somebody who is about to enter a platform. */
export interface Entrant {
  tenant: Tenant;
  /** Just read. */
  state: UserState;
  platform: string;
}

export type Progress =
  /** The account is theirs, and the platform has been told all of this of them, the e-mail above all. */
  { kind: 'ready'; accountId: string; privileged: boolean } | { kind: 'waiting' } | { kind: 'failed'; code: FailureCode };

export interface Delivered {
  /** How far a person is at a platform; waits for the person's own delivery at most `waitMs`. */
  progress(entrant: Entrant, waitMs: number): Promise<Progress>;
}

export interface DeliveredDeps {
  store: Pick<Store, 'ledger' | 'outbox' | 'platforms'>;
  deliverer: Pick<Deliverer, 'now' | 'isPaused'>;
  now: () => Date;
  newId: () => string;
}

const LOOK_MS = 200;

export function createDelivered(deps: DeliveredDeps): Delivered {
  const { outbox, ledger, platforms } = deps.store;

  async function standing(key: OutboxKey, { tenant, state }: Entrant): Promise<Progress | 'unknown'> {
    const row = await outbox.one(key);
    const known = await platforms.standing(key);
    const platform = tenant.platforms.find(({ id }) => id === key.platform);
    // The ledger of one place says nothing of another.
    if (!platform || (known && known.place !== placeOf(platform))) return { kind: 'failed', code: 'configuration' };
    if (row?.place === PLACE.dead) return { kind: 'failed', code: (row.failedCode ?? 'upstream') as FailureCode };
    const halted = row ? known?.haltedCode : null;
    if (halted) return { kind: 'failed', code: halted as FailureCode };
    if (row && row.place < PLACE.lookAfter) return { kind: 'waiting' };
    const { account } = await ledger.of(key);
    // An account that is called otherwise there may be entered by whoever is called so by now: nobody goes before it has been told.
    if (!account?.accountId || !isTold(account, personOf(state, tenant))) return 'unknown';
    return { kind: 'ready', accountId: account.accountId, privileged: account.privileged === 1 };
  }

  return {
    async progress(entrant, waitMs) {
      const key = { tenantId: entrant.tenant.id, userId: entrant.state.user.id, platform: entrant.platform };
      const before = await standing(key, entrant);
      // Whoever comes has their dead letter tried once more: what stood in the way may have been mended since.
      const revived = before !== 'unknown' && before.kind === 'failed' && (await outbox.revive(key, deps.now(), { due: true })) > 0;
      const first = revived ? ({ kind: 'waiting' } as const) : before;
      if (first === 'unknown')
        // Nothing was ever to be told of them, and they come all the same; or what was told is not what is so now.
        await outbox.enqueue([{ ...key, id: deps.newId(), place: PLACE.signIn, look: false }], deps.now());
      else if (first.kind !== 'waiting') return first;
      const done = deps.deliverer.now(key).then(() => 'done' as const);
      for (const deadline = performance.now() + waitMs; ; ) {
        const pause = new Promise<'look'>((resolve) => setTimeout(() => resolve('look'), LOOK_MS));
        const over = (await Promise.race([done, pause])) === 'done';
        const seen = await standing(key, entrant);
        if (seen !== 'unknown' && seen.kind !== 'waiting') return seen;
        // Nothing comes of waiting for a platform that is known to be away.
        if (performance.now() >= deadline || deps.deliverer.isPaused(key)) return { kind: 'waiting' };
        // Another worker has it, or its platform is away: looked at now and then.
        if (over) await pause;
      }
    },
  };
}
