import { describe, expect, it, jest } from '@jest/globals';
import { ALGORITHMS, ENCRYPTION, protectXml, responseXml, type Shape, testKey, toBase64 } from '../../../fixtures/saml/signer.ts';
import { PROVIDER_FACTS, PROVIDERS, providerResponse } from '../../../fixtures/saml/templates.ts';
import { SAML_PRESETS } from '../../../src/config/presets.ts';
import { Refusal } from '../../../src/core/refusal.ts';
import { attacker, type Differences, ENTITY_ID, idpKey, NOW, otherKey, PARTIES, providerOf, REQUEST, spDecryption } from './provider.ts';

const login = (xml: string, differences: Differences = {}, requestId: string | null = REQUEST) =>
  providerOf(differences).verify({ samlResponse: toBase64(xml), requestId, now: NOW });
const check = (work: Promise<unknown>) =>
  work.then(
    () => 'accepted',
    (error) => (error instanceof Refusal ? error.check : error),
  );

describe('a genuine response', () => {
  for (const signed of ['assertion', 'response', 'both'] as const) {
    for (const encryption of [null, ENCRYPTION.gcm256, ENCRYPTION.gcm128]) {
      if (encryption && signed === 'assertion') continue;
      it(`signed: ${signed}, ${encryption ? `encrypted with ${encryption.split('#')[1]}` : 'in clear'}, signs in whom it names`, async () => {
        const encrypt = encryption ? { encrypt: { certificate: spDecryption.certificate, algorithm: encryption } } : {};
        const assertion = await login(await attacker.good({ assertionId: '_the-one', sessionUntil: 3600 }, { signed, ...encrypt }));
        expect(assertion).toMatchObject({
          id: '_the-one',
          subject: 'acme-amara',
          nameId: { value: 'acme-amara', format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' },
          sessionIndex: '_session-1',
          rememberUntil: new Date(NOW.getTime() + 360_000),
          sessionNotOnOrAfter: new Date(NOW.getTime() + 3_600_000),
        });
        expect(assertion.statement).toMatchObject({
          profile: { email: 'amara@acme.example', givenName: 'Amara', familyName: 'Okafor' },
          groups: { said: 'listed', groups: ['All Staff', 'Sales'] },
        });
      });
    }
  }

  it('is accepted with SHA-512 and with inclusive canonicalization', async () => {
    const { rsaSha512, sha512, inclusive, enveloped } = ALGORITHMS;
    const sign = { signature: rsaSha512, digest: sha512, canonicalization: inclusive, transforms: [enveloped, inclusive] };
    expect((await login(await attacker.good({}, { signed: 'both', sign }))).subject).toBe('acme-amara');
  });

  it('is accepted with line breaks in the base64 and an XML declaration', async () => {
    const lines = toBase64(`<?xml version="1.0" encoding="UTF-8"?>\r\n${await attacker.good()}`).match(/.{1,76}/g)!;
    const login = providerOf().verify({ samlResponse: lines.join('\r\n'), requestId: REQUEST, now: NOW });
    expect((await login).subject).toBe('acme-amara');
  });

  it('is accepted up to the skew on either side, and not beyond', async () => {
    const at = async (seconds: number) => {
      const samlResponse = toBase64(await attacker.good({ notBefore: 0, notOnOrAfter: 300, confirmed: 300, issued: -60, authenticated: -60 }));
      return check(providerOf().verify({ samlResponse, requestId: REQUEST, now: new Date(NOW.getTime() + seconds * 1000) }));
    };
    expect([await at(-61), await at(-60), await at(359), await at(360)]).toEqual([
      'saml/not-yet-valid',
      'accepted',
      'accepted',
      'saml/confirmation-expired',
    ]);
  });

  it('is accepted whichever of several certificates signed it, also while keys roll over', async () => {
    const next = await testKey('idp.acme.example, next');
    const idp = { certificates: [otherKey.certificate, idpKey.certificate, next.certificate] };
    for (const key of [idpKey, next]) {
      for (const keyInfo of ['none', key.certificate]) {
        expect((await login(await attacker.good({}, { key, signed: 'both', sign: { keyInfo } }), { idp })).subject).toBe('acme-amara');
      }
    }
    expect(await check(login(await attacker.good({}, { key: next })))).toBe('saml/signature');
  });

  it('is accepted with bare base64 certificates from a tenant file', async () => {
    const bare = idpKey.certificate.replace(/-----[A-Z ]+-----/g, '');
    expect((await login(await attacker.good(), { idp: { certificates: [bare] } })).subject).toBe('acme-amara');
  });

  it('is accepted unsolicited where the connection allows that, and only where it answers nothing', async () => {
    const connection = { allowIdpInitiated: true };
    const unsolicited = { inResponseTo: null, confirmationInResponseTo: null };
    expect((await login(await attacker.good(unsolicited), { connection }, null)).subject).toBe('acme-amara');
    expect(await check(login(await attacker.good({ inResponseTo: null }), { connection }, null))).toBe('saml/confirmation-in-response-to');
    expect(await check(login(await attacker.good(), { connection }, null))).toBe('saml/in-response-to');
  });

  it('is accepted when one of several confirmations meets everything', async () => {
    const { confirmationXml } = await import('../../../fixtures/saml/signer.ts');
    const subject = `<saml:Subject><saml:NameID>acme-amara</saml:NameID>${confirmationXml(PARTIES, { recipient: 'https://other.example' })}${confirmationXml(PARTIES)}</saml:Subject>`;
    expect((await login(await attacker.good({ subject }))).subject).toBe('acme-amara');
  });

  it('says exactly the same when it comes again with another id and its groups in another order', async () => {
    const first = await login(await attacker.good({ attributes: [['groups', ['b', 'a']]] }));
    const second = await login(await attacker.good({ attributes: [['groups', ['a', 'b']]] }));
    expect(second.statement).toEqual(first.statement);
    expect(second.id).not.toBe(first.id);
  });

  it('is refused once the metadata it is trusted by has expired', async () => {
    const idp = { validUntil: new Date(NOW.getTime() - 1) };
    expect(await check(login(await attacker.good(), { idp }))).toBe('saml/metadata-expired');
  });
});

describe('what a connection demands', () => {
  const signedAs = (signed: 'assertion' | 'response' | 'both', wantSigned: 'either' | 'assertion' | 'response' | 'both') =>
    attacker.good({}, { signed }).then((xml) => check(login(xml, { connection: { wantSigned } })));

  it('is signed where it wants it signed', async () => {
    expect(await signedAs('assertion', 'response')).toBe('saml/response-unsigned');
    expect(await signedAs('response', 'assertion')).toBe('saml/assertion-unsigned');
    expect(await signedAs('response', 'both')).toBe('saml/assertion-unsigned');
    expect(await signedAs('assertion', 'both')).toBe('saml/response-unsigned');
    expect(await signedAs('both', 'both')).toBe('accepted');
    expect(await signedAs('assertion', 'assertion')).toBe('accepted');
    expect(await signedAs('response', 'response')).toBe('accepted');
  });

  it('holds for an assertion signed within its encryption', async () => {
    const encrypt = { certificate: spDecryption.certificate };
    const connection = { wantSigned: 'both' } as const;
    expect(await check(login(await attacker.good({}, { signed: 'both', encrypt }), { connection }))).toBe('accepted');
    expect(await check(login(await attacker.good({}, { signed: 'response', encrypt }), { connection }))).toBe('saml/signature');
  });

  it('is encrypted, or not, as it says', async () => {
    const encrypted = await attacker.good({}, { signed: 'response', encrypt: { certificate: spDecryption.certificate } });
    const clear = await attacker.good({}, { signed: 'response' });
    expect(await check(login(encrypted, { connection: { encryption: 'refused' } }))).toBe('saml/encrypted');
    expect(await check(login(clear, { connection: { encryption: 'required' } }))).toBe('saml/not-encrypted');
    expect(await check(login(encrypted, { connection: { encryption: 'required' } }))).toBe('accepted');
  });

  for (const algorithm of [ENCRYPTION.cbc128, ENCRYPTION.cbc256, ENCRYPTION.tripleDes]) {
    it(`allows ${algorithm.split('#')[1]} by its switch only`, async () => {
      // xml-encryption warns of 3DES on the console, rightly.
      jest.spyOn(console, 'warn').mockImplementation(() => {});
      const xml = await attacker.good({}, { signed: 'response', encrypt: { certificate: spDecryption.certificate, algorithm } });
      expect(await check(login(xml))).toBe('saml/encryption-cbc');
      expect((await login(xml, { connection: { allowCbc: true } })).subject).toBe('acme-amara');
    });
  }
});

describe('well-known providers', () => {
  const expectations = {
    entra: {
      subject: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
      groups: ['5b0c2d8e-0d6e-4b0e-9d4e-000000000001', '5b0c2d8e-0d6e-4b0e-9d4e-000000000002'],
    },
    okta: { subject: 'amara@acme.example', groups: ['Everyone', 'Sales'] },
    google: { subject: 'amara@acme.example', groups: ['Sales'] },
    keycloak: { subject: 'G-0c5f7f7e-1d55-4f0b-9a53-53d4f0a1acde', groups: ['/Sales', '/Sales/EMEA'] },
    adfs: { subject: 'S-1-5-21-1004336348-1177238915-682003330-1105', groups: ['Domain Users', 'Sales'] },
  };
  for (const name of PROVIDERS) {
    const { entityId, signed } = PROVIDER_FACTS[name];
    const differences = { connection: { preset: name, claims: SAML_PRESETS[name].claims }, idp: { entityId } };
    const xml = providerResponse(name, { ...PARTIES, idpEntityId: entityId });

    it(`${name} signs in by its preset`, async () => {
      const { subject, statement } = await login(await protectXml(xml, { signed, key: idpKey }), differences);
      expect({ subject, groups: statement.groups }).toEqual({
        subject: expectations[name].subject,
        groups: { said: 'listed', groups: expectations[name].groups },
      });
      expect(JSON.stringify(statement)).not.toContain('authnmethodsreferences');
    });

    it(`${name} signs in encrypted`, async () => {
      const encrypt = { certificate: spDecryption.certificate };
      const { subject } = await login(await protectXml(xml, { signed: 'response', key: idpKey, encrypt }), differences);
      expect(subject).toBe(expectations[name].subject);
    });
  }
});

describe('what is said of the person', () => {
  const said = async (shape: Shape, differences: Differences = {}) => (await login(responseSigned(shape), differences)).statement;
  const responseSigned = (shape: Shape) => attacker.sign(responseXml(PARTIES, shape), { what: 'response' });
  const values = (name: string, inner: string) =>
    `<saml:AttributeStatement><saml:Attribute Name="${name}">${inner}</saml:Attribute></saml:AttributeStatement>`;

  it('tells absent, empty, nil, overflowing and unreadable groups apart', async () => {
    const groups = async (attributeXml: string) => (await said({ attributeXml })).groups;
    expect(await groups('')).toEqual({ said: 'absent' });
    expect(await groups(values('groups', ''))).toEqual({ said: 'listed', groups: [] });
    expect(await groups(values('groups', '<saml:AttributeValue xsi:nil="true"/>'))).toEqual({ said: 'listed', groups: [] });
    const link = values('http://schemas.microsoft.com/claims/groups.link', '<saml:AttributeValue>https://graph.windows.net/x</saml:AttributeValue>');
    expect((await groups(link)).said).toBe('overflow');
    expect((await groups(values('groups', '<saml:AttributeValue><x xmlns="urn:x">Sales</x></saml:AttributeValue>'))).said).toBe('unreadable');
  });

  it('does not take an unreadable value among groups for a shorter list', async () => {
    const mixed = values('groups', '<saml:AttributeValue>Sales</saml:AttributeValue><saml:AttributeValue><x xmlns="urn:x"/></saml:AttributeValue>');
    expect((await said({ attributeXml: mixed })).groups.said).toBe('unreadable');
  });

  it('reads attributes by Name and never by FriendlyName, and joins those of one Name', async () => {
    const attributeXml =
      '<saml:AttributeStatement><saml:Attribute Name="urn:other" FriendlyName="groups"><saml:AttributeValue>Executives</saml:AttributeValue></saml:Attribute>' +
      '<saml:Attribute Name="groups"><saml:AttributeValue>A</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>' +
      '<saml:AttributeStatement><saml:Attribute Name="groups"><saml:AttributeValue>B</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>';
    const statement = await said({ attributeXml });
    expect(statement.groups).toEqual({ said: 'listed', groups: ['A', 'B'] });
    expect(statement.claims).toEqual({ 'urn:other': ['Executives'] });
  });

  it('keeps claims named like prototypes as claims', async () => {
    const statement = await said({
      attributes: [
        ['__proto__', ['polluted']],
        ['constructor', ['x']],
        ['email', ['amara@acme.example']],
      ],
    });
    expect(Object.getOwnPropertyNames(statement.claims)).toEqual(expect.arrayContaining(['__proto__', 'constructor']));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('takes the e-mail from the NameID where a connection says so', async () => {
    const statement = await said({ nameId: 'amara@acme.example', attributes: [] });
    expect(statement.profile.email).toBe('amara@acme.example');
  });

  it('keeps accents and apostrophes as they were sent', async () => {
    const statement = await said({
      attributes: [
        ['givenName', ['Zoë']],
        ['familyName', ["O'Brien-Núñez & <Co>"]],
      ],
    });
    expect(statement.profile).toMatchObject({ givenName: 'Zoë', familyName: "O'Brien-Núñez & <Co>" });
  });

  it('reads a name wrapped in a NameID', async () => {
    const attributeXml = values('targetedID', '<saml:AttributeValue><saml:NameID NameQualifier="x">abc</saml:NameID></saml:AttributeValue>');
    expect((await said({ attributeXml })).claims['targetedID']).toEqual(['abc']);
  });
});

describe('the subject', () => {
  const subject = async (shape: Shape, claim: string[] = ['@nameid']) => {
    const claims = { ...SAML_PRESETS.generic.claims, subject: claim };
    return (await login(await attacker.good(shape), { connection: { claims } })).subject;
  };

  it('holds the qualifiers of a persistent NameID where they say more than who we two are', async () => {
    expect(await subject({ nameIdAttributes: ` NameQualifier="${PARTIES.idpEntityId}" SPNameQualifier="${ENTITY_ID}"` })).toBe('acme-amara');
    expect(await subject({ nameIdAttributes: ' SPNameQualifier="urn:affiliation"' })).toBe('["acme-amara",null,"urn:affiliation"]');
    expect(await subject({ nameId: '["acme-amara",null,"urn:affiliation"]' })).not.toBe('["acme-amara",null,"urn:affiliation"]');
  });

  it('is the configured attribute, which must be single', async () => {
    expect(await subject({ attributes: [['userUID', ['00u1']]] }, ['userUID'])).toBe('00u1');
    expect(await check(subject({ attributes: [['userUID', ['00u1', '00u2']]] }, ['userUID']))).toBe('saml/subject-claim');
    expect(await check(subject({ attributes: [] }, ['userUID']))).toBe('saml/subject-claim');
  });

  it('may be an attribute beside a transient NameID', async () => {
    const shape = { nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient', attributes: [['uid', ['u1']]] as const };
    expect(await subject(shape, ['uid', '@nameid'])).toBe('u1');
  });
});
