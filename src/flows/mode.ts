/** mode: an operator moves a tenant between `manual`, `jit` and `scim` (DESIGN §4). What waits is only the switch itself: nobody's enrolments move by it. */
import type { Mode, UserState } from '../core/model.ts';
import { Refusal } from '../core/refusal.ts';
import { searchValues } from '../protocols/scim/searchable.ts';
import { Conflict } from '../store/database.ts';
import type { Store } from '../store/store.ts';
import type { LiveTenant, Tenants } from './tenants.ts';
import { createToken, listTokens, type NewToken, type TokenDeps } from './tokens.ts';

export interface ModeDeps extends TokenDeps {
  store: Pick<Store, 'tenants' | 'keys' | 'people' | 'search'>;
  tenants: Pick<Tenants, 'get' | 'refresh'>;
}

export interface ModeChanged {
  from: Mode;
  to: Mode;
  tokensRevoked: number;
  /** A directory's first token, shown here and never again; null where it has one. */
  token: NewToken | null;
}

/** Throws `Refusal` `mode-conflict` where this mode does not follow that one, or something is missing that it needs. */
export async function changeMode(deps: ModeDeps, request: { tenantId: string; mode: Mode; actor: string }): Promise<ModeChanged> {
  const { tenantId, mode, actor } = request;
  const live = deps.tenants.get(tenantId);
  if (!live) throw new Refusal('tenant-unknown', 'mode/tenant');
  const living = (await listTokens(deps, tenantId)).filter(({ state }) => state === 'live' || state === 'expires-soon').length;
  if (live.mode === mode) return { from: mode, to: mode, tokensRevoked: 0, token: null };
  refuseForbidden(live, mode);
  if (mode === 'scim') await indexEverybody(deps, tenantId);
  await write(deps, live, { mode, actor });
  await deps.tenants.refresh();
  const token = mode === 'scim' && living === 0 ? await createToken(deps, { tenantId, name: 'first', expiresAt: null, actor }) : null;
  return { from: live.mode, to: mode, tokensRevoked: live.mode === 'scim' ? living : 0, token };
}

function refuseForbidden({ tenant, mode: from }: LiveTenant, to: Mode): void {
  const refuse = (check: string, why: string) => new Refusal('mode-conflict', check, why);
  if (from === 'scim' && to === 'jit') throw refuse('mode/jit-while-scim', 'Cannot enable JIT provisioning while SCIM is active');
  if (to !== 'scim') return;
  if (!tenant.connections.some((c) => c.enabled)) throw refuse('mode/enabled-connection', 'SCIM needs a connection that is enabled');
  if (tenant.domains.length === 0) throw refuse('mode/verified-domain', 'SCIM needs a domain of the organisation');
}

/** Leaving `scim` ends every token in the same transaction. */
async function write(deps: ModeDeps, { tenant, mode: from, revision }: LiveTenant, { mode, actor }: { mode: Mode; actor: string }): Promise<void> {
  const now = deps.now();
  const entry = {
    id: deps.newId(),
    tenantId: tenant.id,
    at: now,
    actor,
    cause: 'mode',
    action: null,
    resourceType: 'Tenant',
    resourceId: tenant.id,
    outcome: 'SUCCESS' as const,
    code: mode,
    reference: null,
    mappingVersion: tenant.mapping.version,
    detail: { from, to: mode },
  };
  try {
    await deps.store.tenants.setMode({ id: tenant.id, expectRevision: revision, mode, revokeTokens: from === 'scim', now }, entry);
  } catch (error) {
    if (error instanceof Conflict) throw new Refusal('mode-conflict', 'mode/raced', 'somebody else has just changed this tenant; look again');
    throw error;
  }
}

const PAGE = 200;

/**
 * A directory must find everybody by any value. People from before there was an index have none in it, or only those that moved since, which looks
 * the same as having all: so everybody's are written, page by page. Whom somebody changes meanwhile is done again.
 */
async function indexEverybody({ store }: ModeDeps, tenantId: string): Promise<void> {
  for (let after: string | null = null; ; ) {
    const page: { states: UserState[]; next: string | null } = await store.people.states(tenantId, { after, limit: PAGE });
    for (let people = page.states; people.length > 0; ) {
      await store.search.index(
        tenantId,
        people.map((person) => ({ userId: person.user.id, values: searchValues(person) })),
      );
      const known = new Map(people.map(({ user }) => [user.id, user.version]));
      people = (await store.people.many(tenantId, [...known.keys()])).filter(({ user }) => user.version !== known.get(user.id));
    }
    if (page.next === null) return;
    after = page.next;
  }
}
