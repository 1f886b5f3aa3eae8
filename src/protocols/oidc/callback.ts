/** The authorisation response, as it came in the query of the callback (RFC 6749 §4.1.2, RFC 9207). */
import type { ServerMetadata } from 'openid-client';
import { Refusal } from '../../core/refusal.ts';
import { safeEqual } from '../../lib/secrets.ts';
import { refusalOfProvider } from './library-error.ts';

const MAX_QUERY = 8_192;
/** Responses of other flows; they have no business here. */
const FOREIGN = ['id_token', 'access_token', 'token', 'response'];

/**
 * Every parameter once, then in this order: state, issuer, the provider's own error, code.
 * The first that does not hold is thrown; the library checks state and issuer once more.
 */
export function checkCallback(query: string, expected: { state: string; metadata: ServerMetadata }): { code: string; parameters: URLSearchParams } {
  const parameters = readParameters(query);
  const { metadata } = expected;
  if (!safeEqual(parameters.get('state') ?? '', expected.state))
    throw new Refusal('login-unknown', 'oidc/state', 'the state is not that of this login');
  const issuer = parameters.get('iss');
  if (issuer === null && metadata.authorization_response_iss_parameter_supported === true)
    throw new Refusal('message-misdirected', 'oidc/response-issuer-missing', 'the provider announces iss and did not send it');
  if (issuer !== null && issuer !== metadata.issuer)
    throw new Refusal('message-misdirected', 'oidc/response-issuer', 'the response names another issuer');
  const error = parameters.get('error');
  if (error !== null) throw refusalOfProvider(error, parameters.get('error_description'), 'callback');
  const code = parameters.get('code');
  if (!code) throw new Refusal('message-malformed', 'oidc/code-missing', 'neither a code nor an error');
  return { code, parameters };
}

function readParameters(query: string): URLSearchParams {
  if (query.length > MAX_QUERY) throw new Refusal('message-malformed', 'oidc/query-size', `the query is longer than ${MAX_QUERY} characters`);
  const parameters = new URLSearchParams(query);
  const names = [...parameters.keys()];
  if (new Set(names).size !== names.length) throw new Refusal('message-malformed', 'oidc/duplicate-parameter', 'a parameter is there twice');
  const foreign = FOREIGN.find((name) => parameters.has(name));
  if (foreign) throw new Refusal('message-malformed', 'oidc/response-type', `a response of another flow: ${foreign}`);
  return parameters;
}
