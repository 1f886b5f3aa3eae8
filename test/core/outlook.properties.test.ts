/** What a mapping would do is what it does; and what is explained is what was concluded, both ways. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { countingFacts } from '../../src/core/derive.ts';
import { replay, targetsOf } from '../../src/core/diff.ts';
import { explain } from '../../src/core/explain.ts';
import { diffRules, isEmpty } from '../../src/core/mapping-diff.ts';
import type { Target } from '../../src/core/model.ts';
import { count, isMoved, noOutlook, personOutlook } from '../../src/core/outlook.ts';
import { check, rules } from './arbitrary.ts';
import { makeMemory, makeTenant } from './world.ts';

describe('an outlook', () => {
  it('says of a person just what another mapping then does', () => {
    fc.assert(
      fc.property(rules, fc.context(), (next, ctx) =>
        check((memory, intent, userId) => {
          memory.run(intent, userId);
          const before = structuredClone(memory.only());
          const fork = makeMemory(makeTenant(next), memory.mode);
          fork.users.set(userId, before);
          const foreseen = personOutlook(before, replay(before, fork.dryRun({ kind: 'remap' }, userId))!);
          fork.run({ kind: 'remap' }, userId);
          const after = fork.users.get(userId)!;
          const [had, has] = [targetsOf(before), targetsOf(after)];
          ctx.log(JSON.stringify({ had: [...had], has: [...has] }));
          expect(new Set(foreseen.gained)).toEqual(new Set([...has].filter((one) => !had.has(one))));
          expect(new Set(foreseen.lost)).toEqual(new Set([...had].filter((one) => !has.has(one))));
          expect(new Set(foreseen.kept)).toEqual(new Set([...has].filter((one) => had.has(one))));
          expect(foreseen.role).toEqual(before.user.role === after.user.role ? null : { from: before.user.role, to: after.user.role });
          // Once it has happened there is nothing more to foresee.
          expect(isMoved(personOutlook(after, replay(after, fork.dryRun({ kind: 'remap' }, userId))!))).toBe(false);
        }, 5),
      ),
      { numRuns: 60 },
    );
  });

  it('with the brake on takes nothing away, and what is held then is what would have been lost', () => {
    fc.assert(
      fc.property(rules, (next) =>
        check((memory, intent, userId) => {
          memory.run(intent, userId);
          const before = structuredClone(memory.only());
          if (before.held.length > 0) return;
          const fork = makeMemory(makeTenant(next), memory.mode);
          fork.users.set(userId, before);
          const free = personOutlook(before, replay(before, fork.dryRun({ kind: 'remap' }, userId))!);
          fork.brake = 'limit';
          const braked = fork.dryRun({ kind: 'remap' }, userId);
          const held = personOutlook(before, replay(before, braked)!);
          expect([held.lost, held.held, held.gained]).toEqual([[], free.lost, free.gained]);
          // Released it is as if there had been no brake.
          fork.run({ kind: 'remap' }, userId);
          fork.brake = null;
          expect(new Set(fork.run({ kind: 'remap' }, userId).effects.lost)).toEqual(new Set());
          fork.run({ kind: 'remap' }, userId, true);
          expect(targetsOf(fork.users.get(userId)!)).toEqual(new Set([...free.gained, ...free.kept]));
        }, 5),
      ),
      { numRuns: 60 },
    );
  });

  it('counts each person once for each target and rule', () => {
    check((memory, intent, userId) => {
      const outlook = noOutlook();
      const before = memory.only();
      const made = memory.dryRun(intent, userId);
      const after = replay(before, made)!;
      const one = personOutlook(before, after);
      count(outlook, made, one, after);
      count(outlook, made, one, after);
      for (const [target, n] of Object.entries(outlook.byTarget)) {
        expect(n.gain + n.lose + n.keep + n.held).toBe(2);
        expect(n.gain > 0).toBe(one.gained.includes(target as Target));
      }
      expect([outlook.people, outlook.gaining]).toEqual([2, one.gained.length > 0 ? 2 : 0]);
    });
  });
});

describe('explain', () => {
  it('says that somebody has what they have, and of all else why not, down to the first condition that failed', () => {
    check((memory, intent, userId) => {
      memory.run(intent, userId);
      if (memory.mode === 'manual') return;
      memory.run({ kind: 'remap' }, userId);
      const state = memory.only();
      const gone = state.user.status === 'deleted' || countingFacts(state, memory).length === 0;
      for (const { target, enrolled, grants, rules: judged } of explain(state, memory)) {
        expect(enrolled).toBe(targetsOf(state).has(target));
        const byRule = judged.some(({ verdict }) => verdict.holds);
        if (!gone) expect(byRule).toBe(grants.some(({ source }) => source !== 'manual'));
        for (const { verdict, firstFailed } of judged) expect(firstFailed === null).toBe(verdict.holds);
      }
    });
  });
});

describe('the difference between two mappings', () => {
  it('is none where they are the same, whatever the order, and is the other way round backwards', () => {
    fc.assert(
      fc.property(rules, rules, (before, after) => {
        expect(isEmpty(diffRules(before, before.toReversed()))).toBe(true);
        const [there, back] = [diffRules(before, after), diffRules(after, before)];
        expect([there.added, there.removed]).toEqual([back.removed, back.added]);
        expect(there.changed.map(({ rule }) => rule).sort()).toEqual(back.changed.map(({ rule }) => rule).sort());
      }),
    );
  });
});
