/**
 * Sign-ins beside an outbox in which a hundred thousand people wait, against the same sign-ins beside an empty one: three gateways over copies of one
 * database. Where the platform works, the gateway delivers all the time, as fast as 120 calls a minute allow. Rounds take turns, so that all meet the same
 * machine; a ratio is the median of the rounds' ratios.
 */
import { testKey } from '../fixtures/saml/signer.ts';
import type { CatalogueEntry } from '../src/core/entitlement.ts';
import type { Calls, Places } from './deliver-platform.ts';
import { type Databases, type Dialect, databases, knowPlatform, learner, openPopulation, placeOfSchool, settingOf } from './deliver-world.ts';
import { type BenchGateway, startGateway } from './gateway.ts';
import { newClient } from './http.ts';
import type { Cases, Run } from './main.ts';
import { oneByOne, quantile, round, timed } from './measure.ts';
import type { Person } from './people.ts';
import { type Started, start } from './process.ts';
import { createResponder, type Respond } from './provider.ts';
import { signIn } from './saml.ts';
import { samlParties } from './saml-parties.ts';

const WAITING = 100_000;
/** What Thinkific allows. */
const LIMITS = { perMinute: 120, concurrent: 4 };
const RETURNING = 20;
const ROUNDS = 11;
/** Of a returning learner the hand-over to the school is part, which asks whether their account there is ready. */
const KINDS = ['returning, to the school', 'first'] as const;
type Kind = (typeof KINDS)[number];
const CASES = ['empty', 'at its limit', 'down'] as const;
type Case = (typeof CASES)[number];

const nameOf = (dialect: Dialect, kind: Kind): string => `deliver waiting ${dialect}: sign-in, ${kind}`;

export const deliverWaiting: Cases = async (run) => {
  for (const dialect of ['sqlite', 'postgres'] as const) {
    const kinds = KINDS.filter((kind) => run.wanted(nameOf(dialect, kind)));
    if (kinds.length === 0) continue;
    const place = await databases(dialect);
    if (!place) {
      run.print({ name: `deliver waiting ${dialect}`, skipped: 'no PostgreSQL at TEST_POSTGRES_URL' });
      continue;
    }
    const platforms = start('./deliver-platform.js');
    const sides: Side[] = [];
    try {
      for (const one of await sidesOf(place, await platforms.hear<Places>())) sides.push(one);
      for (const kind of kinds) await measureKind(run, { kind, name: nameOf(dialect, kind), sides, platforms });
    } finally {
      for (const { gateway } of sides) await gateway.end();
      await platforms.end();
      await place.end();
    }
  }
};

interface Side {
  name: Case;
  gateway: BenchGateway;
  respond: Respond;
  waiting(): Promise<number>;
}

/** The same hundred thousand people in each, all of whom have something at the school; in two of them nobody was told yet. */
async function sidesOf(place: Databases, places: Places): Promise<Side[]> {
  const setting = (one: Case) => settingOf(one === 'down' ? places.down : places.up, null, LIMITS);
  const base = await place.make();
  const { file } = await setting('empty');
  const population = await openPopulation(base, file);
  const states = await population.arrive(Array.from({ length: WAITING }, (_, i) => learner(`waiting-${i}`)));
  const returning = await population.arrive(Array.from({ length: RETURNING }, (_, i) => learner(`returning-${i}`)));
  for (const [i, { user }] of returning.entries()) await population.haveAccount('school', { userId: user.id, accountId: `${1000 + i}` });
  await population.close();
  const ids = states.map(({ user }) => user.id);
  const sides: Side[] = [];
  for (const name of CASES) {
    const url = await place.make(base);
    const { file: told, secrets } = await setting(name);
    const copy = await openPopulation(url, told);
    await knowPlatform(copy.store, 'school', placeOfSchool(name === 'down' ? places.down : places.up));
    if (name === 'down') await copy.store.platforms.entries({ tenantId: 'acme', platform: 'school' }, ENTRIES, new Date());
    if (name !== 'empty') await copy.tell('school', ids);
    const gateway = await startGateway('', { file: told, secrets: { ...secrets, MATRICULA_DATABASE: url } });
    const key = await testKey('Sample SAML provider');
    const respond = createResponder({ key, signed: 'assertion', groups: learner('any').groups }, samlParties(gateway.url, 'assertion'));
    sides.push({ name, gateway, respond, waiting: () => copy.store.outbox.waiting('acme') });
  }
  return sides;
}

interface Round {
  times: number[];
  p50: number;
  cpu: number;
}

async function measureKind(
  run: Run,
  { kind, name, sides, platforms }: { kind: Kind; name: string; sides: Side[]; platforms: Started },
): Promise<void> {
  const size = Math.max(1, Math.round(run.count(220) / ROUNDS));
  const next = people(kind);
  const batch = (side: Side) => oneByOne(() => (kind === 'first' ? arrive(side, next(side)) : arriveAtSchool(side, next(side))));
  for (const side of sides) await batch(side)(2 * RETURNING);
  const [empty] = sides;
  if (kind !== 'first' && (await empty!.waiting()) > 0) throw new Error('somebody waits who should not');
  await platforms.ask<Calls>({ asked: 'calls' });
  const seen = new Map(sides.map((side) => [side.name, [] as Round[]]));
  for (let i = 0; i < ROUNDS; i++)
    for (const side of [...sides.slice(i % sides.length), ...sides.slice(0, i % sides.length)]) {
      const before = await side.gateway.usage();
      const times = await batch(side)(size);
      const after = await side.gateway.usage();
      seen.get(side.name)!.push({ times, p50: quantile(times, 0.5), cpu: (after.cpuMs - before.cpuMs) / size });
    }
  const { calls } = await platforms.ask<Calls>({ asked: 'calls' });
  const beside = seen.get('empty')!;
  for (const side of sides) {
    const mine = seen.get(side.name)!;
    const ratio = (of: 'p50' | 'cpu') =>
      round(
        quantile(
          mine.map((one, i) => one[of] / beside[i]![of]),
          0.5,
        ),
        2,
      );
    const all = mine.flatMap(({ times }) => times);
    const p95 = quantile(all, 0.95);
    const waiting = await side.waiting();
    if (side.name !== 'empty' && waiting < 0.9 * WAITING) throw new Error(`only ${waiting} are left`);
    run.print({
      name: `${name}; ${side.name === 'empty' ? 'nobody waits' : `${WAITING / 1000}k wait, platform ${side.name}`}`,
      p50_ms: round(quantile(all, 0.5), 2),
      p95_ms: round(p95, 2),
      cpu_ms_per_op: round(
        quantile(
          mine.map(({ cpu }) => cpu),
          0.5,
        ),
        2,
      ),
      ...(side.name !== 'empty' && {
        times: {
          p50: ratio('p50'),
          p95: round(
            p95 /
              quantile(
                beside.flatMap(({ times }) => times),
                0.95,
              ),
            2,
          ),
          cpu: ratio('cpu'),
        },
      }),
      waiting,
      n: all.length,
    });
  }
  run.print({ name: `${name}; calls to the platform meanwhile`, calls });
}

/** Some who were here before, in turn, the same at each gateway; or somebody new every time. */
function people(kind: Kind): (side: Side) => Person {
  const turns = new Map<Side, number>();
  return (side) => {
    const turn = turns.get(side) ?? 0;
    turns.set(side, turn + 1);
    return learner(kind === 'first' ? `new-${turn}` : `returning-${turn % RETURNING}`);
  };
}

const arrive = async ({ gateway, respond }: Side, who: Person): Promise<number> =>
  (await signIn(newClient(), { gateway, signed: 'assertion', respond, who })).ms;

async function arriveAtSchool({ gateway, respond }: Side, who: Person): Promise<number> {
  const client = newClient();
  const { ms } = await signIn(client, { gateway, signed: 'assertion', respond, who });
  const entered = await timed(async () => {
    const { status, location } = await client.get(`${gateway.url}/go/school`);
    if (!(status >= 300 && status < 400 && location?.includes('jwt=')))
      throw new Error(`the hand-over was answered with ${status}, to ${location?.split('?')[0]}`);
  });
  return ms + entered;
}

/** As the school has it: what a gateway that cannot ask it read when it could. */
const ENTRIES: CatalogueEntry[] = [
  { kind: 'bundle', id: '300001', name: 'Sales onboarding', slug: 'sales-onboarding', otherIds: [], contents: [] },
  { kind: 'group', id: '5001', name: 'All staff', slug: null, otherIds: [], contents: [] },
  { kind: 'group', id: '5002', name: 'Contractors', slug: null, otherIds: [], contents: [] },
];
