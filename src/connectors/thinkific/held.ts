/** held: what an account has at Thinkific, asked for what somebody wants to know. */
import type { Held, Resource } from '../connector.ts';
import type { CourseEnrolment, Enrolments, Period } from './enrolments.ts';
import type { Groups } from './groups.ts';
import { isPrivileged, type Users } from './users.ts';

/** What `apply` need not ask again. */
export interface Evidence {
  /** All of them, those that have ended too; null = nobody looked. */
  courses: CourseEnrolment[] | null;
  /** By the bundle's id; null = there is no enrolment in it. */
  bundles: Map<string, Period | null>;
  /** Courses that are there for a bundle's sake only. */
  throughBundle: Set<string>;
}

export const evidenceOf = (held: Held | null): Evidence | null => (held ? (held.evidence as Evidence) : null);

interface HeldDeps {
  users: Users;
  enrolments: Enrolments;
  groups: Groups;
}

/** Null = there is no such account any more. */
export function createRead({ users, enrolments, groups }: HeldDeps) {
  return async (accountId: string, wanted: readonly Resource[], signal: AbortSignal): Promise<Held | null> => {
    const user = await users.byId(accountId, signal);
    if (!user) return null;
    const of = (kind: Resource['kind']) => wanted.filter((one) => one.kind === kind);
    const groupIds = of('group').map(({ id }) => id);
    const [courses, periods, joined] = await Promise.all([
      of('course').length > 0 ? enrolments.courses(user.id, signal) : null,
      Promise.all(of('bundle').map(async ({ id }) => [id, await enrolments.bundle(user.id, id, signal)] as const)),
      groups.of({ id: user.id, email: user.email ?? null }, groupIds, signal),
    ]);
    const evidence: Evidence = { courses, bundles: new Map(periods), throughBundle: new Set() };
    const usable = new Set((courses ?? []).filter(enrolments.isUsable).map(({ courseId }) => courseId));
    const candidates = of('course').filter(({ id }) => usable.has(id));
    evidence.throughBundle = await throughBundles(enrolments, { evidence, candidates }, signal);
    const has = ({ kind, id }: Resource): boolean => {
      if (kind === 'course') return usable.has(id) && !evidence.throughBundle.has(id);
      if (kind === 'group') return joined.includes(id);
      const period = evidence.bundles.get(id);
      return period ? enrolments.isUsable(period) : false;
    };
    return { resources: wanted.filter(has), active: null, privileged: isPrivileged(user), evidence };
  };
}

/** Given with a bundle, at the same moment. It goes with the bundle, so nobody has it by itself. */
async function throughBundles(
  enrolments: Enrolments,
  { evidence, candidates }: { evidence: Evidence; candidates: Resource[] },
  signal: AbortSignal,
): Promise<Set<string>> {
  const through = new Set<string>();
  for (const [bundleId, period] of evidence.bundles) {
    if (!period || !enrolments.isUsable(period)) continue;
    const alike = candidates.filter(({ id }) => evidence.courses!.some((one) => one.courseId === id && isAlike(one, period)));
    if (alike.length === 0) continue;
    const contents = await enrolments.coursesOfBundle(bundleId, signal);
    for (const { id } of alike) if (contents.includes(id)) through.add(id);
  }
  return through;
}

/** Some platforms cut moments to seconds. */
const ALIKE_MS = 1000;

export const isAlike = (a: Period, b: Period): boolean =>
  a.activatedAt !== null && b.activatedAt !== null && Math.abs(a.activatedAt.getTime() - b.activatedAt.getTime()) <= ALIKE_MS;
