/** Every refusal leaves two lines, in the journal and in the sign-in log, with the reference that the learner's page shows. */
import { cleanText } from '../core/profile.ts';
import type { Refusal } from '../core/refusal.ts';
import type { Connection, Tenant } from '../core/tenant.ts';
import type { Log } from '../lib/log.ts';
import type { Store } from '../store/store.ts';
import type { RequestContext } from './signin.ts';

export interface RefusedDeps {
  store: Pick<Store, 'journal'>;
  log: Log;
  now: () => Date;
  newId: () => string;
}

/** Resolves even where the store is away: the page must come, and the log has the line already. */
export async function recordRefusal(
  deps: RefusedDeps,
  refusal: Refusal,
  at: { tenant: Tenant | null; connection: Connection | null },
  context: RequestContext,
): Promise<void> {
  const where = { tenant: at.tenant?.id ?? null, connection: at.connection?.id ?? null };
  deps.log.warn(
    { ...where, code: refusal.code, check: refusal.check, detail: refusal.message, reference: context.reference, ip: context.ip },
    'refused',
  );
  if (!at.tenant) return;
  const line = {
    id: deps.newId(),
    tenantId: at.tenant.id,
    at: deps.now(),
    outcome: 'FAILED' as const,
    code: refusal.code,
    reference: context.reference,
  };
  // It may quote the message: text that no database could hold must not keep the refusal out of the journal.
  const detail = { check: refusal.check, detail: cleanText(refusal.message, 500) };
  const actor = where.connection === null ? 'nobody' : `connection:${where.connection}`;
  try {
    await deps.store.journal.refused(
      { ...line, actor, cause: 'sign-in', action: null, resourceType: 'SignIn', resourceId: null, mappingVersion: null, detail },
      { ...line, id: deps.newId(), connectionId: where.connection, userId: null, check: refusal.check, detail },
    );
  } catch (error) {
    deps.log.error({ err: error, reference: context.reference }, 'a refusal could not be journalled');
  }
}
