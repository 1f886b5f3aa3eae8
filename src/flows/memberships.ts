/** Memberships: who comes into a group and who leaves it, by the directory or by hand; and what a group's new name means for those in it. */
import type { DirectoryStatement, Intent } from '../core/intent.ts';
import type { Group, GroupSource, UserState } from '../core/model.ts';
import { Refusal } from '../core/refusal.ts';
import { breathe } from '../lib/breathe.ts';
import type { Store } from '../store/store.ts';
import { type ProvisionDeps, type Provisioned, provisionTogether, type Request, TOGETHER } from './provision.ts';
import type { LiveTenant } from './tenants.ts';

export interface MembershipDeps extends ProvisionDeps {
  store: Pick<Store, 'people' | 'apply' | 'groups'>;
}

/** `reset`: exactly those of `add`, of this source; else those come and those of `remove` go. */
export interface MemberChange {
  reset: boolean;
  add: readonly string[];
  remove: readonly string[];
}

export interface MembersMoved {
  changed: number;
  /** Ids to be added that are no user's here. */
  unknown: string[];
  /** Were to go, and are still there because somebody put them in by hand. */
  byHand: string[];
}

type Asker = Pick<Request, 'live' | 'stands' | 'allows' | 'actor' | 'reference'>;
const askerOf = ({ live, stands, allows, actor, reference }: Asker): Asker => ({
  live,
  ...(stands && { stands }),
  ...(allows && { allows }),
  actor,
  reference,
});

interface Moving extends Asker {
  group: Group;
  change: MemberChange;
  by: GroupSource;
  /** What the directory says from now on of somebody it never spoke of before. */
  adopt: (state: UserState) => DirectoryStatement;
}

/** What an id of ours can look like: anything else is nobody's, and may be no text to a database. */
const OURS = /^[\w-]{1,64}$/;

/**
 * Plans those people only whose membership differs. A request that was cut off goes on where it was when it is made again. A whole list is looked at once
 * more when it is done: what another node wrote meanwhile is set right, so that of two lists that are said at once the later one stands, and no mixture.
 */
export async function moveMembers(deps: MembershipDeps, moving: Moving): Promise<MembersMoved> {
  const moved: MembersMoved = { changed: 0, unknown: [], byHand: [] };
  for (let left = moving.change.reset ? LOOKS : 1; left > 0; left--) {
    const steps = await stepsOf(deps, moving, moved);
    for (let i = 0; i < steps.length; i += TOGETHER) {
      if (i > 0) await breathe();
      await take(deps, moving, { steps: steps.slice(i, i + TOGETHER), moved });
    }
    if (steps.length === 0) break;
    if (left > 1 && left < LOOKS) await new Promise((resolve) => setTimeout(resolve, Math.random() * 50));
  }
  return { ...moved, unknown: [...new Set(moved.unknown)], byHand: [...new Set(moved.byHand)] };
}

const LOOKS = 20;

interface Step {
  userId: string;
  member: boolean;
}

async function stepsOf(deps: MembershipDeps, { change, group, by }: Moving, moved: MembersMoved): Promise<Step[]> {
  const there = change.reset ? new Set(await deps.store.groups.memberIds(group.tenantId, group.id, by)) : null;
  const wanted = new Set(change.add);
  // Who is known to be nobody is not asked for again.
  const nobody = new Set(moved.unknown);
  const come = [...wanted].filter((id) => !there?.has(id) && !nobody.has(id));
  const go = there ? [...there].filter((id) => !wanted.has(id)) : [...new Set(change.remove)].filter((id) => !wanted.has(id));
  moved.unknown.push(...come.filter((id) => !OURS.test(id)));
  return [
    ...come.filter((id) => OURS.test(id)).map((userId) => ({ userId, member: true })),
    ...go.filter((id) => OURS.test(id)).map((userId) => ({ userId, member: false })),
  ];
}

async function take(deps: MembershipDeps, moving: Moving, { steps, moved }: { steps: Step[]; moved: MembersMoved }): Promise<void> {
  const done = await provisionTogether(
    deps,
    steps.map(({ userId, member }) => requestOf(moving, userId, member)),
  );
  done.forEach((one, n) => {
    note(moved, steps[n]!, one, moving.group.id);
  });
}

function note(moved: MembersMoved, { userId, member }: { userId: string; member: boolean }, done: Provisioned | Refusal, groupId: string): void {
  if (done instanceof Refusal) {
    if (done.code !== 'not-found') throw done;
    if (member) moved.unknown.push(userId);
    return;
  }
  if (done.plan.changes.length > 0) moved.changed++;
  if (!member && done.after.memberships.some((m) => m.groupId === groupId)) moved.byHand.push(userId);
}

function requestOf(moving: Moving, userId: string, member: boolean) {
  const { by, adopt } = moving;
  const { id, displayName, externalId } = moving.group;
  const intent: Intent = { kind: 'group', group: { id, displayName, externalId }, by, member, adopt };
  return { ...askerOf(moving), intent, lookup: { by: 'user' as const, userId }, ...(by === 'directory' && { action: 'UPDATE' as const }) };
}

interface Settling extends Asker {
  group: Group;
  /** Larger groups are left to the worker: a client does not wait for fifty thousand people. */
  most: number;
}

/**
 * A group has a new name or externalId: conclude again for everybody in it. The row says that this is owed until it is done, so that a
 * process that dies leaves it to the next. Where rules are bound by id nothing comes of it.
 */
export async function settleGroup(deps: MembershipDeps, { group, most, ...asker }: Settling): Promise<void> {
  for (let after: string | null = null, seen = 0; ; ) {
    const page: { userId: string }[] = await deps.store.groups.members(group.tenantId, group.id, { after, limit: TOGETHER });
    const intent: Intent = { kind: 'remap' };
    await provisionTogether(
      deps,
      page.map(({ userId }) => ({ ...asker, intent, lookup: { by: 'user', userId } })),
    );
    if (page.length < TOGETHER) return deps.store.groups.settle(group);
    seen += page.length;
    if (seen >= most) return;
    after = page.at(-1)!.userId;
    await breathe();
  }
}

/** What no request finished. How many groups were settled. */
export async function settleGroups(
  deps: MembershipDeps,
  tenants: { get(id: string): LiveTenant | null },
  allows: (live: LiveTenant, userId: string) => Promise<'limit' | null>,
): Promise<number> {
  let settled = 0;
  for (const group of await deps.store.groups.unsettled(20)) {
    const live = tenants.get(group.tenantId);
    if (!live) continue;
    const asker = { live, actor: 'serve', reference: null, allows: (userId: string) => allows(live, userId) };
    await settleGroup(deps, { ...asker, group, most: Number.POSITIVE_INFINITY });
    settled++;
  }
  return settled;
}
