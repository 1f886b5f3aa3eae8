/** Filters (RFC 7644 §3.4.2.2): from text to plain data. What the names mean is for those who compile or evaluate it. */
import type { Comparison } from '../../core/search.ts';
import { invalidFilter } from './error.ts';
import { isAttributePath, type Reader, readerOf } from './tokens.ts';

export type Literal = string | number | boolean | null;

export type Filter =
  | { kind: 'and'; of: Filter[] }
  | { kind: 'or'; of: Filter[] }
  | { kind: 'not'; of: Filter }
  | { kind: 'present'; path: string }
  | { kind: 'compare'; path: string; op: Comparison; value: Literal }
  /** One element of the list `path` satisfies `filter`, whose paths are names of sub-attributes. `emails[…].value eq "x"` has the comparison within. */
  | { kind: 'element'; path: string; filter: Filter };

const COMPARISONS: ReadonlySet<string> = new Set<Comparison>(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']);

/** Throws 400 invalidFilter, naming the position. Linear in the text, which has at most 2,048 characters and 20 levels. */
export function parseFilter(text: string): Filter {
  const reader = readerOf(text, (detail) => invalidFilter(`filter: ${detail}`));
  const filter = readFilter(reader, readTerm);
  if (reader.peek().kind !== 'end') throw reader.fail(reader.peek(), '"and", "or" or the end');
  return filter;
}

/** What stands between the brackets of `emails[…]`: a filter over the element's sub-attributes, without another pair of brackets. */
export const readElementFilter = (reader: Reader): Filter => readFilter(reader, readSubTerm);

type ReadTerm = (reader: Reader) => Filter;

/** `and` binds tighter than `or`. Recursion goes only as deep as brackets do. */
function readFilter(reader: Reader, term: ReadTerm): Filter {
  return readChain(reader, 'or', () => readChain(reader, 'and', () => readFactor(reader, term)));
}

function readChain(reader: Reader, kind: 'and' | 'or', read: () => Filter): Filter {
  const of = [read()];
  while (isWord(reader, kind)) {
    reader.take();
    of.push(read());
  }
  return of.length === 1 ? of[0]! : { kind, of };
}

const isWord = (reader: Reader, word: string): boolean => reader.peek().kind === 'word' && reader.peek().text.toLowerCase() === word;

function readFactor(reader: Reader, term: ReadTerm): Filter {
  if (isWord(reader, 'not')) {
    reader.take();
    if (reader.peek().kind !== '(') throw reader.fail(reader.peek(), '"(" after "not"');
    return { kind: 'not', of: readFactor(reader, term) };
  }
  if (reader.peek().kind !== '(') return term(reader);
  reader.take();
  const filter = readFilter(reader, term);
  close(reader, ')');
  return filter;
}

function close(reader: Reader, bracket: ')' | ']'): void {
  const token = reader.take();
  if (token.kind !== bracket) throw reader.fail(token, `"${bracket}"`);
}

const readTerm: ReadTerm = (reader) => {
  const path = readName(reader, isAttributePath);
  if (reader.peek().kind !== '[') return readTest(reader, path);
  reader.take();
  const filter = readElementFilter(reader);
  close(reader, ']');
  const { kind, text } = reader.peek();
  if (kind !== 'word' || !text.startsWith('.')) return { kind: 'element', path, filter };
  const sub = readName(reader, (word) => isSubName(word.slice(1))).slice(1);
  return { kind: 'element', path, filter: { kind: 'and', of: [filter, readTest(reader, sub)] } };
};

const readSubTerm: ReadTerm = (reader) => readTest(reader, readName(reader, isSubName));

export const isSubName = (word: string): boolean => isAttributePath(word) && !/[.:]/.test(word);

function readName(reader: Reader, fits: (word: string) => boolean): string {
  const token = reader.take();
  if (token.kind !== 'word' || !fits(token.text)) throw reader.fail(token, 'the name of an attribute');
  return token.text;
}

/** The operator and what it compares with. */
function readTest(reader: Reader, path: string): Filter {
  const token = reader.take();
  const op = token.text.toLowerCase();
  if (token.kind === 'word' && op === 'pr') return { kind: 'present', path };
  if (token.kind !== 'word' || !COMPARISONS.has(op)) throw reader.fail(token, 'an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr)');
  return { kind: 'compare', path, op: op as Comparison, value: readLiteral(reader) };
}

const WORDS: ReadonlyMap<string, Literal> = new Map<string, Literal>([
  ['true', true],
  ['false', false],
  ['null', null],
]);
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i;

function readLiteral(reader: Reader): Literal {
  const token = reader.take();
  if (token.kind === 'string') return token.text;
  const word = token.kind === 'word' ? WORDS.get(token.text.toLowerCase()) : undefined;
  if (word !== undefined) return word;
  if (token.kind === 'word' && NUMBER.test(token.text)) return Number(token.text);
  throw reader.fail(token, 'a value in double quotes, a number, true, false or null');
}
