/**
 * users: a person's account at the application. It is ours where it carries our id as its externalId, or the ledger knows it. One that carries another
 * externalId is somebody else's; one without is adopted only where it has the person's e-mail, and somebody vouches for that.
 */
import { type Account, type Attempt, type Person, TerminalFailure, TransientFailure, type Upserted } from '../connector.ts';
import { hasMail, merged, newUser, operationsFor, sends, type Telling } from './told.ts';
import { cannot, isGone, isObject, isTaken, type Json, nobodyThere, textOf, versionOf, type Wire } from './wire.ts';

export interface Users {
  find(person: Person, signal: AbortSignal): Promise<Account | null>;
  upsert(known: string | null, attempt: Attempt): Promise<Upserted | null>;
  /** Null = gone. */
  get(id: string, signal: AbortSignal): Promise<Json | null>;
}

interface UsersDeps {
  wire: Wire;
  telling: Telling;
}

type Key = 'externalId' | 'userName' | 'emails.value';

export function createUsers(deps: UsersDeps): Users {
  const { wire, telling } = deps;
  const sendsId = sends('externalId', telling);
  const first: Key = telling.quirks.findBy === 'externalId' && sendsId ? 'externalId' : 'userName';
  const get = (id: string, signal: AbortSignal) => getUser(wire, id, signal);

  async function fresh(attempt: Attempt): Promise<Upserted | null> {
    const { person, signal } = attempt;
    const found = await lookUp(deps, person, { by: [first], strict: true, signal });
    const brought = found && (await bring(deps, found, attempt));
    if (brought) return brought;
    if (!person.active) return null;
    const reply = await wire.ask('POST', '/Users', { signal, body: newUser(person, telling) }).catch(oneSeatTooMany);
    if (reply.ok) return { account: accountOf(reply.body, wire), created: true };
    if (isGone(reply)) throw nobodyThere(wire.name, reply.status);
    if (!isTaken(reply)) throw wire.refusal(reply, 'a new user');
    return adopt(attempt);
  }

  async function adopt(attempt: Attempt): Promise<Upserted> {
    const by: Key[] = ['userName', ...(sendsId ? (['externalId'] as const) : []), ...(sends('emails', telling) ? (['emails.value'] as const) : [])];
    const found = await lookUp(deps, attempt.person, { by, strict: false, signal: attempt.signal });
    if (!found) throw new TerminalFailure('conflict', `${wire.name} says that it has this user already, and shows none`, { status: 409 });
    const brought = await bring(deps, found, attempt);
    if (!brought) throw new TransientFailure('conflict', `${wire.name}: the user went away while it was looked at`);
    return brought;
  }

  return {
    get,
    async find(person, signal) {
      const by: Key[] = first === 'userName' ? ['userName'] : [first, 'userName'];
      const found = await lookUp(deps, person, { by, strict: true, signal });
      if (!found || (standingOf(found, person, null) !== 'ours' && standingOf(found, person, null) !== 'vouched')) return null;
      return accountOf(found, wire);
    },
    async upsert(known, attempt) {
      const there = known === null ? null : await get(known, attempt.signal);
      return (there && (await bring(deps, there, { ...attempt, known }))) ?? fresh(attempt);
    },
  };
}

async function getUser(wire: Wire, id: string, signal: AbortSignal): Promise<Json | null> {
  const reply = await wire.ask('GET', `/Users/${encodeURIComponent(id)}`, { signal });
  if (isGone(reply)) return null;
  if (!reply.ok) throw wire.refusal(reply, 'the reading of a user');
  accountOf(reply.body, wire);
  return reply.body;
}

function accountOf(user: Json, { name }: Wire): Account {
  const id = textOf(user['id']);
  if (id === '') throw new TransientFailure('nonsense', `${name} answers with a user that has no id`);
  return { id, privileged: isPrivileged(user) };
}

/** `roles` has no vocabulary (RFC 7643 §4.1.2); these words mean the same everywhere. */
const ADMIN = /(^|[^a-z])(super|org|site|account|global|system)?[ _-]?(admin|administrator|owner|superuser)([^a-z]|$)/i;
export const isPrivileged = ({ roles }: Json): boolean =>
  Array.isArray(roles) &&
  roles.some((role) => isObject(role) && [role['value'], role['display'], role['type']].some((word) => ADMIN.test(textOf(word))));

interface Look {
  by: Key[];
  /** A search that the application does not know is a fault of its configuration; else it finds nothing. */
  strict: boolean;
  signal: AbortSignal;
}

async function lookUp({ wire }: UsersDeps, person: Person, { by, strict, signal }: Look): Promise<Json | null> {
  const values: Record<Key, string> = { externalId: person.id, userName: person.userName, 'emails.value': person.email };
  for (const key of by) {
    if (values[key] === '') continue;
    const found = await wire.search('Users', { attribute: key, value: values[key] }, signal);
    if (found === null && strict) throw notSearched(wire.name, key);
    const user = theOne(wire.name, matching(found ?? [], key, person), person);
    if (user) return user;
  }
  return null;
}

const notSearched = (name: string, key: Key): TerminalFailure =>
  new TerminalFailure('unsupported', `${name} does not search by ${key}${key === 'externalId' ? ': its quirks.findBy should be "userName"' : ''}`, {
    scope: 'platform',
  });

/** An application that takes no notice of a filter answers with everybody. */
function matching(found: Json[], key: Key, person: Person): Json[] {
  if (key === 'externalId') return found.filter(({ externalId }) => externalId === person.id);
  if (key === 'userName') return found.filter(({ userName }) => textOf(userName).toLowerCase() === person.userName.toLowerCase());
  return found.filter((user) => hasMail(user, person.email));
}

function theOne(name: string, users: Json[], person: Person): Json | null {
  if (users.length <= 1) return users[0] ?? null;
  const ours = users.filter(({ externalId }) => externalId === person.id);
  if (ours.length === 1) return ours[0]!;
  throw new TerminalFailure('conflict', `${name} has ${users.length} users that may be this one`);
}

type Ownership = 'ours' | 'vouched' | 'not-vouched' | 'privileged' | 'conflict';

function standingOf(user: Json, person: Person, known: string | null): Ownership {
  const externalId = textOf(user['externalId']);
  if (externalId === person.id) return 'ours';
  if (externalId !== '') return 'conflict';
  if (known !== null && user['id'] === known) return 'ours';
  if (isPrivileged(user)) return 'privileged';
  return person.emailTrusted && hasMail(user, person.email) ? 'vouched' : 'not-vouched';
}

const WHY = {
  conflict: 'the user there belongs to another external id',
  privileged: "the user there has an administrator's role: it is not taken over",
  'not-vouched': 'a user is there already, and nobody vouches that it is the same person',
} as const;

/** The user as it should be. Null: it is gone. An administrator's is left as it is. */
async function bring(deps: UsersDeps, there: Json, attempt: Attempt & { known?: string | null }): Promise<Upserted | null> {
  const { wire, telling } = deps;
  let user = there;
  for (let again = false; ; again = true) {
    const ownership = standingOf(user, attempt.person, attempt.known ?? null);
    if (ownership !== 'ours' && ownership !== 'vouched') throw new TerminalFailure(ownership, `${wire.name}: ${WHY[ownership]}`);
    const account = accountOf(user, wire);
    const operations = operationsFor(user, attempt.person, telling);
    if (account.privileged || operations.length === 0) return { account, created: false };
    const path = `/Users/${encodeURIComponent(account.id)}`;
    const request = { signal: attempt.signal, version: versionOf(user) };
    const reply =
      telling.quirks.update === 'put'
        ? await wire.ask('PUT', path, { ...request, body: merged(user, attempt.person, telling) })
        : await wire.patch(path, operations, request);
    if (reply.ok) return { account, created: false };
    if (isGone(reply)) return null;
    if (reply.status !== 412 || again) throw unchanged(wire, reply, telling);
    const fresh = await getUser(wire, account.id, attempt.signal);
    if (!fresh) return null;
    user = fresh;
  }
}

function unchanged(wire: Wire, reply: Parameters<Wire['refusal']>[0], { quirks }: Telling): TransientFailure | TerminalFailure {
  if (reply.status === 412)
    return new TransientFailure('conflict', `${wire.name}: the user was changed by somebody else, twice in a row`, { status: 412 });
  if (!cannot(reply)) return wire.refusal(reply, 'the change of a user');
  const other = quirks.update === 'put' ? 'patch' : 'put';
  const message = `${wire.name} does not take ${quirks.update.toUpperCase()} (${reply.status}): its quirks.update should be "${other}"`;
  return new TerminalFailure('unsupported', message, { scope: 'platform', status: reply.status });
}

/** Who was let in to look and is not allowed to make one more: no seat is left, perhaps. Others still change and leave. */
function oneSeatTooMany(error: unknown): never {
  if (error instanceof TerminalFailure && error.status === 403) throw new TerminalFailure(error.code, error.message, { status: 403 });
  throw error;
}
