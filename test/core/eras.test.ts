/** One person through several eras of a tenant: sign-ins, a directory, another one; with what is held in between. */
import { expect, it } from '@jest/globals';
import { targetsOf } from '../../src/core/diff.ts';
import type { Intent } from '../../src/core/intent.ts';
import type { Phase } from '../../src/core/mode.ts';
import type { Mode } from '../../src/core/model.ts';
import { assertion, directorySays, group, makeMemory, makeTenant, rule } from './world.ts';

const RULES = [
  rule('a', group('A'), ['bundle:a']),
  rule('b', group('B'), ['bundle:b']),
  rule('c', group('C'), ['bundle:c']),
  rule('adm', group('Admins'), [], 'admin'),
];
const has = (m: ReturnType<typeof makeMemory>) => [m.only().user.status, m.only().user.role, ...[...targetsOf(m.only())].sort()];
const member = (id: string, is: boolean): Intent => ({
  kind: 'group',
  group: { id: `g${id}`, displayName: id, externalId: null },
  by: 'directory',
  member: is,
  adopt: () => directorySays({ userName: 'ada@acme.example', email: 'ada@acme.example' }),
});
const update = (active = true): Intent => ({
  kind: 'resource',
  write: 'update',
  ifVersion: null,
  revise: () => directorySays({ userName: 'ada@acme.example', email: 'ada@acme.example', active }),
});
const id = (m: ReturnType<typeof makeMemory>) => m.only().user.id;
const mk = () => makeMemory(makeTenant(RULES), 'jit');
const to = (m: ReturnType<typeof makeMemory>, mode: Mode, phase: Phase | null = null): void => {
  [m.mode, m.phase] = [mode, phase];
};

it('an abort takes back what this directory said, and nothing that an earlier one gave', () => {
  const m = mk();
  m.run(assertion('sso', 'ada', {}));
  to(m, 'scim', 'adopting');
  m.run(member('C', true), id(m));
  to(m, 'scim', 'live');
  to(m, 'manual');
  m.run({ kind: 'remap' }, id(m));
  to(m, 'jit');
  m.run(assertion('sso', 'ada', {}));
  const was = has(m);
  expect(was).toEqual(['active', 'learner', 'bundle:c']);
  to(m, 'scim', 'adopting');
  m.run({ kind: 'remap', retire: 'directory' }, id(m), true); // retireDirectory
  to(m, 'jit');
  m.run({ kind: 'remap' }, id(m));
  expect(has(m)).toEqual(was);
});

it('a held role that is dropped goes: a role comes from rules only', () => {
  const m = mk();
  m.run(assertion('sso', 'ada', { groups: ['Admins'] }));
  expect(has(m)).toEqual(['active', 'admin']);
  to(m, 'scim', 'adopting');
  m.run(update(), id(m));
  expect(m.only().held.map((h) => h.what)).toEqual(['role']);
  m.run({ kind: 'keep' }, id(m));
  expect(m.only().held).toEqual([]);
});

it('what the limit holds of a directory waits through manual, and in jit, until an operator says so', () => {
  const m = mk();
  m.run(assertion('sso', 'ada', {}));
  to(m, 'scim', 'live');
  m.run(member('C', true), id(m));
  m.brake = 'limit';
  m.run(member('C', false), id(m));
  m.brake = null;
  expect(has(m)).toEqual(['active', 'learner', 'bundle:c']);
  expect(m.only().held.map((h) => h.cause)).toEqual(['limit']);
  to(m, 'manual');
  m.run(assertion('sso', 'ada', {}));
  to(m, 'jit');
  m.run({ kind: 'remap' }, id(m));
  expect(has(m)).toEqual(['active', 'learner', 'bundle:c']);
});

it('so does what it holds of a publication', () => {
  const m = mk();
  m.run(assertion('sso', 'ada', { groups: ['A'] }));
  m.tenant = makeTenant(RULES.slice(1));
  m.brake = 'limit';
  m.run({ kind: 'remap' }, id(m));
  m.brake = null;
  expect(m.only().held.map((h) => h.cause)).toEqual(['limit']);
  m.run({ kind: 'remap' }, id(m));
  expect(has(m)).toEqual(['active', 'learner', 'bundle:a']);
  to(m, 'manual');
  m.run({ kind: 'edit', profile: { title: 'x' } }, id(m));
  to(m, 'jit');
  m.run({ kind: 'remap' }, id(m));
  expect(has(m)).toEqual(['active', 'learner', 'bundle:a']);
});

it("a membership of a directory that was left, said again by the next one, is that one's", () => {
  const m = mk();
  m.run(assertion('sso', 'ada', { groups: ['A'] }));
  to(m, 'scim', 'live');
  m.run(member('C', true), id(m));
  to(m, 'manual');
  to(m, 'jit');
  m.run(assertion('sso', 'ada', { groups: ['A'] })); // retires
  expect(has(m)).toEqual(['active', 'learner', 'bundle:a']);
  to(m, 'scim', 'adopting');
  m.run(member('C', true), id(m)); // said again
  expect(has(m)).toContain('bundle:c');
});

it('in jit a provider that says disabled is heard beside a directory that was left', () => {
  const m = mk();
  m.run(assertion('sso', 'ada', {}));
  to(m, 'scim', 'live');
  m.run(member('C', true), id(m));
  to(m, 'manual');
  to(m, 'jit');
  m.run(assertion('sso', 'ada', { active: false }));
  expect(m.only().user.status).toBe('locked');
});

it('what an operator released does not come back when the hand-over is left', () => {
  const m = mk();
  m.run(assertion('sso', 'ada', { groups: ['A'] }));
  to(m, 'scim', 'adopting');
  m.run(member('C', true), id(m));
  m.run({ kind: 'remap' }, id(m), true); // operator releases A
  expect(has(m)).toEqual(['active', 'learner', 'bundle:c']);
  m.run(member('C', false), id(m)); // C held
  to(m, 'manual');
  m.run({ kind: 'remap' }, id(m));
  to(m, 'jit');
  m.run({ kind: 'remap' }, id(m));
  expect(has(m)).not.toContain('bundle:a');
});

it('what a completed hand-over took does not come back when a second one is left, and what that one held stays', () => {
  const m = mk();
  m.run(assertion('sso', 'ada', { groups: ['A'] }));
  to(m, 'scim', 'adopting');
  m.run(member('C', true), id(m));
  to(m, 'scim', 'live');
  m.run({ kind: 'remap' }, id(m));
  expect(has(m)).toEqual(['active', 'learner', 'bundle:c']);
  to(m, 'manual');
  to(m, 'jit');
  m.run({ kind: 'remap' }, id(m));
  to(m, 'scim', 'adopting');
  m.run(member('C', false), id(m)); // C held
  to(m, 'manual');
  m.run({ kind: 'remap' }, id(m));
  to(m, 'jit');
  m.run({ kind: 'remap' }, id(m));
  expect(has(m)).not.toContain('bundle:a');
  expect(has(m)).toContain('bundle:c');
});

it('what a directory gave, and was about to take when it was left, stays', () => {
  const m = mk();
  m.run(assertion('sso', 'ada', {}));
  to(m, 'scim', 'live');
  m.run(member('C', true), id(m));
  to(m, 'manual');
  to(m, 'scim', 'adopting');
  m.run(member('C', false), id(m)); // C held, source directory
  expect(m.only().held).toHaveLength(1);
  to(m, 'manual');
  m.run({ kind: 'remap' }, id(m));
  to(m, 'jit');
  m.run({ kind: 'remap' }, id(m));
  expect(has(m)).toContain('bundle:c');
});

it('completing releases what the hand-over held, and nothing that the limit holds', () => {
  const m = mk();
  m.run(assertion('sso', 'ada', { groups: ['A', 'B'] }));
  m.tenant = makeTenant(RULES.slice(1));
  m.brake = 'limit';
  m.run({ kind: 'remap' }, id(m));
  m.brake = null;
  to(m, 'scim', 'adopting');
  m.run(member('C', true), id(m));
  expect(
    m
      .only()
      .held.map((h) => `${h.target} ${h.cause}`)
      .sort(),
  ).toEqual(['bundle:a limit', 'bundle:b hand-over']);
  to(m, 'scim', 'live');
  m.run({ kind: 'remap' }, id(m));
  expect(m.only().held.filter((h) => h.cause === 'hand-over')).toEqual([]);
});

it('what the limit holds in a hand-over does not happen by its abort', () => {
  const m = mk();
  m.run(assertion('sso', 'ada', { groups: ['A'] }));
  to(m, 'scim', 'adopting');
  m.tenant = makeTenant(RULES.slice(1));
  m.brake = 'limit';
  m.run({ kind: 'remap' }, id(m));
  m.brake = null;
  expect(m.only().held.map((h) => h.cause)).toEqual(['limit']);
  to(m, 'jit');
  m.run({ kind: 'remap' }, id(m)); // settleHeld after abort
  expect(has(m)).toContain('bundle:a');
});

it('a deletion that the limit holds keeps nobody out, and goes on to wait', () => {
  const m = mk();
  m.run(assertion('sso', 'ada', { groups: ['A'] }));
  to(m, 'scim', 'live');
  m.run(update(), id(m));
  m.brake = 'limit';
  m.run(
    { kind: 'resource', write: 'delete', ifVersion: null, adopt: () => directorySays({ userName: 'ada@acme.example', email: 'ada@acme.example' }) },
    id(m),
  );
  m.brake = null;
  expect(m.only().held.map((h) => h.what)).toEqual(['status']);
  m.run(assertion('sso', 'ada', { groups: ['A'] }));
  expect(m.only().user.status).toBe('active');
  expect(m.only().held).toHaveLength(1);
  m.run({ kind: 'edit', profile: { title: 'y' } }, id(m));
  expect(m.only().held).toHaveLength(1);
});
