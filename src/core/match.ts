/** Text tests of the mapping language. Own matcher: no regular expression is ever made of what an admin writes. */
import { foldKey } from './profile.ts';

/**
 * Does `text` match `pattern`, where `*` is any run of characters and `?` is one? Every other character, `/` and `\` too, is itself.
 * Two pointers with one step back: no more than pattern × text steps, no recursion, no compilation.
 */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      t += pattern[p] === '?' ? width(text, t) : 1;
      p++;
    } else if (star !== -1) {
      p = star + 1;
      mark += width(text, mark);
      t = mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** A character outside the basic plane is two units wide and still one character. */
const width = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);

/** One spelling for comparison: NFC always, folded where case does not matter. */
export const comparable = (text: string, ignoreCase: boolean): string => (ignoreCase ? foldKey(text) : text.normalize('NFC'));
