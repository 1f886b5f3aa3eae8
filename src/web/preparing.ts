/** On the way into a learning platform: it is not ready for the learner yet, or a form carries them there. */
import type { Tenant } from '../core/tenant.ts';
import { contactLink, document } from './document.ts';
import { html } from './html.ts';

const SECONDS = { soon: 2, later: 10 } as const;

/** `again`: our own path that asks anew. `long`: it takes longer than people should have to wonder about. */
export function preparingPage(at: {
  tenant: Pick<Tenant, 'id' | 'name' | 'contact'>;
  handOffName: string;
  again: string;
  long: boolean;
  reference: string;
}): string {
  const { tenant, handOffName, long } = at;
  return document({
    title: 'Preparing your courses',
    tenantName: tenant.name,
    width: 'narrow',
    refreshTo: at.again,
    refreshAfter: long ? SECONDS.later : SECONDS.soon,
    body: html`<div class="card">
<h1>Preparing your courses</h1>
<p class="lead" role="status">${
      long
        ? `This takes longer than usual. ${handOffName} is slow or cannot be reached just now. Nothing is lost: your courses come as soon as it answers.`
        : `You are signed in. Your place at ${handOffName} is being made ready; this page takes you there by itself.`
    }</p>
${long && html`<p>You can leave this page open, or close it and come back later. If it is still like this in an hour, tell your administrator the reference below.</p>`}
${long && tenant.contact !== null && html`<p class="contact"><span>Who can help</span> ${contactLink(tenant.contact)}</p>`}
<p><a class="button" href="${at.again}">Try now</a></p>
<p>Your courses are listed in <a href="/t/${tenant.id}/learning">My learning</a>.</p>
${long && html`<p class="trace">Reference <code>${at.reference}</code></p>`}
</div>`,
  });
}

/** The script sends the form; without JavaScript the button does. */
export function goingPage(to: { tenantName: string; handOffName: string; url: string; fields: Record<string, string> }): string {
  const inputs = Object.entries(to.fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
  return document({
    title: `Opening ${to.handOffName}`,
    tenantName: to.tenantName,
    width: 'narrow',
    submits: true,
    body: html`<div class="card">
<h1>Opening ${to.handOffName}…</h1>
<p class="lead">If nothing happens, continue here.</p>
<form method="post" action="${to.url}" data-submit>
${inputs}
<button class="primary" type="submit">Continue</button>
</form>
</div>`,
  });
}
