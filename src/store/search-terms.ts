/** What an attribute is in SQL: parameters bound, the same meaning on both databases, and every condition either true or false, never NULL. */
import { type SQL, sql } from 'drizzle-orm';
import type { Comparison } from '../core/search.ts';
import type { Database } from './database.ts';

export const TRUE = sql`1 = 1`;
export const FALSE = sql`1 = 0`;

/** What one attribute is asked. */
export interface Term {
  present: SQL;
  compare(op: Comparison, value: string): SQL;
}

/** The comparison of a text that is not NULL. */
export type Compare = (column: SQL, op: Exclude<Comparison, 'ne'>, value: string) => SQL;

/** Without LIKE: its meaning of case differs, and `%` in a value is a character like any other. */
export function createCompare(dialect: Database['dialect']): Compare {
  const ending = (column: SQL, length: number) => (dialect === 'sqlite' ? sql`substr(${column}, ${-length})` : sql`right(${column}, ${length})`);
  const position = (column: SQL, value: string) => (dialect === 'sqlite' ? sql`instr(${column}, ${value})` : sql`strpos(${column}, ${value})`);
  return (column, op, value) => {
    switch (op) {
      case 'eq':
        return sql`${column} = ${value}`;
      case 'co':
        return value === '' ? TRUE : sql`${position(column, value)} > 0`;
      case 'sw':
        return value === '' ? TRUE : range(column, value);
      case 'ew':
        return value === '' ? TRUE : sql`${ending(column, [...value].length)} = ${value}`;
      case 'gt':
        return sql`${column} > ${value}`;
      case 'ge':
        return sql`${column} >= ${value}`;
      case 'lt':
        return sql`${column} < ${value}`;
      case 'le':
        return sql`${column} <= ${value}`;
    }
  };
}

/** All that begins so, and nothing else, as a range that an index has: text is ordered byte by byte, hence by code point. */
function range(column: SQL, start: string): SQL {
  const end = successor(start);
  return end === null ? sql`${column} >= ${start}` : sql`(${column} >= ${start} and ${column} < ${end})`;
}

/** The first text after all that begin with `start`; null where there is none. */
function successor(start: string): string | null {
  const points = Array.from(start, (one) => one.codePointAt(0)!);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return null;
  // What lies between is no character.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}

export function columnTerm(compare: Compare, column: SQL, nullable: boolean): Term {
  return {
    present: nullable ? sql`${column} is not null` : TRUE,
    compare(op, value) {
      if (op === 'ne') return nullable ? sql`(${column} is null or ${column} <> ${value})` : sql`${column} <> ${value}`;
      const compared = compare(column, op, value);
      return nullable ? sql`(${column} is not null and ${compared})` : compared;
    },
  };
}

/** Dates are compared as dates: their text is none of the column's. */
export function dateTerm(column: SQL, encode: (date: Date) => unknown): Term {
  const OPS: Record<string, SQL> = { eq: sql`=`, ne: sql`<>`, gt: sql`>`, ge: sql`>=`, lt: sql`<`, le: sql`<=` };
  return { present: TRUE, compare: (op, value) => (OPS[op] ? sql`${column} ${OPS[op]} ${encode(new Date(value))}` : FALSE) };
}

/** An attribute of which there may be many values or none, each a row. `any`: one of them satisfies the condition. */
export function rowsTerm(compare: Compare, column: SQL, any: (condition: SQL) => SQL): Term {
  return {
    present: any(TRUE),
    compare: (op, value) => (op === 'ne' ? sql`(not ${any(TRUE)} or ${any(sql`${column} <> ${value}`)})` : any(compare(column, op, value))),
  };
}
