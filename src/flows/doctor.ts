/**
 * doctor: the last requests of each tenant's directory and what they were answered, for whoever wonders why a sync does not do what it should
 * (FEATURES C14). Kept in memory and written once a second, so that no request waits for it; a process that dies loses its last second.
 */
import { legible } from '../core/profile.ts';
import type { Log } from '../lib/log.ts';
import type { ScimExchangeRow } from '../store/exchanges.ts';
import type { Store } from '../store/store.ts';
import type { At, DirectoryAnswer, DirectoryRequest } from './directory-request.ts';

export interface DoctorDeps {
  store: Pick<Store, 'exchanges'>;
  now: () => Date;
  newId: () => string;
  log: Log;
}

export interface Seen {
  /** As sent; '' where there was none. */
  userAgent: string;
  /** Path and query below the base, as sent. */
  path: string;
  ms: number;
}

export interface Doctor {
  note(at: At, request: Pick<DirectoryRequest, 'method' | 'body'>, answer: DirectoryAnswer, seen: Seen): void;
  /** Writes what was noted. Resolves even where the store is away: it is noted again next time. */
  flush(): Promise<void>;
}

/** A tenant keeps 200; more of one second than a quarter of that would only push each other out. */
const PER_FLUSH = 50;

export function createDoctor(deps: DoctorDeps): Doctor {
  const waiting = new Map<string, ScimExchangeRow[]>();
  return {
    note(at, request, answer, seen) {
      const tenantId = at.live.tenant.id;
      const rows = waiting.get(tenantId) ?? [];
      rows.push(rowOf(deps, at, { request, answer, seen }));
      // What deserves a look is kept before what went well.
      if (rows.length > PER_FLUSH)
        rows.splice(
          Math.max(
            0,
            rows.findIndex((row) => row.warnings.length === 0 && row.status < 400),
          ),
          1,
        );
      waiting.set(tenantId, rows);
    },
    async flush() {
      const rows = [...waiting.values()].flat();
      if (rows.length === 0) return;
      waiting.clear();
      try {
        await deps.store.exchanges.append(rows);
      } catch (error) {
        deps.log.warn({ err: error, lost: rows.length }, 'the doctor could not note what directories asked');
      }
    },
  };
}

interface Exchanged {
  request: Pick<DirectoryRequest, 'method' | 'body'>;
  answer: DirectoryAnswer;
  seen: Seen;
}

const rowOf = ({ now, newId }: DoctorDeps, at: At, { request, answer, seen }: Exchanged): ScimExchangeRow => ({
  id: newId(),
  tenantId: at.live.tenant.id,
  at: now(),
  token: at.actor,
  method: request.method,
  path: legible(seen.path.slice(0, 500)),
  client: legible(clientOf(seen.userAgent)),
  dialect: dialectOf(request),
  status: answer.status,
  ms: Math.round(seen.ms),
  reference: at.reference,
  request: request.body === undefined ? null : abridged(withoutSecrets(request.body)),
  answer: answer.body === null ? null : abridged(answer.body),
  warnings: warningsOf(answer),
});

/** A 2xx that did not do what was asked is the one thing that no client ever notices. */
function warningsOf({ status, changed, ignored }: DirectoryAnswer): string[] {
  if (ignored.length === 0) return [];
  const left = ignored.slice(0, 10).map(legible);
  return changed === false && status < 300 ? ['answered as done, and nothing changed', ...left] : left;
}

const CLIENTS: readonly [RegExp, string][] = [
  [/okta/i, 'Okta'],
  [/onelogin/i, 'OneLogin'],
  [/azure|microsoft|aad/i, 'Microsoft Entra ID'],
  [/google/i, 'Google'],
  [/jumpcloud/i, 'JumpCloud'],
  [/ping/i, 'Ping Identity'],
  [/rippling/i, 'Rippling'],
  [/authentik/i, 'authentik'],
];

/** Entra sends no User-Agent in some builds. */
function clientOf(userAgent: string): string {
  const known = CLIENTS.find(([pattern]) => pattern.test(userAgent));
  return known ? known[1] : userAgent === '' ? 'unnamed' : userAgent.slice(0, 60);
}

/** How it speaks, where that can be seen: what to look up in docs/scim.md. */
function dialectOf({ method, body }: Exchanged['request']): string {
  if (method !== 'PATCH' || typeof body !== 'object' || body === null) return '';
  const operations = Object.entries(body).find(([key]) => key.toLowerCase() === 'operations')?.[1];
  if (!Array.isArray(operations)) return '';
  const ops = operations.filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null);
  if (ops.some(({ op }) => typeof op === 'string' && /^[A-Z]/.test(op))) return 'Entra, without aadOptscim062020';
  const pathless = ops.filter(({ path }) => path === undefined).map(({ value }) => Object.keys(typeof value === 'object' && value ? value : {}));
  if (pathless.flat().some((key) => key.includes('.'))) return 'Entra, with aadOptscim062020';
  return pathless.length > 0 ? 'PATCH without paths' : 'PATCH with paths';
}

const SECRET = /^(password|secret|token|authorization)$/i;

/** Secrets are taken out before anything is kept, wherever they stand: as a key, or as a PATCH on one. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const onSecret = entries.some(([key, path]) => key.toLowerCase() === 'path' && typeof path === 'string' && /password/i.test(path));
  return Object.fromEntries(
    entries.map(([key, one]) => [key, SECRET.test(key) || (onSecret && key.toLowerCase() === 'value') ? '(removed)' : withoutSecrets(one)]),
  );
}

const MOST = { elements: 10, text: 200, depth: 8 } as const;

/** Short enough to keep: long lists and texts say how much was left out. */
function abridged(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') {
    const text = legible(value);
    return text.length <= MOST.text ? text : `${text.slice(0, MOST.text)}… (${text.length} characters)`;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MOST.depth) return '…';
  if (Array.isArray(value)) {
    const kept = value.slice(0, MOST.elements).map((one) => abridged(one, depth + 1));
    return value.length <= MOST.elements ? kept : [...kept, `… ${value.length - MOST.elements} more`];
  }
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 50)
      .map(([key, one]) => [String(abridged(key)), abridged(one, depth + 1)]),
  );
}

/** Says how a thing was asked and answered, not of whom: these are shown as they are. */
const PLAIN = new Set(
  'schemas op path type primary active id bulkId method status scimType detail resourceType created lastModified location version totalResults startIndex itemsPerPage nextCursor'.split(
    ' ',
  ),
);

/** The same with personal values made unreadable: first character and length remain, so that empty, short and equal ones can still be told apart. */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [
        key,
        PLAIN.has(key) && typeof one !== 'object' ? (key === 'path' ? maskedPath(one) : one) : keepsSchemas(key, one),
      ]),
    );
  return typeof value === 'string' && value !== '' ? maskedText(value) : value;
}

const keepsSchemas = (key: string, value: unknown): unknown => (key === 'schemas' ? value : masked(value));

const maskedText = (text: string): string => (text.startsWith('(removed') ? text : `${[...text][0]}…(${text.length})`);

/** Literals in filters are values of people. */
export const maskedPath = <T>(path: T): T | string =>
  typeof path === 'string'
    ? path.replaceAll(/"((?:[^"\\]|\\.)*)"|%22(.*?)%22/g, (_, plain = '', encoded = '') => `"${maskedText(plain || encoded || ' ')}"`)
    : path;
