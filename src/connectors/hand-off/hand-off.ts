/**
 * hand-off: how a signed-in learner enters a platform. Makes the address, or the form, that carries who they are; one file per kind. Owns what is signed and how.
 * Decides nothing of whether somebody may enter (flows/hand-off does), keeps nothing, logs nothing: what it makes is worth a session at the platform.
 * Pure but for what it is given: the clock and chance come in with the entry. Imports core and lib only.
 */
import { Refusal } from '../../core/refusal.ts';
import type { RedirectHandOff } from '../../core/tenant.ts';
import type { Person } from '../connector.ts';

/** What the browser does next. */
export type Passage = { kind: 'redirect'; url: string } | { kind: 'form'; url: string; fields: Record<string, string> };

/** One learner at one moment. */
export interface Entry {
  /** The tenant's id. */
  tenant: string;
  person: Person;
  /** What they are enrolled in, sorted: `bundle:sales`. */
  targets: readonly string[];
  /** Where they want to go; an address that the tenant lists. Null = the platform's usual place. */
  returnTo: string | null;
  now: Date;
  /** Never the same twice. */
  random: string;
}

/** The plain one: nothing is said of the learner. */
export const redirectPassage = ({ url }: RedirectHandOff, { returnTo }: Pick<Entry, 'returnTo'>): Passage => ({
  kind: 'redirect',
  url: returnTo ?? new URL(url).href,
});

export const secondsOf = (at: Date): number => Math.floor(at.getTime() / 1000);

/** For receivers that know people by it. Throws `Refusal` where there is none. */
export function emailOf({ person }: Pick<Entry, 'person'>): string {
  if (person.email === '') throw new Refusal('profile-incomplete', 'hand-off/email');
  return person.email;
}
