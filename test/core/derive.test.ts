import { describe, expect, it } from '@jest/globals';
import type { EmailTrust } from '../../src/core/intent.ts';
import { assertion, grantsOf, makeMemory, makeTenant, rule } from './world.ts';

const byDomain = makeTenant([rule('staff', { kind: 'emailDomain', domain: 'acme.example' }, ['bundle:1'], 'admin')]);
const signIn = (emailTrust: EmailTrust) => assertion('sso', 'ada', { groups: [] }, emailTrust);

describe('a rule on the e-mail domain', () => {
  it('does not hold for an e-mail that its provider says is not verified, and gives it no role', () => {
    const memory = makeMemory(byDomain);
    memory.run(signIn({ trusted: false, why: 'the provider says so', denied: true }));
    expect(grantsOf(memory.only())).toEqual([]);
    expect(memory.only().user.role).toBe('learner');
  });

  it('holds where the provider says nothing of it, and from the sign-in on that says it is verified', () => {
    const memory = makeMemory(byDomain);
    memory.run(signIn({ trusted: false, why: 'nothing said' }));
    expect(grantsOf(memory.only())).toEqual(['bundle:1 connection:sso staff']);
    memory.run(signIn({ trusted: false, why: 'the provider says so', denied: true }));
    expect(grantsOf(memory.only())).toEqual([]);
    memory.run(signIn({ trusted: true }));
    expect(grantsOf(memory.only())).toEqual(['bundle:1 connection:sso staff']);
  });
});

describe('a name', () => {
  it('is put together where the provider sends its parts only, and follows them', () => {
    const memory = makeMemory(makeTenant([]));
    memory.run(assertion('sso', 'ada', { profile: { givenName: 'Ada', familyName: 'Byron' } }));
    expect(memory.only().user.displayName).toBe('Ada Byron');
    memory.run(assertion('sso', 'ada', { profile: { givenName: 'Ada', familyName: 'Lovelace' } }));
    expect(memory.only().user.displayName).toBe('Ada Lovelace');
    memory.run(assertion('sso', 'ada', { profile: { displayName: 'Countess Lovelace' } }));
    expect(memory.only().user.displayName).toBe('Countess Lovelace');
  });
});
