/**
 * The HTTP surface over a real kv on SQLite in memory, a clock that tests move, two tenants, and a sign-in that is told by the message how to end:
 * `SAMLResponse=arrive:<user>` signs in, `SAMLResponse=<refusal code>` is refused, `SAMLResponse=fault` breaks; `code=…` likewise for OIDC.
 */

import type { Express } from 'express';
import request from 'supertest';
import type { Target, User, UserState } from '../../src/core/model.ts';
import { Refusal, type RefusalCode } from '../../src/core/refusal.ts';
import type { Connection, Tenant } from '../../src/core/tenant.ts';
import type { Delivered } from '../../src/flows/delivered.ts';
import { directoryFailure, methodsOf } from '../../src/flows/directory.ts';
import { createHandOffs } from '../../src/flows/hand-off.ts';
import { learning } from '../../src/flows/learning.ts';
import type { Arrival } from '../../src/flows/signin.ts';
import type { JournalLine, SignInLine } from '../../src/http/admin.ts';
import { createHttpApp, type HttpDeps, type HttpSettings } from '../../src/http/server.ts';
import { createDatabaseKv } from '../../src/kv/database.ts';
import { KvUnavailable } from '../../src/kv/kv.ts';
import { createLog } from '../../src/lib/log.ts';
import { createRightOfWay } from '../../src/lib/right-of-way.ts';
import { createVault } from '../../src/lib/secrets.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore } from '../../src/store/store.ts';

export const HTTPS = 'https://learn.example';
export const LOOPBACK = 'http://127.0.0.1:8080';
export const MINUTE = 60_000;
export const SECRETS = {
  FORUM_SECRET: 'what the forum and we know',
  DESK_SECRET: 'what the help desk and we know',
  SCHOOL_KEY: '0123456789abcdef0123456789abcdef',
};

const connection = (id: string, protocol: 'saml' | 'oidc', over: Partial<Connection> = {}): Connection =>
  ({ id, name: `${id} of Acme`, protocol, enabled: true, domains: [], ...over }) as Connection; // http reads no more of a connection

export const tenant = (id: string, over: Partial<Tenant> = {}): Tenant => ({
  id,
  name: `${id.toUpperCase()} & Co`,
  contact: `help@${id}.example`,
  domains: [],
  provisioning: {
    initialMode: 'jit',
    linking: 'verified-email',
    defaultRole: 'learner',
    whenGroupsMissing: 'keep',
    limits: { removals: { share: 1, atLeast: 1 } },
    retentionDays: null,
    lease: null,
  },
  connections: [
    connection('sso', 'saml', { domains: [`${id}.example`, 'shared.example'] }),
    connection('oidc', 'oidc', { domains: ['shared.example'] }),
    connection('posting', 'saml'),
    connection('off', 'saml', { enabled: false }),
  ],
  seats: null,
  scim: { fields: {}, groups: { sameName: 'allow', matchLocal: true } },
  catalogue: {
    courses: [
      { slug: 'pitch', title: 'Pitching <b>well</b>', description: 'From first call to handshake.', url: 'https://courses.example/pitch' },
      { slug: 'safety', title: 'Safety at work', description: '', url: null },
    ],
    bundles: [{ slug: 'sales', title: 'Sales onboarding', ref: null, courses: ['pitch', 'safety'] }],
    collections: [{ slug: 'all', title: 'For everyone', ref: null, courses: ['safety'] }],
    groups: [],
  },
  platforms: [],
  handOffs: [],
  mapping: { version: 1, rules: [] },
  tests: [],
  returnTo: [],
  ...over,
});

export function userState(id: string, over: Partial<User> = {}, targets: Target[] = ['bundle:sales']): UserState {
  const at = new Date('2026-01-01T00:00:00.000Z');
  const email = `${id}@acme.example`;
  const profile = {
    userName: email,
    email,
    displayName: "Zoë O'Née <i>",
    givenName: 'Zoë',
    familyName: "O'Née",
    locale: '',
    timezone: '',
    title: '',
  };
  const user: User = {
    ...profile,
    id,
    tenantId: 'acme',
    userNameKey: email,
    emailKey: email,
    externalId: null,
    status: 'active',
    statusSince: at,
    role: 'learner',
    fields: { costcentre: '42' },
    barredAt: null,
    lapsedAt: null,
    restoreKey: null,
    version: 1,
    createdAt: at,
    updatedAt: at,
    ...over,
  };
  const grants = targets.flatMap((target) => [
    { tenantId: user.tenantId, userId: id, target, source: 'connection:sso' as const, rule: 'r1', since: at },
    { tenantId: user.tenantId, userId: id, target, source: 'manual' as const, rule: '', since: at },
  ]);
  return { user, identities: [], grants, memberships: [], groups: [], held: [] };
}

export async function world(over: { settings?: Partial<HttpSettings>; baseUrl?: string } = {}) {
  const baseUrl = over.baseUrl ?? HTTPS;
  const database = await openDatabase('sqlite::memory:');
  let now = new Date('2026-03-01T09:00:00.000Z');
  const kv = createDatabaseKv(database, () => now);
  const tenants = new Map([tenant('acme'), tenant('beta')].map((t) => [t.id, t]));
  const users = new Map([['acme ada', userState('ada')]]);
  const lines: string[] = [];
  const attempts = new Map<string, string>();
  const journal: JournalLine[] = [];
  const signIns: SignInLine[] = [];
  const refusals: { code: RefusalCode; check: string; tenant: string | null; reference: string }[] = [];
  let kvIsAway = false;
  let sessionNotOnOrAfter: Date | null = null;
  let problems: { tenant: string; file: string; problems: string[] }[] = [];
  let delivery: Awaited<ReturnType<Delivered['progress']>> = { kind: 'waiting' };
  const starts: Parameters<HttpDeps['signIn']['start']>[0][] = [];
  const queries: string[] = [];

  function ending(how: string, at: { tenant: Tenant; connection: Connection }): Arrival {
    const [word, userId = ''] = how.split(':');
    if (word === 'fault') throw new TypeError('library text <script> that nobody may see');
    if (word === 'away') throw Object.assign(new Error('no such host'), { name: 'Unavailable' });
    if (word !== 'arrive') throw new Refusal(how as RefusalCode, 'test/told', 'detail <script> for the log only');
    const returnTo = `/t/${at.tenant.id}/learning`;
    return { tenantId: at.tenant.id, userId, connectionId: at.connection.id, returnTo, sessionNotOnOrAfter, sid: 'idp-session' };
  }
  const bound = (handle: string | null, browserSecret: string | null) => {
    if (handle === null || browserSecret === null || attempts.get(handle) !== browserSecret) throw new Refusal('login-unknown', 'flow/other-browser');
  };

  const deps: HttpDeps = {
    settings: {
      baseUrl,
      secureCookies: baseUrl.startsWith('https:'),
      sessionIdleMs: 30 * MINUTE,
      sessionAbsoluteMs: 8 * 60 * MINUTE,
      rateLimits: false,
      trustProxy: 0,
      cookieSecret: 'a secret of this test',
      ...over.settings,
    },
    // No test of these pages speaks to a directory: nobody has a token here.
    directory: {
      authenticate: async () => null,
      methods: methodsOf,
      answer: () => Promise.reject(new Error('nobody is authenticated')),
      failure: directoryFailure,
      bodyBytes: 1024,
    },
    kv: new Proxy(kv, {
      get: (target, name: keyof typeof kv) =>
        kvIsAway && name !== 'close' ? () => Promise.reject(new KvUnavailable('no answer')) : target[name].bind(target),
    }),
    log: createLog('info', { write: (line: string) => lines.push(line) } as unknown as NodeJS.WritableStream),
    tenants: {
      get: (id) => (tenants.has(id) ? { tenant: tenants.get(id)! } : null),
      byDomain: (domain) =>
        [...tenants.values()].flatMap((t) => t.connections.filter((c) => c.domains.includes(domain)).map((c) => ({ tenant: t, connection: c }))),
      problems: () => problems,
    },
    signIn: {
      async start(asked) {
        starts.push(asked);
        if (asked.returnTo === 'https://evil.example/') throw new Refusal('return-to-refused', 'return-to/not-listed');
        const handle = String(starts.length).padStart(16, 'h').padEnd(43, 'x');
        attempts.set(handle, asked.browserSecret);
        const flow = { handle, ttlMs: 15 * MINUTE };
        const url = 'https://idp.example/sso?tenant=1';
        if (asked.connection.id === 'posting') return { kind: 'post', url, fields: { SAMLRequest: 'PHg+"', RelayState: handle }, flow };
        return { kind: 'redirect', url: `${url}&RelayState=${handle}`, flow };
      },
      async finishSaml({ samlResponse, relayState, browserSecret, ...at }) {
        bound(relayState as string | null, browserSecret);
        return ending(String(samlResponse), at);
      },
      async finishOidc({ query, state, browserSecret, ...at }) {
        queries.push(query);
        bound(state, browserSecret);
        return ending(new URLSearchParams(query).get('code') ?? '', at);
      },
      async refused({ code, check }, at, { reference }) {
        refusals.push({ code, check, tenant: at.tenant?.id ?? null, reference });
      },
      samlMetadata: async (t, c) => `<EntityDescriptor entityID="${baseUrl}/t/${t.id}/saml/${c.id}/metadata"/>`,
    },
    handOffs: createHandOffs({
      store: createStore(database),
      vault: createVault(Buffer.alloc(32, 7)),
      // What platforms answer is told by the test; whom that lets in is decided by ours.
      delivered: { progress: async () => delivery },
      now: () => now,
      env: { ...SECRETS },
      baseDir: '/nonexistent',
      baseUrl,
    }),
    learner: { read: async (tenantId, userId) => users.get(`${tenantId} ${userId}`) ?? null, learning },
    admin: {
      async authenticate(bearer) {
        if (bearer === 'mk_every') return { keyId: 'k1', prefix: 'mk_every', tenantId: null };
        return bearer === 'mk_acme' ? { keyId: 'k2', prefix: 'mk_acme', tenantId: 'acme' } : null;
      },
      // What operators do is tested through a whole gateway.
      modes: {
        state: async () => ({}),
        change: async () => ({}),
        handOver: async () => ({}),
        held: async () => ({}),
        endHeld: async () => ({}),
        setSeats: async () => ({}),
        domains: async () => ({}),
        addDomain: async () => ({}),
        verifyDomain: async () => ({}),
      },
      platforms: {
        list: async () => ({ platforms: [] }),
        check: async (_, platform) => ({ platform, findings: [] }),
        refresh: async () => ({ entries: 0, changed: [], held: 0 }),
        letters: async () => ({ deliveries: [], next: null }),
        retry: async () => ({ retried: 0 }),
        replay: async () => ({ people: 0 }),
        tasks: async () => ({ tasks: [], next: null }),
        taskDone: async ({ id }) => ({ done: id }),
        drift: async () => ({ drift: [] }),
      },
      mapping: {
        document: async () => ({}),
        plan: async () => ({}),
        people: async () => ({}),
        publish: async () => ({}),
        publications: async () => [],
        cancel: async () => ({}),
        versions: async () => [],
        version: async () => ({}),
        diff: async () => ({}),
        rollBack: async () => '',
        who: async () => ({}),
        claims: async () => ({}),
      },
      explain: async () => ({}),
      async users(tenantId, { after, limit, search }) {
        const all = [...users.values()].map((s) => s.user).filter((u) => u.tenantId === tenantId && u.email.includes(search ?? ''));
        const rest = all.filter((u) => after === null || u.id > after);
        return { users: rest.slice(0, limit), next: rest.length > limit ? (rest[limit - 1]?.id ?? null) : null };
      },
      user: async (tenantId, userId) => users.get(`${tenantId} ${userId}`) ?? null,
      journal: async (_tenantId, { limit, outcome }) => journal.filter((l) => outcome === undefined || l.outcome === outcome).slice(0, limit),
      syncLog: async (_tenantId, { limit }) => journal.filter((l) => l.action !== null).slice(0, limit),
      signIns: async (_tenantId, { limit }) => signIns.slice(0, limit),
    },
    health: {
      ready: async () => (kvIsAway ? { ok: false, checks: { database: 'ok', kv: 'away' } } : { ok: true, checks: { database: 'ok', kv: 'ok' } }),
    },
    rightOfWay: createRightOfWay(),
    clock: () => now,
  };

  const app = createHttpApp(deps);
  return {
    app,
    deps,
    tenants,
    users,
    journal,
    signIns,
    refusals,
    lines: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    logText: () => lines.join(''),
    starts: () => starts,
    queries: () => queries,
    passes(ms: number) {
      now = new Date(now.getTime() + ms);
    },
    now: () => now,
    kvGoes(away: boolean) {
      kvIsAway = away;
    },
    providerSessionEnds(at: Date | null) {
      sessionNotOnOrAfter = at;
    },
    platformsAre(progress: typeof delivery) {
      delivery = progress;
    },
    filesAreBroken(broken: typeof problems) {
      problems = broken;
    },
    close: () => database.close(),
  };
}

export type TestWorld = Awaited<ReturnType<typeof world>>;

/** A browser's cookie jar, as far as the tests need one. */
export function browser(app: Express) {
  const jar = new Map<string, string>();
  const learn = (res: request.Response) => {
    for (const line of cookieLines(res)) {
      const [name = '', value = ''] = line.split(';')[0]!.split(/=(.*)/s);
      if (/expires=thu, 01 jan 1970/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return res;
  };
  const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const send = async (test: request.Test, headers: Record<string, string> = {}) =>
    learn(await test.set({ Accept: 'text/html', ...headers, ...(jar.size > 0 && { Cookie: cookie() }) }));
  return {
    jar,
    cookie,
    get: (path: string, headers?: Record<string, string>) => send(request(app).get(path), headers),
    post: (path: string, form: Record<string, string | string[]> | string, headers?: Record<string, string>) =>
      send(
        request(app)
          .post(path)
          .type('form')
          .send(form as string),
        headers,
      ),
    /** Starts at the gateway and comes back from the provider. */
    async signIn(how: string, at = 't/acme', connection: 'sso' | 'oidc' = 'sso') {
      const started = await this.get(`/${at}/login/${connection}`);
      const handle = new URL(started.headers['location'] ?? 'x:').searchParams.get('RelayState') ?? '';
      return connection === 'sso'
        ? this.post(`/${at}/saml/sso/acs`, { SAMLResponse: how, RelayState: handle })
        : this.get(`/${at}/oidc/oidc/callback?code=${encodeURIComponent(how)}&state=${handle}`);
    },
  };
}

export const cookieLines = (res: request.Response): string[] => (res.headers['set-cookie'] as unknown as string[] | undefined) ?? [];
export const policyOf = (res: request.Response): Map<string, string> =>
  new Map((res.headers['content-security-policy'] ?? '').split('; ').map((d: string) => d.split(/ (.*)/s) as [string, string]));
