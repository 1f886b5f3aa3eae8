/** groups: which group of the application is which target. Found by its name, made where the tenant file allows it, and remembered for a while. */
import { TerminalFailure, TransientFailure } from '../connector.ts';
import { GROUP, isGone, isTaken, type Json, nobodyThere, textOf, type Wire } from './wire.ts';

export interface Groups {
  /** Its id; null = there is none. */
  find(name: string, signal: AbortSignal): Promise<string | null>;
  /** Made where it is missing and may be. Throws `TerminalFailure` `not-found` where it may not. */
  need(name: string, signal: AbortSignal): Promise<string>;
  /** It was not there any more. */
  forget(name: string): void;
}

interface GroupsDeps {
  wire: Wire;
  mayCreate: boolean;
  now: () => Date;
}

/** One that was renamed or replaced there is noticed after this long. */
const REMEMBERED_MS = 10 * 60_000;

export function createGroups({ wire, mayCreate, now }: GroupsDeps): Groups {
  const known = new Map<string, { id: string; until: number }>();
  const turns = new Map<string, Promise<unknown>>();
  const remember = (name: string, id: string) => {
    known.set(name, { id, until: now().getTime() + REMEMBERED_MS });
    return id;
  };
  const recall = (name: string) => {
    const one = known.get(name);
    return one && one.until > now().getTime() ? one.id : null;
  };
  /** One after the other for each name: of many people who are the first of a group only one makes it. */
  const inTurn = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const turn = (turns.get(name) ?? Promise.resolve()).then(work, work);
    turns.set(name, turn);
    const leave = () => void (turns.get(name) === turn && turns.delete(name));
    turn.then(leave, leave);
    return turn;
  };
  const look = async (name: string, signal: AbortSignal) => {
    const there = await called(wire, name, signal);
    if (there.length > 1) throw several(wire.name, name, { mayCreate, count: there.length });
    return there[0] ? remember(name, idOf(there[0], wire.name)) : null;
  };
  return {
    find: async (name, signal) => recall(name) ?? inTurn(name, async () => recall(name) ?? look(name, signal)),
    need: async (name, signal) =>
      recall(name) ??
      inTurn(name, async () => {
        const there = recall(name) ?? (await look(name, signal));
        if (there !== null) return there;
        if (!mayCreate) throw new TerminalFailure('not-found', `${wire.name} has no group called ${JSON.stringify(name)}`);
        return remember(name, await create(wire, name, signal));
      }),
    forget: (name) => void known.delete(name),
  };
}

/** Applications compare names in any case or exactly: the exact name comes first. */
async function called(wire: Wire, name: string, signal: AbortSignal): Promise<Json[]> {
  const found = await wire.search('Groups', { attribute: 'displayName', value: name, more: '&excludedAttributes=members' }, signal);
  if (found === null) throw new TerminalFailure('unsupported', `${wire.name} does not search groups by displayName: its "groups" should be "none"`);
  const exact = found.filter(({ displayName }) => displayName === name);
  return exact.length > 0 ? exact : found.filter(({ displayName }) => isCalled(displayName, name));
}

export const isCalled = (there: unknown, name: string): boolean => textOf(there).toLowerCase() === name.toLowerCase();

/** Where groups are made, two may just have been made at the same time, and one goes again. */
const several = (platform: string, name: string, { mayCreate, count }: { mayCreate: boolean; count: number }) => {
  const message = `${platform} has ${count} groups called ${JSON.stringify(name)}`;
  return mayCreate ? new TransientFailure('conflict', message) : new TerminalFailure('conflict', message);
};

function idOf(group: Json, platform: string): string {
  const id = textOf(group['id']);
  if (id === '') throw new TransientFailure('nonsense', `${platform} answers with a group that has no id`);
  return id;
}

async function create(wire: Wire, name: string, signal: AbortSignal): Promise<string> {
  const reply = await wire.ask('POST', '/Groups', { signal, body: { schemas: [GROUP], displayName: name } });
  if (isGone(reply)) throw nobodyThere(wire.name, reply.status);
  if (!reply.ok && !isTaken(reply)) throw wire.refusal(reply, `a new group called ${JSON.stringify(name)}`);
  // Another process may have made one at the same moment, and a name need not be unique (RFC 7643 §4.2).
  const all = await called(wire, name, signal);
  if (!reply.ok) {
    if (all.length === 1) return idOf(all[0]!, wire.name);
    throw new TerminalFailure('conflict', `${wire.name} says that it has a group called ${JSON.stringify(name)} already, and shows ${all.length}`);
  }
  const ours = idOf(reply.body, wire.name);
  const others = all.filter(({ id }) => id !== ours);
  if (others.length === 0 || others.every((other) => createdAt(reply.body) < createdAt(other))) return ours;
  await wire.ask('DELETE', `/Groups/${encodeURIComponent(ours)}`, { signal });
  throw several(wire.name, name, { mayCreate: true, count: all.length });
}

/** Milliseconds; NaN where it is not said, which is before nothing. */
const createdAt = ({ meta }: Json): number => Date.parse(textOf((meta as Json | undefined)?.['created']));
