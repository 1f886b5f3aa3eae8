/** right of way: people who wait for an answer go before work that can wait, in a process that does both. */
export interface RightOfWay {
  /** Somebody waits for an answer from now on; what is returned is called when they have it. */
  entered(): () => void;
  /** Resolves when nobody waits, or nobody did a moment ago; after a quarter of a second in any case, so that nothing stands still. */
  giveWay(): Promise<void>;
}

const LOOK_MS = 5;
const QUIET_MS = 20;
const LONGEST_MS = 250;

export function createRightOfWay(): RightOfWay {
  let waiting = 0;
  let last = Number.NEGATIVE_INFINITY;
  return {
    entered() {
      waiting++;
      let over = false;
      return () => {
        if (over) return;
        over = true;
        waiting--;
        last = performance.now();
      };
    },
    async giveWay() {
      const until = performance.now() + LONGEST_MS;
      while ((waiting > 0 || performance.now() - last < QUIET_MS) && performance.now() < until)
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    },
  };
}
