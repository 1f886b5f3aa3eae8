/** wire: requests and answers of RFC 7644. Judges what concerns every request; what a refusal means is its caller's to say. */
import { type ConnectorDeps, type FailureCode, TerminalFailure, TransientFailure } from '../connector.ts';
import { retryAfterMs } from '../retry-after.ts';

export type Json = Record<string, unknown>;
export const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
const SCIM_JSON = 'application/scim+json';

/** One operation of a PATCH (RFC 7644 §3.5.2). */
export interface PatchOperation {
  op: 'add' | 'replace' | 'remove';
  path: string;
  value?: unknown;
}

export interface Request {
  signal: AbortSignal;
  body?: Json;
  /** The version that was read; undefined where the service has none. */
  version?: string | undefined;
}

/** 2xx and those refusals that may mean something to the caller. */
export interface Reply {
  status: number;
  ok: boolean;
  /** Empty where the answer had no body. */
  body: Json;
  /** One of the RFCs' words, else null. */
  scimType: string | null;
}

export interface Wire {
  /** The platform's id, for messages. */
  name: string;
  /** Throws for what concerns the platform (401, 403, 429, 5xx but 501) and for a 2xx that is no JSON; other refusals are replies. */
  ask(method: string, path: string, request: Request): Promise<Reply>;
  patch(path: string, operations: PatchOperation[], request: Request): Promise<Reply>;
  /** All pages of a search. Null: the service does not search by this. Nothing here trusts it to have filtered. */
  search(endpoint: 'Users' | 'Groups', question: Question, signal: AbortSignal): Promise<Json[] | null>;
  /** What a reply is as a failure, for whoever cannot do with it. */
  refusal(reply: Reply, doing: string): TerminalFailure;
}

export interface Question {
  attribute: string;
  /** Equal to this. */
  value: string;
  /** Further parameters, encoded. */
  more?: string;
}

export interface WireOptions {
  name: string;
  /** Without a slash at the end. */
  url: string;
  token: string;
}

export function createWire({ name, url, token }: WireOptions, { send, now }: ConnectorDeps): Wire {
  const ask: Wire['ask'] = async (method, path, { signal, body, version }) => {
    const headers: Record<string, string> = { accept: `${SCIM_JSON}, application/json`, authorization: `Bearer ${token}` };
    if (body) headers['content-type'] = SCIM_JSON;
    if (version) headers['if-match'] = version;
    const answer = await send({ method, url: url + path, headers, signal, ...(body && { body: JSON.stringify(body) }) });
    const json = parsed(answer.text);
    const ok = answer.status >= 200 && answer.status < 300;
    if (ok && json === null) throw new TransientFailure('nonsense', `${name} answers ${answer.status} with something that is no JSON`, answer);
    const fault = faultOf(answer.status, { name, retryAfterMs: retryAfterMs(answer.headers, now()) });
    if (fault) throw fault;
    return { status: answer.status, ok, body: json ?? {}, scimType: scimTypeOf(json ?? {}) };
  };
  const refusal: Wire['refusal'] = ({ status, scimType }, doing) =>
    new TerminalFailure(codeOf(status), `${name} refuses ${doing}: ${status}${scimType ? ` ${scimType}` : ''}`, { status });
  return {
    name,
    ask,
    refusal,
    patch: (path, Operations, request) => ask('PATCH', path, { ...request, body: { schemas: [PATCH_OP], Operations } }),
    search: (endpoint, question, signal) => searched({ name, ask, refusal }, { endpoint, ...question }, signal),
  };
}

const MOST_PAGES = 20;

async function searched(
  { name, ask, refusal }: Pick<Wire, 'name' | 'ask' | 'refusal'>,
  { endpoint, attribute, value, more = '' }: Question & { endpoint: string },
  signal: AbortSignal,
): Promise<Json[] | null> {
  // A filter's strings are JSON's (RFC 7644 §3.4.2.2), so JSON escapes them.
  const query = `filter=${encodeURIComponent(`${attribute} eq ${JSON.stringify(value)}`)}${more}`;
  const found: Json[] = [];
  for (let page = 0; page < MOST_PAGES; page++) {
    const paging = page === 0 ? '' : `&startIndex=${found.length + 1}&count=100`;
    const reply = await ask('GET', `/${endpoint}?${query}${paging}`, { signal });
    // Against the RFC, but seen: nothing found is a 404. One that is no SCIM error comes from something else at this address.
    if (reply.status === 404 && isScimError(reply.body)) return [];
    if (reply.status === 404 || reply.status === 405) throw endpoint === 'Groups' ? noGroups(name, reply.status) : nobodyThere(name, reply.status);
    if (reply.status === 400 || reply.status === 501) return null;
    if (!reply.ok) throw refusal(reply, `a search by ${attribute}`);
    const { items, total } = listOf(reply.body, name);
    found.push(...items);
    if (items.length === 0 || found.length >= total) return found;
  }
  throw new TerminalFailure('unsupported', `${name} answers a search by ${attribute} with more than ${MOST_PAGES} pages: it does not filter`, {
    scope: 'platform',
  });
}

export const nobodyThere = (name: string, status: number): TerminalFailure =>
  new TerminalFailure('not-found', `${name}: there is no SCIM service at its address (${status})`, { scope: 'platform', status });

const noGroups = (name: string, status: number): TerminalFailure =>
  new TerminalFailure('unsupported', `${name} has no groups (${status}): its "groups" should be "none"`, { status });

function listOf({ Resources, totalResults }: Json, name: string): { items: Json[]; total: number } {
  const items = Resources ?? [];
  if (!Array.isArray(items) || !items.every(isObject) || (Resources === undefined && totalResults === undefined))
    throw new TransientFailure('nonsense', `${name} answers a search with something that is no list`);
  return { items, total: Number(totalResults ?? items.length) || 0 };
}

/** Null: no JSON object. An empty body is an empty object. */
function parsed(text: string): Json | null {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const isScimError = ({ schemas }: Json): boolean => Array.isArray(schemas) && schemas.includes(ERROR);

/** Only these words are repeated: what else stands in an error may hold personal data. */
const SCIM_TYPES = [
  'invalidFilter',
  'tooMany',
  'uniqueness',
  'mutability',
  'invalidSyntax',
  'invalidPath',
  'noTarget',
  'invalidValue',
  'invalidVers',
];
const scimTypeOf = ({ scimType }: Json): string | null => SCIM_TYPES.find((word) => word === scimType) ?? null;

/** A second one of the same name; some say so with 400. */
export const isTaken = ({ status, scimType }: Reply): boolean => status === 409 || (status === 400 && scimType === 'uniqueness');
export const isGone = ({ status }: Reply): boolean => status === 404 || status === 410;
export const cannot = ({ status }: Reply): boolean => status === 405 || status === 501;

function codeOf(status: number): FailureCode {
  if (status === 404 || status === 410) return 'not-found';
  if (status === 409 || status === 412) return 'conflict';
  return status === 405 || status === 501 ? 'unsupported' : 'validation';
}

interface Circumstances {
  name: string;
  retryAfterMs: number | null;
}

/** Null: for the caller to judge. */
function faultOf(status: number, { name, retryAfterMs }: Circumstances): TransientFailure | TerminalFailure | null {
  const platform = { scope: 'platform', status, retryAfterMs } as const;
  if (status === 401) return new TerminalFailure('auth', `${name} does not take the token (401)`, platform);
  if (status === 403) return new TerminalFailure('plan', `${name} does not allow it (403): its plan, its seats or the token's scope`, platform);
  if (status === 429) return new TransientFailure('rate-limited', `${name} asks for fewer requests (429)`, platform);
  if (status === 408) return new TransientFailure('timeout', `${name} waited too long for the request (408)`, { status });
  if (status === 501 || status < 500) return null;
  // 502 to 504, and what proxies say in their place: nobody can be served. Any other may be about this one request.
  const down = (status >= 502 && status <= 504) || (status >= 520 && status <= 530);
  return new TransientFailure('upstream', `${name} answers ${status}`, down ? platform : { status, retryAfterMs });
}

/** `meta.version`, as it goes into If-Match. An ETag header alone is no SCIM version: frameworks add one of the body's. */
export function versionOf({ meta }: Json): string | undefined {
  const version = isObject(meta) ? textOf(meta['version']) : '';
  return /^[\x21-\x7e]+$/.test(version) ? version : undefined;
}
