import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { conclude, judge } from '../../src/core/conclude.ts';
import { countingFacts, derive, subjectOf } from '../../src/core/derive.ts';
import { replay, targetsOf } from '../../src/core/diff.ts';
import { explain } from '../../src/core/explain.ts';
import type { Intent } from '../../src/core/intent.ts';
import type { UserState } from '../../src/core/model.ts';
import { plan } from '../../src/core/plan.ts';
import { Refusal } from '../../src/core/refusal.ts';
import type { World } from '../../src/core/world.ts';
import { check, condition, directory, GROUPS, membership, refused, rules, sso } from './arbitrary.ts';
import { assertion, directorySays, grantsOf, makeMemory, makeTenant, rule } from './world.ts';

describe('plan', () => {
  it('plans nothing the second time, and moves the version by one otherwise', () => {
    check((memory, intent, userId) => {
      const before = memory.only().user.version;
      const made = memory.run(intent, userId);
      expect(memory.only().user.version - before).toBe(made.changes.length > 0 ? 1 : 0);
      expect(memory.dryRun(intent, userId).changes).toEqual([]);
    });
  });

  it('lets no machine touch a manual grant', () => {
    check((memory, intent, userId) => {
      const manual = () => memory.only().grants.filter((g) => g.source === 'manual');
      const byHand = () => memory.only().memberships.filter((m) => m.source === 'manual');
      const [before, members] = [manual(), byHand()];
      memory.run(intent, userId);
      if (intent.kind !== 'edit') expect(manual()).toEqual(before);
      if (intent.kind !== 'group' || intent.by !== 'manual') expect(byHand()).toEqual(members);
    });
  });

  it('depends on facts, mapping and mode only: a state concluded again from its facts is itself', () => {
    check((memory, intent, userId) => {
      memory.run(intent, userId);
      if (memory.mode === 'manual') return;
      const state = memory.only();
      const machine = new Set(
        countingFacts(state, memory).flatMap((i) =>
          conclude(subjectOf(i, state), memory.tenant.mapping).targets.map((t) => `${t.target} ${i.source} ${t.rule}`),
        ),
      );
      memory.run({ kind: 'remap' }, userId);
      expect(new Set(grantsOf({ ...memory.only(), grants: memory.only().grants.filter((g) => g.source !== 'manual') }))).toEqual(machine);
      const left = memory.mode === 'jit' && countingFacts(state, memory)[0]?.source === 'directory';
      // and a stranger with the same facts and no history gets the same
      const stranger = {
        ...state,
        grants: state.grants.filter((g) => g.source === 'manual'),
        // A suspension outlives the source that gave it, and a directory that was left neither lets in nor locks out.
        user: { ...state.user, role: 'admin' as const, status: left || state.user.status === 'suspended' ? state.user.status : ('locked' as const) },
      };
      const made = plan({ bySubject: stranger, byEmail: [] }, { kind: 'remap' }, memory.world());
      const after = replay(stranger, made);
      expect(after && grantsOf(after)).toEqual(grantsOf(memory.only()));
      expect(after?.user.role).toBe(memory.only().user.role);
      expect(after?.user.status).toBe(memory.only().user.status);
    });
  });

  it('makes the same plan as a dry run and as a run', () => {
    check((memory, intent, userId) => {
      const preview = memory.dryRun(intent, userId);
      const made = memory.run(intent, userId);
      expect({ ...made, id: '' }).toEqual({ ...preview, id: '' });
    });
  });

  it('names exactly the net targets as its effects', () => {
    check((memory, intent, userId) => {
      const before = targetsOf(memory.only());
      const { effects } = memory.run(intent, userId);
      const after = targetsOf(memory.only());
      expect(new Set(effects.gained)).toEqual(new Set([...after].filter((t) => !before.has(t))));
      expect(new Set(effects.lost)).toEqual(new Set([...before].filter((t) => !after.has(t))));
    });
  });

  it('takes nothing away because of silence', () => {
    check((memory, intent, userId) => {
      if (intent.kind !== 'assertion' || intent.statement.groups.said === 'listed' || memory.mode !== 'jit') return;
      memory.run({ kind: 'remap' }, userId); // what the mapping change alone does comes first
      const quiet: Intent = { ...intent, statement: { ...intent.statement, claims: {} } };
      const known = memory.only().identities.find((i) => i.source === quiet.source);
      if (!known) return; // a new source may bring its own
      expect(memory.run(quiet, userId).effects.lost).toEqual([]);
    });
  });
});

describe('a hand-over', () => {
  const directed = fc.oneof(
    directory,
    membership,
    fc.constant<Intent>({ kind: 'resource', write: 'delete', ifVersion: null, adopt: () => directorySays({ userName: 'me' }) }),
  );

  it('takes nothing away from anybody and locks nobody out, whatever the directory says in whatever order', () => {
    fc.assert(
      fc.property(rules, fc.array(sso, { minLength: 1, maxLength: 3 }), fc.array(directed, { maxLength: 8 }), (mapping, signIns, said) => {
        const memory = makeMemory(makeTenant(mapping));
        const { userId } = memory.run(assertion('sso', 'me', { groups: ['a'] }));
        for (const one of signIns) refused(() => memory.run(one, userId));
        [memory.mode, memory.phase] = ['scim', 'adopting'];
        for (const one of said) {
          if (one.kind === 'group' && one.by === 'manual') continue;
          const [had, status] = [targetsOf(memory.only()), memory.only().user.status];
          refused(() => memory.run(one, userId));
          const { user } = memory.only();
          expect([...had].filter((target) => !targetsOf(memory.only()).has(target))).toEqual([]);
          if (status === 'active') expect(user.status).toBe('active');
        }
        // Released, it is what it would have been without a hand-over.
        const held = memory.only();
        memory.run({ kind: 'remap' }, userId, true);
        expect(memory.only().held).toEqual([]);
        expect(new Set(grantsOf(memory.only()))).toEqual(new Set(grantsOf(derived(held, memory.world()))));
      }),
      { numRuns: 400 },
    );
  });

  const derived = (state: UserState, world: World): UserState => derive(state, { ...world, phase: 'live' });
});

describe('explain', () => {
  it('agrees with derive for every user and target, both ways', () => {
    check((memory, intent, userId) => {
      memory.run(intent, userId);
      memory.run({ kind: 'remap' }, userId);
      if (memory.mode === 'manual') return;
      for (const one of explain(memory.only(), memory.world())) {
        const ruled = one.grants.filter((g) => g.source !== 'manual').map((g) => `${g.source} ${g.rule}`);
        expect(new Set(one.rules.filter((r) => r.verdict.holds).map((r) => `${r.source} ${r.rule.id}`))).toEqual(new Set(ruled));
        for (const r of one.rules) expect(r.firstFailed === null).toBe(r.verdict.holds);
      }
    }, 200);
  });

  it('judges as conclude does', () => {
    const subject = fc.record({
      source: fc.constant('connection:sso' as const),
      connectionId: fc.constantFrom('sso', 'second'),
      email: fc.constantFrom(null, 'x@acme.example'),
      groups: fc.subarray(GROUPS),
      claims: fc.constantFrom({}, { dept: [] }, { dept: ['X'] }),
    });
    fc.assert(
      fc.property(condition, subject, (when, facts) => {
        const concluded = conclude(facts, { version: 1, rules: [rule('r', when, ['bundle:1'])] }).targets.length === 1;
        expect(judge(when, facts).holds).toBe(concluded);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('refusals', () => {
  it('leave nothing planned', () => {
    const memory = makeMemory(makeTenant([]), 'scim');
    expect(() => memory.run(assertion('sso', 'new', { groups: [] }))).toThrow(Refusal);
    expect(memory.users.size).toBe(0);
  });
});
