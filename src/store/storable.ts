import { Unstorable } from './database.ts';

/** Refuses before anything is written what SQLite would take and PostgreSQL would not. Throws `Unstorable`. */
export function refuseUnstorable(params: readonly unknown[]): void {
  for (const param of params) if (typeof param === 'string' && param.includes('\0')) throw new Unstorable('text with U+0000');
}

/** An escaped U+0000 or half of a surrogate pair, not preceded by an escaping backslash. */
const ESCAPED = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

/** JSON text as it was given; throws `Unstorable` where PostgreSQL would refuse it. */
export function storableJson(text: string): string {
  if (text.includes('\\u') && ESCAPED.test(text)) throw new Unstorable('JSON with U+0000 or a lone surrogate');
  return text;
}
