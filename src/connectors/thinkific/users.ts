/** users: a person's account at Thinkific. Found by our id or the e-mail, made once, its profile kept; an administrator's is never taken. */
import * as z from 'zod';
import type { ThinkificPlatform } from '../../core/tenant.ts';
import { type Account, type Attempt, type Person, TerminalFailure, type Upserted } from '../connector.ts';
import { fieldsIn, idSchema, rejection, shaped } from './answers.ts';
import { namesOf } from './names.ts';
import type { Rest } from './rest.ts';

const userSchema = z.object({
  id: idSchema,
  email: z.string().nullish(),
  first_name: z.string().nullish(),
  last_name: z.string().nullish(),
  roles: z.array(z.string()).nullable(),
});
export type User = z.infer<typeof userSchema>;

export interface Users {
  /** Null = there is none (any more). */
  byId(id: string, signal: AbortSignal): Promise<User | null>;
  find(person: Person, signal: AbortSignal): Promise<Account | null>;
  upsert(known: string | null, attempt: Attempt): Promise<Upserted | null>;
}

interface UsersDeps {
  rest: Rest;
  provider: ThinkificPlatform['provider'];
  /** Only the site's own key may change an e-mail address. */
  changeEmail: boolean;
}

/** Site and course administrators, owners, and whatever role of that kind may come. Group analysts are learners who also see reports. */
export const isPrivileged = ({ roles }: Pick<User, 'roles'>): boolean => (roles ?? []).some((role) => /admin|owner/i.test(role));

export const accountOf = (user: User): Account => ({ id: user.id, privileged: isPrivileged(user) });

export function createUsers({ rest, provider, changeEmail }: UsersDeps): Users {
  const show = async (path: string, { query, signal }: { query?: Record<string, string>; signal: AbortSignal }): Promise<User | null> => {
    const about = 'looking for the account';
    const { status, json } = await rest.call({ about, path, ...(query ? { query } : {}), signal, expect: [200, 404] });
    return status === 404 ? null : shaped(userSchema, json, about);
  };
  const byId: Users['byId'] = (id, signal) => show(`/users/${encodeURIComponent(id)}`, { signal });
  const byExternalId = ({ id }: Person, signal: AbortSignal) => show(`/users/${encodeURIComponent(id)}`, { query: { provider }, signal });
  const byEmail = async ({ email }: Person, signal: AbortSignal): Promise<User | null> => {
    if (email === '') return null;
    const about = 'looking for the e-mail address';
    const found = await rest.list(userSchema, { about, path: '/users', query: { 'query[email]': email }, signal });
    return found.find((user) => isSame(user.email ?? '', email)) ?? null;
  };

  /** Looked for by e-mail first: a new learner costs one look-up and one creation. Our id still has the first word. */
  async function settle(attempt: Attempt): Promise<{ user: User; created: boolean } | null> {
    const { person, signal } = attempt;
    const namesake = await byEmail(person, signal);
    if (!namesake) {
      // Whoever does not come any more needs none.
      if (!person.active) return found(await byExternalId(person, signal));
      const made = await create(person, signal);
      if ('user' in made) return { user: made.user, created: true };
      const mine = await byExternalId(person, signal);
      if (mine) return { user: mine, created: false };
      // Somebody else's hand was quicker; or the list did not show it a moment ago.
      const late = made.taken ? await byEmail(person, signal) : null;
      if (!late) throw made.refusal;
      return { user: vouched(late, person), created: false };
    }
    const mine = await byExternalId(person, signal);
    return { user: mine ?? vouched(namesake, person), created: false };
  }

  async function create(person: Person, signal: AbortSignal): Promise<{ user: User } | { refusal: TerminalFailure; taken: boolean }> {
    const about = 'making the account';
    if (person.email === '') throw new TerminalFailure('validation', `${about}: nobody said an e-mail address, and Thinkific needs one`);
    const { first, last } = namesOf(person);
    const body = { first_name: first, last_name: last, email: person.email, external_id: person.id, provider, send_welcome_email: false };
    const { status, json } = await rest.call({ about, method: 'POST', path: '/users', body, signal, expect: [201, 422] });
    if (status === 201) return { user: shaped(userSchema, json, about) };
    const fields = fieldsIn(json);
    const taken = fields.length === 0 || fields.includes('email');
    const refusal = rejection(json, about);
    // What is wrong with a name is wrong with it whoever has the address.
    if (!taken && !fields.includes('external_id')) throw refusal;
    return { refusal, taken };
  }

  async function update(user: User, { person, signal }: Attempt): Promise<void> {
    const body = differences(user, person, changeEmail);
    if (!person.active || Object.keys(body).length === 0) return;
    await rest.call({ about: "changing the account's profile", method: 'PUT', path: `/users/${user.id}`, body, signal, expect: [204] });
  }

  return {
    byId,
    async find(person, signal) {
      const user = (await byExternalId(person, signal)) ?? (await byEmail(person, signal));
      return user && accountOf(user);
    },
    async upsert(known, attempt) {
      const there = known === null ? null : await byId(known, attempt.signal);
      const settled = there ? { user: there, created: false } : await settle(attempt);
      if (!settled) return null;
      const { user, created } = settled;
      if (isPrivileged(user)) throw new TerminalFailure('privileged', "the account at Thinkific has an administrator's role: it is left alone");
      if (!created) await update(user, attempt);
      return { account: accountOf(user), created };
    },
  };
}

const found = (user: User | null) => user && { user, created: false };

/** Nobody's account is taken for somebody else's because of an address that nobody vouches for. */
function vouched(user: User, person: Person): User {
  if (isPrivileged(user) || person.emailTrusted) return user;
  throw new TerminalFailure(
    'not-vouched',
    "an account at Thinkific has this person's e-mail address, and nobody whose word counts vouches for it: verify the domain, or change the address of one of them",
  );
}

const isSame = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase();

/** Only what differs, and no name that nobody said. */
function differences(user: User, person: Person, changeEmail: boolean): Record<string, string> {
  const { first, last, said } = namesOf(person);
  const body: Record<string, string> = {};
  if (said.first && first !== user.first_name) body['first_name'] = first;
  if (said.last && last !== user.last_name) body['last_name'] = last;
  if (changeEmail && person.email !== '' && !isSame(user.email ?? '', person.email)) body['email'] = person.email;
  return body;
}
