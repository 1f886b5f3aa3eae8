/** Values of schemas of which there is no table (Entra's custom attributes): held as they are sent, but for what means unassigned and what no database can hold. */
import { invalidValue } from './error.ts';
import { isCleared, isObject } from './own.ts';

const DEEPEST = 8;

/** Undefined: unassigned. Throws 400 invalidValue: U+0000, half a character, nested deeper than eight. */
export function normaliseForeign(value: unknown, depth = 0): unknown {
  if (depth > DEEPEST) throw invalidValue(`nested deeper than ${DEEPEST}`);
  if (typeof value === 'string') refuseUnstorable(value);
  if (Array.isArray(value)) return assigned(value.map((one) => normaliseForeign(one, depth + 1)).filter((one) => one !== undefined));
  if (!isObject(value)) return assigned(value);
  const entries = Object.entries(value).map(([key, one]): [string, unknown] => {
    refuseUnstorable(key);
    return [key, normaliseForeign(one, depth + 1)];
  });
  return assigned(Object.fromEntries(entries.filter(([, one]) => one !== undefined)));
}

const assigned = (value: unknown): unknown => (isCleared(value) ? undefined : value);

function refuseUnstorable(text: string): void {
  if (/\u0000|\p{Surrogate}/u.test(text)) throw invalidValue('a character that no value can have');
}
