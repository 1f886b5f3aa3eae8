/**
 * graphql: Thinkific's GraphQL API, which an access token opens. Operations are named, values go as variables. Errors come in a 200, those of the budget of
 * points too (learning-platforms.md §A1).
 */
import * as z from 'zod';
import type { ThinkificPlatform } from '../../core/tenant.ts';
import { type ConnectorDeps, TerminalFailure, TransientFailure } from '../connector.ts';
import { failureOf, jsonOf, nonsense, shaped } from './answers.ts';
import { untilMoment } from './reset.ts';

export interface Question {
  about: string;
  /** The operation's name, as it stands in `query`. */
  name: string;
  query: string;
  variables: Record<string, unknown>;
  signal: AbortSignal;
}

export interface Graphql {
  /** Throws as `Rest.call` does, but a token that is not taken concerns nobody else: REST may have a key of its own. */
  ask<T>(schema: z.ZodType<T>, question: Question): Promise<T>;
}

const errorSchema = z.object({ message: z.string().optional(), extensions: z.object({ code: z.string().optional() }).nullish() });
const answerSchema = z.object({
  data: z.unknown().optional(),
  errors: z.array(errorSchema).nullish(),
  extensions: z.object({ resetAt: z.unknown().optional(), rateLimit: z.object({ resetAt: z.unknown().optional() }).nullish() }).nullish(),
});
type GraphqlAnswer = z.infer<typeof answerSchema>;

/** Null where there is no token. */
export function createGraphql({ api }: Pick<ThinkificPlatform, 'api'>, token: string | null, deps: ConnectorDeps): Graphql | null {
  if (token === null) return null;
  const headers = { accept: 'application/json', 'content-type': 'application/json', authorization: `Bearer ${token}` };
  return {
    async ask(schema, { about, name, query, variables, signal }) {
      const body = JSON.stringify({ query, operationName: name, variables });
      const answer = await deps.send({ method: 'POST', url: `${api}/stable/graphql`, headers, body, signal });
      if (answer.status !== 200) throw ownConcern(failureOf(answer, about, deps.now()));
      const said = shaped(answerSchema, jsonOf(answer, about), about);
      if (said.errors && said.errors.length > 0) throw errorOf(said, about, deps.now());
      if (said.data === null || said.data === undefined) throw nonsense(about, 'the answer has no data');
      return shaped(schema, said.data, about);
    },
  };
}

function ownConcern(failure: TransientFailure | TerminalFailure): TransientFailure | TerminalFailure {
  if (!(failure instanceof TerminalFailure) || failure.scope === 'person') return failure;
  return new TerminalFailure(failure.code, failure.message, { status: failure.status });
}

const BUDGET = /RATE_LIMIT|COST|THROTTL/i;
const TOO_COSTLY = /^MAX_/i;

function errorOf({ errors, extensions }: GraphqlAnswer, about: string, now: Date): TransientFailure | TerminalFailure {
  const codes = errors!.map((error) => error.extensions?.code ?? '');
  const has = (pattern: RegExp) => codes.some((code) => pattern.test(code));
  if (has(TOO_COSTLY)) return new TerminalFailure('validation', `${about}: one request costs more points than Thinkific allows`);
  if (has(BUDGET) || errors!.some(({ message }) => /rate limit|cost limit/i.test(message ?? ''))) {
    const retryAfterMs = untilMoment(extensions?.rateLimit?.resetAt ?? extensions?.resetAt, now);
    return new TransientFailure('rate-limited', `${about}: Thinkific's points of this minute are used up`, { scope: 'platform', retryAfterMs });
  }
  if (has(/UNAUTHENTICATED|UNAUTHORI[SZ]ED/i)) return new TerminalFailure('auth', `${about}: Thinkific does not take the access token`);
  if (has(/FORBIDDEN|ACCESS_DENIED|PERMISSION/i))
    return new TerminalFailure('plan', `${about}: the access token's scopes, or the plan, do not allow this`);
  return new TransientFailure('upstream', `${about}: Thinkific's GraphQL answered with an error`);
}

/** How GraphQL names a row; the same ids as REST's, in its own words. */
export const gid = (kind: 'User' | 'Group', id: string): string => `gid://thinkific/${kind}/${id}`;
