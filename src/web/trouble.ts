/** Pages for when it does not go on: refused, fault, store away. Calm, one layout; they differ in their words only. */
import type { RefusalCode } from '../core/refusal.ts';
import { contactLink, document } from './document.ts';
import { html } from './html.ts';
import { REFUSALS } from './refusals.ts';

/** Whose page it is, as far as that is known. */
export interface Whereabouts {
  reference: string;
  tenant: { id: string; name: string; contact: string | null } | null;
}

interface Words {
  code: string;
  title: string;
  text: string;
  next: string;
  offer: 'again' | 'ask' | 'none';
}

function troublePage(words: Words, { reference, tenant }: Whereabouts): string {
  const start = tenant === null ? '/' : `/t/${tenant.id}`;
  return document({
    title: words.title,
    tenantName: tenant?.name ?? null,
    width: 'narrow',
    body: html`<div class="card">
<h1>${words.title}</h1>
<p class="lead">${words.text}</p>
<p>${words.next}</p>
${tenant !== null && tenant.contact !== null && html`<p class="contact"><span>Who can help</span> ${contactLink(tenant.contact)}</p>`}
${words.offer !== 'none' && html`<p><a class="button${words.offer === 'again' && ' primary'}" href="${start}">${words.offer === 'again' ? 'Start again' : 'Back to sign-in'}</a></p>`}
<p class="trace">Reference <code>${reference}</code> <span>${words.code}</span></p>
</div>`,
  });
}

/** One page for every refusal code. */
export const refusalPage = (code: RefusalCode, at: Whereabouts): string => troublePage({ code, ...REFUSALS[code] }, at);

/** What a fault and an absent store are called, on pages and in JSON. */
export const FAULT = { code: 'fault', status: 500, title: 'Something went wrong on our side' } as const;
export const UNAVAILABLE = { code: 'unavailable', status: 503, title: 'We will be right back' } as const;

/** An error nobody expected: the reference is all it shows. */
export const faultPage = (at: Whereabouts): string =>
  troublePage(
    {
      ...FAULT,
      text: 'An unexpected error stopped us. It has been recorded.',
      next: 'Please try again. If it happens twice, tell your administrator the reference below.',
      offer: 'again',
    },
    at,
  );

/** A store is away. It recovers by itself, so the page asks for patience and nothing else. */
export const unavailablePage = (at: Whereabouts): string =>
  troublePage(
    {
      ...UNAVAILABLE,
      text: 'A part of the learning platform does not answer at the moment. Your account and your courses are safe.',
      next: 'Please try again in a minute.',
      offer: 'again',
    },
    at,
  );
