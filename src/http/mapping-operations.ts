/** The part of the administrators' API about mappings: plan, publish, follow, compare, go back, explain. */
import { z } from 'zod';
import type { Target } from '../core/model.ts';
import { Refusal } from '../core/refusal.ts';
import type { Asked, Operation } from './admin-operations.ts';

const text = z.string();
const none = z.strictObject({});
const anything = z.looseObject({});
const limit = z.coerce.number().int().min(1).max(200).default(50).describe('How many at the most.');
const after = text
  .regex(/^[\w-]{1,64}$/)
  .optional()
  .describe('The `next` of the page before.');
const version = z.coerce.number().int().min(1).max(1_000_000_000);
const document = text.min(1).max(262_144).describe('A whole tenant file, YAML.');
const digest = text.min(16).max(64).describe('The `digest` of the plan that was shown.');
/** What a journal can hold. */
const comment = text
  .min(1)
  .max(500)
  .regex(/^[^\p{Cc}\p{Surrogate}]*$/u)
  .describe('Why; needed with `allowRemovals`.');
const rule = text.min(1).max(200).optional();
const target = text
  .regex(/^(bundle|collection|group):\S{1,200}$/)
  .optional()
  .describe('`bundle:<slug>`, `collection:<slug>` or `group:<slug>`.');

/** What a document takes, and what JSON makes of it. */
const DOCUMENT_BYTES = 1_048_576;

type Rest = Pick<Operation, 'id' | 'summary' | 'run'>;
const post = (path: string, body: z.ZodObject, rest: Rest): Operation => ({
  path: `/tenants/{tenant}/mapping${path}`,
  method: 'post',
  query: none,
  answer: anything,
  body,
  bodyBytes: DOCUMENT_BYTES,
  ...rest,
});
const get = (path: string, query: z.ZodObject, rest: Rest): Operation => ({
  path: `/tenants/{tenant}/mapping${path}`,
  method: 'get',
  query,
  answer: anything,
  ...rest,
});

const page = ({ query, body }: Asked) => {
  const {
    limit: most,
    after: from,
    ...rest
  } = { ...query, ...body } as { limit: number; after?: string; rule?: string; target?: Target; group?: string };
  return { limit: most, after: from ?? null, ...rest };
};

function numberOf(id: string): number {
  if (!/^[1-9]\d{0,8}$/.test(id)) throw new Refusal('not-found', 'mapping/number', 'versions and publications are numbers');
  return Number(id);
}

export const MAPPING_OPERATIONS: readonly Operation[] = [
  get('', none, {
    id: 'getMapping',
    summary: 'The document in force',
    run: ({ mapping }, { tenantId }) => mapping.document(tenantId),
  }),
  post('/plan', z.strictObject({ document }), {
    id: 'planMapping',
    summary: 'What a document would do to everybody known. Writes nothing',
    run: ({ mapping }, { tenantId, body }) => mapping.plan(tenantId, String(body['document'])),
  }),
  post('/plan/people', z.strictObject({ document, rule, target, limit: z.int().min(1).max(200).default(50), after }), {
    id: 'planMappingPeople',
    summary: 'The people of a plan, page by page',
    run({ mapping }, asked) {
      const { document: _, ...body } = asked.body;
      return mapping.people(asked.tenantId, String(asked.body['document']), page({ ...asked, body }));
    },
  }),
  post('/publish', z.strictObject({ document, digest, comment: comment.optional(), allowRemovals: z.boolean().default(false) }), {
    id: 'publishMapping',
    summary: 'Just what was planned comes into force; everybody is concluded in the background',
    run: ({ mapping }, { tenantId, actor, body }) =>
      mapping.publish({
        tenantId,
        actor,
        document: String(body['document']),
        digest: String(body['digest']),
        comment: (body['comment'] as string | undefined) ?? null,
        allowRemovals: body['allowRemovals'] === true,
      }),
  }),
  get('/publications', z.strictObject({ limit }), {
    id: 'listPublications',
    summary: 'Publications, newest first, and how far everybody is concluded',
    run: async ({ mapping }, { tenantId, query }) => ({ publications: await mapping.publications(tenantId, query['limit'] as number) }),
  }),
  post('/publications/{id}/cancel', none, {
    id: 'cancelPublication',
    summary: 'Stop concluding people; the document stays in force',
    run: ({ mapping }, { tenantId, actor, id }) => mapping.cancel(tenantId, numberOf(id), actor),
  }),
  get('/versions', z.strictObject({ limit }), {
    id: 'listMappingVersions',
    summary: 'Every published mapping, newest first',
    run: async ({ mapping }, { tenantId, query }) => ({ versions: await mapping.versions(tenantId, query['limit'] as number) }),
  }),
  get('/versions/{id}', none, {
    id: 'getMappingVersion',
    summary: 'One published mapping',
    run: ({ mapping }, { tenantId, id }) => mapping.version(tenantId, numberOf(id)),
  }),
  get('/diff', z.strictObject({ from: version.optional(), to: version.optional().describe('Without both, the one in force and the one before.') }), {
    id: 'diffMapping',
    summary: 'What two versions say differently',
    run: ({ mapping }, { tenantId, query }) => mapping.diff(tenantId, query['from'] as number | undefined, query['to'] as number | undefined),
  }),
  post('/roll-back', z.strictObject({ version: z.int().min(1).max(1_000_000_000) }), {
    id: 'rollBackMapping',
    summary: 'The document in force with the rules of an earlier version, and its plan; to be published like any other',
    async run({ mapping }, { tenantId, body }) {
      const back = await mapping.rollBack(tenantId, body['version'] as number);
      return { document: back, plan: await mapping.plan(tenantId, back) };
    },
  }),
  get('/who', z.strictObject({ rule, target, group: text.min(1).max(256).optional(), limit, after }), {
    id: 'whoHas',
    summary: 'Who has something, by a rule, a target or a group',
    run: ({ mapping }, asked) => mapping.who(asked.tenantId, page(asked)),
  }),
  post(
    '/explain',
    z.strictObject({
      connection: text.max(63).optional(),
      email: text.max(254).optional(),
      groups: z.array(text.max(256)).max(2000).default([]),
      claims: z.record(text.max(256), z.array(text.max(512)).max(100)).default({}),
    }),
    {
      id: 'explainClaims',
      summary: 'What would happen to somebody who came with these claims',
      run: ({ mapping }, { tenantId, body }) =>
        mapping.claims(tenantId, {
          connection: (body['connection'] as string | undefined) ?? null,
          email: (body['email'] as string | undefined) ?? null,
          groups: body['groups'] as string[],
          claims: body['claims'] as Record<string, string[]>,
        }),
    },
  ),
];
