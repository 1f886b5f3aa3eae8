import { beforeEach, describe, expect, it } from '@jest/globals';
import { createLane, type Lane } from '../../src/flows/delivery-lane.ts';

describe('what is known of a lane', () => {
  let at: number;
  let lane: Lane;
  beforeEach(() => {
    at = Date.parse('2026-12-01T08:00:00Z');
    lane = createLane({ now: () => new Date(at), random: () => 1 });
  });
  /** Milliseconds, to half a second. */
  const left = () => {
    const from = at;
    while (lane.isPaused()) at += 500;
    const ms = at - from;
    at = from;
    return ms;
  };
  const fails = (who: string, ms: number | null = null) => {
    lane.began();
    lane.away(who, ms);
  };
  const serves = (who: string) => lane.served(who, lane.began());

  it('pauses grow from a second to a minute while nothing is served, and many who fail together are one', () => {
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      for (const who of ['a', 'b', 'c']) fails(who);
      pauses.push(left());
      at += left();
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(serves('a')).toBe(true);
    expect([lane.isPaused(), lane.isFailing(), serves('b')]).toEqual([false, false, false]);
    fails('a');
    expect(left()).toBe(1000);
  });

  it('what the platform asked for is waited for, and is no shorter because others fail or because who began before it succeeds', () => {
    const early = lane.began();
    fails('a', 30_000);
    fails('b');
    expect([left(), lane.isTold()]).toEqual([30_000, true]);
    expect(lane.served('c', early)).toBe(false);
    expect(left()).toBe(30_000);
    fails('d', 90_000);
    expect([left(), lane.pausedAt()?.getTime()]).toEqual([90_000, at]);
    at += 90_000;
    expect([lane.isPaused(), lane.isTold(), lane.pausedAt()]).toEqual([false, false, null]);
  });

  it('whoever asks for no time at all is given some, and ever more', () => {
    const pauses: number[] = [];
    for (let i = 0; i < 4; i++) {
      fails('a', 0);
      expect(lane.isTold()).toBe(false);
      pauses.push(left());
      at += left();
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000]);
  });

  it('whoever fails again after others were served fails by themselves', () => {
    const early = lane.began();
    fails('a');
    expect(lane.isOwn('a')).toBe(false);
    lane.served('b', early); // began before: says nothing
    expect(lane.isOwn('a')).toBe(false);
    serves('c');
    expect([lane.isOwn('a'), lane.isOwn('b'), lane.isOwn('c')]).toEqual([true, false, false]);
    serves('a');
    expect(lane.isOwn('a')).toBe(false);
  });

  it('five people in a row are no fault of theirs, one person five times is', () => {
    for (let i = 0; i < 10; i++) lane.failed('a');
    expect([lane.isPaused(), lane.isFailing()]).toEqual([false, true]);
    for (const who of ['b', 'c', 'd']) lane.failed(who);
    expect(lane.isPaused()).toBe(false);
    expect(lane.isWell()).toBe(true);
    lane.failed('e');
    expect([left(), lane.isWell()]).toEqual([1000, false]);
    at += 1000;
    expect(serves('a')).toBe(true);
    expect(lane.isWell()).toBe(true);
  });

  it('what somebody has to mend is looked at every minute, until it is or somebody says so', () => {
    lane.began();
    lane.halted('a');
    expect([left(), lane.isHalted()]).toEqual([60_000, true]);
    lane.reset();
    expect([left(), lane.isHalted(), lane.isFailing()]).toEqual([0, false, false]);
  });

  it('what is no word about the platform pauses and accuses nobody', () => {
    lane.pause(2000);
    expect([left(), lane.isFailing(), lane.isOwn('a')]).toEqual([2000, false, false]);
  });
});
