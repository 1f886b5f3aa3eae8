/**
 * connectors/scim: our people as the SCIM 2.0 feed (RFC 7643, 7644) of any application: users, groups, members. Owns SCIM's client side and the quirks of
 * applications; what a person should have there is not decided here. Our targets are groups there, called by the target's `ref`, else its title.
 * A user is suspended by `active: false` and never deleted; a group is never deleted either, but one that was just made twice.
 */
import type { ScimPlatform } from '../../core/tenant.ts';
import {
  type Applied,
  type Capabilities,
  type Connector,
  type ConnectorDeps,
  type Operation,
  type ResourceKind,
  TerminalFailure,
  TransientFailure,
} from '../connector.ts';
import { createCheck } from './check.ts';
import { createGroups } from './groups.ts';
import { createMembers, type Members } from './members.ts';
import { createRead } from './read.ts';
import { sends } from './told.ts';
import { createUsers } from './users.ts';
import { createWire } from './wire.ts';

/** `token`: a bearer token of the application. */
export function createScimConnector(platform: ScimPlatform, { token }: { token: string }, deps: ConnectorDeps): Connector {
  const { id, url, quirks, groups: policy } = platform;
  const wire = createWire({ name: id, url, token }, deps);
  const groups = createGroups({ wire, mayCreate: policy === 'create', now: deps.now });
  const members = createMembers({ wire, groups, quirks });
  const users = createUsers({ wire, telling: platform });
  return {
    platform: id,
    kind: 'scim',
    capabilities: capabilitiesOf(platform),
    check: createCheck(wire, platform),
    catalogue: () => Promise.resolve([]),
    find: users.find,
    upsert: users.upsert,
    read: createRead({ wire, users, groups, hasGroups: policy !== 'none' }),
    apply: ({ id: userId }, operations, { signal }) =>
      applied(operations, (operation) => outcomeOf({ platform, members, userId }, operation, signal)),
  };
}

function capabilitiesOf(platform: ScimPlatform): Capabilities {
  const kinds: ResourceKind[] = platform.groups === 'none' ? [] : ['target'];
  return {
    everybody: true,
    users: {
      create: true,
      update: true,
      findByExternalId: sends('externalId', platform),
      // By the user name, and where that is not it by the address.
      findByEmail: true,
      changeEmail: sends('emails', platform),
      suspend: sends('active', platform),
    },
    add: kinds,
    remove: kinds,
    targetsByName: true,
    expiry: false,
    readBack: true,
    catalogue: false,
    handOff: [],
    limits: platform.limits,
    retryPlan: null,
  };
}

type Outcome = Applied['outcome'];

/** One after the other. What concerns the whole platform is not asked for again with the next one. */
async function applied(operations: Operation[], attempt: (operation: Operation) => Promise<Outcome>): Promise<Applied[]> {
  const all: Applied[] = [];
  let halted: Outcome | null = null;
  for (const operation of operations) {
    const outcome: Outcome = halted ?? (await attempt(operation));
    if (typeof outcome !== 'string' && outcome.scope === 'platform') halted = outcome;
    all.push({ operation, outcome });
  }
  return all;
}

interface Place {
  platform: ScimPlatform;
  members: Members;
  userId: string;
}

async function outcomeOf({ platform, members, userId }: Place, operation: Operation, signal: AbortSignal): Promise<Outcome> {
  if (operation.resource.kind !== 'target' || platform.groups === 'none')
    return new TerminalFailure('unsupported', `${platform.id} is told of ${platform.groups === 'none' ? 'users' : 'users and of our targets'} only`);
  try {
    await members.change(operation, userId, signal);
    return 'done';
  } catch (error) {
    if (error instanceof TransientFailure || error instanceof TerminalFailure) return error;
    if (signal.aborted) return new TransientFailure('timeout', `${platform.id}: the attempt was over before it was asked`, { cause: error });
    throw error;
  }
}
