import * as pg from 'drizzle-orm/pg-core';
import * as lite from 'drizzle-orm/sqlite-core';

/**
 * Compared and ordered byte by byte, as SQLite does: the same order on both databases,
 * and indexes that no new version of the system's collation library can corrupt.
 */
const pgText = pg.customType<{ data: string; driverData: string }>({ dataType: () => 'text collate "C"' });

/** The few column words the schema may use: one entry per word, one column per dialect. */
export const pgColumns = {
  table: pg.pgTable,
  text: <N extends string>(name: N) => pgText(name),
  int: <N extends string>(name: N) => pg.integer(name),
  time: <N extends string>(name: N) => pg.timestamp(name, { withTimezone: true, precision: 3, mode: 'date' }),
  json: <N extends string>(name: N) => pg.jsonb(name),
  primaryKey: pg.primaryKey,
  foreignKey: pg.foreignKey,
  index: pg.index,
  uniqueIndex: pg.uniqueIndex,
};

export type Columns = typeof pgColumns;

/** Same words, SQLite spelling. The cast is the price of one schema: it is paid here and nowhere else. */
export const liteColumns = {
  table: lite.sqliteTable,
  text: (name: string) => lite.text(name),
  int: (name: string) => lite.integer(name),
  time: (name: string) => lite.integer(name, { mode: 'timestamp_ms' }),
  json: (name: string) => lite.text(name, { mode: 'json' }),
  primaryKey: lite.primaryKey,
  foreignKey: lite.foreignKey,
  index: lite.index,
  uniqueIndex: lite.uniqueIndex,
} satisfies Record<keyof Columns, unknown> as unknown as Columns;
