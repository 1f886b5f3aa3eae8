/**
 * members: people into groups and out of them. What comes together for one group goes together, in PATCHes of at most `memberBatch` members; what the
 * application refuses of several is asked for again one by one, so that nobody fails for another.
 */
import type { ScimPlatform } from '../../core/tenant.ts';
import { type Operation, TerminalFailure, TransientFailure } from '../connector.ts';
import type { Groups } from './groups.ts';
import { cannot, isGone, isObject, type Json, type PatchOperation, type Reply, versionOf, type Wire } from './wire.ts';

export interface Members {
  /** It is so when this resolves. Throws failures. */
  change(operation: Operation, userId: string, signal: AbortSignal): Promise<void>;
}

interface MembersDeps {
  wire: Wire;
  groups: Groups;
  quirks: ScimPlatform['quirks'];
}

interface Waiting {
  kind: Operation['kind'];
  userId: string;
  signal: AbortSignal;
  /** `gone`: the group is no more. */
  resolve(outcome: 'done' | 'gone'): void;
  reject(reason: unknown): void;
}

export function createMembers(deps: MembersDeps): Members {
  const { groups, wire } = deps;
  const inGroup = createQueues(deps);
  return {
    async change({ kind, resource: { name } }, userId, signal) {
      // Once more where it was remembered and is no more: it may have been made anew.
      for (let again = false; ; again = true) {
        const id = kind === 'add' ? await groups.need(name, signal) : await groups.find(name, signal);
        if (id === null || (await inGroup(id, { kind, userId, signal })) === 'done') return;
        groups.forget(name);
        if (again && kind === 'remove') return;
        if (again)
          throw new TerminalFailure('not-found', `${wire.name} does not find its group ${JSON.stringify(name)}, or the member`, { status: 404 });
      }
    },
  };
}

function createQueues(deps: MembersDeps): (groupId: string, change: Pick<Waiting, 'kind' | 'userId' | 'signal'>) => Promise<'done' | 'gone'> {
  const queues = new Map<string, Waiting[]>();
  const drain = async (groupId: string, queue: Waiting[]) => {
    while (queue.length > 0) await settle(deps, groupId, nextBatch(queue, deps.quirks.memberBatch));
    queues.delete(groupId);
  };
  return (groupId, change) =>
    new Promise((resolve, reject) => {
      const waiting = { ...change, resolve, reject };
      const queue = queues.get(groupId);
      if (queue) return void queue.push(waiting);
      const made = [waiting];
      queues.set(groupId, made);
      void drain(groupId, made);
    });
}

/** Nobody twice: what is asked later is done later. */
function nextBatch(queue: Waiting[], most: number): Waiting[] {
  const people = new Set<string>();
  let count = 0;
  while (count < queue.length && count < Math.max(1, most) && !people.has(queue[count]!.userId)) people.add(queue[count++]!.userId);
  return queue.splice(0, count);
}

/** Never throws: everybody who waits hears what came of it. */
async function settle(deps: MembersDeps, groupId: string, batch: Waiting[]): Promise<void> {
  // Whose attempt is over while it waited may be another worker's by now.
  const live = batch.filter(({ signal }) => !signal.aborted);
  for (const { signal, reject } of batch)
    if (signal.aborted) reject(new TransientFailure('timeout', `${deps.wire.name}: the attempt was over before its turn came`));
  if (live.length === 0) return;
  try {
    const outcome = await send(deps, groupId, live);
    for (const { resolve } of live) resolve(outcome);
  } catch (error) {
    const forAll = (error instanceof TransientFailure || error instanceof TerminalFailure) && error.scope === 'platform' && !live[0]!.signal.aborted;
    if (forAll || live.length === 1) for (const { reject } of live) reject(error);
    else for (const one of live) await settle(deps, groupId, [one]);
  }
}

async function send(deps: MembersDeps, groupId: string, batch: Waiting[]): Promise<'done' | 'gone'> {
  const { wire, quirks } = deps;
  const { signal } = batch[0]!;
  const path = `/Groups/${encodeURIComponent(groupId)}`;
  const reply = quirks.update === 'put' ? await replace(wire, path, batch) : await wire.patch(path, operationsOf(batch), { signal });
  if (reply.ok) return 'done';
  if (isGone(reply)) return 'gone';
  // Strictly by RFC 7644 §3.5.2.2 a value path that finds nobody is an error: nobody is there who would have to go.
  if (reply.scimType === 'noTarget' && batch.every(({ kind }) => kind === 'remove') && batch.length === 1) return 'done';
  if (reply.status === 412)
    throw new TransientFailure('conflict', `${wire.name}: the group was changed by somebody else, twice in a row`, { status: 412 });
  throw wire.refusal(reply, cannot(reply) ? `${quirks.update.toUpperCase()} of groups` : 'a change of members');
}

/** In their order. A removal names its member by a value path: without it, the whole list would go by the letter of the RFC. */
function operationsOf(batch: Waiting[]): PatchOperation[] {
  const operations: PatchOperation[] = [];
  for (const { kind, userId } of batch) {
    const last = operations.at(-1);
    if (kind === 'remove') operations.push({ op: 'remove', path: `members[value eq ${JSON.stringify(userId)}]` });
    else if (last?.op === 'add') (last.value as Json[]).push({ value: userId });
    else operations.push({ op: 'add', path: 'members', value: [{ value: userId }] });
  }
  return operations;
}

/** Without PATCH: read, merge, replace; under the version that was read, where the application has one. */
async function replace(wire: Wire, path: string, batch: Waiting[]): Promise<Reply> {
  const { signal } = batch[0]!;
  for (let again = false; ; again = true) {
    const there = await wire.ask('GET', path, { signal });
    if (!there.ok) return there;
    const { meta: _meta, ...group } = there.body;
    const members = membersOf(group).filter(({ value }) => !batch.some(({ userId }) => userId === value));
    members.push(...batch.filter(({ kind }) => kind === 'add').map(({ userId }) => ({ value: userId })));
    const reply = await wire.ask('PUT', path, { signal, body: { ...group, members }, version: versionOf(there.body) });
    if (reply.status !== 412 || again) return reply;
  }
}

export const membersOf = ({ members }: Json): Json[] => (Array.isArray(members) ? members.filter(isObject) : []);
