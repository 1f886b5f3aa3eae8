/** A SCIM client for tests: it sends what it is told, byte for byte where that matters, and adds nothing that it was not told. */
import { Agent, request as httpRequest } from 'node:http';

export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
export const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
export const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
export const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
export const BULK_RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

export interface Element {
  value: string;
  type?: string;
  primary?: boolean;
  display?: string;
  $ref?: string;
}

/** Any body of SCIM; what is not in it is undefined, whatever the type says. */
export interface Body {
  schemas: string[];
  id: string;
  externalId: string;
  userName: string;
  displayName: string;
  active: boolean;
  title: string;
  name: Record<string, string>;
  emails: Element[];
  phoneNumbers: Element[];
  members: Element[];
  groups: Element[];
  roles: Element[];
  meta: { resourceType: string; created: string; lastModified: string; location: string; version: string };
  totalResults: number;
  startIndex: number;
  itemsPerPage: number;
  nextCursor: string;
  previousCursor: string;
  Resources: Body[];
  Operations: { method: string; status: string; location: string; bulkId: string; version: string; response: Body }[];
  status: string;
  scimType: string;
  detail: string;
  [ENTERPRISE]: Record<string, unknown>;
  [attribute: string]: unknown;
}

export interface Answer {
  status: number;
  headers: Record<string, string | undefined>;
  text: string;
  /** Empty where the answer has no body. */
  body: Body;
}

export interface Raw {
  method?: string;
  /** Below the base; what a URL may not hold is encoded. */
  path: string;
  /** Replaces every header of ours but Host and Content-Length. */
  headers?: Record<string, string>;
  /** Text goes out as it is. */
  body?: string | object;
}

export interface ScimClient {
  base: string;
  token: string | null;
  /** With the token and SCIM's content type, unless `headers` say what there is. */
  raw(request: Raw): Promise<Answer>;
  send(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body: object): Promise<Answer>;
  put(path: string, body: object, headers?: Record<string, string>): Promise<Answer>;
  /** The operations in their envelope. */
  patch(path: string, ...operations: object[]): Promise<Answer>;
  delete(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** `GET` by filter; the value is whole, as a person would write it. */
  find(type: 'Users' | 'Groups', filter: string, more?: string): Promise<Answer>;
  /** A client with another token; null = none. */
  as(token: string | null): ScimClient;
}

const JSON_TYPE = 'application/scim+json';
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

export function createClient(base: string, token: string | null): ScimClient {
  const known: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const raw = ({ method = 'GET', path, headers, body }: Raw) =>
    exchange({
      method,
      url: new URL(base + path),
      headers: headers ?? { ...known, accept: JSON_TYPE, ...(body !== undefined && { 'content-type': JSON_TYPE }) },
      body: typeof body === 'object' ? JSON.stringify(body) : body,
    });
  const send = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
    raw({
      method,
      path,
      headers: { ...known, accept: JSON_TYPE, ...(body !== undefined && { 'content-type': JSON_TYPE }), ...headers },
      ...(body !== undefined && { body }),
    });
  return {
    base,
    token,
    raw,
    send,
    get: (path, headers) => send('GET', path, undefined, headers),
    post: (path, body) => send('POST', path, body),
    put: (path, body, headers) => send('PUT', path, body, headers),
    patch: (path, ...Operations) => send('PATCH', path, { schemas: [PATCH_OP], Operations }),
    delete: (path, headers) => send('DELETE', path, undefined, headers),
    find: (type, filter, more = '') => send('GET', `/${type}?filter=${encodeURIComponent(filter)}${more}`),
    as: (other) => createClient(base, other),
  };
}

interface Exchange {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string | undefined;
}

/** Not `fetch`: that adds a User-Agent and refuses a body on GET, and clients do both otherwise. */
function exchange({ method, url, headers, body }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = httpRequest(url, { method, agent, headers: { ...headers, ...length } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const answered = Object.entries(response.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]);
        resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(answered), text, body: parsed(text) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function parsed(text: string): Body {
  try {
    return JSON.parse(text === '' ? '{}' : text) as Body;
  } catch {
    return { unreadable: text } as unknown as Body;
  }
}
