/** line: what somebody did to a tenant, for the journal. What is done to a person is journalled by its plan (provision.ts). */
import type { JournalEntry } from '../store/journal.ts';

export interface Line extends Pick<JournalEntry, 'tenantId' | 'actor' | 'cause' | 'code' | 'detail'> {
  /** Null where it has nothing to do with rules. */
  mappingVersion?: number | null;
  /** The tenant itself, unless told. */
  resource?: { type: string; id: string };
  at?: Date;
}

export const lineOf = (deps: { newId: () => string; now: () => Date }, { mappingVersion = null, resource, at, ...said }: Line): JournalEntry => ({
  id: deps.newId(),
  at: at ?? deps.now(),
  action: null,
  resourceType: resource?.type ?? 'Tenant',
  resourceId: resource?.id ?? said.tenantId,
  outcome: 'SUCCESS',
  reference: null,
  mappingVersion,
  ...said,
});
