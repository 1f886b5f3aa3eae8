import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { TerminalFailure } from '../../../src/connectors/connector.ts';
import { readSigningKeys, signatureOf } from '../../../src/connectors/webhook/signature.ts';
import { isSigned } from './receiver.ts';
import { newPair, newSecret } from './world.ts';

const timestamp = Math.floor(Date.now() / 1000);
const headersOf = (id: string, signature: string) => ({ 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signature });

describe('a signature', () => {
  it('of any message by any secret is what the reference library makes, and accepts', () => {
    const secrets = fc.uint8Array({ minLength: 24, maxLength: 64 }).map((bytes) => `whsec_${Buffer.from(bytes).toString('base64')}`);
    const bodies = fc.json().filter((text) => text !== '');
    fc.assert(
      fc.property(secrets, bodies, fc.stringMatching(/^msg_[A-Za-z0-9_-]{1,43}$/), (secret, body, id) => {
        const signature = signatureOf({ id, timestamp, body }, readSigningKeys([secret]));
        expect(signature).toBe(new Webhook(secret).sign(id, new Date(timestamp * 1000), body));
        expect(() => new Webhook(secret).verify(body, headersOf(id, signature))).not.toThrow();
      }),
    );
  });

  it('during a rotation is by both secrets, the newest first, and each alone is enough', () => {
    const [newest, older, stranger] = [newSecret(), newSecret(24), newSecret(64)];
    const signature = signatureOf({ id: 'msg_1', timestamp, body: '{"a":1}' }, readSigningKeys([newest, older]));
    const only = (secret: string) => signatureOf({ id: 'msg_1', timestamp, body: '{"a":1}' }, readSigningKeys([secret]));
    expect(signature).toBe(`${only(newest)} ${only(older)}`);
    const taken = [newest, older, stranger].map((secret) => isSigned(secret, headersOf('msg_1', signature), '{"a":1}'));
    expect(taken).toEqual([true, true, false]);
  });

  it('by a key pair is checked with its public half, beside a secret too', () => {
    const [pair, other] = [newPair(), newPair()];
    const secret = newSecret();
    for (const written of [pair.secret, pair.long]) {
      const signature = signatureOf({ id: 'msg_1', timestamp, body: '{}' }, readSigningKeys([written, secret]));
      expect(signature).toMatch(/^v1a,[A-Za-z0-9+/]{86}== v1,[A-Za-z0-9+/]{43}=$/);
      const taken = [pair.public, secret, other.public].map((one) => isSigned(one, headersOf('msg_1', signature), '{}'));
      expect(taken).toEqual([true, true, false]);
      expect(isSigned(pair.public, headersOf('msg_1', signature), '{ }')).toBe(false);
    }
  });
});

describe('a secret that cannot be used', () => {
  const short = randomBytes(23).toString('base64');
  const [one, two] = [newPair(), newPair()];
  const mixed = Buffer.concat([Buffer.from(one.secret.slice(5), 'base64'), Buffer.from(two.public.slice(5), 'base64')]).toString('base64');
  it.each([
    ['no prefix', randomBytes(32).toString('base64'), /begins with neither whsec_ nor whsk_/],
    ['a public key', one.public, /begins with neither/],
    ['no base64', `whsec_${'?'.repeat(44)}`, /not in base64/],
    ['half base64', `whsec_${randomBytes(32).toString('base64').slice(0, 40)}!hush`, /not in base64/],
    ['nothing behind the prefix', 'whsec_', /not in base64/],
    ['too short', `whsec_${short}`, /23 bytes, not 24 to 64/],
    ['too long', `whsec_${randomBytes(65).toString('base64')}`, /65 bytes, not 24 to 64/],
    ['no Ed25519 key', `whsk_${randomBytes(33).toString('base64')}`, /33 bytes, not 32 or 64/],
    ['a pair that is none', `whsk_${mixed}`, /halves do not fit/],
  ])('is named and never shown: %s', (_what, secret, why) => {
    let failure: unknown;
    try {
      readSigningKeys([newSecret(), secret]);
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(TerminalFailure);
    expect(failure).toMatchObject({ code: 'configuration', scope: 'platform', message: expect.stringMatching(/secret 2 of 2/) });
    expect((failure as Error).message).toMatch(why);
    for (const part of [secret, secret.slice(6, 18)]) if (part.length > 6) expect((failure as Error).message).not.toContain(part);
  });

  it('is the same as none at all', () => {
    expect(() => readSigningKeys([])).toThrow(/no secret/);
  });
});
