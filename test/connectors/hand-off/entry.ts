/** A learner at the door, for the tests of hand-offs. */

import type { Person } from '../../../src/connectors/connector.ts';
import type { Entry } from '../../../src/connectors/hand-off/hand-off.ts';

export const AT = new Date('2026-05-04T09:30:00.750Z');
export const SECONDS = 1_777_887_000;

export const person = (over: Partial<Person> = {}): Person => ({
  id: '01900000-0000-7000-8000-000000000001',
  userName: 'zoe@acme.example',
  email: 'zoe.onee@acme.example',
  emailTrusted: true,
  displayName: "Zoë O'Née",
  givenName: 'Zoë',
  familyName: "O'Née",
  locale: 'fr',
  timezone: 'Europe/Paris',
  title: 'Head of <b>Sales</b> & more',
  role: 'learner',
  fields: { department: 'Sales, North' },
  active: true,
  updatedAt: AT,
  ...over,
});

export const entry = ({ person: someone = {}, ...over }: Partial<Omit<Entry, 'person'>> & { person?: Partial<Person> } = {}): Entry => ({
  tenant: 'acme',
  person: person(someone),
  targets: ['bundle:sales', 'group:north'],
  returnTo: null,
  now: AT,
  random: 'a-word-of-chance',
  ...over,
});
