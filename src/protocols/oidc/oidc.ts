/**
 * protocols/oidc: OpenID Connect as a relying party (code flow with PKCE), on openid-client.
 * Owns what is said on the wire and whether it is to be believed: discovery, keys, the token and userinfo answers, and what they say of a person.
 * Does not own the login attempt (state, nonce and verifier are given), who the person is here, or any storage. flows imports it, nobody else.
 */
import * as openid from 'openid-client';
import type { Statement } from '../../core/model.ts';
import { Refusal } from '../../core/refusal.ts';
import type { OidcConnection } from '../../core/tenant.ts';
import type { GuardedFetch } from '../../lib/fetch.ts';
import { checkCallback } from './callback.ts';
import { readPerson } from './claims.ts';
import { clientAuthOf, configurationOf } from './client.ts';
import { createDiscovery } from './discovery.ts';
import { checkIdToken, type Expected, type IdTokenClaims } from './id-token.ts';
import { type DecodedJwt, decodeJwt, type JsonObject } from './json.ts';
import { createKeySet } from './keys.ts';
import { refusalOf } from './library-error.ts';
import { strictFetch } from './transport.ts';

export interface OidcContext {
  connection: OidcConnection;
  /** Absolute, one per connection; from configuration, never from a request. */
  redirectUri: string;
  /** The resolved secret: the client secret, or the private key as PEM or JWK. */
  credential: string;
  fetch: GuardedFetch;
  /** http issuers on loopback are allowed; demo and tests only. */
  loopback: boolean;
}

export interface StartRequest {
  state: string;
  nonce: string;
  codeVerifier: string;
  loginHint: string | null;
  now: Date;
}

export interface FinishMessage {
  /** The raw query string of the callback request, as received, without `?`. */
  query: string;
  state: string;
  nonce: string;
  codeVerifier: string;
  now: Date;
}

export interface OidcSignIn {
  /** Stable id by `connection.claims.subject`. */
  subject: string;
  statement: Statement;
  email: string | null;
  /** True only where the same document said so; null where it did not say. */
  emailVerified: boolean | null;
  /** The provider's session, for back-channel logout. */
  sid: string | null;
  issuer: string;
  sub: string;
  authTime: Date | null;
}

/** One per connection and credential; it remembers discovery and keys. */
export interface OidcProvider {
  /** Where to send the browser. @throws Refusal when the provider cannot be reached or may not be used. */
  start(request: StartRequest): Promise<{ kind: 'redirect'; url: string }>;
  /** Verifies the answer to `start`. @throws Refusal, whose `check` names what did not hold. */
  finish(message: FinishMessage): Promise<OidcSignIn>;
}

export function createOidcProvider(context: OidcContext): OidcProvider {
  const { connection, loopback } = context;
  const discover = createDiscovery(context);
  const keys = createKeySet();
  const redirectUri = new URL(context.redirectUri);
  let clientAuth: Promise<openid.ClientAuth> | null = null;

  /** A configuration whose every answer is read strictly, and what the token endpoint said, for finding the reason of a refusal. */
  const session = async (metadata: openid.ServerMetadata, now: Date) => {
    clientAuth ??= clientAuthOf(connection, context.credential);
    const exchange: Exchange = { answer: null, idToken: null };
    const load = strictFetch(context.fetch, (url, document) => {
      if (url === new URL(metadata.token_endpoint ?? '').href) noteAnswer(exchange, document);
    });
    const isKeys = (url: string) => url === new URL(metadata.jwks_uri ?? '').href;
    const fetch: openid.CustomFetch = (url, options) => (isKeys(url) ? keys.answer(now, () => load(url, options)) : load(url, options));
    const configuration = configurationOf({ connection, metadata, clientAuth: await clientAuth, fetch, loopback, now, keys: keys.cached(now) });
    return { configuration, exchange };
  };

  return {
    async start({ state, nonce, codeVerifier, loginHint, now }) {
      const { configuration } = await session(await discover(now), now);
      const url = openid.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri.href,
        scope: [...new Set(['openid', ...connection.scopes])].join(' '),
        state,
        nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        ...(connection.maxAgeSeconds === null ? {} : { max_age: String(connection.maxAgeSeconds) }),
        ...(connection.prompt === null ? {} : { prompt: connection.prompt }),
        ...(loginHint === null ? {} : { login_hint: loginHint }),
      });
      return { kind: 'redirect', url: url.href };
    },

    async finish(message) {
      const { now, nonce } = message;
      const metadata = await discover(now);
      const { code, parameters } = checkCallback(message.query, { state: message.state, metadata });
      const { configuration, exchange } = await session(metadata, now);
      const answered = new URL(redirectUri);
      answered.search = parameters.toString();
      const tokens = await redeem(configuration, answered, { message, connection }).catch((error: unknown) => {
        throw reasonOf(error, exchange, { connection, nonce, code, now });
      });
      const idToken = decodeJwt(tokens.id_token ?? '', 'ID token');
      const claims = checkIdToken(idToken, { connection, nonce, code, now, accessToken: tokens.access_token });
      const userinfo = connection.userinfo ? await fetchUserinfo(configuration, tokens.access_token, claims.sub) : null;
      return signInOf(claims, userinfo, connection);
    },
  };
}

/** What the token endpoint said, before anything was verified. Only read to name the reason of a refusal. */
interface Exchange {
  answer: JsonObject | null;
  idToken: DecodedJwt | null;
}

/** @throws Refusal when the ID token cannot be read strictly, before the library reads it in its own way. */
function noteAnswer(exchange: Exchange, document: JsonObject): void {
  exchange.answer = document;
  exchange.idToken = typeof document.id_token === 'string' ? decodeJwt(document.id_token, 'ID token') : null;
}

/** The code for tokens; the ID token's signature is verified here. */
function redeem(configuration: openid.Configuration, answered: URL, { message, connection }: { message: FinishMessage; connection: OidcConnection }) {
  return openid.authorizationCodeGrant(configuration, answered, {
    expectedState: message.state,
    expectedNonce: message.nonce,
    pkceCodeVerifier: message.codeVerifier,
    idTokenExpected: true,
    ...(connection.maxAgeSeconds === null ? {} : { maxAge: connection.maxAgeSeconds }),
  });
}

/** The library refused. Where one of our own checks does not hold either, its word is the precise one. */
function reasonOf(error: unknown, { answer, idToken }: Exchange, expected: Omit<Expected, 'accessToken'>): unknown {
  if (idToken) {
    try {
      checkIdToken(idToken, { ...expected, accessToken: answer?.access_token });
    } catch (refusal) {
      return refusal;
    }
  } else if (typeof answer?.access_token === 'string' && answer.id_token === undefined) {
    return new Refusal('message-malformed', 'oidc/id-token-missing', 'the token answer holds no ID token');
  }
  return refusalOf(error, 'token');
}

/** Refused unless its `sub` is the ID token's (OpenID Connect Core §5.3.2). */
function fetchUserinfo(configuration: openid.Configuration, accessToken: string, sub: string): Promise<JsonObject> {
  return openid.fetchUserInfo(configuration, accessToken, sub).catch((error: unknown) => {
    throw refusalOf(error, 'userinfo');
  });
}

function signInOf(claims: IdTokenClaims, userinfo: JsonObject | null, connection: OidcConnection): OidcSignIn {
  const { sid, auth_time: authTime } = claims;
  return {
    ...readPerson(claims, userinfo, connection),
    sid: typeof sid === 'string' && sid !== '' && sid.length <= 255 ? sid : null,
    issuer: claims.iss,
    sub: claims.sub,
    authTime: typeof authTime === 'number' ? new Date(authTime * 1000) : null,
  };
}
