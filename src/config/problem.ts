/** What is wrong in a file, where, and what would be right: one shape for the CLI, the API and the editor. */

export interface Problem {
  /** As the caller named it. */
  file: string;
  /** 1-based. */
  line: number;
  /** 1-based, in UTF-16 units. */
  column: number;
  /** What is wrong. Holds no line break, no control character and no secret. */
  message: string;
  /** What would be right. */
  hint: string;
  /** A warning leaves the file usable. */
  severity: 'error' | 'warning';
}

/** Keys and list positions from the top of the file. */
export type Path = readonly (string | number)[];

/** Collects problems by path; the positions come from the file's text. */
export interface Report {
  error(path: Path, message: string, hint: string): void;
  /** At the key itself, not at its value. */
  keyError(path: Path, message: string, hint: string): void;
  warning(path: Path, message: string, hint: string): void;
  /** Nobody has looked at what stands below this path: it counts as broken. */
  unread(path: Path): void;
  /** Whether what stands at this path cannot be used for further checks. A key too many at the top of an entry does not spoil it. */
  broken(path: Path): boolean;
  /** Whether any error was reported at this path or below it. */
  flawed(path: Path): boolean;
  /** All so far, in the order of the file. */
  problems(): Problem[];
}

/** What a report needs to know of the text. */
export interface Places {
  valueAt(path: Path): { line: number; column: number };
  keyAt(path: Path): { line: number; column: number };
}

export function newReport(file: string, places: Places): Report {
  const found: Problem[] = [];
  const broken = new Set<string>();
  const flawed = new Set<string>();
  const unread = new Set<string>();
  const mark = (set: Set<string>, path: Path) => {
    for (let length = 0; length <= path.length; length++) set.add(JSON.stringify(path.slice(0, length)));
  };
  const add = (place: { line: number; column: number }, severity: Problem['severity'], message: string, hint: string) =>
    found.push({ file, line: place.line, column: place.column, message, hint, severity });
  return {
    error(path, message, hint) {
      add(places.valueAt(path), 'error', message, hint);
      mark(broken, path);
      mark(flawed, path);
    },
    keyError(path, message, hint) {
      add(places.keyAt(path), 'error', message, hint);
      if (path.length > 3) mark(broken, path);
      mark(flawed, path);
    },
    warning: (path, message, hint) => void add(places.valueAt(path), 'warning', message, hint),
    unread: (path) => void unread.add(JSON.stringify(path)),
    broken: (path) => broken.has(JSON.stringify(path)) || path.some((_, length) => unread.has(JSON.stringify(path.slice(0, length)))),
    flawed: (path) => flawed.has(JSON.stringify(path)),
    problems: () => inOrder(found),
  };
}

/** `file:line:column message (hint)`, as editors and terminals link it. The severity is the caller's to show. */
export function formatProblem(p: Problem): string {
  return `${p.file}:${p.line}:${p.column} ${p.message} (${p.hint})`;
}

/** In the order of the file, each once, errors before warnings at one place. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const distinct = new Map(problems.map((p) => [JSON.stringify([p.line, p.column, p.message]), p]));
  return [...distinct.values()].sort((a, b) => a.line - b.line || a.column - b.column || a.severity.localeCompare(b.severity));
}

const SHOWN = 60;

/** A value from the file as it may stand in a message: quoted, escaped, cut. */
export function quote(text: string): string {
  const characters = Array.from(text);
  const cut = characters.length > SHOWN ? `${characters.slice(0, SHOWN).join('')}…` : text;
  return JSON.stringify(cut).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** `"a", "b" and "c"`, at most `max` of them. */
export function listed(words: readonly string[], max = 12): string {
  const shown = words.slice(0, max).map(quote);
  const rest = words.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
