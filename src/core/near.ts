/** "Did you mean …?": the known word that a mistyped one is nearest to. */

/** The nearest of `known`, or null where none is near enough to be meant. Case, `_`, `-` and spaces do not count. */
export function nearest(word: string, known: Iterable<string>): string | null {
  if (word.length > 80) return null;
  const wanted = bare(word);
  let best: { name: string; distance: number } | null = null;
  for (const name of known) {
    const candidate = bare(name);
    const allowed = Math.min(3, Math.floor(Math.max(wanted.length, candidate.length) / 3));
    if (Math.abs(candidate.length - wanted.length) > allowed) continue;
    const distance = editDistance(wanted, candidate);
    if (distance <= allowed && (best === null || distance < best.distance)) best = { name, distance };
  }
  return best?.name ?? null;
}

const bare = (word: string): string => word.toLowerCase().replace(/[\s_-]/g, '');

/** Optimal string alignment: insertions, deletions, replacements and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}
