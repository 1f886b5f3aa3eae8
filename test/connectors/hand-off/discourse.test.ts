/** DiscourseConnect: the forum's question is answered, and nobody else's. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { discoursePassage } from '../../../src/connectors/hand-off/discourse.ts';
import { Refusal } from '../../../src/core/refusal.ts';
import type { DiscourseHandOff } from '../../../src/core/tenant.ts';
import { entry } from './entry.ts';

const forum: DiscourseHandOff = { id: 'forum', name: 'Forum', kind: 'discourse', url: 'https://forum.example', secret: 'env:FORUM' };
const secret = 'd836444a9e4084d5b224a60c208dce14';
const NONCE = 'cb68251eefb5211e58c00ff1395f0c0b';
const BACK = 'https://forum.example/session/sso_login';

const sign = (sso: string, key = secret) => createHmac('sha256', key).update(sso).digest('hex');
const base64 = (text: string) => Buffer.from(text).toString('base64');
const asked = (said: Record<string, string> = {}) => {
  const sso = base64(new URLSearchParams({ nonce: NONCE, return_sso_url: BACK, ...said }).toString());
  return { sso, sig: sign(sso) };
};
const answer = (question: { sso: string; sig: string }, at = entry()) => {
  const passage = discoursePassage(forum, { secret, question }, at);
  const url = new URL(passage.url);
  const sso = url.searchParams.get('sso')!;
  return {
    kind: passage.kind,
    url,
    sso,
    sig: url.searchParams.get('sig'),
    said: Object.fromEntries(new URLSearchParams(Buffer.from(sso, 'base64').toString())),
  };
};
const refusalOf = (work: () => unknown): Pick<Refusal, 'code' | 'check'> => {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code, check: error.check };
    throw error;
  }
  throw new Error('it was not refused');
};

describe('a question of the forum', () => {
  it('is answered at the forum with its nonce, signed over the text as it is sent', () => {
    const { kind, url, sso, sig, said } = answer(asked());
    expect(kind).toBe('redirect');
    expect(url.origin + url.pathname).toBe(BACK);
    expect([...url.searchParams.keys()]).toEqual(['sso', 'sig']);
    expect(sig).toBe(sign(sso));
    expect(said).toEqual({
      nonce: NONCE,
      external_id: '01900000-0000-7000-8000-000000000001',
      email: 'zoe.onee@acme.example',
      username: 'zoe',
      name: "Zoë O'Née",
    });
  });

  // https://meta.discourse.org/t/13045: the vendor's own worked example.
  it("is known by the vendor's published signature", () => {
    const sso = 'bm9uY2U9Y2I2ODI1MWVlZmI1MjExZTU4YzAwZmYxMzk1ZjBjMGI=\n';
    const sig = '2828aa29899722b35a2f191d34ef9b3ce695e0e6eeec47deb46d588d70c7cb56';
    expect(sign(sso)).toBe(sig);
    // It names no place to answer to: known, and then refused for that.
    expect(refusalOf(() => answer({ sso, sig }))).toEqual({ code: 'return-to-refused', check: 'hand-off/discourse-return' });
  });

  it('is answered with base64 that was wrapped, too', () => {
    const { sso } = asked();
    const wrapped = `${sso.match(/.{1,60}/g)!.join('\n')}\n`;
    expect(answer({ sso: wrapped, sig: sign(wrapped) }).said['nonce']).toBe(NONCE);
  });

  it('asks the forum to have an e-mail proved that nobody vouches for', () => {
    expect(answer(asked(), entry({ person: { emailTrusted: false } })).said['require_activation']).toBe('true');
    expect(answer(asked()).said).not.toHaveProperty('require_activation');
  });

  it('that says who is an administrator changes nothing in the answer', () => {
    expect(answer(asked({ admin: 'true', external_id: '1', email: 'root@forum.example' })).said).toEqual(answer(asked()).said);
  });

  it('by somebody without an e-mail gets no answer', () => {
    expect(refusalOf(() => answer(asked(), entry({ person: { email: '' } })))).toEqual({ code: 'profile-incomplete', check: 'hand-off/email' });
  });
});

describe('is refused', () => {
  const good = asked();
  const signature = { code: 'request-malformed', check: 'hand-off/discourse-signature' };
  const place = { code: 'return-to-refused', check: 'hand-off/discourse-return' };

  it.each([
    ['another secret', { ...good, sig: sign(good.sso, 'another') }],
    ['a question changed after it was signed', { ...asked({ return_sso_url: 'https://evil.example/session/sso_login' }), sig: good.sig }],
    ['no signature', { ...good, sig: '' }],
    ['no question', { sso: '', sig: good.sig }],
    ['half a signature', { ...good, sig: good.sig.slice(0, 32) }],
    ['capitals: the forum writes none', { ...good, sig: good.sig.toUpperCase() }],
    ['white space around the signature', { ...good, sig: `${good.sig} ` }],
    ['the signature of the decoded text', { ...good, sig: sign(Buffer.from(good.sso, 'base64').toString()) }],
  ])('a question with %s', (_name, question) => {
    expect(refusalOf(() => answer(question))).toEqual(signature);
  });

  it.each([
    'https://evil.example/session/sso_login',
    'https://forum.example.evil.example/session/sso_login',
    'https://forum.example@evil.example/session/sso_login',
    'http://forum.example/session/sso_login',
    'https://forum.example:8443/session/sso_login',
    'https://forum.example/session/sso_login/../../redirect',
    'https://forum.example/session/sso_login?next=//evil.example',
    'https://forum.example/session/sso_login#x',
    'https://forum.example/elsewhere',
    '//evil.example/session/sso_login',
    'javascript:alert(1)',
    '',
  ])('even by the forum, an answer at %j', (return_sso_url) => {
    expect(refusalOf(() => answer(asked({ return_sso_url })))).toEqual(place);
  });

  it('two nonces, none, and two places, however they are signed', () => {
    const signed = (text: string) => ({ sso: base64(text), sig: sign(base64(text)) });
    const nonce = { code: 'request-malformed', check: 'hand-off/discourse-nonce' };
    const back = `return_sso_url=${encodeURIComponent(BACK)}`;
    expect(refusalOf(() => answer(signed(`nonce=a&nonce=b&${back}`)))).toEqual(nonce);
    expect(refusalOf(() => answer(signed(back)))).toEqual(nonce);
    expect(refusalOf(() => answer(signed(`nonce=a&${back}&return_sso_url=https%3A%2F%2Fevil.example`)))).toEqual(place);
  });

  it('a question of any length', () => {
    const sso = base64(`nonce=${'n'.repeat(5000)}`);
    expect(refusalOf(() => answer({ sso, sig: sign(sso) }))).toEqual({ code: 'request-malformed', check: 'hand-off/discourse-question' });
  });
});

describe('without a question', () => {
  const begin = (returnTo: string | null) => discoursePassage(forum, { secret, question: null }, entry({ returnTo }));

  it('the browser goes to the forum to fetch one', () => {
    expect(begin(null)).toEqual({ kind: 'redirect', url: 'https://forum.example/session/sso' });
  });

  it('with the place it wants to see there, and no other place', () => {
    expect(begin('https://forum.example/t/welcome/7?page=2').url).toBe('https://forum.example/session/sso?return_path=%2Ft%2Fwelcome%2F7%3Fpage%3D2');
    expect(begin('https://elsewhere.example/t/welcome/7').url).toBe('https://forum.example/session/sso');
  });
});
