/** discovery: what this server says of itself (RFC 7643 §5–7, RFC 7644 §4, RFC 9865 §3), made from the tables that it works by. */
import { listResponse } from './list-response.ts';
import { type Attribute, ENTERPRISE, GROUP_RESOURCE, type ResourceSchema, type Schema, sameUrn } from './schema.ts';

/** What is taken at most. `docs/scim.md` says the same. */
export const LIMITS = {
  bulkOperations: 1000,
  bulkBytes: 1_048_576,
  filterResults: 200,
  defaultPage: 100,
  patchOperations: 1000,
  /** Of a User: extensions that no schema here describes, and attributes in one that no table describes. */
  extensions: 20,
  extensionAttributes: 500,
  filterLength: 2048,
  filterDepth: 20,
  bodyBytes: 1_048_576,
  cursorSeconds: 3600,
} as const;

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:';

export function serviceProviderConfig(base: string): object {
  return {
    schemas: [`${CORE}ServiceProviderConfig`],
    patch: { supported: true },
    bulk: { supported: true, maxOperations: LIMITS.bulkOperations, maxPayloadSize: LIMITS.bulkBytes },
    filter: { supported: true, maxResults: LIMITS.filterResults },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    pagination: {
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: LIMITS.defaultPage,
      maxPageSize: LIMITS.filterResults,
      cursorTimeout: LIMITS.cursorSeconds,
    },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'A token that an operator made for this tenant, in the Authorization header',
        specUri: 'https://www.rfc-editor.org/info/rfc6750',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  };
}

/** All, or the one with this URN; null where there is none. */
export function schemas(base: string, users: ResourceSchema, id?: string): object | null {
  const all = [users.core, ...users.extensions, GROUP_RESOURCE.core];
  return listed(
    all.map((schema) => ({ id: schema.id, document: schemaDocument(base, schema) })),
    id,
  );
}

const schemaDocument = (base: string, { id, name, description, attributes }: Schema): object => ({
  schemas: [`${CORE}Schema`],
  id,
  name,
  description,
  attributes: attributes.map(attributeDocument),
  meta: { resourceType: 'Schema', location: `${base}/Schemas/${id}` },
});

/** Every characteristic but how we search. */
function attributeDocument({ searchable: _, subAttributes, ...characteristics }: Attribute): object {
  return subAttributes ? { ...characteristics, subAttributes: subAttributes.map(attributeDocument) } : characteristics;
}

/** All, or the one of this name; null where there is none. */
export function resourceTypes(base: string, users: ResourceSchema, name?: string): object | null {
  const all = [users, GROUP_RESOURCE].map((resource) => ({ id: resource.type, document: typeDocument(base, resource) }));
  return listed(all, name);
}

const typeDocument = (base: string, { type, core, extensions }: ResourceSchema): object => ({
  schemas: [`${CORE}ResourceType`],
  id: type,
  name: type,
  endpoint: `/${type}s`,
  description: type === 'User' ? 'User Account' : 'Group',
  schema: core.id,
  // Not required of anybody: a User without enterprise attributes is whole.
  schemaExtensions: extensions.map(({ id }) => ({ schema: sameUrn(id, ENTERPRISE) ? ENTERPRISE : id, required: false })),
  meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${type}` },
});

function listed(all: { id: string; document: object }[], id: string | undefined): object | null {
  if (id === undefined) return listResponse({ resources: all.map(({ document }) => document), total: all.length, startIndex: 1 });
  return all.find((one) => sameUrn(one.id, id))?.document ?? null;
}
