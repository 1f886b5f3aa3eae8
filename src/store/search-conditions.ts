/** From a filter (core/search) to SQL on users and on groups. */
import { and, eq, isNull, ne, type SQL, sql } from 'drizzle-orm';
import type { Where } from '../core/search.ts';
import type { Database } from './database.ts';
import { createStart } from './search-start.ts';
import { type Compare, columnTerm, createCompare, dateTerm, FALSE, rowsTerm, type Term } from './search-terms.ts';
import { createUserTerms } from './search-users.ts';
import { compile } from './search-where.ts';

export interface Conditions {
  users(tenantId: string, where: Where): SQL;
  groups(tenantId: string, where: Where): SQL;
  /** A user whom the directory can see: neither deleted nor, where its deletion is held, deleted by it. */
  visible: SQL;
}

export function createConditions(db: Database): Conditions {
  const compare = createCompare(db.dialect);
  const termsOf = createUserTerms(db, compare);
  const start = createStart(db, compare);
  const visible = visibleIn(db);
  return {
    users(tenantId, where) {
      const terms = termsOf(tenantId);
      const { ids, rest } = start(tenantId, terms, where);
      const term = (attribute: string): Term => {
        const own = terms.own(attribute);
        if (own) return own;
        const { column, any } = terms.rows(attribute);
        return rowsTerm(compare, column, any);
      };
      const asked = compile(rest, term, (list, inner) => terms.element(list, inner).any(sql`1 = 1`));
      return ids ? sql`(${db.tables.user.id} in (${ids}) and ${asked})` : asked;
    },
    groups: createGroupConditions(db, compare, visible),
    visible,
  };
}

/** The sign keeps SQLite from the index of restore keys: to it, those without one are few. PostgreSQL has counted them. */
function visibleIn({ dialect, tables: { user } }: Database): SQL {
  return and(ne(user.status, 'deleted'), dialect === 'sqlite' ? sql`+${user.restoreKey} is null` : isNull(user.restoreKey))!;
}

function createGroupConditions({ tables }: Database, compare: Compare, visible: SQL): Conditions['groups'] {
  const { group, membership, user } = tables;
  const date = (value: Date) => group.createdAt.mapToDriverValue(value);
  const userId = sql`${membership.userId}`;
  const columns: Record<string, () => Term> = {
    id: () => columnTerm(compare, sql`${group.id}`, false),
    displayname: () => columnTerm(compare, sql`${group.displayNameKey}`, false),
    externalid: () => columnTerm(compare, sql`${group.externalId}`, true),
    'meta.created': () => dateTerm(sql`${group.createdAt}`, date),
    'meta.lastmodified': () => dateTerm(sql`${group.updatedAt}`, date),
  };

  return (tenantId, where) => {
    /** What is left to a tombstone is no member. */
    const from = sql`${membership} join ${user} on ${user.tenantId} = ${membership.tenantId} and ${user.id} = ${membership.userId} where ${and(eq(membership.tenantId, tenantId), visible)}`;
    const any = (condition: SQL) => sql`exists (select 1 from ${from} and ${membership.groupId} = ${group.id} and ${condition})`;
    const members = rowsTerm(compare, userId, any);
    /** One person's groups are few, a tenant's may be many. */
    const ofOne = (value: string) => sql`${group.id} in (select ${membership.groupId} from ${from} and ${userId} = ${value})`;
    const term = (attribute: string): Term => {
      if (attribute === 'members.value')
        return { present: members.present, compare: (op, value) => (op === 'eq' ? ofOne(value) : members.compare(op, value)) };
      if (!Object.hasOwn(columns, attribute)) throw new Error(`no column for ${attribute} of a group`);
      return columns[attribute]!();
    };
    const member = () => columnTerm(compare, userId, false);
    // `members` is the only list of a group, and its elements have one value to look at.
    return compile(where, term, (_, inner) => any(compile(inner, member, () => FALSE)));
  };
}
