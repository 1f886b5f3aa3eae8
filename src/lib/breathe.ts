/** Gives everybody else a turn: SQLite answers at once, so that a long walk would keep requests waiting from beginning to end. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
