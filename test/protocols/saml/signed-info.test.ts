import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ALGORITHMS, signXml, toBase64 } from '../../../fixtures/saml/signer.ts';
import { Refusal } from '../../../src/core/refusal.ts';
import { filterXml } from '../../../src/protocols/saml/envelope.ts';
import { canonicalSignedInfo } from '../../../src/protocols/saml/signed-info.ts';
import { readStructure } from '../../../src/protocols/saml/structure.ts';
import { child } from '../../../src/protocols/saml/xml-tree.ts';
import { attacker, type Differences, idpKey, NOW, otherKey, providerOf, REQUEST, spDecryption } from './provider.ts';
import { layouts, libraryCanonical, signedResponse } from './signature-layout.ts';

const login = (xml: string, differences: Differences = {}) =>
  providerOf(differences)
    .verify({ samlResponse: toBase64(xml), requestId: REQUEST, now: NOW })
    .then(
      ({ subject }) => subject,
      (error) => (error instanceof Refusal ? error.message : error),
    );
const unsigned = 'message-forged (saml/signature): no trusted key made the signature value';

describe('the SignedInfo of a genuine signature', () => {
  it('is read as the library reads it, and signs in, in whatever way it is written', async () => {
    const provider = providerOf();
    await fc.assert(
      fc.asyncProperty(layouts, async (layout) => {
        const sent = signedResponse(layout);
        const xml = filterXml(sent);
        const response = readStructure(xml, 'samlp:Response');
        for (const what of layout.signed) {
          const signature = child(what === 'response' ? response : child(response, 'saml:Assertion')!, 'ds:Signature')!;
          expect(canonicalSignedInfo(xml, response, [signature])).toEqual([libraryCanonical(sent, what)]);
        }
        const { subject } = await provider.verify({ samlResponse: toBase64(sent), requestId: REQUEST, now: NOW });
        expect(subject).toBe('acme-amara');
      }),
      { numRuns: process.env['SAML_LAYOUTS'] ? Number(process.env['SAML_LAYOUTS']) : 40 },
    );
  });

  for (const signature of [ALGORITHMS.rsaSha256, ALGORITHMS.rsaSha512, 'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1']) {
    it(`may be signed by ${signature.split('#')[1]}`, async () => {
      expect(await login(await attacker.good({}, { signed: 'both', sign: { signature } }), { connection: { wantSigned: 'both' } })).toBe(
        'acme-amara',
      );
    });
  }
});

describe('two signatures', () => {
  const both = { idp: { certificates: [idpKey.certificate, otherKey.certificate] }, connection: { wantSigned: 'both' as const } };
  const mixed = async (encrypt = {}) => {
    const inner = await attacker.good({}, { signed: 'assertion', key: otherKey, ...encrypt });
    return signXml(inner, { what: 'response', key: idpKey });
  };
  const encrypt = { encrypt: { certificate: spDecryption.certificate } };

  it('may be by two trusted keys, also where one is within the encryption', async () => {
    expect(await login(await mixed(), both)).toBe('acme-amara');
    expect(await login(await mixed(encrypt), both)).toBe('acme-amara');
  });

  it('are both a trusted key’s where both are wanted', async () => {
    expect(await login(await mixed(), { connection: { wantSigned: 'both' } })).toBe(unsigned);
    expect(await login(await mixed(), { idp: { certificates: [otherKey.certificate] }, connection: { wantSigned: 'both' } })).toBe(unsigned);
  });
});

describe('a message that no trusted key has signed', () => {
  const values = '<saml:AttributeValue>x</saml:AttributeValue>'.repeat(1_500);
  const large = { attributeXml: `<saml:AttributeStatement><saml:Attribute Name="groups">${values}</saml:Attribute></saml:AttributeStatement>` };

  it('is refused for its signature value alone, however much it carries', async () => {
    for (const signed of ['assertion', 'response'] as const) {
      expect(await login(await attacker.good(large, { signed, key: otherKey }))).toBe(unsigned);
    }
  });

  it('is refused likewise before anything is decrypted', async () => {
    const encrypt = { certificate: spDecryption.certificate };
    expect(await login(await attacker.good({}, { signed: 'response', key: otherKey, encrypt }))).toBe(unsigned);
  });

  it('is refused where its SignedInfo is not small', async () => {
    const xml = await attacker.good();
    const list = `<ec:InclusiveNamespaces xmlns:ec="${ALGORITHMS.exclusive}" PrefixList="${'x '.repeat(9_000)}"/>`;
    const opened = xml.replace(
      /<ds:CanonicalizationMethod([^>]*)\/>/,
      (_, attributes) => `<ds:CanonicalizationMethod${attributes}>${list}</ds:CanonicalizationMethod>`,
    );
    expect(await login(opened)).toContain('(saml/signature-size)');
  });
});
