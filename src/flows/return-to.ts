/** Where a signed-in learner may be sent: the tenant's own pages, or places that the tenant file lists. Parsed first, compared afterwards. */
import { Refusal } from '../core/refusal.ts';
import type { Tenant } from '../core/tenant.ts';

/** The address to go to, normalised; null where none was asked for. Throws `Refusal` for any other place. */
export function allowedReturn(asked: string | null, tenant: Tenant, baseUrl: string): string | null {
  if (asked === null || asked === '') return null;
  const refuse = (check: string) => new Refusal('return-to-refused', check);
  // Browsers read `\` as `/` and drop tabs and line breaks: an address that needs such kindness is none of ours.
  if (asked.length > 2048 || /[\\\p{Cc}\s]/u.test(asked)) throw refuse('return-to/characters');
  const own = new URL(baseUrl);
  if (!URL.canParse(asked, own.href)) throw refuse('return-to/malformed');
  const url = new URL(asked, own);
  if (url.username !== '' || url.password !== '') throw refuse('return-to/user-info');
  if (asked.startsWith('/') && !asked.startsWith('//')) {
    if (url.origin === own.origin && within(url.pathname, `/t/${tenant.id}/`)) return url.pathname + url.search;
    throw refuse('return-to/path');
  }
  // Spelt as it will be read: `https:host` is another place to another reader.
  if (!asked.startsWith(`${url.origin}/`) && asked !== url.origin) throw refuse('return-to/malformed');
  const listed = tenant.returnTo.map((place) => new URL(place)).some((place) => place.origin === url.origin && within(url.pathname, place.pathname));
  if (!listed) throw refuse('return-to/not-listed');
  return url.href;
}

/** `/a` allows `/a` and `/a/b`, never `/ab`. Encoded dots and slashes are nobody's path. */
function within(path: string, prefix: string): boolean {
  if (/%2e|%2f|%5c/i.test(path)) return false;
  return path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}
