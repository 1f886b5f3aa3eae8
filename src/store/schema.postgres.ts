import { pgColumns } from './columns.ts';
import { defineSchema } from './schema.ts';

/** For drizzle-kit only, which reads tables from a module's exports. */
export const {
  tenant,
  mappingVersion,
  idpMetadata,
  publication,
  user,
  identity,
  grant,
  held,
  domain,
  searchValue,
  headcount,
  group,
  membership,
  journal,
  signIn,
  scimExchange,
  outbox,
  platformAccount,
  platformGiven,
  platform,
  apiKey,
  vault,
  kv,
} = defineSchema(pgColumns);
