/** Lists of users and groups: GET on a collection and `.search`, by index or by cursor (RFC 7644 §3.4.2, §3.4.3; RFC 9865). */
import { createHash } from 'node:crypto';
import type { Group } from '../core/model.ts';
import type { SearchQuery, Where } from '../core/search.ts';
import { SecretError } from '../lib/secrets.ts';
import { LIMITS } from '../protocols/scim/discovery.ts';
import { ScimError } from '../protocols/scim/error.ts';
import { type Filter, parseFilter } from '../protocols/scim/filter.ts';
import { type ListQuery, readListQuery, readSearchRequest } from '../protocols/scim/list.ts';
import { listResponse } from '../protocols/scim/list-response.ts';
import { type Projection, readProjection } from '../protocols/scim/projection.ts';
import { GROUP_RESOURCE, type ResourceSchema } from '../protocols/scim/schema.ts';
import { compileFilter, compileSort } from '../protocols/scim/where.ts';
import { shownGroup } from './directory-groups.ts';
import type { At, DirectoryAnswer, DirectoryDeps, DirectoryRequest } from './directory-request.ts';
import { shownAll } from './directory-users.ts';

/** Resources of one kind from a place on. */
interface Kind {
  schema: ResourceSchema;
  /** `total` null where it was not asked for. `last` is the id of the last one. */
  read(query: SearchQuery, projection: Projection): Promise<{ resources: Record<string, unknown>[]; total: number | null; last: string | null }>;
}

export async function answerSearch(deps: DirectoryDeps, at: At, request: DirectoryRequest): Promise<DirectoryAnswer> {
  const query = request.method === 'POST' ? readSearchRequest(request.body) : readListQuery(request.query);
  const [place] = request.segments;
  const kinds = place === 'Users' ? [users(deps, at)] : place === 'Groups' ? [groups(deps, at)] : [users(deps, at), groups(deps, at)];
  const body = await search(deps, at, { query, kinds, place: place! });
  return { status: 200, body, headers: {}, changed: null, ignored: [] };
}

const users = (deps: DirectoryDeps, at: At): Kind => ({
  schema: at.users,
  async read(query, projection) {
    const { people, total } = await deps.store.search.users(at.live.tenant.id, query);
    return { resources: await shownAll(deps, at, people, projection), total, last: people.at(-1)?.user.id ?? null };
  },
});

const groups = (deps: DirectoryDeps, at: At): Kind => ({
  schema: GROUP_RESOURCE,
  async read(query, projection) {
    const found = await deps.store.search.groups(at.live.tenant.id, query);
    const resources: Record<string, unknown>[] = [];
    for (const group of found.groups) resources.push(await shownGroup(deps, at, group as Group, projection));
    return { resources, total: found.total, last: found.groups.at(-1)?.id ?? null };
  },
});

interface Search {
  query: ListQuery;
  kinds: Kind[];
  place: string;
}

/** What is asked of one kind. `where` false: nothing of it can match. */
interface Asked {
  kind: Kind;
  where: Where | null | false;
  sort: { attribute: string; descending: boolean } | null;
  projection: Projection;
}

async function search(deps: DirectoryDeps, at: At, { query, kinds, place }: Search): Promise<object> {
  const filter = query.filter === null ? null : parseFilter(query.filter);
  const asked = ask(kinds, query, filter);
  const { page } = query;
  if (page.kind === 'cursor') return byCursor(deps, at, { query, asked, place, page });
  const resources: Record<string, unknown>[] = [];
  let total = 0;
  for (const one of asked) {
    if (one.where === false) continue;
    const offset = Math.max(0, page.startIndex - 1 - total);
    const limit = page.count - resources.length;
    const read = await one.kind.read({ where: one.where, sort: one.sort, from: { offset }, limit, count: true }, one.projection);
    resources.push(...read.resources);
    total += read.total ?? 0;
  }
  return listResponse({ resources, total, startIndex: page.startIndex });
}

/** Over several kinds, a name that only one of them has matches nothing of the others; one that none has is an error. */
function ask(kinds: Kind[], query: ListQuery, filter: Filter | null): Asked[] {
  const failures: ScimError[] = [];
  const asked = kinds.map((kind): Asked => {
    const { schema } = kind;
    const projection = readProjection(query, schema);
    try {
      const sort = query.sortBy === null ? null : { attribute: compileSort(query.sortBy, schema), descending: query.descending };
      return { kind, projection, sort, where: filter && compileFilter(filter, schema) };
    } catch (error) {
      if (!(error instanceof ScimError)) throw error;
      failures.push(error);
      return { kind, projection, sort: null, where: false };
    }
  });
  if (failures.length === kinds.length) throw failures[0];
  return asked;
}

/** Where a cursor goes on: in which kind, and there after an id or, in a sorted list, after so many. */
interface Place {
  kind: number;
  after: string;
  offset: number;
}

async function byCursor(
  deps: DirectoryDeps,
  at: At,
  { query, asked, place, page }: { query: ListQuery; asked: Asked[]; place: string; page: { cursor: string; count: number } },
): Promise<object> {
  const bound = boundTo(at, place, query);
  let from: Place | null = page.cursor === '' ? { kind: 0, after: '', offset: 0 } : openCursor(deps, page.cursor, bound);
  const resources: Record<string, unknown>[] = [];
  while (from && resources.length < page.count) from = await more(asked, from, page.count, resources);
  const nextCursor = from && page.count > 0 ? sealCursor(deps, from, bound) : null;
  return listResponse({ resources, total: null, nextCursor });
}

/** Adds what comes next; where to go on, or null at the end. One more than wanted is read, so that the last page has no successor. */
async function more(asked: Asked[], from: Place, count: number, resources: Record<string, unknown>[]): Promise<Place | null> {
  const one = asked[from.kind];
  if (!one) return null;
  const following = { kind: from.kind + 1, after: '', offset: 0 };
  const left = count - resources.length;
  if (one.where === false) return asked[following.kind] ? following : null;
  const start = one.sort ? { offset: from.offset } : { after: from.after };
  const read = await one.kind.read({ where: one.where, sort: one.sort, from: start, limit: left + 1, count: false }, one.projection);
  const taken = read.resources.slice(0, left);
  resources.push(...taken);
  if (read.resources.length > left) return { kind: from.kind, after: String(taken.at(-1)?.['id'] ?? from.after), offset: from.offset + taken.length };
  return asked[following.kind] ? following : null;
}

const CURSOR = 'scim-cursor';

/** A cursor belongs to one tenant, endpoint and query; another page size or projection is another look at the same list. */
const boundTo = (at: At, place: string, { filter, sortBy, descending }: ListQuery): string =>
  createHash('sha256')
    .update(JSON.stringify([at.live.tenant.id, place, filter, sortBy, descending]))
    .digest('base64url');

const sealCursor = ({ vault, now }: DirectoryDeps, from: Place, bound: string): string =>
  vault.seal(JSON.stringify([from.kind, from.after, from.offset, bound, now().getTime() + LIMITS.cursorSeconds * 1000]), CURSOR);

function openCursor({ vault, now }: DirectoryDeps, cursor: string, bound: string): Place {
  const invalid = new ScimError(400, 'invalidCursor', 'cursor: not one of this list');
  let opened: unknown[];
  try {
    opened = JSON.parse(vault.open(cursor, CURSOR)) as unknown[];
  } catch (error) {
    if (error instanceof SecretError) throw invalid;
    throw error;
  }
  const [kind, after, offset, belongsTo, until] = opened as [number, string, number, string, number];
  if (belongsTo !== bound) throw invalid;
  if (until <= now().getTime()) throw new ScimError(400, 'expiredCursor', `cursor: older than ${LIMITS.cursorSeconds} seconds`);
  return { kind, after, offset };
}
