/** Turns: what concerns the same key waits for the one before it. Turns 40 racing edits from a storm of conflicts into a queue (DESIGN §6). */
export interface Turns {
  /** Runs `work` after everything that was asked for under any of `keys`; its result, or its error, is the caller's. */
  take<T>(keys: readonly string[], work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  const tails = new Map<string, Promise<unknown>>();
  return {
    async take(keys, work) {
      const before = Promise.allSettled(keys.map((key) => tails.get(key)));
      const mine = before.then(work);
      const settled = mine.catch(() => {});
      for (const key of keys) tails.set(key, settled);
      try {
        return await mine;
      } finally {
        for (const key of keys) if (tails.get(key) === settled) tails.delete(key);
      }
    },
  };
}
