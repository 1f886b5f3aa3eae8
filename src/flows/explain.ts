/**
 * explain: why somebody has an enrolment, and why not: what was said, which rules looked at it and what they saw, since when there is a grant, how it came
 * and went, and whether the learning platform has heard of it. From the kept facts and the mapping in force, by the judgement that `derive` uses.
 */
import { type Explanation, explain } from '../core/explain.ts';
import { historyOf, type Moment } from '../core/history.ts';
import type { GroupClaim, Mode, Source, Target, UserState } from '../core/model.ts';
import type { Store } from '../store/store.ts';
import type { LiveTenant } from './tenants.ts';

export interface ExplainDeps {
  store: Pick<Store, 'journal' | 'outbox'>;
}

/** What one platform still has to hear of this person; a platform that is not listed has heard everything. */
export interface Waiting {
  platform: string;
  since: Date;
  attempts: number;
  failedReason: string | null;
}

export interface Explained extends Explanation {
  /** Newest first, of at most so many lines of the journal as are looked at. */
  history: Moment[];
}

export interface PersonExplained {
  user: { id: string; userName: string; status: string; role: string };
  mode: Mode;
  mappingVersion: number;
  /** Who has said anything, and how they spoke of groups last. */
  facts: { source: Source; subject: string; groupsSaid: GroupClaim['said'] | null }[];
  explanations: Explained[];
  waiting: Waiting[];
}

/** Lines of the journal that are looked at. */
const LINES = 200;

export async function explainPerson({ store }: ExplainDeps, live: LiveTenant, state: UserState, target?: Target): Promise<PersonExplained> {
  const { id, userName, status, role, tenantId } = state.user;
  const lines = await store.journal.list(tenantId, { resourceId: id, limit: LINES });
  const rows = await store.outbox.ofUser(tenantId, id);
  return {
    user: { id, userName, status, role },
    mode: live.mode,
    mappingVersion: live.tenant.mapping.version,
    facts: state.identities.map(({ source, subject, facts }) => ({ source, subject, groupsSaid: facts?.groupsSaid ?? null })),
    explanations: explain(state, live, target).map((one) => ({ ...one, history: historyOf(lines, one.target) })),
    waiting: rows.map(({ platform, createdAt, attempts, failedReason }) => ({ platform, since: createdAt, attempts, failedReason })),
  };
}
