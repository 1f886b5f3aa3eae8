/**
 * What a tenant file may not contain, found in one linear pass over the tokens, before any parser builds a tree:
 * a parser's work and memory on odd input is its own affair, ours is to hand it only input of a sane shape.
 */
import { CST, Lexer } from 'yaml';

/** In bytes of UTF-8. */
export const MAX_FILE_BYTES = 256 * 1024;
/** Nested lists and maps. The deepest sensible rule needs about a dozen. */
const MAX_DEPTH = 40;

export interface Offence {
  /** In UTF-16 units from the start of the text. */
  offset: number;
  message: string;
  hint: string;
}

/** Empty where the text may be parsed. */
export function guardText(text: string): Offence[] {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_FILE_BYTES) return [{ offset: 0, message: `the file has ${bytes} bytes`, hint: `at most ${MAX_FILE_BYTES} bytes (256 kB)` }];
  const odd = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]|\p{Surrogate}/u.exec(text);
  if (odd) {
    const code = odd[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return [{ offset: odd.index, message: `control character U+${code}`, hint: 'plain text in UTF-8' }];
  }
  return guardTokens(text);
}

const REFUSED: Record<string, Omit<Offence, 'offset'>> = {
  'directive-line': { message: 'a YAML directive', hint: 'leave lines that start with % out' },
  alias: { message: 'a YAML alias', hint: 'write the value out; aliases are not read' },
  anchor: { message: 'a YAML anchor', hint: 'write the value out where it is needed; anchors are not read' },
  tag: { message: 'a YAML tag', hint: 'leave it out; put a value that starts with ! in quotes' },
};

function guardTokens(text: string): Offence[] {
  const found: Offence[] = [];
  const depth = depthMeter();
  let offset = 0;
  let scalarNext = false;
  for (const token of new Lexer().lex(text)) {
    const type: string = scalarNext ? 'scalar-text' : (CST.tokenType(token) ?? 'scalar-text');
    scalarNext = type === 'scalar';
    if (type === 'scalar' || type === 'doc-mode' || type === 'flow-error-end') continue;
    const refused = REFUSED[type];
    if (refused && found.length < 20) found.push({ offset, ...refused });
    const now = depth(type, token);
    if (now > MAX_DEPTH)
      return [...found, { offset, message: `more than ${MAX_DEPTH} levels deep`, hint: 'fewer lists and maps inside one another' }];
    if (now < 0) return [...found, { offset, message: `${token} closes nothing`, hint: 'remove it, or open what it should close' }];
    offset += token.length;
  }
  return found;
}

/** Fed with every token in turn, says how deep the text is nested there; negative where a bracket closes nothing. */
function depthMeter(): (type: string, token: string) => number {
  const columns: number[] = [];
  let brackets = 0;
  let column = 0;
  let lineStarts = true;
  const enter = () => {
    while (columns.length > 0 && columns.at(-1)! >= column) columns.pop();
    columns.push(column);
  };
  return (type, token) => {
    if (type === 'newline') {
      column = 0;
      lineStarts = true;
      return columns.length + brackets;
    }
    if (type === 'flow-map-start' || type === 'flow-seq-start') brackets++;
    else if (type === 'flow-map-end' || type === 'flow-seq-end') brackets--;
    if (brackets < 0) return -1;
    const nests = type === 'seq-item-ind' || type === 'explicit-key-ind';
    if (brackets === 0 && type !== 'space' && type !== 'comment' && (lineStarts || nests)) enter();
    if (type !== 'space') lineStarts = nests;
    const lastBreak = token.lastIndexOf('\n');
    column = lastBreak === -1 ? column + token.length : token.length - lastBreak - 1;
    if (lastBreak !== -1) lineStarts = true;
    return columns.length + brackets;
  };
}
