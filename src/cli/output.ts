/** How commands speak: text for people or one JSON document for machines, and exit codes that mean something. */

export interface Output {
  json: boolean;
  /** The command's result: `data` as JSON, or `text` for people. */
  result(data: unknown, text: string): void;
  /** Progress and remarks, on standard error; silent with --json. */
  note(text: string): void;
}

/** 0 done, 1 refused or problems found, 2 called wrongly, 3 a store is away. */
export const EXIT = { done: 0, refused: 1, usage: 2, away: 3 } as const;

export class Exit extends Error {
  override readonly name = 'Exit';
  readonly code: number;
  constructor(code: number, message = '') {
    super(message);
    this.code = code;
  }
}

export const createOutput = (json: boolean): Output => ({
  json,
  result: (data, text) =>
    void process.stdout.write(json ? `${JSON.stringify(data, null, 2)}\n` : text.endsWith('\n') || text === '' ? text : `${text}\n`),
  note: (text) => {
    if (!json) process.stderr.write(`${text}\n`);
  },
});

/** Columns padded to their widest cell. */
export function table(head: string[], rows: string[][]): string {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}

/** Text that came from outside, for a terminal: nothing in it can move the cursor or forge a line. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd');
