/** Paths of PATCH operations (RFC 7644 §3.5.2): `attribute`, `attribute.sub`, `attribute[filter]`, `attribute[filter].sub`, each with or without schema URN. */
import { invalidPath } from './error.ts';
import { type Filter, isSubName, readElementFilter } from './filter.ts';
import { isAttributePath, readerOf } from './tokens.ts';

export interface Path {
  /** As written, for errors. */
  text: string;
  /** `emails`, `name.givenName`, `urn:…:2.0:User:manager`; or the URN of a whole extension. */
  attribute: string;
  filter: Filter | null;
  /** Behind a filter only. */
  sub: string | null;
}

/** A schema's URN may end in anything, and a whole extension is named by its URN alone. */
const isUrn = (word: string): boolean => /^urn:[\w-]+:[\w.:%$-]+$/i.test(word);

/** Throws 400 invalidPath, naming the position. */
export function parsePath(text: string): Path {
  const reader = readerOf(text, (detail) => invalidPath(`path: ${detail}`));
  const name = reader.take();
  if (name.kind !== 'word' || !(isAttributePath(name.text) || isUrn(name.text))) throw reader.fail(name, 'the name of an attribute');
  const path: Path = { text, attribute: name.text, filter: null, sub: null };
  if (reader.peek().kind === '[') {
    reader.take();
    path.filter = readElementFilter(reader);
    const end = reader.take();
    if (end.kind !== ']') throw reader.fail(end, '"]"');
    const { kind, text: word } = reader.peek();
    if (kind === 'word' && word.startsWith('.') && isSubName(word.slice(1))) path.sub = reader.take().text.slice(1);
  }
  if (reader.peek().kind !== 'end') throw reader.fail(reader.peek(), 'the end');
  return path;
}
