/** The words of filters and PATCH paths (RFC 7644 §3.4.2.2, §3.5.2). One pass over the text; what is too long or too deep is refused before any other work. */
import type { ScimError } from './error.ts';

export const LONGEST_FILTER = 2048;
export const DEEPEST_FILTER = 20;

export interface Token {
  kind: 'word' | 'string' | '(' | ')' | '[' | ']' | 'end';
  /** As written; of a string, its decoded value. */
  text: string;
  /** Counted from 1, for people. */
  at: number;
}

/** Reads tokens one after the other. `fail` makes the error of whoever reads: an invalid filter or an invalid path. */
export interface Reader {
  peek(): Token;
  take(): Token;
  fail(token: Token, expected: string): ScimError;
}

type Fail = (detail: string) => ScimError;

/** Throws what `fail` makes. */
export function readerOf(text: string, fail: Fail): Reader {
  if (text.length > LONGEST_FILTER) throw fail(`longer than ${LONGEST_FILTER} characters`);
  const tokens = tokensOf(text, fail);
  refuseDepth(tokens, fail);
  let next = 0;
  const peek = (): Token => tokens[next] ?? tokens.at(-1)!;
  return {
    peek,
    take() {
      const token = peek();
      next++;
      return token;
    },
    fail: (token, expected) => fail(`${expected} expected at position ${token.at}, not ${shown(token)}`),
  };
}

const shown = ({ kind, text }: Token): string => (kind === 'end' ? 'the end' : kind === 'string' ? 'a string' : `"${text.slice(0, 60)}"`);

const SPACE = /[ \t\r\n]+/y;
const WORD = /[^\s()[\]"\\]+/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const BRACKETS = new Set(['(', ')', '[', ']']);

function tokensOf(text: string, fail: Fail): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const char = text[at]!;
    const space = match(SPACE, text, at);
    if (space !== null) {
      at += space.length;
      continue;
    }
    const found = BRACKETS.has(char) ? char : match(char === '"' ? STRING : WORD, text, at);
    if (found === null) throw fail(char === '"' ? `the string at position ${at + 1} has no end` : `unexpected character at position ${at + 1}`);
    tokens.push(tokenOf(found, at + 1, fail));
    at += found.length;
  }
  return [...tokens, { kind: 'end', text: '', at: text.length + 1 }];
}

function match(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

function tokenOf(text: string, at: number, fail: Fail): Token {
  if (BRACKETS.has(text)) return { kind: text as '(' | ')' | '[' | ']', text, at };
  return text.startsWith('"') ? { kind: 'string', text: decoded(text, at, fail), at } : { kind: 'word', text, at };
}

/** JSON's escapes. No stored value holds U+0000 or half a character, and PostgreSQL would refuse to compare with them. */
function decoded(text: string, at: number, fail: Fail): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fail(`the string at position ${at} is not a JSON string`);
  }
  if (typeof value !== 'string' || /\u0000|\p{Surrogate}/u.test(value))
    throw fail(`the string at position ${at} holds a character that no value can have`);
  return value;
}

function refuseDepth(tokens: readonly Token[], fail: Fail): void {
  let depth = 0;
  for (const { kind, at } of tokens) {
    if (kind === '(' || kind === '[') depth++;
    if (kind === ')' || kind === ']') depth--;
    if (depth > DEEPEST_FILTER) throw fail(`nested deeper than ${DEEPEST_FILTER} at position ${at}`);
  }
}

/** An attribute's name or path, with or without schema URN: `userName`, `name.givenName`, `urn:…:2.0:User:manager.value`, `$ref`. */
export const isAttributePath = (text: string): boolean => {
  const at = text.lastIndexOf(':');
  const name = at === -1 ? text : text.slice(at + 1);
  return (at === -1 || /^urn:[^:]/i.test(text)) && /^[a-z_$][\w$-]*(\.[a-z_$][\w$-]*)?$/i.test(name);
};
