/** The state machine of modes, whole: every state, every request. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { MODE_REQUESTS, MODE_STATES, type ModeRequest, modeStep } from '../../src/core/mode.ts';
import { modesPage } from '../../src/flows/modes-page.ts';

/** Said a second time, by hand: what each cell must come to. */
const TABLE: Record<string, Record<ModeRequest, string>> = {
  manual: { manual: 'same', jit: 'jit', scim: 'scim adopting', complete: 'refused', abort: 'refused' },
  jit: { manual: 'manual', jit: 'same', scim: 'scim adopting', complete: 'refused', abort: 'refused' },
  'scim adopting': { manual: 'manual', jit: 'refused', scim: 'same', complete: 'scim live', abort: 'before' },
  'scim live': { manual: 'manual', jit: 'refused', scim: 'same', complete: 'refused', abort: 'refused' },
};
const cells = MODE_STATES.flatMap((from) =>
  MODE_REQUESTS.map((request) => ({ from, state: [from.mode, from.phase].filter(Boolean).join(' '), request })),
);

describe('every request in every state', () => {
  it.each(cells)('$state, asked for $request', ({ from, state, request }) => {
    const step = modeStep(from, request);
    const to = step.kind === 'step' ? (step.to === 'before' ? 'before' : [step.to.mode, step.to.phase].filter(Boolean).join(' ')) : null;
    expect(step.kind === 'unchanged' ? 'same' : step.kind === 'refused' ? 'refused' : to).toBe(TABLE[state]![request]);
  });

  it('tokens end wherever a directory is left, and nowhere else', () => {
    for (const { from, request } of cells) {
      const step = modeStep(from, request);
      if (step.kind !== 'step') continue;
      const left = from.mode === 'scim' && (step.to === 'before' || step.to.mode !== 'scim');
      expect({ from, request, ends: step.revokesTokens }).toEqual({ from, request, ends: left });
    }
  });

  it('nothing that is held outlives a hand-over', () => {
    for (const { from, request } of cells) {
      const step = modeStep(from, request);
      if (step.kind === 'step' && from.phase === 'adopting') expect(step.held).not.toBe('none');
    }
  });

  it('the page says what the table says', () => {
    expect(readFileSync('docs/modes.md', 'utf8')).toBe(modesPage());
  });
});
