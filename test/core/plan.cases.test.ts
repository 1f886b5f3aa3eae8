/** Runs `fixtures/plans/*.yaml`. Words of a case: see the interfaces below. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { targetsOf } from '../../src/core/diff.ts';
import type { Intent } from '../../src/core/intent.ts';
import type { Condition, Rule } from '../../src/core/mapping.ts';
import type { Phase } from '../../src/core/mode.ts';
import type { GroupClaim, Mode, Role } from '../../src/core/model.ts';
import { Refusal } from '../../src/core/refusal.ts';
import type { Tenant } from '../../src/core/tenant.ts';
import { assertion, directorySays, group, makeMemory, makeTenant, rule } from './world.ts';

type Rules = Record<string, { group: string; ids?: string[]; enrol?: string[]; role?: Role }>;
interface SignIn {
  sso?: string;
  second?: string;
  email: string | null;
  groups?: string[] | Exclude<GroupClaim['said'], 'listed'>;
  active?: boolean;
  title?: string;
  userName?: string;
  untrusted?: string;
}
type Edit = Omit<Extract<Intent, { kind: 'edit' }>, 'kind'>;
/** A step of the directory (SCIM), or of a person who puts somebody into a group by hand. Without a user it speaks of the first. */
type DirectoryStep =
  | { directory: Parameters<typeof directorySays>[0]; create?: true }
  | { directoryDeletes: true }
  | { join: string; id?: string; byHand?: true }
  | { leave: string; id?: string; byHand?: true }
  | { keep: true }
  | { lapse: true }
  | { release: true };
type Step =
  | SignIn
  | DirectoryStep
  | { edit: Edit }
  | { create: { email: string } }
  | { remap: Rules }
  | { mode: Mode; phase?: Phase }
  | { seats: number };
interface Case {
  name: string;
  rules?: Rules;
  mode?: Mode;
  policy?: Tenant['provisioning']['whenGroupsMissing'];
  linking?: Tenant['provisioning']['linking'];
  lease?: 'hold' | 'expire';
  given?: Step[];
  when: Step;
  then: {
    refused?: string;
    changes?: string[];
    enrolled?: string[];
    lost?: string[];
    role?: Role;
    status?: string;
    title?: string;
    users?: number;
    held?: string[];
  };
}

const toRules = (rules: Rules): Rule[] =>
  Object.entries(rules).map(([id, r]) => rule(id, { ...group(r.group), ...(r.ids && { ids: r.ids }) } as Condition, r.enrol ?? [], r.role ?? null));

function take(memory: ReturnType<typeof makeMemory>, step: Step) {
  const first = [...memory.users.keys()][0];
  if ('mode' in step) {
    memory.mode = step.mode;
    memory.phase = step.phase ?? null;
    return undefined;
  }
  if ('seats' in step) {
    memory.seats = step.seats;
    return undefined;
  }
  if ('lapse' in step) return memory.run({ kind: 'lapse' }, first);
  if ('keep' in step) return memory.run({ kind: 'keep' }, first);
  if ('release' in step) return memory.run({ kind: 'remap' }, first, true);
  if ('edit' in step) return memory.run({ kind: 'edit', ...step.edit }, first);
  const directed = directoryIntent(step);
  if (directed) return memory.run(directed, first);
  if ('create' in step) return memory.run({ kind: 'edit', profile: step.create as { email: string } });
  if ('remap' in step) {
    memory.tenant = { ...memory.tenant, mapping: { version: 2, rules: toRules(step.remap) } };
    return memory.run({ kind: 'remap' }, first);
  }
  if (!('email' in step)) throw new Error('not a step');
  const connection = step.sso ? 'sso' : 'second';
  const groups: GroupClaim | string[] =
    typeof step.groups === 'string' ? ({ said: step.groups, detail: 'case' } as GroupClaim) : (step.groups ?? { said: 'absent' });
  const made = assertion(
    connection,
    step.sso ?? step.second ?? '',
    {
      groups,
      ...(step.active === undefined ? {} : { active: step.active }),
      profile: { ...(step.title && { title: step.title }), ...(step.userName && { userName: step.userName }) },
    },
    step.untrusted ? { trusted: false, why: step.untrusted } : { trusted: true },
  );
  if (made.kind === 'assertion') {
    if (step.email === null) delete made.statement.profile.email;
    else made.statement.profile.email = step.email;
  }
  return memory.run(made);
}

function directoryIntent(step: Step): Intent | null {
  if ('directory' in step) {
    const revise = () => directorySays(step.directory);
    return { kind: 'resource', write: step.create ? 'create' : 'update', ifVersion: null, revise };
  }
  if ('directoryDeletes' in step)
    return { kind: 'resource', write: 'delete', ifVersion: null, adopt: ({ user }) => directorySays({ userName: user.userName, email: user.email }) };
  if (!('join' in step || 'leave' in step)) return null;
  const displayName = 'join' in step ? step.join : step.leave;
  return {
    kind: 'group',
    group: { id: step.id ?? `id-of-${displayName}`, displayName, externalId: null },
    by: step.byHand ? 'manual' : 'directory',
    member: 'join' in step,
    adopt: ({ user }) => directorySays({ userName: user.userName, email: user.email }),
  };
}

const folder = new URL('../../fixtures/plans/', import.meta.url);
for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
  describe(`plans: ${file}`, () => {
    for (const one of parse(readFileSync(new URL(file, folder), 'utf8')) as Case[]) {
      it(one.name, () => {
        const provisioning = {
          ...(one.policy ? { whenGroupsMissing: one.policy } : {}),
          ...(one.linking ? { linking: one.linking } : {}),
          ...(one.lease && { lease: { days: 90, warnDays: 14, graceDays: 7, lapse: one.lease } }),
        };
        const memory = makeMemory(makeTenant(toRules(one.rules ?? {}), { provisioning }), one.mode);
        for (const step of one.given ?? []) take(memory, step);
        const { then } = one;
        const before = structuredClone([...memory.users.entries()]);
        if (then.refused) {
          let refused: unknown;
          try {
            take(memory, one.when);
          } catch (error) {
            refused = error;
          }
          expect(refused).toBeInstanceOf(Refusal);
          expect((refused as Refusal).code).toBe(then.refused);
          expect([...memory.users.entries()]).toEqual(before);
        } else {
          const made = take(memory, one.when);
          const state = made && memory.users.get(made.userId);
          if (!made || !state) throw new Error('the case plans nothing for anybody');
          if (then.changes) expect(made.changes.map((c) => `${c.entity} ${c.reason}`)).toEqual(then.changes);
          if (then.enrolled) expect([...targetsOf(state)].sort()).toEqual(then.enrolled);
          if (then.lost) expect(made.effects.lost).toEqual(then.lost);
          if (then.role) expect(state.user.role).toBe(then.role);
          if (then.status) expect(state.user.status).toBe(then.status);
          if (then.held) expect(state.held.map((h) => `${h.what} ${h.target || h.value}`).sort()).toEqual(then.held);
          if (then.title) expect(state.user.title).toBe(then.title);
        }
        if (then.users !== undefined) expect(memory.users.size).toBe(then.users);
      });
    }
  });
}
