import { describe, expect, it } from '@jest/globals';
import { ATTACKS } from '../../../fixtures/saml/reject/attacks.ts';
import { toBase64 } from '../../../fixtures/saml/signer.ts';
import { Refusal } from '../../../src/core/refusal.ts';
import { attacker, NOW, providerOf, REQUEST } from './provider.ts';

const provider = providerOf();
const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => 'accepted',
    (error) => (error instanceof Refusal ? { code: error.code, check: error.check } : error),
  );

describe('the reject list', () => {
  it('has at least 45 attacks, each with a name of its own', () => {
    expect(ATTACKS.length).toBeGreaterThanOrEqual(45);
    expect(new Set(ATTACKS.map((attack) => attack.name)).size).toBe(ATTACKS.length);
  });

  for (const attack of ATTACKS.filter((one) => !one.replay)) {
    it(`${attack.name} is refused as ${attack.refused.check}`, async () => {
      const attempt = await attack.build(attacker);
      const samlResponse = typeof attempt === 'string' ? toBase64(attempt) : attempt.samlResponse;
      const requestId = attack.unsolicited ? null : REQUEST;
      expect(await refusalOf(provider.verify({ samlResponse, requestId, now: NOW }))).toEqual(attack.refused);
    });
  }

  for (const attack of ATTACKS.filter((one) => one.replay)) {
    it(`${attack.name} has the same id each time, to be remembered until it has expired`, async () => {
      const attempt = await attack.build(attacker);
      const message = { samlResponse: toBase64(attempt as string), requestId: REQUEST };
      const first = await provider.verify({ ...message, now: NOW });
      const second = await provider.verify({ ...message, now: new Date(NOW.getTime() + 60_000) });
      expect(second.id).toBe(first.id);
      expect(second.rememberUntil).toEqual(first.rememberUntil);
      expect(await refusalOf(provider.verify({ ...message, now: first.rememberUntil }))).toMatchObject({ code: 'message-expired' });
    });
  }
});
