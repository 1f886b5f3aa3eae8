/** A tenant file's text as plain data, with the place of every value and key. The only file besides the guard that knows YAML. */
import { isMap, isPair, isScalar, isSeq, LineCounter, type Pair, parseDocument, visit, type YAMLMap } from 'yaml';
import { type Path, type Problem, quote } from './problem.ts';
import { guardText, type Offence } from './yaml-guard.ts';

export interface Place {
  line: number;
  column: number;
}

export interface YamlSource {
  data: unknown;
  /** Where the value at `path` starts; where it is missing or empty, its key or the nearest thing around it. */
  valueAt(path: Path): Place;
  /** Where the key that ends `path` starts. */
  keyAt(path: Path): Place;
  /** As it is written, for values that YAML read as something else than text: `012`. */
  written(path: Path): string | null;
}

/** `source` is null where nothing further can be said about the text. */
export interface ReadYaml {
  source: YamlSource | null;
  problems: Problem[];
}

/** Never throws on any text. Duplicate keys leave the source usable (the last one counts), so that further problems can be found. */
export function readYaml(text: string, file: string): ReadYaml {
  const lines = new LineCounter();
  const problem = ({ offset, message, hint }: Offence): Problem => ({ file, ...placeOf(lines, offset), message, hint, severity: 'error' });
  const offences = guardText(text);
  if (offences.length > 0) {
    countLines(lines, text);
    return { source: null, problems: offences.map(problem) };
  }
  // Own search for duplicate keys: the library's is quadratic. Own words for its errors: they may quote the text, and with it a secret.
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true, uniqueKeys: false, version: '1.2', schema: 'core' });
  if (doc.errors.length > 0) return { source: null, problems: doc.errors.slice(0, 20).map((e) => problem(syntaxError(e.code, e.pos[0]))) };
  if (doc.contents === null || (isScalar(doc.contents) && doc.contents.value === null)) {
    return {
      source: null,
      problems: [problem({ offset: 0, message: 'the file is empty', hint: 'start with name: and connections:, see config/examples/acme.yaml' })],
    };
  }
  const find = (path: Path) => walk(doc.contents, path);
  const source: YamlSource = {
    data: doc.toJS({ maxAliasCount: 0 }),
    valueAt: (path) => placeOf(lines, find(path).value),
    keyAt: (path) => placeOf(lines, find(path).key),
    written: (path) => find(path).source,
  };
  return { source, problems: badKeys(doc.contents, lines).map(problem) };
}

function placeOf(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function countLines(lines: LineCounter, text: string): void {
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
}

const MAX_BAD_KEYS = 200;

/** Duplicates, and names that JavaScript gives a meaning of its own. */
function badKeys(contents: unknown, lines: LineCounter): Offence[] {
  const found: Offence[] = [];
  visit(contents as Parameters<typeof visit>[0], {
    Map(_, map) {
      if (found.length >= MAX_BAD_KEYS) return visit.BREAK;
      const seen = new Map<string, number>();
      for (const pair of map.items) {
        const name = keyOf(pair);
        const offset = startOf(pair.key);
        const first = seen.get(name);
        if (first !== undefined) {
          const { line } = placeOf(lines, first);
          found.push({ offset, message: `key ${quote(name)} is written twice`, hint: `keep one; the first is on line ${line}` });
        } else if (name === '__proto__' || name === 'constructor' || name === 'prototype') {
          found.push({ offset, message: `${quote(name)} cannot be a key`, hint: 'use another name' });
        }
        seen.set(name, first ?? offset);
      }
      return undefined;
    },
  });
  return found;
}

const keyOf = (pair: Pair): string => (isScalar(pair.key) ? String(pair.key.value) : '');
const startOf = (node: unknown): number => (node as { range?: [number, number, number] } | null)?.range?.[0] ?? 0;
const isEmpty = (node: unknown): boolean => node === null || (isScalar(node) && node.value === null && !node.source);

interface Found {
  value: number;
  key: number;
  source: string | null;
}

const pairs = new WeakMap<YAMLMap, Map<string, Pair>>();

/** By key; of a key that is written twice, the last. Kept, since a file with many problems asks often. */
function pairsOf(map: YAMLMap): Map<string, Pair> {
  const known = pairs.get(map) ?? new Map(map.items.map((pair) => [keyOf(pair), pair]));
  pairs.set(map, known);
  return known;
}

/** Follows the path as far as it goes. */
function walk(contents: unknown, path: Path): Found {
  let node = contents;
  let found: Found = { value: startOf(node), key: startOf(node), source: null };
  for (const step of path) {
    const next = isSeq(node) ? node.items[Number(step)] : isMap(node) ? pairsOf(node).get(String(step)) : undefined;
    if (next === undefined) return { ...found, source: null };
    const key = isPair(next) ? startOf(next.key) : startOf(next);
    node = isPair(next) ? next.value : next;
    found = { key, value: isEmpty(node) ? key : startOf(node), source: isScalar(node) ? (node.source ?? null) : null };
  }
  return found;
}

/** By the library's error code. None of these texts quotes the file. */
const SYNTAX: Record<string, [message: string, hint: string]> = {
  BAD_INDENT: ['the indentation does not fit', 'lines of one list or map start in the same column; close every [ and {'],
  TAB_AS_INDENT: ['a tab is used for indentation', 'use spaces'],
  BAD_SCALAR_START: ['a value cannot start with this character', 'put the value in quotes'],
  BAD_DQ_ESCAPE: ['an unknown escape after \\ in double quotes', 'use single quotes, or write \\\\ for a backslash'],
  MISSING_CHAR: ['a quote, bracket, comma or colon is missing', 'close quotes and brackets; write key: value'],
  BLOCK_AS_IMPLICIT_KEY: ['a second ": " on one line', 'put a value that holds ": " in quotes, or start a new line'],
  BLOCK_IN_FLOW: ['an indented block inside [ ] or { }', 'separate entries by commas'],
  MULTILINE_IMPLICIT_KEY: ['a key runs over several lines', 'write key: value, with the colon on the same line as the key'],
  NON_STRING_KEY: ['a key is a list or a map', 'keys are text'],
  MULTIPLE_DOCS: ['a second document starts here', 'one tenant per file; remove the line ---'],
  UNEXPECTED_TOKEN: ['something unexpected stands here', 'check quotes, commas and indentation on this line'],
};

function syntaxError(code: string, offset: number): Offence {
  const [message, hint] = SYNTAX[code] ?? ['this is not YAML', 'check quotes, colons and indentation on this line'];
  return { offset, message, hint };
}
