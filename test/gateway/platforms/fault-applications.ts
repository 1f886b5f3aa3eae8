/** Each error of an application that is told by webhook or by SCIM (shared/facts/learning-platforms.md §A8, §A9), made at a real receiver of each. */
import { expect } from '@jest/globals';
import type { Answer } from '../../connectors/webhook/receiver.ts';
import type { Fault } from './fault-run.ts';
import { type Clock, type HookOptions, type HookWorld, hookWorld, type ScimWorld, scimWorld } from './fault-worlds.ts';

type HookFault = Fault<HookWorld>;
type ScimFault = Fault<ScimWorld>;

const hook =
  (options: HookOptions = {}) =>
  (clock: Clock) =>
    hookWorld(clock, options);
const HOOK = hook();
const hookFault = (name: string, answers: string, begin: HookFault['begin'], over: Partial<HookFault> = {}): HookFault => ({
  ...{ name, answers, begin, world: HOOK },
  ...over,
});
const answering =
  (answer: Answer): HookFault['begin'] =>
  ({ app }) => {
    app.instead = answer;
    return () => {
      app.instead = null;
    };
  };
/** Every attempt to tell of it had the same id. */
const underOneId = ({ app }: HookWorld, ada: string) => {
  const ids = app.received.filter(({ body }) => body.includes('learner.updated') && body.includes(ada)).map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(1);
  expect(new Set(ids).size).toBe(1);
};

export const HOOK_FAULTS: HookFault[] = [
  hookFault('it wants no more', '410', answering({ status: 410 })),
  hookFault('it asks for patience', '429, `Retry-After`', answering({ status: 429, headers: { 'retry-after': '30' } }), { also: underOneId }),
  hookFault('it does not take the message', '400', answering({ status: 400 }), { also: underOneId }),
  hookFault('it does not take the signature', '401', answering({ status: 401 }), { also: underOneId }),
  hookFault('an error there', '500', answering({ status: 500 }), { also: underOneId }),
  hookFault('an error there, for ever', '500', answering({ status: 500 }), { lasting: true, long: true, world: hook(), also: underOneId }),
  hookFault('it sends somewhere else', '302', answering({ status: 302, headers: { location: 'https://elsewhere.example/' } }), { also: underOneId }),
  hookFault('the connection breaks', 'cut', answering('cut'), { also: underOneId }),
  hookFault(
    'it is taken, and the answer is lost',
    'done, then cut',
    ({ app }) => {
      app.loses = 1;
      return () => {};
    },
    { also: underOneId },
  ),
  hookFault('it is away', 'connection refused', async ({ app }) => {
    await app.down();
    return () => app.up();
  }),
  hookFault(
    'its address is in a private network',
    'nothing is sent',
    ({ app, leadTo }) =>
      () =>
        leadTo(app.url),
    {
      world: hook({ url: 'https://10.1.2.3/hooks' }),
    },
  ),
  hookFault('its secret is not there', 'nothing is sent', ({ putSecret }) => putSecret, { world: hook({ secretless: true }) }),
];

const scim =
  (quirks: Parameters<typeof scimWorld>[1] = {}) =>
  (clock: Clock) =>
    scimWorld(clock, quirks);
const SCIM = scim();
const scimFault = (name: string, answers: string, begin: ScimFault['begin'], over: Partial<ScimFault> = {}): ScimFault => ({
  ...{ name, answers, begin, world: SCIM },
  ...over,
});
/** The next request of this kind only. */
const troubled =
  (on: string, status: number, over: { headers?: Record<string, string>; body?: string } = {}): ScimFault['begin'] =>
  ({ app }) => {
    app.trouble({ on, status, ...over });
    return () => {};
  };
const userOf = ({ app }: ScimWorld, email: string) => [...app.users.values()].find(({ userName }) => userName === email)!;

export const SCIM_FAULTS: ScimFault[] = [
  scimFault('the token is not taken', '401', troubled('GET /Users', 401)),
  scimFault('no seat is left', '403 to a new user', troubled('POST /Users', 403)),
  scimFault('it asks for patience', '429, `Retry-After`', troubled('GET /Users', 429, { headers: { 'retry-after': '30' } })),
  scimFault('it is not available', '503', troubled('GET /Users', 503)),
  scimFault('an error there', '500', troubled('POST /Users', 500)),
  scimFault('a page in place of data', '200, HTML', troubled('POST /Users', 200)),
  scimFault('the user is there already, with the e-mail of the learner', '409', ({ app }, ada) => {
    app.user({ userName: ada, emails: [{ value: ada, type: 'work' }], active: true });
    return () => {};
  }),
  scimFault('the user is there already, with another external id', '409', ({ app }, ada) => {
    const other = app.user({ userName: ada, externalId: 'somebody-else', active: true });
    return () => void app.users.delete(other.id);
  }),
  scimFault(
    'the user was deleted there',
    '404',
    (world, ada) => {
      const { id } = userOf(world, ada);
      world.app.users.delete(id);
      for (const group of world.app.groups.values()) group.members = group.members.filter(({ value }) => value !== id);
      return () => {};
    },
    { before: ['Staff'] },
  ),
  scimFault(
    'the user is changed by somebody else meanwhile',
    '412',
    (world, ada) => {
      const user = userOf(world, ada);
      world.app.before('PATCH /Users', () => void Object.assign(user, { title: 'changed', meta: { ...user.meta, version: 'W/"other"' } }));
      return () => {};
    },
    { before: ['Staff'], world: scim({ versions: true }) },
  ),
  scimFault(
    'it has no PATCH',
    '501',
    ({ app }) => {
      app.quirks.patch = false;
      return () => {
        app.quirks.patch = true;
      };
    },
    { before: ['Staff'] },
  ),
];
