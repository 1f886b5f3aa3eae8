/**
 * Where a search for users begins: at the part of the filter that the fewest satisfy, by an index; everybody found there is then asked the rest.
 * SQLite plans without statistics and would walk the tenant, or gather all work addresses before it looks at one person.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { Where } from '../core/search.ts';
import type { Database } from './database.ts';
import type { Compare } from './search-terms.ts';
import { isCommon, neededOf, type UserTerms } from './search-users.ts';

interface Start {
  /** The lower the fewer, as a guess. */
  rank: number;
  /** Ids of all who satisfy the part. */
  ids: SQL;
  /** And of nobody else: the part need not be asked again. */
  exact: boolean;
  /** The database begins there of its own accord: the condition is on an indexed column of the user. */
  own: boolean;
}

export interface Beginning {
  /** Null: at everybody, or where the rest itself says. */
  ids: SQL | null;
  /** What those found are to be asked. */
  rest: Where;
}

export function createStart({ tables: { user } }: Database, compare: Compare) {
  const COLUMNS: Record<string, SQL> = { id: sql`u.id`, username: sql`u.user_name_key`, externalid: sql`u.external_id` };

  return (tenantId: string, terms: UserTerms, where: Where): Beginning => {
    const parts = where.kind === 'all' ? where.of : [where];
    const [best] = parts
      .flatMap((part, at) => {
        const found = startOf(part);
        return found ? [{ ...found, at }] : [];
      })
      .sort((a, b) => a.rank - b.rank);
    if (!best || best.own) return { ids: null, rest: where };
    return { ids: best.ids, rest: { kind: 'all', of: parts.filter((_, at) => at !== best.at || !best.exact) } };

    function startOf(part: Where): Start | null {
      switch (part.kind) {
        case 'compare':
          return part.op === 'ne' ? null : comparison(part);
        case 'present':
          return terms.own(part.attribute) ? null : rowsStart(9, terms.rows(part.attribute).ids(sql`1 = 1`));
        case 'element': {
          const needed = neededOf(part.where);
          return rowsStart(needed ? rankOf(needed) : 7, terms.element(part.attribute, part.where).ids(sql`1 = 1`));
        }
        case 'any':
          return union(part.of.map(startOf));
        case 'all': {
          const [first] = part.of
            .map(startOf)
            .filter((one) => one !== null)
            .sort((a, b) => a.rank - b.rank);
          return first ? { ...first, exact: first.exact && part.of.length === 1, own: first.own && part.of.length === 1 } : null;
        }
        case 'not':
          return null;
      }
    }

    function comparison(part: Extract<Where, { kind: 'compare' }>): Start | null {
      const { attribute, op, value } = part;
      if (op === 'ne') return null;
      if (!terms.own(attribute)) {
        const { column, ids } = terms.rows(attribute);
        return rowsStart(rankOf(part), ids(compare(column, op, value)));
      }
      if (!Object.hasOwn(COLUMNS, attribute) || (op !== 'eq' && op !== 'sw')) return null;
      const condition = compare(COLUMNS[attribute]!, op, value);
      return {
        rank: op === 'eq' ? 0 : 4,
        exact: true,
        own: true,
        ids: sql`select u.id from ${user} u where u.tenant_id = ${tenantId} and ${condition}`,
      };
    }
  };
}

const rowsStart = (rank: number, ids: SQL): Start => ({ rank, ids, exact: true, own: false });

/** Whoever satisfies one of them; no better than the worst. */
function union(starts: (Start | null)[]): Start | null {
  const all = starts.filter((one) => one !== null);
  if (all.length === 0 || all.length < starts.length) return null;
  return {
    rank: Math.max(...all.map(({ rank }) => rank)) + 0.5,
    ids: sql.join(
      all.map(({ ids }) => ids),
      sql` union `,
    ),
    exact: all.every(({ exact }) => exact),
    own: false,
  };
}

const RANKS = { sw: 4, co: 5, ew: 5, gt: 6, ge: 6, lt: 6, le: 6 } as const;

function rankOf({ attribute, op }: Extract<Where, { kind: 'compare' }>): number {
  if (op === 'ne') return 9;
  if (op !== 'eq') return RANKS[op];
  if (isCommon(attribute)) return 8;
  if (attribute.startsWith('groups.')) return 3;
  return attribute.endsWith('.value') || attribute === 'displayname' ? 1 : 2;
}
