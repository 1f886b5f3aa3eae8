/** history: how one enrolment came and went, read from the journal's lines of a person. Pure. */
import type { Reason, Target } from './model.ts';

/** A line of the journal, as far as it is needed here. */
export interface Line {
  at: Date;
  actor: string;
  cause: string;
  mappingVersion: number | null;
  reference: string | null;
  detail: Record<string, unknown>;
}

export interface Moment {
  at: Date;
  /** Whether the grant came or went, or was held or held no more. */
  what: 'came' | 'went';
  /** '' = given by hand. */
  rule: string;
  source: string;
  reason: Reason;
  actor: string;
  cause: string;
  mappingVersion: number | null;
  reference: string | null;
}

interface Recorded {
  entity?: string;
  action?: string;
  reason?: Reason;
  target?: string;
  source?: string;
  rule?: string;
}

/** In the order of the lines. */
export function historyOf(lines: readonly Line[], target: Target): Moment[] {
  return lines.flatMap(({ at, actor, cause, mappingVersion, reference, detail }) =>
    changesOf(detail)
      .filter((change) => change.entity === 'grant' && change.target === target && change.action !== 'update')
      .map(({ action, reason, source, rule }): Moment => {
        const what = action === 'delete' ? ('went' as const) : ('came' as const);
        return { at, what, rule: rule ?? '', source: source ?? '', reason: reason ?? 'manual', actor, cause, mappingVersion, reference };
      }),
  );
}

const changesOf = (detail: Record<string, unknown>): Recorded[] => (Array.isArray(detail['changes']) ? (detail['changes'] as Recorded[]) : []);
