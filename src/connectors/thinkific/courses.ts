/** courses: one course given or taken away. A course may be there for a bundle's sake as well: then it outlives its own end, and goes with the bundle. */
import type { Resource } from '../connector.ts';
import type { CourseEnrolment, Enrolments, Period } from './enrolments.ts';
import { type Evidence, isAlike } from './held.ts';

/** What one delivery is made in. */
export interface Ground {
  accountId: string;
  enrolments: Enrolments;
  /** Null where nobody looked: the account is new. */
  evidence: Evidence | null;
  /** All that the person should have afterwards. */
  desired: readonly Resource[];
  /** Courses that go in this same delivery. */
  doomed: ReadonlySet<string>;
  /** Course ids of a bundle; asked once. */
  contents(bundleId: string): Promise<string[]>;
  signal: AbortSignal;
}

export async function addCourse(ground: Ground, course: Resource): Promise<'done'> {
  const { accountId, enrolments, evidence, desired, signal } = ground;
  const known = evidence?.courses?.find(({ courseId }) => courseId === course.id);
  if (known) return revive(ground, { course, there: known, own: evidence!.throughBundle.has(course.id) });
  const made = await enrolments.create(accountId, course, signal);
  if (typeof made === 'string') return 'done';
  const there = made.refusal.code === 'validation' ? await look(ground, course) : undefined;
  if (!there) throw made.refusal;
  return revive(ground, { course, there, own: desired.some(({ kind }) => kind === 'bundle') });
}

interface There {
  course: Resource;
  there: CourseEnrolment;
  /** It may be there for a bundle's sake only: given its own beginning, it can be told from that later. */
  own: boolean;
}

async function revive({ accountId, enrolments, desired, signal }: Ground, { course, there, own }: There): Promise<'done'> {
  if (enrolments.isUsable(there) && !own) return 'done';
  const period = enrolments.fromNow();
  // A bundle of this same delivery begins now, and takes this course along.
  if (desired.some(({ kind }) => kind === 'bundle')) period.activatedAt = earlier(period.activatedAt!);
  if (isAlike(there, period)) period.activatedAt = earlier(there.activatedAt!);
  if (await enrolments.change({ course: course.id, id: there.id }, period, signal)) return 'done';
  const made = await enrolments.create(accountId, course, signal);
  if (typeof made !== 'string') throw made.refusal;
  return 'done';
}

/** Enough not to be alike. */
const earlier = (moment: Date): Date => new Date(moment.getTime() - 2000);

export async function removeCourse(ground: Ground, course: Resource): Promise<'done'> {
  const { enrolments, evidence, signal } = ground;
  const there = evidence?.courses ? evidence.courses.find(({ courseId }) => courseId === course.id) : await look(ground, course);
  if (!there || enrolments.hasEnded(there)) return 'done';
  const bundle = await bundleWith(ground, course.id);
  await enrolments.change({ course: course.id, id: there.id }, bundle ?? enrolments.ended(there), signal);
  return 'done';
}

const look = async ({ accountId, enrolments, signal }: Ground, { id }: Resource): Promise<CourseEnrolment | undefined> =>
  (await enrolments.courses(accountId, signal, id))[0];

/** The enrolment in a bundle that the person keeps and that holds this course, if it can be used. */
export async function bundleWith({ accountId, enrolments, evidence, desired, contents, signal }: Ground, courseId: string): Promise<Period | null> {
  for (const { kind, id } of desired) {
    if (kind !== 'bundle' || !(await contents(id)).includes(courseId)) continue;
    const period = evidence?.bundles.get(id) ?? (await enrolments.bundle(accountId, id, signal));
    if (period && enrolments.isUsable(period)) return period;
  }
  return null;
}
