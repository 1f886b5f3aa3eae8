/**
 * enrolments: courses and bundles. Nothing is ever deleted at Thinkific: who may no longer use a thing has an end in the past there, and is given it again
 * by taking that end away.
 */
import * as z from 'zod';
import { type Resource, type ResourceKind, TerminalFailure, TransientFailure } from '../connector.ts';
import { fieldsIn, idSchema, rejection, shaped } from './answers.ts';
import type { Rest, RestReply } from './rest.ts';

const momentSchema = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)))
  .transform((text) => new Date(text))
  .nullish()
  .transform((date) => date ?? null);
const periodSchema = z.object({ user_id: idSchema, activated_at: momentSchema, expiry_date: momentSchema });
const courseSchema = periodSchema.extend({ id: idSchema, course_id: idSchema });

export interface Period {
  activatedAt: Date | null;
  expiryDate: Date | null;
}
export interface CourseEnrolment extends Period {
  id: string;
  courseId: string;
}
/** Null where there is none. */
export type BundleEnrolment = Period | null;

export interface Enrolments {
  /** All of this account, those that have ended too; of one course, where it is named. */
  courses(accountId: string, signal: AbortSignal, courseId?: string): Promise<CourseEnrolment[]>;
  bundle(accountId: string, bundleId: string, signal: AbortSignal): Promise<BundleEnrolment>;
  coursesOfBundle(bundleId: string, signal: AbortSignal): Promise<string[]>;
  isUsable(period: Period): boolean;
  hasEnded(period: Period): boolean;
  /** From now, without end. `queued`: Thinkific took the order and does it later. */
  create(accountId: string, resource: Resource, signal: AbortSignal): Promise<'done' | 'queued' | Refused>;
  /** False: there is nothing of it to change. */
  change(place: Place, period: Period, signal: AbortSignal): Promise<boolean>;
  fromNow(): Period;
  /** An end in the past; the beginning stays before it. */
  ended(period: Period): Period;
}
/** 422: it is there already, or something is wrong with it. */
export interface Refused {
  refusal: TerminalFailure | TransientFailure;
}
export type Place = { course: string; id: string } | { bundle: string; accountId: string };

/** An end that is past on a clock that is behind ours, too. */
const PAST_MS = 60_000;

export function createEnrolments(rest: Rest, now: () => Date): Enrolments {
  return {
    async courses(accountId, signal, courseId) {
      const query = { 'query[user_id]': accountId, ...(courseId === undefined ? {} : { 'query[course_id]': courseId }) };
      const rows = await rest.list(courseSchema, { about: 'reading the courses', path: '/enrollments', query, signal });
      return rows
        .filter(({ user_id, course_id }) => user_id === accountId && (courseId === undefined || course_id === courseId))
        .map(({ id, course_id, ...period }) => ({ id, courseId: course_id, ...periodOf(period) }));
    },
    async bundle(accountId, bundleId, signal) {
      const path = `/bundles/${encodeURIComponent(bundleId)}/enrollments`;
      const rows = await rest.listOrNothing(periodSchema, { about: 'reading a bundle', path, query: { 'query[user_id]': accountId }, signal });
      const mine = rows?.find(({ user_id }) => user_id === accountId);
      return mine ? periodOf(mine) : null;
    },
    async coursesOfBundle(bundleId, signal) {
      const path = `/bundles/${encodeURIComponent(bundleId)}/courses`;
      return ((await rest.listOrNothing(z.object({ id: idSchema }), { about: "reading a bundle's courses", path, signal })) ?? []).map(
        ({ id }) => id,
      );
    },
    isUsable: ({ activatedAt, expiryDate }) => activatedAt !== null && activatedAt <= now() && (expiryDate === null || expiryDate > now()),
    hasEnded: ({ expiryDate }) => expiryDate !== null && expiryDate <= now(),
    create: (accountId, resource, signal) => create(rest, { accountId, resource, period: wire(fromNow(now())) }, signal),
    async change(place, period, signal) {
      const about = 'changing an enrolment';
      const [path, whose] =
        'course' in place
          ? [`/enrollments/${place.id}`, {}]
          : [`/bundles/${encodeURIComponent(place.bundle)}/enrollments`, { user_id: numeric(place.accountId) }];
      const { status } = await rest.call({ about, method: 'PUT', path, body: { ...whose, ...wire(period) }, signal, expect: [204, 404] });
      return status !== 404;
    },
    fromNow: () => fromNow(now()),
    ended({ activatedAt }) {
      const expiryDate = new Date(now().getTime() - PAST_MS);
      return { activatedAt: activatedAt && activatedAt < expiryDate ? activatedAt : new Date(expiryDate.getTime() - 1000), expiryDate };
    },
  };
}

interface Order {
  accountId: string;
  resource: Resource;
  period: object;
}

async function create(rest: Rest, { accountId, resource, period }: Order, signal: AbortSignal): Promise<'done' | 'queued' | Refused> {
  const about = `enrolling in the ${resource.kind} ${resource.id}`;
  const request = { about, method: 'POST', signal } as const;
  const user_id = numeric(accountId);
  if (resource.kind === 'course') {
    const body = { course_id: numeric(resource.id), user_id, ...period };
    const reply = await rest.call({ ...request, path: '/enrollments', body, expect: [201, 422] });
    if (reply.status === 422) return { refusal: refusalOf(reply, resource.kind, about) };
    shaped(z.object({ id: idSchema }), reply.json, about);
    return 'done';
  }
  const path = `/bundles/${encodeURIComponent(resource.id)}/enrollments`;
  const reply = await rest.call({ ...request, path, body: { user_id, ...period }, expect: [201, 202, 404, 422] });
  if (reply.status === 404) throw noSuch(about, resource.kind);
  if (reply.status === 422) return { refusal: refusalOf(reply, resource.kind, about) };
  return reply.status === 202 ? 'queued' : 'done';
}

function refusalOf({ json }: RestReply, kind: ResourceKind, about: string): TerminalFailure | TransientFailure {
  const fields = fieldsIn(json);
  if (fields.some((field) => /^user(_id)?$/.test(field))) return accountGone(about);
  if (fields.some((field) => field.replace(/_id$/, '') === kind)) return noSuch(about, kind);
  return rejection(json, about);
}

const noSuch = (about: string, kind: ResourceKind) =>
  new TerminalFailure('not-found', `${about}: the site has no such ${kind} any more; refresh the platform's catalogue, or correct the tenant's`);

/** Worth another try: it is looked for, and made, anew. */
export const accountGone = (about: string) => new TransientFailure('not-found', `${about}: the account is no longer there`);

const periodOf = ({ activated_at, expiry_date }: { activated_at: Date | null; expiry_date: Date | null }): Period => ({
  activatedAt: activated_at,
  expiryDate: expiry_date,
});
const wire = ({ activatedAt, expiryDate }: Period) => ({
  activated_at: activatedAt?.toISOString() ?? null,
  expiry_date: expiryDate?.toISOString() ?? null,
});
const fromNow = (now: Date): Period => ({ activatedAt: now, expiryDate: null });
/** As the API has it; an id that is too long for a number stays text. */
export const numeric = (id: string): number | string => (/^\d{1,15}$/.test(id) ? Number(id) : id);
