/** The frame around every page. */
import { icon, stylesheet, submitScript } from './assets.ts';
import { type Html, html, render } from './html.ts';

export interface Frame {
  /** Goes before the tenant's name in the window's title. */
  title: string;
  /** The organisation whose page it is; null on pages that belong to none. */
  tenantName: string | null;
  body: Html;
  /** `narrow`: one card. `wide`: a page with a header of its own. */
  width: 'narrow' | 'wide';
  /** At the right of the header. */
  aside?: Html;
  /** Where the browser goes on by itself, without JavaScript. A path of ours. */
  refreshTo?: string;
  /** After so many seconds; at once unless told. */
  refreshAfter?: number;
  /** Load the script that sends the page's one form. */
  submits?: boolean;
}

const mark = html`<svg class="mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false"><rect width="32" height="32" rx="8"/><path d="M8 22.5V10l8 7 8-7v12.5"/></svg>`;

/** The whole document as text. */
export function document(frame: Frame): string {
  return `<!doctype html>\n${render(html`<html lang="en">
<head>
<meta charset="utf-8">
<title>${frame.title}${frame.tenantName !== null && ` · ${frame.tenantName}`}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${frame.refreshTo !== undefined && html`<meta http-equiv="refresh" content="${frame.refreshAfter ?? 0}; url=${frame.refreshTo}">`}
<link rel="icon" type="image/svg+xml" href="${icon.href}">
<link rel="stylesheet" href="${stylesheet.href}">
${frame.submits && html`<script src="${submitScript.href}" defer></script>`}
</head>
<body class="${frame.width}">
<header class="bar">
<div class="brand">${mark}<span>${frame.tenantName ?? 'Matricula'}</span></div>
${frame.aside}
</header>
<main id="main">
${frame.body}
</main>
</body>
</html>`)}\n`;
}

/** A tenant's contact as it is shown: mail and web addresses become links, anything else stays text. */
export function contactLink(contact: string): Html {
  if (/^[^\s@:/?#]+@[^\s@:/?#]+\.[^\s@:/?#]+$/.test(contact)) return html`<a href="mailto:${contact}">${contact}</a>`;
  if (/^https:\/\/\S+$/.test(contact)) return html`<a href="${contact}" rel="noopener noreferrer">${contact}</a>`;
  return html`${contact}`;
}
