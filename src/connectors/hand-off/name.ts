/** A name to call somebody by, where receivers want one whatever is known. */
import type { Person } from '../connector.ts';

/** Never empty: the user name is there always, and of an address only what stands before the `@`. */
export const nameOf = ({ displayName, givenName, familyName, userName }: Person): string =>
  displayName || `${givenName} ${familyName}`.trim() || withoutDomain(userName);

/** Where it is shown to others, nobody's address should be. */
export const withoutDomain = (name: string): string => name.slice(0, name.includes('@') ? name.indexOf('@') : undefined) || name;
