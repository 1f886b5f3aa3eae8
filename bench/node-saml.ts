/** A process of its own: node-saml validates responses by itself, as a strategy that an application keeps would. Its parent sends them in batches. */
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import { timed } from './measure.ts';

export interface Batch {
  responses: string[];
  acsUrl: string;
  entityId: string;
  certificate: string;
  /** Which signatures must be good. */
  want: { response: boolean; assertion: boolean };
}

process.on('message', (batch: Batch | 'usage') => {
  if (batch === 'usage') return;
  validate(batch).then(
    (times) => process.send?.({ times }),
    (error: unknown) => {
      throw error;
    },
  );
});
process.on('disconnect', () => process.exit());
process.channel?.ref();
process.send?.('ready');

const instances = new Map<string, SAML>();

async function validate({ responses, ...settings }: Batch): Promise<number[]> {
  const known = JSON.stringify(settings);
  const saml = instances.get(known) ?? library(settings);
  instances.set(known, saml);
  const times: number[] = [];
  for (const SAMLResponse of responses) times.push(await timed(() => saml.validatePostResponseAsync({ SAMLResponse })));
  return times;
}

/** The settings are those that the gateway demands of it. */
function library({ acsUrl, entityId, certificate, want }: Omit<Batch, 'responses'>): SAML {
  return new SAML({
    callbackUrl: acsUrl,
    issuer: entityId,
    audience: entityId,
    idpCert: certificate,
    wantAuthnResponseSigned: want.response,
    wantAssertionsSigned: want.assertion,
    validateInResponseTo: ValidateInResponseTo.always,
    // Every request is a known one: what is measured is the validation, not a memory.
    cacheProvider: { saveAsync: async () => null, getAsync: async () => new Date().toISOString(), removeAsync: async () => null },
    acceptedClockSkewMs: 60_000,
    disableRequestedAuthnContext: true,
    identifierFormat: null,
  });
}
