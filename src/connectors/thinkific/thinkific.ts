/**
 * thinkific: Thinkific over its Admin REST API, and over GraphQL where an access token opens it (facts: learning-platforms.md §A1). This folder owns what is
 * particular to Thinkific: credentials, ids, shapes of answers and errors, enrolments that end instead of going. It keeps nothing and decides nothing
 * (connectors/connector.ts). How a signed-in learner enters is hand-off's. Calls for a new learner with a bundle and groups: a look-up, the account, the
 * bundle, the groups. flows/platforms makes it.
 */
import type { ThinkificPlatform } from '../../core/tenant.ts';
import type { Capabilities, Connector, ConnectorDeps } from '../connector.ts';
import { createApply } from './apply.ts';
import { readCatalogue } from './catalogue.ts';
import { check } from './check.ts';
import { createEnrolments } from './enrolments.ts';
import { createGraphql } from './graphql.ts';
import { createGroups } from './groups.ts';
import { createRead } from './held.ts';
import { type Credentials, createRest, credentialsOf, type Secrets } from './rest.ts';
import { createUsers } from './users.ts';

export function createThinkificConnector(platform: ThinkificPlatform, secrets: Secrets, deps: ConnectorDeps): Connector {
  const credentials = credentialsOf(secrets);
  const rest = createRest(platform, credentials, deps);
  const graphql = createGraphql(platform, credentials.token, deps);
  const users = createUsers({ rest, provider: platform.provider, changeEmail: credentials.key !== null });
  const enrolments = createEnrolments(rest, deps.now);
  const groups = createGroups(rest, graphql);
  return {
    platform: platform.id,
    kind: platform.kind,
    capabilities: capabilitiesOf(platform, credentials),
    check: (signal) => check({ platform, credentials, rest, graphql, now: deps.now }, signal),
    catalogue: (signal) => readCatalogue(rest, groups, signal),
    find: users.find,
    upsert: users.upsert,
    read: createRead({ users, enrolments, groups }),
    apply: createApply({ enrolments, groups }),
  };
}

const capabilitiesOf = ({ limits }: ThinkificPlatform, { key, token }: Credentials): Capabilities => ({
  everybody: false,
  users: { create: true, update: true, findByExternalId: true, findByEmail: true, changeEmail: key !== null, suspend: false },
  add: ['course', 'bundle', 'group'],
  remove: token !== null ? ['course', 'bundle', 'group'] : ['course', 'bundle'],
  targetsByName: false,
  expiry: true,
  readBack: true,
  catalogue: true,
  handOff: key !== null ? ['jwt'] : [],
  limits,
  retryPlan: null,
});
