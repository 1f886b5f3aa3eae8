/** domains: a tenant proves that an e-mail domain is its own, by a TXT record that only its owner can set; looked at again every week. */
import { Refusal } from '../core/refusal.ts';
import { randomToken } from '../lib/secrets.ts';
import { Conflict } from '../store/database.ts';
import type { DomainRow } from '../store/domains.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { Store } from '../store/store.ts';
import { lineOf } from './line.ts';

/** The answers' strings, each record's parts joined. Rejects where the name server does not answer; nothing there is an empty list. */
export type ResolveTxt = (name: string) => Promise<string[]>;

export interface DomainDeps {
  store: Pick<Store, 'domains'>;
  resolveTxt: ResolveTxt;
  now: () => Date;
  newId: () => string;
}

export interface DomainStatus {
  domain: string;
  /** Where the record belongs and what it must say. */
  record: { name: string; value: string };
  state: 'waiting' | 'verified' | 'failing' | 'expired';
  verifiedAt: Date | null;
  checkedAt: Date | null;
  failure: string | null;
  /** When the proof runs out if no check succeeds before; null where there is none. */
  expiresAt: Date | null;
}

const DAY = 86_400_000;
const RECHECK_MS = 7 * DAY;
/** A proof outlives failed checks so long: a name server that is away for a week must not lock a company out. */
const LIFE_MS = 30 * DAY;

export const recordOf = ({ domain, challenge }: Pick<DomainRow, 'domain' | 'challenge'>) => ({
  name: `_matricula.${domain}`,
  value: `matricula-domain-verification=${challenge}`,
});

export function statusOf(row: DomainRow, now: Date): DomainStatus {
  const expiresAt = row.verifiedAt && new Date(row.verifiedAt.getTime() + LIFE_MS);
  const state =
    row.held === null
      ? row.verifiedAt
        ? 'expired'
        : 'waiting'
      : expiresAt && expiresAt <= now
        ? 'expired'
        : row.failure === null
          ? 'verified'
          : 'failing';
  const { domain, verifiedAt, checkedAt, failure } = row;
  return { domain, record: recordOf(row), state, verifiedAt, checkedAt, failure, expiresAt };
}

export const isVerified = (row: DomainRow, now: Date): boolean => ['verified', 'failing'].includes(statusOf(row, now).state);

/** Asks for a domain; the record to set is in the answer. Asking twice answers the same. */
export async function addDomain(deps: DomainDeps, request: { tenantId: string; domain: string; actor: string }): Promise<DomainStatus> {
  const { tenantId, domain, actor } = request;
  const now = deps.now();
  const known = await deps.store.domains.get(tenantId, domain);
  if (known) return statusOf(known, now);
  await refuseHeld(deps, tenantId, domain);
  const row: DomainRow = {
    tenantId,
    domain,
    challenge: randomToken(24),
    held: null,
    verifiedAt: null,
    checkedAt: null,
    failure: null,
    createdAt: now,
  };
  await deps.store.domains.add(row, entry(deps, { tenantId, actor, domain, done: 'added' }));
  return statusOf(row, now);
}

/** Looks for the record now. Throws `Refusal` where another tenant has proved the domain. */
export async function verifyDomain(deps: DomainDeps, request: { tenantId: string; domain: string; actor: string }): Promise<DomainStatus> {
  const { tenantId, domain, actor } = request;
  const row = await deps.store.domains.get(tenantId, domain);
  if (!row) throw new Refusal('not-found', 'domain/unknown', `${domain} was not asked for`);
  await refuseHeld(deps, tenantId, domain);
  return look(deps, row, actor);
}

/** Nothing that this tenant says of the domain counts then: its file, its request, its providers. */
export async function provedByAnother({ store }: Pick<DomainDeps, 'store'>, tenantId: string, domain: string): Promise<boolean> {
  const holder = await store.domains.holder(domain);
  return holder !== null && holder.tenantId !== tenantId;
}

async function refuseHeld(deps: DomainDeps, tenantId: string, domain: string): Promise<void> {
  if (await provedByAnother(deps, tenantId, domain)) throw new Refusal('domain-taken', 'domain/taken', 'another tenant has proved this domain');
}

async function look(deps: DomainDeps, row: DomainRow, actor: string): Promise<DomainStatus> {
  const { name, value } = recordOf(row);
  const failure = await deps.resolveTxt(name).then(
    (found) => (found.includes(value) ? null : found.length === 0 ? `no TXT record at ${name}` : `the TXT record at ${name} says something else`),
    () => `the name server did not answer for ${name}`,
  );
  const now = deps.now();
  const seen: DomainRow =
    failure === null ? { ...row, held: row.domain, verifiedAt: now, checkedAt: now, failure } : { ...row, checkedAt: now, failure };
  const lost = failure !== null && row.held !== null && !isVerified(seen, now);
  const next = lost ? { ...seen, held: null } : seen;
  const done = failure === null ? (row.held === null ? 'verified' : null) : lost ? 'expired' : null;
  try {
    await deps.store.domains.checked(next, done && entry(deps, { tenantId: row.tenantId, actor, domain: row.domain, done }));
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const asked = await deps.store.domains.get(row.tenantId, row.domain);
    if (asked?.challenge !== row.challenge) throw new Refusal('not-found', 'domain/unknown', `${row.domain} was given up meanwhile`);
    throw new Refusal('domain-taken', 'domain/taken', 'another tenant has just proved this domain');
  }
  return statusOf(next, now);
}

export async function listDomains({ store, now }: DomainDeps, tenantId: string): Promise<DomainStatus[]> {
  return (await store.domains.list(tenantId)).map((row) => statusOf(row, now()));
}

export async function removeDomain(
  deps: DomainDeps,
  { tenantId, domain, actor }: { tenantId: string; domain: string; actor: string },
): Promise<void> {
  if (!(await deps.store.domains.get(tenantId, domain))) throw new Refusal('not-found', 'domain/unknown', `${domain} was not asked for`);
  await deps.store.domains.remove(tenantId, domain, entry(deps, { tenantId, actor, domain, done: 'removed' }));
}

/** The weekly look at every proof. What fails is told long before it runs out. */
export async function recheckDomains(deps: DomainDeps, report: (tenantId: string, status: DomainStatus) => void): Promise<void> {
  const before = (ms: number) => new Date(deps.now().getTime() - ms);
  for (const row of await deps.store.domains.due({ checked: before(RECHECK_MS), verified: before(LIFE_MS) }, 100)) {
    try {
      const status = await look(deps, row, 'sweep');
      if (status.state !== 'verified') report(row.tenantId, status);
    } catch (error) {
      // Given up while it was looked at: there is nothing to tell, and the others are still to be seen.
      if (!(error instanceof Refusal)) throw error;
    }
  }
}

const entry = (
  deps: Pick<DomainDeps, 'now' | 'newId'>,
  { tenantId, actor, domain, done }: { tenantId: string; actor: string; domain: string; done: string },
): JournalEntry =>
  lineOf(deps, { tenantId, actor, cause: 'domain', code: done, detail: { domain }, resource: { type: 'Domain', id: domain.slice(0, 64) } });
