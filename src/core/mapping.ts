/** The mapping language as data: conditions on one source's facts → targets and role (FEATURES B1, toolset C5). */
import type { Role, Target } from './model.ts';

/** A text test. Both sides are NFC; `ignoreCase` folds both. */
export type TextTest = { equals: string } | { glob: string };

export type Condition =
  /** True when any of the source's groups passes. `ids` are what aliases resolved to; then only they count. */
  | { kind: 'group'; test: TextTest; ignoreCase: boolean; label: string; ids: string[] | null }
  | { kind: 'claim'; name: string; test: ClaimTest; ignoreCase: boolean }
  | { kind: 'emailDomain'; domain: string }
  | { kind: 'connection'; connection: string }
  | { kind: 'any'; of: Condition[] }
  | { kind: 'all'; of: Condition[] }
  | { kind: 'not'; of: Condition };

export type ClaimTest = { equals: string } | { in: string[] } | { glob: string } | { exists: boolean };

export interface Rule {
  id: string;
  when: Condition;
  enrol: Target[];
  role: Role | null;
  /** Where the rule stands in its file (1-based), for explain and errors. */
  line: number;
}

/** Versioned by the store; `version` 0 is a mapping that was never published. */
export interface Mapping {
  version: number;
  rules: Rule[];
}
