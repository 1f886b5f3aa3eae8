/** The steps of the connector suite: what a delivery does, and what is looked at afterwards. */
import { expect } from '@jest/globals';
import { type Applied, type Operation, type Person, type Resource, TerminalFailure, TransientFailure } from '../../src/connectors/connector.ts';
import { resourceKey } from '../../src/core/entitlement.ts';
import type { Course, Observed, Side } from './suite.ts';

export type Failure = TransientFailure | TerminalFailure;

export const add = (...things: Resource[]): Operation[] => things.map((resource) => ({ kind: 'add', resource }));
export const remove = (...things: Resource[]): Operation[] => things.map((resource) => ({ kind: 'remove', resource }));
export const keysOf = (things: Pick<Resource, 'kind' | 'id'>[]): string[] => things.map(resourceKey).sort();

interface Change {
  operations: Operation[];
  /** All that the person has by us after it. */
  desired: Resource[];
  key?: string;
}

/** As flows/delivery does: looks where it can, then applies. */
export async function apply({ side, connector, key }: Course, { id, person }: { id: string; person: Person }, change: Change): Promise<Applied[]> {
  const attempt = await side.attempt(change.key ?? key(), person, change.desired);
  const held = connector.capabilities.readBack ? await connector.read(id, side.things, attempt.signal) : null;
  return connector.apply({ id, held }, change.operations, attempt);
}

/** And it was done, every one of them, in their order. */
export async function make(course: Course, who: { id: string; person: Person }, change: Change): Promise<void> {
  const applied = await apply(course, who, change);
  expect(applied.map(({ operation }) => operation)).toEqual(change.operations);
  for (const { outcome } of applied) if (outcome !== 'queued') expect(outcome).toBe('done');
  await course.side.settle?.();
}

export async function seen({ side }: Course, id: string): Promise<Observed> {
  const observed = await side.observe(id);
  if (!observed) throw new Error(`the other side has no account ${id}`);
  return observed;
}

export const has = async (course: Course, id: string): Promise<string[]> => keysOf((await seen(course, id)).resources);

export const profileOf = ({ email, givenName, familyName }: Person): Observed['profile'] => ({ email, givenName, familyName });

/** What a call failed with; anything but a failure of the contract is a fault, and no failure at all is one too. */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const ended = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!('error' in ended)) throw new Error(`it did not fail: ${JSON.stringify(ended.value)}`);
  return isFailure(ended.error);
}

export function isFailure(error: unknown): Failure {
  if (error instanceof TransientFailure || error instanceof TerminalFailure) return error;
  throw new Error('no failure of the contract', { cause: error });
}

/** Nothing in it, or in what caused it, tells who it is about, or a secret. */
export function expectDiscreet(text: Error | string, person: Person, { secrets }: Side): void {
  const said = typeof text === 'string' ? text : chainOf(text).join('\n');
  const { email, userName, givenName, familyName, displayName } = person;
  for (const word of [email, userName, givenName, familyName, displayName, ...secrets]) if (word !== '') expect(said).not.toContain(word);
}

function chainOf(error: unknown): string[] {
  const said: string[] = [];
  for (let one = error; one instanceof Error; one = one.cause) said.push(one.message);
  return said;
}
