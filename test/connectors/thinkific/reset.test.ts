import { describe, expect, it } from '@jest/globals';
import { retryAfterOf, untilMoment } from '../../../src/connectors/thinkific/reset.ts';

const NOW = new Date('2026-03-02T08:00:10.000Z');
const at = (seconds: number) => NOW.getTime() + seconds * 1000;
const waitFor = (headers: Record<string, string>) => retryAfterOf(new Headers(headers), NOW);

describe('when to ask again', () => {
  it.each([
    ['an epoch in seconds', String(at(42) / 1000), 42_000],
    ['an epoch in milliseconds', String(at(42)), 42_000],
    ['seconds from now', '30', 30_000],
    ['milliseconds from now', '45000', 45_000],
    ['an epoch that is past', String(at(-5) / 1000), 1000],
    ['an epoch far away', String(at(86_400)), 900_000],
    ['nothing that can be read', 'soon', 60_000],
    ['a negative number', '-5', 60_000],
  ])('RateLimit-Reset holds %s', (_what, value, expected) => {
    expect(waitFor({ 'ratelimit-reset': value })).toBe(expected);
  });

  it('is after a minute where nothing is said', () => expect(waitFor({})).toBe(60_000));

  it('is what Retry-After says, in seconds or as a date, and the later of both', () => {
    expect(waitFor({ 'retry-after': '7' })).toBe(7000);
    expect(waitFor({ 'retry-after': new Date(at(20)).toUTCString() })).toBe(20_000);
    expect(waitFor({ 'retry-after': '7', 'ratelimit-reset': String(at(42)) })).toBe(42_000);
  });

  it('is the moment that GraphQL names', () => {
    expect(untilMoment(new Date(at(33)).toISOString(), NOW)).toBe(33_000);
    expect(untilMoment(undefined, NOW)).toBe(60_000);
    expect(untilMoment('2031-01-01', NOW)).toBe(900_000);
  });
});
