/**
 * Deliveries over HTTP to the sample platform without limits and to a receiver of webhooks, both in another process: what one costs the gateway, how many calls
 * it takes, and how many there are in a second. What waits is put into the outbox by the driver; the gateway finds it there.
 */

import type { Calls, Places } from './deliver-platform.ts';
import {
  type Databases,
  type Dialect,
  databases,
  knowPlatform,
  learner,
  learnerLosing,
  openPopulation,
  type Population,
  placeOfSchool,
  settingOf,
} from './deliver-world.ts';
import { type BenchGateway, startGateway } from './gateway.ts';
import type { Cases, Run } from './main.ts';
import { quantile, round } from './measure.ts';
import { type Started, start } from './process.ts';

const KINDS = ['new learner, a bundle and two groups', 'nothing to do', 'a group lost', 'webhook, new learner'] as const;
type Kind = (typeof KINDS)[number];

const ROUNDS = 5;
/** At most 10 at a time, as Thinkific allows; so many a minute that nobody waits for their turn, which is counted all the same. */
const LIMITS = { perMinute: 100_000, concurrent: 10 };

export const deliver: Cases = async (run) => {
  for (const dialect of ['sqlite', 'postgres'] as const) {
    if (!KINDS.some((kind) => run.wanted(nameOf(dialect, kind)))) continue;
    const place = await databases(dialect);
    if (!place) {
      run.print({ name: `deliver ${dialect}`, skipped: 'no PostgreSQL at TEST_POSTGRES_URL' });
      continue;
    }
    const platforms = start('./deliver-platform.js');
    try {
      await measureOn(run, dialect, { place, platforms, places: await platforms.hear<Places>() });
    } finally {
      await platforms.end();
      await place.end();
    }
  }
};

const nameOf = (dialect: Dialect, kind: Kind): string => `deliver ${dialect}: ${kind}`;

async function measureOn(run: Run, dialect: Dialect, at: { place: Databases; platforms: Started; places: Places }): Promise<void> {
  const { place, platforms, places } = at;
  const url = await place.make();
  const { file, secrets } = await settingOf(places.up, places.hook, LIMITS);
  const population = await openPopulation(url, file);
  await knowPlatform(population.store, 'school', placeOfSchool(places.up));
  await knowPlatform(population.store, 'hooks', 'webhook');
  const gateway = await startGateway('', { file, secrets: { ...secrets, MATRICULA_DATABASE: url } });
  try {
    const batch = Math.max(1, Math.round(run.count(1000) / ROUNDS));
    const people = Array.from({ length: (ROUNDS + 1) * batch }, (_, i) => learner(`learner-${i}`));
    const states = await population.arrive(people);
    const ids = states.map(({ user }) => user.id);
    const rounds = Array.from({ length: ROUNDS + 1 }, (_, i) => ids.slice(i * batch, (i + 1) * batch));
    for (const kind of KINDS) {
      // Each kind needs what the one before it left behind, whether it was asked for or not.
      if (kind === 'a group lost')
        await population.arrive(
          people.map(({ id }) => learnerLosing(id)),
          states,
        );
      const figures = await inRounds({ population, gateway, platforms }, kind === 'webhook, new learner' ? 'hooks' : 'school', rounds);
      if (run.wanted(nameOf(dialect, kind))) run.print({ name: nameOf(dialect, kind), ...figures });
    }
  } finally {
    await gateway.end();
    await population.close();
  }
}

interface Setting {
  population: Population;
  gateway: BenchGateway;
  platforms: Started;
}

/** The first round warms up. A round's time is from the first call to the last: the gateway finds out within a second that somebody waits. */
async function inRounds({ population, gateway, platforms }: Setting, platform: string, rounds: string[][]) {
  const seen: { cpu: number; calls: number; perSecond: number }[] = [];
  for (const ids of rounds) {
    await platforms.ask<Calls>({ asked: 'calls' });
    const before = await gateway.usage();
    await population.tell(platform, ids);
    await delivered(population);
    const after = await gateway.usage();
    const { calls, refused, ms } = await platforms.ask<Calls>({ asked: 'calls' });
    if (refused > 0) throw new Error(`${refused} of ${calls} calls were refused`);
    seen.push({ cpu: (after.cpuMs - before.cpuMs) / ids.length, calls: calls / ids.length, perSecond: (ids.length / ms) * 1000 });
  }
  const { dead } = (await population.store.outbox.counts('acme')).find((lane) => lane.platform === platform) ?? { dead: 0 };
  if (dead > 0) throw new Error(`${dead} deliveries are dead letters`);
  const measured = seen.slice(1);
  const median = (of: 'cpu' | 'calls' | 'perSecond') =>
    quantile(
      measured.map((one) => one[of]),
      0.5,
    );
  const calls = median('calls');
  return {
    ...(calls > 0 && { deliveries_per_s: round(median('perSecond'), 1) }),
    calls_per_delivery: round(calls, 2),
    cpu_ms_per_op: round(median('cpu'), 3),
    cpu_ms_range: [round(Math.min(...measured.map(({ cpu }) => cpu)), 3), round(Math.max(...measured.map(({ cpu }) => cpu)), 3)],
    rss_mb: Math.round((await gateway.usage()).rssMb),
    n: measured.length * rounds[0]!.length,
  };
}

async function delivered({ store }: Population): Promise<void> {
  for (const deadline = Date.now() + 60_000; (await store.outbox.waiting('acme')) > 0; await new Promise((resolve) => setTimeout(resolve, 100)))
    if (Date.now() > deadline) throw new Error('deliveries did not come to an end');
}
