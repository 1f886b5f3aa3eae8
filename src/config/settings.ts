/**
 * What the process is told by its environment. One entry per setting: sentence, variable, default, and how its text is read.
 * The parser, docs/settings.md and config/examples/settings.env are made from this table. Reads no file and makes no secret.
 */
import { isIPv4, isIPv6 } from 'node:net';
import * as z from 'zod';
import { nearest } from '../core/near.ts';
import { isLoopbackHost } from '../lib/address.ts';
import { parseNetwork } from '../lib/networks.ts';

export interface Settings {
  listen: { host: string; port: number };
  /** Scheme, host and port, without a slash at the end. */
  baseUrl: string;
  /** `sqlite:<path>` or `postgres://…` (which may hold a password: never log it). */
  database: string;
  /** `redis://…` or `rediss://…`, or null: the database does it. May hold a password. */
  redis: string | null;
  /** A name server to ask; null = the system's. */
  dns: string | null;
  /** 32 bytes; null only with a base URL on loopback, where the app may make one and keep it. */
  secret: Buffer | null;
  /** Folder of the tenant files. */
  tenants: string;
  /** Networks (CIDR) where platforms and webhooks may be although they are not public. */
  allowedNetworks: string[];
  /** Whether http addresses on loopback may be called: demo and tests only. */
  loopback: boolean;
  rateLimits: boolean;
  logLevel: LogLevel;
  /** Reverse proxies in front, whose X-Forwarded-For entries count. */
  trustProxy: number;
  sessionIdleMinutes: number;
  sessionAbsoluteMinutes: number;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Setting<T = unknown> {
  variable: `MATRICULA_${string}`;
  /** One sentence for the page and the example. */
  sentence: string;
  /** What the variable must look like: the error says so, and so does the page. */
  form: string;
  /** The text that counts when the variable is not set or empty; null: nothing does. */
  fallback: string | null;
  /** Where `fallback` is null: what happens then, in words. */
  without?: string;
  example: string;
  schema: z.ZodType<T, string>;
}

const setting = <T>(entry: Setting<T>): Setting<T> => entry;

const minutes = (max: number) => whole(1, max);
function whole(min: number, max: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^\d{1,7}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));
}

const listen: z.ZodType<Settings['listen'], string> = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9.-]+):\d{1,5}$/)
  .transform((text) => ({ host: text.slice(0, text.lastIndexOf(':')).replace(/^\[|\]$/g, ''), port: Number(text.slice(text.lastIndexOf(':') + 1)) }))
  .refine(({ port }) => port <= 65_535);

/** What Node's resolver takes: it aborts the whole process at port 0, and takes 99999 for another port. */
const nameServer: z.ZodType<string, string> = z.string().refine((text) => {
  const [, six, four, port = '53'] = /^(?:\[([0-9a-fA-F:.]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  return (isIPv6(six ?? '') || isIPv4(four ?? '')) && Number(port) >= 1 && Number(port) <= 65_535;
});

const baseUrl: z.ZodType<string, string> = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:\/\/[^/@?#\\]+\/?$/.test(text))
  .transform((text) => new URL(text))
  .refine((url) => url.protocol === 'https:' || isLoopbackHost(url.hostname))
  .transform((url) => url.origin);

const secret: z.ZodType<Buffer, string> = z
  .string()
  .regex(/^[A-Za-z0-9+/_-]{43}=?$/)
  .transform((text) => Buffer.from(text, 'base64'))
  .refine((bytes) => bytes.length === 32 && new Set(bytes).size > 8);

const networks: z.ZodType<string[], string> = z
  .string()
  .transform((text) => text.split(',').map((one) => one.trim()))
  .refine((all) => all.every((one) => parseNetwork(one) !== null));

const serverUrl = (scheme: RegExp) => z.string().refine((text) => scheme.test(text) && URL.canParse(text) && new URL(text).hostname !== '');

/** In the order of the page. The keys are those of `Settings`. */
export const SETTINGS = {
  listen: setting({
    variable: 'MATRICULA_LISTEN',
    sentence: 'Address and port on which the gateway listens.',
    form: 'host:port, such as 127.0.0.1:8080 or [::1]:8080',
    fallback: '127.0.0.1:8080',
    example: '127.0.0.1:8080',
    schema: listen,
  }),
  baseUrl: setting({
    variable: 'MATRICULA_BASE_URL',
    sentence:
      'The address under which browsers and providers reach the gateway. Every link and every metadata address is made from it, never from a request.',
    form: 'https://host or https://host:port without a path; http only on loopback',
    fallback: null,
    without: 'http:// and the address of MATRICULA_LISTEN, if that is on loopback',
    example: 'https://matricula.acme.example',
    schema: baseUrl,
  }),
  database: setting({
    variable: 'MATRICULA_DATABASE',
    sentence: 'Where people, enrolments and the journal are kept.',
    form: 'sqlite:path or postgres://user:password@host/name',
    fallback: 'sqlite:data/matricula.db',
    example: 'postgres://matricula@db.acme.example/matricula',
    schema: z.union([z.string().regex(/^sqlite:[^\x00]+$/), serverUrl(/^postgres(ql)?:\/\//)]),
  }),
  redis: setting({
    variable: 'MATRICULA_REDIS',
    sentence: 'Redis for sessions, logins under way and rate limits.',
    form: 'redis://host:port or rediss://host:port',
    fallback: null,
    without: 'the database keeps them',
    example: 'redis://cache.acme.example:6379',
    schema: serverUrl(/^rediss?:\/\//),
  }),
  dns: setting({
    variable: 'MATRICULA_DNS',
    sentence: 'The name server that is asked for the records by which tenants prove their domains.',
    form: 'an address and a port, such as 127.0.0.1:5353',
    fallback: null,
    without: "the system's",
    example: '',
    schema: nameServer,
  }),
  secret: setting({
    variable: 'MATRICULA_SECRET',
    sentence: 'Seals secrets and keys at rest. Keep it apart from the database and its backups; without it they cannot be opened again.',
    form: '32 random bytes in base64; make one with: openssl rand -base64 32',
    fallback: null,
    without: 'on loopback one is made beside the database; with a public address the gateway does not start',
    example: '',
    schema: secret,
  }),
  tenants: setting({
    variable: 'MATRICULA_TENANTS',
    sentence: 'The folder of the tenant files.',
    form: 'a path',
    fallback: 'config/tenants',
    example: '/etc/matricula/tenants',
    schema: z.string().regex(/^[^\x00]+$/),
  }),
  sessionIdleMinutes: setting({
    variable: 'MATRICULA_SESSION_IDLE_MINUTES',
    sentence: 'A session that nobody used for so long ends.',
    form: 'minutes, 1 to 10080',
    fallback: '60',
    example: '60',
    schema: minutes(10_080),
  }),
  sessionAbsoluteMinutes: setting({
    variable: 'MATRICULA_SESSION_ABSOLUTE_MINUTES',
    sentence: 'A session ends after so long in any case.',
    form: 'minutes, 1 to 43200, not less than the idle limit',
    fallback: '720',
    example: '720',
    schema: minutes(43_200),
  }),
  trustProxy: setting({
    variable: 'MATRICULA_TRUST_PROXY',
    sentence:
      'How many reverse proxies stand in front. Only as many entries of X-Forwarded-For are believed, for rate limits and the log; links are always made from MATRICULA_BASE_URL.',
    form: 'a number from 0 to 10',
    fallback: '0',
    example: '1',
    schema: whole(0, 10),
  }),
  logLevel: setting({
    variable: 'MATRICULA_LOG_LEVEL',
    sentence: 'The least important kind of line that is logged.',
    form: `one of ${LOG_LEVELS.join(', ')}`,
    fallback: 'info',
    example: 'info',
    schema: z.enum(LOG_LEVELS) as z.ZodType<LogLevel, string>,
  }),
  allowedNetworks: setting({
    variable: 'MATRICULA_ALLOWED_NETWORKS',
    sentence:
      'Networks of your own where learning platforms and webhooks may be; elsewhere only public addresses are called. Loopback and the metadata services of clouds are never called, and https stays required.',
    form: 'CIDRs separated by commas, such as 10.20.0.0/16,fd12:3456::/32; none wider than /8 (IPv6: /7), no bit set behind the prefix',
    fallback: null,
    without: 'public addresses only',
    example: '10.20.0.0/16',
    schema: networks,
  }),
  loopback: setting({
    variable: 'MATRICULA_LOOPBACK',
    sentence: 'For demo and tests only: providers, metadata and webhooks may be reached by http on this machine. Refused with a public address.',
    form: 'allow or refuse',
    fallback: 'refuse',
    example: 'refuse',
    schema: z.enum(['allow', 'refuse']).transform((text) => text === 'allow') as z.ZodType<boolean, string>,
  }),
  rateLimits: setting({
    variable: 'MATRICULA_RATE_LIMITS',
    sentence: 'For demo and tests only: off lets anyone try as often as they like. Refused with a public address.',
    form: 'on or off',
    fallback: 'on',
    example: 'on',
    schema: z.enum(['on', 'off']).transform((text) => text === 'on') as z.ZodType<boolean, string>,
  }),
} satisfies { [K in keyof Settings]: Setting<NonNullable<Settings[K]>> };

export type ReadSettings = { ok: true; settings: Settings } | { ok: false; problems: string[] };

/** Every problem at once, each naming its variable and what would be right; never a value that may hold a secret. An empty variable is an unset one. */
export function readSettings(env: Record<string, string | undefined>): ReadSettings {
  const problems = misspelt(env);
  const read = <T>(entry: Setting<T>): T | null => {
    const text = env[entry.variable]?.trim() || entry.fallback;
    if (text === null) return null;
    const parsed = entry.schema.safeParse(text);
    if (!parsed.success) problems.push(`${entry.variable} cannot be used (${entry.form})`);
    return parsed.success ? parsed.data : null;
  };
  const found = Object.fromEntries(Object.entries(SETTINGS).map(([key, entry]) => [key, read(entry as Setting)])) as {
    [K in keyof Settings]: Settings[K] | null;
  };
  if (problems.length > 0) return { ok: false, problems };
  const settings = { ...found, baseUrl: found.baseUrl ?? listenUrl(found.listen!), allowedNetworks: found.allowedNetworks ?? [] } as Settings;
  const together = checkTogether(settings, found.baseUrl !== null);
  return together.length > 0 ? { ok: false, problems: together } : { ok: true, settings };
}

const listenUrl = ({ host, port }: Settings['listen']): string => `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

function checkTogether(settings: Settings, baseUrlGiven: boolean): string[] {
  const problems: string[] = [];
  const isPublic = !isLoopbackHost(new URL(settings.baseUrl).hostname);
  if (isPublic && !baseUrlGiven)
    return [`MATRICULA_BASE_URL is missing (${SETTINGS.baseUrl.form}; it is needed because MATRICULA_LISTEN is not on loopback)`];
  if (isPublic && settings.secret === null) problems.push(`MATRICULA_SECRET is missing (${SETTINGS.secret.form})`);
  if (isPublic && settings.loopback)
    problems.push('MATRICULA_LOOPBACK=allow is refused with a public address (leave it out; it is for demo and tests)');
  if (isPublic && !settings.rateLimits)
    problems.push('MATRICULA_RATE_LIMITS=off is refused with a public address (leave it out; it is for demo and tests)');
  if (settings.sessionAbsoluteMinutes < settings.sessionIdleMinutes)
    problems.push('MATRICULA_SESSION_ABSOLUTE_MINUTES is less than MATRICULA_SESSION_IDLE_MINUTES (at least as many minutes)');
  return problems;
}

/** A setting under a slightly wrong name would silently not count. Names that are not near one may be anything, a tenant's secret for instance. */
function misspelt(env: Record<string, string | undefined>): string[] {
  const known: string[] = Object.values(SETTINGS).map((entry) => entry.variable);
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith('MATRICULA_') || known.includes(name)) return [];
    const near = nearest(
      name.slice('MATRICULA_'.length),
      known.map((one) => one.slice('MATRICULA_'.length)),
    );
    return near === null ? [] : [`${name} is no setting (did you mean MATRICULA_${near}?)`];
  });
}
