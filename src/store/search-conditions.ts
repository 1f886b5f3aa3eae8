/** From a filter (core/search) to SQL: parameters bound, the same meaning on both databases, and every condition either true or false, never NULL. */
import { asc, desc, type SQL, sql } from 'drizzle-orm';
import type { Comparison, SearchQuery, Where } from '../core/search.ts';
import type { Database } from './database.ts';

export interface Conditions {
  users(tenantId: string, where: Where): SQL;
  groups(tenantId: string, where: Where): SQL;
  userOrder(tenantId: string, sort: NonNullable<SearchQuery['sort']>): SQL;
  groupOrder(sort: NonNullable<SearchQuery['sort']>): SQL;
}

/** What one attribute is in SQL. */
interface Term {
  present: SQL;
  compare(op: Comparison, value: string): SQL;
}
type TermOf = (attribute: string) => Term;
type ElementOf = (attribute: string, where: Where) => SQL;

const TRUE = sql`1 = 1`;
const FALSE = sql`1 = 0`;

export function createConditions(db: Database): Conditions {
  const { tables } = db;
  const { user, group } = tables;
  const texts = createTexts(db.dialect);
  const users = createUserTerms(db, texts);
  const groups = createGroupTerms(db, texts);
  return {
    users: (tenantId, where) => compile(where, users.term(tenantId), users.element(tenantId)),
    groups: (tenantId, where) => compile(where, groups.term(tenantId), groups.element(tenantId)),
    userOrder: (tenantId, { attribute, descending }) => ordered(users.order(tenantId, attribute), descending),
    groupOrder: ({ attribute, descending }) =>
      ordered(
        attribute === 'displayname'
          ? group.displayNameKey
          : attribute === 'externalid'
            ? group.externalId
            : attribute === 'meta.created'
              ? group.createdAt
              : attribute === 'meta.lastmodified'
                ? group.updatedAt
                : group.id,
        descending,
      ),
  };
  /** Missing values last ascending, first descending: SQLite and PostgreSQL disagree, so it is said. */
  function ordered(value: SQL | Parameters<typeof asc>[0], descending: boolean): SQL {
    return descending ? sql`(${value} is null) desc, ${desc(value as typeof user.id)}` : sql`(${value} is null), ${asc(value as typeof user.id)}`;
  }
}

function compile(where: Where, term: TermOf, element: ElementOf): SQL {
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

interface Texts {
  /** The comparison of a column that is not NULL, but for `ne`. */
  compare(column: SQL, op: Exclude<Comparison, 'ne'>, value: string): SQL;
}

/** Without LIKE: its meaning of case differs, and `%` in a value is a character like any other. */
function createTexts(dialect: Database['dialect']): Texts {
  const ending = (column: SQL, length: number) => (dialect === 'sqlite' ? sql`substr(${column}, ${-length})` : sql`right(${column}, ${length})`);
  const position = (column: SQL, value: string) => (dialect === 'sqlite' ? sql`instr(${column}, ${value})` : sql`strpos(${column}, ${value})`);
  const points = (text: string) => [...text].length;
  return {
    compare(column, op, value) {
      switch (op) {
        case 'eq':
          return sql`${column} = ${value}`;
        case 'co':
          return value === '' ? TRUE : sql`${position(column, value)} > 0`;
        case 'sw':
          // The range is for the index, the rest for what is beyond the last character that there is.
          return value === ''
            ? TRUE
            : sql`(${column} >= ${value} and ${column} < ${after(value)} and substr(${column}, 1, ${points(value)}) = ${value})`;
        case 'ew':
          return value === '' ? TRUE : sql`${ending(column, points(value))} = ${value}`;
        case 'gt':
          return sql`${column} > ${value}`;
        case 'ge':
          return sql`${column} >= ${value}`;
        case 'lt':
          return sql`${column} < ${value}`;
        case 'le':
          return sql`${column} <= ${value}`;
      }
    },
  };
}

/** Greater than everything that begins with `text`, byte by byte. */
const after = (text: string): string => `${text}\u{10ffff}\u{10ffff}`;

/** A column that may be NULL where it says so. */
function columnTerm(texts: Texts, column: SQL, nullable: boolean): Term {
  const present = nullable ? sql`${column} is not null` : TRUE;
  return {
    present,
    compare(op, value) {
      if (op === 'ne') return nullable ? sql`(${column} is null or ${column} <> ${value})` : sql`${column} <> ${value}`;
      const compared = texts.compare(column, op, value);
      return nullable ? sql`(${column} is not null and ${compared})` : compared;
    },
  };
}

/** Dates are compared as dates: their text is none of the column's. */
function dateTerm(column: SQL, encode: (date: Date) => unknown): Term {
  const OPS: Record<string, SQL> = { eq: sql`=`, ne: sql`<>`, gt: sql`>`, ge: sql`>=`, lt: sql`<`, le: sql`<=` };
  return { present: TRUE, compare: (op, value) => (OPS[op] ? sql`${column} ${OPS[op]} ${encode(new Date(value))}` : FALSE) };
}

function createUserTerms(db: Database, texts: Texts) {
  const { user, searchValue, membership, group } = db.tables;
  const date = (value: Date) => user.createdAt.mapToDriverValue(value);

  /** `any`: one membership of the user's satisfies it. */
  const groupTerm = (tenantId: string, column: SQL): Term => {
    const any = (condition: SQL) =>
      sql`${user.id} in (select ${membership.userId} from ${membership} join ${group} on ${group.tenantId} = ${membership.tenantId} and ${group.id} = ${membership.groupId} where ${membership.tenantId} = ${tenantId} and ${condition})`;
    return {
      present: any(TRUE),
      compare: (op, value) => (op === 'ne' ? sql`(not ${any(TRUE)} or ${any(sql`${column} <> ${value}`)})` : any(texts.compare(column, op, value))),
    };
  };

  /** `any`: one of the user's values of this attribute satisfies it. */
  const valueTerm = (tenantId: string, attribute: string): Term => {
    const column = sql`${searchValue.value}`;
    const any = (condition: SQL) =>
      sql`${user.id} in (select ${searchValue.userId} from ${searchValue} where ${searchValue.tenantId} = ${tenantId} and ${searchValue.attribute} = ${attribute} and ${condition})`;
    return {
      present: any(TRUE),
      compare: (op, value) => (op === 'ne' ? sql`(not ${any(TRUE)} or ${any(sql`${column} <> ${value}`)})` : any(texts.compare(column, op, value))),
    };
  };

  const columns: Record<string, () => Term> = {
    id: () => columnTerm(texts, sql`${user.id}`, false),
    username: () => columnTerm(texts, sql`${user.userNameKey}`, false),
    externalid: () => columnTerm(texts, sql`${user.externalId}`, true),
    active: () => columnTerm(texts, sql`(case when ${user.status} = 'active' then 'true' else 'false' end)`, false),
    'meta.created': () => dateTerm(sql`${user.createdAt}`, date),
    'meta.lastmodified': () => dateTerm(sql`${user.updatedAt}`, date),
  };
  const term =
    (tenantId: string): TermOf =>
    (attribute) => {
      if (Object.hasOwn(columns, attribute)) return columns[attribute]!();
      if (attribute === 'groups.value') return groupTerm(tenantId, sql`${group.id}`);
      if (attribute === 'groups.display') return groupTerm(tenantId, sql`${group.displayNameKey}`);
      return valueTerm(tenantId, attribute);
    };

  /** Inside one element of a list: its values are the rows with its number. */
  const element =
    (tenantId: string): ElementOf =>
    (list, where) => {
      if (list === 'groups') return groupElement(tenantId, where);
      // Every element has at least one row; which of them carries it does not matter, so all of the list's are looked at.
      const inElement: TermOf = (attribute) => {
        const any = (condition: SQL) =>
          sql`exists (select 1 from ${searchValue} v where v.tenant_id = e.tenant_id and v.user_id = e.user_id and v.element = e.element and v.attribute = ${attribute} and ${condition})`;
        const column = sql`v.value`;
        return {
          present: any(TRUE),
          compare: (op, value) =>
            op === 'ne' ? sql`(not ${any(TRUE)} or ${any(sql`${column} <> ${value}`)})` : any(texts.compare(column, op, value)),
        };
      };
      const inner = compile(where, inElement, () => FALSE);
      return sql`${user.id} in (select e.user_id from ${searchValue} e where e.tenant_id = ${tenantId} and ${startOf(where, list)} and ${inner})`;
    };

  /** From which rows to start: where the condition needs one value of the element, from those that have it; else from all of the list. */
  function startOf(where: Where, list: string): SQL {
    const parts = where.kind === 'all' ? where.of : [where];
    const needed = parts.find(
      (part) => part.kind === 'compare' && part.op === 'eq' && !part.attribute.endsWith('.type') && !part.attribute.endsWith('.primary'),
    );
    if (needed?.kind === 'compare') return sql`e.attribute = ${needed.attribute} and e.value = ${needed.value}`;
    return sql`e.attribute >= ${`${list}.`} and e.attribute < ${`${list}/`}`;
  }

  function groupElement(tenantId: string, where: Where): SQL {
    const inGroup: TermOf = (attribute) =>
      attribute === 'groups.display' ? columnTerm(texts, sql`${group.displayNameKey}`, false) : columnTerm(texts, sql`${group.id}`, false);
    const inner = compile(where, inGroup, () => FALSE);
    return sql`${user.id} in (select ${membership.userId} from ${membership} join ${group} on ${group.tenantId} = ${membership.tenantId} and ${group.id} = ${membership.groupId} where ${membership.tenantId} = ${tenantId} and ${inner})`;
  }

  const order = (tenantId: string, attribute: string): SQL => {
    if (attribute === 'username') return sql`${user.userNameKey}`;
    if (attribute === 'externalid') return sql`${user.externalId}`;
    if (attribute === 'meta.created') return sql`${user.createdAt}`;
    if (attribute === 'meta.lastmodified') return sql`${user.updatedAt}`;
    if (attribute === 'id') return sql`${user.id}`;
    if (attribute === 'active') return sql`(case when ${user.status} = 'active' then 'true' else 'false' end)`;
    const primary = `${attribute.slice(0, attribute.lastIndexOf('.') + 1)}primary`;
    // The preferred element's value, else the first one's.
    return sql`(select v.value from ${searchValue} v where v.tenant_id = ${tenantId} and v.user_id = ${user.id} and v.attribute = ${attribute} order by (select count(*) from ${searchValue} p where p.tenant_id = v.tenant_id and p.user_id = v.user_id and p.element = v.element and p.attribute = ${primary} and p.value = 'true') desc, v.element limit 1)`;
  };
  return { term, element, order };
}

function createGroupTerms(db: Database, texts: Texts) {
  const { group, membership } = db.tables;
  const date = (value: Date) => group.createdAt.mapToDriverValue(value);
  const userId = sql`${membership.userId}`;
  /** One member satisfies it. */
  const any = (tenantId: string, condition: SQL) =>
    sql`exists (select 1 from ${membership} where ${membership.tenantId} = ${tenantId} and ${membership.groupId} = ${group.id} and ${condition})`;
  const members = (tenantId: string): Term => ({
    present: any(tenantId, TRUE),
    compare: (op, value) =>
      op === 'ne'
        ? sql`(not ${any(tenantId, TRUE)} or ${any(tenantId, sql`${userId} <> ${value}`)})`
        : any(tenantId, texts.compare(userId, op, value)),
  });
  const columns: Record<string, () => Term> = {
    displayname: () => columnTerm(texts, sql`${group.displayNameKey}`, false),
    externalid: () => columnTerm(texts, sql`${group.externalId}`, true),
    'meta.created': () => dateTerm(sql`${group.createdAt}`, date),
    'meta.lastmodified': () => dateTerm(sql`${group.updatedAt}`, date),
    id: () => columnTerm(texts, sql`${group.id}`, false),
  };
  const term =
    (tenantId: string): TermOf =>
    (attribute) => {
      if (attribute === 'members.value') return members(tenantId);
      if (!Object.hasOwn(columns, attribute)) throw new Error(`no column for ${attribute} of a group`);
      return columns[attribute]!();
    };
  /** `members` is the only list of a group, and its elements have one value to look at. */
  const element =
    (tenantId: string): ElementOf =>
    (_, where) =>
      any(
        tenantId,
        compile(
          where,
          () => columnTerm(texts, userId, false),
          () => FALSE,
        ),
      );
  return { term, element };
}
