/** apply: the operations of one delivery, each once, in their order; all groups of a kind in one call. */
import { type Applied, type Attempt, type Held, type Operation, type Resource, TerminalFailure, TransientFailure } from '../connector.ts';
import { addBundle, removeBundle } from './bundles.ts';
import { addCourse, type Ground, removeCourse } from './courses.ts';
import type { Enrolments } from './enrolments.ts';
import type { Groups, Outcome } from './groups.ts';
import { evidenceOf } from './held.ts';

interface Parts {
  enrolments: Enrolments;
  groups: Groups;
}

export function createApply({ enrolments, groups }: Parts) {
  return async (account: { id: string; held: Held | null }, operations: Operation[], attempt: Attempt): Promise<Applied[]> => {
    const ground = groundOf(enrolments, account, { operations, attempt });
    const outcomes = new Map<Operation, Outcome>();
    let stopped: TransientFailure | TerminalFailure | null = null;
    for (const step of stepsOf(operations)) {
      const told: Outcome[] = stopped ? step.map(() => stopped!) : await tried(() => perform(step, ground, groups), step.length);
      step.forEach((operation, at) => void outcomes.set(operation, told[at]!));
      // What concerns everybody would only be heard again.
      stopped ??= told.find(concernsAll) ?? null;
    }
    return operations.map((operation) => ({ operation, outcome: outcomes.get(operation)! }));
  };
}

function groundOf(
  enrolments: Enrolments,
  { id, held }: { id: string; held: Held | null },
  { operations, attempt }: { operations: Operation[]; attempt: Attempt },
): Ground {
  const contents = new Map<string, Promise<string[]>>();
  return {
    ...{ accountId: id, enrolments, evidence: evidenceOf(held), desired: attempt.desired, signal: attempt.signal },
    doomed: new Set(operations.filter(({ kind, resource }) => kind === 'remove' && resource.kind === 'course').map(({ resource }) => resource.id)),
    contents(bundleId) {
      const known = contents.get(bundleId) ?? enrolments.coursesOfBundle(bundleId, attempt.signal);
      contents.set(bundleId, known);
      return known;
    },
  };
}

/** One by one, but groups together where the first of them stands. */
function stepsOf(operations: Operation[]): Operation[][] {
  const steps: Operation[][] = [];
  const together = new Map<Operation['kind'], Operation[]>();
  for (const operation of operations) {
    const open = operation.resource.kind === 'group' ? together.get(operation.kind) : undefined;
    if (open) open.push(operation);
    else steps.push([operation]);
    if (!open && operation.resource.kind === 'group') together.set(operation.kind, steps.at(-1)!);
  }
  return steps;
}

async function perform(step: Operation[], ground: Ground, groups: Groups): Promise<Outcome[]> {
  const [{ kind, resource }] = step as [Operation];
  const { accountId, signal } = ground;
  const resources: Resource[] = step.map((operation) => operation.resource);
  switch (resource.kind) {
    case 'group':
      return kind === 'add' ? groups.add(accountId, resources, signal) : groups.remove(accountId, resources, signal);
    case 'course':
      return [await (kind === 'add' ? addCourse : removeCourse)(ground, resource)];
    case 'bundle':
      return [await (kind === 'add' ? addBundle : removeBundle)(ground, resource)];
    case 'target':
      return [new TerminalFailure('unsupported', 'Thinkific knows courses, bundles and groups, not our targets themselves')];
  }
}

async function tried(work: () => Promise<Outcome[]>, count: number): Promise<Outcome[]> {
  try {
    return await work();
  } catch (error) {
    if (!isFailure(error)) throw error;
    return Array.from({ length: count }, () => error);
  }
}

const isFailure = (error: unknown): error is TransientFailure | TerminalFailure =>
  error instanceof TransientFailure || error instanceof TerminalFailure;
const concernsAll = (outcome: Outcome): outcome is TransientFailure | TerminalFailure => typeof outcome !== 'string' && outcome.scope === 'platform';
