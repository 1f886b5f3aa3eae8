/** "My learning": the courses that the learner's enrolments open. */
import type { Target, User } from '../core/model.ts';
import type { Course, Tenant } from '../core/tenant.ts';
import { contactLink, document } from './document.ts';
import { type Html, html, linkable } from './html.ts';

/** What a target is called where people read it. */
export interface NamedTarget {
  target: Target;
  title: string;
}

/** The learner's courses, each once, with the enrolments that open it. `offers` are the enrolments, those without a course too. */
export interface Learning {
  courses: { course: Course; via: NamedTarget[] }[];
  offers: NamedTarget[];
}

const KINDS: Record<string, string> = { bundle: 'Bundle', collection: 'Collection', group: 'Group' };
const kindOf = (target: Target): string => KINDS[target.slice(0, target.indexOf(':'))] ?? 'Enrolment';

interface Section {
  offer: NamedTarget;
  courses: Learning['courses'];
}

/** A course stands in the first section that opens it; the others are named on its card. */
function sections({ courses, offers }: Learning): Section[] {
  const byTarget = new Map<Target, Section>();
  for (const offer of [...offers, ...courses.flatMap(({ via }) => via.slice(0, 1))])
    if (!byTarget.has(offer.target)) byTarget.set(offer.target, { offer, courses: [] });
  const order = [...byTarget.keys()];
  for (const entry of courses) {
    const home = order.find((target) => entry.via.some((v) => v.target === target));
    if (home !== undefined) byTarget.get(home)?.courses.push(entry);
  }
  return [...byTarget.values()];
}

function courseCard({ course, via }: Learning['courses'][number], home: Target): Html {
  const href = linkable(course.url);
  const others = via.filter((v) => v.target !== home).map((v) => v.title);
  return html`<li class="course"><h3>${href === null ? course.title : html`<a href="${href}">${course.title}</a>`}</h3>
${course.description && html`<p>${course.description}</p>`}
${others.length > 0 && html`<p class="also">Also in ${others.join(', ')}</p>`}
<p class="go">${href === null ? 'Not open yet' : html`<span aria-hidden="true">Open course →</span>`}</p></li>`;
}

function offerSection({ offer, courses }: Section, all: Learning['courses']): Html {
  const count = courses.length === 1 ? '1 course' : `${courses.length} courses`;
  const elsewhere = all.some(({ via }) => via.some((v) => v.target === offer.target));
  const none = elsewhere ? 'Its courses are listed above.' : 'No courses in it yet.';
  return html`<section><header class="offer"><h2>${offer.title}</h2><p><span class="kind">${kindOf(offer.target)}</span>${courses.length > 0 && html` <span>${count}</span>`}</p></header>
${courses.length > 0 ? html`<ul class="courses">${courses.map((entry) => courseCard(entry, offer.target))}</ul>` : html`<p class="quiet">${none}</p>`}</section>`;
}

function emptyState(contact: string | null): Html {
  return html`<div class="empty"><h2>Nothing here yet</h2>
<p>Your account is ready, but no course is assigned to you so far. Courses appear here as soon as your organisation assigns them.</p>
${contact !== null && html`<p>Expected something? Ask ${contactLink(contact)}.</p>`}</div>`;
}

const openLinks = ({ id, handOffs }: Pick<Tenant, 'id' | 'handOffs'>): Html =>
  html`<p class="open">${handOffs.map((handOff, i) => html`<a class="button${i === 0 && ' primary'}" href="/t/${id}/go/${handOff.id}">Open ${handOff.name}</a>`)}</p>`;

/** `GET /t/{tenant}/learning`. `csrf` is the session's token for the sign-out form. */
export function learningPage(at: {
  tenant: Pick<Tenant, 'id' | 'name' | 'contact' | 'handOffs'>;
  user: User;
  learning: Learning;
  csrf: string;
}): string {
  const name = at.user.givenName || at.user.displayName || at.user.userName;
  const parts = sections(at.learning);
  const total = at.learning.courses.length;
  return document({
    title: 'My learning',
    tenantName: at.tenant.name,
    width: 'wide',
    aside: html`<div class="account"><span class="who"><span class="name">${at.user.displayName || at.user.userName}</span> <small>${at.user.email}</small></span>
<form method="post" action="/t/${at.tenant.id}/logout"><input type="hidden" name="csrf" value="${at.csrf}"><button type="submit">Sign out</button></form></div>`,
    body: html`<div class="title"><h1>My learning</h1>
<p class="lead">${total === 0 ? `Welcome, ${name}.` : `Welcome, ${name}. You have ${total === 1 ? 'one course' : `${total} courses`}.`}</p>
${at.tenant.handOffs.length > 0 && openLinks(at.tenant)}</div>
${parts.length === 0 ? emptyState(at.tenant.contact) : parts.map((part) => offerSection(part, at.learning.courses))}`,
  });
}
