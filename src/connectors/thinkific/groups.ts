/** groups: people are put into groups by the groups' names, over REST, and taken out by ids, over GraphQL only. */
import * as z from 'zod';
import { type Applied, type Resource, TerminalFailure, TransientFailure } from '../connector.ts';
import { fieldsIn, idSchema, nonsense, rejection } from './answers.ts';
import { accountGone, numeric } from './enrolments.ts';
import { type Graphql, gid } from './graphql.ts';
import type { Rest } from './rest.ts';

export type Outcome = Applied['outcome'];

export interface Groups {
  /** Every group of the site. */
  all(signal: AbortSignal): Promise<{ id: string; name: string }[]>;
  /** Ids of the groups that this account is in, `wanted` ones among them; where GraphQL is closed, no others. */
  of(account: { id: string; email: string | null }, wanted: readonly string[], signal: AbortSignal): Promise<string[]>;
  /** One outcome for each. */
  add(accountId: string, groups: readonly Resource[], signal: AbortSignal): Promise<Outcome[]>;
  remove(accountId: string, groups: readonly Resource[], signal: AbortSignal): Promise<Outcome[]>;
}

const groupSchema = z.object({ id: idSchema, name: z.string() });
/** Of plain and of global ids alike. */
const nodeSchema = z.object({ id: z.union([z.number(), z.string()]).transform((id) => String(id).replace(/^.*\//, '')) });
const userSchema = z.object({
  user: z
    .object({
      groups: z.object({ nodes: z.array(nodeSchema), pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() }) }),
    })
    .nullable(),
});
const removedSchema = z.object({ bulkRemoveUsersFromGroups: z.object({ userErrors: z.array(z.unknown()).nullish() }) });

const GROUPS_OF_USER = `query MatriculaGroupsOfUser($gid: ID!, $after: String) {
  user(gid: $gid) { groups(first: 100, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }
}`;
const REMOVE = `mutation MatriculaRemoveFromGroups($input: BulkRemoveUsersFromGroupsInput!) {
  bulkRemoveUsersFromGroups(input: $input) { message userErrors { message } }
}`;
const MOST_PAGES = 20;

export function createGroups(rest: Rest, graphql: Graphql | null): Groups {
  const all: Groups['all'] = (signal) => rest.list(groupSchema, { about: 'reading the groups', path: '/groups', signal });
  return {
    all,
    async of(account, wanted, signal) {
      if (wanted.length === 0) return [];
      try {
        if (graphql) return (await groupsByGraphql(graphql, account.id, signal)) ?? lost();
      } catch (error) {
        if (!isClosed(error)) throw error;
      }
      return groupsByRest(rest, { account, wanted }, signal);
    },
    add: (accountId, groups, signal) => add(rest, { accountId, groups, all }, signal),
    async remove(accountId, groups, signal) {
      try {
        return graphql ? await remove(graphql, { accountId, groups }, signal) : groups.map(() => byHand('there is no access token'));
      } catch (error) {
        if (!isClosed(error)) throw error;
        return groups.map(() => byHand('the access token is not taken, or may not do this'));
      }
    },
  };
}

const lost = (): never => {
  throw nonsense("reading the account's groups", 'GraphQL does not know an account that REST knows');
};

/** Null = GraphQL has no such account. */
export async function groupsByGraphql(graphql: Graphql, accountId: string, signal: AbortSignal): Promise<string[] | null> {
  const about = "reading the account's groups";
  const ids: string[] = [];
  let after: string | null = null;
  for (let page = 1; page <= MOST_PAGES; page++) {
    const variables: Record<string, unknown> = { gid: gid('User', accountId), after };
    const { user }: z.infer<typeof userSchema> = await graphql.ask(userSchema, {
      about,
      name: 'MatriculaGroupsOfUser',
      query: GROUPS_OF_USER,
      variables,
      signal,
    });
    if (!user) return null;
    ids.push(...user.groups.nodes.map(({ id }) => id));
    const { hasNextPage, endCursor = null } = user.groups.pageInfo;
    if (!hasNextPage) return ids;
    if (endCursor === null || endCursor === after) break;
    after = endCursor;
  }
  throw nonsense(about, 'the list has no end');
}

/** Only a question for each group can be asked. */
async function groupsByRest(
  rest: Rest,
  { account, wanted }: { account: { id: string; email: string | null }; wanted: readonly string[] },
  signal: AbortSignal,
): Promise<string[]> {
  const isIn = async (group: string): Promise<boolean> => {
    const query = { 'query[email]': account.email ?? '', 'query[group_id]': group };
    const members = await rest.list(z.object({ id: idSchema }), { about: 'looking who is in a group', path: '/users', query, signal });
    return members.some(({ id }) => id === account.id);
  };
  const answers = await Promise.all(wanted.map(isIn));
  return wanted.filter((_group, at) => answers[at]);
}

interface Adding {
  accountId: string;
  groups: readonly Resource[];
  all: Groups['all'];
}

async function add(rest: Rest, { accountId, groups, all }: Adding, signal: AbortSignal): Promise<Outcome[]> {
  const about = 'adding to groups';
  const join = async (names: string[]): Promise<'done' | TerminalFailure | TransientFailure> => {
    const body = { user_id: numeric(accountId), group_names: names };
    const { status, json } = await rest.call({ about, method: 'POST', path: '/group_users', body, signal, expect: [201, 422] });
    if (status === 201) return 'done';
    return fieldsIn(json).some((field) => /^user(_id)?$/.test(field)) ? accountGone(about) : rejection(json, about);
  };
  const first = await join(groups.map(({ name }) => name));
  if (first === 'done' || first instanceof TransientFailure) return groups.map(() => first);
  // A name that is not known there: the group was renamed, or is gone. Ids stay.
  const names = new Map((await all(signal)).map(({ id, name }) => [id, name]));
  const present = groups.filter(({ id }) => names.has(id));
  if (present.length === groups.length && groups.every(({ id, name }) => names.get(id) === name)) return groups.map(() => first);
  const second = present.length > 0 ? await join(present.map(({ id }) => names.get(id)!)) : first;
  return groups.map((group) =>
    present.includes(group)
      ? second
      : new TerminalFailure(
          'not-found',
          `${about}: the site has no group ${group.id} any more; refresh the platform's catalogue, or correct the tenant's`,
        ),
  );
}

interface Removing {
  accountId: string;
  groups: readonly Resource[];
}

async function remove(graphql: Graphql, { accountId, groups }: Removing, signal: AbortSignal): Promise<Outcome[]> {
  const about = 'taking out of groups';
  const leave = async (ids: string[]): Promise<boolean> => {
    const variables = { input: { userIds: [gid('User', accountId)], groupIds: ids.map((id) => gid('Group', id)) } };
    const { bulkRemoveUsersFromGroups } = await graphql.ask(removedSchema, {
      about,
      name: 'MatriculaRemoveFromGroups',
      query: REMOVE,
      variables,
      signal,
    });
    return (bulkRemoveUsersFromGroups.userErrors ?? []).length === 0;
  };
  const ids = groups.map(({ id }) => id);
  if (await leave(ids)) return groups.map(() => 'done');
  // All or nothing: where one group is gone, the others are still to be left. The account itself may be gone.
  const held = (await groupsByGraphql(graphql, accountId, signal)) ?? [];
  const still = ids.filter((id) => held.includes(id));
  const failed = still.length > 0 && (still.length === ids.length || !(await leave(still)));
  const refusal = new TerminalFailure('validation', `${about}: Thinkific does not do it, and does not say why`);
  return ids.map((id) => (failed && still.includes(id) ? refusal : 'done'));
}

const byHand = (why: string) => new TerminalFailure('unsupported', `nobody can be taken out of a group: ${why}; somebody has to do it at Thinkific`);

/** GraphQL is not open to us; REST may be. */
const isClosed = (error: unknown): boolean => error instanceof TerminalFailure && (error.code === 'auth' || error.code === 'plan');
