/**
 * delivery-lane: what this process knows of everybody's turn at one platform of one tenant: whether it answers, since when it does not, and whose failures were their
 * own. A platform that is away pauses its lane; one person of whom it says that it were away pauses nobody else's for long.
 */
export interface LaneDeps {
  now: () => Date;
  /** From 0 up to 1; for jitter. */
  random: () => number;
}

export interface Lane {
  isPaused(): boolean;
  /** When the pause began; null = there is none. */
  pausedAt(): Date | null;
  /** The platform itself said how long. */
  isTold(): boolean;
  /** It failed, and nothing has been delivered since. */
  isFailing(): boolean;
  isHalted(): boolean;
  /** It answers, as far as is known; whatever single people's deliveries come to. */
  isWell(): boolean;
  /** An attempt begins; what it is known by in what follows. */
  began(): number;
  /** Its end was well. True: it shows that the platform is there again. */
  served(userId: string, attempt: number): boolean;
  /** What the platform answers for this person is no word about itself: others were served since it last said so. */
  isOwn(userId: string): boolean;
  /** The platform is away, or told us to wait so many milliseconds. */
  away(userId: string, ms: number | null): void;
  /** Somebody has to mend it. */
  halted(userId: string): void;
  /** Who was asked about since it seems to be away, so that the next time others are. */
  asked(): readonly string[];
  /** Null = there is nobody else: it begins anew. */
  ask(userId: string | null): void;
  /** A failure of one person's. So many people in a row are no fault of theirs. */
  failed(userId: string): void;
  /** Nothing is known against it. */
  pause(ms: number): void;
  reset(): void;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** What a person has to mend is looked at again so often. */
const HALTED_MS = 60_000;
/** So many people in a row who could not be delivered are no fault of theirs. */
const IN_A_ROW = 5;
/** After so many it begins with the first again. */
const MOST_ASKED = 200;
/** People who are remembered for having failed. */
const MOST_SUSPECTS = 1000;

/** Doubling from a second; half of it is chance, so that many do not come back together. */
export const backoff = (attempts: number, longest: number, random: () => number): number =>
  Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempts - 1, 20), longest) * (0.5 + random() / 2);

export function createLane({ now, random }: LaneDeps): Lane {
  /** Attempts, in the order in which they began. */
  let last = 0;
  let lastServed = 0;
  /** The last attempt that had begun when it was last paused: the success of an earlier one says nothing. */
  let lastBefore = 0;
  let pause: { at: number; until: number; told: boolean } | null = null;
  /** Pauses since the last success. */
  let rounds = 0;
  /** People who failed since. */
  const failing = new Set<string>();
  let state: 'well' | 'away' | 'halted' = 'well';
  const asked = new Set<string>();
  const suspects = new Map<string, number>();
  const time = () => now().getTime();
  const isPaused = () => pause !== null && time() < pause.until;

  function hold(ms: number, told = false): void {
    lastBefore = last;
    const before = isPaused() ? pause! : { at: time(), until: 0, told: false };
    pause = { at: before.at, until: Math.max(before.until, time() + ms), told: told || before.told };
  }
  /** Many who fail together are one round. */
  function round(ms: number | null): void {
    if (isPaused() && ms === null) return;
    if (!isPaused()) rounds++;
    // What was asked for may be no time at all, or over by now.
    hold(Math.max(ms ?? 0, backoff(rounds, LONGEST_PAUSE_MS, random)), ms !== null && ms > 0);
  }
  function reset(): void {
    failing.clear();
    asked.clear();
    [pause, rounds, state] = [null, 0, 'well'];
  }
  function suspect(userId: string): void {
    failing.add(userId);
    suspects.delete(userId);
    suspects.set(userId, last);
    if (suspects.size > MOST_SUSPECTS) suspects.delete(suspects.keys().next().value!);
  }

  return {
    isPaused,
    pausedAt: () => (pause !== null && isPaused() ? new Date(pause.at) : null),
    isTold: () => isPaused() && pause!.told,
    isFailing: () => failing.size > 0,
    isHalted: () => state === 'halted',
    isWell: () => state === 'well',
    began: () => ++last,
    served(userId, attempt) {
      lastServed = Math.max(lastServed, attempt);
      suspects.delete(userId);
      if (attempt <= lastBefore) return false;
      const wasAway = state !== 'well';
      reset();
      return wasAway;
    },
    isOwn: (userId) => suspects.has(userId) && lastServed > suspects.get(userId)!,
    away(userId, ms) {
      suspect(userId);
      if (state === 'well') state = 'away';
      round(ms);
    },
    halted(userId) {
      suspect(userId);
      state = 'halted';
      hold(HALTED_MS);
    },
    asked: () => [...asked],
    ask(userId) {
      if (userId === null || asked.size >= MOST_ASKED) asked.clear();
      if (userId !== null) asked.add(userId);
    },
    failed(userId) {
      failing.add(userId);
      if (failing.size < IN_A_ROW) return;
      if (state === 'well') state = 'away';
      round(null);
    },
    pause: (ms) => hold(ms),
    reset,
  };
}
