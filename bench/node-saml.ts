/**
 * A process of its own: node-saml validates responses by itself, one after the other, with an instance that is kept, as an application would.
 * What it costs is taken here, around the work, so that the way of the responses from the parent does not count.
 */
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import { ownUsage, timed } from './measure.ts';

export interface Asked {
  responses: string[];
  acsUrl: string;
  entityId: string;
  certificate: string;
  /** Which signatures must be good. */
  want: { response: boolean; assertion: boolean };
}

export interface Validated {
  /** Milliseconds of each by the clock, and CPU of this process for all of them. */
  times: number[];
  cpuMs: number;
  rssMb: number;
}

process.on('message', (asked: Asked | 'usage') => {
  if (asked === 'usage') return;
  validate(asked).then(
    (validated) => process.send?.(validated),
    (error: unknown) => {
      throw error;
    },
  );
});
process.on('disconnect', () => process.exit());
process.channel?.ref();
process.send?.('ready');

async function validate({ responses, ...settings }: Asked): Promise<Validated> {
  const saml = library(settings);
  const times: number[] = [];
  const before = await ownUsage();
  for (const SAMLResponse of responses) times.push(await timed(() => saml.validatePostResponseAsync({ SAMLResponse })));
  const after = await ownUsage();
  return { times, cpuMs: after.cpuMs - before.cpuMs, rssMb: after.rssMb };
}

/** The settings are those that the gateway demands of it. */
export function library({ acsUrl, entityId, certificate, want }: Omit<Asked, 'responses'>): SAML {
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
