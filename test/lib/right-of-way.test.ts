import { describe, expect, it } from '@jest/globals';
import { createRightOfWay } from '../../src/lib/right-of-way.ts';

/** Whether it comes before something that takes a little while. */
const comesBefore = (work: Promise<void>, ms: number): Promise<boolean> =>
  Promise.race([work.then(() => true), new Promise<boolean>((resolve) => setTimeout(() => resolve(false), ms))]);

describe('the right of way', () => {
  it('lets work pass where nobody waits', async () => {
    expect(await comesBefore(createRightOfWay().giveWay(), 50)).toBe(true);
  });

  it('makes work wait while somebody waits, and lets it pass soon afterwards; leaving twice is leaving once', async () => {
    const way = createRightOfWay();
    const [first, second] = [way.entered(), way.entered()];
    const work = way.giveWay();
    first();
    first();
    expect(await comesBefore(work, 60)).toBe(false);
    second();
    expect(await comesBefore(work, 1000)).toBe(true);
  });

  it('never makes work stand still', async () => {
    const way = createRightOfWay();
    way.entered();
    expect(await comesBefore(way.giveWay(), 5000)).toBe(true);
  });
});
