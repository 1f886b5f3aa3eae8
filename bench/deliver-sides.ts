/** The gateways that sign-ins are measured at, over copies of one database, and who waits beside each of them. */
import { testKey } from '../fixtures/saml/signer.ts';
import type { CatalogueEntry } from '../src/core/entitlement.ts';
import type { Places } from './deliver-platform.ts';
import { type Databases, knowPlatform, learner, openPopulation, placeOfSchool, settingOf } from './deliver-world.ts';
import { type BenchGateway, startGateway } from './gateway.ts';
import { createResponder, type Respond } from './provider.ts';
import { samlParties } from './saml-parties.ts';

export const WAITING = 100_000;
/** What Thinkific allows. */
const LIMITS = { perMinute: 120, concurrent: 4 };
/** People who were here before, for whom nothing is to be done. */
export const RETURNING = 20;
export const CASES = {
  empty: 'nobody waits',
  'empty too': 'nobody waits at another gateway either',
  'at its limit': `${WAITING / 1000}k wait, the platform takes ${LIMITS.perMinute} calls a minute`,
  'without limits': `${WAITING / 1000}k wait, a receiver of webhooks takes all it is told`,
  down: `${WAITING / 1000}k wait, the platform is down`,
};
export type Case = keyof typeof CASES;
export const isEmpty = (one: Case): boolean => one.startsWith('empty');

export interface Side {
  name: Case;
  gateway: BenchGateway;
  respond: Respond;
  waiting(): Promise<number>;
  end(): Promise<void>;
}

/** The same hundred thousand people in each, all of whom have something at the school; three of the gateways have yet to deliver all of it. */
export async function sidesOf(place: Databases, places: Places): Promise<Side[]> {
  const setting = (one: Case) => settingOf(one === 'down' ? places.down : places.up, one === 'without limits' ? places.hook : null, LIMITS);
  const base = await place.make();
  const { file } = await setting('empty');
  const population = await openPopulation(base, file);
  const returning = await population.arrive(Array.from({ length: RETURNING }, (_, i) => learner(`returning-${i}`)));
  await place.grown(base);
  const states = await population.arrive(Array.from({ length: WAITING }, (_, i) => learner(`waiting-${i}`)));
  for (const [i, state] of returning.entries()) await population.haveAccount('school', { state, accountId: `${1000 + i}` });
  await population.close();
  const ids = states.map(({ user }) => user.id);
  const sides: Side[] = [];
  for (const name of Object.keys(CASES) as Case[]) {
    const url = await place.make(base);
    const { file: told, secrets } = await setting(name);
    const copy = await openPopulation(url, told);
    await knowPlatform(copy.store, 'school', placeOfSchool(name === 'down' ? places.down : places.up));
    if (name === 'down') await copy.store.platforms.entries({ tenantId: 'acme', platform: 'school' }, ENTRIES, new Date());
    if (name === 'without limits') await knowPlatform(copy.store, 'hooks', 'webhook');
    if (!isEmpty(name)) await copy.tell(name === 'without limits' ? 'hooks' : 'school', ids);
    const gateway = await startGateway('', { file: told, secrets: { ...secrets, MATRICULA_DATABASE: url } });
    const key = await testKey('Sample SAML provider');
    const respond = createResponder({ key, signed: 'assertion', groups: learner('any').groups }, samlParties(gateway.url, 'assertion'));
    sides.push({
      ...{ name, gateway, respond },
      waiting: () => copy.store.outbox.waiting('acme'),
      async end() {
        await gateway.end();
        await copy.close();
      },
    });
  }
  return sides;
}

/** As the school has it: what a gateway that cannot ask it read when it could. */
const ENTRIES: CatalogueEntry[] = [
  { kind: 'bundle', id: '300001', name: 'Sales onboarding', slug: 'sales-onboarding', otherIds: [], contents: [] },
  { kind: 'group', id: '5001', name: 'All staff', slug: null, otherIds: [], contents: [] },
  { kind: 'group', id: '5002', name: 'Contractors', slug: null, otherIds: [], contents: [] },
];
