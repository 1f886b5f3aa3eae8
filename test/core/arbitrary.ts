import fc from 'fast-check';
import type { Intent } from '../../src/core/intent.ts';
import type { ClaimTest, Condition, Rule, TextTest } from '../../src/core/mapping.ts';
import { type GroupClaim, type Mode, ROLES, type Target } from '../../src/core/model.ts';
import { Refusal } from '../../src/core/refusal.ts';
import { assertion, directorySays, group, makeMemory, makeTenant, rule } from './world.ts';

export const GROUPS = ['a', 'b', 'c', 'A'];
export const TARGETS: Target[] = ['bundle:1', 'collection:2', 'group:3'];

export const leaf: fc.Arbitrary<Condition> = fc.oneof(
  fc.constantFrom(...GROUPS).map(group),
  fc.record({
    kind: fc.constant('group' as const),
    test: fc.constantFrom<TextTest>({ glob: '*' }, { glob: '?' }, { equals: 'a' }),
    ignoreCase: fc.boolean(),
    label: fc.constant('g'),
    ids: fc.constantFrom<string[] | null>(null, ['b']),
  }),
  fc.record({
    kind: fc.constant('claim' as const),
    name: fc.constantFrom('dept', '__proto__', 'constructor'),
    test: fc.constantFrom<ClaimTest>({ equals: 'x' }, { in: ['x', 'y'] }, { glob: 'x*' }, { exists: true }, { exists: false }),
    ignoreCase: fc.boolean(),
  }),
  fc.constant<Condition>({ kind: 'emailDomain', domain: 'acme.example' }),
  fc.constantFrom('sso', 'second').map((connection): Condition => ({ kind: 'connection', connection })),
);
export const condition = fc.letrec<{ c: Condition }>((tie) => ({
  c: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.array(tie('c'), { maxLength: 3 }).map((of): Condition => ({ kind: 'any', of })),
    fc.array(tie('c'), { maxLength: 3 }).map((of): Condition => ({ kind: 'all', of })),
    tie('c').map((of): Condition => ({ kind: 'not', of })),
  ),
})).c;
export const rules: fc.Arbitrary<Rule[]> = fc
  .array(fc.record({ when: condition, enrol: fc.subarray(TARGETS), role: fc.constantFrom(null, ...ROLES) }), { maxLength: 5 })
  .map((list) => list.map(({ when, enrol, role }, i) => rule(`r${i}`, when, enrol, role)));

export const groupClaim: fc.Arbitrary<GroupClaim> = fc.oneof(
  fc.subarray(GROUPS).map((groups): GroupClaim => ({ said: 'listed', groups })),
  fc.constantFrom<GroupClaim>(
    { said: 'absent' },
    { said: 'overflow', detail: 'd' },
    { said: 'overlong', detail: 'd' },
    { said: 'unreadable', detail: 'd' },
  ),
);
export const sso = fc
  .record({
    connection: fc.constantFrom('sso', 'second'),
    groups: groupClaim,
    active: fc.constantFrom(undefined, true, false),
    dept: fc.constantFrom<string[] | undefined>(undefined, [], ['x'], ['xy', 'z']),
    title: fc.constantFrom(undefined, 'T1', 'T2'),
  })
  .map(
    ({ connection, groups, active, dept, title }): Intent =>
      assertion(connection, 'me', {
        groups,
        claims: dept ? { dept } : {},
        profile: title ? { title } : {},
        ...(active === undefined ? {} : { active }),
      }),
  );
export const edit = fc.record({ grant: fc.subarray(TARGETS), revoke: fc.subarray(TARGETS) }).map((e): Intent => ({ kind: 'edit', ...e }));
export const directory = fc.record({ active: fc.boolean(), title: fc.constantFrom('', 'T3') }).map(
  (said): Intent => ({
    kind: 'resource',
    write: 'update',
    ifVersion: null,
    revise: () => directorySays({ userName: 'me', email: 'me@acme.example', ...said }),
  }),
);
export const membership = fc.record({ name: fc.constantFrom(...GROUPS), member: fc.boolean(), by: fc.constantFrom('directory', 'manual') }).map(
  ({ name, member, by }): Intent => ({
    kind: 'group',
    group: { id: `id-${name}`, displayName: name, externalId: null },
    by,
    member,
    adopt: () => directorySays({ userName: 'me', email: 'me@acme.example' }),
  }),
);
export const step = fc.oneof(
  { weight: 2, arbitrary: directory },
  { weight: 3, arbitrary: membership },
  { weight: 4, arbitrary: sso },
  { weight: 2, arbitrary: edit },
  { weight: 1, arbitrary: fc.constant<Intent>({ kind: 'remap' }) },
);
export interface Step {
  intent: Intent;
  mapping: Rule[] | undefined;
  mode: Mode;
}
export const history: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ intent: step, mapping: fc.option(rules, { nil: undefined }), mode: fc.constantFrom<Mode>('jit', 'jit', 'jit', 'manual', 'scim') }),
  { maxLength: 8 },
);

/** A step that may not be taken has nothing to look at; anything else that is thrown fails. */
export function refused(step: () => unknown): boolean {
  try {
    step();
    return false;
  } catch (error) {
    if (error instanceof Refusal) return true;
    throw error;
  }
}

/** One person, created by a sign-in, then whatever comes. Calls `look` after every step that was not refused. */
export function live(first: Rule[], steps: Step[], look: (memory: ReturnType<typeof makeMemory>, intent: Intent, userId: string) => void): void {
  const memory = makeMemory(makeTenant(first));
  const { userId } = memory.run(assertion('sso', 'me', { groups: ['a'] }));
  for (const { intent, mapping, mode } of steps) {
    if (mapping) memory.tenant = { ...memory.tenant, mapping: { version: memory.tenant.mapping.version + 1, rules: mapping } };
    // A directory is heard in its own mode only.
    const directed = intent.kind === 'resource' || (intent.kind === 'group' && intent.by === 'directory');
    memory.mode = directed ? 'scim' : mode;
    if (!refused(() => memory.dryRun(intent, userId))) look(memory, intent, userId);
  }
}

export function check(look: Parameters<typeof live>[2], runs = 400): void {
  fc.assert(
    fc.property(rules, history, (first, steps) => live(first, steps, look)),
    { numRuns: runs },
  );
}
