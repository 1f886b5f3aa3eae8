/** One user of the directory: read, create, adopt, replace, patch, delete. Each write is the intent `resource`. */
import { restoreKeyOf } from '../core/fold.ts';
import type { DirectoryStatement, Intent } from '../core/intent.ts';
import type { Person, UserState } from '../core/model.ts';
import { foldKey, legible } from '../core/profile.ts';
import { currentDraft, readUser, type UserDraft } from '../protocols/scim/draft.ts';
import { ScimError } from '../protocols/scim/error.ts';
import { parseFilter } from '../protocols/scim/filter.ts';
import { readPatch } from '../protocols/scim/patch.ts';
import { patchUser } from '../protocols/scim/patch-user.ts';
import { type Projection, project, readProjection } from '../protocols/scim/projection.ts';
import { etagOf, toUser, versionsIn } from '../protocols/scim/resource.ts';
import { ENTERPRISE } from '../protocols/scim/schema.ts';
import { statementOf } from '../protocols/scim/statement.ts';
import { compileFilter } from '../protocols/scim/where.ts';
import { type At, actionOf, askerOf, type DirectoryAnswer, type DirectoryDeps, type DirectoryRequest, record } from './directory-request.ts';
import { type Provisioned, provision } from './provision.ts';

export async function answerUser(deps: DirectoryDeps, at: At, request: DirectoryRequest): Promise<DirectoryAnswer> {
  const projection = readProjection(request.query, at.users);
  const id = request.segments[1];
  switch (request.method) {
    case 'GET':
      return readOne(deps, at, { id: id!, projection, ifNoneMatch: request.ifNoneMatch });
    case 'POST':
      return create(deps, at, request, projection);
    case 'DELETE':
      return remove(deps, at, request);
    default:
      return revise(deps, at, request, projection);
  }
}

async function readOne(
  deps: DirectoryDeps,
  at: At,
  { id, projection, ifNoneMatch }: { id: string; projection: Projection; ifNoneMatch: string | undefined },
): Promise<DirectoryAnswer> {
  const state = await deps.store.people.state(at.live.tenant.id, id);
  // Whom the directory deleted is gone to it, also while the deletion is held.
  if (!state || state.user.status === 'deleted' || state.user.restoreKey !== null) throw new ScimError(404, null, 'Resource not found');
  const known = versionsIn(ifNoneMatch);
  const ETag = etagOf(state.user.version);
  if (known === '*' || known?.includes(state.user.version)) return { status: 304, body: null, headers: { ETag }, changed: null, ignored: [] };
  return { status: 200, body: await shown(deps, at, state, projection), headers: { ETag }, changed: null, ignored: [] };
}

async function create(deps: DirectoryDeps, at: At, request: DirectoryRequest, projection: Projection): Promise<DirectoryAnswer> {
  const { draft, ignored } = readUser(request.body, at.users);
  const said = say(at, draft);
  const { userName, email } = said.profile;
  const keys = { userNameKey: foldKey(userName), externalId: said.externalId };
  const done = await provision(deps, {
    ...askerOf(at),
    intent: { kind: 'resource', write: 'create', ifVersion: null, revise: () => say(at, draft) },
    lookup: { by: 'resource', ...keys, emailKey: email === '' ? null : foldKey(email), restoreKeys: [restoreKeyOf(keys)] },
    action: 'CREATE',
    noted: () => leftOut(ignored),
  });
  return written(deps, at, { done, status: 201, projection, ignored });
}

async function revise(deps: DirectoryDeps, at: At, request: DirectoryRequest, projection: Projection): Promise<DirectoryAnswer> {
  const left: { ignored: string[] } = { ignored: [] };
  const next = request.method === 'PUT' ? replacement(at, request.body) : patched(at, request.body);
  const done = await provision(deps, {
    ...onUser(at, request),
    noted: () => leftOut(left.ignored),
    intent: {
      kind: 'resource',
      write: 'update',
      ifVersion: expected(request.ifMatch),
      revise: (current) => {
        const { draft, ignored } = next(current!);
        left.ignored = ignored;
        return say(at, draft);
      },
    },
  });
  return written(deps, at, { done, status: 200, projection, ignored: [...left.ignored, ...overruled(done)] });
}

type Next = (current: UserState) => { draft: UserDraft; ignored: string[] };

/** A replacement that says nothing of `active` disables nobody (RFC 7644 §3.5.1 leaves it to the server). */
function replacement(at: At, body: unknown): Next {
  const { draft, ignored } = readUser(body, at.users);
  return (current) => ({ draft: draft['active'] === undefined ? { ...draft, active: currentDraft(current)['active'] } : draft, ignored });
}

/** The message is read before anybody is looked for. */
function patched(at: At, body: unknown): Next {
  const operations = readPatch(body);
  return (current) => patchUser(currentDraft(current), operations, at.users);
}

/** Who was suspended by hand stays so; a directory that says otherwise must not believe that it was heard. */
function overruled({ after }: Provisioned): string[] {
  const said = after.identities.find((i) => i.source === 'directory')?.facts?.active;
  return said === true && after.user.barredAt !== null ? ['active: suspended by hand here, which only an operator undoes'] : [];
}

async function remove(deps: DirectoryDeps, at: At, request: DirectoryRequest): Promise<DirectoryAnswer> {
  const target = onUser(at, request);
  const state = await deps.store.people.state(at.live.tenant.id, target.lookup.userId);
  if (state && state.user.status !== 'deleted') await forgetManager(deps, at, state.user.id);
  const adopt = (current: UserState) => say(at, currentDraft(current));
  await provision(deps, { ...target, intent: { kind: 'resource', write: 'delete', ifVersion: expected(request.ifMatch), adopt } });
  return { status: 204, body: null, headers: {}, changed: true, ignored: [] };
}

const REPORTS = 100;

/** References to a user go before the user does: a request that is cut off is made again, and goes on from here. */
async function forgetManager(deps: DirectoryDeps, at: At, managerId: string): Promise<void> {
  const where = compileFilter(parseFilter(`${ENTERPRISE}:manager.value eq ${JSON.stringify(managerId)}`), at.users);
  const operations = readPatch({ Operations: [{ op: 'remove', path: `${ENTERPRISE}:manager` }] });
  for (let after = ''; ; ) {
    const { people } = await deps.store.search.users(at.live.tenant.id, { where, sort: null, from: { after }, limit: REPORTS, count: false });
    for (const { user } of people) {
      const intent: Intent = {
        kind: 'resource',
        write: 'update',
        ifVersion: null,
        revise: (current) => say(at, patchUser(currentDraft(current!), operations, at.users).draft),
      };
      await provision(deps, { ...onUser(at, { method: 'PATCH', segments: ['Users', user.id] }), intent });
    }
    if (people.length < REPORTS) return;
    after = people.at(-1)!.user.id;
  }
}

const onUser = (at: At, { method, segments }: Pick<DirectoryRequest, 'method' | 'segments'>) => ({
  ...askerOf(at),
  lookup: { by: 'user' as const, userId: segments[1]! },
  action: actionOf(method),
});

/** What the directory says, in the core's words. */
export const say = (at: At, draft: UserDraft): DirectoryStatement => statementOf(draft, at.users, at.live.tenant.scim.fields);

/** `*` asks only that there is a resource, and there must be one anyway. */
export function expected(ifMatch: string | undefined): number[] | null {
  const versions = versionsIn(ifMatch);
  return versions === '*' ? null : versions;
}

async function written(
  deps: DirectoryDeps,
  at: At,
  { done, status, projection, ignored }: { done: Provisioned; status: number; projection: Projection; ignored: string[] },
): Promise<DirectoryAnswer> {
  const { plan, after } = done;
  const changed = plan.changes.length > 0;
  // A plan has its own line, which says what was left out.
  if (!changed)
    await record(deps, at, {
      method: status === 201 ? 'POST' : 'PATCH',
      resourceType: 'User',
      resourceId: after.user.id,
      outcome: 'SKIPPED',
      code: 'unchanged',
      detail: leftOut(ignored),
    });
  return {
    status,
    body: await shown(deps, at, after, projection),
    headers: { ETag: etagOf(after.user.version), ...(status === 201 && { Location: `${at.base}/Users/${after.user.id}` }) },
    changed,
    ignored,
  };
}

const leftOut = (ignored: string[]): Record<string, unknown> => (ignored.length > 0 ? { ignored: ignored.slice(0, 20).map(legible) } : {});

async function shown(deps: DirectoryDeps, at: At, person: Person, projection: Projection): Promise<object> {
  return (await shownAll(deps, at, [person], projection))[0]!;
}

/** Names of managers are read for all at once. */
export async function shownAll(deps: DirectoryDeps, at: At, people: Person[], projection: Projection): Promise<Record<string, unknown>[]> {
  const managers = [...new Set(people.flatMap(managerOf))];
  const names = managers.length === 0 ? new Map<string, string>() : await deps.store.people.names(at.live.tenant.id, managers);
  const context = { base: at.base, schema: at.users, nameOf: (id: string) => names.get(id) };
  return people.map((person) => project(toUser(person, context), projection));
}

function managerOf({ identities }: Person): string[] {
  const said = identities.find((i) => i.source === 'directory')?.facts?.resource?.[ENTERPRISE] as { manager?: { value?: unknown } } | undefined;
  return typeof said?.manager?.value === 'string' ? [said.manager.value] : [];
}
