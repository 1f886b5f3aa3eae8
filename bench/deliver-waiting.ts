/**
 * Sign-ins beside an outbox in which a hundred thousand people wait, against the same sign-ins beside an empty one: gateways over copies of one
 * database. Where the platform works, the gateway delivers all the time, as fast as 120 calls a minute allow. Short rounds take turns, so that all meet the
 * same machine; a ratio is the median of the rounds' ratios. A second gateway beside which nobody waits says how much of a ratio is the machine's.
 */
import type { Calls, Places } from './deliver-platform.ts';
import { CASES, isEmpty, RETURNING, type Side, sidesOf, WAITING } from './deliver-sides.ts';
import { type Dialect, databases, learner } from './deliver-world.ts';
import { newClient } from './http.ts';
import type { Cases, Run } from './main.ts';
import { oneByOne, quantile, round, timed } from './measure.ts';
import type { Person } from './people.ts';
import { type Started, start } from './process.ts';
import { signIn } from './saml.ts';

/** Sign-ins, one after the other. */
const ROUND = 5;
/** Of a returning learner the hand-over to the school is part, which asks whether their account there is ready. */
const KINDS = ['returning, to the school', 'first'] as const;
type Kind = (typeof KINDS)[number];
const nameOf = (dialect: Dialect, kind: Kind): string => `deliver waiting ${dialect}: sign-in, ${kind}`;

export const deliverWaiting: Cases = async (run) => {
  // Minutes of loading: never by chance.
  if (!process.argv.some((argument) => argument.includes('waiting'))) return;
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
      const places = await platforms.hear<Places>();
      await platforms.ask({ asked: 'hold' });
      sides.push(...(await sidesOf(place, places)));
      for (const kind of kinds) await measureKind(run, { kind, name: nameOf(dialect, kind), sides, platforms });
    } finally {
      for (const side of sides) await side.end();
      await platforms.end();
      await place.end();
    }
  }
};

interface Round {
  times: number[];
  p50: number;
  cpu: number;
}

async function measureKind(
  run: Run,
  { kind, name, sides, platforms }: { kind: Kind; name: string; sides: Side[]; platforms: Started },
): Promise<void> {
  const count = Math.max(1, Math.round(run.count(200) / ROUND));
  const next = people(kind);
  const batch = (side: Side) => oneByOne(() => (kind === 'first' ? arrive(side, next(side)) : arriveAtSchool(side, next(side))));
  for (const side of sides) await batch(side)(2 * RETURNING);
  const [empty] = sides;
  if (kind !== 'first' && (await empty!.waiting()) > 0) throw new Error('somebody waits who should not');
  await platforms.ask<Calls>({ asked: 'calls' });
  const seen = new Map(sides.map((side) => [side.name, [] as Round[]]));
  for (let i = 0; i < count; i++)
    for (const side of [...sides.slice(i % sides.length), ...sides.slice(0, i % sides.length)]) {
      // What is delivered without limits would keep the whole machine busy while the others are measured.
      if (side.name === 'without limits') await platforms.ask({ asked: 'go' });
      const before = await side.gateway.usage();
      const times = await batch(side)(ROUND);
      const after = await side.gateway.usage();
      if (side.name === 'without limits') await platforms.ask({ asked: 'hold' });
      seen.get(side.name)!.push({ times, p50: quantile(times, 0.5), cpu: (after.cpuMs - before.cpuMs) / ROUND });
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
    if (!isEmpty(side.name) && waiting < 0.9 * WAITING) throw new Error(`only ${waiting} are left`);
    run.print({
      name: `${name}; ${CASES[side.name]}`,
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
  run.print({ name: `${name}; calls meanwhile`, calls });
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
