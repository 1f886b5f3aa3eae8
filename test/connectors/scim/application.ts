/**
 * Somebody else's SCIM application for tests: plain HTTP on loopback, written from the RFCs and from what applications are known to do differently,
 * and sharing nothing with our code. What it does is set by its quirks; what it was asked is there to be looked at.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { matcher, patched, Refused, same } from './application-words.ts';

export interface Element {
  value: string;
  display?: string;
  [key: string]: unknown;
}

/** Any resource; what is not in it is undefined, whatever the type says. */
export interface Resource {
  id: string;
  userName: string;
  displayName: string;
  externalId: string;
  active: unknown;
  name: Record<string, string>;
  emails: Element[];
  members: Element[];
  groups: Element[];
  roles: Element[];
  meta: Record<string, string>;
  [attribute: string]: unknown;
}

export type Written = Partial<Resource>;

export interface Operation {
  op: string;
  path: string;
  value: unknown;
}
interface Body extends Written {
  Operations: Operation[];
}

export interface Quirks {
  /** False: 501. */
  patch: boolean;
  /** Attributes that a filter may name; others are 400. `ignored`: every filter is taken for none. */
  filters: string[] | 'ignored';
  /** An empty list has no `Resources`. */
  leavesOutEmpty: boolean;
  /** Nothing found is a 404. */
  notFoundAs404: boolean;
  /** `meta.version`, and If-Match is held to. */
  versions: boolean;
  /** Top-level attributes that a user may have; any other is 400. */
  allowed: string[] | null;
  /** `active` is "True" or "False", and nothing else is taken. */
  textBooleans: boolean;
  /** Names are kept in lower case. */
  lowers: boolean;
  /** The types of e-mails are not kept. */
  dropsTypes: boolean;
  /** How a user names its groups. */
  userGroups: 'named' | 'ids' | 'empty' | 'absent';
  /** False: 404 with a page. */
  groups: boolean;
  /** No group may have another's name: 409. */
  uniqueGroups: boolean;
  /** Most resources of one page. */
  page: number;
}

const USUAL: Quirks = {
  patch: true,
  filters: ['userName', 'externalId', 'displayName', 'emails.value', 'members.value'],
  leavesOutEmpty: false,
  notFoundAs404: false,
  versions: false,
  allowed: null,
  textBooleans: false,
  lowers: false,
  dropsTypes: false,
  userGroups: 'named',
  groups: true,
  uniqueGroups: false,
  page: 100,
};

export interface Asked {
  method: string;
  /** Without the base and the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Body;
}

export interface Trouble {
  status: number;
  body?: string;
  headers?: Record<string, string>;
  /** Only these: `PATCH /Groups`. */
  on?: string;
  times?: number;
}

export interface Application {
  url: string;
  quirks: Quirks;
  users: Map<string, Resource>;
  groups: Map<string, Resource>;
  asked: Asked[];
  /** `PATCH /Users/u1`, in order. */
  calls(): string[];
  /** The next request is answered so instead. */
  trouble(trouble: Trouble): void;
  /** What happens just before a request of this kind is served, once: what somebody else did in between. */
  before(on: string, happening: () => void): void;
  user(attributes: Written): Resource;
  group(displayName: string, ...members: string[]): Resource;
  membersOf(displayName: string): string[];
  close(): Promise<void>;
}

export const TOKEN = 'application-token-0123456789';

export async function startApplication(over: Partial<Quirks> = {}): Promise<Application> {
  let count = 0;
  const state: State = { quirks: { ...USUAL, ...over }, users: new Map(), groups: new Map(), next: () => ++count };
  const asked: Asked[] = [];
  const troubles: Required<Trouble>[] = [];
  const happenings: { on: string; happening: () => void }[] = [];
  const server = createServer((request, response) => {
    void receive(request).then((one) => {
      asked.push(one);
      const kind = `${one.method} ${one.path}`;
      const soon = happenings.findIndex(({ on }) => kind.startsWith(on));
      if (soon >= 0) happenings.splice(soon, 1)[0]!.happening();
      const trouble = troubles.find(({ on, times }) => times > 0 && kind.startsWith(on));
      if (trouble) {
        trouble.times--;
        response.writeHead(trouble.status, { 'content-type': 'text/html', ...trouble.headers }).end(trouble.body);
      } else answer(response, state, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const idOfGroup = (name: string) => [...state.groups.values()].find(({ displayName }) => displayName.toLowerCase() === name.toLowerCase());
  return {
    quirks: state.quirks,
    users: state.users,
    groups: state.groups,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/scim/v2`,
    asked,
    calls: () => asked.map(({ method, path }) => `${method} ${path}`),
    trouble: (trouble) => void troubles.push({ body: '<html>Sorry</html>', headers: {}, on: '', times: 1, ...trouble }),
    before: (on, happening) => void happenings.push({ on, happening }),
    user: (attributes) => store(state, state.users, attributes),
    group: (displayName, ...members) => store(state, state.groups, { displayName, members: members.map((value) => ({ value })) }),
    membersOf: (name) => (idOfGroup(name)?.members ?? []).map(({ value }) => value),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface State {
  quirks: Quirks;
  users: Map<string, Resource>;
  groups: Map<string, Resource>;
  /** 1, 2, … */
  next(): number;
}

async function receive(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const url = new URL(request.url!, 'http://x');
  const path = url.pathname.replace('/scim/v2', '');
  return {
    method: request.method!,
    path,
    query: url.searchParams,
    headers: request.headers,
    body: text === '' ? (null as unknown as Body) : (JSON.parse(text) as Body),
  };
}

function answer(response: ServerResponse, state: State, asked: Asked): void {
  const write = (status: number, body?: object) =>
    response.writeHead(status, { 'content-type': 'application/scim+json' }).end(body === undefined ? undefined : JSON.stringify(body));
  try {
    if (asked.headers.authorization !== `Bearer ${TOKEN}`) throw new Refused(401);
    if (asked.body !== null && asked.headers['content-type'] !== 'application/scim+json') throw new Refused(415);
    const [, endpoint, id] = asked.path.split('/').map(decodeURIComponent);
    if (endpoint === 'ServiceProviderConfig') return void write(200, { patch: { supported: state.quirks.patch }, filter: { supported: true } });
    const all = endpoint === 'Users' ? state.users : endpoint === 'Groups' && state.quirks.groups ? state.groups : null;
    if (!all) return void response.writeHead(404, { 'content-type': 'text/html' }).end('<html>no such page</html>');
    if (id === undefined) {
      if (asked.method !== 'POST') return void write(200, list(state, all, asked.query));
      check(state, all, asked.body);
      return void write(201, shown(state, store(state, all, asked.body)));
    }
    const there = all.get(id);
    if (!there) throw new Refused(404);
    const result = single(state, { all, there, asked });
    write(result === null ? 204 : 200, result ?? undefined);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { status, scimType } = error;
    // The detail holds what a client must not repeat.
    const detail = `refused: ${JSON.stringify(asked.body)}`;
    write(status, { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status), scimType, detail });
  }
}

interface Single {
  all: Map<string, Resource>;
  there: Resource;
  asked: Asked;
}

/** Null: nothing to show. */
function single(state: State, { all, there, asked }: Single): Written | null {
  const { quirks } = state;
  if (asked.method === 'GET') return shown(state, there);
  if (quirks.versions && asked.headers['if-match'] !== undefined && asked.headers['if-match'] !== there.meta['version']) throw new Refused(412);
  if (asked.method === 'DELETE') {
    all.delete(there.id);
    return null;
  }
  if (asked.method === 'PATCH' && !quirks.patch) throw new Refused(501);
  const next = asked.method === 'PUT' ? structuredClone(asked.body as Written) : patched(structuredClone(there), asked.body.Operations);
  check(state, all, { ...next, id: there.id });
  const stored = { ...kept(quirks, next), id: there.id, meta: { ...there.meta, version: `W/"${state.next()}"` } } as Resource;
  all.set(there.id, stored);
  return shown(state, stored);
}

function check({ quirks, users, groups }: State, all: Map<string, Resource>, next: Written): void {
  if (all === groups) {
    if (next.members?.some(({ value }) => !users.has(value))) throw new Refused(400, 'invalidValue');
    const taken = [...groups.values()].some(({ id, displayName }) => id !== next.id && same(displayName, next.displayName ?? ''));
    if (quirks.uniqueGroups && taken) throw new Refused(409, 'uniqueness');
    return;
  }
  const { userName = '', active } = next;
  const allowed = quirks.allowed && new Set([...quirks.allowed, 'schemas', 'id', 'meta']);
  if (userName === '' || (allowed && Object.keys(next).some((key) => !allowed.has(key)))) throw new Refused(400, 'invalidValue');
  const isBoolean = quirks.textBooleans ? active === 'True' || active === 'False' : typeof active === 'boolean';
  if (active !== undefined && !isBoolean) throw new Refused(400, 'invalidValue');
  if ([...users.values()].some((other) => other.id !== next.id && same(other.userName, userName))) throw new Refused(409, 'uniqueness');
}

function store(state: State, all: Map<string, Resource>, body: Written): Resource {
  const number = state.next();
  const id = `${all === state.users ? 'u' : 'g'}${number}`;
  const created = new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString();
  const stored = { ...kept(state.quirks, body), id, meta: { created, version: `W/"${number}"` } } as Resource;
  all.set(id, stored);
  return stored;
}

function kept(quirks: Quirks, body: Written): Written {
  const next = structuredClone(body);
  if (quirks.lowers && next.userName) next.userName = next.userName.toLowerCase();
  if (quirks.lowers && next.displayName) next.displayName = next.displayName.toLowerCase();
  if (quirks.dropsTypes && next.emails) next.emails = next.emails.map(({ value }) => ({ value }));
  return next;
}

function shown({ quirks, groups, users }: State, resource: Resource): Written {
  const { version, ...meta } = resource.meta;
  const mine = [...groups.values()].filter(({ members }) => members?.some(({ value }) => value === resource.id));
  const named = mine.map(({ id, displayName }) => ({ value: id, ...(quirks.userGroups === 'named' && { display: displayName }) }));
  const listed = quirks.userGroups === 'empty' ? [] : named;
  const says = users.has(resource.id) && quirks.userGroups !== 'absent' && (listed.length > 0 || quirks.userGroups === 'empty');
  return { ...resource, ...(says && { groups: listed }), meta: { ...meta, ...(quirks.versions && { version: version! }) } };
}

function list(state: State, all: Map<string, Resource>, query: URLSearchParams): object {
  const { quirks } = state;
  const filter = query.get('filter');
  const found = [...all.values()].filter(filter === null || quirks.filters === 'ignored' ? () => true : matcher(filter, quirks.filters));
  if (found.length === 0 && quirks.notFoundAs404) throw new Refused(404);
  const start = Number(query.get('startIndex') ?? '1');
  const page = found.slice(start - 1, start - 1 + Math.min(quirks.page, Number(query.get('count') ?? quirks.page)));
  const Resources = page.map((one) => {
    const { members, ...rest } = shown(state, one);
    return query.get('excludedAttributes') === 'members' || members === undefined ? rest : { ...rest, members };
  });
  const head = { schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'], totalResults: found.length, startIndex: start };
  return Resources.length === 0 && quirks.leavesOutEmpty ? head : { ...head, itemsPerPage: Resources.length, Resources };
}
