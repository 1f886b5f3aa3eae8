/**
 * delivery: one person at one platform. Reads the present state and makes it so there: whatever was planned, however often, in whatever order it is heard of.
 * Only what the ledger says we gave is ever taken away; what is about to be given is written down before, so that after a crash it is known as ours.
 */
import { createHash } from 'node:crypto';
import { type Applied, type Attempt, type Connector, type Held, type Person, TerminalFailure, TransientFailure } from '../connectors/connector.ts';
import { type CatalogueEntry, type Desired, desiredOf, type Given, type Resource, resourceKey, type Steps, stepsFor } from '../core/entitlement.ts';
import type { UserState } from '../core/model.ts';
import type { Tenant } from '../core/tenant.ts';
import type { Known, LedgerChange, Then } from '../store/ledger.ts';
import { type OutboxRow, PLACE } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';

export interface DeliveryDeps {
  store: Pick<Store, 'people' | 'ledger'>;
  /** What the platform offers, as it was read then. */
  entries: (tenant: Tenant, connector: Connector, how: { signal: AbortSignal; readAt: Date | null }) => Promise<CatalogueEntry[]>;
  now: () => Date;
}

export interface Delivery {
  tenant: Tenant;
  connector: Connector;
  row: OutboxRow;
  /** When its catalogue was last read, by whatever node. */
  readAt: Date | null;
  worker: string;
  signal: AbortSignal;
}

/** What a platform took and does later is looked at again after this long. */
const QUEUED_MS = 60_000;
/** And is not waited for any longer than this. */
const OVERDUE_MS = 3_600_000;

/** The row is done when this resolves; false = nothing had to be asked of the platform. Throws `TransientFailure`, `TerminalFailure`, or `Conflict` where the claim has passed to another worker. */
export async function deliver(deps: DeliveryDeps, delivery: Delivery): Promise<boolean> {
  const { tenant, connector, row, readAt, signal } = delivery;
  const { people, ledger } = deps.store;
  const [state, known] = await Promise.all([people.state(row.tenantId, row.userId), ledger.of(row)]);
  const nothing = () => write(deps, delivery, {}, { kind: 'done' }).then(() => false);
  if (!state) return nothing(); // erased: nobody to speak of
  const entries = connector.capabilities.catalogue ? await deps.entries(tenant, connector, { signal, readAt }) : null;
  const desired = desiredAt(state, tenant, { connector, entries });
  if (!known.account?.accountId && known.given.length === 0 && isNobody(desired, state, delivery)) return nothing();
  const attempt: Attempt = {
    key: `${row.id}-${row.wanted}`.replace(/[^A-Za-z0-9_-]/g, '-'),
    signal,
    person: personOf(state, tenant),
    desired: [...desired.resources.values()].map(resourceOf),
  };
  const overdue = (since: Date) => deps.now().getTime() - since.getTime() > OVERDUE_MS;
  const given = known.given.map(({ kind, id, name, state: how, since, targets }): Given => {
    return { kind, id, name, state: how, targets, overdue: overdue(since) };
  });
  const standing: Standing = { account: known.account, given, void: [], made: false, unwritten: false, asked: false };
  if (await settleAccount(deps, delivery, { attempt, standing })) await settleResources(deps, delivery, { attempt, standing, desired });
  return standing.asked;
}

const resourceOf = ({ kind, id, name }: Resource): Resource => ({ kind, id, name });

/** Where a platform takes people only there is nothing to be given. */
export function desiredAt(
  state: UserState,
  { catalogue }: Pick<Tenant, 'catalogue'>,
  { connector, entries }: { connector: Connector; entries: CatalogueEntry[] | null },
): Desired {
  const { add, remove } = connector.capabilities;
  return add.length + remove.length === 0 ? { resources: new Map(), unresolved: [] } : desiredOf(state, catalogue, entries);
}

/** No account is made for somebody who has nothing there and does not come. */
const isNobody = ({ resources }: Desired, { user }: UserState, { connector, row }: Delivery): boolean =>
  resources.size === 0 && (user.status !== 'active' || (!connector.capabilities.everybody && row.place !== PLACE.signIn));

/** What is known of the person at the platform, moved as the delivery goes on. */
interface Standing {
  account: Known | null;
  given: Given[];
  /** What was given to an account that is no more. */
  void: Given[];
  /** Just made: there is nothing that one would have to look for. */
  made: boolean;
  /** The account is not yet in the ledger. */
  unwritten: boolean;
  /** The platform was asked something, and answered. */
  asked: boolean;
}
interface Course {
  attempt: Attempt;
  standing: Standing;
}

/** False: there is no account and none was made; then the delivery is over. */
async function settleAccount(deps: DeliveryDeps, delivery: Delivery, { attempt, standing }: Course): Promise<boolean> {
  const { connector, row } = delivery;
  const profile = digestOf(attempt.person);
  const { account } = standing;
  // Who cannot be asked what it has is told all of it again.
  const again = row.look === 1 && !connector.capabilities.readBack;
  if (account?.accountId && account.profile === profile && account.privileged === 0 && !again) return true;
  const upserted = await connector.upsert(account?.accountId ?? null, attempt);
  standing.asked = true;
  if (!upserted) {
    await forgetAll(deps, delivery, standing);
    return false;
  }
  const { account: found, created } = upserted;
  const owner = await deps.store.ledger.owner(row, found.id);
  if (owner !== null && owner !== row.userId)
    throw new TerminalFailure('conflict', `the account at ${connector.platform} is another person's here already`);
  // Gone and made anew: what was given to the old account is nobody's.
  if (created || (account?.accountId && account.accountId !== found.id)) forgetGiven(standing);
  standing.made = created;
  standing.account = {
    accountId: found.id,
    profile,
    privileged: found.privileged ? 1 : 0,
    lookedAt: created ? deps.now() : (account?.lookedAt ?? null),
  };
  standing.unwritten = true;
  if (!created || found.privileged) await writeAccount(deps, delivery, standing);
  if (found.privileged) throw privileged(connector);
  return true;
}

/** Whoever is not active and has no account there has nothing there. */
function forgetAll(deps: DeliveryDeps, delivery: Delivery, { account, given, void: gone }: Standing): Promise<void> {
  const none = account && { ...account, accountId: null, profile: null, privileged: 0 };
  return write(deps, delivery, { account: none, drop: [...given, ...gone] }, { kind: 'done' });
}

function forgetGiven(standing: Standing): void {
  standing.void.push(...standing.given.filter(isReal));
  standing.given = standing.given.filter((one) => !isReal(one));
}

const privileged = ({ platform }: Connector) =>
  new TerminalFailure('privileged', `the account at ${platform} has an administrator's role: it is left alone, and nobody is handed over to it`);

async function writeAccount(deps: DeliveryDeps, delivery: Delivery, standing: Standing): Promise<void> {
  await write(deps, delivery, { account: standing.account }, { kind: 'go-on' });
  standing.unwritten = false;
}

async function settleResources(deps: DeliveryDeps, delivery: Delivery, course: Course & { desired: Desired }): Promise<void> {
  const { connector, row } = delivery;
  const { attempt, standing, desired } = course;
  const { readBack } = connector.capabilities;
  const draft = stepsOf(course, connector, null);
  const looks = readBack && !standing.made && (row.look === 1 || draft.add.length + draft.remove.length > 0);
  const held = looks ? await look(deps, delivery, course) : null;
  if (held === 'nobody') return;
  const steps = stepsOf(course, connector, held);
  steps.forget.push(...standing.void.filter((one) => !steps.add.some((other) => resourceKey(other) === resourceKey(one))));
  // Whoever cannot be looked at is told everything anew when somebody asks for it.
  if (row.look === 1 && !readBack) steps.add = [...desired.resources.values()];
  const noted = { put: steps.note, drop: steps.forget };
  const account = standing.unwritten || held ? { ...standing.account!, lookedAt: held ? deps.now() : standing.account!.lookedAt } : null;
  await leaveOldNames(deps, delivery, { attempt, standing, steps, held });
  const operations = [
    ...steps.remove.map((one) => ({ kind: 'remove' as const, resource: resourceOf(one) })),
    ...steps.add.map((one) => ({ kind: 'add' as const, resource: resourceOf(one) })),
  ];
  const end = steps.later ? ({ kind: 'again', dueAt: new Date(deps.now().getTime() + QUEUED_MS) } as const) : ({ kind: 'done' } as const);
  if (operations.length === 0) return write(deps, delivery, { account, ...noted }, end);
  const giving = steps.add.map((resource): Given => ({ ...resource, state: 'giving' }));
  await write(deps, delivery, { account, put: [...steps.note, ...giving], drop: steps.forget }, { kind: 'go-on' });
  const applied = await connector.apply({ id: standing.account!.accountId!, held }, operations, attempt);
  standing.asked = true;
  const targets = new Map([...steps.remove, ...steps.add].map((one) => [resourceKey(one), one.targets]));
  await conclude(deps, delivery, { applied, targets, later: steps.later });
}

/**
 * What is another thing under its new name is one row of the ledger: it is out of the old one, and written down as about to be given under the new one, before
 * it is given.
 */
async function leaveOldNames(
  deps: DeliveryDeps,
  delivery: Delivery,
  { attempt, standing, steps, held }: Course & { steps: Steps; held: Held | null },
): Promise<void> {
  const added = new Map(steps.add.map((one) => [resourceKey(one), one]));
  const old = steps.remove.filter((one) => added.has(resourceKey(one)));
  if (old.length === 0) return;
  const removals = old.map((one) => ({ kind: 'remove' as const, resource: resourceOf(one) }));
  const applied = await delivery.connector.apply({ id: standing.account!.accountId!, held }, removals, attempt);
  const left = applied.filter(({ outcome }) => outcome === 'done' || outcome === 'queued').map(({ operation }) => resourceKey(operation.resource));
  const put = left.map((key): Given => ({ ...added.get(key)!, state: 'giving' }));
  await write(deps, delivery, { put }, { kind: 'go-on' });
  const failure = applied.map(({ outcome }) => outcome).find((outcome) => typeof outcome !== 'string');
  if (failure) throw failure;
  steps.remove = steps.remove.filter((one) => !added.has(resourceKey(one)));
}

const stepsOf = ({ standing, desired }: { standing: Standing; desired: Desired }, { capabilities }: Connector, held: Held | null): Steps =>
  stepsFor(desired, {
    given: standing.given,
    present: held ? new Set(held.resources.map(resourceKey)) : standing.made ? new Set() : null,
    can: capabilities,
  });

/** What the platform has. An account that is gone is made anew, for whoever is active; nothing is in that one. */
async function look(deps: DeliveryDeps, delivery: Delivery, course: Course & { desired: Desired }): Promise<Held | 'nobody' | null> {
  const { connector, signal } = delivery;
  const { attempt, standing, desired } = course;
  const wanted = [...new Map([...standing.given, ...desired.resources.values()].map((one) => [resourceKey(one), one])).values()].filter(isReal);
  const held = await connector.read(standing.account!.accountId!, wanted, signal);
  standing.asked = true;
  if (held?.privileged) {
    standing.account = { ...standing.account!, privileged: 1 };
    await writeAccount(deps, delivery, standing);
    throw privileged(connector);
  }
  if (held) return held;
  forgetGiven(standing);
  standing.account = { ...standing.account!, accountId: null, profile: null };
  if (!(await settleAccount(deps, delivery, { attempt, standing }))) return 'nobody';
  if (standing.made) return null;
  const again = await connector.read(standing.account!.accountId!, wanted, signal);
  if (!again) throw new TransientFailure('nonsense', `${connector.platform} names an account that it does not have`);
  return again;
}

/** A target that the platform does not know is nothing there. */
const isReal = (one: Given | Resource): boolean => !('state' in one) || one.state !== 'unknown';

interface Concluding {
  applied: Applied[];
  /** What each of them is for. */
  targets: ReadonlyMap<string, Given['targets']>;
  later: boolean;
}

async function conclude(deps: DeliveryDeps, delivery: Delivery, { applied, targets, later }: Concluding): Promise<void> {
  const change: Pick<LedgerChange, 'put' | 'drop'> = { put: [], drop: [] };
  const failures: (TransientFailure | TerminalFailure)[] = [];
  let queued = later;
  for (const { operation, outcome } of applied) {
    const { kind, resource } = operation;
    const put = (state: Given['state']) => void change.put.push({ ...resource, state, targets: targets.get(resourceKey(resource)) ?? null });
    if (outcome === 'queued') queued = true;
    if (outcome === 'done' || outcome === 'queued') kind === 'remove' ? change.drop.push(resource) : put(outcome === 'done' ? 'given' : 'queued');
    else if (outcome.code === 'unsupported') put(kind === 'add' ? 'give-by-hand' : 'take-by-hand');
    else failures.push(outcome);
  }
  const worst = failures.sort((a, b) => weight(b) - weight(a))[0];
  const then: Then = worst ? { kind: 'go-on' } : queued ? { kind: 'again', dueAt: new Date(deps.now().getTime() + QUEUED_MS) } : { kind: 'done' };
  await write(deps, delivery, change, then);
  if (worst) throw worst;
}

/** What concerns everybody is told first; then what is worth another try. */
const weight = (failure: TransientFailure | TerminalFailure): number =>
  (failure.scope === 'platform' ? 2 : 0) + (failure instanceof TransientFailure ? 1 : 0);

const write = (deps: DeliveryDeps, { row, worker }: Delivery, change: Partial<LedgerChange>, then: Then): Promise<void> =>
  deps.store.ledger.write(row, worker, { account: null, put: [], drop: [], ...change, then, now: deps.now() });

export function personOf({ user, identities }: UserState, tenant: Pick<Tenant, 'domains'>): Person {
  const { id, userName, email, displayName, givenName, familyName, locale, timezone, title, role, fields, updatedAt } = user;
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
  const said = identities.filter(({ facts }) => facts?.profile.email?.toLowerCase() === email.toLowerCase());
  // In the tenant's own domains, and by somebody who knew: its directory, or a provider whose word on e-mails counts.
  const vouched = said.some(({ source, facts }) => source === 'directory' || facts?.emailTrusted === true);
  return {
    ...{ id, userName, email, displayName, givenName, familyName, locale, timezone, title, role, fields, updatedAt },
    emailTrusted: tenant.domains.includes(domain) && vouched,
    active: user.status === 'active',
  };
}

/** The platform has been told this of the person. */
export const isTold = ({ accountId, profile }: Pick<Known, 'accountId' | 'profile'>, person: Person): boolean =>
  accountId !== null && profile === digestOf(person);

/** Of what a platform is told; when it was last changed is no part of it. */
export function digestOf({ updatedAt: _when, emailTrusted: _vouched, ...told }: Person): string {
  const sorted = { ...told, fields: Object.entries(told.fields).sort(([a], [b]) => (a < b ? -1 : 1)) };
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url');
}
