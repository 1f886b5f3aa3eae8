/** tokens: how a directory proves itself. One tenant's each; shown once, kept as keyed hash; two live while one is rotated out. */
import { Refusal } from '../core/refusal.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { ApiKeyRow } from '../store/keys.ts';
import { type AdminDeps, liveKey, makeKey } from './admin.ts';

export type TokenDeps = AdminDeps;

/** The token itself is returned once, here, and nowhere else. */
export interface NewToken {
  id: string;
  token: string;
  prefix: string;
}

export interface TokenInfo {
  id: string;
  name: string;
  prefix: string;
  state: 'live' | 'expires-soon' | 'expired' | 'revoked';
  createdAt: Date;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
}

const DAY = 86_400_000;
/** How long the old token of a rotation goes on. */
export const ROTATION_MS = DAY;
const SOON_MS = 30 * DAY;

interface Asked {
  tenantId: string;
  actor: string;
}

/** Throws `Refusal` where it would have ended before it began. */
export async function createToken(deps: TokenDeps, request: Asked & { name: string; expiresAt: Date | null }): Promise<NewToken> {
  refusePast(deps, request.expiresAt);
  const { row, token } = fresh(deps, request);
  await deps.store.keys.create(row, entry(deps, request, row, 'created'));
  return { id: row.id, token, prefix: row.prefix };
}

/**
 * A new token beside the old one, which ends within 24 hours. Where no end is asked for, the new one lasts as long as the old one was to:
 * a rotation makes no token everlasting. Throws `Refusal` `not-found`, or where the old one does not live any more.
 */
export async function rotateToken(deps: TokenDeps, request: Asked & { id: string; expiresAt?: Date }): Promise<NewToken & { oldEnds: Date }> {
  refusePast(deps, request.expiresAt ?? null);
  const old = await owned(deps, request);
  const moment = deps.now();
  if (stateOf(old, moment) === 'revoked' || stateOf(old, moment) === 'expired')
    throw new Refusal('request-malformed', 'token/not-live', 'this token does not live any more; create another');
  const { row, token } = fresh(deps, { ...request, name: old.name, expiresAt: request.expiresAt ?? sameSpan(old, moment) });
  const ends = new Date(moment.getTime() + ROTATION_MS);
  await deps.store.keys.rotate(row, { id: old.id, ends }, entry(deps, request, row, 'rotated'));
  return { id: row.id, token, prefix: row.prefix, oldEnds: old.expiresAt && old.expiresAt < ends ? old.expiresAt : ends };
}

const sameSpan = ({ createdAt, expiresAt }: ApiKeyRow, moment: Date): Date | null =>
  expiresAt && new Date(moment.getTime() + expiresAt.getTime() - createdAt.getTime());

function refusePast({ now }: TokenDeps, expiresAt: Date | null): void {
  if (expiresAt && expiresAt <= now()) throw new Refusal('request-malformed', 'token/expires', 'a token cannot have ended before it is made');
}

/** At once, on every node: each request asks. */
export async function revokeToken(deps: TokenDeps, request: Asked & { id: string }): Promise<void> {
  const row = await owned(deps, request);
  await deps.store.keys.revoke(row.id, deps.now(), entry(deps, request, row, 'revoked'));
}

export async function listTokens({ store, now }: TokenDeps, tenantId: string): Promise<TokenInfo[]> {
  const moment = now();
  return (await store.keys.list('scim', tenantId)).map((row) => {
    const { id, name, prefix, createdAt, expiresAt, lastUsedAt } = row;
    return { id, name, prefix, state: stateOf(row, moment), createdAt, expiresAt, lastUsedAt };
  });
}

/** Null for anything but a live token. */
export async function authenticateToken(deps: TokenDeps, bearer: string): Promise<{ tokenId: string; prefix: string; tenantId: string } | null> {
  const row = await liveKey(deps, 'scim', bearer);
  return row && row.tenantId !== null ? { tokenId: row.id, prefix: row.prefix, tenantId: row.tenantId } : null;
}

/** Whether a token that was live still is. */
export async function tokenHolds({ store, now }: Pick<TokenDeps, 'store' | 'now'>, id: string): Promise<boolean> {
  const row = await store.keys.get(id);
  const moment = now();
  return row !== null && row.revokedAt === null && (row.expiresAt === null || row.expiresAt > moment);
}

function stateOf({ revokedAt, expiresAt }: ApiKeyRow, moment: Date): TokenInfo['state'] {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt === null) return 'live';
  if (expiresAt <= moment) return 'expired';
  return expiresAt.getTime() - moment.getTime() < SOON_MS ? 'expires-soon' : 'live';
}

async function owned({ store }: TokenDeps, { tenantId, id }: Asked & { id: string }): Promise<ApiKeyRow> {
  const row = await store.keys.get(id);
  if (row?.kind !== 'scim' || row.tenantId !== tenantId) throw new Refusal('not-found', 'token/unknown', 'this tenant has no such token');
  return row;
}

function fresh(deps: TokenDeps, { tenantId, name, expiresAt }: Asked & { name: string; expiresAt: Date | null }): { row: ApiKeyRow; token: string } {
  const { key, prefix, hash } = makeKey(deps, 'scim');
  const row: ApiKeyRow = {
    id: deps.newId(),
    kind: 'scim',
    tenantId,
    name,
    prefix,
    hash,
    createdAt: deps.now(),
    expiresAt,
    revokedAt: null,
    lastUsedAt: null,
  };
  return { row, token: key };
}

const entry = (deps: TokenDeps, { tenantId, actor }: Asked, { id, prefix }: ApiKeyRow, done: string): JournalEntry => ({
  id: deps.newId(),
  tenantId,
  at: deps.now(),
  actor,
  cause: 'token',
  action: null,
  resourceType: 'Token',
  resourceId: id,
  outcome: 'SUCCESS',
  code: done,
  reference: null,
  mappingVersion: null,
  detail: { prefix },
});
