/** Each error that a learning platform is known for: how it is made to happen, what the platform answers, and when it is over. */
import { effects } from '../../../fixtures/sample-platform/faults.ts';
import { SCHOOL, type School, type SchoolOptions } from './school.ts';

export interface Fault {
  /** As people would say it. */
  name: string;
  answers: string;
  /** Before the learner comes; returns its end. `id` is the learner's. */
  begin(school: School, id: string): (() => void) | Promise<() => void>;
  /** `removal`: they come twice, and the second time are in no group any more; the fault begins between. */
  when?: 'removal';
  email?: string;
  options?: SchoolOptions;
  /** An operator has to try again when it is mended. */
  retry?: true;
  /** What the learner has in the end, where it is not all that the rules give. */
  ends?: string[];
}

const on = (method: string, path: RegExp, effect: Parameters<School['platform']['faults']['add']>[0]['effect'], times?: number) => (school: School) =>
  school.platform.faults.add({ method, path, effect, ...(times !== undefined && { times }) });
const removing = (effect: Parameters<typeof on>[2]) => (school: School) => school.platform.faults.add({ operation: /Remove/, effect });
const EVERYTHING = /\/api\//;
const create = (effect: Parameters<typeof on>[2], times?: number) => on('POST', /\/users$/, effect, times);
const bundle = (effect: Parameters<typeof on>[2], times?: number) => on('POST', /\/bundles\/\d+\/enrollments$/, effect, times);
const groups = (effect: Parameters<typeof on>[2], times?: number) => on('POST', /\/group_users$/, effect, times);
const any = (effect: Parameters<typeof on>[2]) => (school: School) => {
  const ends = ['GET', 'POST', 'PUT'].map((method) => on(method, EVERYTHING, effect)(school));
  return () => {
    for (const end of ends) end();
  };
};
const inSeconds = () => effects.tooMany(String(Math.floor(Date.now() / 1000) + 30));
const inMilliseconds = () => effects.tooMany(String(Date.now() + 30_000));
const NOTHING: string[] = [];

export const FAULTS: Fault[] = [
  { name: 'the credentials are not taken', answers: '401', begin: any(effects.unauthorised()), retry: true },
  { name: 'the plan has no access to the API', answers: '403 with a text', begin: any(effects.forbidden()), retry: true },
  { name: 'a field is not taken', answers: '422, errors by field', begin: create(effects.fieldErrors({ first_name: ['is reserved'] })), retry: true },
  {
    name: 'something is not taken',
    answers: '422, errors in a list',
    begin: bundle(effects.listErrors('Bundle cannot be enrolled in')),
    retry: true,
  },
  { name: 'the bundle has gone', answers: '404', begin: bundle(effects.notFound()), retry: true },
  {
    name: 'a group was renamed since the catalogue was read',
    answers: '422, unknown name',
    begin: renamed,
    ends: ['A cohort', 'All staff', 'closing', 'listening'],
  },
  { name: 'too many requests, the end in seconds', answers: '429, RateLimit-Reset', begin: (school) => any(inSeconds())(school) },
  { name: 'too many requests, the end in milliseconds', answers: '429, RateLimit-Reset', begin: (school) => any(inMilliseconds())(school) },
  { name: 'too many requests, no end told', answers: '429', begin: any(effects.tooMany()) },
  { name: 'an error there, for one person', answers: '500', begin: create(effects.serverError()) },
  { name: 'maintenance', answers: '503, an HTML page', begin: any(effects.unavailable()) },
  { name: 'the proxy in front of it fails', answers: '520, an HTML page', begin: any(effects.proxyError()) },
  { name: 'a page in place of data', answers: '200, HTML', begin: create(effects.html()) },
  { name: 'data that breaks off', answers: '200, half a JSON', begin: create(effects.brokenJson()) },
  { name: 'data of another shape', answers: '200, other JSON', begin: create(effects.wrongShape()) },
  { name: 'nothing where something is due', answers: '204', begin: create(effects.empty()) },
  { name: 'data without end', answers: '200, two megabytes', begin: create(effects.oversized()) },
  { name: 'no answer at all', answers: 'nothing for ten seconds', begin: create(effects.silent()) },
  { name: 'the connection breaks', answers: 'the connection is cut', begin: create(effects.cut()) },
  {
    name: 'it is away',
    answers: 'no connection',
    begin({ platform }) {
      platform.faults.down();
      return () => platform.faults.up();
    },
  },
  { name: 'an account is made, and the answer is lost', answers: 'done, then cut', begin: create(effects.doneThenCut(), 1) },
  { name: 'a bundle is given, and the answer is lost', answers: 'done, then cut', begin: bundle(effects.doneThenCut(), 1) },
  { name: 'groups are joined, and the answer is lost', answers: 'done, then cut', begin: groups(effects.doneThenCut(), 1) },
  {
    name: 'a bundle is ordered, and done later',
    answers: '202',
    begin({ platform }) {
      platform.school.queueBundles = true;
      return () => {
        platform.school.queueBundles = false;
        platform.school.runQueue();
      };
    },
  },
  {
    name: 'a bundle of the rules is not there',
    answers: 'a catalogue without it',
    begin: () => () => {},
    options: { sample: { school: { ...SCHOOL, bundles: [{ slug: 'selling', name: 'Selling', courses: ['listening', 'closing'] }] } } },
    ends: ['A cohort', 'Staff'],
  },
  {
    name: 'an administrator has the e-mail',
    answers: 'an account with an administrator’s role',
    begin({ platform }, id) {
      const user = platform.school.addUser({ email: `${id}@acme.example`, firstName: 'An', lastName: 'Admin', roles: ['site_admin'] });
      return () => void user.roles.splice(0);
    },
    retry: true,
  },
  {
    name: 'somebody has the e-mail, and nobody vouches for it',
    answers: 'an account with that e-mail',
    email: 'guest@elsewhere.example',
    begin({ platform }) {
      platform.school.addUser({ email: 'guest@elsewhere.example', firstName: 'Some', lastName: 'Body' });
      return () => {};
    },
    ends: NOTHING,
  },
  {
    name: 'GraphQL asks for patience',
    answers: '200, a cost error',
    when: 'removal',
    begin: removing(effects.graphqlErrors('Throttled: query cost exceeds the available points')),
    ends: NOTHING,
  },
  { name: 'GraphQL does not take the token', answers: '401', when: 'removal', begin: removing(effects.unauthorised()), ends: ['A cohort', 'Staff'] },
  {
    name: 'nobody can be taken out of a group',
    answers: 'no access token is set',
    when: 'removal',
    begin: () => () => {},
    options: { platformOver: { accessToken: undefined } },
    ends: ['A cohort', 'Staff'],
  },
];

function renamed({ platform }: School): () => void {
  platform.school.group('Staff').name = 'All staff';
  return () => {};
}
