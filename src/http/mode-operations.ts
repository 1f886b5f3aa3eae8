/** The part of the administrators' API that changes how a tenant is provisioned. */
import { z } from 'zod';
import type { ModeRequest } from '../core/mode.ts';
import { Refusal } from '../core/refusal.ts';
import type { Asked, Operation } from './admin-operations.ts';

const text = z.string();
const limit = z.coerce.number().int().min(1).max(200).default(50).describe('How many at the most.');
const none = z.strictObject({});
const anything = z.looseObject({});
const confirm = text
  .min(1)
  .max(64)
  .optional()
  .describe('The `confirm` of the consequences that were shown. Without it nothing is done, and they are shown.');
const reason = text.min(1).max(500).describe('Why; it is kept in the journal.');
const users = z.union([z.literal('all'), z.array(text.min(1).max(64)).min(1).max(1000)]);

const post = (path: string, rest: Pick<Operation, 'id' | 'summary' | 'body' | 'run'>): Operation => ({
  path: `/tenants/{tenant}${path}`,
  method: 'post',
  query: none,
  answer: anything,
  ...rest,
});
const get = (path: string, rest: Pick<Operation, 'id' | 'summary' | 'query' | 'run'>): Operation => ({
  path: `/tenants/{tenant}${path}`,
  method: 'get',
  answer: anything,
  ...rest,
});

const ask = (request: ModeRequest, { tenantId, actor, body }: Asked) => ({
  tenantId,
  actor,
  request,
  confirm: (body['confirm'] as string | undefined) ?? null,
  held: (body['held'] as 'release' | 'drop' | undefined) ?? 'release',
});

const MODES = new Set(['manual', 'jit', 'scim']);

const heldEnd = (how: 'release' | 'drop'): Operation =>
  post(`/held/${how}`, {
    id: `${how}Held`,
    summary: how === 'release' ? 'What is held happens, planned afresh' : 'What is held does not happen: what would be lost stays as given by hand',
    body: z.strictObject({ users, reason }),
    run: ({ modes }, { tenantId, actor, body }) =>
      modes.endHeld({ tenantId, actor, how, users: body['users'] as string[] | 'all', reason: String(body['reason']) }),
  });

export const MODE_OPERATIONS: readonly Operation[] = [
  get('/provisioning-mode', {
    id: 'getMode',
    summary: 'How the tenant is provisioned',
    query: none,
    run: ({ modes }, { tenantId }) => modes.state(tenantId),
  }),
  post('/provisioning-mode', {
    id: 'changeMode',
    summary: 'Another mode: shown first, done with the confirmation',
    body: z.strictObject({ mode: text.max(20), confirm }),
    async run({ modes }, asked) {
      const mode = String(asked.body['mode']);
      if (!MODES.has(mode)) throw new Refusal('request-malformed', 'mode/unknown', 'a mode is manual, jit or scim');
      return modes.change(ask(mode as ModeRequest, asked));
    },
  }),
  get('/hand-over', {
    id: 'getHandOver',
    summary: 'How far the hand-over to the directory is',
    query: z.strictObject({ limit }),
    run: ({ modes }, { tenantId, query }) => modes.handOver(tenantId, query['limit'] as number),
  }),
  post('/hand-over/complete', {
    id: 'completeHandOver',
    summary: "The directory's word counts in full: what is held is released, or dropped",
    body: z.strictObject({ confirm, held: z.enum(['release', 'drop']).optional() }),
    run: ({ modes }, asked) => modes.change(ask('complete', asked)),
  }),
  post('/hand-over/abort', {
    id: 'abortHandOver',
    summary: 'Back to the mode before the hand-over, as it was',
    body: z.strictObject({ confirm }),
    run: ({ modes }, asked) => modes.change(ask('abort', asked)),
  }),
  get('/held', {
    id: 'listHeld',
    summary: 'Changes that wait for an operator, with their age',
    query: z.strictObject({ limit, after: text.min(1).max(64).optional().describe('The `next` of the page before.') }),
    run: ({ modes }, { tenantId, query }) => modes.held(tenantId, { limit: query['limit'] as number, after: (query['after'] as string) ?? null }),
  }),
  heldEnd('release'),
  heldEnd('drop'),
  post('/seats', {
    id: 'setSeats',
    summary: 'How many users may be active; null for what the tenant file says',
    body: z.strictObject({ seats: z.int().min(0).max(10_000_000).nullable() }),
    run: ({ modes }, { tenantId, actor, body }) => modes.setSeats({ tenantId, actor, seats: body['seats'] as number | null }),
  }),
  get('/domains', {
    id: 'listDomains',
    summary: 'Domains that were asked for, and what came of it',
    query: none,
    run: ({ modes }, { tenantId }) => modes.domains(tenantId),
  }),
  post('/domains', {
    id: 'addDomain',
    summary: 'Ask for a domain; the answer says which record proves it',
    body: z.strictObject({ domain: text.min(3).max(253) }),
    run: ({ modes }, { tenantId, actor, body }) => modes.addDomain({ tenantId, actor, domain: String(body['domain']) }),
  }),
  post('/domains/{id}/verify', {
    id: 'verifyDomain',
    summary: 'Look for the record now',
    body: none,
    run: ({ modes }, { tenantId, actor, id }) => modes.verifyDomain({ tenantId, actor, domain: id.slice(0, 253) }),
  }),
];
