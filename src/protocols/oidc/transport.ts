/** Every answer of a provider comes through here: strict JSON from the guarded fetch, or a refusal with its reason. */
import type { CustomFetch } from 'openid-client';
import { Refusal } from '../../core/refusal.ts';
import { decodeUtf8, FetchError, type GuardedFetch, type GuardedInit } from '../../lib/fetch.ts';
import { decodeJwt, type JsonObject, parseJsonObject } from './json.ts';

const JSON_TYPES = ['application/json', 'application/jwk-set+json'];
const JWT_TYPE = 'application/jwt';

/** What openid-client asks for, answered with JSON (or a signed JWT) that was read strictly. `seen` gets every document. */
export function strictFetch(fetch: GuardedFetch, seen: (url: string, document: JsonObject) => void = () => {}): CustomFetch {
  return async (url, { method, headers, body, signal }) => {
    const init: GuardedInit = { method, headers, body, contentTypes: [...JSON_TYPES, JWT_TYPE], ...(signal ? { signal } : {}) };
    try {
      const response = await fetch(url, init);
      return await readStrictly(response, (document) => seen(url, document));
    } catch (error) {
      throw error instanceof FetchError ? refusalOfFetch(error) : error;
    }
  };
}

async function readStrictly(response: Response, seen: (document: JsonObject) => void): Promise<Response> {
  if (response.status >= 500) throw new FetchError('status', `the provider answered ${response.status}`);
  const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  const text = decodeUtf8(new Uint8Array(await response.arrayBuffer()));
  if (JSON_TYPES.includes(type)) seen(parseJsonObject(text, 'answer'));
  else if (type === JWT_TYPE) seen(decodeJwt(text, 'answer').claims);
  return new Response(text, { status: response.status, headers: response.headers });
}

/** The network's failures are the provider's; an address that may not be called is the connection's. */
export function refusalOfFetch(error: FetchError): Refusal {
  const ours = error.failure === 'address' || error.failure === 'scheme' || error.failure === 'url';
  return new Refusal(ours ? 'connection-unusable' : 'provider-unreachable', `oidc/fetch-${error.failure}`, error.message);
}
