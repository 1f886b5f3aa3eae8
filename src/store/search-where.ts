/** The shape of a filter (core/search) in SQL, whatever its attributes are there. */
import { type SQL, sql } from 'drizzle-orm';
import type { Where } from '../core/search.ts';
import { FALSE, type Term, TRUE } from './search-terms.ts';

/** No condition is ever NULL, so `not` is what it says. */
export function compile(where: Where, term: (attribute: string) => Term, element: (list: string, where: Where) => SQL): SQL {
  switch (where.kind) {
    case 'all':
      return joined(where.of, sql` and `, TRUE);
    case 'any':
      return joined(where.of, sql` or `, FALSE);
    case 'not':
      return sql`not (${compile(where.of, term, element)})`;
    case 'present':
      return term(where.attribute).present;
    case 'compare':
      return term(where.attribute).compare(where.op, where.value);
    case 'element':
      return element(where.attribute, where.where);
  }
  function joined(of: Where[], by: SQL, none: SQL): SQL {
    if (of.length === 0) return none;
    return sql`(${sql.join(
      of.map((one) => compile(one, term, element)),
      by,
    )})`;
  }
}
