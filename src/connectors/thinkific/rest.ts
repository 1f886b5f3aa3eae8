/** rest: Thinkific's Admin REST API (learning-platforms.md §A1): credentials, one call, and lists page by page. */
import * as z from 'zod';
import type { ThinkificPlatform } from '../../core/tenant.ts';
import { type ConnectorDeps, TerminalFailure } from '../connector.ts';
import { failureOf, jsonOf, nonsense, shaped } from './answers.ts';

export interface Secrets {
  apiKey: string | null;
  accessToken: string | null;
}

/** What of the secrets is what. */
export interface Credentials {
  /** The site's own key: REST, and the signature of hand-offs. */
  key: string | null;
  /** GraphQL, and REST where there is no key. */
  token: string | null;
}

/** The site's own keys are 32 characters. What is longer is an access token, wherever it was written. */
const KEY_LENGTH = 32;

export function credentialsOf({ apiKey, accessToken }: Secrets): Credentials {
  const isKey = apiKey !== null && apiKey.length <= KEY_LENGTH;
  return { key: isKey ? apiKey : null, token: accessToken ?? (isKey ? null : apiKey) };
}

export interface RestRequest {
  /** What is being done, for messages: no personal data. */
  about: string;
  /** GET unless told. */
  method?: 'GET' | 'POST' | 'PUT';
  /** From the API's version on. */
  path: string;
  query?: Record<string, string>;
  body?: object;
  signal: AbortSignal;
  /** Statuses that are answers; the caller looks at which came. */
  expect: readonly number[];
}
export interface RestReply {
  status: number;
  headers: Headers;
  /** Undefined = no body. */
  json: unknown;
}

export interface Rest {
  /** Throws `TransientFailure` or `TerminalFailure` for every status that is not expected. */
  call(request: RestRequest): Promise<RestReply>;
  /** Every row of a list. Null where there is no such list (404) and that is expected. */
  list<T>(schema: z.ZodType<T>, request: Omit<RestRequest, 'method' | 'body' | 'expect'>): Promise<T[]>;
  listOrNothing<T>(schema: z.ZodType<T>, request: Omit<RestRequest, 'method' | 'body' | 'expect'>): Promise<T[] | null>;
}

const PAGE = 250;
/** 50,000 rows. */
const MOST_PAGES = 200;

export function createRest(platform: Pick<ThinkificPlatform, 'api' | 'subdomain'>, credentials: Credentials, deps: ConnectorDeps): Rest {
  const call = async ({ about, method = 'GET', path, query, body, signal, expect }: RestRequest): Promise<RestReply> => {
    const url = `${platform.api}/api/public/v1${path}${query ? `?${new URLSearchParams(query)}` : ''}`;
    const headers = { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}), ...authOf(platform, credentials) };
    const answer = await deps.send({ method, url, headers, signal, ...(body ? { body: JSON.stringify(body) } : {}) });
    if (!expect.includes(answer.status)) throw failureOf(answer, about, deps.now());
    const json = jsonOf(answer, about);
    // A page of a proxy, or nothing at all, must not pass for the platform's word that something is not there.
    if (answer.status >= 400 && (typeof json !== 'object' || json === null)) throw nonsense(about, 'a refusal without a body', answer.status);
    return { status: answer.status, headers: answer.headers, json };
  };
  const listOrNothing: Rest['listOrNothing'] = async (schema, request) => {
    const rows = [];
    for (let page = 1; page <= MOST_PAGES; ) {
      const query = { ...request.query, page: String(page), limit: String(PAGE) };
      const { status, json } = await call({ ...request, query, expect: [200, 404] });
      if (status === 404) return null;
      const { items, meta } = shaped(pageOf(schema), json, request.about);
      rows.push(...items);
      const next = meta.pagination.next_page;
      if (next === null) return rows;
      if (next !== page + 1) throw nonsense(request.about, 'the list goes round in circles');
      page = next;
    }
    throw nonsense(request.about, 'the list has no end');
  };
  return {
    call,
    listOrNothing,
    async list(schema, request) {
      const rows = await listOrNothing(schema, request);
      if (!rows) throw new TerminalFailure('not-found', `${request.about}: Thinkific has no such list`, { status: 404 });
      return rows;
    },
  };
}

const pageOf = <T>(schema: z.ZodType<T>) =>
  z.object({ items: z.array(schema), meta: z.object({ pagination: z.object({ next_page: z.int().nullable() }) }) });

function authOf({ subdomain }: Pick<ThinkificPlatform, 'subdomain'>, { key, token }: Credentials): Record<string, string> {
  if (key !== null) return { 'x-auth-api-key': key, 'x-auth-subdomain': subdomain };
  if (token !== null) return { authorization: `Bearer ${token}` };
  throw new TerminalFailure('configuration', 'neither an API key nor an access token is set: write apiKey or accessToken in the tenant file', {
    scope: 'platform',
  });
}
