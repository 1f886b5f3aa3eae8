/**
 * A signed-in learner enters a learning platform: who may, where to, and when. What is made for the browser is worth a session there: it is made at the
 * moment of going, kept nowhere and logged nowhere.
 */
import type { JWK } from 'jose';
import type { FailureCode } from '../connectors/connector.ts';
import { type DiscourseQuestion, discoursePassage } from '../connectors/hand-off/discourse.ts';
import { type Entry, type Passage, redirectPassage } from '../connectors/hand-off/hand-off.ts';
import { signedPassage } from '../connectors/hand-off/signed.ts';
import { thinkificPassage } from '../connectors/hand-off/thinkific.ts';
import { targetsOf } from '../core/diff.ts';
import type { UserState } from '../core/model.ts';
import { Refusal, type RefusalCode } from '../core/refusal.ts';
import type { DiscourseHandOff, HandOff, SecretRef, SignedHandOff, Tenant, ThinkificHandOff, ThinkificPlatform } from '../core/tenant.ts';
import { randomToken, resolveSecret } from '../lib/secrets.ts';
import type { Delivered } from './delivered.ts';
import { personOf } from './delivery.ts';
import { createHandOffKeys, type HandOffKeys, type HandOffKeysDeps } from './hand-off-keys.ts';
import { handOffAt } from './hand-off-place.ts';
import { allowedReturn } from './return-to.ts';

export interface HandOffDeps extends HandOffKeysDeps {
  delivered: Delivered;
  env: Record<string, string | undefined>;
  /** The folder that `file:` secrets are relative to. */
  baseDir: string;
  baseUrl: string;
}

export interface HandOffRequest {
  tenant: Tenant;
  /** Of the learner, just read; active. */
  state: UserState;
  /** Null = the tenant's first. */
  handOffId: string | null;
  /** All three raw. */
  returnTo: string | null;
  sso: string | null;
  sig: string | null;
  /** Milliseconds that the learner's own delivery is waited for. */
  waitMs: number;
}

export interface HandOffs {
  /** `preparing`: the learner is not known at the platform yet; ask again soon. Throws `Refusal` where there is no going. */
  begin(request: HandOffRequest): Promise<Passage | { kind: 'preparing' }>;
  /** The public keys (RFC 7517) by which this hand-off's tokens are verified. Throws `Refusal` 'not-found' where they are signed with a shared secret, or not at all. */
  keySet(tenant: Tenant, handOffId: string): Promise<{ keys: JWK[] }>;
}

export function createHandOffs(deps: HandOffDeps): HandOffs {
  const keys = createHandOffKeys(deps);
  return {
    begin: (request) => begin({ ...deps, keys }, request),
    async keySet(tenant, handOffId) {
      const handOff = tenant.handOffs.find(({ id }) => id === handOffId);
      if (handOff?.kind !== 'signed' || handOff.algorithm === 'HS256') throw new Refusal('not-found', 'hand-off/key-set');
      return { keys: [(await keys.of(tenant.id, handOff)).published] };
    },
  };
}

type Deps = HandOffDeps & { keys: HandOffKeys };

async function begin(deps: Deps, request: HandOffRequest): Promise<Passage | { kind: 'preparing' }> {
  const { tenant, state, sso, sig } = request;
  const handOff = handOffAt(tenant, request.handOffId);
  const returnTo = placeFor(deps, request);
  if (!handOff) return { kind: 'redirect', url: returnTo ?? `/t/${tenant.id}/learning` };
  const entry = (): Entry => ({
    tenant: tenant.id,
    person: personOf(state, tenant),
    targets: [...targetsOf(state)].sort(),
    returnTo,
    now: deps.now(),
    random: randomToken(16),
  });
  if ((handOff.kind === 'signed' || handOff.kind === 'thinkific') && handOff.requireTrustedEmail && !entry().person.emailTrusted)
    throw new Refusal(
      'platform-refused',
      'hand-off/not-vouched',
      `nobody whose word counts vouches for the e-mail of user ${state.user.id}: verify the domain, or set requireTrustedEmail: false for hand-off ${handOff.id}`,
    );
  if (handOff.kind === 'thinkific') return toThinkific(deps, request, { handOff, entry });
  await settle(deps, request);
  switch (handOff.kind) {
    case 'signed':
      return signedPassage(handOff, await signingKey(deps, tenant, handOff), entry());
    case 'discourse':
      return toDiscourse(deps, handOff, { entry: entry(), question: sso === null && sig === null ? null : { sso: sso ?? '', sig: sig ?? '' } });
    case 'redirect':
      return redirectPassage(handOff, entry());
  }
}

/** Outside only: a place of ours is nothing that a platform could send anybody to. */
function placeFor({ baseUrl }: Deps, { tenant, returnTo }: HandOffRequest): string | null {
  const place = allowedReturn(returnTo, tenant, baseUrl);
  return place === null || new URL(place, baseUrl).origin === new URL(baseUrl).origin ? null : place;
}

interface ToThinkific {
  handOff: ThinkificHandOff;
  entry: () => Entry;
}

/** Nobody enters before the account there is known to be theirs: the platform believes every e-mail that we sign. */
async function toThinkific(deps: Deps, { tenant, state, waitMs }: HandOffRequest, { handOff, entry }: ToThinkific) {
  const platform = tenant.platforms.find((one): one is ThinkificPlatform => one.kind === 'thinkific' && one.id === handOff.platform && one.enabled);
  if (!platform) throw new Refusal('hand-off-unusable', 'hand-off/platform', `hand-off ${handOff.id}: platform ${handOff.platform} is not enabled`);
  if (platform.apiKey === null) throw new Refusal('hand-off-unusable', 'hand-off/secret', `platform ${platform.id} has no apiKey to sign with`);
  const apiKey = secretOf(deps, handOff, platform.apiKey);
  const progress = await deps.delivered.progress({ tenant, state, platform: platform.id }, waitMs);
  if (progress.kind === 'waiting') return { kind: 'preparing' as const };
  if (progress.kind === 'failed') throw failed(platform.id, state.user.id, progress.code);
  if (progress.privileged) throw failed(platform.id, state.user.id, 'privileged');
  return thinkificPassage(handOff, { site: platform.site, apiKey }, entry());
}

/** What kept somebody's account from the platform: their own matter, or everybody's. */
const REFUSED_AS: Readonly<Record<FailureCode, Extract<RefusalCode, 'platform-refused' | 'hand-off-unusable'>>> = {
  network: 'hand-off-unusable',
  timeout: 'hand-off-unusable',
  'rate-limited': 'hand-off-unusable',
  upstream: 'hand-off-unusable',
  nonsense: 'hand-off-unusable',
  auth: 'hand-off-unusable',
  plan: 'hand-off-unusable',
  configuration: 'hand-off-unusable',
  gone: 'hand-off-unusable',
  unsupported: 'platform-refused',
  'not-found': 'platform-refused',
  conflict: 'platform-refused',
  validation: 'platform-refused',
  privileged: 'platform-refused',
  'not-vouched': 'platform-refused',
};

const failed = (platform: string, userId: string, code: FailureCode): Refusal =>
  new Refusal(REFUSED_AS[code], `hand-off/${code}`, `user ${userId} has no account at platform ${platform} to enter with (${code})`);

/** Other places know the learner without us, or learn of them from what is signed: what they are enrolled in may come later. */
async function settle({ delivered }: Deps, { tenant, state, waitMs }: HandOffRequest): Promise<void> {
  const enabled = tenant.platforms.filter((platform) => platform.enabled);
  await Promise.all(enabled.map(({ id }) => delivered.progress({ tenant, state, platform: id }, waitMs)));
}

async function signingKey(deps: Deps, tenant: Tenant, handOff: SignedHandOff) {
  if (handOff.algorithm !== 'HS256') return deps.keys.of(tenant.id, handOff);
  if (handOff.secret === null) throw new Refusal('hand-off-unusable', 'hand-off/secret', `hand-off ${handOff.id} has no secret to sign with`);
  return { key: Buffer.from(secretOf(deps, handOff, handOff.secret), 'utf8'), kid: null };
}

function toDiscourse(deps: Deps, handOff: DiscourseHandOff, { entry, question }: { entry: Entry; question: DiscourseQuestion | null }): Passage {
  return discoursePassage(handOff, { secret: secretOf(deps, handOff, handOff.secret), question }, entry);
}

function secretOf(deps: Deps, { id }: HandOff, ref: SecretRef): string {
  try {
    return resolveSecret(ref, deps);
  } catch (error) {
    throw new Refusal('hand-off-unusable', 'hand-off/secret', `hand-off ${id}: ${(error as Error).message}`);
  }
}
