import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from '@jest/globals';
import { LIMITS, resourceTypes, schemas, serviceProviderConfig } from '../../../src/protocols/scim/discovery.ts';
import { ENTERPRISE, findAttribute, GROUP, GROUP_RESOURCE, USER, userResource } from '../../../src/protocols/scim/schema.ts';

type Json = Record<string, unknown>;
interface Listed {
  totalResults: number;
  Resources: (Json & { id: string; attributes: Characteristics[]; meta: Json })[];
}
interface Characteristics extends Json {
  name: string;
  type: string;
  subAttributes?: Characteristics[];
}

const CUSTOM = 'urn:acme:2.0:User';
const base = 'https://x.example/v2';
const users = userResource({ [`${CUSTOM}:shift`]: 'shift', [`${CUSTOM.toUpperCase()}:desk`]: 'desk', [`${ENTERPRISE}:division`]: 'team' });
const all = schemas(base, users) as Listed;
const types = resourceTypes(base, users) as Listed;

describe('the configuration', () => {
  it('says what there is, and its limits', () => {
    expect(serviceProviderConfig(base)).toMatchObject({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
      patch: { supported: true },
      bulk: { supported: true, maxOperations: 1000, maxPayloadSize: 1_048_576 },
      filter: { supported: true, maxResults: 200 },
      changePassword: { supported: false },
      sort: { supported: true },
      etag: { supported: true },
      pagination: { cursor: true, index: true, defaultPaginationMethod: 'index', defaultPageSize: 100, maxPageSize: 200, cursorTimeout: 3600 },
      authenticationSchemes: [{ type: 'oauthbearertoken', primary: true }],
      meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
    });
  });

  it('and docs/scim.md says the same', () => {
    const limits = /^Limits: .*$/m.exec(readFileSync('docs/scim.md', 'utf8'))?.[0] ?? '';
    const { extensions, extensionAttributes, filterResults, defaultPage, filterDepth } = LIMITS;
    for (const said of [
      `filter ${LIMITS.filterLength.toLocaleString('en')} characters and ${filterDepth} levels`,
      `${LIMITS.patchOperations.toLocaleString('en')} PATCH operations`,
      `${filterResults} results a page (${defaultPage} unless asked)`,
      `${extensionAttributes} attributes`,
      `${extensions} such extensions`,
    ])
      expect(limits).toContain(said);
  });
});

describe('the schemas', () => {
  it('are those of the tenant, each at its address', () => {
    expect(all.Resources.map(({ id }) => id)).toEqual([USER, ENTERPRISE, CUSTOM, GROUP]);
    expect(all.totalResults).toBe(4);
    for (const { id, meta } of all.Resources) expect(meta).toEqual({ resourceType: 'Schema', location: `${base}/Schemas/${id}` });
  });

  it('are found by their URN, in any case', () => {
    for (const one of all.Resources) expect(schemas(base, users, one.id.toUpperCase())).toEqual(one);
    expect(schemas(base, users, 'urn:x:y:z')).toBeNull();
    expect(schemas(base, users, '')).toBeNull();
  });

  it('tell the custom attributes under one URN, and none of another’s', () => {
    expect(all.Resources[2]!.attributes.map(({ name }) => name)).toEqual(['shift', 'desk']);
    expect((schemas(base, userResource({})) as Listed).Resources.map(({ id }) => id)).toEqual([USER, ENTERPRISE, GROUP]);
    expect(all.Resources[1]!.attributes.map(({ name }) => name)).toEqual([
      'employeeNumber',
      'costCenter',
      'organization',
      'division',
      'department',
      'manager',
    ]);
  });

  /** RFC 7643 §7. */
  const CHARACTERISTICS = ['caseExact', 'description', 'multiValued', 'mutability', 'name', 'required', 'returned', 'type', 'uniqueness'];
  const OPTIONAL = ['canonicalValues', 'referenceTypes', 'subAttributes'];

  test.each(all.Resources.map(({ id, attributes }) => [id, attributes] as const))(
    '%s: every attribute with all that it is, and nothing besides',
    (urn, attributes) => {
      const resource = urn === GROUP ? GROUP_RESOURCE : users;
      const check = (one: Characteristics, path: string): void => {
        const keys = Object.keys(one);
        expect(keys.filter((key) => !OPTIONAL.includes(key)).sort()).toEqual(CHARACTERISTICS);
        expect(one.subAttributes !== undefined).toBe(one.type === 'complex');
        expect(keys.includes('referenceTypes')).toBe(one.type === 'reference');
        expect(findAttribute(resource, `${urn}:${path}`)).not.toBeNull();
        for (const sub of one.subAttributes ?? []) check(sub, `${path}.${sub.name}`);
      };
      for (const one of attributes) check(one, one.name);
      expect(new Set(attributes.map(({ name }) => name.toLowerCase())).size).toBe(attributes.length);
    },
  );

  it('promise what is held to', () => {
    const user = Object.fromEntries(all.Resources[0]!.attributes.map((one) => [one.name, one]));
    expect(user['userName']).toMatchObject({ required: true, uniqueness: 'server', caseExact: false });
    expect(user['password']).toMatchObject({ mutability: 'writeOnly', returned: 'never' });
    expect(user['groups']).toMatchObject({ mutability: 'readOnly', multiValued: true });
    expect(user['emails']).toMatchObject({ type: 'complex', multiValued: true });
  });
});

describe('the types of resources', () => {
  it('are User with its extensions, and Group', () => {
    const extension = (schema: string) => ({ schema, required: false });
    expect(types.Resources).toMatchObject([
      { id: 'User', name: 'User', endpoint: '/Users', schema: USER, schemaExtensions: [extension(ENTERPRISE), extension(CUSTOM)] },
      { id: 'Group', name: 'Group', endpoint: '/Groups', schema: GROUP, schemaExtensions: [] },
    ]);
    for (const { id, meta } of types.Resources) expect(meta).toEqual({ resourceType: 'ResourceType', location: `${base}/ResourceTypes/${id}` });
  });

  it('are found by name; there is no other', () => {
    for (const one of types.Resources) expect(resourceTypes(base, users, one.id)).toEqual(one);
    expect(resourceTypes(base, users, 'Device')).toBeNull();
  });

  it('name schemas that are there', () => {
    for (const { schema, schemaExtensions } of types.Resources as unknown as { schema: string; schemaExtensions: { schema: string }[] }[])
      for (const urn of [schema, ...schemaExtensions.map((one) => one.schema)]) expect(schemas(base, users, urn)).toMatchObject({ id: urn });
  });
});
