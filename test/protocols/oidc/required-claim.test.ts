import { describe, expect, it } from '@jest/globals';
import type { OidcConnection } from '../../../src/core/tenant.ts';
import { checkIdToken } from '../../../src/protocols/oidc/id-token.ts';

const now = new Date('2026-11-24T12:00:00Z');
const seconds = now.getTime() / 1000;

/** A token that holds in everything else. */
function check(claims: object, require?: Record<string, string[]>) {
  const connection = {
    issuer: 'https://accounts.google.com',
    clientId: 'm',
    idTokenAlg: 'RS256',
    maxAgeSeconds: null,
    clockSkewSeconds: 60,
    ...(require && { require }),
  };
  const token = {
    header: { alg: 'RS256' },
    claims: { iss: 'https://accounts.google.com', aud: 'm', sub: 's', nonce: 'n', iat: seconds, exp: seconds + 300, ...claims },
  };
  return () => checkIdToken(token as never, { connection: connection as OidcConnection, nonce: 'n', accessToken: 'a', code: 'c', now });
}

describe('a connection that requires a claim', () => {
  const require = { hd: ['acme.example', 'acme.test'] };

  it('lets those in who have one of its values', () => {
    for (const hd of ['acme.example', 'acme.test', ['acme.test']]) expect(check({ hd }, require)).not.toThrow();
  });

  it('refuses everyone else of an issuer that serves the whole world', () => {
    for (const claims of [{}, { hd: 'other.example' }, { hd: '' }, { hd: null }, { hd: [] }, { hd: { 0: 'acme.example' } }, { hd: 'ACME.example' }])
      expect(check(claims, require)).toThrow(expect.objectContaining({ check: 'oidc/required-claim', code: 'message-misdirected' }));
  });

  it('refuses everyone where it allows no value', () => expect(check({ hd: 'acme.example' }, { hd: [] })).toThrow(/oidc\/required-claim/));

  it('and one that requires nothing asks for nothing', () => expect(check({})).not.toThrow());
});
