/** Ids and reference codes. Ids sort by the time they were made; neither can be guessed. */
import { randomBytes, randomInt } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford's base 32: no i, l, o, u

let last = 0n;

/** 26 characters: 48 bits of milliseconds, then 80 random ones; within one process each is greater than the one before. */
export function newId(now: number = Date.now()): string {
  const random = BigInt(`0x${randomBytes(10).toString('hex')}`);
  const fresh = (BigInt(now) << 80n) | random;
  last = fresh > last ? fresh : last + 1n + BigInt(randomInt(1 << 16));
  let rest = last;
  let text = '';
  for (let i = 0; i < 26; i++) {
    text = ALPHABET[Number(rest & 31n)] + text;
    rest >>= 5n;
  }
  return text;
}
