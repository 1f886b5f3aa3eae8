/**
 * The one way out of the house for addresses that an administrator or a provider named: discovery, keys, tokens, metadata, webhooks.
 * https only, public addresses and an operator's own networks only (checked again at the moment of connecting, so a name cannot change its mind), no redirects, no
 * compression, a limit on size and one hard deadline around everything. Knows nothing of the product; anyone but core may use it.
 */
import { lookup as dnsLookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { addressKind, isLoopbackHost } from './address.ts';
import { inNetworks } from './networks.ts';

/** Why a call out was refused or failed. `address`, `scheme` and `url` are refused before any byte is sent. */
export type FetchFailure =
  | 'url' // no URL, or one with user info
  | 'scheme' // neither https nor http on an allowed loopback
  | 'address' // leads to a place that is not public
  | 'network' // name, connection or TLS
  | 'deadline'
  | 'redirect'
  | 'size'
  | 'encoding' // compressed, or no UTF-8
  | 'content-type'
  | 'status';

/** An expected failure of a call out. The message holds the origin, never the path or query, which may carry secrets. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
  readonly failure: FetchFailure;
  constructor(failure: FetchFailure, message: string, options?: { cause?: unknown }) {
    super(`${failure}: ${message}`, options);
    this.failure = failure;
  }
}

export interface GuardedInit {
  method?: string;
  headers?: Record<string, string> | Headers;
  /** A string, form parameters or bytes; streams are refused. */
  body?: unknown;
  signal?: AbortSignal;
  /** Media types, lower case, that a 2xx answer may have. Left out: any. */
  contentTypes?: readonly string[];
  /** Bytes; instead of the limit given at creation. */
  maxBytes?: number;
}

/**
 * Answers with the whole body already read. 3xx answers are `FetchError('redirect')`; other statuses are the caller's to judge.
 * @throws FetchError
 */
export type GuardedFetch = (url: string, init?: GuardedInit) => Promise<Response>;

export interface GuardOptions {
  /** http, and addresses of this machine, are allowed when the URL names `localhost` or a loopback address. Demo and tests only. */
  loopback: boolean;
  /** Largest body in bytes; 512 kB unless told. */
  maxBytes?: number;
  /** Milliseconds from the call to the last byte; 5,000 unless told. */
  deadlineMs?: number;
  /** Networks (CIDR) that may be called although they are not public; loopback and metadata services among them still may not. None unless told. */
  networks?: readonly string[];
}

/** Make one per process and policy: it holds the pool of connections. */
export function createGuardedFetch(options: GuardOptions): GuardedFetch {
  const deadlineMs = options.deadlineMs ?? 5_000;
  const allowed = addressRule(options);
  const agent = new Agent({ connect: { lookup: guardedLookup(allowed), timeout: deadlineMs }, keepAliveTimeout: 4_000, maxHeaderSize: 16_384 });
  return async (address, init = {}) => {
    const url = checkUrl(address, options.loopback);
    const host = bare(url.hostname);
    if (isIP(host) && !allowed(host, url.hostname)) throw new FetchError('address', `${url.origin} is not a public address`);
    const deadline = AbortSignal.timeout(deadlineMs);
    const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
    try {
      signal.throwIfAborted();
      const answer = await race(send(agent, url, { ...init, signal }), signal);
      return await race(read(answer, url, { ...init, maxBytes: init.maxBytes ?? options.maxBytes ?? 512 * 1024 }), signal);
    } catch (error) {
      throw failureOf(error, url, signal);
    }
  };
}

/** The text of one 200 answer, strictly UTF-8. @throws FetchError */
export async function fetchText(
  fetch: GuardedFetch,
  url: string,
  init: Pick<GuardedInit, 'maxBytes' | 'contentTypes' | 'headers'> = {},
): Promise<string> {
  const response = await fetch(url, init);
  if (response.status !== 200) throw new FetchError('status', `${new URL(url).origin} answered ${response.status}`);
  return decodeUtf8(new Uint8Array(await response.arrayBuffer()));
}

/** Strict, so that no two readers can see different text in the same bytes. @throws FetchError */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FetchError('encoding', 'the answer is not UTF-8');
  }
}

function checkUrl(address: string, loopback: boolean): URL {
  if (!URL.canParse(address)) throw new FetchError('url', 'not an absolute URL');
  const url = new URL(address);
  if (url.username || url.password) throw new FetchError('url', 'user info is not allowed in a URL');
  if (url.protocol === 'https:' || (url.protocol === 'http:' && loopback && isLoopbackHost(url.hostname))) return url;
  throw new FetchError('scheme', `only https is allowed, not ${url.protocol}//`);
}

/** Which addresses may be connected to, for the host that the URL names. Asked for literal addresses, and for what a name resolves to. */
export function addressRule({ loopback, networks = [] }: Pick<GuardOptions, 'loopback' | 'networks'>): (ip: string, hostname: string) => boolean {
  const isListed = inNetworks(networks);
  return (ip, hostname) => {
    const kind = addressKind(ip);
    return kind === 'loopback' ? loopback && isLoopbackHost(hostname) : kind === 'public' || isListed(ip);
  };
}

type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

const bare = (hostname: string) => hostname.replace(/^\[|\]$/g, '');

/**
 * The look-up that each new connection makes itself, so that what was judged is what is connected to. Refuses the name
 * if any of its addresses is refused: a mixed answer is not an honest one.
 */
export function guardedLookup(allowed: (ip: string, hostname: string) => boolean, resolve: Resolve = dnsLookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const first = addresses[0];
      if (!first || addresses.some(({ address }) => !allowed(address, hostname)))
        return callback(new FetchError('address', `${hostname} resolves to an address that is not public`), '', 0);
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

async function send(agent: Agent, url: URL, init: GuardedInit & { signal: AbortSignal }): Promise<Dispatcher.ResponseData> {
  const headers = Object.fromEntries(new Headers(init.headers).entries());
  headers['accept-encoding'] = 'identity';
  const method = (init.method ?? 'GET') as Dispatcher.HttpMethod;
  return request(url, { dispatcher: agent, method, headers, body: wireBody(init.body), signal: init.signal });
}

function wireBody(body: unknown): string | Buffer | null {
  if (body === undefined || body === null) return null;
  if (typeof body === 'string') return body;
  if (body instanceof URLSearchParams) return body.toString();
  if (body instanceof Uint8Array) return Buffer.from(body);
  throw new TypeError('a guarded fetch sends strings, form parameters and bytes only');
}

async function read(answer: Dispatcher.ResponseData, url: URL, init: GuardedInit & { maxBytes: number }): Promise<Response> {
  try {
    checkHead(answer, url, init);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > init.maxBytes) throw tooLarge(url, init.maxBytes);
      chunks.push(chunk);
    }
    const body = [204, 205, 304].includes(answer.statusCode) ? null : Buffer.concat(chunks);
    return new Response(body, { status: answer.statusCode, headers: flatHeaders(answer.headers) });
  } catch (error) {
    answer.body.on('error', () => {}).destroy();
    throw error;
  }
}

const tooLarge = (url: URL, max: number) => new FetchError('size', `${url.origin} answered with more than ${max} bytes`);

function checkHead({ statusCode, headers }: Dispatcher.ResponseData, url: URL, { contentTypes, maxBytes }: GuardedInit & { maxBytes: number }): void {
  if (statusCode >= 300 && statusCode < 400 && statusCode !== 304) throw new FetchError('redirect', `${url.origin} answered with a redirect`);
  const encoding = headerOf(headers, 'content-encoding');
  if (encoding !== '' && encoding !== 'identity') throw new FetchError('encoding', `${url.origin} answered with a compressed body`);
  if (Number(headerOf(headers, 'content-length')) > maxBytes) throw tooLarge(url, maxBytes);
  const type = headerOf(headers, 'content-type').split(';')[0]!.trim();
  if (contentTypes && statusCode >= 200 && statusCode < 300 && !contentTypes.includes(type))
    throw new FetchError('content-type', `${url.origin} answered with ${type.slice(0, 80) || 'no content type'}`);
}

const headerOf = (headers: Dispatcher.ResponseData['headers'], name: string): string => {
  const value = headers[name] ?? '';
  return (Array.isArray(value) ? value.join(',') : value).trim().toLowerCase();
};

function flatHeaders(headers: Dispatcher.ResponseData['headers']): Headers {
  const flat = new Headers();
  for (const [name, value] of Object.entries(headers)) for (const one of [value ?? []].flat()) flat.append(name, one);
  return flat;
}

/** Ends with the signal even where what is waited for (a name server, say) does not listen to it. */
function race<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function failureOf(error: unknown, url: URL, signal: AbortSignal): unknown {
  if (error instanceof FetchError || (error instanceof TypeError && /guarded fetch/.test(error.message))) return error;
  if (error instanceof Error && error.cause instanceof FetchError) return error.cause;
  if (signal.aborted) return new FetchError('deadline', `${url.origin} did not answer in time`, { cause: error });
  const { code } = error as { code?: unknown };
  return new FetchError('network', `${url.origin} could not be reached${typeof code === 'string' ? ` (${code})` : ''}`, { cause: error });
}
