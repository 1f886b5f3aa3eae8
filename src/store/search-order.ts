/** The order of what is found. Values missing come last ascending and first descending, which is PostgreSQL's way and has to be said to SQLite. */
import { asc, desc, type SQL, sql } from 'drizzle-orm';
import type { SearchQuery } from '../core/search.ts';
import type { Database } from './database.ts';
import { activeText } from './search-users.ts';

type Sort = NonNullable<SearchQuery['sort']>;
type Column = Database['tables']['user']['id'];

export function createOrder({ tables: { user, held, group, searchValue } }: Pick<Database, 'tables'>) {
  const USERS: Record<string, () => SQL | Column> = {
    id: () => user.id,
    username: () => user.userNameKey as unknown as Column,
    active: () => activeText({ user, held }),
    'meta.created': () => user.createdAt as unknown as Column,
    'meta.lastmodified': () => user.updatedAt as unknown as Column,
  };
  const GROUPS: Record<string, () => Column> = {
    displayname: () => group.displayNameKey as unknown as Column,
    'meta.created': () => group.createdAt as unknown as Column,
    'meta.lastmodified': () => group.updatedAt as unknown as Column,
  };

  /** The preferred element's value, else the first one's. */
  function value(tenantId: string, attribute: string): SQL {
    const here = sql`v.tenant_id = ${tenantId} and v.user_id = ${user.id} and v.attribute = ${attribute}`;
    const first = sql`(select v.value from ${searchValue} v where ${here} order by v.element limit 1)`;
    // A dot behind the schema's URN parts list and sub-attribute.
    const list = /^(.*)\.[^.:]*$/.exec(attribute)?.[1];
    if (list === undefined) return first;
    const preferred = sql`p.tenant_id = v.tenant_id and p.user_id = v.user_id and p.attribute = ${`${list}.primary`} and p.element = v.element and p.value = 'true'`;
    return sql`coalesce((select v.value from ${searchValue} v join ${searchValue} p on ${preferred} where ${here} order by v.element limit 1), ${first})`;
  }

  return {
    users(tenantId: string, { attribute, descending }: Sort): SQL {
      if (Object.hasOwn(USERS, attribute)) return directed(USERS[attribute]!(), descending);
      return missingApart(attribute === 'externalid' ? sql`${user.externalId}` : value(tenantId, attribute), descending);
    },
    /** By what a group has no column of, in order of id. */
    groups({ attribute, descending }: Sort): SQL {
      if (attribute === 'externalid') return missingApart(sql`${group.externalId}`, descending);
      return directed(Object.hasOwn(GROUPS, attribute) ? GROUPS[attribute]!() : (group.id as unknown as Column), descending);
    },
  };
}

/** Of what is never missing: said plainly, so that an index may serve. */
const directed = (value: SQL | Column, descending: boolean): SQL => (descending ? desc(value) : asc(value));

const missingApart = (value: SQL, descending: boolean): SQL => (descending ? sql`${value} desc nulls first` : sql`${value} asc nulls last`);
