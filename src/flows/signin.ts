/** A sign-in from its start to the learner's session: attempt → provider → verified message → provision → arrival. */
import { createHash, randomBytes } from 'node:crypto';
import type { Statement } from '../core/model.ts';
import { sourceOf } from '../core/model.ts';
import { emailDomain, foldKey } from '../core/profile.ts';
import { Refusal } from '../core/refusal.ts';
import type { Connection, OidcConnection, SamlConnection, Tenant } from '../core/tenant.ts';
import type { Kv } from '../kv/kv.ts';
import { randomToken } from '../lib/secrets.ts';
import type { Departure, SamlAssertion } from '../protocols/saml/saml.ts';
import type { Store } from '../store/store.ts';
import type { Connections } from './connections.ts';
import { provedByAnother } from './domains.ts';
import { emailTrust } from './email-trust.ts';
import { arrivalAddress } from './hand-off-place.ts';
import { ATTEMPT_MS, beginAttempt, findAttempt, finishAttempt, readAttempt } from './login-attempt.ts';
import { type ProvisionDeps, provision } from './provision.ts';
import { allowedReturn } from './return-to.ts';
import type { Tenants } from './tenants.ts';

export interface SignInDeps extends ProvisionDeps {
  store: Pick<Store, 'people' | 'apply' | 'journal' | 'domains'>;
  kv: Kv;
  tenants: Pick<Tenants, 'get' | 'refresh'>;
  connections: Connections;
  baseUrl: string;
}

export interface RequestContext {
  /** The short code that page, log and journal share. */
  reference: string;
  ip: string;
}

/** A learner who may come in. */
export interface Arrival {
  tenantId: string;
  userId: string;
  connectionId: string;
  /** A path of ours, or a listed address that was allowed when the attempt began. */
  returnTo: string;
  /** Ends the session at the latest. */
  sessionNotOnOrAfter: Date | null;
  /** The provider's name for its session: OIDC `sid`, SAML SessionIndex. */
  sid: string | null;
}

export interface At {
  tenant: Tenant;
  connection: Connection;
}

export interface SignIn {
  /** `returnTo` and `loginHint` are raw. `browserSecret` comes back from this browser's flow cookie and from no other. */
  start(
    request: At & { returnTo: string | null; loginHint: string | null; browserSecret: string },
    context: RequestContext,
  ): Promise<Departure & { flow: { handle: string; ttlMs: number } }>;
  finishSaml(request: At & { samlResponse: unknown; relayState: unknown; browserSecret: string | null }, context: RequestContext): Promise<Arrival>;
  /** `query` is the callback's query string as it came, without the question mark. */
  finishOidc(request: At & { query: string; state: string | null; browserSecret: string | null }, context: RequestContext): Promise<Arrival>;
}

/** Every method throws `Refusal` where the learner may not come in; nothing has changed then, but for a lock that the provider demanded. */
export function createSignIn(deps: SignInDeps): SignIn {
  return {
    start: (request) => start(deps, request),
    finishSaml: (request, context) => finishSaml(deps, request, context),
    finishOidc: (request, context) => finishOidc(deps, request, context),
  };
}

/** A disabled connection stops at once, attempts under way included. */
function inForce<P extends Connection['protocol']>({ connection }: At, protocol: P): Extract<Connection, { protocol: P }> {
  if (!connection.enabled) throw new Refusal('connection-disabled', 'connection/disabled');
  if (connection.protocol !== protocol) throw new Refusal('connection-unknown', 'connection/protocol');
  return connection as Extract<Connection, { protocol: P }>;
}

async function start(deps: SignInDeps, request: Parameters<SignIn['start']>[0]) {
  const { tenant, connection, loginHint, browserSecret } = request;
  inForce(request, connection.protocol);
  const returnTo = allowedReturn(request.returnTo, tenant, deps.baseUrl);
  const requestId = `_${randomBytes(20).toString('hex')}`; // an xs:ID starts with no digit
  const codeVerifier = randomToken(32);
  const attempt = { tenantId: tenant.id, connectionId: connection.id, requestId, codeVerifier, returnTo, browserSecret };
  const now = deps.now();
  if (connection.protocol === 'saml') {
    const provider = await deps.connections.saml(tenant, connection);
    const handle = await beginAttempt(deps.kv, attempt);
    return { ...(await provider.start({ requestId, relayState: handle, loginHint, now })), flow: { handle, ttlMs: ATTEMPT_MS } };
  }
  const provider = await deps.connections.oidc(tenant, connection);
  const handle = await beginAttempt(deps.kv, attempt);
  return { ...(await provider.start({ state: handle, nonce: requestId, codeVerifier, loginHint, now })), flow: { handle, ttlMs: ATTEMPT_MS } };
}

async function finishSaml(deps: SignInDeps, request: Parameters<SignIn['finishSaml']>[0], context: RequestContext): Promise<Arrival> {
  const connection = inForce(request, 'saml');
  const { tenant, samlResponse, relayState } = request;
  const provider = await deps.connections.saml(tenant, connection);
  // Without an attempt the response must be unsolicited, and the connection must allow that: `verify` knows both.
  const handle = typeof relayState === 'string' && (await readAttempt(deps.kv, relayState)) ? relayState : null;
  const attempt = handle === null ? null : await findAttempt(deps.kv, handle, request);
  const assertion = await provider.verify({ samlResponse, requestId: attempt?.requestId ?? null, now: deps.now() });
  // Only a message that verified uses anything up: a forged one must not burn a real login.
  await remember(deps, { tenant, connection }, assertion);
  if (handle !== null) await finishAttempt(deps.kv, handle);
  const said = { subject: assertion.subject, statement: assertion.statement, emailVerified: null };
  const userId = await admit(deps, { tenant, connection }, said, context);
  return {
    ...arrival(tenant, connection, userId, attempt?.returnTo ?? null),
    sessionNotOnOrAfter: assertion.sessionNotOnOrAfter,
    sid: assertion.sessionIndex,
  };
}

/** Every assertion is used once, whichever node gets it, until it expires. */
async function remember(
  deps: SignInDeps,
  { tenant, connection }: { tenant: Tenant; connection: SamlConnection },
  assertion: SamlAssertion,
): Promise<void> {
  const key = createHash('sha256')
    .update(JSON.stringify([tenant.id, connection.id, assertion.id]))
    .digest('base64url');
  const ttl = Math.max(assertion.rememberUntil.getTime() - deps.now().getTime(), 1000);
  if (!(await deps.kv.add('replay', key, '1', ttl))) throw new Refusal('message-replayed', 'saml/replay', 'this assertion was used before');
}

async function finishOidc(deps: SignInDeps, request: Parameters<SignIn['finishOidc']>[0], context: RequestContext): Promise<Arrival> {
  const connection: OidcConnection = inForce(request, 'oidc');
  const { tenant, query, state } = request;
  if (state === null) throw new Refusal('login-unknown', 'oidc/state-missing');
  const attempt = await findAttempt(deps.kv, state, request);
  const provider = await deps.connections.oidc(tenant, connection);
  // A code is exchanged once: the attempt is used up before, since the provider burns the code whatever comes of it.
  await finishAttempt(deps.kv, state);
  const signIn = await provider.finish({ query, state, nonce: attempt.requestId, codeVerifier: attempt.codeVerifier, now: deps.now() });
  const userId = await admit(deps, { tenant, connection }, signIn, context);
  return { ...arrival(tenant, connection, userId, attempt.returnTo), sessionNotOnOrAfter: null, sid: signIn.sid };
}

/** From a verified message to a user who may come in; the sign-in log gets its line. */
async function admit(
  deps: SignInDeps,
  { tenant, connection }: At,
  said: { subject: string; statement: Statement; emailVerified: boolean | null },
  context: RequestContext,
): Promise<string> {
  const live = deps.tenants.get(tenant.id);
  if (!live) throw new Refusal('tenant-unknown', 'signin/tenant');
  const source = sourceOf(connection.id);
  const { email } = said.statement.profile;
  const taken = email !== undefined && (await provedByAnother(deps, tenant.id, emailDomain(email)));
  const { after } = await provision(deps, {
    live,
    intent: {
      kind: 'assertion',
      source,
      subject: said.subject,
      statement: said.statement,
      emailTrust: emailTrust({ tenant, connection }, { email, verified: said.emailVerified }, taken),
    },
    lookup: { by: 'assertion', source, subject: said.subject, emailKey: email === undefined ? null : foldKey(email) },
    actor: source,
    reference: context.reference,
  });
  const { user } = after;
  if (user.status === 'locked') throw new Refusal('account-locked', 'signin/locked', `user ${user.id}: the provider says disabled`);
  await deps.store.journal.appendSignIn({
    id: deps.newId(),
    tenantId: tenant.id,
    connectionId: connection.id,
    userId: user.id,
    at: deps.now(),
    outcome: 'SUCCESS',
    code: null,
    check: null,
    reference: context.reference,
    detail: { groups: said.statement.groups.said },
  });
  return user.id;
}

const arrival = (tenant: Tenant, connection: Connection, userId: string, returnTo: string | null) => ({
  tenantId: tenant.id,
  userId,
  connectionId: connection.id,
  returnTo: arrivalAddress(tenant, returnTo),
});
