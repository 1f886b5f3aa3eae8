/** SAML sign-ins over HTTP, start → response → session → redirect, and beside each of them node-saml's own validation of the same responses. */
import { type KeyPair, testKey } from '../fixtures/saml/signer.ts';
import { type BenchGateway, startGateway } from './gateway.ts';
import { type Client, newClient } from './http.ts';
import type { Cases, Run } from './main.ts';
import { fourAtOnce, quantile, round, rounds, timed } from './measure.ts';
import type { Asked, Validated } from './node-saml.ts';
import { type Person, person } from './people.ts';
import { type Started, start } from './process.ts';
import { createResponder, type Respond, type Signed } from './provider.ts';
import { requestIdOf, samlConnections, samlParties } from './saml-parties.ts';

interface Case {
  name: string;
  kind: 'first' | 'repeat';
  groups: number;
  signed: Signed;
}

const SIZES = [5, 50, 500];
const CASES: Case[] = [
  ...SIZES.map((groups): Omit<Case, 'name'> => ({ kind: 'repeat', groups, signed: 'both' })),
  ...SIZES.map((groups): Omit<Case, 'name'> => ({ kind: 'repeat', groups, signed: 'assertion' })),
  ...SIZES.map((groups): Omit<Case, 'name'> => ({ kind: 'first', groups, signed: 'both' })),
].map((one) => ({ ...one, name: `saml login, ${one.kind}, ${one.groups} groups, ${signatures(one)}` }));

function signatures({ signed }: Pick<Case, 'signed'>): string {
  return signed === 'both' ? 'two signatures' : 'one signature';
}

/** Operations by groups; as many go before and do not count, until the engine has made what runs often fast. */
const USUAL = new Map([
  [5, 72],
  [50, 45],
  [500, 9],
]);

interface Setting {
  gateway: BenchGateway;
  library: Started;
  key: KeyPair;
}

export const saml: Cases = async (run) => {
  const cases = CASES.filter(({ name }) => run.wanted(name));
  if (cases.length === 0) return;
  const key = await testKey('Sample SAML provider');
  const gateway = await startGateway(samlConnections(key));
  const library = start('./node-saml.js');
  await library.hear();
  try {
    for (const one of cases) await measureCase(run, one, { gateway, library, key });
  } finally {
    await gateway.end();
    await library.end();
  }
};

/** Rounds of sign-ins and of validations of the same responses take turns, so that both meet the same machine; the ratio is the median of the pairs. */
async function measureCase(run: Run, one: Case, { gateway, library, key }: Setting): Promise<void> {
  const parties = samlParties(gateway.url, one.signed);
  const respond = createResponder({ key, signed: one.signed, groups: person('any', one.groups).groups }, parties);
  const settings = { ...parties, certificate: key.certificate, want: { response: one.signed === 'both', assertion: true } };
  const next = people(one);
  const seen: string[] = [];
  const used = { cpuMs: 0, rssMb: 0 };
  const logIn = async () => {
    const { ms, response } = await signIn(newClient(), { gateway, signed: one.signed, respond, who: next() });
    seen.push(response);
    return ms;
  };
  const validate = async () => {
    const { times, cpuMs, rssMb } = await library.ask<Validated>({ responses: seen.splice(0), ...settings } satisfies Asked);
    used.cpuMs += cpuMs;
    used.rssMb = rssMb;
    return times;
  };
  const n = run.count(USUAL.get(one.groups)!);
  const ours = rounds({ n, usage: gateway.usage, batch: fourAtOnce(logIn) });
  const theirs = rounds({ n, usage: async () => ({ ...used }), batch: validate });

  await fourAtOnce(logIn)(n);
  await validate();
  const ratios: number[] = [];
  for (let i = 0; i < ours.count; i++) ratios.push((await ours.next()) / (await theirs.next()));
  const [login, alone] = [await ours.figures(), await theirs.figures()];
  run.print({ name: `node-saml alone, ${one.groups} groups, ${signatures(one)} (beside: ${one.kind})`, ...alone });
  run.print({ name: one.name, ...login, ratio: round(quantile(ratios, 0.5), 2) });
}

/** One and the same person, or somebody new every time. */
function people({ name, kind, groups }: Case): () => Person {
  const prefix = name.replace(/\W+/g, '-');
  let count = 0;
  return () => {
    count += 1;
    return person(kind === 'repeat' ? prefix : `${prefix}-${count}`, groups);
  };
}

interface SignIn {
  gateway: Pick<BenchGateway, 'url'>;
  signed: Signed;
  respond: Respond;
  who: Person;
}

/** Milliseconds that the browser waited for the gateway; building and signing the response is the provider's time. */
export async function signIn(client: Client, { gateway, signed, respond, who }: SignIn): Promise<{ ms: number; response: string }> {
  let location = '';
  const started = await timed(async () => {
    location = (await client.get(`${gateway.url}/login/${signed}`)).location ?? '';
  });
  const response = respond(who, requestIdOf(location));
  const relayState = new URL(location).searchParams.get('RelayState') ?? '';
  const finished = await timed(async () => {
    const { status, body } = await client.post(`${gateway.url}/saml/${signed}/acs`, { SAMLResponse: response, RelayState: relayState });
    if (status !== 303) throw new Error(`a sign-in ended with ${status}: ${body.slice(0, 500)}`);
  });
  return { ms: started + finished, response };
}
