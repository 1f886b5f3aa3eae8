/** Where faults happen: a whole gateway whose learners are brought to one platform, over loopback, on a clock that stands still until it is moved. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Application, startApplication, TOKEN } from '../../connectors/scim/application.ts';
import { type Receiver, startReceiver } from '../../connectors/webhook/receiver.ts';
import { eventually } from '../gateway.ts';
import { type Operator, startOperator } from '../modes/operator.ts';
import { RULES, type School, type SchoolOptions, startSchool } from './school.ts';

/** Moved by hand. */
export interface Clock {
  now(): Date;
  /** Milliseconds on from where it stands. */
  forward(ms: number): void;
  /** Not behind the sample provider's clock, which goes by itself. */
  catchUp(): void;
}

export function standingClock(): Clock {
  let at = Date.now();
  return {
    now: () => new Date(at),
    forward(ms) {
      at += ms;
    },
    catchUp() {
      at = Math.max(at, Date.now());
    },
  };
}

/** Who signs in would be believed for some minutes yet, by a gateway with this clock. */
export const isUsable = ({ now }: Clock): boolean => now().getTime() - Date.now() < 150_000;

export interface World {
  operator: Operator;
  /** The platform's id in the tenant file. */
  id: string;
  /** Where a learner who may enter ends up. */
  origin: string;
  /** What somebody has there, sorted. */
  has(email: string): string[];
  accounts(email: string): number;
  /** What somebody was given there more than once. */
  doubled(): string[];
  /** Requests about people that have come. */
  calls(): number;
  /** Resolves when the gateway has the platform's catalogue as it is now. */
  refresh(): Promise<void>;
  /** What nobody may read in a reason or in the log. */
  secrets: string[];
  /** Of whoever is in the group Sales, and in the group Staff. */
  gives: { sales: string[]; staff: string[] };
  close(): Promise<void>;
}

export interface SchoolWorld extends World {
  clock: Clock;
  school: School['platform'];
  /** Another key than the one that the gateway has read, or that one. */
  putKey(key: string): void;
}
export interface HookWorld extends World {
  app: Receiver;
  putSecret(): void;
  /** By another version of the tenant file. */
  leadTo(address: string): Promise<void>;
}
export interface ScimWorld extends World {
  app: Application;
}

export async function schoolWorld(clock: Clock, options: Pick<SchoolOptions, 'platformOver'> = {}): Promise<SchoolWorld> {
  const { now } = clock;
  // What the minute's calls are is no matter here: the clock stands still.
  const platformOver = { limits: { perMinute: 100_000 }, ...options.platformOver };
  const { platform, operator, close } = await startSchool({ now, platformOver, sample: { now, limits: { perMinute: null } } });
  const mine = (email: string) => [...platform.school.users.values()].filter((user) => user.email === email);
  return {
    ...{ clock, school: platform, operator, close, id: 'school', origin: platform.url },
    has: (email) =>
      mine(email)
        .flatMap(({ id }) => platform.school.usable(id))
        .flatMap(({ courses, groups }) => [...courses, ...groups])
        .toSorted(),
    accounts: (email) => mine(email).length,
    doubled: () => repeated(platform.school.enrolments.map(({ userId, courseId }) => `${userId} ${courseId}`)),
    calls: () => platform.calls.filter(({ path }) => /users|enrollments|graphql/.test(path)).length,
    refresh: async () => {
      const { status } = await operator.post('/platforms/school/refresh');
      if (status !== 200) throw new Error(`the catalogue could not be read: ${status}`);
    },
    secrets: [platform.apiKey, platform.accessToken],
    putKey: (key) => operator.gateway.folder.write('secrets/school-key', key),
    gives: { sales: ['A cohort', 'Staff', 'closing', 'listening'], staff: ['Staff'] },
  };
}

const PORTAL = 'https://portal.acme.example';
const parts = (platform: object) => ({ rules: RULES, platforms: [platform], handOffs: [{ id: 'portal', kind: 'redirect', url: `${PORTAL}/` }] });

export interface HookOptions {
  /** Another address in the tenant file than the receiver's own. */
  url?: string;
  /** Its secret is not where the tenant file says. */
  secretless?: boolean;
}

export async function hookWorld({ now }: Clock, { url, secretless = false }: HookOptions = {}): Promise<HookWorld> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const app = await startReceiver([secret], now);
  const platform = { id: 'app', kind: 'webhook', url: url ?? app.url, secrets: ['file:secrets/app'] };
  const operator = await startOperator({ now, over: parts(platform), files: secretless ? {} : { 'secrets/app': secret } });
  const { folder, running } = operator.gateway;
  const mine = (email: string) => [...app.learners.values()].filter(({ data }) => data.email === email);
  if (!secretless) await filled(operator, 'app');
  return {
    ...{ operator, app, id: 'app', origin: PORTAL },
    has: (email) =>
      mine(email)
        .flatMap(({ targets }) => targets)
        .toSorted(),
    accounts: (email) => mine(email).length,
    // A message that comes twice has the same id; what it says has to add up (receiver.ts).
    doubled: () => [],
    calls: () => app.received.length,
    refresh: async () => {},
    secrets: [secret],
    gives: { sales: ['bundle:sales', 'group:cohort', 'group:staff'], staff: ['group:staff'] },
    putSecret: () => folder.write('secrets/app', secret),
    async leadTo(address) {
      const path = join(folder.path, 'tenants', 'acme.yaml');
      const tenant = JSON.parse(readFileSync(path, 'utf8')) as object;
      folder.write('acme.yaml', { ...tenant, platforms: [{ ...platform, url: address }] });
      await running.gateway.reload();
    },
    async close() {
      await operator.close();
      await app.close();
    },
  };
}

export async function scimWorld({ now }: Clock, quirks: Partial<Application['quirks']> = {}): Promise<ScimWorld> {
  const app = await startApplication(quirks);
  const platform = { id: 'app', kind: 'scim', url: app.url, token: 'file:secrets/app' };
  const operator = await startOperator({ now, over: parts(platform), files: { 'secrets/app': TOKEN } });
  await filled(operator, 'app');
  const mine = (email: string) => [...app.users.values()].filter(({ userName }) => userName === email);
  const isIn = (userId: string) => [...app.groups.values()].filter(({ members }) => members?.some(({ value }) => value === userId));
  return {
    ...{ operator, app, id: 'app', origin: PORTAL },
    has: (email) =>
      mine(email)
        .flatMap(({ id }) => isIn(id).map(({ displayName }) => displayName))
        .toSorted(),
    accounts: (email) => mine(email).length,
    doubled: () => [
      ...repeated([...app.groups.values()].map(({ displayName }) => displayName)),
      ...[...app.groups.values()].flatMap(({ members }) => repeated((members ?? []).map(({ value }) => value))),
    ],
    calls: () => app.asked.length,
    refresh: async () => {},
    secrets: [TOKEN],
    gives: { sales: ['A cohort', 'Sales', 'Staff'], staff: ['Staff'] },
    async close() {
      await operator.close();
      await app.close();
    },
  };
}

/** Whoever was there before the platform has been told to it. */
const filled = ({ gateway }: Operator, platform: string) =>
  eventually(async () => (await gateway.house.store.platforms.get({ tenantId: 'acme', platform }))?.cursor === null || null, 30_000);

const repeated = (all: string[]): string[] => all.filter((one, at) => all.indexOf(one) !== at);
