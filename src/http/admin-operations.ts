/** The table of the administrators' API: each operation's path, parameters, answer and description. Router and OpenAPI document are made from it. */
import { z } from 'zod';
import type { Target, User, UserState } from '../core/model.ts';
import { Refusal } from '../core/refusal.ts';
import type { AdminReads, JournalLine, JournalQuery, SignInLine, SyncLogQuery } from './admin.ts';
import { MAPPING_OPERATIONS } from './mapping-operations.ts';
import { MODE_OPERATIONS } from './mode-operations.ts';
import { PLATFORM_OPERATIONS } from './platform-operations.ts';

export interface Asked {
  tenantId: string;
  /** `key:<prefix>` */
  actor: string;
  id: string;
  query: Record<string, unknown>;
  body: Record<string, unknown>;
}

export interface Operation {
  /** Below `/api/v1`, in OpenAPI's spelling. */
  path: string;
  method: 'get' | 'post';
  id: string;
  summary: string;
  query: z.ZodObject;
  /** What a POST carries. */
  body?: z.ZodObject;
  /** At most so long; without it, what an ordinary body may be. */
  bodyBytes?: number;
  /** It asks a learning platform, which may be away. */
  outside?: true;
  /** The answer's schema, as JSON Schema. */
  answer: z.ZodObject;
  run(admin: AdminReads, asked: Asked): Promise<object>;
}

const limit = z.coerce.number().int().min(1).max(200).default(50).describe('How many at the most.');
const reference = z.string().min(1).max(40).describe('The reference code that a page showed.');
const text = z.string();
const date = z.iso.datetime();
const detail = z.record(z.string(), z.unknown());

const user = z.object({
  id: text,
  userName: text,
  email: text,
  displayName: text,
  givenName: text,
  familyName: text,
  locale: text,
  timezone: text,
  title: text,
  externalId: text.nullable(),
  status: z.enum(['active', 'locked', 'suspended', 'deleted']),
  role: z.enum(['learner', 'instructor', 'admin']),
  fields: z.record(z.string(), text),
  createdAt: date,
});
const identity = z.object({ source: text, subject: text, createdAt: date });
const grant = z.object({ target: text, source: text, rule: text.nullable(), since: date });
const journalLine = z.object({
  id: text,
  at: date,
  actor: text,
  cause: text,
  resourceType: text,
  resourceId: text.nullable(),
  outcome: z.enum(['SUCCESS', 'SKIPPED', 'FAILED']),
  code: text.nullable(),
  reference: text.nullable(),
  mappingVersion: z.int().nullable(),
  detail,
});
const syncLine = z.object({
  id: text,
  at: date,
  action: z.enum(['CREATE', 'UPDATE', 'DELETE']).nullable(),
  resourceType: text,
  resourceId: text.nullable(),
  outcome: z.enum(['SUCCESS', 'SKIPPED', 'FAILED']),
  code: text.nullable(),
  reason: text.nullable().describe('Why it was refused, or what was left out.'),
  actor: text,
  reference: text.nullable(),
  detail,
});
const signInLine = z.object({
  id: text,
  at: date,
  connectionId: text.nullable(),
  userId: text.nullable(),
  outcome: z.enum(['SUCCESS', 'FAILED']),
  code: text.nullable(),
  check: text.nullable(),
  reference: text,
  detail,
});

// What leaves is picked by name: a column that is added later does not leave by itself.
function userOut({ id, userName, email, displayName, givenName, familyName, locale, timezone, title, ...rest }: User) {
  const { externalId, status, role, fields, createdAt } = rest;
  return { id, userName, email, displayName, givenName, familyName, locale, timezone, title, externalId, status, role, fields, createdAt };
}

const stateOut = ({ user: row, identities, grants }: UserState) => ({
  ...userOut(row),
  identities: identities.map(({ source, subject, createdAt }) => ({ source, subject, createdAt })),
  grants: grants.map(({ target, source, rule, since }) => ({ target, source, rule: rule === '' ? null : rule, since })),
});

const journalOut = (line: JournalLine) => {
  const { id, at, actor, cause, resourceType, resourceId, outcome, code, reference: shown, mappingVersion } = line;
  return { id, at, actor, cause, resourceType, resourceId, outcome, code, reference: shown, mappingVersion, detail: line.detail };
};

function syncOut(line: JournalLine) {
  const { id, at, action, resourceType, resourceId, outcome, code, actor, reference: shown } = line;
  const { reason, ignored } = line.detail;
  const why = typeof reason === 'string' ? reason : Array.isArray(ignored) ? ignored.join('; ') : null;
  return { id, at, action, resourceType, resourceId, outcome, code, reason: why, actor, reference: shown, detail: line.detail };
}

const signInOut = ({ id, at, connectionId, userId, outcome, code, check, reference: shown, detail: more }: SignInLine) => ({
  id,
  at,
  connectionId,
  userId,
  outcome,
  code,
  check,
  reference: shown,
  detail: more,
});

const READS: readonly Operation[] = [
  {
    path: '/tenants/{tenant}/users',
    method: 'get',
    id: 'listUsers',
    summary: 'The users of a tenant, in order of id',
    query: z.strictObject({
      limit,
      after: text.min(1).max(64).optional().describe('The `next` of the page before.'),
      search: text.min(1).max(254).optional().describe('Part of userName or e-mail, whatever its case.'),
    }),
    answer: z.object({ users: z.array(user), next: text.nullable().describe('Where the next page starts; null on the last.') }),
    async run(admin, { tenantId, query }) {
      const { limit: most, after = null, search } = query as { limit: number; after?: string; search?: string };
      const { users, next } = await admin.users(tenantId, { after, limit: most, ...(search !== undefined && { search }) });
      return { users: users.map(userOut), next };
    },
  },
  {
    path: '/tenants/{tenant}/users/{id}',
    method: 'get',
    id: 'getUser',
    summary: 'One user with identities and grants',
    query: z.strictObject({}),
    answer: user.extend({ identities: z.array(identity), grants: z.array(grant) }),
    async run(admin, { tenantId, id }) {
      const state = /^[\w-]{1,64}$/.test(id) ? await admin.user(tenantId, id) : null;
      if (!state) throw new Refusal('not-found', 'api/user');
      return stateOut(state);
    },
  },
  {
    path: '/tenants/{tenant}/users/{id}/explain',
    method: 'get',
    id: 'explainUser',
    summary: 'Why somebody has an enrolment, and why not',
    query: z.strictObject({
      target: z
        .string()
        .regex(/^(bundle|collection|group):\S{1,200}$/)
        .optional()
        .describe('Without one, every target that a grant or a rule names.'),
    }),
    answer: z.looseObject({}),
    async run(admin, { tenantId, id, query }) {
      if (!/^[\w-]{1,64}$/.test(id)) throw new Refusal('not-found', 'api/user');
      return admin.explain(tenantId, id, query['target'] as Target | undefined);
    },
  },
  {
    path: '/tenants/{tenant}/journal',
    method: 'get',
    id: 'listJournal',
    summary: 'What was changed, skipped and refused, newest first',
    query: z.strictObject({
      limit,
      before: text.min(1).max(64).optional().describe('The `next` of the page before.'),
      resourceId: text.min(1).max(64).optional(),
      outcome: z.enum(['SUCCESS', 'SKIPPED', 'FAILED']).optional(),
      reference: reference.optional(),
      since: date.optional(),
    }),
    answer: z.object({ entries: z.array(journalLine), next: text.nullable().describe('Where the next page starts; null on the last.') }),
    async run(admin, { tenantId, query }) {
      const { since, ...filter } = query as unknown as Omit<JournalQuery, 'since'> & { since?: string };
      const lines = await admin.journal(tenantId, { ...filter, ...(since !== undefined && { since: new Date(since) }) });
      return { entries: lines.map(journalOut), next: lines.length === filter.limit ? (lines.at(-1)?.id ?? null) : null };
    },
  },
  {
    path: '/tenants/{tenant}/sync-log',
    method: 'get',
    id: 'listSyncLog',
    summary: 'What the directory did, newest first',
    query: z.strictObject({
      limit,
      before: text.min(1).max(64).optional().describe('The `next` of the page before.'),
      action: z.enum(['CREATE', 'UPDATE', 'DELETE']).optional(),
      outcome: z.enum(['SUCCESS', 'SKIPPED', 'FAILED']).optional(),
      resourceType: z.enum(['User', 'Group']).optional(),
      resourceId: text.min(1).max(64).optional(),
      reference: reference.optional(),
      since: date.optional(),
      until: date.optional(),
    }),
    answer: z.object({ entries: z.array(syncLine), next: text.nullable().describe('Where the next page starts; null on the last.') }),
    async run(admin, { tenantId, query }) {
      const { since, until, ...filter } = query as unknown as Omit<SyncLogQuery, 'since' | 'until'> & { since?: string; until?: string };
      const span = { ...(since !== undefined && { since: new Date(since) }), ...(until !== undefined && { until: new Date(until) }) };
      const lines = await admin.syncLog(tenantId, { ...filter, ...span });
      return { entries: lines.map(syncOut), next: lines.length === filter.limit ? (lines.at(-1)?.id ?? null) : null };
    },
  },
  {
    path: '/tenants/{tenant}/sign-ins',
    method: 'get',
    id: 'listSignIns',
    summary: 'Attempts to sign in, newest first',
    query: z.strictObject({ limit, userId: text.min(1).max(64).optional(), reference: reference.optional() }),
    answer: z.object({ signIns: z.array(signInLine) }),
    async run(admin, { tenantId, query }) {
      const lines = await admin.signIns(tenantId, query as { limit: number });
      return { signIns: lines.map(signInOut) };
    },
  },
];

export const OPERATIONS: readonly Operation[] = [...READS, ...MODE_OPERATIONS, ...MAPPING_OPERATIONS, ...PLATFORM_OPERATIONS];

const problem = z.object({ type: text, title: text, status: z.int(), detail: text.optional(), code: text, reference: text });
const schemaOf = (schema: z.ZodType, io: 'input' | 'output') => {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
};

/** The OpenAPI 3.1 document. */
export function openApi(baseUrl: string): object {
  const failure = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  });
  const describe = ({ path, method, id, summary, query, body, answer, outside }: Operation) => ({
    [method]: {
      operationId: id,
      summary,
      parameters: [
        ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
        ...Object.entries(query.shape).map(([name, schema]) => ({
          name,
          in: 'query',
          required: false,
          schema: schemaOf(schema as z.ZodType, 'input'),
        })),
      ],
      ...(body && { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
      responses: {
        200: { description: summary, content: { 'application/json': { schema: schemaOf(answer, 'output') } } },
        400: failure('A parameter is not valid'),
        401: failure('No valid bearer key'),
        404: failure('Not there, or not for this key'),
        ...(method === 'post' && { 409: failure('Not from this state; detail says why') }),
        ...(outside && { 502: failure('The platform does not answer as it should; detail says how') }),
        503: failure(`A store does not answer; try again${outside ? '. Or the platform cannot be used as it is set up; detail says why' : ''}`),
      },
    },
  });
  return {
    openapi: '3.1.0',
    info: {
      title: 'Matricula',
      version: '1',
      description:
        'What an administrator reads of a tenant and does with its mapping and learning platforms, and how an operator changes its mode. Keys come from `matricula key create`.',
    },
    servers: [{ url: `${baseUrl.replace(/\/$/, '')}/api/v1` }],
    security: [{ key: [] }],
    paths: pathsOf(describe),
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } }, schemas: { Problem: schemaOf(problem, 'output') } },
  };
}

/** Operations of one path stand together. */
function pathsOf(describe: (operation: Operation) => object): Record<string, object> {
  const paths = new Map<string, object>();
  for (const operation of OPERATIONS) paths.set(operation.path, { ...paths.get(operation.path), ...describe(operation) });
  return Object.fromEntries(paths);
}
