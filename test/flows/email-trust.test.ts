/** Whose word on an e-mail may open an account that exists. */
import { expect, it } from '@jest/globals';
import type { Connection } from '../../src/core/tenant.ts';
import { emailTrust } from '../../src/flows/email-trust.ts';
import { makeTenant } from '../core/world.ts';

const tenant = makeTenant([]);
const [first] = tenant.connections;
const at = (trustEmail: Connection['trustEmail']) => ({ tenant, connection: { ...first, trustEmail, domains: ['acme.example'] } as Connection });
const said = { email: 'ada@Acme.example', verified: true };

it.each(['verified-claim', 'domains'] as const)('by %s an e-mail is trusted until another organisation proves its domain', (trustEmail) => {
  expect(emailTrust(at(trustEmail), said, false)).toEqual({ trusted: true });
  expect(emailTrust(at(trustEmail), said, true)).toEqual({
    trusted: false,
    why: 'another organisation has proved that acme.example is its own',
  });
});

it('a provider that denies the e-mail is heard whoever has the domain', () => {
  expect(emailTrust(at('domains'), { ...said, verified: false }, true)).toMatchObject({ trusted: false, denied: true });
});
