/** People for connector tests. Their names are words that no message would hold by chance. */
import { randomUUID } from 'node:crypto';
import type { Attempt, Person, Resource, Upserted } from '../../src/connectors/connector.ts';

export function makePerson(over: Partial<Person> = {}): Person {
  const mark = randomUUID().slice(0, 8);
  return {
    id: randomUUID(),
    userName: `quillon.${mark}`,
    email: `quillon.${mark}@acme.example`,
    emailTrusted: true,
    displayName: `Quillon Farnsworthy ${mark}`,
    givenName: `Quillon${mark}`,
    familyName: `Farnsworthy${mark}`,
    locale: 'en-GB',
    timezone: 'Europe/London',
    title: '',
    role: 'learner',
    fields: {},
    active: true,
    updatedAt: new Date('2026-01-02T03:04:05.678Z'),
    ...over,
  };
}

/** Of somebody for whom there is an account. */
export async function made(upsert: Promise<Upserted | null>): Promise<Upserted> {
  const upserted = await upsert;
  if (!upserted) throw new Error('there is no account, and none was made');
  return upserted;
}

export const attemptOf = (key: string, person: Person, desired: Resource[], signal = new AbortController().signal): Attempt => ({
  key,
  person,
  desired,
  signal,
});
