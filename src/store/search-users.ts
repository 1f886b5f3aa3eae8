/** Attributes of users in SQL: columns, values and memberships; each as a condition on a user, and where it can be as the ids of who satisfies it. */
import { type SQL, sql } from 'drizzle-orm';
import type { Where } from '../core/search.ts';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';
import { type Compare, columnTerm, dateTerm, FALSE, rowsTerm, type Term } from './search-terms.ts';
import { compile } from './search-where.ts';

/** Rows of other tables that belong to users: whether the user at hand has one such, or whose they are. */
interface Rows {
  column: SQL;
  any(condition: SQL): SQL;
  ids(condition: SQL): SQL;
}

export interface UserTerms {
  /** By a column of the user's own; null where it has none. */
  own(attribute: string): Term | null;
  /** Values and groups. */
  rows(attribute: string): Rows;
  /** One element of a list satisfies all of `where`. */
  element(list: string, where: Where): Pick<Rows, 'any' | 'ids'>;
}

export function createUserTerms({ tables }: Database, compare: Compare): (tenantId: string) => UserTerms {
  const { user, searchValue, membership, group } = tables;
  const date = (value: Date) => user.createdAt.mapToDriverValue(value);
  /** `ofAll` and `ofOne`: tables and the beginning of a condition, for whoever is looked for and for the user at hand. */
  const rowsOf = ({ ofAll, ofOne = ofAll, owner, column }: { ofAll: SQL; ofOne?: SQL; owner: SQL; column: SQL }): Rows => ({
    column,
    any: (condition) => sql`exists (select 1 from ${ofOne} and ${owner} = ${user.id} and ${condition})`,
    ids: (condition) => sql`select ${owner} from ${ofAll} and ${condition}`,
  });

  const columns: Record<string, () => Term> = {
    id: () => columnTerm(compare, sql`${user.id}`, false),
    username: () => columnTerm(compare, sql`${user.userNameKey}`, false),
    externalid: () => columnTerm(compare, sql`${user.externalId}`, true),
    active: () => columnTerm(compare, activeText(tables), false),
    'meta.created': () => dateTerm(sql`${user.createdAt}`, date),
    'meta.lastmodified': () => dateTerm(sql`${user.updatedAt}`, date),
  };

  return (tenantId) => {
    const joined = sql`${membership} join ${group} on ${group.tenantId} = ${membership.tenantId} and ${group.id} = ${membership.groupId} where ${membership.tenantId} = ${tenantId}`;
    const inGroups = (column: SQL) => rowsOf({ ofAll: joined, owner: sql`${membership.userId}`, column });
    const values = (attribute: string): Rows => {
      const ofAll = sql`${searchValue} where ${searchValue.tenantId} = ${tenantId} and ${searchValue.attribute} = ${attribute}`;
      // Always true. SQLite would rather walk all of an attribute in the index that has them whole than read one user's rows; that index has no elements.
      const ofOne = sql`${ofAll} and ${searchValue.element} >= 0`;
      return rowsOf({ ofAll, ofOne, owner: sql`${searchValue.userId}`, column: sql`${searchValue.value}` });
    };
    /** Values of the element `e`: the rows with its number. */
    const inElement = (attribute: string): Term =>
      rowsTerm(
        compare,
        sql`v.value`,
        (condition) =>
          sql`exists (select 1 from ${searchValue} v where v.tenant_id = e.tenant_id and v.user_id = e.user_id and v.element = e.element and v.attribute = ${attribute} and ${condition})`,
      );
    const inGroup = (attribute: string): Term =>
      columnTerm(compare, attribute === 'groups.display' ? sql`${group.displayNameKey}` : sql`${group.id}`, false);

    const element = (list: string, where: Where): Pick<Rows, 'any' | 'ids'> => {
      const inner = compile(where, list === 'groups' ? inGroup : inElement, () => FALSE);
      const within = ({ any, ids }: Rows) => ({
        any: (more: SQL) => any(sql`${inner} and ${more}`),
        ids: (more: SQL) => ids(sql`${inner} and ${more}`),
      });
      if (list === 'groups') return within(inGroups(sql`${group.id}`));
      // Every element has at least one row; which of them carries it does not matter, so all of the list's are looked at.
      const needed = neededOf(where);
      const some = needed
        ? sql`e.attribute = ${needed.attribute} and e.value = ${needed.value}`
        : sql`e.attribute >= ${`${list}.`} and e.attribute < ${`${list}/`}`;
      const ofAll = sql`${searchValue} e where e.tenant_id = ${tenantId} and ${some}`;
      return within(rowsOf({ ofAll, owner: sql`e.user_id`, column: sql`e.value` }));
    };

    return {
      own: (attribute) => (Object.hasOwn(columns, attribute) ? columns[attribute]!() : null),
      rows(attribute) {
        if (attribute === 'groups.value') return inGroups(sql`${group.id}`);
        if (attribute === 'groups.display') return inGroups(sql`${group.displayNameKey}`);
        return values(attribute);
      },
      element,
    };
  };
}

/** As the directory reads it: whose suspension is held is not active any more. */
export const activeText = ({ user, held }: Pick<Schema, 'user' | 'held'>): SQL =>
  sql`(case when ${user.status} = 'active' and not exists (select 1 from ${held} h where h.tenant_id = ${user.tenantId} and h.user_id = ${user.id} and h.what = 'status') then 'true' else 'false' end)`;

/** A value that an element must have to satisfy `where`, and that few have. */
export function neededOf(where: Where): Extract<Where, { kind: 'compare' }> | null {
  for (const part of where.kind === 'all' ? where.of : [where])
    if (part.kind === 'compare' && part.op === 'eq' && !isCommon(part.attribute)) return part;
  return null;
}

/** Attributes of which many people have the same value. */
export const isCommon = (attribute: string): boolean => /\.(type|primary)$/.test(attribute) || attribute === 'schemas';
