/** answers: what Thinkific says, judged before it is believed. Pages of proxies, empty bodies and broken JSON come in its place at times (learning-platforms.md §A1). */
import * as z from 'zod';
import { type PlatformAnswer, TerminalFailure, TransientFailure } from '../connector.ts';
import { retryAfterOf } from './reset.ts';

/** Ids are numbers there and text here. */
export const idSchema = z.union([z.int().positive(), z.string().regex(/^\d{1,20}$/)]).transform(String);

/** @throws TransientFailure `nonsense` */
export function shaped<T>(schema: z.ZodType<T>, value: unknown, about: string): T {
  const read = schema.safeParse(value);
  if (!read.success) throw nonsense(about, 'the answer has another shape than its documents say');
  return read.data;
}

export const nonsense = (about: string, what: string, status: number | null = null): TransientFailure =>
  new TransientFailure('nonsense', `${about}: ${what}`, { status });

/** Undefined where there is no body. @throws TransientFailure `nonsense` */
export function jsonOf({ status, text }: PlatformAnswer, about: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw nonsense(about, 'the answer is no JSON', status);
  }
}

const isPage = ({ headers, text }: PlatformAnswer): boolean =>
  (headers.get('content-type') ?? '').includes('html') || text.trimStart().startsWith('<');

/** What a status says that the caller did not expect. */
export function failureOf(answer: PlatformAnswer, about: string, now: Date): TransientFailure | TerminalFailure {
  const { status } = answer;
  const upstream = (scope: 'platform' | 'person') => new TransientFailure('upstream', `${about}: Thinkific answered ${status}`, { scope, status });
  if (status === 429)
    return new TransientFailure('rate-limited', `${about}: Thinkific's limit of calls is used up`, {
      ...{ scope: 'platform', status },
      retryAfterMs: retryAfterOf(answer.headers, now),
    });
  if (isAway(status)) return upstream('platform');
  if (status >= 500) return upstream('person');
  if (status < 400) return nonsense(about, `${status} is no answer to this`, status);
  // A proxy's page says nothing of credentials, plans or people.
  if (isPage(answer)) return status === 401 || status === 403 ? upstream('platform') : nonsense(about, `a page came with ${status}`, status);
  return refusalOf(answer, about);
}

/** 520 to 527 are those of the proxy in front of it. */
const isAway = (status: number): boolean => [502, 503, 504].includes(status) || (status >= 520 && status <= 527);

function refusalOf(answer: PlatformAnswer, about: string): TransientFailure | TerminalFailure {
  const { status } = answer;
  const refused = (code: TerminalFailure['code'], what: string, scope: 'platform' | 'person' = 'person') =>
    new TerminalFailure(code, `${about}: ${what}`, { scope, status });
  switch (status) {
    case 401:
      return refused('auth', 'Thinkific does not take the credentials (401); the key may have been reset, or the token has ended', 'platform');
    case 402:
    case 403:
      return refused('plan', `the site's plan, or the token's scopes, do not allow this (${status}); see Thinkific's plan and the token`, 'platform');
    case 404:
      return refused('not-found', 'Thinkific has no such thing');
    case 408:
      return new TransientFailure('timeout', `${about}: Thinkific waited too long for the request`, { status });
    case 409:
      return refused('conflict', 'it contradicts what is there');
    case 422:
      return rejection(jsonOrNothing(answer), about);
    default:
      return refused('validation', `Thinkific does not take the request (${status})`);
  }
}

function jsonOrNothing(answer: PlatformAnswer): unknown {
  try {
    return jsonOf(answer, '');
  } catch {
    return undefined;
  }
}

/** The names of the fields that a 422 complains of; none where it has the other shape, a list of sentences. Their values and texts may hold personal data. */
export function fieldsIn(body: unknown): string[] {
  const errors = typeof body === 'object' && body !== null && 'errors' in body ? body.errors : null;
  if (typeof errors !== 'object' || errors === null || Array.isArray(errors)) return [];
  return Object.keys(errors).filter((field) => /^[a-z_.]{1,40}$/.test(field));
}

export function rejection(body: unknown, about: string): TerminalFailure {
  const fields = fieldsIn(body);
  const what = fields.length > 0 ? `Thinkific does not take ${fields.join(', ')}` : 'Thinkific does not take it, and names no field';
  return new TerminalFailure('validation', `${about}: ${what}`, { status: 422 });
}
