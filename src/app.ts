/** The composition root: the only file that names every implementation. Two rooms: what every command needs, and the gateway that listens. */
import { randomUUID } from 'node:crypto';

import { formatProblem } from './config/problem.ts';
import type { Settings } from './config/settings.ts';
import { foreignParts, withRulesOf } from './config/splice.ts';
import { parseTenantFile, readTenantFolder } from './config/tenant-file.ts';
import { Refusal } from './core/refusal.ts';
import { authenticate } from './flows/admin.ts';
import { type AppliedTenant, type ApplyTenantsDeps, problemsOf, type TenantFile, takeIn, withoutFile } from './flows/apply-tenants.ts';
import { createConnections } from './flows/connections.ts';
import { createDeliverer, type Deliverer } from './flows/deliver.ts';
import { createDelivered } from './flows/delivered.ts';
import { createDeliveries, type Deliveries } from './flows/deliveries.ts';
import { answerDirectory, directoryFailure, methodsOf } from './flows/directory.ts';
import type { At, DirectoryDeps } from './flows/directory-request.ts';
import { createDoctor, type Doctor } from './flows/doctor.ts';
import type { ResolveTxt } from './flows/domains.ts';
import { explainPerson } from './flows/explain.ts';
import { createHandOffs } from './flows/hand-off.ts';
import { settleHeld } from './flows/hand-over.ts';
import { learning } from './flows/learning.ts';
import { settleGroups } from './flows/memberships.ts';
import { createOperate, type Operate } from './flows/operate.ts';
import { createOperatePlatforms, type OperatePlatforms } from './flows/operate-platforms.ts';
import { createPlatformCatalogue, type PlatformCatalogue } from './flows/platform-catalogue.ts';
import { planPlatforms } from './flows/platform-plan.ts';
import { createPlatformUpkeep } from './flows/platform-upkeep.ts';
import { createPlatforms, type Platforms } from './flows/platforms.ts';
import { runWaiting } from './flows/publish.ts';
import { recordRefusal } from './flows/refused.ts';
import { spendRemoval } from './flows/removals.ts';
import { createSignIn } from './flows/signin.ts';
import { sweep } from './flows/sweep.ts';
import { createTasks, type Tasks } from './flows/tasks.ts';
import { createTenantRegistry, type LiveTenant, type ParseTenant, type Tenants } from './flows/tenants.ts';
import { authenticateToken, tokenHolds } from './flows/tokens.ts';
import { createWorkbench, type Scope, type Workbench, type WorkbenchDeps } from './flows/workbench.ts';
import type { Directory } from './http/scim.ts';
import { createHttpApp } from './http/server.ts';
import { createDatabaseKv } from './kv/database.ts';
import type { Kv } from './kv/kv.ts';
import { createRedisKv } from './kv/redis.ts';
import { createResolveTxt } from './lib/dns.ts';
import { createGuardedFetch } from './lib/fetch.ts';
import { newId } from './lib/ids.ts';
import type { Log } from './lib/log.ts';
import { createRightOfWay, type RightOfWay } from './lib/right-of-way.ts';
import { createVault, type Vault } from './lib/secrets.ts';
import { createTurns } from './lib/turns.ts';
import { LIMITS } from './protocols/scim/discovery.ts';
import { userResource } from './protocols/scim/schema.ts';
import type { Database } from './store/database.ts';
import { openDatabase } from './store/open.ts';
import { createStore, type Store } from './store/store.ts';

export interface Options {
  settings: Settings;
  /** The 32 bytes that seal secrets at rest: `settings.secret`, or on loopback the one that was made and kept. */
  secret: Buffer;
  log: Log;
  now?: () => Date;
  env?: Record<string, string | undefined>;
}

/** What every command needs: the database, its tenants, and the flows over them. */
export interface House {
  settings: Settings;
  database: Database;
  store: Store;
  vault: Vault;
  tenants: Tenants;
  flow: ApplyTenantsDeps;
  kv: Kv;
  /** The tenants' learning platforms, ready to be called within their limits. */
  platforms: Platforms;
  catalogue: PlatformCatalogue;
  planPlatforms: WorkbenchDeps['planPlatforms'];
  resolveTxt: ResolveTxt;
  log: Log;
  /** Reads the tenant folder; broken files are among the results. */
  files(): Promise<TenantFile[]>;
  close(): Promise<void>;
}

/** A platform may take its time: the deadline of each call is its caller's. */
const PLATFORM_DEADLINE_MS = 30_000;
const PLATFORM_BYTES = 1_048_576;

export async function openHouse({ settings, secret, log, now = () => new Date(), env = process.env }: Options): Promise<House> {
  const database = await openDatabase(settings.database);
  const store = createStore(database);
  const parse: ParseTenant = (text, tenantId) => {
    const parsed = parseTenantFile(text, { file: `${tenantId}.yaml`, tenantId, baseDir: settings.tenants });
    return parsed.ok ? { ...parsed, warnings: parsed.warnings.map(formatProblem) } : { ok: false, problems: parsed.problems.map(formatProblem) };
  };
  const tenants = createTenantRegistry({ store, parse, log });
  try {
    await tenants.refresh();
  } catch (error) {
    await database.close();
    throw error;
  }
  const kv = settings.redis === null ? createDatabaseKv(database, now) : createRedisKv(settings.redis);
  const flow = { store, parse, tenants, turns: createTurns(), worker: randomUUID(), now, newId: () => newId(now().getTime()) };
  const outside = { loopback: settings.loopback, networks: settings.allowedNetworks };
  const fetch = createGuardedFetch({ ...outside, deadlineMs: PLATFORM_DEADLINE_MS, maxBytes: PLATFORM_BYTES });
  const platforms = createPlatforms({ fetch, kv, now, env, baseDir: settings.tenants });
  const catalogue = createPlatformCatalogue({ ...flow, log });
  return {
    settings,
    database,
    store,
    vault: createVault(secret),
    tenants,
    flow,
    kv,
    platforms,
    catalogue,
    planPlatforms: (plan) => planPlatforms({ store, platforms, catalogue }, plan),
    resolveTxt: createResolveTxt(settings.dns),
    log,
    files: () => readFiles(settings.tenants),
    async close() {
      await kv.close();
      await database.close();
    },
  };
}

async function readFiles(folder: string): Promise<TenantFile[]> {
  const { files } = await readTenantFolder(folder);
  return files.map(({ parsed, ...file }) => ({ ...file, parsed: parsed.ok ? parsed : { ok: false, problems: parsed.problems.map(formatProblem) } }));
}

export interface Gateway {
  http: ReturnType<typeof createHttpApp>;
  house: House;
  kv: Kv;
  /** Takes the tenant folder in; what could not be taken is reported and the last good version stays. */
  reload(): Promise<AppliedTenant[]>;
  /** Polls tenants and delivers the outbox until `close`. */
  startWorkers(): void;
  close(): Promise<void>;
}

export async function openGateway(options: Options): Promise<Gateway> {
  const { log, now = () => new Date() } = options;
  const house = await openHouse(options);
  const { kv } = house;
  const doctor = createDoctor({ store: house.store, now, newId: house.flow.newId, log });
  const rightOfWay = createRightOfWay();
  const deliverer = delivererOf(house, rightOfWay);
  const workers = createWorkers(house, { doctor, deliverer });
  return {
    http: createHttpApp({ ...httpDeps(options, house, deliverer), rightOfWay, directory: directoryOf(house, { doctor, kv, now }) }),
    house,
    kv,
    reload: () => reload(house),
    startWorkers: () => workers.start(),
    async close() {
      await workers.stop();
      await doctor.flush();
      await house.close();
      log.info({}, 'closed');
    },
  };
}

function httpDeps(
  { settings, log, now = () => new Date(), env = process.env }: Options,
  house: House,
  deliverer: Deliverer,
): Omit<Parameters<typeof createHttpApp>[0], 'directory' | 'rightOfWay'> {
  const { store, vault, tenants, flow, kv } = house;
  const fetch = createGuardedFetch({ loopback: settings.loopback });
  const connections = createConnections({
    store,
    vault,
    fetch,
    log,
    now,
    env,
    baseUrl: settings.baseUrl,
    baseDir: settings.tenants,
    loopback: settings.loopback,
  });
  const signIn = createSignIn({ ...flow, store, kv, tenants, connections, baseUrl: settings.baseUrl });
  const admin = { store, vault, now, newId: flow.newId };
  return {
    settings: {
      baseUrl: settings.baseUrl,
      secureCookies: settings.baseUrl.startsWith('https:'),
      sessionIdleMs: settings.sessionIdleMinutes * 60_000,
      sessionAbsoluteMs: settings.sessionAbsoluteMinutes * 60_000,
      rateLimits: settings.rateLimits,
      trustProxy: settings.trustProxy,
      cookieSecret: vault.keyedHash('session-cookie', 'cookie'),
    },
    kv,
    log,
    tenants,
    signIn: {
      ...signIn,
      refused: (refusal, at, context) => recordRefusal({ store, log, now, newId: flow.newId }, refusal, at, context),
      samlMetadata: async (tenant, connection) => (await connections.saml(tenant, connection)).metadata(),
    },
    learner: { read: store.people.state, learning },
    handOffs: createHandOffs({
      ...{ store, vault, now, env, baseUrl: settings.baseUrl, baseDir: settings.tenants },
      delivered: createDelivered({ store, deliverer, now, newId: flow.newId }),
    }),
    admin: {
      authenticate: (bearer) => authenticate(admin, bearer),
      users: store.people.page,
      user: store.people.state,
      journal: store.journal.list,
      syncLog: store.journal.syncLog,
      signIns: store.journal.signIns,
      modes: operateOf(house),
      mapping: workbenchOf(house, 'mapping'),
      platforms: operatePlatformsOf(house),
      async explain(tenantId, userId, target) {
        const state = await store.people.state(tenantId, userId);
        const live = tenants.get(tenantId);
        if (!state || !live) throw new Refusal('not-found', 'api/user');
        return explainPerson(house, live, state, target);
      },
    },
    health: { ready: () => ready(house.database, kv) },
    clock: now,
  };
}

/** The operator's use-cases, for the API and for every command. */
export const operateOf = ({ flow, store, vault, tenants, settings, resolveTxt }: House): Operate =>
  createOperate({ ...flow, store, vault, tenants, resolveTxt, baseUrl: settings.baseUrl });

/** The admin's use-cases, for the API and for every command. */
export const workbenchOf = ({ flow, planPlatforms: plan }: House, scope: Scope): Workbench =>
  createWorkbench({ ...flow, withRulesOf, foreignParts, planPlatforms: plan }, scope);

/** What an operator does about learning platforms, for the API and for every command. */
export const deliveriesOf = ({ flow, store, platforms, catalogue }: House): Deliveries =>
  createDeliveries({ ...flow, store, platforms, catalogue, entries: catalogue.entries });
export const tasksOf = ({ flow, store }: House): Tasks => createTasks({ ...flow, store });
export const operatePlatformsOf = (house: House): OperatePlatforms =>
  createOperatePlatforms({ ...house, deliveries: deliveriesOf(house), tasks: tasksOf(house) });

/** The outbox's worker; one in a process. */
export const delivererOf = ({ store, tenants, platforms, catalogue, flow, log }: House, { giveWay }: Pick<RightOfWay, 'giveWay'>): Deliverer =>
  createDeliverer({ ...flow, store, tenants, platforms, entries: catalogue.entries, log, random: Math.random, giveWay });

function directoryOf({ store, vault, tenants, flow, settings }: House, { doctor, kv, now }: { doctor: Doctor; kv: Kv; now: () => Date }): Directory {
  const deps: DirectoryDeps = { ...flow, store, vault };
  const tokens = { store, vault, now, newId: flow.newId };
  const holderOf = async (bearer: string, tenantId: string) => {
    // In this order: a mode that is left ends its tokens, so whoever still holds one planned in what was known before it ended.
    const live = tenants.get(tenantId);
    const holder = await authenticateToken(tokens, bearer);
    return { live, holder: holder?.tenantId === tenantId ? holder : null };
  };
  return {
    async authenticate(bearer, tenantId) {
      for (const look of ['first', 'again'] as const) {
        const { live, holder } = await holderOf(bearer, tenantId);
        if (!holder) return null;
        if (live?.mode === 'scim') return { ...holder, live };
        // A token that lives was made in this mode: this node may only not have heard of it yet.
        if (look === 'first') await tenants.refresh();
      }
      return null;
    },
    methods: methodsOf,
    async answer({ live, tokenId, prefix, reference }, request, seen) {
      const base = `${settings.baseUrl}/api/v1/scim/${live.tenant.id}/v2`;
      const holds = () => tokenHolds(tokens, tokenId);
      const users = userResource(live.tenant.scim.fields);
      const allows = (userId: string) => spendRemoval({ store, kv }, at.live, userId);
      const at: At = { live, base, users, holds, allows, actor: `scim:${prefix}`, reference };
      const began = performance.now();
      const answer = await answerDirectory(deps, at, request);
      doctor.note(at, request, answer, { ...seen, ms: performance.now() - began });
      return answer;
    },
    failure: directoryFailure,
    bodyBytes: LIMITS.bodyBytes,
  };
}

async function ready(database: Database, kv: Kv): Promise<{ ok: boolean; checks: Record<string, string> }> {
  const say = async (ping: () => Promise<void>) =>
    ping().then(
      () => 'ok',
      () => 'away',
    );
  const checks = { database: await say(() => database.ping()), kv: await say(() => kv.ping()) };
  return { ok: Object.values(checks).every((said) => said === 'ok'), checks };
}

async function reload(house: House): Promise<AppliedTenant[]> {
  const applied: AppliedTenant[] = [];
  const files = await house.files();
  for (const id of await withoutFile(house.flow, files))
    house.log.warn({ tenant: id }, 'no tenant file any more; what was applied last stays in force');
  for (const file of files) applied.push(await takeIn(house.flow, file, { actor: 'serve', allowRemovals: false }));
  house.tenants.report(problemsOf(applied));
  await house.tenants.refresh();
  for (const { tenantId, outcome, problems, publication } of applied) {
    const held = publication?.holding ?? 0;
    const say = problems.length > 0 ? house.log.error : held > 0 ? house.log.warn : house.log.info;
    say.call(house.log, { tenant: tenantId, outcome, problems, ...(held > 0 && { held }) }, 'tenant file');
  }
  return applied;
}

const POLL_MS = 1000;
const SWEEP_MS = 60_000;

/** A hand-over that ended while its process died: what was held then is concluded as the tenant now is. */
async function settleWhatIsOwed({ flow, store, tenants }: House): Promise<void> {
  for (const live of tenants.all()) if (live.phase !== 'adopting') await settleHeld({ ...flow, store }, live, 'serve');
}

/** Loops that never overlap themselves and end when told. A turn that fails is logged and tried again. */
function createWorkers(house: House, { doctor, deliverer }: { doctor: Doctor; deliverer: Deliverer }) {
  const { kv } = house;
  const upkeep = createPlatformUpkeep({ ...house.flow, ...house });
  const loops: { stop(): Promise<void> }[] = [];
  return {
    start() {
      loops.push(every(POLL_MS, house.log, 'tenants', () => house.tenants.refresh()));
      loops.push(every(POLL_MS, house.log, 'doctor', () => doctor.flush()));
      const allows = (live: LiveTenant, userId: string) => spendRemoval({ store: house.store, kv }, live, userId);
      loops.push(
        every(POLL_MS, house.log, 'groups', async () => void (await settleGroups({ ...house.flow, store: house.store }, house.tenants, allows))),
      );
      loops.push(
        every(SWEEP_MS, house.log, 'sweep', () =>
          sweep({ ...house.flow, store: house.store, vault: house.vault, resolveTxt: house.resolveTxt, kv, log: house.log }, house.tenants.all()),
        ),
      );
      loops.push(every(POLL_MS, house.log, 'held', () => settleWhatIsOwed(house)));
      loops.push(every(POLL_MS, house.log, 'publications', async () => void (await runWaiting(house.flow, house.flow.worker))));
      loops.push(
        every(POLL_MS, house.log, 'platforms', () => upkeep.turn(house.tenants.all()), 0),
        every(POLL_MS, house.log, 'outbox', () => deliverer.turn()),
      );
    },
    async stop() {
      await Promise.all([...loops.map((loop) => loop.stop()), deliverer.stop()]);
    },
  };
}

/** `first`: milliseconds before the first turn. */
function every(ms: number, log: Log, name: string, turn: () => Promise<void>, first = ms): { stop(): Promise<void> } {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let failing = false;
  const next = (wait: number) => {
    timer = setTimeout(() => {
      running = turn()
        .then(() => {
          if (failing) log.info({ worker: name }, 'worker is well again');
          failing = false;
        })
        .catch((error: unknown) => {
          if (!failing) log.error({ err: error, worker: name }, 'worker failed; it goes on trying');
          failing = true;
        })
        .finally(() => {
          if (!stopped) next(ms);
        });
    }, wait);
    timer.unref();
  };
  next(first);
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      return running;
    },
  };
}
