/**
 * web: pages, as functions from data to HTML. Owns words, markup, stylesheet and the one small script. Knows nothing of Express, sessions or stores:
 * what a page shows is handed to it, already decided. Imports core and lib only; http imports it.
 *
 * This file is the one way into markup: whatever is put into an `html` template is escaped, unless it came out of an `html` template itself.
 */

/** Made markup. Only `html` can make one, so a plain string can never pass for one. */
export interface Html {
  readonly [MARKUP]: string;
}
const MARKUP: unique symbol = Symbol('markup');

export type Part = Html | string | number | null | undefined | false | readonly Part[];

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '`': '&#96;' };
const escaped = (text: string): string => text.replace(/[&<>"'`]/g, (c) => ESCAPES[c]!);

function write(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  return MARKUP in part ? part[MARKUP] : part.map(write).join('');
}

/** Markup with values put in. Attribute values must stand in quotes; `null`, `undefined` and `false` leave nothing, lists are joined. */
export const html = (text: TemplateStringsArray, ...parts: Part[]): Html => ({
  [MARKUP]: text.reduce((done, piece, i) => done + write(parts[i - 1]) + piece),
});

export const render = (markup: Html): string => markup[MARKUP];

/** The address if a page may link to it (http or https, nothing that runs), else null. */
export function linkable(address: string | null): string | null {
  if (address === null || !URL.canParse(address)) return null;
  const { protocol, username, password, href } = new URL(address);
  return (protocol === 'https:' || protocol === 'http:') && !username && !password ? href : null;
}
