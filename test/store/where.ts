/** core/search evaluated plainly over a resource's values: what the store's SQL must find. */
import type { SearchValue, Where } from '../../src/core/search.ts';

export type Values = readonly SearchValue[];

export function satisfies(where: Where, values: Values): boolean {
  switch (where.kind) {
    case 'all':
      return where.of.every((one) => satisfies(one, values));
    case 'any':
      return where.of.some((one) => satisfies(one, values));
    case 'not':
      return !satisfies(where.of, values);
    case 'present':
      return values.some(({ attribute }) => attribute === where.attribute);
    case 'compare': {
      const mine = values.filter(({ attribute }) => attribute === where.attribute);
      return (where.op === 'ne' && mine.length === 0) || mine.some(({ value }) => compares(where.op, value, where.value));
    }
    case 'element': {
      const mine = values.filter(({ attribute }) => attribute.startsWith(`${where.attribute}.`));
      return mine.some(({ element }) =>
        satisfies(
          where.where,
          mine.filter((one) => one.element === element),
        ),
      );
    }
  }
}

function compares(op: Extract<Where, { kind: 'compare' }>['op'], text: string, value: string): boolean {
  const order = Buffer.compare(Buffer.from(text), Buffer.from(value));
  switch (op) {
    case 'eq':
      return text === value;
    case 'ne':
      return text !== value;
    case 'co':
      return text.includes(value);
    case 'sw':
      return text.startsWith(value);
    case 'ew':
      return text.endsWith(value);
    case 'gt':
      return order > 0;
    case 'ge':
      return order >= 0;
    case 'lt':
      return order < 0;
    case 'le':
      return order <= 0;
  }
}
