/** Pages on the way in and out: e-mail first, chooser, going on to the provider, signed out. */
import { document } from './document.ts';
import { html } from './html.ts';

/** One way to sign in, as the chooser shows it. `href` is a path of ours. */
export interface Way {
  href: string;
  name: string;
  /** Shown where the ways belong to several organisations. */
  organisation: string | null;
}

/** What the person typed, and what to say about it. */
export interface EmailForm {
  email: string;
  problem: { text: string; reference: string; code: string } | null;
}

/** `GET /` and its answers: asks for the e-mail address, whose domain finds the connection. */
export function emailPage({ email, problem }: EmailForm): string {
  return document({
    title: 'Sign in',
    tenantName: null,
    width: 'narrow',
    body: html`<div class="card">
<h1>Sign in to your learning</h1>
<p class="lead">Enter your work e-mail address and we take you to your organisation’s sign-in.</p>
<form method="post" action="/">
<label for="email">Work e-mail address</label>
<input id="email" name="email" type="email" required maxlength="254" autocomplete="username" autocapitalize="none" spellcheck="false" placeholder="you@company.example" value="${email}" autofocus${problem && html` aria-invalid="true" aria-describedby="problem"`}>
${problem && html`<p id="problem" class="problem" role="alert">${problem.text}</p>`}
<button class="primary" type="submit">Continue</button>
</form>
<p class="hint">We never ask for your password here. Your organisation does.</p>
${problem && html`<p class="trace">Reference <code>${problem.reference}</code> <span>${problem.code}</span></p>`}
</div>`,
  });
}

const wayLink = (way: Way) =>
  html`<li><a class="way" href="${way.href}"><span class="way-text"><strong>${way.name}</strong>${way.organisation !== null && html`<small>${way.organisation}</small>`}</span><span class="arrow" aria-hidden="true">→</span></a></li>`;

/** `GET /t/{tenant}` and wherever several connections fit. `note` says why the person is here again, if there is a reason. */
export function chooserPage(at: { tenantName: string | null; ways: Way[]; note: string | null; reference: string | null }): string {
  const [only] = at.ways;
  const lead =
    only === undefined
      ? 'No way to sign in is set up here yet. Please ask your administrator.'
      : at.ways.length === 1
        ? 'You sign in with the account you use at work.'
        : 'Choose the account you use at work.';
  return document({
    title: 'Sign in',
    tenantName: at.tenantName,
    width: 'narrow',
    body: html`<div class="card">
<h1>Sign in</h1>
${at.note !== null && html`<p class="note" role="status">${at.note}</p>`}
<p class="lead">${lead}</p>
${
  at.ways.length === 1 && only !== undefined
    ? html`<p><a class="button primary" href="${only.href}">Continue with ${only.name}</a></p>`
    : html`<ul class="ways">${at.ways.map(wayLink)}</ul>`
}
${at.reference !== null && html`<p class="trace">Reference <code>${at.reference}</code></p>`}
</div>`,
  });
}

/**
 * After the e-mail form: goes on by itself to our own login route. A redirect would not do, because browsers hold every
 * redirect that follows a form to the form page's `form-action`, and that must not name the provider of each tenant.
 */
export function continuePage(way: Way): string {
  return document({
    title: 'Continue',
    tenantName: way.organisation,
    width: 'narrow',
    refreshTo: way.href,
    body: html`<div class="card">
<h1>Taking you to your sign-in…</h1>
<p class="lead">You sign in with <strong>${way.name}</strong>. If nothing happens, continue here.</p>
<p><a class="button primary" href="${way.href}">Continue</a></p>
</div>`,
  });
}

/** Carries a sign-in request to the provider in a form (SAML's POST binding). The script sends it; without JavaScript the button does. */
export function postPage(to: { tenantName: string; connectionName: string; url: string; fields: Record<string, string> }): string {
  const inputs = Object.entries(to.fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
  return document({
    title: 'Continue',
    tenantName: to.tenantName,
    width: 'narrow',
    submits: true,
    body: html`<div class="card">
<h1>Taking you to your sign-in…</h1>
<p class="lead">You sign in with <strong>${to.connectionName}</strong>. If nothing happens, continue here.</p>
<form method="post" action="${to.url}" data-submit>
${inputs}
<button class="primary" type="submit">Continue</button>
</form>
</div>`,
  });
}

/** After signing out here. The provider's own session is another one, so the page says so. */
export function signedOutPage(at: { tenantName: string; signInHref: string }): string {
  return document({
    title: 'Signed out',
    tenantName: at.tenantName,
    width: 'narrow',
    body: html`<div class="card">
<h1>You are signed out</h1>
<p class="lead">Your learning is closed in this browser. On a shared computer, also sign out of your work account or close the browser.</p>
<p><a class="button" href="${at.signInHref}">Sign in again</a></p>
</div>`,
  });
}
