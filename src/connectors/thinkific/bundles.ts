/**
 * bundles: one bundle given or taken away. Thinkific does to a bundle's courses what is done to the bundle; what somebody has of them for another reason (a
 * course or bundle that they keep, or what was put there by hand) is given back at once.
 */
import type { Resource } from '../connector.ts';
import { bundleWith, type Ground } from './courses.ts';
import type { CourseEnrolment, Period } from './enrolments.ts';
import { isAlike } from './held.ts';

export async function addBundle({ accountId, enrolments, evidence, signal }: Ground, bundle: Resource): Promise<'done' | 'queued'> {
  const revive = async (there: Period): Promise<'done' | null> => {
    if (enrolments.isUsable(there)) return 'done';
    return (await enrolments.change({ bundle: bundle.id, accountId }, enrolments.fromNow(), signal)) ? 'done' : null;
  };
  const known = evidence?.bundles.get(bundle.id);
  const revived = known ? await revive(known) : null;
  if (revived) return revived;
  const made = await enrolments.create(accountId, bundle, signal);
  if (typeof made === 'string') return made;
  const there = made.refusal.code === 'validation' ? await enrolments.bundle(accountId, bundle.id, signal) : null;
  const again = there ? await revive(there) : null;
  if (!again) throw made.refusal;
  return again;
}

export async function removeBundle(ground: Ground, bundle: Resource): Promise<'done'> {
  const { accountId, enrolments, evidence, signal } = ground;
  const known = evidence?.bundles.get(bundle.id);
  const period = known === undefined ? await enrolments.bundle(accountId, bundle.id, signal) : known;
  if (!period || enrolments.hasEnded(period)) return 'done';
  const before = (evidence?.courses ?? (await enrolments.courses(accountId, signal))).filter(enrolments.isUsable);
  const there = await enrolments.change({ bundle: bundle.id, accountId }, enrolments.ended(period), signal);
  if (there && before.length > 0) await giveBack(ground, { before, period });
  return 'done';
}

async function giveBack(ground: Ground, { before, period }: { before: CourseEnrolment[]; period: Period }): Promise<void> {
  const { accountId, enrolments, desired, doomed, signal } = ground;
  const after = new Map((await enrolments.courses(accountId, signal)).map((one) => [one.id, one]));
  for (const was of before) {
    const is = after.get(was.id);
    if (!is || enrolments.isUsable(is) || doomed.has(was.courseId)) continue;
    const wanted = desired.some(({ kind, id }) => kind === 'course' && id === was.courseId);
    const back = wanted || !isAlike(was, period) ? was : await bundleWith(ground, was.courseId);
    if (back) await enrolments.change({ course: was.courseId, id: was.id }, back, signal);
  }
}
