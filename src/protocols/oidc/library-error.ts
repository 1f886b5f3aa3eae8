/** What openid-client threw, as a refusal with a precise word. Its messages go to the log only. */
import { AuthorizationResponseError, ClientError, ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client';
import { Refusal, type RefusalCode } from '../../core/refusal.ts';

/** Which call failed: the same error means different things at different endpoints. */
export type Stage = 'discovery' | 'token' | 'userinfo';

/** oauth4webapi's error codes → ours. What is missing here is `oidc/response`. */
const BY_CODE: Readonly<Record<string, readonly [RefusalCode, string]>> = {
  OAUTH_UNSUPPORTED_OPERATION: ['message-malformed', 'oidc/unsupported'],
  OAUTH_KEY_SELECTION_FAILED: ['message-forged', 'oidc/key'],
  OAUTH_RESPONSE_IS_NOT_CONFORM: ['provider-unreachable', 'oidc/fetch-status'],
  OAUTH_RESPONSE_IS_NOT_JSON: ['provider-unreachable', 'oidc/fetch-content-type'],
  OAUTH_TIMEOUT: ['provider-unreachable', 'oidc/fetch-deadline'],
  OAUTH_ABORT: ['provider-unreachable', 'oidc/fetch-deadline'],
};

/** A refusal for anything that hostile or broken answers can make the library throw; other errors come back as they are: faults. */
export function refusalOf(error: unknown, stage: Stage): unknown {
  const own = refusalIn(error);
  if (own) return own;
  if (error instanceof ResponseBodyError) return refusalOfProvider(error.error, error.error_description, stage);
  if (error instanceof WWWAuthenticateChallengeError)
    return refusalOfProvider(stage === 'token' ? 'invalid_client' : 'unauthorised', undefined, stage);
  if (error instanceof AuthorizationResponseError) return refusalOfProvider(error.error, error.error_description, stage);
  if (error instanceof ClientError) return refusalOfClient(error, stage);
  // Odd input makes the libraries throw bare TypeErrors (facts: security.md).
  if (error instanceof TypeError) return new Refusal('message-malformed', 'oidc/response', `${stage}: ${error.message}`);
  return error;
}

function refusalIn(error: unknown): Refusal | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) if (at instanceof Refusal) return at;
  return null;
}

function refusalOfClient(error: ClientError, stage: Stage): Refusal {
  const operation = error.cause instanceof Error ? error.cause : error;
  const facts = (operation.cause ?? {}) as Record<string, unknown>;
  const detail = `${stage}: ${operation.message}`;
  const known = BY_CODE[error.code ?? ''];
  if (known) return new Refusal(known[0], known[1], detail);
  if (error.code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED' && stage === 'userinfo')
    return new Refusal('message-misdirected', 'oidc/userinfo-sub', detail);
  if (error.code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED') return new Refusal('connection-unusable', 'oidc/discovery-issuer', detail);
  if (Object.hasOwn(facts, 'signature')) return new Refusal('message-forged', 'oidc/signature', detail);
  return new Refusal('message-malformed', stage === 'userinfo' ? 'oidc/userinfo' : 'oidc/response', detail);
}

/** The provider's own error (RFC 6749 §4.1.2.1, §5.2). Its words are cut down to what the RFC allows before they reach a log. */
export function refusalOfProvider(error: string, description: string | null | undefined, stage: Stage | 'callback'): Refusal {
  const detail = [error, description].flatMap((text) => (text ? [printable(text)] : [])).join(': ');
  if (stage === 'token' && /^(invalid|unauthorized)_client$/.test(error))
    return new Refusal('connection-unusable', 'oidc/client-credentials', detail);
  return new Refusal('provider-refused', stage === 'callback' ? 'oidc/error-response' : `oidc/${stage}-error`, detail);
}

const printable = (text: string) => text.replace(/[^\x20-\x7e]/g, ' ').slice(0, 200);
