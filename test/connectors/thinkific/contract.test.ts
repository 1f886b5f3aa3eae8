import { effects } from '../../../fixtures/sample-platform/faults.ts';
import type { Resource } from '../../../src/connectors/connector.ts';
import { attemptOf, makePerson } from '../people.ts';
import { connectorPromises, type Side } from '../suite.ts';
import { makeWorld, type World } from './world.ts';

connectorPromises({
  name: 'thinkific',
  make: async () => sideOf(await makeWorld()),
});

connectorPromises({
  name: 'thinkific without an access token',
  async make() {
    const world = await makeWorld();
    return { ...sideOf(world), connector: world.connect({ accessToken: null }) };
  },
});

connectorPromises({
  name: 'thinkific, where bundles are queued',
  async make() {
    const world = await makeWorld();
    world.platform.school.queueBundles = true;
    return { ...sideOf(world), settle: async () => void world.platform.school.runQueue() };
  },
});

function sideOf(world: World): Side {
  const { platform, resource } = world;
  const { school, faults } = platform;
  const things: Resource[] = [
    ...['alone', 'other'].map((name) => resource('course', name)),
    ...['one', 'two'].map((name) => resource('bundle', name)),
    ...['North', 'South'].map((name) => resource('group', name)),
  ];
  const ids = new Set(things.map(({ kind, id }) => `${kind}:${id}`));
  return {
    connector: world.connector,
    things,
    secrets: [platform.apiKey, platform.accessToken],
    person: makePerson,
    attempt: async (key, person, desired) => attemptOf(key, person, desired),
    async observe(accountId) {
      const user = school.users.get(Number(accountId));
      if (!user) return null;
      const resources = [
        ...school
          .enrolmentsOf(user.id)
          .filter(school.isUsable)
          .map(({ courseId }) => ({ kind: 'course' as const, id: String(courseId) })),
        ...school.bundleEnrolments
          .filter((one) => one.userId === user.id && school.isUsable(one))
          .map(({ bundleId }) => ({ kind: 'bundle' as const, id: String(bundleId) })),
        ...school.groupsOf(user.id).map(({ id }) => ({ kind: 'group' as const, id: String(id) })),
      ];
      return {
        // The courses of a bundle come with it.
        resources: resources.filter(({ kind, id }) => ids.has(`${kind}:${id}`)),
        profile: { email: user.email, givenName: user.firstName, familyName: user.lastName },
        active: null,
      };
    },
    accounts: async () => school.users.size,
    async putByHand(accountId, { kind, id }) {
      const put = { course: school.enrol, bundle: school.enrolInBundle, group: school.joinGroup, target: () => {} }[kind];
      put(Number(accountId), Number(id));
    },
    removeAccount: async (accountId) => {
      school.forgetEnrolmentsOf(Number(accountId));
      school.removeUser(Number(accountId));
    },
    foreignAccount: async ({ email }) => String(school.addUser({ email, firstName: 'Somebody', lastName: 'Else' }).id),
    makePrivileged: async (accountId) => void school.users.get(Number(accountId))!.roles.push('site_admin'),
    async loseAnswer() {
      faults.add({ method: 'POST', path: /^\/api/, times: 1, effect: effects.doneThenCut() });
    },
    down: async () => faults.down(),
    async answerNonsense() {
      for (let round = 0; round < 20; round++)
        for (const effect of [effects.html(), effects.brokenJson(), effects.wrongShape(), effects.empty(), effects.proxyError()])
          faults.add({ times: 1, effect });
      faults.add({ effect: effects.html() });
    },
    async up() {
      faults.clear();
      faults.up();
    },
    close: platform.close,
  };
}
