import type { CatalogueEntry, GivenState, ResourceKind } from '../core/entitlement.ts';
import type { Rule } from '../core/mapping.ts';
import type { Meanings } from '../core/meaning.ts';
import type { Phase } from '../core/mode.ts';
import type { Facts, GroupSource, HeldChange, Mode, Role, Source, Target, UserStatus } from '../core/model.ts';
import type { Columns } from './columns.ts';

/** How a thing that was tried came out. */
export type Outcome = 'SUCCESS' | 'SKIPPED' | 'FAILED';
/** What a directory's request asked to be done to a resource. */
export type Action = 'CREATE' | 'UPDATE' | 'DELETE';

/** 0: somebody who is signing in. 1: any other change. 2: to be looked after. 9: a dead letter. */
export type Place = 0 | 1 | 2 | 9;

/** Every table, once, for both dialects. Property names are those of the core's rows, so that a row is a row. */
export function defineSchema(c: Columns) {
  const users = userTables(c);
  return { ...tenantTables(c), ...users, ...groupTables(c, users.user), ...logTables(c), ...workTables(c) };
}
export type Schema = ReturnType<typeof defineSchema>;
export type TableName = keyof Schema;
export type Row<T extends TableName> = Schema[T]['$inferSelect'];

function tenantTables(c: Columns) {
  const tenant = c.table('tenant', {
    id: c.text('id').primaryKey(),
    mode: c.text('mode').$type<Mode>().notNull(),
    /** In `scim` only. */
    phase: c.text('phase').$type<Phase>(),
    modeSince: c.time('mode_since').notNull(),
    /** While adopting: the mode from which the hand-over began. */
    modeBefore: c.text('mode_before').$type<Mode>(),
    /** The licence's ceiling as an operator set it; null = what the tenant file says. */
    seats: c.int('seats'),
    /** The tenant file's YAML as last applied, and its SHA-256 in hex. */
    document: c.text('document').notNull(),
    digest: c.text('digest').notNull(),
    /** Where the document comes from: the tenant folder, or an edit through API or command. */
    origin: c.text('origin').$type<'file' | 'edit'>().notNull(),
    /** SHA-256 of the file that was taken in last, whatever is in force now. */
    fileDigest: c.text('file_digest').notNull(),
    /** While a publication goes on that would take away more than the limit: what anybody would lose is held. */
    brake: c.text('brake').$type<'limit'>(),
    /** Moves with every change of the row; gateways poll it. */
    revision: c.int('revision').notNull(),
    mappingVersion: c.int('mapping_version').notNull(),
    createdAt: c.time('created_at').notNull(),
    updatedAt: c.time('updated_at').notNull(),
  });

  const mappingVersion = c.table(
    'mapping_version',
    {
      tenantId: c.text('tenant_id').notNull(),
      version: c.int('version').notNull(),
      digest: c.text('digest').notNull(),
      document: c.json('document').$type<Rule[]>().notNull(),
      /** The tenant document that it was published with; '' for versions from before documents were kept. */
      text: c.text('text').notNull(),
      author: c.text('author').notNull(),
      comment: c.text('comment'),
      createdAt: c.time('created_at').notNull(),
    },
    (t) => [c.primaryKey({ columns: [t.tenantId, t.version] }), c.foreignKey({ columns: [t.tenantId], foreignColumns: [tenant.id] })],
  );

  /** The walk over everybody after a document was published, so that any node can go on with it. */
  const publication = c.table(
    'publication',
    {
      tenantId: c.text('tenant_id').notNull(),
      /** The tenant's revision that it made. */
      revision: c.int('revision').notNull(),
      mappingVersion: c.int('mapping_version').notNull(),
      actor: c.text('actor').notNull(),
      comment: c.text('comment'),
      /** Whether what is lost is held. */
      brake: c.text('brake').$type<'limit'>(),
      state: c.text('state').$type<'running' | 'done' | 'cancelled' | 'superseded'>().notNull(),
      /** The last user id that was done; '' before the first. */
      cursor: c.text('cursor').notNull(),
      people: c.int('people').notNull(),
      done: c.int('done').notNull(),
      changed: c.int('changed').notNull(),
      gaining: c.int('gaining').notNull(),
      losing: c.int('losing').notNull(),
      holding: c.int('holding').notNull(),
      claimedBy: c.text('claimed_by'),
      claimedUntil: c.time('claimed_until'),
      startedAt: c.time('started_at').notNull(),
      updatedAt: c.time('updated_at').notNull(),
    },
    (t) => [
      c.primaryKey({ columns: [t.tenantId, t.revision] }),
      c.foreignKey({ columns: [t.tenantId], foreignColumns: [tenant.id] }),
      c.index('publication_by_state').on(t.state, t.startedAt),
    ],
  );

  /** E-mail domains that a tenant proved by a DNS record. One tenant has a domain, whoever proves it first. */
  const domain = c.table(
    'tenant_domain',
    {
      tenantId: c.text('tenant_id').notNull(),
      domain: c.text('domain').notNull(),
      /** What the TXT record must say. */
      challenge: c.text('challenge').notNull(),
      /** The domain itself while it is verified: unique, so that one tenant has it. To ask for it takes nothing from anybody. */
      held: c.text('held'),
      verifiedAt: c.time('verified_at'),
      checkedAt: c.time('checked_at'),
      /** Why the last check failed; null where it did not. */
      failure: c.text('failure'),
      createdAt: c.time('created_at').notNull(),
    },
    (t) => [
      c.primaryKey({ columns: [t.tenantId, t.domain] }),
      c.foreignKey({ columns: [t.tenantId], foreignColumns: [tenant.id] }),
      c.uniqueIndex('tenant_domain_held').on(t.held),
    ],
  );

  /** The last good copy of metadata that is fetched from an address. */
  const idpMetadata = c.table(
    'idp_metadata',
    {
      tenantId: c.text('tenant_id').notNull(),
      connectionId: c.text('connection_id').notNull(),
      url: c.text('url').notNull(),
      xml: c.text('xml').notNull(),
      fetchedAt: c.time('fetched_at').notNull(),
      validUntil: c.time('valid_until'),
    },
    (t) => [c.primaryKey({ columns: [t.tenantId, t.connectionId] })],
  );
  return { tenant, mappingVersion, publication, domain, idpMetadata };
}

function userTables(c: Columns) {
  const user = c.table(
    'app_user', // "user" is a reserved word of PostgreSQL
    {
      tenantId: c.text('tenant_id').notNull(),
      id: c.text('id').notNull(),
      userName: c.text('user_name').notNull(),
      userNameKey: c.text('user_name_key').notNull(),
      email: c.text('email').notNull(),
      emailKey: c.text('email_key').notNull(),
      displayName: c.text('display_name').notNull(),
      givenName: c.text('given_name').notNull(),
      familyName: c.text('family_name').notNull(),
      locale: c.text('locale').notNull(),
      timezone: c.text('timezone').notNull(),
      title: c.text('title').notNull(),
      externalId: c.text('external_id'),
      status: c.text('status').$type<UserStatus>().notNull(),
      statusSince: c.time('status_since').notNull(),
      role: c.text('role').$type<Role>().notNull(),
      fields: c.json('fields').$type<Record<string, string>>().notNull(),
      barredAt: c.time('barred_at'),
      lapsedAt: c.time('lapsed_at'),
      restoreKey: c.text('restore_key'),
      version: c.int('version').notNull(),
      createdAt: c.time('created_at').notNull(),
      updatedAt: c.time('updated_at').notNull(),
    },
    (t) => [
      // The tenant is part of the key, so that no row below can name a user of another tenant.
      c.primaryKey({ columns: [t.tenantId, t.id] }),
      // A tombstone gives its names free: core/fold writes `deleted:<id>` as its key and no externalId.
      c.uniqueIndex('app_user_by_user_name').on(t.tenantId, t.userNameKey),
      c.uniqueIndex('app_user_by_external_id').on(t.tenantId, t.externalId),
      c.index('app_user_by_email').on(t.tenantId, t.emailKey),
      c.index('app_user_by_restore_key').on(t.tenantId, t.restoreKey),
      c.index('app_user_by_status').on(t.tenantId, t.status, t.statusSince, t.id),
    ],
  );

  const identity = c.table(
    'identity',
    {
      tenantId: c.text('tenant_id').notNull(),
      source: c.text('source').$type<Source>().notNull(),
      subject: c.text('subject').notNull(),
      userId: c.text('user_id').notNull(),
      facts: c.json('facts').$type<Facts>(),
      createdAt: c.time('created_at').notNull(),
    },
    (t) => [
      c.primaryKey({ columns: [t.tenantId, t.source, t.subject] }),
      c.foreignKey({ columns: [t.tenantId, t.userId], foreignColumns: [user.tenantId, user.id] }),
      c.index('identity_by_user').on(t.tenantId, t.userId),
    ],
  );

  const grant = c.table(
    'enrolment_grant',
    {
      tenantId: c.text('tenant_id').notNull(),
      userId: c.text('user_id').notNull(),
      target: c.text('target').$type<Target>().notNull(),
      source: c.text('source').$type<Source>().notNull(),
      rule: c.text('rule').notNull(),
      since: c.time('since').notNull(),
    },
    (t) => [
      c.primaryKey({ columns: [t.tenantId, t.userId, t.target, t.source, t.rule] }),
      c.foreignKey({ columns: [t.tenantId, t.userId], foreignColumns: [user.tenantId, user.id] }),
      c.index('enrolment_grant_by_target').on(t.tenantId, t.target, t.userId),
    ],
  );
  const held = c.table(
    'held_change',
    {
      tenantId: c.text('tenant_id').notNull(),
      userId: c.text('user_id').notNull(),
      what: c.text('what').$type<HeldChange['what']>().notNull(),
      target: c.text('target').$type<Target | ''>().notNull(),
      source: c.text('source').$type<Source | ''>().notNull(),
      rule: c.text('rule').notNull(),
      value: c.text('value').$type<HeldChange['value']>().notNull(),
      cause: c.text('cause').$type<HeldChange['cause']>().notNull(),
      since: c.time('since').notNull(),
    },
    (t) => [
      c.primaryKey({ columns: [t.tenantId, t.userId, t.what, t.target, t.source, t.rule] }),
      c.foreignKey({ columns: [t.tenantId, t.userId], foreignColumns: [user.tenantId, user.id] }),
    ],
  );

  /** By which values users are found, beside the columns above: written with them, read by search only (core/search). */
  const searchValue = c.table(
    'user_value',
    {
      tenantId: c.text('tenant_id').notNull(),
      userId: c.text('user_id').notNull(),
      attribute: c.text('attribute').notNull(),
      element: c.int('element').notNull(),
      value: c.text('value').notNull(),
    },
    (t) => [
      c.primaryKey({ columns: [t.tenantId, t.userId, t.attribute, t.element] }),
      c.index('user_value_by_value').on(t.tenantId, t.attribute, t.value, t.userId),
    ],
  );

  /** How many there are, kept by every plan that changes it: to count a million rows takes longer than to read a page of them. */
  const headcount = c.table('headcount', {
    tenantId: c.text('tenant_id').primaryKey(),
    /** All but the deleted. */
    users: c.int('users').notNull(),
    active: c.int('active').notNull(),
  });
  return { user, identity, grant, held, searchValue, headcount };
}

function groupTables(c: Columns, user: ReturnType<typeof userTables>['user']) {
  const group = c.table(
    'user_group', // "group" is a reserved word
    {
      tenantId: c.text('tenant_id').notNull(),
      id: c.text('id').notNull(),
      displayName: c.text('display_name').notNull(),
      displayNameKey: c.text('display_name_key').notNull(),
      externalId: c.text('external_id'),
      source: c.text('source').$type<GroupSource>().notNull(),
      version: c.int('version').notNull(),
      unsettledSince: c.time('unsettled_since'),
      createdAt: c.time('created_at').notNull(),
      updatedAt: c.time('updated_at').notNull(),
    },
    (t) => [
      c.primaryKey({ columns: [t.tenantId, t.id] }),
      c.index('user_group_by_name').on(t.tenantId, t.displayNameKey),
      c.uniqueIndex('user_group_by_external_id').on(t.tenantId, t.externalId),
      c.index('user_group_unsettled').on(t.unsettledSince),
    ],
  );

  const membership = c.table(
    'membership',
    {
      tenantId: c.text('tenant_id').notNull(),
      userId: c.text('user_id').notNull(),
      groupId: c.text('group_id').notNull(),
      source: c.text('source').$type<GroupSource>().notNull(),
      since: c.time('since').notNull(),
    },
    (t) => [
      c.primaryKey({ columns: [t.tenantId, t.userId, t.groupId, t.source] }),
      c.foreignKey({ columns: [t.tenantId, t.userId], foreignColumns: [user.tenantId, user.id] }),
      // A group that the directory deletes and that has members by hand goes on under a new id (store/groups).
      c.foreignKey({ columns: [t.tenantId, t.groupId], foreignColumns: [group.tenantId, group.id] }).onUpdate('cascade'),
      c.index('membership_by_group').on(t.tenantId, t.groupId, t.userId),
    ],
  );
  return { group, membership };
}

function logTables(c: Columns) {
  /** Append-only: nothing here updates or deletes a line. */
  const journal = c.table(
    'journal',
    {
      id: c.text('id').primaryKey(),
      tenantId: c.text('tenant_id').notNull(),
      at: c.time('at').notNull(),
      /** `connection:<id>`, `cli`, `key:<prefix>`, … */
      actor: c.text('actor').notNull(),
      /** The intent's kind, or another action's name. */
      cause: c.text('cause').notNull(),
      /** What a directory asked for; null on every other line. */
      action: c.text('action').$type<Action>(),
      resourceType: c.text('resource_type').notNull(),
      resourceId: c.text('resource_id'),
      outcome: c.text('outcome').$type<Outcome>().notNull(),
      /** A refusal's code or another reason. */
      code: c.text('code'),
      /** What the person was shown. */
      reference: c.text('reference'),
      mappingVersion: c.int('mapping_version'),
      detail: c.json('detail').$type<Record<string, unknown>>().notNull(),
    },
    (t) => [
      c.index('journal_by_time').on(t.tenantId, t.at, t.id),
      c.index('journal_by_resource').on(t.tenantId, t.resourceId, t.at, t.id),
      c.index('journal_by_reference').on(t.tenantId, t.reference, t.at, t.id),
      c.index('journal_by_cause').on(t.tenantId, t.cause, t.at, t.id),
    ],
  );

  const signIn = c.table(
    'signin',
    {
      id: c.text('id').primaryKey(),
      tenantId: c.text('tenant_id').notNull(),
      connectionId: c.text('connection_id'),
      userId: c.text('user_id'),
      at: c.time('at').notNull(),
      outcome: c.text('outcome').$type<'SUCCESS' | 'FAILED'>().notNull(),
      code: c.text('code'),
      check: c.text('check_name'),
      reference: c.text('reference').notNull(),
      detail: c.json('detail').$type<Record<string, unknown>>().notNull(),
    },
    (t) => [
      c.index('signin_by_time').on(t.tenantId, t.at, t.id),
      c.index('signin_by_user').on(t.tenantId, t.userId, t.at, t.id),
      c.index('signin_by_reference').on(t.tenantId, t.reference, t.at, t.id),
    ],
  );

  /** The last requests of each tenant's directory and what they were answered; old ones make room (flows/doctor). Secrets are gone before. */
  const scimExchange = c.table(
    'scim_exchange',
    {
      id: c.text('id').primaryKey(),
      tenantId: c.text('tenant_id').notNull(),
      at: c.time('at').notNull(),
      /** The token's first characters. */
      token: c.text('token').notNull(),
      method: c.text('method').notNull(),
      /** Path and query below the tenant's base. */
      path: c.text('path').notNull(),
      client: c.text('client').notNull(),
      dialect: c.text('dialect').notNull(),
      status: c.int('status').notNull(),
      ms: c.int('ms').notNull(),
      reference: c.text('reference').notNull(),
      request: c.json('request').$type<unknown>(),
      answer: c.json('answer').$type<unknown>(),
      /** Why this deserves a look: one sentence each. */
      warnings: c.json('warnings').$type<string[]>().notNull(),
    },
    (t) => [c.index('scim_exchange_by_time').on(t.tenantId, t.at, t.id)],
  );
  return { journal, signIn, scimExchange };
}

function workTables(c: Columns) {
  /**
   * Of whom a platform has to hear: one row per person and platform, written with the plans that it follows from, gone when delivered. It says nothing of
   * what is to be done: that is read when it is delivered.
   */
  const outbox = c.table(
    'outbox',
    {
      tenantId: c.text('tenant_id').notNull(),
      platform: c.text('platform').notNull(),
      userId: c.text('user_id').notNull(),
      /** New for each row: with `wanted`, what a change is known by over all attempts. */
      id: c.text('id').notNull(),
      /** Moves with every plan: what a delivery that is under way does not know of is delivered after it. */
      wanted: c.int('wanted').notNull(),
      /** Whose turn is sooner (store/outbox). */
      place: c.int('place').$type<Place>().notNull(),
      /** 1: the platform is asked what it has, whatever the ledger says. */
      look: c.int('look').notNull(),
      attempts: c.int('attempts').notNull(),
      dueAt: c.time('due_at').notNull(),
      claimedBy: c.text('claimed_by'),
      claimedUntil: c.time('claimed_until'),
      failedCode: c.text('failed_code'),
      failedReason: c.text('failed_reason'),
      createdAt: c.time('created_at').notNull(),
    },
    (t) => [
      c.primaryKey({ columns: [t.tenantId, t.platform, t.userId] }),
      c.index('outbox_by_turn').on(t.tenantId, t.platform, t.place, t.createdAt, t.userId),
      c.index('outbox_by_user').on(t.tenantId, t.userId),
    ],
  );

  /** Who a person is at a platform, and what was last told of them. */
  const platformAccount = c.table(
    'platform_account',
    {
      tenantId: c.text('tenant_id').notNull(),
      platform: c.text('platform').notNull(),
      userId: c.text('user_id').notNull(),
      /** The platform's own id; null = not known yet. */
      accountId: c.text('account_id'),
      /** Digest of the profile that the platform has. */
      profile: c.text('profile'),
      /** 1: an administrator's there. */
      privileged: c.int('privileged').notNull(),
      /** When the platform was last asked what it has. */
      lookedAt: c.time('looked_at'),
      createdAt: c.time('created_at').notNull(),
      updatedAt: c.time('updated_at').notNull(),
    },
    (t) => [
      c.primaryKey({ columns: [t.tenantId, t.platform, t.userId] }),
      // Two people are never one account.
      c.uniqueIndex('platform_account_by_account').on(t.tenantId, t.platform, t.accountId),
      c.index('platform_account_by_user').on(t.tenantId, t.userId),
    ],
  );

  /** The ledger: what we gave whom at a platform. What is not in it was not given by us. */
  const platformGiven = c.table(
    'platform_given',
    {
      tenantId: c.text('tenant_id').notNull(),
      platform: c.text('platform').notNull(),
      userId: c.text('user_id').notNull(),
      kind: c.text('kind').$type<ResourceKind>().notNull(),
      id: c.text('id').notNull(),
      name: c.text('name').notNull(),
      state: c.text('state').$type<GivenState>().notNull(),
      since: c.time('since').notNull(),
      /** What it was given for; null = that was not written down. */
      targets: c.json('targets').$type<Target[]>(),
    },
    (t) => [
      c.primaryKey({ columns: [t.tenantId, t.userId, t.platform, t.kind, t.id] }),
      c.index('platform_given_by_state').on(t.tenantId, t.state, t.platform, t.userId),
    ],
  );

  /** A platform of a tenant, as it was last seen. */
  const platform = c.table(
    'platform',
    {
      tenantId: c.text('tenant_id').notNull(),
      platform: c.text('platform').notNull(),
      /** Which place it is (kind, address): another place is not given the ledger of this one. */
      place: c.text('place').notNull(),
      entries: c.json('entries').$type<CatalogueEntry[]>(),
      entriesAt: c.time('entries_at'),
      /** What each of our targets was there when its holders were last told. */
      meanings: c.json('meanings').$type<Meanings>(),
      /** Of the tenant's document by which they were told. */
      revision: c.int('revision'),
      /** Everybody who was here before it: the last who was put into the outbox; null = all. */
      cursor: c.text('cursor'),
      /** Why nothing can be delivered, since when; null = nothing known. */
      haltedAt: c.time('halted_at'),
      haltedCode: c.text('halted_code'),
      haltedReason: c.text('halted_reason'),
      /** Since when it seems to be away; null = it answers, as far as is known. */
      awayAt: c.time('away_at'),
      /** When an operator last said that it be tried at once. */
      retriedAt: c.time('retried_at'),
      createdAt: c.time('created_at').notNull(),
      updatedAt: c.time('updated_at').notNull(),
    },
    (t) => [c.primaryKey({ columns: [t.tenantId, t.platform] })],
  );

  const apiKey = c.table(
    'api_key',
    {
      id: c.text('id').primaryKey(),
      /** `api`: of the administrators' API. `scim`: of a directory, always of one tenant. */
      kind: c.text('kind').$type<'api' | 'scim'>().notNull(),
      /** Null = every tenant. */
      tenantId: c.text('tenant_id'),
      name: c.text('name').notNull(),
      /** The first characters, by which people tell keys apart. */
      prefix: c.text('prefix').notNull(),
      /** Keyed hash; the key itself is nowhere. */
      hash: c.text('hash').notNull(),
      createdAt: c.time('created_at').notNull(),
      expiresAt: c.time('expires_at'),
      revokedAt: c.time('revoked_at'),
      lastUsedAt: c.time('last_used_at'),
    },
    (t) => [c.uniqueIndex('api_key_by_hash').on(t.hash)],
  );

  /** The gateway's own key pairs, one per tenant and purpose; the private half sealed by lib/secrets. */
  const vault = c.table(
    'vault',
    {
      tenantId: c.text('tenant_id').notNull(),
      purpose: c.text('purpose').notNull(),
      sealed: c.text('sealed').notNull(),
      public: c.text('public').notNull(),
      createdAt: c.time('created_at').notNull(),
    },
    (t) => [c.primaryKey({ columns: [t.tenantId, t.purpose] })],
  );

  const kv = c.table(
    'kv',
    {
      space: c.text('space').notNull(),
      key: c.text('key').notNull(),
      value: c.text('value').notNull(),
      expiresAt: c.time('expires_at').notNull(),
    },
    (t) => [c.primaryKey({ columns: [t.space, t.key] }), c.index('kv_by_expiry').on(t.expiresAt)],
  );
  return { outbox, platformAccount, platformGiven, platform, apiKey, vault, kv };
}
