/** The files that pages refer to, read once. Their addresses carry a digest of the content, so that they can be cached for good. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface Asset {
  body: Buffer;
  type: string;
  /** Where pages refer to it: `/assets/<name>?v=<digest>`. */
  href: string;
  digest: string;
}

function asset(name: string, type: string): Asset {
  const body = readFileSync(new URL(`./assets/${name}`, import.meta.url));
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 16);
  return { body, type, digest, href: `/assets/${name}?v=${digest}` };
}

export const stylesheet = asset('matricula.css', 'text/css; charset=utf-8');
export const submitScript = asset('submit.js', 'text/javascript; charset=utf-8');
export const icon = asset('icon.svg', 'image/svg+xml');

/** By file name: the whole of what is served below `/assets/`. */
export const assets: ReadonlyMap<string, Asset> = new Map([
  ['matricula.css', stylesheet],
  ['submit.js', submitScript],
  ['icon.svg', icon],
]);
