/**
 * mode: how a tenant moves between `manual`, `jit` and `scim` (DESIGN §4), as a table. Pure: what is asked for in which state is allowed or refused
 * here; who asks, what it costs and how it is written is flows/mode's. docs/modes.md is generated from this table.
 */
import type { Mode } from './model.ts';
import type { RefusalCode } from './refusal.ts';

/** `adopting`: the directory's removals and locks are held until an operator completes the hand-over. */
export type Phase = 'adopting' | 'live';

/** A tenant's mode; a phase in `scim` only. */
export type ModeState = { mode: 'manual' | 'jit'; phase: null } | { mode: 'scim'; phase: Phase };

export const MODE_STATES: readonly ModeState[] = [
  { mode: 'manual', phase: null },
  { mode: 'jit', phase: null },
  { mode: 'scim', phase: 'adopting' },
  { mode: 'scim', phase: 'live' },
];

/** What an operator may ask for: another mode, or the end of a hand-over. */
export type ModeRequest = Mode | 'complete' | 'abort';
export const MODE_REQUESTS: readonly ModeRequest[] = ['manual', 'jit', 'scim', 'complete', 'abort'];

/** What must be there before a directory may speak. */
export type Prerequisite = 'enabled-connection' | 'verified-domain';

export type ModeStep =
  | { kind: 'unchanged' }
  | {
      kind: 'step';
      /** `before`: the state from which the hand-over began. */
      to: ModeState | 'before';
      needs: readonly Prerequisite[];
      /** Every token of the directory ends at once. */
      revokesTokens: boolean;
      issuesToken: boolean;
      /** What becomes of changes that wait: they happen, or they are dropped and everybody keeps what they have. */
      held: 'none' | 'released' | 'dropped';
      /** Whose word counts from then on. */
      outcome: string;
    }
  | { kind: 'refused'; code: Extract<RefusalCode, 'mode-conflict'>; check: string; why: string };

/** FEATURES D2; what the answer says. */
export const JIT_WHILE_SCIM = 'Cannot enable JIT provisioning while SCIM is active';

const nothingToEnd: ModeStep = {
  kind: 'refused',
  code: 'mode-conflict',
  check: 'mode/not-adopting',
  why: 'There is no hand-over to complete or abort',
};
const jitWhileScim: ModeStep = { kind: 'refused', code: 'mode-conflict', check: 'mode/jit-while-scim', why: JIT_WHILE_SCIM };

const toManual = (from: ModeState): ModeStep => ({
  kind: 'step',
  to: { mode: 'manual', phase: null },
  needs: [],
  revokesTokens: from.mode === 'scim',
  issuesToken: false,
  held: from.phase === 'adopting' ? 'dropped' : 'none',
  outcome: "Nobody's word moves anything; people who are here may sign in, and keep what they have.",
});

const TO_JIT: ModeStep = {
  kind: 'step',
  to: { mode: 'jit', phase: null },
  needs: [],
  revokesTokens: false,
  issuesToken: false,
  held: 'none',
  outcome: 'Each sign-in teaches. What a directory said before counts for a person until they sign in.',
};

const TO_SCIM: ModeStep = {
  kind: 'step',
  to: { mode: 'scim', phase: 'adopting' },
  needs: ['enabled-connection', 'verified-domain'],
  revokesTokens: false,
  issuesToken: true,
  held: 'none',
  outcome: 'Sign-ins authenticate only. The directory creates, adopts and adds; what it would take away is held.',
};

const COMPLETE: ModeStep = {
  kind: 'step',
  to: { mode: 'scim', phase: 'live' },
  needs: [],
  revokesTokens: false,
  issuesToken: false,
  held: 'released',
  outcome: "The directory's word counts in full.",
};

const ABORT: ModeStep = {
  kind: 'step',
  to: 'before',
  needs: [],
  revokesTokens: true,
  issuesToken: false,
  held: 'dropped',
  outcome: 'As before the hand-over: what the directory said counts no more.',
};

/** The whole table. */
export function modeStep(from: ModeState, request: ModeRequest): ModeStep {
  switch (request) {
    case 'complete':
      return from.phase === 'adopting' ? COMPLETE : nothingToEnd;
    case 'abort':
      return from.phase === 'adopting' ? ABORT : nothingToEnd;
    case 'manual':
      return from.mode === 'manual' ? { kind: 'unchanged' } : toManual(from);
    case 'jit':
      if (from.mode === 'jit') return { kind: 'unchanged' };
      return from.mode === 'scim' ? jitWhileScim : TO_JIT;
    case 'scim':
      return from.mode === 'scim' ? { kind: 'unchanged' } : TO_SCIM;
  }
}
