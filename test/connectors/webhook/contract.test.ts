import type { Resource } from '../../../src/connectors/connector.ts';
import { attemptOf, makePerson } from '../people.ts';
import { connectorPromises, type Side } from '../suite.ts';
import { startReceiver } from './receiver.ts';
import { connectorTo, newSecret } from './world.ts';

const THINGS: Resource[] = ['bundle:sales-onboarding', 'collection:executive', 'group:cohort-7'].map((id) => ({ kind: 'target', id, name: id }));
const CANNOT_ASK = 'a receiver cannot be asked, so nothing of its own is ever met';

connectorPromises({
  name: 'webhook',
  lacks: { putByHand: CANNOT_ASK, removeAccount: CANNOT_ASK, foreignAccount: CANNOT_ASK, makePrivileged: CANNOT_ASK },
  async make(): Promise<Side> {
    const secret = newSecret();
    const receiver = await startReceiver([secret]);
    const nothing = () => Promise.reject(new Error(CANNOT_ASK));
    return {
      connector: connectorTo(receiver.url, [secret]),
      things: THINGS,
      secrets: [secret, '/hooks/matricula'],
      person: makePerson,
      attempt: async (key, person, desired) => attemptOf(key, person, desired),
      async observe(accountId) {
        const learner = receiver.learners.get(accountId);
        if (!learner) return null;
        const { email, givenName, familyName, status } = learner.data;
        const resources = learner.targets.map((id) => ({ kind: 'target' as const, id }));
        return { resources, profile: { email, givenName, familyName }, active: status === 'active' };
      },
      accounts: async () => receiver.learners.size,
      putByHand: nothing,
      removeAccount: nothing,
      foreignAccount: nothing,
      makePrivileged: nothing,
      async loseAnswer() {
        receiver.loses = 1;
      },
      down: receiver.down,
      async answerNonsense() {
        receiver.instead = { status: 502, headers: { 'content-type': 'text/html' }, body: '<html><h1>Bad gateway</h1>' };
      },
      up: receiver.up,
      close: receiver.close,
    };
  },
});
