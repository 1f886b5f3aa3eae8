import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from '@jest/globals';
import { PEOPLE } from '../../../fixtures/sample-idp/people.ts';
import { type SamlIdpOptions, startSamlIdp } from '../../../fixtures/sample-idp/saml-idp.ts';
import { Refusal } from '../../../src/core/refusal.ts';
import { createSamlProvider, readIdpMetadata, type SamlProvider } from '../../../src/protocols/saml/saml.ts';
import { contextOf } from './provider.ts';

const closing: (() => unknown)[] = [];
afterAll(() => Promise.all(closing.map((close) => close())));

/** Our side at a loopback address, so that the provider can read our metadata there. */
async function world(options: SamlIdpOptions = {}, binding: 'redirect' | 'post' = 'redirect', allowCbc = false) {
  const idp = await startSamlIdp(options);
  let provider: SamlProvider;
  const server = createServer((_, response) => response.end(provider.metadata()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(idp.close, () => server.close());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const metadata = await (await fetch(idp.metadataUrl)).text();
  provider = createSamlProvider({
    ...contextOf({ connection: { binding, allowCbc } }),
    entityId: `${base}/metadata`,
    acsUrl: `${base}/acs`,
    idp: readIdpMetadata(metadata, { now: new Date(), loopback: true }),
    loopback: true,
  });
  return { idp, provider };
}

const unescaped = (text: string) => text.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
const field = (html: string, name: string) => unescaped(new RegExp(`name="${name}" value="([^"]*)"`).exec(html)![1]!);

/** Departs, picks the person, and brings back what the form holds. */
async function visit(provider: SamlProvider, person: string | null) {
  const departure = await provider.start({ requestId: '_request1', relayState: 'handle', loginHint: null, now: new Date() });
  const who: Record<string, string> = person === null ? {} : { person };
  const answer =
    departure.kind === 'redirect'
      ? await fetch(`${departure.url}${person === null ? '' : `&person=${person}`}`)
      : await fetch(departure.url, { method: 'POST', body: new URLSearchParams({ ...departure.fields, ...who }) });
  return { status: answer.status, html: await answer.text() };
}

async function signIn(provider: SamlProvider, person: string) {
  const { html } = await visit(provider, person);
  expect(field(html, 'RelayState')).toBe('handle');
  return provider.verify({ samlResponse: field(html, 'SAMLResponse'), requestId: '_request1', now: new Date() });
}

describe('the sample provider', () => {
  for (const binding of ['redirect', 'post'] as const) {
    for (const signed of ['response', 'assertion', 'both'] as const) {
      it(`signs people in by ${binding}, signed: ${signed}`, async () => {
        const { provider } = await world({ signed, wantSignedRequests: true }, binding);
        const { subject, statement } = await signIn(provider, 'acme-zoe');
        expect(subject).toBe('acme-zoe');
        expect(statement.profile).toMatchObject({ email: 'zoe@acme.example', familyName: "O'Brien-Núñez" });
      });
    }
  }

  it('encrypts for the key in our metadata', async () => {
    const gcm = await world({ encrypt: true });
    expect((await signIn(gcm.provider, 'acme-amara')).subject).toBe('acme-amara');
    const cbc = await world({ encrypt: 'cbc' }, 'redirect', true);
    expect((await signIn(cbc.provider, 'acme-amara')).subject).toBe('acme-amara');
  });

  it('lists its people as links that work without a script', async () => {
    const { provider, idp } = await world();
    const { html } = await visit(provider, null);
    for (const { displayName } of PEOPLE) expect(html).toContain(`>${displayName.replaceAll('&', '&amp;')}</a>`);
    const link = unescaped(/href="([^"]+)">Amara Okafor/.exec(html)![1]!);
    expect(await (await fetch(idp.url + link)).text()).toContain('<button>Continue</button>');
  });

  it('tells all groups, no groups and no group claim apart', async () => {
    const { provider } = await world();
    const many = (await signIn(provider, 'acme-many')).statement.groups;
    expect(many.said === 'listed' && many.groups.length).toBe(250);
    expect((await signIn(provider, 'acme-quiet')).statement.groups).toEqual({ said: 'absent' });
    expect((await signIn(provider, 'acme-nobody')).statement.groups).toEqual({ said: 'listed', groups: [] });
  });

  it('says from now on what it was told of its people', async () => {
    const { provider, idp } = await world();
    idp.setPeople(PEOPLE.map((person) => (person.id === 'acme-amara' ? { ...person, groups: ['All Staff'] } : person)));
    expect((await signIn(provider, 'acme-amara')).statement.groups).toEqual({ said: 'listed', groups: ['All Staff'] });
  });

  it('declines when asked to, and that is its refusal and not ours', async () => {
    const { provider } = await world();
    const refused = signIn(provider, '-');
    await expect(refused).rejects.toBeInstanceOf(Refusal);
    await expect(refused).rejects.toMatchObject({ code: 'provider-refused', check: 'saml/status' });
  });

  it('answers only requests whose signature holds', async () => {
    const { provider } = await world();
    const departure = await provider.start({ requestId: '_request1', relayState: 'handle', loginHint: null, now: new Date() });
    const changed = departure.url.replace('RelayState=handle', 'RelayState=other');
    expect((await fetch(`${changed}&person=acme-amara`)).status).toBe(400);
  });
});
