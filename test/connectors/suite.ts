/**
 * What any connector promises (src/connectors/connector.ts). Called once per connector, with a harness over a real other side: a server on loopback, or the store.
 * What a connector says it cannot do is asserted to end as `unsupported`; what an other side does not have is named in `lacks`, with its reason.
 */
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Attempt, Connector, Person, Resource, ResourceKind } from '../../src/connectors/connector.ts';
import { describeWith } from '../services.ts';
import { accountPromises } from './suite-accounts.ts';
import { thingPromises } from './suite-things.ts';
import { troublePromises } from './suite-trouble.ts';

/** What the other side really has of one account; for a receiver of events, what it has been told by them. */
export interface Observed {
  /** What can be used now. One entry per enrolment: what was doubled is there twice. */
  resources: Pick<Resource, 'kind' | 'id'>[];
  profile: { email: string; givenName: string; familyName: string };
  /** Null: it keeps no such thing. */
  active: boolean | null;
}

/** Things that only some other sides have. What is not had is named in the harness's `lacks`, and its function may throw. */
export type Hook =
  | 'putByHand' // what it holds cannot be changed except through the connector
  | 'removeAccount' // its accounts never go away
  | 'foreignAccount' // the connector never meets an account that somebody else made
  | 'makePrivileged' // it has no administrators
  | 'loseAnswer' // nothing is called over a wire
  | 'answerNonsense'; // as before

export interface Side {
  connector: Connector;
  /** At least two of each kind in `capabilities.add`; those of other kinds are asserted to be unsupported. */
  things: Resource[];
  /** What must never be in a message. */
  secrets: string[];
  /** Somebody whom the other side does not know yet, with an e-mail and names of their own, `active` and `emailTrusted` unless told; `over` is taken as it is. */
  person(over?: Partial<Person>): Person;
  /** Where what is planned counts (the local catalogue), it is planned here. */
  attempt(key: string, person: Person, desired: Resource[]): Promise<Attempt>;
  /** Null: there is no such account (any more). */
  observe(accountId: string): Promise<Observed | null>;
  /** How many accounts are there in all. */
  accounts(): Promise<number>;
  /** What was taken to be done later is done now. */
  settle?(): Promise<void>;
  putByHand(accountId: string, thing: Resource): Promise<void>;
  removeAccount(accountId: string): Promise<void>;
  /** Made by somebody else, without our id, such that an upsert of this person meets it: it has their e-mail, or their user name. Answers with its id. */
  foreignAccount(person: Person): Promise<string>;
  makePrivileged(accountId: string): Promise<void>;
  /** The next call that changes something is done, and its answer is lost. */
  loseAnswer(): Promise<void>;
  /** Nothing can be reached, until `up`. */
  down(): Promise<void>;
  /** Every answer is none: a proxy's page, half a JSON; until `up`. */
  answerNonsense(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

export interface Harness {
  name: string;
  needs?: 'none' | 'postgres';
  lacks?: Partial<Record<Hook, string>>;
  /** Another side, and a connector to it. Called before each test; who is there from tests before is nobody whom `person` gives. */
  make(): Promise<Side>;
  /** Gives up what the sides had together. */
  end?(): Promise<void>;
}

/** The side of the test that runs now, and the steps that all promises are made of. */
export interface Course {
  readonly side: Side;
  readonly connector: Connector;
  /** A promise about what only some other sides have. Where it is lacking, `instead` is asserted. */
  given(hook: Hook, promise: string, body: () => Promise<void>, instead?: () => void): void;
  /** A key that no attempt had before. */
  key(): string;
  /** An account, and the person. */
  arrive(over?: Partial<Person>): Promise<{ id: string; person: Person }>;
  things(of: 'add' | 'remove'): Resource[];
}

export function connectorPromises(harness: Harness): void {
  describeWith(harness.needs ?? 'none', `the connector ${harness.name}`, () => {
    let side: Side;
    let keys = 0;
    beforeEach(async () => {
      side = await harness.make();
    });
    afterEach(() => side?.close());
    afterAll(() => harness.end?.());

    const course: Course = {
      get side() {
        return side;
      },
      get connector() {
        return side.connector;
      },
      given(hook, promise, body, instead) {
        const reason = harness.lacks?.[hook];
        if (reason === undefined) it(promise, body);
        else if (instead) it(`has no need of it: ${promise} (${reason})`, () => instead());
      },
      key: () => `change-${++keys}`,
      async arrive(over) {
        const person = side.person(over);
        const { account } = (await side.connector.upsert(null, await side.attempt(course.key(), person, [])))!;
        return { id: account.id, person };
      },
      things: (of) => side.things.filter(({ kind }) => side.connector.capabilities[of].includes(kind)),
    };

    it('says what it is, and has enough for this suite to be about', () => {
      const { connector, things } = side;
      expect(connector.platform).toMatch(/^[a-z0-9][a-z0-9-]{0,62}$/);
      expect(connector.kind).toMatch(/^[a-z]+$/);
      expect(connector.capabilities.limits.concurrent).toBeGreaterThan(0);
      expect(connector.capabilities.add.length).toBeGreaterThan(0);
      for (const kind of connector.capabilities.add) expect(things.filter((thing) => thing.kind === kind).length).toBeGreaterThanOrEqual(2);
    });
    describe('accounts', () => accountPromises(course));
    describe('things', () => thingPromises(course));
    describe('trouble', () => troublePromises(course));
  });
}

export const KINDS: readonly ResourceKind[] = ['course', 'bundle', 'group', 'target'];
