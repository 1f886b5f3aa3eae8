/** What a signed-in learner sees: the local catalogue's courses, through the enrolments (FEATURES E1). */
import { targetsOf } from '../core/diff.ts';
import type { Target, UserState } from '../core/model.ts';
import type { Course, Offer, Tenant } from '../core/tenant.ts';

export interface Learning {
  /** What the learner is enrolled in, in the catalogue's order; a target that the catalogue does not know has no courses. */
  offers: { target: Target; kind: 'bundle' | 'collection' | 'group'; title: string; courses: Course[] }[];
  /** Every course once, with what opens it. */
  courses: { course: Course; via: { target: Target; title: string }[] }[];
}

export function learning(tenant: Tenant, state: UserState): Learning {
  const { catalogue } = tenant;
  const courses = new Map(catalogue.courses.map((course) => [course.slug, course]));
  const known = [
    ...catalogue.bundles.map((offer) => ({ kind: 'bundle' as const, offer })),
    ...catalogue.collections.map((offer) => ({ kind: 'collection' as const, offer })),
    ...catalogue.groups.map((offer) => ({ kind: 'group' as const, offer })),
  ];
  const enrolled = targetsOf(state);
  const shown = known
    .filter(({ kind, offer }) => enrolled.has(`${kind}:${offer.slug}`))
    .map(({ kind, offer }) => ({ target: `${kind}:${offer.slug}` as Target, kind, title: offer.title, courses: coursesOf(offer, courses) }));
  const seen = new Set(shown.map((offer) => offer.target));
  const unknown = [...enrolled].filter((target) => !seen.has(target)).sort();
  const offers = [
    ...shown,
    ...unknown.map((target) => ({
      target,
      kind: target.slice(0, target.indexOf(':')) as 'bundle',
      title: target.slice(target.indexOf(':') + 1),
      courses: [],
    })),
  ];
  const open = catalogue.courses.map((course) => ({
    course,
    via: offers.filter((o) => o.courses.includes(course)).map(({ target, title }) => ({ target, title })),
  }));
  return { offers, courses: open.filter(({ via }) => via.length > 0) };
}

const coursesOf = (offer: Offer, courses: Map<string, Course>): Course[] => offer.courses.flatMap((slug) => courses.get(slug) ?? []);
