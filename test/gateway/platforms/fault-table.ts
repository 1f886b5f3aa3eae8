/** Each error that Thinkific is known for (shared/facts/learning-platforms.md §A1): how it is made to happen at the sample platform, and when it is over. */
import { expect } from '@jest/globals';
import { effects, type FaultEffect } from '../../../fixtures/sample-platform/faults.ts';
import type { Fault } from './fault-run.ts';
import { type Clock, type SchoolWorld, schoolWorld } from './fault-worlds.ts';

type SchoolFault = Fault<SchoolWorld>;
type Begin = SchoolFault['begin'];

const school =
  (options: Parameters<typeof schoolWorld>[1] = {}) =>
  (clock: Clock) =>
    schoolWorld(clock, options);
const SHARED = school();
const fault = (name: string, answers: string, begin: Begin, over: Partial<SchoolFault> = {}): SchoolFault => ({
  ...{ name, answers, begin, world: SHARED },
  ...over,
});

const on =
  (match: { method?: string; path?: RegExp; operation?: RegExp; times?: number }, effect: FaultEffect): Begin =>
  ({ school: { faults } }) =>
    faults.add({ ...match, effect });
const any = (effect: FaultEffect): Begin => on({ path: /\/api\/public\// }, effect);
const create = (effect: FaultEffect, times = Number.POSITIVE_INFINITY): Begin => on({ method: 'POST', path: /\/users$/, times }, effect);
const bundle = (effect: FaultEffect, times = Number.POSITIVE_INFINITY): Begin =>
  on({ method: 'POST', path: /\/bundles\/\d+\/enrollments$/, times }, effect);
const groups = (effect: FaultEffect, times = Number.POSITIVE_INFINITY): Begin => on({ method: 'POST', path: /\/group_users$/, times }, effect);
const removal = (effect: FaultEffect): Begin => on({ operation: /Remove/ }, effect);
const page = (status: number): FaultEffect => effects.answer(status, '<html><body>Sorry</body></html>', 'text/html');
const redirect: FaultEffect = { kind: 'answer', answer: { status: 302, headers: { location: 'https://elsewhere.example/' } } };
const graphqlCode = (code: string) => effects.answer(200, { data: null, errors: [{ message: 'no', extensions: { code } }] });
const isNothing = () => [];
/** She was in Sales, and is not any more. */
const LEAVING = { before: ['Sales'], comes: [], ends: isNothing } satisfies Partial<SchoolFault>;
const LEFT_IN_GROUPS = { ...LEAVING, ends: () => ['A cohort', 'Staff'] } satisfies Partial<SchoolFault>;

const CREDENTIALS: SchoolFault[] = [
  fault('the key was reset there', '401', ({ school: platform, putKey }) => {
    const old = platform.apiKey;
    platform.apiKey = 'f'.repeat(32);
    return () => {
      platform.apiKey = old;
      putKey(old);
    };
  }),
  fault('the plan has no access to the API', '403 with a text', ({ school: { plan } }) => {
    plan.api = false;
    return () => {
      plan.api = true;
    };
  }),
  fault('a proxy’s page in place of a refusal', '403, an HTML page', any(page(403))),
];

const LIMITS: SchoolFault[] = [
  fault('too many requests, the end in seconds', '429, `RateLimit-Reset`', (world, ada) =>
    any(effects.tooMany(String(Math.floor(world.clock.now().getTime() / 1000) + 30)))(world, ada),
  ),
  fault('too many requests, the end in milliseconds', '429, `RateLimit-Reset`', (world, ada) =>
    any(effects.tooMany(String(world.clock.now().getTime() + 30_000)))(world, ada),
  ),
  fault('too many requests, no end told', '429', any(effects.tooMany())),
  fault('too many requests at the same time', '429', ({ school: { limits } }) => {
    limits.concurrent = 0;
    return () => {
      limits.concurrent = 10;
    };
  }),
  fault(
    'GraphQL’s points are used up',
    '200, a cost error',
    ({ school: { limits }, clock }) => {
      clock.forward(90_000 - (clock.now().getTime() % 60_000)); // half a minute before new points come
      limits.points = 0;
      return () => {
        limits.points = 2_000;
      };
    },
    LEAVING,
  ),
];

const AWAY: SchoolFault[] = [
  fault('an error there, once', '500', create(effects.serverError(), 1)),
  fault('an error there, for one person, for ever', '500', create(effects.serverError()), { lasting: true, long: true, world: school() }),
  ...[502, 503, 504].map((status) => fault('it is not available', `${status}, an HTML page`, any(page(status)))),
  fault('the proxy in front of it fails', '520, an HTML page', any(effects.proxyError())),
  fault('it takes its time', 'the answer after two seconds', create(effects.slow(2_000)), { long: true, world: school() }),
  fault('it takes too long', 'the answer after eleven seconds', create(effects.slow(11_000), 1), { long: true, world: school() }),
  fault('no answer at all', 'nothing for ten seconds', create(effects.silent()), { long: true, world: school() }),
  fault('the connection breaks', 'cut, nothing done', create(effects.cut())),
  fault('it is away', 'no connection', ({ school: { faults } }) => {
    faults.down();
    return () => faults.up();
  }),
];

const NONSENSE: SchoolFault[] = [
  fault('a page in place of data', '200, HTML', create(effects.html())),
  fault('data that breaks off', '200, half a JSON', create(effects.brokenJson())),
  fault('data of another shape', '200, other JSON', create(effects.wrongShape())),
  fault('nothing where something is due', '204', create(effects.empty())),
  fault('data without end', '200, two megabytes', create(effects.oversized())),
  fault('it sends somewhere else', '302', create(redirect)),
];

const LOST: SchoolFault[] = [
  fault('an account is made, and the answer is lost', 'done, then cut', create(effects.doneThenCut(), 1)),
  fault('a bundle is given, and the answer is lost', 'done, then cut', bundle(effects.doneThenCut(), 1)),
  fault('groups are joined, and the answer is lost', 'done, then cut', groups(effects.doneThenCut(), 1)),
  fault('a bundle is given, and an error is answered', 'done, then 502', bundle(effects.doneThenAnswer({ status: 502, body: 'bad gateway' }), 1)),
  fault(
    'a bundle is ordered, and done later',
    '202',
    ({ school: platform }) => {
      platform.school.queueBundles = true;
      return () => {
        platform.school.queueBundles = false;
        platform.school.runQueue();
      };
    },
    {
      world: school(),
      also: ({ school: { calls } }) => expect(calls.filter(({ method, path }) => method === 'POST' && /\/bundles\//.test(path))).toHaveLength(1),
    },
  ),
];

/** Renames something there; afterwards it is called as before. */
const called =
  (thing: (world: SchoolWorld) => { name: string; slug?: string }, other: { name: string; slug?: string }, read: boolean): Begin =>
  async (world) => {
    const there = thing(world);
    const was = { ...there };
    Object.assign(there, other);
    if (read) await world.refresh();
    return async () => {
      Object.assign(there, was);
      await world.refresh();
    };
  };

const THINGS: SchoolFault[] = [
  fault('a field is not taken', '422, errors by field', (world, ada) =>
    create(effects.fieldErrors({ first_name: [`${ada} is reserved`] }))(world, ada),
  ),
  fault('something is not taken', '422, errors in a list', (world, ada) => bundle(effects.listErrors(`${ada} cannot be enrolled`))(world, ada)),
  fault('nobody said a surname', '422 without one', () => () => {}, {
    surnameless: true,
    also: ({ school: platform }, ada) =>
      expect(platform.school.userByEmail(ada)).toMatchObject({ firstName: expect.stringMatching(/^ada/), lastName: '-' }),
  }),
  fault('the bundle has gone since the catalogue was read', '404', bundle(effects.notFound())),
  fault(
    'a group was renamed since the catalogue was read',
    '422, unknown name',
    called((w) => w.school.school.group('A cohort'), { name: 'Z' }, false),
  ),
  fault('a group has gone since the catalogue was read', '422, unknown name', ({ school: { school: there } }) => {
    const group = { ...there.group('A cohort') };
    there.removeGroup(group.id);
    return () => there.restoreGroup(group);
  }),
  fault(
    'a bundle of the rules is not there',
    'a catalogue without it',
    called((w) => w.school.school.bundle('sales'), { name: 'Other', slug: 'other' }, true),
  ),
  fault(
    'a group of the rules is not there',
    'a catalogue without it',
    called((w) => w.school.school.group('A cohort'), { name: 'Z' }, true),
  ),
  fault(
    'a name means two things',
    'two groups of that name',
    called((w) => w.school.school.group('Put by hand'), { name: 'A cohort' }, true),
  ),
];

const PEOPLE: SchoolFault[] = [
  fault('an administrator has the e-mail', 'an account with an administrator’s role', ({ school: { school: there } }, ada) => {
    const user = there.addUser({ email: ada, firstName: 'An', lastName: 'Admin', roles: ['site_admin'] });
    return () => void user.roles.splice(0);
  }),
  fault(
    'the account is made an administrator’s',
    'an account with an administrator’s role',
    ({ school: { school: there } }, ada) => {
      const user = there.userByEmail(ada)!;
      user.roles.push('course_admin');
      return () => void user.roles.splice(0);
    },
    { before: ['Staff'] },
  ),
  fault(
    'somebody has the e-mail, and nobody vouches for it',
    'an account with that e-mail',
    ({ school: { school: there } }, ada) => {
      const user = there.addUser({ email: ada, firstName: 'Some', lastName: 'Body' });
      return () => there.changeEmail(user.id, `not-${ada}`);
    },
    { outside: true },
  ),
  fault('another learner’s account has the e-mail', 'an account that is taken', async ({ school: { school: there }, operator }, ada) => {
    await operator.arrives('cem', ['Staff']);
    await operator.gateway.settled();
    const cem = there.userByEmail('cem@acme.example')!;
    there.changeEmail(cem.id, ada);
    return () => there.changeEmail(cem.id, 'cem@acme.example');
  }),
  fault(
    'the account was deleted there',
    '404',
    ({ school: { school: there } }, ada) => {
      there.removeUser(there.userByEmail(ada)!.id);
      return () => {};
    },
    { before: ['Staff'] },
  ),
  fault(
    'the enrolment was ended there by hand',
    'an end in the past',
    ({ school: { school: there }, clock }, ada) => {
      const { id } = there.userByEmail(ada)!;
      there.changeBundleEnrolment(there.bundleEnrolment(id, there.bundle('sales').id)!, { expiryDate: new Date(clock.now().getTime() - 1000) });
      return () => {};
    },
    LEAVING,
  ),
  fault('the enrolment is not there any more', '404', on({ method: 'PUT', path: /\/bundles\/\d+\/enrollments/ }, effects.notFound()), {
    ...LEAVING,
    ends: () => ['closing', 'listening'],
  }),
];

const GRAPHQL: SchoolFault[] = [
  fault('GraphQL has an error', '200, errors', removal(effects.graphqlErrors('Internal error')), LEAVING),
  fault(
    'GraphQL says why it does not do it',
    '200, `userErrors`',
    (world, ada) =>
      removal(effects.answer(200, { data: { bulkRemoveUsersFromGroups: { message: null, userErrors: [{ message: `not ${ada}` }] } } }))(world, ada),
    LEAVING,
  ),
  fault('GraphQL does not take the token', '401', removal(effects.unauthorised()), LEFT_IN_GROUPS),
  fault('the token may not do this', '200, an error of access', removal(graphqlCode('FORBIDDEN')), LEFT_IN_GROUPS),
  fault('nobody can be taken out of a group', 'no access token is set', () => () => {}, {
    ...LEFT_IN_GROUPS,
    world: school({ platformOver: { accessToken: undefined } }),
  }),
];

export const SCHOOL_FAULTS: SchoolFault[] = [...CREDENTIALS, ...LIMITS, ...AWAY, ...NONSENSE, ...LOST, ...THINGS, ...PEOPLE, ...GRAPHQL];
