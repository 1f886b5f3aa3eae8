/**
 * local: the catalogue kept here as a learning platform. Enrolments are read straight from the store, so what is planned is there as soon as the plan is
 * applied, and nothing has to be brought anywhere: this connector only says whether it is so, and never that something is done which is not.
 */
import { desiredOf, resourceKey } from '../core/entitlement.ts';
import type { UserState } from '../core/model.ts';
import type { Catalogue } from '../core/tenant.ts';
import {
  type Applied,
  type Attempt,
  type Capabilities,
  type Connector,
  type Operation,
  type Resource,
  TerminalFailure,
  TransientFailure,
} from './connector.ts';

export const LOCAL = 'local';

/** Somebody as the store has them. */
export interface LocalLearner {
  /** Of kind `target`. */
  resources: Resource[];
  active: boolean;
}

export interface LocalDeps {
  /** Null: there is nobody of this id, or they were deleted. Whatever it throws counts as the store being away. */
  read: (userId: string) => Promise<LocalLearner | null>;
}

/** What the store's rows of one person come to; null for a tombstone. */
export const localLearnerOf = (state: UserState, catalogue: Catalogue): LocalLearner | null =>
  state.user.status === 'deleted'
    ? null
    : { resources: [...desiredOf(state, catalogue, null).resources.values()], active: state.user.status === 'active' };

const CAPABILITIES: Capabilities = {
  everybody: true,
  users: { create: true, update: true, findByExternalId: true, findByEmail: false, changeEmail: true, suspend: true },
  add: ['target'],
  remove: ['target'],
  targetsByName: false,
  expiry: false,
  readBack: true,
  catalogue: false,
  handOff: [],
  limits: { perMinute: null, concurrent: 16 },
  retryPlan: null,
};

export function createLocalConnector(deps: LocalDeps): Connector {
  async function read(userId: string, signal: AbortSignal): Promise<LocalLearner | null> {
    if (signal.aborted) throw new TransientFailure('timeout', 'the attempt ended before the store was asked', { scope: 'platform' });
    try {
      return await deps.read(userId);
    } catch (cause) {
      throw new TransientFailure('network', 'the store could not be asked', { scope: 'platform', cause });
    }
  }
  const accountOf = (id: string) => ({ id, privileged: false });

  return {
    platform: LOCAL,
    kind: 'local',
    capabilities: CAPABILITIES,
    async check(signal) {
      try {
        await read('', signal);
        return [{ check: 'store', ok: true, message: 'enrolments are read from the store' }];
      } catch (error) {
        return [
          {
            check: 'store',
            ok: false,
            message: (error as Error).message,
            next: 'see that the database of MATRICULA_DATABASE runs and can be reached',
          },
        ];
      }
    },
    catalogue: async () => [],
    find: async ({ id }, signal) => ((await read(id, signal)) ? accountOf(id) : null),
    async upsert(_known, { person, signal }: Attempt) {
      const learner = await read(person.id, signal);
      if (!learner && !person.active) return null;
      if (!learner || learner.active !== person.active) throw notYet();
      return { account: accountOf(person.id), created: false };
    },
    async read(accountId, _wanted, signal) {
      const learner = await read(accountId, signal);
      return learner && { ...learner, privileged: false, evidence: null };
    },
    async apply({ id }, operations, { signal }) {
      const found = await read(id, signal).catch((error: TransientFailure) => error);
      return operations.map((operation): Applied => ({ operation, outcome: outcomeOf(operation, found) }));
    },
  };
}

function outcomeOf({ kind, resource }: Operation, found: LocalLearner | null | TransientFailure): Applied['outcome'] {
  if (resource.kind !== 'target') return new TerminalFailure('unsupported', `the local catalogue has targets, and no ${resource.kind} beside them`);
  if (found instanceof TransientFailure) return found;
  const there = found?.resources.some((one) => resourceKey(one) === resourceKey(resource)) ?? false;
  return there === (kind === 'add') ? 'done' : notYet();
}

/** The outbox is written in the plan's own transaction, so this is a plan that came between; it has written a delivery of its own. */
const notYet = () => new TransientFailure('conflict', 'the store does not say so, or not any more');
