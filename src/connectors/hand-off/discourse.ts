/**
 * DiscourseConnect: the forum asks with a nonce, signed with the shared secret, and is answered the same way (learning-platforms.md §A7).
 * An answer goes to the forum that was configured, whatever the question says.
 */
import { createHmac } from 'node:crypto';
import { Refusal } from '../../core/refusal.ts';
import type { DiscourseHandOff } from '../../core/tenant.ts';
import { safeEqual } from '../../lib/secrets.ts';
import { type Entry, emailOf, type Passage } from './hand-off.ts';
import { nameOf, withoutDomain } from './name.ts';

/** As they came, from anybody. */
export interface DiscourseQuestion {
  sso: string;
  sig: string;
}

/** Without a question the browser goes to fetch one: the forum's own way to begin. Throws `Refusal` where the question is not the forum's. */
export function discoursePassage(
  handOff: DiscourseHandOff,
  { secret, question }: { secret: string; question: DiscourseQuestion | null },
  entry: Entry,
): Passage {
  if (!question) return { kind: 'redirect', url: beginning(handOff, entry.returnTo) };
  const nonce = nonceOf(question, { secret, answersTo: answersTo(handOff) });
  const sso = Buffer.from(answerOf(nonce, entry).toString()).toString('base64');
  return { kind: 'redirect', url: `${answersTo(handOff)}?${new URLSearchParams({ sso, sig: signatureOf(sso, secret) })}` };
}

const answersTo = ({ url }: DiscourseHandOff): string => `${new URL(url).origin}/session/sso_login`;

function beginning({ url }: DiscourseHandOff, returnTo: string | null): string {
  const begin = new URL('/session/sso', url);
  const place = returnTo === null ? null : new URL(returnTo);
  if (place?.origin === begin.origin) begin.searchParams.set('return_path', place.pathname + place.search);
  return begin.href;
}

/** Over the base64 text as it stands. */
const signatureOf = (sso: string, secret: string): string => createHmac('sha256', secret).update(sso, 'utf8').digest('hex');

const MAX_QUESTION = 4096;

function nonceOf({ sso, sig }: DiscourseQuestion, { secret, answersTo }: { secret: string; answersTo: string }): string {
  if (sso.length > MAX_QUESTION) throw new Refusal('request-malformed', 'hand-off/discourse-question');
  if (!safeEqual(sig, signatureOf(sso, secret))) throw new Refusal('request-malformed', 'hand-off/discourse-signature');
  const said = new URLSearchParams(Buffer.from(sso, 'base64').toString('utf8'));
  const [[nonce, ...more], [place, ...places]] = [said.getAll('nonce'), said.getAll('return_sso_url')];
  if (!nonce || more.length > 0) throw new Refusal('request-malformed', 'hand-off/discourse-nonce');
  if (place === undefined || places.length > 0 || !URL.canParse(place) || new URL(place).href !== answersTo)
    throw new Refusal('return-to-refused', 'hand-off/discourse-return', 'the forum asks for an answer at another address than the tenant file names');
  return nonce;
}

/** What was not vouched for has to be proved to the forum, before an account of the same address becomes theirs. */
function answerOf(nonce: string, entry: Entry): URLSearchParams {
  const { person } = entry;
  const answer = new URLSearchParams({
    nonce,
    external_id: person.id,
    email: emailOf(entry),
    username: withoutDomain(person.userName),
    name: nameOf(person),
  });
  if (!person.emailTrusted) answer.set('require_activation', 'true');
  return answer;
}
