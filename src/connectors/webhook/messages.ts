/** What a receiver is told: the types of messages, their data, and how they are kept below the size that receivers expect. */
import { createHash } from 'node:crypto';
import { type Attempt, type Operation, type Resource, TerminalFailure } from '../connector.ts';

export interface Message {
  /** The same for each attempt to tell the same; without a dot. */
  id: string;
  type: 'learner.updated' | 'enrolments.changed';
  body: string;
}

/** All that is told of a learner; what it replaces is not told. */
export interface LearnerData {
  id: string;
  status: 'active' | 'inactive';
  userName: string;
  email: string;
  displayName: string;
  givenName: string;
  familyName: string;
  locale: string;
  timezone: string;
  title: string;
  role: string;
  /** Null: left out because the message would be too large. */
  fields: Record<string, string> | null;
}

export interface EnrolmentsData {
  learner: string;
  added: Enrolment[];
  removed: Enrolment[];
  /** All that the learner has after it. Null: left out because the message would be too large, or because another message of the same change follows. */
  enrolments: Enrolment[] | null;
}
export interface Enrolment {
  /** `bundle:sales-onboarding` */
  target: string;
  name: string;
}

/** Bytes of a body: the specification asks for less than 20 kB. */
const MOST_BYTES = 20_000;

/** Throws `TerminalFailure` `validation` where it is too large even without the fields. */
export function learnerUpdated({ key, person }: Attempt): Message {
  const { id, userName, email, displayName, givenName, familyName, locale, timezone, title, role, active } = person;
  const fields = Object.fromEntries(Object.entries(person.fields).sort(([a], [b]) => (a < b ? -1 : 1)));
  const status = active ? 'active' : 'inactive';
  const data: LearnerData = { id, status, userName, email, displayName, givenName, familyName, locale, timezone, title, role, fields };
  const message = messageOf('learner.updated', data, { key, person });
  if (fits(message)) return message;
  const without = messageOf('learner.updated', { ...data, fields: null }, { key, person });
  if (fits(without)) return without;
  throw new TerminalFailure('validation', `what a webhook tells of a learner is larger than ${MOST_BYTES} bytes`);
}

export interface Part {
  message: Message;
  /** Those that it tells of. */
  operations: Operation[];
}

/** One message, or as many as are needed, in order; the last says what is there in the end. */
export const enrolmentsChanged = (operations: readonly Operation[], attempt: Attempt): Part[] =>
  split(operations, attempt, attempt.desired.map(enrolmentOf));

function split(operations: readonly Operation[], attempt: Attempt, all: Enrolment[] | null): Part[] {
  const whole = partOf(operations, attempt, all);
  if (fits(whole.message)) return [whole];
  const without = partOf(operations, attempt, null);
  if (fits(without.message) || operations.length === 1) return [without];
  const half = Math.ceil(operations.length / 2);
  return [...split(operations.slice(0, half), attempt, null), ...split(operations.slice(half), attempt, all)];
}

type Told = Pick<Attempt, 'key' | 'person'>;

function partOf(operations: readonly Operation[], { key, person }: Told, enrolments: Enrolment[] | null): Part {
  const of = (kind: Operation['kind']) => operations.filter((one) => one.kind === kind).map(({ resource }) => enrolmentOf(resource));
  const data: EnrolmentsData = { learner: person.id, added: of('add'), removed: of('remove'), enrolments };
  return { message: messageOf('enrolments.changed', data, { key, person }), operations: [...operations] };
}

const enrolmentOf = ({ id, name }: Resource): Enrolment => ({ target: id, name });

function messageOf(type: Message['type'], data: LearnerData | EnrolmentsData, { key, person }: Told): Message {
  const told = JSON.stringify([key, type, data]);
  return {
    id: `msg_${createHash('sha256').update(told).digest('base64url')}`,
    type,
    body: JSON.stringify({ type, timestamp: person.updatedAt.toISOString(), data }),
  };
}

const fits = ({ body }: Message): boolean => Buffer.byteLength(body) < MOST_BYTES;
