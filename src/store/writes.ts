/** Writes whose SQL text is made once and then only filled: building it costs drizzle more than SQLite takes to run it. */
import { Column, getTableColumns, is, Param, Placeholder, sql } from 'drizzle-orm';
import type { Database, Statement } from './database.ts';
import type { Row, Schema, TableName } from './schema.ts';
import { storableJson } from './storable.ts';

/** Rows per insert at most: bounds both the parameters of one statement and how many texts are kept. */
const PACK = 50;

type Fill = (rows: readonly object[], expect?: number) => Statement;
export type Insert = <T extends TableName>(table: T, rows: readonly Row<T>[]) => Statement[];

/** A hole in a template: column `key` of the row at `position` among those it is filled with. */
export const hole = (position: number, key: string) => sql.placeholder(`${position}.${key}`);

/** What drizzle builds from holes, as a function of rows. A missing value is NULL. */
export function template(query: { toSQL(): { sql: string; params: unknown[] } }): Fill {
  const { sql: text, params } = query.toSQL();
  const slots = params.map(readSlot);
  return (rows, expect = 1) => ({
    sql: text,
    expect,
    params: slots.map(({ position, key, encode }) => {
      const value = (rows[position] as Record<string, unknown> | undefined)?.[key] ?? null;
      return value === null ? null : encode(value);
    }),
  });
}

function readSlot(param: unknown) {
  const encoder = is(param, Param) ? param.encoder : undefined;
  const placeholder = is(param, Param) ? param.value : param;
  if (!is(placeholder, Placeholder)) throw new Error('a template takes holes only');
  const [position, key] = String(placeholder.name).split('.') as [string, string];
  const encode = (value: unknown) => (encoder ? encoder.mapToDriverValue(value) : value);
  const json = is(encoder, Column) && encoder.dataType === 'json';
  return { position: Number(position), key, encode: json ? (value: unknown) => storableJson(encode(value) as string) : encode };
}

/** Inserts of rows of one table, packed into as few statements as allowed. */
export function createInsert({ query, tables }: Pick<Database, 'query' | 'tables'>): Insert {
  const made = new Map<string, Fill>();
  const fillFor = (table: TableName, count: number): Fill => {
    const name = `${table} ${count}`;
    let fill = made.get(name);
    if (!fill) {
      const keys = Object.keys(getTableColumns(tables[table]));
      const values = Array.from({ length: count }, (_, i) => Object.fromEntries(keys.map((key) => [key, hole(i, key)])));
      fill = template(query.insert(tables[table] as Schema['user']).values(values as never));
      made.set(name, fill);
    }
    return fill;
  };
  return (table, rows) => {
    const statements: Statement[] = [];
    for (let i = 0; i < rows.length; i += PACK) {
      const part = rows.slice(i, i + PACK);
      statements.push(fillFor(table, part.length)(part, part.length));
    }
    return statements;
  };
}
