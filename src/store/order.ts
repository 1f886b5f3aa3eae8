/** Sorts by key, byte by byte: the same order on every database. */
export const by =
  <T>(key: (row: T) => string) =>
  (a: T, b: T): number =>
    key(a) < key(b) ? -1 : 1;
