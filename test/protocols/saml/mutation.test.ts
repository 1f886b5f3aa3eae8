import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { toBase64 } from '../../../fixtures/saml/signer.ts';
import { Refusal } from '../../../src/core/refusal.ts';
import { attacker, NOW, providerOf, REQUEST, spDecryption } from './provider.ts';

const provider = providerOf();
const documents = await Promise.all([
  attacker.good({}, { signed: 'assertion' }),
  attacker.good({}, { signed: 'response' }),
  attacker.good({}, { signed: 'both' }),
  attacker.good({}, { signed: 'response', encrypt: { certificate: spDecryption.certificate } }),
]);

/** Everything but the id: what a login would rest on. */
const outcome = (xml: string) =>
  provider.verify({ samlResponse: toBase64(xml), requestId: REQUEST, now: NOW }).then(
    ({ subject, statement, nameId }) => JSON.stringify({ subject, statement, nameId }),
    (error) => (error instanceof Refusal && error.check.startsWith('saml/') ? 'refused' : Promise.reject(error)),
  );

const genuine = await outcome(documents[0]!);
const seeds = process.env['SAML_MUTATIONS'] ? Number(process.env['SAML_MUTATIONS']) : 150;

describe('a signed document that was changed', () => {
  it('never says anything else, and never ends in a fault: single bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: documents.length - 1 }),
        fc.double({ min: 0, max: 0.999999, noNaN: true }),
        fc.integer({ min: 32, max: 126 }),
        async (which, at, byte) => {
          const xml = documents[which]!;
          const index = Math.floor(at * xml.length);
          const changed = `${xml.slice(0, index)}${String.fromCharCode(byte)}${xml.slice(index + 1)}`;
          expect(['refused', genuine]).toContain(await outcome(changed));
        },
      ),
      { numRuns: seeds },
    );
  });

  it('never says anything else, and never ends in a fault: pieces cut, doubled and moved', async () => {
    const place = fc.double({ min: 0, max: 0.999999, noNaN: true });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: documents.length - 1 }), place, place, place, fc.boolean(), async (which, a, b, c, keep) => {
        const xml = documents[which]!;
        // Elements, so that the result is often well-formed.
        const cuts = [...xml.matchAll(/<(?!\/)/g)].map((match) => match.index);
        const [from, to] = [a, b].map((x) => cuts[Math.floor(x * cuts.length)]!).sort((x, y) => x - y) as [number, number];
        const piece = xml.slice(from, to);
        const rest = keep ? xml : xml.slice(0, from) + xml.slice(to);
        const at = Math.min(rest.length, cuts[Math.floor(c * cuts.length)]!);
        expect(['refused', genuine]).toContain(await outcome(rest.slice(0, at) + piece + rest.slice(at)));
      }),
      { numRuns: seeds },
    );
  });

  it('never says anything else: one name swapped for another', async () => {
    const names = [
      'acme-amara',
      'Sales',
      'email',
      'groups',
      'saml:Assertion',
      'saml:NameID',
      'saml:Advice',
      'ds:Signature',
      'samlp:Extensions',
      'ID=',
      'Id=',
      'URI=',
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: documents.length - 1 }),
        fc.constantFrom(...names),
        fc.constantFrom(...names),
        fc.boolean(),
        async (which, from, to, all) => {
          const xml = documents[which]!;
          expect(['refused', genuine]).toContain(await outcome(all ? xml.replaceAll(from, to) : xml.replace(from, to)));
        },
      ),
      { numRuns: seeds },
    );
  });
});
