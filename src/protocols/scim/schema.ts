/**
 * protocols/scim: SCIM 2.0 (RFC 7643, 7644, 9865) ↔ core. Owns the schemas, resources, filters, PATCH, Bulk's order, projection and discovery
 * documents. Pure: reads and answers plain JSON, stores nothing, knows no HTTP. Only flows imports it.
 *
 * This file: the attributes of a User and a Group as a table (RFC 7643 §4, §7, §8.7.1). Everything else is driven by it: types, case, what is
 * returned, what may be written, what can be searched, and the discovery documents, which therefore tell the truth.
 */

export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

export type AttributeType = 'string' | 'boolean' | 'dateTime' | 'reference' | 'binary' | 'complex';

export interface Attribute {
  name: string;
  type: AttributeType;
  multiValued: boolean;
  description: string;
  required: boolean;
  /** Whether case counts when values are compared. */
  caseExact: boolean;
  mutability: 'readOnly' | 'readWrite' | 'writeOnly' | 'immutable';
  returned: 'always' | 'default' | 'never' | 'request';
  uniqueness: 'none' | 'server';
  canonicalValues?: readonly string[];
  referenceTypes?: readonly string[];
  subAttributes?: readonly Attribute[];
  /** False: held, but no filter or sort looks at it (pictures, certificates, passwords). */
  searchable: boolean;
}

export interface Schema {
  id: string;
  name: string;
  description: string;
  attributes: readonly Attribute[];
}

/** What a resource is made of. `common` are `id`, `externalId`, `meta` and `schemas` (RFC 7643 §3.1), which no schema document lists. */
export interface ResourceSchema {
  type: 'User' | 'Group';
  common: readonly Attribute[];
  core: Schema;
  extensions: readonly Schema[];
}

type Spec = Partial<Omit<Attribute, 'name' | 'description'>>;

const attribute = (name: string, description: string, spec: Spec = {}): Attribute => ({
  name,
  type: 'string',
  multiValued: false,
  description,
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  searchable: true,
  ...spec,
});

/** The default set of sub-attributes of a multi-valued attribute (RFC 7643 §2.4). */
const plural = (value: string, { types, ...spec }: Spec & { types?: readonly string[] } = {}): readonly Attribute[] => [
  attribute('value', value, spec),
  attribute('display', 'A name for people to read.'),
  attribute('type', "The element's function.", types ? { canonicalValues: types } : {}),
  attribute('primary', 'Whether this is the preferred element; at most one is.', { type: 'boolean' }),
];

const list = (name: string, description: string, subAttributes: readonly Attribute[], spec: Spec = {}): Attribute =>
  attribute(name, description, { type: 'complex', multiValued: true, subAttributes, ...spec });

const COMMON: readonly Attribute[] = [
  attribute('schemas', 'The schemas that the resource has attributes of.', {
    multiValued: true,
    caseExact: true,
    required: true,
    returned: 'always',
  }),
  attribute('id', 'The identifier that this server gave.', { caseExact: true, mutability: 'readOnly', returned: 'always', uniqueness: 'server' }),
  attribute('externalId', "The client's own identifier.", { caseExact: true, uniqueness: 'server' }),
  attribute('meta', 'What the server knows of the resource.', {
    type: 'complex',
    mutability: 'readOnly',
    subAttributes: [
      attribute('resourceType', 'User or Group.', { caseExact: true, mutability: 'readOnly' }),
      attribute('created', 'When it was created.', { type: 'dateTime', mutability: 'readOnly' }),
      attribute('lastModified', 'When it was changed last.', { type: 'dateTime', mutability: 'readOnly' }),
      attribute('location', 'Its address.', {
        type: 'reference',
        referenceTypes: ['uri'],
        mutability: 'readOnly',
        caseExact: true,
        searchable: false,
      }),
      attribute('version', 'Its entity tag.', { mutability: 'readOnly', caseExact: true, searchable: false }),
    ],
  }),
];

const USER_SCHEMA: Schema = {
  id: USER,
  name: 'User',
  description: 'User Account',
  attributes: [
    attribute('userName', 'The name by which the user is known; unique in the tenant, whatever its case.', { required: true, uniqueness: 'server' }),
    attribute('name', "The parts of the user's name.", {
      type: 'complex',
      subAttributes: [
        attribute('formatted', 'The whole name.'),
        attribute('familyName', 'The family name.'),
        attribute('givenName', 'The given name.'),
        attribute('middleName', 'Further given names.'),
        attribute('honorificPrefix', 'A title before the name.'),
        attribute('honorificSuffix', 'A title behind the name.'),
      ],
    }),
    attribute('displayName', 'The name that others see.'),
    attribute('nickName', 'A casual name.'),
    attribute('profileUrl', "The address of the user's page.", { type: 'reference', referenceTypes: ['external'], caseExact: true }),
    attribute('title', "The user's title, such as Vice President."),
    attribute('userType', 'The relation to the organisation, such as Employee.'),
    attribute('preferredLanguage', 'The preferred written or spoken language, such as en-US.'),
    attribute('locale', 'How dates, numbers and currency are shown, such as en-US.'),
    attribute('timezone', 'The time zone, such as Europe/Vienna.'),
    attribute('active', 'Whether the user may sign in.', { type: 'boolean' }),
    attribute('password', 'Taken and thrown away: people sign in through their identity provider.', {
      mutability: 'writeOnly',
      returned: 'never',
      caseExact: true,
      searchable: false,
    }),
    list('emails', 'E-mail addresses.', plural('An e-mail address.', { types: ['work', 'home', 'other'] })),
    list('phoneNumbers', 'Telephone numbers.', plural('A telephone number.', { types: ['work', 'home', 'mobile', 'fax', 'pager', 'other'] })),
    list(
      'ims',
      'Instant messaging addresses.',
      plural('An instant messaging address.', { types: ['aim', 'gtalk', 'icq', 'xmpp', 'msn', 'skype', 'qq', 'yahoo'] }),
    ),
    list(
      'photos',
      'Addresses of pictures.',
      plural('The address of a picture.', {
        type: 'reference',
        referenceTypes: ['external'],
        caseExact: true,
        searchable: false,
        types: ['photo', 'thumbnail'],
      }),
    ),
    list('addresses', 'Postal addresses.', [
      attribute('formatted', 'The whole address.'),
      attribute('streetAddress', 'Street and number.'),
      attribute('locality', 'City or town.'),
      attribute('region', 'State or region.'),
      attribute('postalCode', 'Postal code.'),
      attribute('country', 'Country, ISO 3166-1 alpha-2.'),
      attribute('type', "The element's function.", { canonicalValues: ['work', 'home', 'other'] }),
      attribute('primary', 'Whether this is the preferred element; at most one is.', { type: 'boolean' }),
    ]),
    list(
      'groups',
      'The groups that the user is a member of. Changed through the groups.',
      [
        attribute('value', "The group's id.", { caseExact: true, mutability: 'readOnly' }),
        attribute('$ref', "The group's address.", {
          type: 'reference',
          referenceTypes: ['Group'],
          mutability: 'readOnly',
          caseExact: true,
          searchable: false,
        }),
        attribute('display', "The group's name.", { mutability: 'readOnly' }),
        attribute('type', 'Always direct.', { canonicalValues: ['direct'], mutability: 'readOnly' }),
      ],
      { mutability: 'readOnly' },
    ),
    list('entitlements', 'Things the user has a right to.', plural('An entitlement.')),
    list('roles', 'Roles in the organisation. They give no role here; the mapping does.', plural('A role.')),
    list('x509Certificates', 'Certificates.', plural('A DER certificate in base64.', { type: 'binary', caseExact: true, searchable: false })),
  ],
};

const ENTERPRISE_SCHEMA: Schema = {
  id: ENTERPRISE,
  name: 'EnterpriseUser',
  description: 'Enterprise User',
  attributes: [
    attribute('employeeNumber', 'The number that the organisation gave.'),
    attribute('costCenter', 'The cost centre.'),
    attribute('organization', 'The organisation.'),
    attribute('division', 'The division.'),
    attribute('department', 'The department.'),
    attribute('manager', "The user's manager.", {
      type: 'complex',
      subAttributes: [
        attribute('value', "The manager's id.", { caseExact: true }),
        attribute('$ref', "The manager's address.", { type: 'reference', referenceTypes: ['User'], caseExact: true, searchable: false }),
        attribute('displayName', "The manager's name.", { mutability: 'readOnly', searchable: false }),
      ],
    }),
  ],
};

const GROUP_SCHEMA: Schema = {
  id: GROUP,
  name: 'Group',
  description: 'Group',
  attributes: [
    attribute('displayName', "The group's name.", { required: true }),
    list('members', 'The members of the group.', [
      attribute('value', "The member's id.", { caseExact: true, mutability: 'immutable' }),
      attribute('$ref', "The member's address.", {
        type: 'reference',
        referenceTypes: ['User'],
        caseExact: true,
        mutability: 'immutable',
        searchable: false,
      }),
      attribute('display', "The member's name.", { mutability: 'readOnly', searchable: false }),
      attribute('type', 'Always User: groups in groups are left out.', { canonicalValues: ['User'], mutability: 'immutable', searchable: false }),
    ]),
  ],
};

export const GROUP_RESOURCE: ResourceSchema = { type: 'Group', common: COMMON, core: GROUP_SCHEMA, extensions: [] };

/** The User of a tenant: core, enterprise, and one schema per URN that its file maps to custom fields. */
export function userResource(fields: Readonly<Record<string, string>>): ResourceSchema {
  return { type: 'User', common: COMMON, core: USER_SCHEMA, extensions: [ENTERPRISE_SCHEMA, ...customSchemas(fields)] };
}

function customSchemas(fields: Readonly<Record<string, string>>): Schema[] {
  const byUrn = new Map<string, Attribute[]>();
  for (const path of Object.keys(fields)) {
    const { urn, name } = splitUrn(path);
    if (urn === null || sameUrn(urn, ENTERPRISE) || sameUrn(urn, USER)) continue;
    const known = [...byUrn.keys()].find((one) => sameUrn(one, urn)) ?? urn;
    byUrn.set(known, [...(byUrn.get(known) ?? []), attribute(name, `Custom field ${fields[path]}.`)]);
  }
  return [...byUrn].map(([id, attributes]) => ({
    id,
    name: id.split(':').at(-1) ?? id,
    description: 'Custom attributes of this organisation',
    attributes,
  }));
}

/** `urn:…:User:department` → its schema and the rest. Without a URN, null and all of it. The rest may have sub-attributes: the URN ends at the last colon. */
export function splitUrn(path: string): { urn: string | null; name: string } {
  const at = path.lastIndexOf(':');
  return /^urn:/i.test(path) && at > 4 ? { urn: path.slice(0, at), name: path.slice(at + 1) } : { urn: null, name: path };
}

/** URNs of schemas are compared without regard to case (RFC 7643 §2.1 says so of attribute names, clients do it with both). */
export const sameUrn = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export interface Found {
  attribute: Attribute;
  sub: Attribute | null;
  /** Null for core and common attributes. */
  extension: Schema | null;
  /** The name in core/search: lower case, `emails.value`, `urn:…:user:department`. A complex attribute without sub-attribute gets its own name. */
  searchName: string;
}

/**
 * The attribute that a dotted path names (`name.givenName`, `emails.value`, with or without schema URN), whatever its case; null where there is none.
 * Value filters are not part of it.
 */
export function findAttribute({ common, core, extensions }: ResourceSchema, path: string): Found | null {
  const { urn, name } = splitUrn(path);
  const extension = urn === null || sameUrn(urn, core.id) ? null : (extensions.find((one) => sameUrn(one.id, urn)) ?? undefined);
  if (extension === undefined) return null;
  const [first = '', second, ...more] = name.split('.');
  if (more.length > 0) return null;
  const attribute = named(extension ? extension.attributes : [...common, ...core.attributes], first);
  const sub = attribute && second !== undefined ? named(attribute.subAttributes ?? [], second) : null;
  if (!attribute || (second !== undefined && !sub)) return null;
  const prefix = extension ? `${extension.id.toLowerCase()}:` : '';
  return { attribute, sub, extension, searchName: `${prefix}${attribute.name.toLowerCase()}${sub ? `.${sub.name.toLowerCase()}` : ''}` };
}

export const named = (attributes: readonly Attribute[], name: string): Attribute | null =>
  attributes.find((one) => one.name.toLowerCase() === name.toLowerCase()) ?? null;
