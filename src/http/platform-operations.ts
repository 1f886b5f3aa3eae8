/** The part of the administrators' API about learning platforms: how far they are, deliveries, what is done by hand, what differs. */
import { z } from 'zod';
import { Refusal } from '../core/refusal.ts';
import type { OperatePlatforms } from '../flows/operate-platforms.ts';
import type { Operation } from './admin-operations.ts';

/** What an operator does about learning platforms. Each answers plain JSON, and throws `Refusal` where it may not be. */
export type PlatformOperations = Pick<
  OperatePlatforms,
  'list' | 'check' | 'refresh' | 'letters' | 'retry' | 'replay' | 'tasks' | 'taskDone' | 'drift'
>;

const text = z.string();
const date = z.iso.datetime();
const none = z.strictObject({});
const limit = z.coerce.number().int().min(1).max(200).default(50).describe('How many at the most.');
const after = text
  .regex(/^[\w:.-]{1,1000}$/)
  .optional()
  .describe('The `next` of the page before.');
const next = text.nullable().describe('Where the next page starts; null on the last.');
const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;
const platform = text.regex(SLUG).describe("The platform's id in the tenant file.");
const user = text.min(1).max(254).optional().describe('Id, userName or e-mail.');
const allowRemovals = z.boolean().default(false).describe("Go beyond the tenant's limit on removals.");
/** What a journal can hold. */
const comment = text
  .min(1)
  .max(500)
  .regex(/^[^\p{Cc}\p{Surrogate}]*$/u)
  .optional()
  .describe('It is kept in the journal.');

const status = z.object({
  platform: text,
  name: text,
  kind: text,
  enabled: z.boolean(),
  waiting: z.int(),
  dead: z.int(),
  oldest: date.nullable(),
  halted: z.object({ since: date, code: text, reason: text }).nullable().describe('Why nothing can be delivered.'),
  catalogueAt: date.nullable().describe('When its catalogue was read last.'),
  filling: z.boolean().describe('Who was here before it is still being put into the outbox.'),
  unknown: z.array(z.object({ target: text, people: z.int() })).describe('Targets that it does not have.'),
  next: z.array(text).describe('What to do.'),
});
const finding = z.object({ check: text, ok: z.boolean(), message: text, next: text.optional() });
const letter = z.object({
  id: text,
  platform: text,
  userId: text,
  userName: text,
  state: z.enum(['waiting', 'dead', 'look-after']),
  attempts: z.int(),
  dueAt: date,
  since: date,
  code: text.nullable(),
  reason: text.nullable(),
});
const task = z.object({
  id: text,
  platform: text,
  do: z.enum(['add', 'remove']),
  user: z.object({ id: text, userName: text, email: text }),
  kind: text,
  name: text,
  resource: text,
  since: date,
});
const drift = z.object({
  platform: text,
  readable: z.boolean().describe('False: it cannot be asked what it has, and nobody was looked at.'),
  failure: text.nullable().describe('Why it could not be compared.'),
  looked: z.int(),
  waiting: z.int(),
  differing: z.int(),
  losing: z.int(),
  mended: z.int().describe('So many were put into the outbox.'),
  overLimit: z.boolean().describe('More people than the limits allow would lose something: nothing was begun.'),
  people: z.array(z.looseObject({ userId: text, userName: text, missing: z.array(text), lingering: z.array(text) })),
  names: z.record(text, text),
});

const post = (path: string, rest: Omit<Operation, 'path' | 'method' | 'query'>): Operation => ({
  path: `/tenants/{tenant}${path}`,
  method: 'post',
  query: none,
  ...rest,
});
const get = (path: string, rest: Omit<Operation, 'path' | 'method'>): Operation => ({ path: `/tenants/{tenant}${path}`, method: 'get', ...rest });

function platformOf(id: string): string {
  if (!SLUG.test(id)) throw new Refusal('not-found', 'platform/unknown', 'there is no such platform');
  return id;
}

interface Body {
  platform: string;
  user?: string;
  all: boolean;
  fix: boolean;
  allowRemovals: boolean;
  limit: number;
}

export const PLATFORM_OPERATIONS: readonly Operation[] = [
  get('/platforms', {
    id: 'listPlatforms',
    summary: 'The learning platforms of a tenant: what waits, what has failed, what to do',
    query: none,
    answer: z.object({ platforms: z.array(status) }),
    run: ({ platforms }, { tenantId }) => platforms.list(tenantId),
  }),
  post('/platforms/{id}/check', {
    id: 'checkPlatform',
    summary: 'Ask it whether deliveries and hand-offs can work, and look for every target of the rules. Changes nothing',
    answer: z.object({ platform: text, findings: z.array(finding) }),
    run: ({ platforms }, { tenantId, id }) => platforms.check(tenantId, platformOf(id)),
  }),
  post('/platforms/{id}/refresh', {
    id: 'refreshPlatform',
    summary: 'Read its catalogue now. With `held` above 0 so many people would have lost something, and the catalogue as it was stays in force',
    outside: true,
    body: z.strictObject({ allowRemovals }),
    answer: z.object({ entries: z.int(), changed: z.array(text), held: z.int() }),
    run: ({ platforms }, { tenantId, actor, id, body }) =>
      platforms.refresh({ tenantId, actor, platform: platformOf(id), allowRemovals: body['allowRemovals'] === true }),
  }),
  get('/deliveries', {
    id: 'listDeliveries',
    summary: 'What is not yet delivered, in about the order in which it came',
    query: z.strictObject({ platform: platform.optional(), state: z.enum(['waiting', 'dead']).optional(), after, limit }),
    answer: z.object({ deliveries: z.array(letter), next }),
    run: ({ platforms }, { tenantId, query }) => {
      const { after: from = null, ...asked } = query as { platform?: string; state?: 'waiting' | 'dead'; after?: string; limit: number };
      return platforms.letters(tenantId, { ...asked, after: from });
    },
  }),
  post('/deliveries/retry', {
    id: 'retryDeliveries',
    summary: 'Dead letters wait again, and a halted platform is tried anew',
    body: z.strictObject({ platform, user }),
    answer: z.object({ retried: z.int() }),
    run: ({ platforms }, { tenantId, actor, body }) => platforms.retry({ tenantId, actor, ...(body as unknown as Pick<Body, 'platform' | 'user'>) }),
  }),
  post('/deliveries/replay', {
    id: 'replayDeliveries',
    summary: 'Everything is told anew, of one user or of all who have an account there',
    outside: true,
    body: z.strictObject({ platform, user, all: z.boolean().default(false) }),
    answer: z.object({ people: z.int() }),
    run: ({ platforms }, { tenantId, actor, body }) =>
      platforms.replay({ tenantId, actor, ...(body as unknown as Pick<Body, 'platform' | 'user' | 'all'>) }),
  }),
  get('/tasks', {
    id: 'listTasks',
    summary: 'What a platform cannot do by itself and somebody does there by hand, the oldest first',
    query: z.strictObject({ after, limit }),
    answer: z.object({ tasks: z.array(task), next }),
    run: ({ platforms }, { tenantId, query }) =>
      platforms.tasks(tenantId, { after: (query['after'] as string | undefined) ?? null, limit: query['limit'] as number }),
  }),
  post('/tasks/{id}/done', {
    id: 'finishTask',
    summary: 'It has been done there',
    body: z.strictObject({ comment }),
    answer: z.object({ done: text }),
    run: ({ platforms }, { tenantId, actor, id, body }) =>
      platforms.taskDone({ tenantId, actor, id, comment: (body['comment'] as string | undefined) ?? null }),
  }),
  post('/drift', {
    id: 'findDrift',
    summary:
      'What the platforms have against what they should have; takes as long as reading everybody takes. With `fix`, who differs is delivered anew',
    outside: true,
    body: z.strictObject({
      platform: platform.optional(),
      fix: z.boolean().default(false),
      allowRemovals,
      limit: z.int().min(1).max(1000).default(200).describe('So many people of each platform are named.'),
    }),
    answer: z.object({ drift: z.array(drift) }),
    run: ({ platforms }, { tenantId, actor, body }) =>
      platforms.drift({ tenantId, actor, ...(body as unknown as Pick<Body, 'fix' | 'allowRemovals' | 'limit'> & { platform?: string }) }),
  }),
];
