/** check: whether deliveries and hand-offs can work, and what to do where they cannot. Looks, changes nothing, never throws for what the platform answers. */
import * as z from 'zod';
import type { ThinkificPlatform } from '../../core/tenant.ts';
import { type Finding, TerminalFailure, TransientFailure } from '../connector.ts';
import { idSchema, shaped } from './answers.ts';
import type { Graphql } from './graphql.ts';
import { groupsByGraphql } from './groups.ts';
import type { Credentials, Rest, RestReply } from './rest.ts';

interface CheckDeps {
  platform: Pick<ThinkificPlatform, 'api' | 'subdomain'>;
  credentials: Credentials;
  rest: Rest;
  graphql: Graphql | null;
  now: () => Date;
}

/** A JWT that was made on a clock further off than this is refused, as far as is known. */
const MOST_SKEW_MS = 60_000;

export async function check(deps: CheckDeps, signal: AbortSignal): Promise<Finding[]> {
  const { rest, credentials } = deps;
  const findings: Finding[] = [];
  const about = 'reading one account';
  try {
    const reply = await rest.call({ about, path: '/users', query: { page: '1', limit: '1' }, signal, expect: [200] });
    const { items } = shaped(z.object({ items: z.array(z.object({ id: idSchema })) }), reply.json, about);
    findings.push(...GOOD, clock(reply, deps.now()), await graphqlFinding(deps.graphql, items[0]?.id ?? '1', signal));
  } catch (error) {
    findings.push(...trouble(asFailure(error), deps.platform));
  }
  return [...findings, handOff(credentials)];
}

const GOOD: Finding[] = [
  { check: 'reachable', ok: true, message: 'the API answers' },
  { check: 'credentials', ok: true, message: 'the API takes the credentials' },
  { check: 'plan', ok: true, message: "the site's plan allows the API" },
];

function asFailure(error: unknown): TransientFailure | TerminalFailure {
  if (error instanceof TransientFailure || error instanceof TerminalFailure) return error;
  throw error;
}

function trouble(failure: TransientFailure | TerminalFailure, { api, subdomain }: Pick<ThinkificPlatform, 'api' | 'subdomain'>): Finding[] {
  const { message } = failure;
  const [reachable, credentials] = GOOD as [Finding, Finding];
  switch (failure.code) {
    case 'auth':
      return [
        reachable,
        {
          ...{ check: 'credentials', ok: false, message },
          next: `compare apiKey (Settings > Code & analytics > API) or accessToken (API Access Tokens there; they end) with the site's, and the subdomain, now ${JSON.stringify(subdomain)}`,
        },
      ];
    case 'plan':
      return [
        reachable,
        credentials,
        {
          check: 'plan',
          ok: false,
          message,
          next: 'ask Thinkific for a plan with API access, or give the token the scopes of users, enrolments and groups',
        },
      ];
    case 'configuration':
      return [{ check: 'credentials', ok: false, message, next: 'set apiKey or accessToken, and api as an https address, in the tenant file' }];
    case 'rate-limited':
      return [{ check: 'reachable', ok: false, message, next: 'wait a minute and check again; other tools of the site share its limit' }];
    default:
      return [
        {
          check: 'reachable',
          ok: false,
          message,
          next: `see that ${api} is the right address, that this machine may reach it, and Thinkific's status page`,
        },
      ];
  }
}

function clock({ headers }: RestReply, now: Date): Finding {
  const theirs = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(theirs)) return { check: 'clock', ok: true, message: 'the platform does not tell its time; clocks were not compared' };
  const seconds = Math.round((now.getTime() - theirs) / 1000);
  if (Math.abs(seconds) * 1000 <= MOST_SKEW_MS) return { check: 'clock', ok: true, message: "this clock agrees with the platform's" };
  return {
    ...{
      check: 'clock',
      ok: false,
      message: `this clock is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the platform's: sign-ins there may be refused`,
    },
    next: "set this machine's clock by NTP; if theirs is wrong, set iatOffsetSeconds of the hand-off",
  };
}

async function graphqlFinding(graphql: Graphql | null, accountId: string, signal: AbortSignal): Promise<Finding> {
  const about = { check: 'graphql' };
  if (!graphql) return { ...about, ok: true, message: 'there is no access token: taking people out of groups is a manual task each time' };
  try {
    await groupsByGraphql(graphql, accountId, signal);
    return { ...about, ok: true, message: 'people can be taken out of groups' };
  } catch (error) {
    const { code, message } = asFailure(error);
    const next =
      code === 'auth' || code === 'plan'
        ? 'make a new access token (Settings > Code & analytics > API Access Tokens) and set it as accessToken; until then taking people out of groups is a manual task'
        : 'check again later';
    return { ...about, ok: false, message, next };
  }
}

const handOff = ({ key }: Credentials): Finding =>
  key !== null
    ? { check: 'hand-off', ok: true, message: 'there is an API key to sign hand-offs with' }
    : {
        ...{
          check: 'hand-off',
          ok: false,
          message: "nobody can be handed over: that is signed with the site's API key (32 characters), and an access token is none",
        },
        next: 'set apiKey, unless people enter the site in another way',
      };
