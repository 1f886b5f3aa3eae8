import { inflateRawSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { verifyEnveloped, verifyQuery } from '../../../fixtures/sample-idp/saml-request.ts';
import { Refusal } from '../../../src/core/refusal.ts';
import { ACS, type Differences, ENTITY_ID, NOW, otherKey, providerOf, spSigning } from './provider.ts';

const REQUEST_ID = '_0123456789abcdef';
const start = (differences: Differences = {}, loginHint: string | null = null) =>
  providerOf(differences).start({ requestId: REQUEST_ID, relayState: 'a handle+/=&ü', loginHint, now: NOW });

async function redirect(differences: Differences = {}, loginHint: string | null = null) {
  const departure = await start(differences, loginHint);
  if (departure.kind !== 'redirect') throw new Error('expected a redirect');
  const url = new URL(departure.url);
  const xml = inflateRawSync(Buffer.from(url.searchParams.get('SAMLRequest')!, 'base64')).toString('utf8');
  return { url, xml };
}

async function post(differences: Differences = {}, loginHint: string | null = null) {
  const departure = await start({ ...differences, connection: { binding: 'post', ...differences.connection } }, loginHint);
  if (departure.kind !== 'post') throw new Error('expected a form');
  return { ...departure, xml: Buffer.from(departure.fields['SAMLRequest']!, 'base64').toString('utf8') };
}

describe('an AuthnRequest', () => {
  it('by redirect goes to the address with its query kept, signed over what is sent', async () => {
    const { url } = await redirect();
    expect(url.origin + url.pathname).toBe('https://idp.acme.example/sso');
    expect([...url.searchParams.keys()]).toEqual(['app', 'SAMLRequest', 'RelayState', 'SigAlg', 'Signature']);
    expect(url.searchParams.get('RelayState')).toBe('a handle+/=&ü');
    expect(verifyQuery(url.search.slice(1), spSigning.certificate)).toBe(true);
    expect(verifyQuery(url.search.slice(1), otherKey.certificate)).toBe(false);
    expect(verifyQuery(url.search.slice(1).replace('RelayState=a', 'RelayState=b'), spSigning.certificate)).toBe(false);
  });

  it('by form carries an enveloped signature that another implementation verifies', async () => {
    const { url, fields, xml } = await post({ connection: { forceAuthn: true, nameIdFormat: 'urn:x:"<&>' } });
    expect(url).toBe('https://idp.acme.example/sso/post');
    expect(fields['RelayState']).toBe('a handle+/=&ü');
    expect(verifyEnveloped(xml, spSigning.certificate)).toBe(true);
    expect(verifyEnveloped(xml, otherKey.certificate)).toBe(false);
    expect(verifyEnveloped(xml.replace(ACS, 'https://evil.example/acs'), spSigning.certificate)).toBe(false);
  });

  it('says who asks, where the answer goes, and nothing that was not configured', async () => {
    const { xml } = await redirect();
    expect(xml).toContain(` ID="${REQUEST_ID}"`);
    expect(xml).toContain(' Destination="https://idp.acme.example/sso?app=42"');
    expect(xml).toContain(` AssertionConsumerServiceURL="${ACS}"`);
    expect(xml).toContain(` IssueInstant="${NOW.toISOString()}"`);
    expect(xml).toContain(`>${ENTITY_ID}</saml:Issuer>`);
    expect(xml).not.toMatch(/ForceAuthn|NameIDPolicy|RequestedAuthnContext|IsPassive/);
  });

  it('asks for authentication and a NameID format where the connection does', async () => {
    const { xml } = await redirect({ connection: { forceAuthn: true, nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' } });
    expect(xml).toContain(' ForceAuthn="true"');
    expect(xml).toContain('<samlp:NameIDPolicy AllowCreate="true" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">');
  });

  it('passes the e-mail on to providers that take it, outside of what is signed', async () => {
    for (const preset of ['entra', 'okta'] as const) {
      const { url } = await redirect({ connection: { preset } }, 'amara+x@acme.example');
      expect(url.searchParams.get('login_hint')).toBe('amara+x@acme.example');
      expect(verifyQuery(url.search.slice(1), spSigning.certificate)).toBe(true);
    }
    expect((await redirect({ connection: { preset: 'google' } }, 'amara@acme.example')).url.searchParams.has('login_hint')).toBe(false);
    expect((await post({ connection: { preset: 'okta' } }, 'amara@acme.example')).url).toContain('?login_hint=amara%40acme.example');
  });

  it('is not sent by expired metadata', async () => {
    await expect(start({ idp: { validUntil: NOW } })).rejects.toBeInstanceOf(Refusal);
  });
});
