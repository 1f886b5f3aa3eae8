/**
 * webhook: any application that hears what people are enrolled in, by messages of the Standard Webhooks specification 1.0 (standardwebhooks.com).
 * Owns what is told (messages), how it is signed (signature) and what an answer means (here). A receiver cannot be asked anything: the account is our user's
 * id, and a message counts as taken when it is answered with 2xx. Nothing is sent that is not signed.
 */
import type { WebhookPlatform } from '../../core/tenant.ts';
import {
  type Applied,
  type Attempt,
  type Capabilities,
  type Connector,
  type ConnectorDeps,
  type Operation,
  TerminalFailure,
  TransientFailure,
} from '../connector.ts';
import { checkWebhook } from './check.ts';
import { enrolmentsChanged, learnerUpdated, type Message } from './messages.ts';
import { judge, ofReceiver } from './receiver.ts';
import { readSigningKeys, type SigningKey, signatureOf } from './signature.ts';

/** The specification's: 15 to 30 s. */
const DEADLINE_MS = 20_000;
const HOUR = 3_600_000;
/** The specification's, from each failed attempt to the next; the worker adds jitter. */
const RETRY_PLAN = [5000, 300_000, HOUR / 2, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/** `secrets`: the newest first; a receiver may know any one of them. */
export function createWebhookConnector(platform: WebhookPlatform, secrets: readonly string[], { send, now }: ConnectorDeps): Connector {
  /** Read when needed, so that a check can say what is wrong with them. */
  let keys: SigningKey[] | null = null;
  const signingKeys = (): SigningKey[] => {
    keys ??= readSigningKeys(secrets);
    return keys;
  };

  /** Resolves when the message was taken. */
  async function tell({ id, body }: Message, { signal }: Attempt): Promise<void> {
    const timestamp = Math.floor(now().getTime() / 1000);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Matricula',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatureOf({ id, timestamp, body }, signingKeys()),
    };
    try {
      judge(await send({ method: 'POST', url: platform.url, headers, body, signal, deadlineMs: DEADLINE_MS }), now());
    } catch (error) {
      throw ofReceiver(error, signal);
    }
  }

  return {
    platform: platform.id,
    kind: 'webhook',
    capabilities: capabilitiesOf(platform),
    check: (signal) => checkWebhook({ url: platform.url, send, signal, keys: signingKeys }),
    catalogue: async () => [],
    find: async () => null,
    async upsert(known, attempt) {
      await tell(learnerUpdated(attempt), attempt);
      return { account: { id: attempt.person.id, privileged: false }, created: known === null };
    },
    read: async () => null,
    async apply(_account, operations, attempt) {
      const ended = new Map<Operation, Applied['outcome']>();
      for (const operation of operations) if (operation.resource.kind !== 'target') ended.set(operation, unsupported(operation));
      const ours = operations.filter((operation) => !ended.has(operation));
      let failure: TransientFailure | TerminalFailure | null = null;
      for (const part of ours.length > 0 ? enrolmentsChanged(ours, attempt) : []) {
        // What is told later builds on what was told before.
        failure ??= await tell(part.message, attempt).then(() => null, failureOf);
        for (const operation of part.operations) ended.set(operation, failure ?? 'done');
      }
      return operations.map((operation) => ({ operation, outcome: ended.get(operation)! }));
    },
  };
}

function failureOf(error: unknown): TransientFailure | TerminalFailure {
  if (error instanceof TransientFailure || error instanceof TerminalFailure) return error;
  throw error;
}

const unsupported = ({ resource }: Operation) => new TerminalFailure('unsupported', `a webhook tells of targets, not of a ${resource.kind}`);

const capabilitiesOf = ({ limits }: WebhookPlatform): Capabilities => ({
  everybody: true,
  users: { create: true, update: true, findByExternalId: false, findByEmail: false, changeEmail: true, suspend: true },
  add: ['target'],
  remove: ['target'],
  targetsByName: false,
  expiry: false,
  readBack: false,
  catalogue: false,
  handOff: [],
  limits,
  retryPlan: RETRY_PLAN,
});
