/** Claim templates: text in which `{email}` and the like are replaced by what is known of the learner. */

import type { Entry } from './hand-off.ts';
import { nameOf } from './name.ts';

const PLACEHOLDER = /\{([^{}]*)\}/g;

const TEXTS = {
  id: ({ person }) => person.id,
  userName: ({ person }) => person.userName,
  email: ({ person }) => person.email,
  displayName: ({ person }) => nameOf(person),
  givenName: ({ person }) => person.givenName,
  familyName: ({ person }) => person.familyName,
  locale: ({ person }) => person.locale,
  timezone: ({ person }) => person.timezone,
  title: ({ person }) => person.title,
  role: ({ person }) => person.role,
  tenant: ({ tenant }) => tenant,
  enrolments: ({ targets }) => targets.join(','),
} as const satisfies Record<string, (entry: Entry) => string>;

/**
 * The claim's value; null where nothing is known, so that the claim is left out. `{enrolments}` alone is a list. What is put in is not looked at again:
 * nobody's name can bring in another placeholder.
 */
export function fillTemplate(template: string, entry: Entry): string | string[] | null {
  if (template === '{enrolments}') return entry.targets.length > 0 ? [...entry.targets] : null;
  return template.replace(PLACEHOLDER, (_whole, name: string) => knownAs(name, entry)).trim() || null;
}

function knownAs(name: string, entry: Entry): string {
  if (name.startsWith('field.')) {
    const field = name.slice('field.'.length).toLowerCase();
    return Object.hasOwn(entry.person.fields, field) ? entry.person.fields[field]! : '';
  }
  if (Object.hasOwn(TEXTS, name)) return TEXTS[name as keyof typeof TEXTS](entry);
  throw new Error(`a claim template names {${name}}, which config should have refused`);
}
