/** Thinkific's sign-in by JWT (learning-platforms.md §A1). The platform believes the e-mail in it: only somebody whose account there is known to be theirs gets one. */
import { SignJWT } from 'jose';
import type { ThinkificHandOff, ThinkificPlatform } from '../../core/tenant.ts';
import { namesOf } from '../thinkific/names.ts';
import { type Entry, emailOf, type Passage, secondsOf } from './hand-off.ts';

/** `apiKey`: the site's, whose bytes are the key as they are. */
export async function thinkificPassage(
  handOff: ThinkificHandOff,
  { site, apiKey }: Pick<ThinkificPlatform, 'site'> & { apiKey: string },
  entry: Entry,
): Promise<Passage> {
  const url = new URL('/api/sso/v2/sso/jwt', site);
  url.searchParams.set('jwt', await sign(handOff, apiKey, entry));
  const returnTo = entry.returnTo ?? handOff.returnTo;
  if (returnTo !== null) url.searchParams.set('return_to', returnTo);
  if (handOff.errorUrl !== null) url.searchParams.set('error_url', handOff.errorUrl);
  return { kind: 'redirect', url: url.href };
}

function sign({ iatOffsetSeconds }: ThinkificHandOff, apiKey: string, entry: Entry): Promise<string> {
  const { person, now, random } = entry;
  const iat = secondsOf(now) + iatOffsetSeconds;
  // As in the account there: a sign-in must not rename somebody.
  const { first, last } = namesOf(person);
  return new SignJWT({
    email: emailOf(entry),
    first_name: first,
    last_name: last,
    external_id: person.id,
    iat,
    jti: `${iat}/${random}`,
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(Buffer.from(apiKey, 'utf8'));
}
