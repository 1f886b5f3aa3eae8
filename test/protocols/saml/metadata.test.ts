import { describe, expect, it } from '@jest/globals';
import { bareCertificate, testKey } from '../../../fixtures/saml/signer.ts';
import { parseSp } from '../../../fixtures/sample-idp/saml-request.ts';
import { Refusal } from '../../../src/core/refusal.ts';
import { createSamlProvider, readIdpMetadata } from '../../../src/protocols/saml/saml.ts';
import { ACS, contextOf, idpKey, NOW, otherKey, providerOf, spDecryption, spSigning } from './provider.ts';

const key = (pem: string, use = ' use="signing"') =>
  `<md:KeyDescriptor${use}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n${bareCertificate(pem).replace(/(.{64})/g, '$1\n')}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`;
const sso = (binding: string, location: string) =>
  `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}" Location="${location}"/>`;
const NS = 'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"';

interface Parts {
  entityId?: string;
  keys?: string;
  services?: string;
  attributes?: string;
  protocols?: string;
}
const entity = ({ entityId = 'https://idp.example', keys = key(idpKey.certificate), services, attributes = '', protocols }: Parts = {}) =>
  `<md:EntityDescriptor ${NS} entityID="${entityId}"${attributes}><md:IDPSSODescriptor protocolSupportEnumeration="${protocols ?? 'urn:oasis:names:tc:SAML:2.0:protocol'}">${keys}` +
  `${services ?? sso('HTTP-Redirect', 'https://idp.example/sso') + sso('HTTP-POST', 'https://idp.example/post')}</md:IDPSSODescriptor></md:EntityDescriptor>`;
const federation = (...entities: string[]) => `<md:EntitiesDescriptor ${NS} cacheDuration="PT6H">${entities.join('')}</md:EntitiesDescriptor>`;

const read = (xml: string, options: { loopback?: boolean; entityId?: string } = {}) =>
  readIdpMetadata(xml, { now: NOW, loopback: false, ...options });
const refused = (xml: string, options = {}) => {
  try {
    read(xml, options);
    return 'accepted';
  } catch (error) {
    return error instanceof Refusal ? `${error.code} ${error.check}` : error;
  }
};

describe("a provider's metadata", () => {
  it('gives entity ID, addresses, every signing key and how long it holds', () => {
    const keys = key(idpKey.certificate) + key(otherKey.certificate, '') + key(spSigning.certificate, ' use="encryption"') + key(idpKey.certificate);
    const xml = `<?xml version="1.0"?>\n<!-- exported -->${entity({ keys, attributes: ' validUntil="2026-12-01T00:00:00Z" cacheDuration="P1DT2H"' })}`;
    expect(read(xml)).toEqual({
      entityId: 'https://idp.example',
      ssoRedirectUrl: 'https://idp.example/sso',
      ssoPostUrl: 'https://idp.example/post',
      certificates: [idpKey, otherKey].map(({ certificate }) => expect.stringContaining(bareCertificate(certificate).slice(0, 64))),
      validUntil: new Date('2026-12-01T00:00:00Z'),
      cacheUntil: new Date(NOW.getTime() + 26 * 3_600_000),
    });
  });

  it('is found in a federation by its entity ID', () => {
    const xml = federation(entity({ entityId: 'https://a.example' }), federation(entity({ entityId: 'https://b.example' })));
    expect(read(xml, { entityId: 'https://b.example' }).entityId).toBe('https://b.example');
    expect(refused(xml)).toBe('connection-unusable saml-metadata/two-providers');
    expect(refused(xml, { entityId: 'https://c.example' })).toBe('connection-unusable saml-metadata/entity-id');
  });

  it('may name http addresses at loopback in a demo only', () => {
    const xml = entity({ services: sso('HTTP-Redirect', 'http://127.0.0.1:7000/sso') });
    expect(read(xml, { loopback: true }).ssoRedirectUrl).toBe('http://127.0.0.1:7000/sso');
    expect(refused(xml)).toBe('connection-unusable saml-metadata/location');
    expect(refused(entity({ services: sso('HTTP-Redirect', 'http://idp.example/sso') }), { loopback: true })).toBe(
      'connection-unusable saml-metadata/location',
    );
  });

  const weak = testKey('weak', { bits: 1024 });
  const elliptic = testKey('elliptic', { curve: 'P-256' });
  const bad: [string, string | (() => Promise<string>), string][] = [
    ['a document type', `<!DOCTYPE x>${entity()}`, 'doctype'],
    ['more than 5 MB', `${entity()}${' '.repeat(5 * 1024 * 1024)}`, 'too-large'],
    ['something that is no XML', 'hello', 'xml'],
    ['another root', '<x/>', 'root'],
    ['no signing key', entity({ keys: key(idpKey.certificate, ' use="encryption"') }), 'no-signing-key'],
    ['no key', entity({ keys: '' }), 'no-signing-key'],
    ['a certificate that is none', entity({ keys: key('AAAA') }), 'certificate'],
    ['a weak key', async () => entity({ keys: key((await weak).certificate) + key(idpKey.certificate) }), 'certificate-weak'],
    ['only a kind of key that cannot be verified', async () => entity({ keys: key((await elliptic).certificate) }), 'no-signing-key'],
    ['an end in the past', entity({ attributes: ' validUntil="2026-11-24T11:59:59Z"' }), 'expired'],
    ['an end that is no time', entity({ attributes: ' validUntil="tomorrow"' }), 'date-time'],
    ['an address with user info', entity({ services: sso('HTTP-Redirect', 'https://a:b@idp.example/') }), 'location'],
    ['an address of another scheme', entity({ services: sso('HTTP-POST', 'javascript:alert(1)') }), 'location'],
    ['another protocol only', entity({ protocols: 'urn:oasis:names:tc:SAML:1.1:protocol' }), 'no-provider'],
    ['nesting without end', `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`, 'too-deep'],
  ];
  for (const [what, xml, check] of bad) {
    it(`with ${what} makes the connection unusable`, async () => {
      expect(refused(typeof xml === 'string' ? xml : await xml())).toBe(`connection-unusable saml-metadata/${check}`);
    });
  }
});

describe('a connection', () => {
  const unusable = (idp: Parameters<typeof contextOf>[0]) => {
    try {
      createSamlProvider(contextOf(idp));
      return 'usable';
    } catch (error) {
      return error instanceof Refusal ? `${error.code} ${error.check}` : error;
    }
  };

  it('without a certificate is unusable, never unsigned', async () => {
    expect(unusable({ idp: { certificates: [] } })).toBe('connection-unusable saml/no-certificate');
    expect(unusable({ idp: { certificates: ['nonsense!'] } })).toBe('connection-unusable saml/certificate');
    const { certificate } = await testKey('weak', { bits: 1024 });
    expect(unusable({ idp: { certificates: [idpKey.certificate, certificate] } })).toBe('connection-unusable saml/certificate-weak');
  });

  it('without an address for its binding is unusable', () => {
    expect(unusable({ idp: { ssoRedirectUrl: null } })).toBe('connection-unusable saml/no-sso-address');
    expect(unusable({ idp: { ssoPostUrl: null }, connection: { binding: 'post' } })).toBe('connection-unusable saml/no-sso-address');
    expect(unusable({ idp: { ssoRedirectUrl: 'http://idp.example/' } })).toBe('connection-unusable saml/sso-address');
  });
});

describe('our metadata', () => {
  it('is XML that names our keys and our one address', () => {
    const sp = parseSp(providerOf().metadata());
    expect(sp.acsUrls).toEqual([ACS]);
    expect(sp.signing.map(bareCertificate)).toEqual([bareCertificate(spSigning.certificate)]);
    expect(bareCertificate(sp.encryption)).toBe(bareCertificate(spDecryption.certificate));
  });

  it('says what is signed', () => {
    const metadata = (wantSigned: 'either' | 'both') => providerOf({ connection: { wantSigned } }).metadata();
    expect(metadata('either')).toMatch(/AuthnRequestsSigned="true" WantAssertionsSigned="false"/);
    expect(metadata('both')).toMatch(/AuthnRequestsSigned="true" WantAssertionsSigned="true"/);
  });

  it('escapes what it is given', () => {
    const context = { ...contextOf(), entityId: 'https://x.example/?a="b"&c=<d>', acsUrl: 'https://x.example/?a&b' };
    const xml = createSamlProvider(context).metadata();
    expect(parseSp(xml).acsUrls).toEqual(['https://x.example/?a&b']);
    expect(xml).toContain('entityID="https://x.example/?a=&quot;b&quot;&amp;c=&lt;d>"');
  });
});
