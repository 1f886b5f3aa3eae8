/**
 * operate-platforms: what an operator asks about a tenant's learning platforms, in one place for API and command line: by the tenant's id, with people as
 * operators name them, and with what a platform answers badly as a refusal that says so.
 */
import { type Finding, TerminalFailure, TransientFailure } from '../connectors/connector.ts';
import { resourceKey } from '../core/entitlement.ts';
import { Refusal } from '../core/refusal.ts';
import type { Platform } from '../core/tenant.ts';
import type { Store } from '../store/store.ts';
import { findUser } from './admin.ts';
import type { Deliveries, Letter, PlatformStatus } from './deliveries.ts';
import type { Drift, PersonDrift } from './drift.ts';
import type { PlatformCatalogue } from './platform-catalogue.ts';
import type { Platforms } from './platforms.ts';
import type { Task, Tasks } from './tasks.ts';
import type { LiveTenant, Tenants } from './tenants.ts';

export interface OperatePlatformsDeps {
  store: Pick<Store, 'people' | 'ledger'>;
  tenants: Pick<Tenants, 'get'>;
  platforms: Platforms;
  catalogue: Pick<PlatformCatalogue, 'known'>;
  deliveries: Deliveries;
  tasks: Tasks;
}

export interface PlatformShown extends PlatformStatus {
  /** What to do, one sentence each; none where all is well. */
  next: string[];
}
export interface LetterShown extends Letter {
  userName: string;
}
export interface PersonDrifted extends PersonDrift {
  userName: string;
}
export interface DriftShown extends Omit<Drift, 'people'> {
  people: PersonDrifted[];
  /** False: the platform cannot be asked what it has, and nobody was looked at. */
  readable: boolean;
  /** What `missing` and `lingering` of the people are called there. */
  names: Record<string, string>;
  /** Why it could not be compared. */
  failure: string | null;
}

/** Of one tenant, by whom it is asked. */
export interface By {
  tenantId: string;
  actor: string;
}
export type Whom = By & { platform: string /** Id, userName or e-mail. */; user?: string };
export interface DriftRequest extends By {
  platform?: string;
  fix: boolean;
  allowRemovals: boolean;
  /** So many people of each platform are named. */
  limit: number;
  onProgress?: (platform: string, looked: number) => void;
}

export type OperatePlatforms = ReturnType<typeof createOperatePlatforms>;

const PAGE = 500;

export function createOperatePlatforms(deps: OperatePlatformsDeps) {
  const { deliveries, tasks } = deps;
  const { people, ledger } = deps.store;
  const live = (tenantId: string): LiveTenant => {
    const found = deps.tenants.get(tenantId);
    if (!found) throw new Refusal('tenant-unknown', 'platform/tenant');
    return found;
  };
  const known = ({ tenant }: LiveTenant, platform: string): Platform => {
    const found = tenant.platforms.find(({ id }) => id === platform);
    if (found) return found;
    const there = tenant.platforms.map(({ id }) => id).join(', ') || 'none';
    throw new Refusal('not-found', 'platform/unknown', `the tenant has no such platform; there are: ${there}`);
  };
  const enabled = (at: LiveTenant, platform: string): string => {
    if (!known(at, platform).enabled)
      throw new Refusal('mode-conflict', 'platform/disabled', `${platform} is switched off in the tenant file (enabled: false)`);
    return platform;
  };
  const userId = async ({ tenantId, user }: { tenantId: string; user?: string }): Promise<{ userId?: string }> => {
    if (user === undefined) return {};
    const found = await findUser({ store: { people } }, tenantId, user);
    if (!found) throw new Refusal('not-found', 'delivery/user', 'no such user: give an id, a userName or an e-mail');
    return { userId: found.id };
  };
  const namesOf = async (tenantId: string, ids: string[]): Promise<Map<string, string>> => {
    const names = new Map<string, string>();
    const all = [...new Set(ids)];
    for (let i = 0; i < all.length; i += PAGE)
      for (const { user } of await people.many(tenantId, all.slice(i, i + PAGE))) names.set(user.id, user.userName);
    return names;
  };

  return {
    async list(tenantId: string): Promise<{ platforms: PlatformShown[] }> {
      const rows = await deliveries.overview(live(tenantId));
      return { platforms: rows.map((row) => ({ ...row, next: nextOf(tenantId, row) })) };
    },

    async check(tenantId: string, platform: string): Promise<{ platform: string; findings: Finding[] }> {
      const at = live(tenantId);
      enabled(at, platform);
      const only = { ...at, tenant: { ...at.tenant, platforms: at.tenant.platforms.filter(({ id }) => id === platform) } };
      const [checked] = await deliveries.check(only);
      return checked!;
    },

    async refresh({ tenantId, actor, ...asked }: By & { platform: string; allowRemovals: boolean }) {
      const at = live(tenantId);
      enabled(at, asked.platform);
      const { entries, changed, held } = await orRefused(asked.platform, () => deliveries.refresh(at, asked, actor));
      return { entries: entries.length, changed, held };
    },

    /** Nothing is done unless `confirm` is the platform's id: what it would mean is shown. */
    async restart({ tenantId, actor, platform, confirm }: By & { platform: string; confirm: string | null }) {
      const at = live(tenantId);
      known(at, platform);
      const row = (await deliveries.overview(at)).find((one) => one.platform === platform)!;
      let accounts = 0;
      for (let after: string | null = null, more = true; more; ) {
        const page = await ledger.people({ tenantId, platform }, { after, limit: PAGE });
        accounts += page.length;
        after = page.at(-1)?.userId ?? null;
        more = page.length === PAGE;
      }
      const done = confirm === platform;
      if (done) await deliveries.restart(at, platform, actor);
      return { done, platform, accounts, waiting: row.waiting, dead: row.dead };
    },

    async letters(tenantId: string, { state, ...page }: { platform?: string; state?: 'waiting' | 'dead'; after: string | null; limit: number }) {
      const found = await deliveries.letters(live(tenantId), { ...page, ...(state !== undefined && { dead: state === 'dead' }) });
      const names = await namesOf(
        tenantId,
        found.map((one) => one.userId),
      );
      const letters = found.map((one): LetterShown => ({ ...one, userName: names.get(one.userId) ?? '' }));
      return { deliveries: letters, next: found.length === page.limit ? found.at(-1)!.id : null };
    },

    async retry({ tenantId, actor, platform, ...whom }: Whom): Promise<{ retried: number }> {
      const at = live(tenantId);
      known(at, platform);
      return { retried: await deliveries.retry(at, { platform, ...(await userId({ tenantId, ...whom })) }, actor) };
    },

    /** Throws `Refusal` unless either somebody is named or `all` is said. */
    async replay({ tenantId, actor, platform, all, ...whom }: Whom & { all: boolean }): Promise<{ people: number }> {
      if (all === (whom.user !== undefined)) throw new Refusal('request-malformed', 'delivery/whom', 'say whom: either a user, or all');
      const at = live(tenantId);
      enabled(at, platform);
      const asked = { platform, ...(await userId({ tenantId, ...whom })) };
      return { people: await orRefused(platform, () => deliveries.replay(at, asked, actor)) };
    },

    tasks: (tenantId: string, page: { after: string | null; limit: number }): Promise<{ tasks: Task[]; next: string | null }> =>
      tasks.list(live(tenantId).tenant.id, page),

    async taskDone({ tenantId, actor, id, comment }: By & { id: string; comment: string | null }): Promise<{ done: string }> {
      await tasks.done(live(tenantId).tenant.id, id, { actor, comment });
      return { done: id };
    },

    /** Each platform for itself: one that is away hides nothing of the others. Throws `Refusal` where none could be compared. */
    async drift({ tenantId, actor, platform, limit, onProgress, ...asked }: DriftRequest): Promise<{ drift: DriftShown[] }> {
      const at = live(tenantId);
      const ids = platform === undefined ? at.tenant.platforms.filter((one) => one.enabled).map(({ id }) => id) : [enabled(at, platform)];
      const found: DriftShown[] = [];
      const refused: Refusal[] = [];
      for (const id of ids)
        try {
          const request = { ...asked, platform: id, ...(onProgress && { onProgress: (looked: number) => onProgress(id, looked) }) };
          const [drift] = await orRefused(id, () => deliveries.drift(at, request, actor));
          found.push(await shown(at, drift!, limit));
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          refused.push(error);
          found.push({ ...NOTHING, platform: id, people: [], names: {}, failure: error.detail });
        }
      if (refused.length > 0 && refused.length === ids.length) throw refused[0];
      return { drift: found };
    },
  };

  async function shown({ tenant }: LiveTenant, drift: Drift, limit: number): Promise<DriftShown> {
    const some = drift.people.slice(0, limit);
    const userNames = await namesOf(
      tenant.id,
      some.map((one) => one.userId),
    );
    const entries = (await deps.catalogue.known({ tenantId: tenant.id, platform: drift.platform })) ?? [];
    const called = new Map(entries.flatMap(({ kind, id, name }) => (kind === 'collection' ? [] : [[resourceKey({ kind, id }), name] as const])));
    const keys = some.flatMap(({ missing, lingering }) => [...missing, ...lingering]);
    return {
      ...drift,
      people: some.map((one) => ({ ...one, userName: userNames.get(one.userId) ?? '' })),
      readable: deps.platforms.of(tenant, drift.platform)?.connector.capabilities.readBack === true,
      names: Object.fromEntries(keys.map((key) => [key, called.get(key) ?? key.slice(key.indexOf(':') + 1)])),
      failure: null,
    };
  }
}

const NOTHING = { looked: 0, waiting: 0, unread: 0, differing: 0, losing: 0, mended: 0, overLimit: false, readable: true };

/** What a platform answers is no fault of ours: an operator is told, in its own words. */
async function orRefused<T>(platform: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TransientFailure) throw new Refusal('provider-unreachable', `platform/${error.code}`, `${platform}: ${error.message}`);
    if (error instanceof TerminalFailure) throw new Refusal('connection-unusable', `platform/${error.code}`, `${platform}: ${error.message}`);
    throw error;
  }
}

function nextOf(tenantId: string, { platform, halted, dead, unknown }: PlatformStatus): string[] {
  const at = `${tenantId} --platform ${platform}`;
  const offered = unknown.map(({ target }) => target).join(', ');
  return [
    ...(halted ? [afterHalt(halted.code, at)] : []),
    ...(dead > 0 ? [`see why: matricula delivery list ${at} --dead; then matricula delivery retry ${at}`] : []),
    ...(unknown.length > 0
      ? [
          `${offered}: make it there, or write what it is called there as ref: in the tenant file; then matricula platform refresh ${tenantId} ${platform}`,
        ]
      : []),
  ];
}

/** All but `gone` are tried again by themselves, now and then. */
function afterHalt(code: string, at: string): string {
  switch (code) {
    case 'auth':
      return 'see that its credentials are right (matricula check --online); deliveries go on by themselves then';
    case 'plan':
      return 'its plan, or the scope of the credentials, must allow it (matricula check --online); deliveries go on by themselves then';
    case 'configuration':
      return 'put right what it says, in the tenant file or where its secrets are; deliveries go on by themselves then';
    case 'gone':
      return `it said that it wants no more; when it does again: matricula delivery retry ${at}`;
    default:
      return 'look at it with matricula check --online; deliveries go on by themselves when it takes them';
  }
}
